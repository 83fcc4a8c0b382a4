//! Single-shot convolutions (Orion; Ebel et al., arXiv 2311.03470).
//!
//! On the multiplexed layout a convolution of any stride is one matrix with few diagonals, in one level. It is
//! evaluated like any matrix, by baby and giant steps with double hoisting: [`fhe_circuits::linear`] chooses the split.
//! This needs more keys than [`super::fused`], and all diagonals of a layer are encoded at once, when the evaluation
//! reaches the layer.

use fhe_ckks::CkksError;

use super::{Levels, Operand, Scheme, Slots};
use crate::encrypted::layout::{self, Layout};
use crate::encrypted::slots::TargetScale;

/// See the module.
pub(super) struct Diagonal;

impl Scheme for Diagonal {
    const NAME: &'static str = "diagonal";

    fn layout(channels: usize, side: usize) -> Layout {
        Layout::multiplexed(channels, side)
    }

    fn product<S: Slots>(
        slots: &mut S,
        levels: Levels,
        operand: &Operand<'_, S::Vector>,
        to: Layout,
        factor: f64,
    ) -> Result<S::Vector, CkksError> {
        let Operand { conv, x, from, .. } = *operand;
        let level = levels.convolution;
        let matrix = layout::convolution(conv, from, to, factor);
        let x = slots.reshape(x, level, from.slots().max(to.slots()))?;
        let product = slots.transform(&x, &matrix, from, TargetScale::Linear)?;
        slots.reshape(&product, level, to.slots())
    }
}
