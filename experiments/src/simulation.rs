//! The noise that simulations draw: of which case it is.

use fhe_nn::simulated::CalibratedCase;

use crate::case::Case;

/// What the noise of a case depends on.
pub fn calibrated_case(case: &Case) -> CalibratedCase {
    let literal = case.params.literal();
    CalibratedCase {
        ring_dim: case.described.ring_dim,
        relu: case.described.relu.clone(),
        packing: case.described.packing.clone(),
        main_bits: literal.main_bits.clone(),
        special_bits: literal.special_bits.clone(),
    }
}
