//! Multiplexed layout, each convolution one matrix.
//!
//! The layout is that of [`super::multiplexed`]. Selecting and gathering channels is fused into the matrix of the
//! convolution, which takes one level and no copies: vectors have exactly the slots of their values.
//!
//! In effect it is the single-shot product of Orion (arXiv 2311.03470; see [`super::diagonal`]) with a split into steps
//! made for few keys: the kernel's taps are baby steps, hoisted; rows, where taps are too many, and grids are giant
//! steps by Horner's rule, with a key for each of the two. Diagonals are encoded one giant step at a time.

use fhe_ckks::CkksError;

use super::{Aim, Scheme, Slots};
use crate::encrypted::circuit::Circuit;
use crate::encrypted::layout::{self, Layout};
use crate::encrypted::matvec::MatVecPlan;
use crate::encrypted::schedule::Term;

/// See the module.
pub struct Fused;

impl Scheme for Fused {
    const NAME: &'static str = "fused";

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
        let plan = MatVecPlan::new(&matrix, term.from);
        let x = slots.at(term.x, level, term.from.slots().max(to.slots()))?;
        let product = slots.multiply(&x, &matrix, &plan, Aim::Linear)?;
        slots.at(&product, level, to.slots())
    }
}
