//! The server's half: arithmetic on ciphertexts.

use std::sync::Arc;

use fhe_ring::{Basis, Limb, Modulus, Ntt, Poly, Shoup};
use num_complex::Complex64;
use rayon::prelude::*;

use crate::ciphertext::Ciphertext;
use crate::encoder::Plaintext;
use crate::error::CkksError;
use crate::keys::{EvaluationKeys, KeyKind, SwitchingKey};
use crate::keyswitch::{CHUNK, Digits, GaloisProduct};
use crate::params::Parameters;

/// Evaluates on ciphertexts with evaluation keys. It has no place for a secret key.
#[derive(Clone)]
pub struct Evaluator {
    params: Parameters,
    keys: Arc<EvaluationKeys>,
}

impl Evaluator {
    /// An evaluator over these keys.
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

    // Addition.

    /// `a` lowered to the level of `b` if that is lower, so that `b` holds every prime of `a`.
    fn align(&self, operation: &'static str, a: &mut Ciphertext, b: &Ciphertext) -> Result<(), CkksError> {
        CkksError::check_slots(operation, a.slots, b.slots)?;
        CkksError::check_scales(operation, a.scale, b.scale)?;
        if b.level() < a.level() {
            self.drop_to(a, b.level());
        }
        Ok(())
    }

