//! ModRaise under an ephemeral sparse secret (ePrint 2022/024, algorithm 1), and the trace onto sparse slots.

use fhe_ckks::{Ciphertext, CkksError, Evaluator, KeyKind, Parameters};
use fhe_ring::{Basis, Ntt, Poly};

/// The rotations whose sum projects a polynomial onto those in X^(N/2n).
pub(super) fn trace_steps(params: &Parameters, slots: usize) -> impl Iterator<Item = i64> + use<> {
    let max = params.max_slots();
    std::iter::successors(Some(slots), |&s| Some(2 * s)).take_while(move |&s| s < max).map(|s| s as i64)
}

/// From modulo q₀ to modulo all main primes, through the ephemeral secret. The slots are stated at `scale`.
///
/// # Errors
/// A missing key of encapsulation, or of the trace.
pub(super) fn mod_raise(evaluator: &Evaluator, input: &Ciphertext, scale: f64) -> Result<Ciphertext, CkksError> {
    let params = evaluator.params();
    let mut lowest = input.clone();
    evaluator.drop_to(&mut lowest, 0);
    let sparse = evaluator.switch(&lowest, evaluator.keys().get(KeyKind::DenseToSparse, 0)?);
    let parts = sparse.parts().each_ref().map(|part| raise(params, part));
    let raised = Ciphertext::from_parts(parts, scale, input.slots());
    let mut dense = evaluator.switch(&raised, evaluator.keys().get(KeyKind::SparseToDense, params.max_level())?);
    for step in trace_steps(params, input.slots()) {
        let rotated = evaluator.rotate(&dense, step)?;
        evaluator.add_assign(&mut dense, &rotated)?;
    }
    Ok(dense)
}

/// A polynomial modulo q₀, centred, modulo all main primes.
fn raise(params: &Parameters, part: &Poly<Ntt>) -> Poly<Ntt> {
    let ring = params.ring();
    let q0 = ring.main()[0].modulus();
    let coefficients = part.clone().into_coefficients();
    let centred: Vec<i64> = coefficients.limbs()[0].iter().map(|&c| q0.center(c)).collect();
    Poly::from_signed(ring, Basis::main(params.max_level() + 1), &centred).into_ntt()
}
