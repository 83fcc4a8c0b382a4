//! The server's half of the scheme: arithmetic on ciphertexts, without the secret key.
//!
//! Every operation that returns a ciphertext states its level and scale in the line that begins with "Result:". The
//! slots are those of the operands.

mod multiply;
mod switch;

use std::sync::Arc;

use fhe_ring::meter::{Primitive, scope};
use fhe_ring::{Basis, Limb, Modulus, Ntt, Poly};
use num_complex::Complex64;
use rayon::prelude::*;

use crate::ciphertext::Ciphertext;
use crate::encoder::Plaintext;
use crate::error::CkksError;
use crate::extended::CHUNK;
use crate::keys::EvaluationKeys;
use crate::params::Parameters;
use crate::scale;

/// Evaluates on ciphertexts with evaluation keys. It never holds a secret key.
///
/// ```
/// use fhe_ckks::{Evaluator, KeyRequest, Parameters, ParametersLiteral, SecretDistribution, SecretKey};
/// use rand::SeedableRng;
///
/// # fn main() -> Result<(), fhe_ckks::CkksError> {
/// let params = Parameters::try_from(ParametersLiteral {
///     log_n: 10,
///     main_bits: vec![50, 40],
///     special_bits: vec![50],
///     secret: SecretDistribution::UniformTernary,
///     ephemeral_weight: None,
///     insecure: true, // A ring this small is for demonstration only.
///     kernels: None,
/// })?;
/// let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
/// let secret = SecretKey::generate(&params, &mut rng);
/// let mut request = KeyRequest::default();
/// request.relinearization(&params, 1);
/// request.rotation(&params, 1, 0);
/// let evaluator = Evaluator::new(&params, request.generate(&secret, &mut rng));
///
/// let scale = params.prime(1);
/// let a = secret.encrypt_real(&[1.0, 2.0, 3.0, 4.0], 1, scale, &mut rng)?;
/// let square = evaluator.square_rescale(&a)?;
/// let rotated = evaluator.rotate(&square, 1)?;
/// for (found, expected) in secret.decrypt_real(&rotated).iter().zip([4.0, 9.0, 16.0, 1.0]) {
///     assert!((found - expected).abs() < 1e-6);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Evaluator {
    params: Parameters,
    keys: Arc<EvaluationKeys>,
}

impl Evaluator {
    /// Returns an evaluator that uses these keys.
    pub fn new(params: &Parameters, keys: EvaluationKeys) -> Self {
        Self { params: params.clone(), keys: Arc::new(keys) }
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The keys.
    pub fn keys(&self) -> &EvaluationKeys {
        &self.keys
    }

    /// Lowers `a` to the level of `b` if that is lower, so that `b` holds every prime of `a`.
    fn align(&self, operation: &'static str, a: &mut Ciphertext, b: &Ciphertext) -> Result<(), CkksError> {
        CkksError::check_slots(operation, a.slots, b.slots)?;
        CkksError::check_scales(operation, a.scale, b.scale)?;
        if b.level() < a.level() { self.drop_to(a, b.level()) } else { Ok(()) }
    }

    /// Returns `a + b`.
    ///
    /// Result: the lower level of both, the scale of `a`.
    ///
    /// # Errors
    /// [`CkksError::SlotMismatch`] or [`CkksError::ScaleMismatch`] if the operands differ in slots or scale.
    pub fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let mut sum = a.clone();
        self.add_assign(&mut sum, b)?;
        Ok(sum)
    }

    /// Adds `b` to `a` in place.
    ///
    /// Result: the lower level of both, the scale of `a`.
    ///
    /// # Errors
    /// Those of [`Evaluator::add`].
    pub fn add_assign(&self, a: &mut Ciphertext, b: &Ciphertext) -> Result<(), CkksError> {
        self.align("addition", a, b)?;
        a.parts.iter_mut().zip(&b.parts).for_each(|(a, b)| a.add_assign(b));
        Ok(())
    }

    /// Returns `a − b`.
    ///
    /// Result: the lower level of both, the scale of `a`.
    ///
    /// # Errors
    /// Those of [`Evaluator::add`].
    pub fn sub(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let mut difference = a.clone();
        self.align("subtraction", &mut difference, b)?;
        difference.parts.iter_mut().zip(&b.parts).for_each(|(a, b)| a.sub_assign(b));
        Ok(difference)
    }

    /// Returns `−a`.
    ///
    /// Result: the level and scale of `a`.
    pub fn negate(&self, a: &Ciphertext) -> Ciphertext {
        let mut negated = a.clone();
        negated.parts.iter_mut().for_each(Poly::negate);
        negated
    }

