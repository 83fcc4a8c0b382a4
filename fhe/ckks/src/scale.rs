//! The range of scales, and the rounding of scaled constants.

use fhe_ring::Basis;

use crate::error::CkksError;
use crate::params::Parameters;

/// log2 of the largest scaled constant, so that it fits a signed integer of 128 bits with room for a sum.
const MOST_BITS: f64 = 126.0;

/// Returns the scale if it is a positive normal number: below that, values decode to infinity.
pub(crate) fn check(operation: &'static str, scale: f64) -> Result<f64, CkksError> {
    if scale.is_normal() && scale > 0.0 { Ok(scale) } else { Err(CkksError::Scale { operation, found: scale }) }
}

/// Returns log2 of the bound of scales that a serialised ciphertext may have at this level: its modulus, in which a
/// slot of 1 must fit, and at most 2^126.
pub(crate) fn most_log2(params: &Parameters, level: usize) -> f64 {
    params.ring().log_modulus(Basis::main(level + 1)).min(MOST_BITS)
}

/// Rounds a scaled constant to an integer, as [`Evaluator::combine`](crate::Evaluator::combine) takes it.
///
/// # Errors
/// [`CkksError::NotFinite`] if the value is NaN, [`CkksError::EncodingOverflow`] if it is 2^126 or more.
pub fn integer(value: f64) -> Result<i128, CkksError> {
    within(value, MOST_BITS)
}

/// Rounds c·`scale` to an integer that a ciphertext at `level` can hold.
pub(crate) fn constant(params: &Parameters, level: usize, c: f64, scale: f64) -> Result<i128, CkksError> {
    if !c.is_finite() {
        return Err(CkksError::NotFinite { index: 0, value: c });
    }
    let half_modulus = params.ring().log_modulus(Basis::main(level + 1)) - 1.0;
    within(c * scale, half_modulus.min(MOST_BITS))
}

fn within(value: f64, limit: f64) -> Result<i128, CkksError> {
    if value.is_nan() {
        return Err(CkksError::NotFinite { index: 0, value });
    }
    let found = value.abs().log2();
    if found < limit { Ok(value.round() as i128) } else { Err(CkksError::EncodingOverflow { found, limit }) }
}
