//! Several images in one ciphertext, as many as the ring has room for.
//!
//! Slot i of image b is slot i·B + b of the ciphertext, for B images. A rotation by d slots of each image is one of d·B of
//! the ciphertext, whole images wrap around alone, and a diagonal has each of its numbers B times: whatever works on one
//! image works on B at the cost of one, as long as slots are left. Layout and convolutions are those of [`super::fused`].

use fhe_ckks::CkksError;

use super::fused::Fused;
use super::{Scheme, Slots};
use crate::encrypted::circuit::Circuit;
use crate::encrypted::layout::Layout;
use crate::encrypted::schedule::Term;

/// See the module.
pub struct Batch;

impl Scheme for Batch {
    const NAME: &'static str = "batch";

    fn images(max_slots: usize, slots: usize) -> usize {
        (max_slots / slots).max(1)
    }

    fn layout(channels: usize, side: usize) -> Layout {
        Fused::layout(channels, side)
    }

    fn product<S: Slots>(
        slots: &mut S,
        circuit: &Circuit,
        term: &Term<'_, S::Vector>,
        to: Layout,
        factor: f64,
    ) -> Result<S::Vector, CkksError> {
        Fused::product(slots, circuit, term, to, factor)
    }
}
