//! Products of ciphertexts with ciphertexts, plaintexts and constants, and rescaling.

use std::slice::from_ref;

use fhe_ring::arch::MAX_LAZY_PRODUCTS;
use fhe_ring::meter::{Primitive, scope};
use fhe_ring::{Basis, Ntt, Poly};
use num_complex::Complex64;

use super::{Evaluator, check_level, check_plain, constants, residue};
use crate::ciphertext::Ciphertext;
use crate::encoder::Plaintext;
use crate::error::CkksError;
use crate::extended::{self, CHUNK, Chunk};
use crate::keyswitch::Digits;
use crate::scale;
use crate::shape::{KeyKind, MOST_CONVERTED};

impl Evaluator {
    /// Returns `a·b`, relinearised and not rescaled.
    ///
    /// Result: the lower level of both, the product of the scales.
    ///
    /// # Errors
    /// [`CkksError::SlotMismatch`] if the slots differ, [`CkksError::MissingKey`] if there is no relinearization key
    /// for the level, [`CkksError::Scale`] if the product of the scales is out of range.
    pub fn multiply(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, CkksError> {
        self.combine(&[(a, b)], &[], 0, a.level().min(b.level()), 0)
    }

    /// Returns `a·b`, relinearised and rescaled in one division: cheaper and less noisy than one after the other.
    ///
    /// Result: one below the lower level ℓ of both, the product of the scales over the prime of ℓ.
    ///
    /// # Errors
    /// Those of [`Evaluator::multiply`]; [`CkksError::LevelTooLow`] at level 0.
    pub fn multiply_rescale(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, CkksError> {
        self.combine(&[(a, b)], &[], 0, a.level().min(b.level()), 1)
    }

    /// Returns `a²`, relinearised and rescaled in one division.
    ///
    /// Result: one level below `a`, the square of its scale over the prime of its level.
    ///
    /// # Errors
    /// Those of [`Evaluator::multiply_rescale`].
    pub fn square_rescale(&self, a: &Ciphertext) -> Result<Ciphertext, CkksError> {
        self.multiply_rescale(a, a)
    }

    /// Returns `Σ aᵢ·bᵢ + Σ cⱼ·wⱼ + constant` with integers wⱼ, relinearised once and divided once by the last `drop`
    /// primes. Polynomial evaluation consists of such sums.
    ///
    /// All summands count at the scale of the products, before the division: the caller chooses the integers so.
    /// Without products they count at the scale of the first linear term, and the integers are factors.
    ///
    /// Result: level `level − drop`, the scale of the summands over the dropped primes.
    ///
    /// # Errors
    /// [`CkksError::SlotMismatch`] or [`CkksError::ScaleMismatch`] if operands differ in slots or products in scale,
    /// [`CkksError::LevelTooLow`] if an operand is below `level` or `level` below `drop`, [`CkksError::MissingKey`] if
    /// there is no relinearization key for the level, [`CkksError::Scale`] if the result's scale is out of range,
    /// [`CkksError::Parameters`] if `drop` and the key's special primes are more than one division takes.
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
        let (scale, slots) = check_summands(operation, products, linear, level, drop)?;
        let scale = (0..drop).fold(scale, |scale, k| scale / self.params.prime(level - k));
        scale::check(operation, scale)?;
        let key = if products.is_empty() { None } else { Some(self.keys.get(KeyKind::Relinearization, level)?) };
        let dropped = drop + key.map_or(0, |key| key.shape().special);
        if dropped > MOST_CONVERTED {
            return Err(CkksError::Parameters {
                what: "primes that one division drops",
                found: dropped.to_string(),
                wanted: format!("at most {MOST_CONVERTED}: drop fewer and rescale afterwards"),
            });
        }

        let (basis, kept) = (Basis::main(level + 1), level + 1 - drop);
        let parts = match key {
            None => {
                let parts: [Poly<Ntt>; 2] = self.tensor(basis, products, linear, constant);
                if drop == 0 { parts } else { Poly::divide_round(parts, kept) }
            }
            Some(key) => {
                let [first, second, quadratic] = self.tensor(basis, products, linear, constant);
                Digits::new(&quadratic, key.shape()).product(key, [Some(&first), Some(&second)]).divide(kept)
            }
        };
        Ok(Ciphertext { parts, scale, slots })
    }

    /// Returns the parts of `Σ aᵢ·bᵢ + Σ cⱼ·wⱼ + constant` that belong to 1, s and, if there are products, s².
    ///
    /// It makes one pass over the limbs, chunk by chunk: each part reads its operands while they are in cache.
    fn tensor<const M: usize>(
        &self,
        basis: Basis,
        products: &[(&Ciphertext, &Ciphertext)],
        linear: &[(&Ciphertext, i128)],
        constant: i128,
    ) -> [Poly<Ntt>; M] {
        /// The halves whose products add up to each part.
        const PAIRS: [&[(usize, usize)]; 3] = [&[(0, 0)], &[(0, 1), (1, 0)], &[(1, 1)]];
        extended::compute(self.params.ring(), basis, |whole| {
            let (kernels, m) = (whole.kernels(), *whole.modulus());
            // A diagonal of one element, which serves the whole chunk.
            let factors: Vec<u64> = linear.iter().map(|(_, w)| residue(&m, *w)).collect();
            let constants = constants(&m, constant, CHUNK.min(whole.len()));
            move |chunk: &Chunk<'_>, parts: [&mut [u64]; M]| {
                let _scope = scope(Primitive::CiphertextProduct);
                for (part, out) in parts.into_iter().enumerate() {
                    let terms = products.iter().flat_map(|&(a, b)| {
                        PAIRS[part].iter().map(move |&(x, y)| (chunk.of(&a.parts[x]), chunk.of(&b.parts[y])))
                    });
                    kernels.dot_all(&m, out, &terms.collect::<Vec<_>>(), 0);
                    if part < 2 {
                        let multiples = linear.iter().zip(&factors);
                        let multiples = multiples.map(|((c, _), w)| (chunk.of(&c.parts[part]), from_ref(w)));
                        let multiples: Vec<(&[u64], &[u64])> = multiples.collect();
                        for terms in multiples.chunks(MAX_LAZY_PRODUCTS) {
                            kernels.dot(&m, out, true, terms, out.len().ilog2());
                        }
                    }
                    if part == 0 && constant != 0 {
                        kernels.add(&m, out, &constants);
                    }
                }
            }
        })
    }

