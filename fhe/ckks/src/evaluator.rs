//! The server's half: arithmetic on ciphertexts.

use std::sync::Arc;

use fhe_ring::{Basis, Modulus, Ntt, Poly};

use crate::ciphertext::Ciphertext;
use crate::encoder::Plaintext;
use crate::error::CkksError;
use crate::keys::{EvaluationKeys, KeyKind, SwitchingKey};
use crate::params::Parameters;

/// Scales closer than this ratio are the same: far below the noise, far above rounding in the scale's own arithmetic.
const SCALE_TOLERANCE: f64 = 1e-9;

/// Evaluates on ciphertexts with evaluation keys. It has no place for a secret key.
#[derive(Clone)]
pub struct Evaluator {
    params: Parameters,
    keys: Arc<EvaluationKeys>,
}

/// The gadget digits of a polynomial, raised for keys of one shape: what rotations of the same ciphertext share.
pub struct Digits {
    digits: Vec<Poly<Ntt>>,
    digit: usize,
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

    /// Both operands at the lower of their levels.
    fn aligned(
        &self,
        operation: &'static str,
        a: &mut Ciphertext,
        b: &Ciphertext,
    ) -> Result<[Poly<Ntt>; 2], CkksError> {
        check_slots(operation, a.slots, b.slots)?;
        let level = a.level().min(b.level());
        self.drop_to(a, level);
        Ok(b.parts.each_ref().map(|p| p.restricted(Basis::main(level + 1))))
    }