    /// `a + b` at the lower level.
    pub fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let mut sum = a.clone();
        self.add_assign(&mut sum, b)?;
        Ok(sum)
    }

    /// `a ← a + b` at the lower level.
    pub fn add_assign(&self, a: &mut Ciphertext, b: &Ciphertext) -> Result<(), CkksError> {
        self.align("addition", a, b)?;
        a.parts.iter_mut().zip(&b.parts).for_each(|(a, b)| a.add_assign(b));
        Ok(())
    }

    /// `a − b` at the lower level.
    pub fn sub(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let mut difference = a.clone();
        self.align("subtraction", &mut difference, b)?;
        difference.parts.iter_mut().zip(&b.parts).for_each(|(a, b)| a.sub_assign(b));
        Ok(difference)
    }

    /// `−a`.
    pub fn negate(&self, a: &Ciphertext) -> Ciphertext {
        let mut negated = a.clone();
        negated.parts.iter_mut().for_each(Poly::negate);
        negated
    }

    /// `a + plaintext`; the plaintext reaches at least the ciphertext's level.
    pub fn add_plain(&self, a: &Ciphertext, plaintext: &Plaintext) -> Result<Ciphertext, CkksError> {
        CkksError::check_scales("plaintext addition", a.scale, plaintext.scale)?;
        self.check_plain("plaintext addition", a, plaintext)?;
        let mut sum = a.clone();
        sum.parts[0].add_assign(&plaintext.poly.expand());
        Ok(sum)
    }

    /// `a + c` in every slot.
    ///
    /// # Panics
    /// If c is not finite.
    pub fn add_constant(&self, a: &Ciphertext, c: f64) -> Ciphertext {
        let mut sum = a.clone();
        self.add_integer(&mut sum.parts[0], rounded(c * a.scale));
        sum
    }

    /// Adds a constant polynomial.
    fn add_integer(&self, poly: &mut Poly<Ntt>, c: i128) {
        if c != 0 {
            let ring = poly.ring().clone();
            let size = CHUNK.min(ring.n());
            poly.limbs_mut().par_iter_mut().zip(ring.main()).for_each(|(limb, table)| {
                let constants = constants(table.modulus(), c, size);
                limb.chunks_exact_mut(size).for_each(|chunk| table.kernels().add(table.modulus(), chunk, &constants));
            });
        }
    }

    // Multiplication.

    /// `a·b`, relinearised and not rescaled, at the lower level. The scales multiply.
    pub fn multiply(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, CkksError> {
        self.combine(&[(a, b)], &[], 0, a.level().min(b.level()), 0)
    }

    /// `a·b`, relinearised and rescaled in one division: cheaper and less noisy than one after the other.
    pub fn multiply_rescale(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, CkksError> {
        self.combine(&[(a, b)], &[], 0, a.level().min(b.level()), 1)
    }

    /// `a²`, relinearised and rescaled in one division.
    pub fn square_rescale(&self, a: &Ciphertext) -> Result<Ciphertext, CkksError> {
        self.multiply_rescale(a, a)
    }

    /// `Σ aᵢ·bᵢ + Σ cⱼ·wⱼ + constant` with integers wⱼ, computed at `level`, relinearised once and divided once by the
    /// last `drop` primes: what polynomial evaluation is made of.
    ///
    /// All summands are meant at the scale of the products, before the division: the caller chooses the integers so. Without
    /// products they are at the scale of the first linear term, and the integers are factors.
    ///
    /// # Errors
    /// Different slot counts, products at different scales, an operand below `level`, fewer than `drop` levels, or no
    /// relinearization key.
    ///
    /// # Panics
    /// If there is neither a product nor a linear term.
    pub fn combine(
        &self,
        products: &[(&Ciphertext, &Ciphertext)],
        linear: &[(&Ciphertext, i128)],
        constant: i128,
        level: usize,
        drop: usize,
    ) -> Result<Ciphertext, CkksError> {
        let operation = "multiplication";
        let operands = || products.iter().flat_map(|&(a, b)| [a, b]).chain(linear.iter().map(|&(c, _)| c));
        let first = operands().next().expect("at least one summand");
        let lowest = operands().map(Ciphertext::level).min().expect("at least one summand");
        operands().try_for_each(|c| CkksError::check_slots(operation, first.slots, c.slots))?;
        let scale = match (products, linear) {
            ([(a, b), ..], _) => a.scale * b.scale,
            ([], [(c, _), ..]) => c.scale,
            ([], []) => unreachable!("at least one summand"),
        };
        products.iter().try_for_each(|(a, b)| CkksError::check_scales(operation, scale, a.scale * b.scale))?;
        if lowest < level || level < drop {
            return Err(CkksError::LevelTooLow { operation, found: lowest.min(level), wanted: level.max(drop) });
        }

        let mut parts = self.tensor(Basis::main(level + 1), products, linear, constant);
        let quadratic = if products.is_empty() { None } else { parts.pop() };
        let mut parts: [Poly<Ntt>; 2] = parts.try_into().expect("two parts beside that of s²");
        if let Some(quadratic) = quadratic {
            let key = self.keys.get(KeyKind::Relinearization, level)?;
            parts = Digits::new(&quadratic, key.shape()).product(key, parts.each_ref().map(Some));
        }
        if parts[0].basis().len() > level + 1 - drop {
            parts = Poly::divide_round(parts, level + 1 - drop);
        }
        let scale = (0..drop).fold(scale, |scale, k| scale / self.params.prime(level - k));
        Ok(Ciphertext { parts, scale, slots: first.slots })
    }

    /// The parts of `Σ aᵢ·bᵢ + Σ cⱼ·wⱼ + constant` that stand beside 1, s and s²; the last is there if there are products.
    ///
    /// One pass over the limbs, chunk by chunk: each part takes what it needs of the operands while they are in cache.
    fn tensor(
        &self,
        basis: Basis,
        products: &[(&Ciphertext, &Ciphertext)],
        linear: &[(&Ciphertext, i128)],
        constant: i128,
    ) -> Vec<Poly<Ntt>> {
        /// The halves that meet in each part.
        const PAIRS: [&[(usize, usize)]; 3] = [&[(0, 0)], &[(0, 1), (1, 0)], &[(1, 1)]];
        let ring = self.params.ring();
        let count = if products.is_empty() { 2 } else { 3 };
        let size = CHUNK.min(ring.n());
        let limb = |i: usize| {
            let (kernels, m) = (ring.kernels(), ring.main()[i].modulus());
            let factors: Vec<Shoup> = linear.iter().map(|(_, w)| m.shoup(residue(m, *w))).collect();
            let constants = constants(m, constant, size);
            let mut parts: Vec<Limb> = (0..count).map(|_| Limb::recycled(ring.n())).collect();
            for first in (0..ring.n()).step_by(size) {
                for (part, out) in parts.iter_mut().enumerate() {
                    let (out, place) = (&mut out[first..][..size], &(i, first..first + size));
                    let terms = products.iter().flat_map(|&(a, b)| {
                        PAIRS[part].iter().map(move |&(x, y)| (a.chunk(x, place), b.chunk(y, place)))
                    });
                    kernels.dot_all(m, out, &terms.collect::<Vec<_>>(), 0);
                    if part < 2 {
                        let linear = linear.iter().zip(&factors);
                        linear.for_each(|((c, _), w)| kernels.add_scaled(m, out, c.chunk(part, place), *w));
                    }
                    if part == 0 && constant != 0 {
                        kernels.add(m, out, &constants);
                    }
                }
            }
            parts
        };
        let limbs: Vec<Vec<Limb>> = (0..basis.main).into_par_iter().map(limb).collect();
        let mut parts: Vec<Vec<Limb>> = (0..count).map(|_| Vec::with_capacity(basis.main)).collect();
        for limb in limbs {
            parts.iter_mut().zip(limb).for_each(|(part, limb)| part.push(limb));
        }
        parts.into_iter().map(|limbs| Poly::from_limbs(ring, basis, limbs)).collect()
    }

    /// `a·plaintext`, not rescaled. The scales multiply.
    pub fn multiply_plain(&self, a: &Ciphertext, plaintext: &Plaintext) -> Result<Ciphertext, CkksError> {
        self.check_plain("plaintext multiplication", a, plaintext)?;
        let parts = a.parts.each_ref().map(|p| p.mul_compact(&plaintext.poly));
        Ok(Ciphertext { parts, scale: a.scale * plaintext.scale, slots: a.slots })
    }

    /// `a·c` for an integer c; neither scale nor level change.
    pub fn multiply_integer(&self, a: &Ciphertext, c: i64) -> Ciphertext {
        let mut product = a.clone();
        product.parts.iter_mut().for_each(|p| p.scale(|m| m.reduce_signed(c)));
        product
    }

    /// `a·c` in every slot, with c rounded at `scale`; not rescaled.
    ///
    /// # Panics
    /// If c·scale is not finite.
    pub fn multiply_constant(&self, a: &Ciphertext, c: f64, scale: f64) -> Ciphertext {
        let c = rounded(c * scale);
        let parts = a.parts.each_ref().map(|p| p.scaled(|m| residue(m, c)));
        Ciphertext { parts, scale: a.scale * scale, slots: a.slots }
    }

    /// `i·a` in every slot: the product with the monomial X^(N/2), exact, and neither scale nor level change.
    ///
    /// X^(N/2) is i in every slot, as slot j is the value at a root ω^(5^j) with 5^j ≡ 1 modulo 4.
    pub fn multiply_by_i(&self, a: &Ciphertext) -> Ciphertext {
        let i = self.params.encode(&[Complex64::I], 1.0, a.basis()).expect("one finite slot fits every ring");
        Ciphertext { parts: a.parts.each_ref().map(|p| p.mul_compact(&i.poly)), scale: a.scale, slots: a.slots }
    }

    /// Divides by the last prime: one level lower, the scale smaller by that prime.
    pub fn rescale(&self, a: Ciphertext) -> Result<Ciphertext, CkksError> {
        let level = a.level();
        if level == 0 {
            return Err(CkksError::LevelTooLow { operation: "rescaling", found: 0, wanted: 1 });
        }
        let parts = Poly::divide_round(a.parts, level);
        Ok(Ciphertext { parts, scale: a.scale / self.params.prime(level), slots: a.slots })
    }

    /// Forgets primes above `level`; the values stay.
    ///
    /// # Panics
    /// If the ciphertext is below `level`.
    pub fn drop_to(&self, a: &mut Ciphertext, level: usize) {
        a.parts.iter_mut().for_each(|p| p.restrict(Basis::main(level + 1)));
    }

    /// A copy without the primes above `level`.
    ///
    /// # Panics
    /// If the ciphertext is below `level`.
    pub fn lowered(&self, a: &Ciphertext, level: usize) -> Ciphertext {
        let parts = a.parts.each_ref().map(|p| p.restricted(Basis::main(level + 1)));
        Ciphertext { parts, scale: a.scale, slots: a.slots }
    }

    // Key switching.

    /// `a`, encrypted under the key's source secret, under its target.
    pub fn switch(&self, a: &Ciphertext, key: &SwitchingKey) -> Ciphertext {
        let digits = Digits::new(&a.parts[1], key.shape());
        let switched = digits.product(key, [Some(&a.parts[0]), None]);
        let parts = Poly::divide_round(switched, a.level() + 1);
        Ciphertext { parts, scale: a.scale, slots: a.slots }
    }

    /// The slots rotated to the left by `steps`, to the right if negative.
    pub fn rotate(&self, a: &Ciphertext, steps: i64) -> Result<Ciphertext, CkksError> {
        self.apply_galois(a, self.params.galois_of_rotation(steps))
    }

    /// The complex conjugate of every slot.
    pub fn conjugate(&self, a: &Ciphertext) -> Result<Ciphertext, CkksError> {
        self.apply_galois(a, self.params.galois_of_conjugation())
    }

    fn apply_galois(&self, a: &Ciphertext, galois: u64) -> Result<Ciphertext, CkksError> {
        if galois == 1 {
            return Ok(a.clone());
        }
        let key = self.keys.get(KeyKind::Galois(galois), a.level())?;
        Ok(self.galois_from_digits(a, galois, key, &Digits::new(&a.parts[1], key.shape())))
    }

    fn galois_from_digits(&self, a: &Ciphertext, galois: u64, key: &SwitchingKey, digits: &Digits<'_>) -> Ciphertext {
        let switched = GaloisProduct::new(digits, key, galois).compute(&a.parts[0]);
        let parts = Poly::divide_round(switched, a.level() + 1);
        Ciphertext { parts, scale: a.scale, slots: a.slots }
    }

    /// The rotations of one ciphertext by each of `steps`: its digits are raised once for all keys of one shape
    /// (hoisting), which keys requested for one level are.
    pub fn rotate_hoisted(&self, a: &Ciphertext, steps: &[i64]) -> Result<Vec<Ciphertext>, CkksError> {
        let rotations = steps
            .iter()
            .map(|&steps| match self.params.galois_of_rotation(steps) {
                1 => Ok(None),
                galois => Ok(Some((galois, self.keys.get(KeyKind::Galois(galois), a.level())?))),
            })
            .collect::<Result<Vec<_>, CkksError>>()?;
        let mut shared: Vec<Digits<'_>> = Vec::new();
        for (_, key) in rotations.iter().flatten() {
            if shared.iter().all(|digits| digits.shape() != key.shape()) {
                shared.push(Digits::new(&a.parts[1], key.shape()));
            }
        }
        let rotated = rotations.into_par_iter().map(|rotation| match rotation {
            None => a.clone(),
            Some((galois, key)) => {
                let digits = shared.iter().find(|digits| digits.shape() == key.shape()).expect("one for each shape");
                self.galois_from_digits(a, galois, key, digits)
            }
        });
        Ok(rotated.collect())
    }

    /// Every slot the sum of `count` slots `stride` apart, `count` a power of two: log2(count) rotations by
    /// stride·2^k.
    ///
    /// # Panics
    /// If `count` is not a power of two.
    pub fn inner_sum(&self, a: &Ciphertext, stride: i64, count: usize) -> Result<Ciphertext, CkksError> {
        assert!(count.is_power_of_two(), "inner sum of {count} slots");
        let mut sum = a.clone();
        for k in 0..count.trailing_zeros() {
            let rotated = self.rotate(&sum, stride << k)?;
            self.add_assign(&mut sum, &rotated)?;
        }
        Ok(sum)
    }

    fn check_plain(&self, operation: &'static str, a: &Ciphertext, plaintext: &Plaintext) -> Result<(), CkksError> {
        // A vector of period n is one of every multiple of n.
        if !a.slots.is_multiple_of(plaintext.slots) {
            return Err(CkksError::SlotMismatch { operation, found: plaintext.slots, wanted: a.slots });
        }
        let found = plaintext.poly.basis().main - 1;
        match found < a.level() {
            true => Err(CkksError::LevelTooLow { operation, found, wanted: a.level() }),
            false => Ok(()),
        }
    }
}

/// A constant times its scale.
fn rounded(c: f64) -> i128 {
    assert!(c.abs() < 2f64.powi(126), "a constant times its scale is {c}");
    c.round() as i128
}

/// A constant polynomial has the same value at every evaluation point: so many of them.
fn constants(m: &Modulus, c: i128, count: usize) -> Limb {
    let mut constants = Limb::recycled(count);
    constants.fill(residue(m, c));
    constants
}

/// The residue of a signed integer.
fn residue(m: &Modulus, c: i128) -> u64 {
    c.rem_euclid(m.value() as i128) as u64
}