    /// Returns `a·plaintext`, not rescaled.
    ///
    /// Result: the level of `a`, the product of the scales.
    ///
    /// # Errors
    /// Those of [`Evaluator::dot_plain`].
    pub fn multiply_plain(&self, a: &Ciphertext, plaintext: &Plaintext) -> Result<Ciphertext, CkksError> {
        self.dot_plain(&[(a, plaintext)])
    }

    /// Returns `Σ aᵢ·wᵢ` with plaintexts wᵢ, not rescaled, in one pass over the ciphertexts.
    ///
    /// Result: the lowest level of the ciphertexts, the product of the scales.
    ///
    /// # Errors
    /// [`CkksError::SlotMismatch`] if the ciphertexts differ in slots or these are not a multiple of a plaintext's,
    /// [`CkksError::ScaleMismatch`] if two products differ in scale, [`CkksError::LevelTooLow`] if a plaintext was
    /// encoded for a level below the result's, [`CkksError::Scale`] if the product of the scales is out of range.
    ///
    /// # Panics
    /// If there is no term.
    pub fn dot_plain(&self, terms: &[(&Ciphertext, &Plaintext)]) -> Result<Ciphertext, CkksError> {
        let operation = "plaintext multiplication";
        let &(first, plain) = terms.first().expect("at least one term");
        let (scale, slots) = (scale::check(operation, first.scale * plain.scale)?, first.slots);
        let level = terms.iter().map(|(a, _)| a.level()).min().expect("at least one term");
        for (a, w) in terms {
            CkksError::check_slots(operation, slots, a.slots)?;
            CkksError::check_scales(operation, scale, a.scale * w.scale)?;
            check_plain(operation, level, slots, w)?;
        }
        let parts = [0, 1].map(|part| {
            let products: Vec<_> = terms.iter().map(|(a, w)| (&a.parts[part], &w.poly)).collect();
            Poly::dot_compact(self.params.ring(), Basis::main(level + 1), &products)
        });
        Ok(Ciphertext { parts, scale, slots })
    }

