//! Real and imaginary parts of slots that hold images of their own.

use fhe_ckks::{Ciphertext, CkksError, Evaluator};

/// The function of the real parts and that of the imaginary parts of complex slots, as the parts of one ciphertext.
///
/// The function gets parts at twice the scale of `x`: z + z̄ is twice the real part.
///
/// # Errors
/// A missing key of the conjugation, and the function's errors.
pub(super) fn apart(
    evaluator: &Evaluator,
    x: &Ciphertext,
    mut function: impl FnMut(&Ciphertext) -> Result<Ciphertext, CkksError>,
) -> Result<Ciphertext, CkksError> {
    let conjugate = evaluator.conjugate(x)?;
    let twice = |mut part: Ciphertext| {
        part.set_scale(2.0 * x.scale());
        part
    };
    let mut real = function(&twice(evaluator.add(x, &conjugate)?))?;
    // z̄ − z is −2i·Im z.
    let imaginary = function(&twice(evaluator.multiply_by_i(&evaluator.sub(&conjugate, x)?)))?;
    evaluator.add_assign(&mut real, &evaluator.multiply_by_i(&imaginary))?;
    Ok(real)
}
