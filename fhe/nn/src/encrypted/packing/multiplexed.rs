//! Multiplexed layout, each convolution one matrix.
//!
//! The layout is that of multiplexed packing (Lee et al., ePrint 2021/1688): every stage keeps the 32 × 32 grid of the
//! image, and cells that strides widen are filled with channels. Vectors take exactly the slots of their values, so that
//! there is nothing to gain by copies.
//!
//! The convolution is the single-shot product of Orion (arXiv 2311.03470), with a split made for few keys in place of
//! the baby-step giant-step split of [`super::diagonal`]: a kernel's taps are the baby steps, hoisted; rows where taps
//! are too many, and grids, are giant steps by Horner's rule. Selecting and gathering channels after a stride is part
//! of the matrix, and one level is all it takes, where the published algorithm (`MultParConv`) spends two.

use fhe_ckks::CkksError;

use super::{Aim, Scheme, Slots};
use crate::encrypted::circuit::Circuit;
use crate::encrypted::layout::{self, Layout};
use crate::encrypted::matvec::MatVecPlan;
use crate::encrypted::schedule::Term;

/// See the module.
pub struct Multiplexed;

impl Scheme for Multiplexed {
    const NAME: &'static str = "multiplexed";

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