    /// Returns `a·c` for an integer c.
    ///
    /// Result: the level and scale of `a`.
    pub fn multiply_integer(&self, a: &Ciphertext, c: i64) -> Ciphertext {
        let mut product = a.clone();
        product.parts.iter_mut().for_each(|p| p.scale(|m| m.reduce_signed(c)));
        product
    }

    /// Returns `a·c` in every slot, with c·`scale` rounded to an integer; not rescaled.
    ///
    /// Result: the level of `a`, its scale times `scale`.
    ///
    /// # Errors
    /// [`CkksError::NotFinite`] if `c` is NaN or infinite, [`CkksError::EncodingOverflow`] if c·`scale` exceeds half
    /// the modulus of the level, [`CkksError::Scale`] if `scale` or the result's scale is out of range.
    pub fn multiply_constant(&self, a: &Ciphertext, c: f64, scale: f64) -> Result<Ciphertext, CkksError> {
        let operation = "multiplication by a constant";
        let product = scale::check(operation, a.scale * scale::check(operation, scale)?)?;
        let c = scale::constant(&self.params, a.level(), c, scale)?;
        let parts = a.parts.each_ref().map(|p| p.scaled(|m| residue(m, c)));
        Ok(Ciphertext { parts, scale: product, slots: a.slots })
    }

    /// Returns `i·a` in every slot: the product with the monomial X^(N/2), which is exact.
    ///
    /// X^(N/2) is i in every slot, as slot j is the value at a root ω^(5^j) with 5^j ≡ 1 modulo 4.
    ///
    /// Result: the level and scale of `a`.
    pub fn multiply_by_i(&self, a: &Ciphertext) -> Ciphertext {
        let i = self.params.encode(&[Complex64::I], 1.0, a.basis()).expect("one finite slot fits every ring");
        Ciphertext { parts: a.parts.each_ref().map(|p| p.mul_compact(&i.poly)), scale: a.scale, slots: a.slots }
    }

    /// Divides by the last prime.
    ///
    /// Result: one level below `a`, its scale over the prime of its level.
    ///
    /// # Errors
    /// [`CkksError::LevelTooLow`] at level 0, [`CkksError::Scale`] if the result's scale is out of range.
    pub fn rescale(&self, a: Ciphertext) -> Result<Ciphertext, CkksError> {
        let level = a.level();
        check_level("rescaling", level, 1)?;
        let scale = scale::check("rescaling", a.scale / self.params.prime(level))?;
        Ok(Ciphertext { parts: Poly::divide_round(a.parts, level), scale, slots: a.slots })
    }
}

/// Returns the scale and the slots that the summands of [`Evaluator::combine`] have in common.
fn check_summands(
    operation: &'static str,
    products: &[(&Ciphertext, &Ciphertext)],
    linear: &[(&Ciphertext, i128)],
    level: usize,
    drop: usize,
) -> Result<(f64, usize), CkksError> {
    let operands = || products.iter().flat_map(|&(a, b)| [a, b]).chain(linear.iter().map(|&(c, _)| c));
    let slots = operands().next().expect("at least one summand").slots;
    let lowest = operands().map(Ciphertext::level).min().expect("at least one summand");
    operands().try_for_each(|c| CkksError::check_slots(operation, slots, c.slots))?;
    let scale = match (products, linear) {
        ([(a, b), ..], _) => a.scale * b.scale,
        ([], [(c, _), ..]) => c.scale,
        ([], []) => unreachable!("at least one summand"),
    };
    scale::check(operation, scale)?;
    products.iter().try_for_each(|(a, b)| CkksError::check_scales(operation, scale, a.scale * b.scale))?;
    check_level(operation, lowest, level)?;
    check_level(operation, level, drop)?;
    Ok((scale, slots))
}