    /// `a + b` at the lower level.
    pub fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let mut sum = a.clone();
        self.add_assign(&mut sum, b)?;
        Ok(sum)
    }

    /// `a ← a + b` at the lower level.
    pub fn add_assign(&self, a: &mut Ciphertext, b: &Ciphertext) -> Result<(), CkksError> {
        check_scales("addition", a.scale, b.scale)?;
        let b = self.aligned("addition", a, b)?;
        a.parts.iter_mut().zip(&b).for_each(|(a, b)| a.add_assign(b));
        Ok(())
    }

    /// `a − b` at the lower level.
    pub fn sub(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, CkksError> {
        check_scales("subtraction", a.scale, b.scale)?;
        let mut difference = a.clone();
        let b = self.aligned("subtraction", &mut difference, b)?;
        difference.parts.iter_mut().zip(&b).for_each(|(a, b)| a.sub_assign(b));
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
        check_scales("plaintext addition", a.scale, plaintext.scale)?;
        self.check_plain("plaintext addition", a, plaintext)?;
        let mut sum = a.clone();
        sum.parts[0].add_assign(&plaintext.poly.expand().restricted(a.basis()));
        Ok(sum)
    }

    /// `a + c` in every slot.
    pub fn add_constant(&self, a: &Ciphertext, c: f64) -> Ciphertext {
        let mut sum = a.clone();
        let scaled = (c * a.scale).round() as i128;
        // A constant polynomial has the same value at every evaluation point.
        let ring = self.params.ring().clone();
        let basis = a.basis();
        for (limb, m) in sum.parts[0].limbs_mut().iter_mut().zip(ring.moduli(basis)) {
            let c = residue(m, scaled);
            limb.iter_mut().for_each(|x| *x = m.add(*x, c));
        }
        sum
    }

    // Multiplication.

    /// `a·b`, relinearised and not rescaled, at the lower level. The scales multiply.
    pub fn multiply(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, CkksError> {
        self.multiply_and_drop(a, b, 0)
    }

    /// `a·b`, relinearised and rescaled in one division: cheaper and less noisy than one after the other.
    pub fn multiply_rescale(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, CkksError> {
        self.multiply_and_drop(a, b, 1)
    }

    /// `a²`, relinearised and rescaled in one division.
    pub fn square_rescale(&self, a: &Ciphertext) -> Result<Ciphertext, CkksError> {
        self.multiply_and_drop(a, a, 1)
    }

    fn multiply_and_drop(&self, a: &Ciphertext, b: &Ciphertext, drop: usize) -> Result<Ciphertext, CkksError> {
        check_slots("multiplication", a.slots, b.slots)?;
        let level = a.level().min(b.level());
        if level < drop {
            return Err(CkksError::LevelTooLow { operation: "multiplication", found: level, wanted: drop });
        }
        let key = self.keys.get(KeyKind::Relinearization, level)?;
        // The lower operand decides the primes of each product.
        let (low, high) = if a.level() <= b.level() { (a, b) } else { (b, a) };
        let [l0, l1] = &low.parts;
        let [h0, h1] = &high.parts;
        let d0 = l0.mul(h0);
        let d1 = Poly::dot(&[(l0, h1), (l1, h0)]);
        let d2 = l1.mul(h1);
        let [mut g0, mut g1] = self.gadget_product(&self.decompose(&d2, key), key);
        self.add_lifted(&mut g0, &d0, key);
        self.add_lifted(&mut g1, &d1, key);
        let scale = (0..drop).fold(a.scale * b.scale, |scale, k| scale / self.params.prime(level - k));
        let parts = Poly::divide_round([g0, g1], level + 1 - drop);
        Ok(Ciphertext { parts, scale, slots: a.slots })
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
    pub fn multiply_constant(&self, a: &Ciphertext, c: f64, scale: f64) -> Ciphertext {
        let c = (c * scale).round() as i128;
        let parts = a.parts.each_ref().map(|p| p.scaled(|m| residue(m, c)));
        Ciphertext { parts, scale: a.scale * scale, slots: a.slots }
    }

    /// `sum ← sum + a·c` for the integer `c`; `a` may be at a higher level. The caller keeps the scales in step.
    pub fn add_scaled(&self, sum: &mut Ciphertext, a: &Ciphertext, c: i128) {
        for (sum, a) in sum.parts.iter_mut().zip(&a.parts) {
            sum.add_scaled(a, |m| residue(m, c));
        }
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

    // Key switching.

    /// The gadget digits of a polynomial for keys of `key`'s shape.
    pub fn decompose(&self, poly: &Poly<Ntt>, key: &SwitchingKey) -> Digits {
        let shape = key.shape();
        Digits { digits: poly.mod_up(shape.digit, shape.special), digit: shape.digit }
    }

    /// Σ dⱼ·keyⱼ over main and special primes: P times the switched polynomial.
    ///
    /// # Panics
    /// If the digits were made for keys of another shape.
    pub fn gadget_product(&self, digits: &Digits, key: &SwitchingKey) -> [Poly<Ntt>; 2] {
        assert_eq!(digits.digit, key.shape().digit, "digits for keys of another shape");
        [0, 1].map(|part| {
            let terms: Vec<_> = digits.digits.iter().zip(&key.digits).map(|(d, key)| (d, &key[part])).collect();
            Poly::dot(&terms)
        })
    }

    /// `sum ← sum + P·poly`, P the special modulus of `key`: puts a polynomial beside a gadget product.
    pub fn add_lifted(&self, sum: &mut Poly<Ntt>, poly: &Poly<Ntt>, key: &SwitchingKey) {
        let ring = self.params.ring();
        let main = sum.basis().main;
        let special = &ring.special()[..key.shape().special];
        let p_mod = |m: &Modulus| special.iter().fold(1, |p, t| m.mul(p, m.reduce(t.modulus().value())));
        let backend = ring.backend();
        use rayon::prelude::*;
        sum.limbs_mut()[..main].par_iter_mut().zip(&poly.limbs()[..main]).enumerate().for_each(|(i, (sum, limb))| {
            let m = ring.main()[i].modulus();
            backend.add_scaled(m, sum, limb, m.shoup(p_mod(m)));
        });
    }

    /// Switches `a` as if it were encrypted under the key's source secret.
    pub fn switch(&self, a: &Ciphertext, key: &SwitchingKey) -> Ciphertext {
        let [mut g0, g1] = self.gadget_product(&self.decompose(&a.parts[1], key), key);
        self.add_lifted(&mut g0, &a.parts[0], key);
        let parts = Poly::divide_round([g0, g1], a.level() + 1);
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
        let switched = self.switch(a, self.keys.get(KeyKind::Galois(galois), a.level())?);
        let permutation = self.params.ring().permutation(galois);
        let parts = switched.parts.each_ref().map(|p| p.automorphism(&permutation));
        Ok(Ciphertext { parts, ..switched })
    }

    /// The rotations of one ciphertext by each of `steps`: its digits are raised once (hoisting).
    ///
    /// Digits are shared by keys of one shape; all keys of one level have the same.
    pub fn rotate_hoisted(&self, a: &Ciphertext, steps: &[i64]) -> Result<Vec<Ciphertext>, CkksError> {
        let mut shared: Option<(crate::params::KeyShape, Digits)> = None;
        steps
            .iter()
            .map(|&steps| {
                let galois = self.params.galois_of_rotation(steps);
                if galois == 1 {
                    return Ok(a.clone());
                }
                let key = self.keys.get(KeyKind::Galois(galois), a.level())?;
                if shared.as_ref().is_none_or(|(shape, _)| *shape != key.shape()) {
                    shared = Some((key.shape(), self.decompose(&a.parts[1], key)));
                }
                let (_, digits) = shared.as_ref().expect("made above");
                let [mut g0, g1] = self.gadget_product(digits, key);
                self.add_lifted(&mut g0, &a.parts[0], key);
                let permutation = self.params.ring().permutation(galois);
                let parts = Poly::divide_round([g0, g1], a.level() + 1).map(|p| p.automorphism(&permutation));
                Ok(Ciphertext { parts, scale: a.scale, slots: a.slots })
            })
            .collect()
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

/// The residue of a signed integer.
fn residue(m: &Modulus, c: i128) -> u64 {
    c.rem_euclid(m.value() as i128) as u64
}

fn check_slots(operation: &'static str, wanted: usize, found: usize) -> Result<(), CkksError> {
    if wanted == found { Ok(()) } else { Err(CkksError::SlotMismatch { operation, found, wanted }) }
}

fn check_scales(operation: &'static str, wanted: f64, found: f64) -> Result<(), CkksError> {
    match (found / wanted - 1.0).abs() < SCALE_TOLERANCE {
        true => Ok(()),
        false => Err(CkksError::ScaleMismatch { operation, found, wanted }),
    }
}
