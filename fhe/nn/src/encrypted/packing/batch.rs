//! Several images in one ciphertext, as many as the ring has room for.
//!
//! The slots of the images are interleaved (see [`Interleave`](crate::encrypted::interleave::Interleave)), and their
//! imaginary parts hold as many images as their real parts. So one evaluation serves all of them: only EvalMod and
//! activations run for each part. Layout and convolutions are those of [`super::fused`].

use fhe_ckks::CkksError;

use super::fused::Fused;
use super::{Levels, Operand, Scheme, Slots};
use crate::encrypted::layout::Layout;

/// See the module.
pub(super) struct Batch;

impl Scheme for Batch {
    const NAME: &'static str = "batch";
    const SPREADS: bool = Fused::SPREADS;

    const COMPLEX: bool = true;

    fn stride(max_slots: usize, slots: usize) -> usize {
        (max_slots / slots).max(1)
    }

    fn layout(channels: usize, side: usize) -> Layout {
        Fused::layout(channels, side)
    }

    fn product<S: Slots>(
        slots: &mut S,
        levels: Levels,
        operand: &Operand<'_, S::Vector>,
        to: Layout,
        factor: f64,
    ) -> Result<S::Vector, CkksError> {
        Fused::product(slots, levels, operand, to, factor)
    }
}