    /// Returns `a + plaintext`.
    ///
    /// Result: the level and scale of `a`.
    ///
    /// # Errors
    /// [`CkksError::ScaleMismatch`] if the scales differ, [`CkksError::SlotMismatch`] if the slots of `a` are not a
    /// multiple of the plaintext's, [`CkksError::LevelTooLow`] if the plaintext was encoded for a lower level.
    pub fn add_plain(&self, a: &Ciphertext, plaintext: &Plaintext) -> Result<Ciphertext, CkksError> {
        CkksError::check_scales("plaintext addition", a.scale, plaintext.scale)?;
        check_plain("plaintext addition", a.level(), a.slots, plaintext)?;
        let mut sum = a.clone();
        sum.parts[0].add_assign(&plaintext.poly.expand());
        Ok(sum)
    }

    /// Returns `a + c` in every slot.
    ///
    /// Result: the level and scale of `a`.
    ///
    /// # Errors
    /// [`CkksError::NotFinite`] if `c` is NaN or infinite, [`CkksError::EncodingOverflow`] if `c` times the scale
    /// exceeds half the modulus of the level.
    pub fn add_constant(&self, a: &Ciphertext, c: impl Into<Complex64>) -> Result<Ciphertext, CkksError> {
        let c = c.into();
        if c.im != 0.0 {
            return self.add_plain(a, &self.params.encode(&[c], a.scale, a.basis())?);
        }
        let c = scale::constant(&self.params, a.level(), c.re, a.scale)?;
        let mut sum = a.clone();
        if c != 0 {
            add_integer(&mut sum.parts[0], c);
        }
        Ok(sum)
    }

    /// Removes the primes above `level` in place. The slots keep their values.
    ///
    /// Result: `level`, the scale of `a`.
    ///
    /// # Errors
    /// [`CkksError::LevelTooLow`] if `a` is below `level`.
    pub fn drop_to(&self, a: &mut Ciphertext, level: usize) -> Result<(), CkksError> {
        check_level("lowering", a.level(), level)?;
        a.parts.iter_mut().for_each(|p| p.restrict(Basis::main(level + 1)));
        Ok(())
    }

    /// Returns a copy of `a` without the primes above `level`. The slots keep their values.
    ///
    /// Result: `level`, the scale of `a`.
    ///
    /// # Errors
    /// [`CkksError::LevelTooLow`] if `a` is below `level`.
    pub fn lowered(&self, a: &Ciphertext, level: usize) -> Result<Ciphertext, CkksError> {
        check_level("lowering", a.level(), level)?;
        let parts = a.parts.each_ref().map(|p| p.restricted(Basis::main(level + 1)));
        Ok(Ciphertext { parts, scale: a.scale, slots: a.slots })
    }
}

/// Fails if an operand's level is below the one that an operation needs.
fn check_level(operation: &'static str, found: usize, wanted: usize) -> Result<(), CkksError> {
    if found < wanted { Err(CkksError::LevelTooLow { operation, found, wanted }) } else { Ok(()) }
}

/// Fails if a plaintext cannot meet ciphertexts of this level and number of slots.
fn check_plain(operation: &'static str, level: usize, slots: usize, plaintext: &Plaintext) -> Result<(), CkksError> {
    // A vector of period n is also one of every multiple of n.
    if !slots.is_multiple_of(plaintext.slots) {
        return Err(CkksError::SlotMismatch { operation, found: plaintext.slots, wanted: slots });
    }
    check_level(operation, plaintext.poly.basis().main - 1, level)
}

/// Adds the constant polynomial c.
fn add_integer(poly: &mut Poly<Ntt>, c: i128) {
    let ring = poly.ring().clone();
    let size = CHUNK.min(ring.n());
    poly.limbs_mut().par_iter_mut().zip(ring.main()).for_each(|(limb, table)| {
        let _scope = scope(Primitive::Arithmetic);
        let constants = constants(table.modulus(), c, size);
        limb.chunks_exact_mut(size).for_each(|chunk| table.kernels().add(table.modulus(), chunk, &constants));
    });
}

/// Returns `count` copies of c modulo m: a constant polynomial has the same value at every evaluation point.
fn constants(m: &Modulus, c: i128, count: usize) -> Limb {
    let mut constants = Limb::recycled(count);
    constants.fill(residue(m, c));
    constants
}

/// Returns the residue of a signed integer.
fn residue(m: &Modulus, c: i128) -> u64 {
    c.rem_euclid(m.value() as i128) as u64
}
