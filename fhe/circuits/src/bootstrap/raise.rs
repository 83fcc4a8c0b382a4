//! ModRaise under an ephemeral sparse secret (ePrint 2022/024, algorithm 1), and the trace onto sparse slots.
//!
//! If the trace has few terms, both happen at once. The raised ciphertext (c₀, c₁) is under the ephemeral secret e, and
//! its trace is Σ σ(c₀) + Σ σ(c₁)·σ(e) over the rotations σ by multiples of the slot count. The first sum keeps the
//! coefficients of X^(N/2n) and its powers, times the number of terms; it is computed on integers, before a transform.
//! The second sum needs a key for each σ(e). These are cheap: raised coefficients are below q₀/2, so c₁ is its own and
//! only gadget digit, and special primes that cover q₀ suffice.

use fhe_ckks::{Ciphertext, CkksError, Evaluator, KeyKind, KeyRequest, KeyShape, Parameters, keyswitch};
use fhe_ring::meter::{Primitive, scope};
use fhe_ring::{Basis, Ntt, Poly};

/// The most terms of the trace that are part of the switch from the ephemeral secret, with a key each. The rest of the
/// trace is rotations and sums, with a key for each doubling.
const TERMS: usize = 8;

/// Returns the distance between the rotations that are part of the switch.
fn stride(max_slots: usize, slots: usize) -> usize {
    max_slots / (max_slots / slots).min(TERMS)
}

/// Returns the rotations after the switch.
fn steps(slots: usize, stride: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(slots), |&step| Some(2 * step)).take_while(move |&step| step < stride)
}

/// Returns the number of the trace's terms in the switch, and of the rotations after it.
pub(super) fn counts(max_slots: usize, slots: usize) -> [usize; 2] {
    let stride = stride(max_slots, slots);
    [max_slots / stride, steps(slots, stride).count()]
}

/// The trace from all slots to fewer.
pub(super) struct Trace {
    /// Exponents of the automorphisms that are part of the switch.
    images: Vec<u64>,
    /// Rotations after the switch, each followed by a sum.
    pub(super) steps: Vec<i64>,
}

impl Trace {
    /// Plans the trace to `slots` slots.
    pub(super) fn new(params: &Parameters, slots: usize) -> Self {
        let max = params.max_slots();
        let stride = stride(max, slots);
        let terms = max / stride;
        let images = (0..terms).map(|k| params.galois_of_rotation((k * stride) as i64)).collect();
        Self { images, steps: steps(slots, stride).map(|step| step as i64).collect() }
    }

    /// Asks for the keys of encapsulation and of the rotations.
    pub(super) fn request_keys(&self, params: &Parameters, request: &mut KeyRequest) {
        request.encapsulation(params, &self.images);
        self.steps.iter().for_each(|&step| request.rotation(params, step, params.max_level()));
    }
}

/// Raises a ciphertext from level 0 to the highest level, through the ephemeral secret.
///
/// Result: the highest level, stated at `scale`.
///
/// # Errors
/// [`CkksError::MissingKey`] if a key of encapsulation or of the trace is missing, [`CkksError::KeyShape`] if the keys
/// from the ephemeral secret differ in shape.
pub(super) fn mod_raise(evaluator: &Evaluator, input: &Ciphertext, scale: f64) -> Result<Ciphertext, CkksError> {
    let params = evaluator.params();
    let (top, trace) = (params.max_level(), Trace::new(params, input.slots()));
    let sparse = evaluator.switch(input, evaluator.keys().get(KeyKind::DenseToSparse, 0)?)?;

    let key = |&galois: &u64| Ok((galois, evaluator.keys().get(KeyKind::SparseToDense(galois), top)?));
    let keys = trace.images.iter().map(key).collect::<Result<Vec<_>, CkksError>>()?;
    let wanted = keys[0].1.shape();
    for (galois, key) in &keys {
        if key.shape() != wanted || wanted.digits() != 1 {
            return Err(CkksError::KeyShape { kind: KeyKind::SparseToDense(*galois), found: key.shape(), wanted });
        }
    }
    let KeyShape { main, special, .. } = wanted;
    let [c0, c1] = sparse.parts().each_ref().map(|part| centred(params, part));
    let terms = keys.len();
    let project = |(i, c): (usize, i64)| if i.is_multiple_of(terms) { c * terms as i64 } else { 0 };
    let c0: Vec<i64> = {
        let _scope = scope(Primitive::Arithmetic);
        c0.into_iter().enumerate().map(project).collect()
    };
    let raise = |c: &[i64], basis: Basis| Poly::from_signed(params.ring(), basis, c).into_ntt();
    let (c0, c1) = (raise(&c0, Basis::main(main)), raise(&c1, Basis { main, special }));
    let parts = keyswitch::sum_of_images(&c1, &keys, &c0).divide(main);
    let mut raised = Ciphertext::from_parts(parts, scale, input.slots());
    for step in trace.steps {
        let rotated = evaluator.rotate(&raised, step)?;
        evaluator.add_assign(&mut raised, &rotated)?;
    }
    Ok(raised)
}

/// Returns the coefficients of a polynomial modulo q₀, in ±q₀/2.
fn centred(params: &Parameters, part: &Poly<Ntt>) -> Vec<i64> {
    let q0 = params.ring().main()[0].modulus();
    let coefficients = part.clone().into_coefficients();
    let _scope = scope(Primitive::Arithmetic);
    coefficients.limbs()[0].iter().map(|&c| q0.center(c)).collect()
}
