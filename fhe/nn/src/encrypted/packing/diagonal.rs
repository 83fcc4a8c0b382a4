//! Single-shot convolutions (Orion; Ebel et al., arXiv 2311.03470).
//!
//! On the multiplexed layout a convolution of any stride is one matrix with few diagonals, in one level. It is taken as
//! any matrix would be, by baby and giant steps with double hoisting: see [`fhe_circuits::linear`], which chooses the
//! split. That takes more keys than [`super::fused`] does, and all diagonals of a layer are encoded at once, when
//! the layer is reached.

use fhe_ckks::CkksError;

use super::{Aim, Scheme, Slots};
use crate::encrypted::circuit::Circuit;
use crate::encrypted::layout::{self, Layout};
use crate::encrypted::schedule::Term;

/// See the module.
pub struct Diagonal;

impl Scheme for Diagonal {
    const NAME: &'static str = "diagonal";

    fn layout(channels: usize, side: usize) -> Layout {
        Layout::multiplexed(channels, side)
    }

    fn product<S: Slots>(
        slots: &mut S,
        circuit: &Circuit,
        term: &Term<'_, S::Vector>,
        to: Layout,
        factor: f64,
    ) -> Result<S::Vector, CkksError> {
        let level = circuit.convolution_level(term.conv.stride);
        let matrix = layout::convolution(term.conv, term.from, to, factor);
        let x = slots.at(term.x, level, term.from.slots().max(to.slots()))?;
        let product = slots.transform(&x, &matrix, term.from, Aim::Linear)?;
        slots.at(&product, level, to.slots())
    }
}
