//! Encoding: vectors of numbers to plaintext polynomials and back.

use fhe_ring::{Basis, Coefficients, CompactPoly, Poly};
use num_complex::Complex64;

use crate::error::CkksError;
use crate::params::Parameters;

/// An encoded vector: round(scale·m) with m the polynomial whose slots are the vector.
#[derive(Clone)]
pub struct Plaintext {
    pub(crate) poly: CompactPoly,
    /// What the values were multiplied by.
    pub(crate) scale: f64,
    pub(crate) slots: usize,
}

impl Plaintext {
    /// What the values were multiplied by before rounding.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Number of slots.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// The polynomial.
    pub fn poly(&self) -> &CompactPoly {
        &self.poly
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.poly.bytes()
    }
}

impl Parameters {
    fn check_slots(&self, slots: usize) -> Result<(), CkksError> {
        match slots.is_power_of_two() && slots <= self.max_slots() {
            true => Ok(()),
            false => Err(CkksError::Slots { found: slots, max: self.max_slots() }),
        }
    }

    /// Encodes complex slots at `scale`, modulo the primes of `basis`. The number of slots is the vector's length, a
    /// power of two up to N/2; a vector of period n costs least when given as n slots, and serves as any multiple of n.
    pub fn encode(&self, values: &[Complex64], scale: f64, basis: Basis) -> Result<Plaintext, CkksError> {
        self.check_slots(values.len())?;
        if !(scale.is_finite() && scale > 0.0) {
            let wanted = "a positive number".to_owned();
            return Err(CkksError::Parameters { what: "scale", found: scale.to_string(), wanted });
        }
        if let Some((index, v)) = values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            return Err(CkksError::NotFinite { index, value: if v.re.is_finite() { v.im } else { v.re } });
        }
        let mut coefficients = values.to_vec();
        self.embeddings().get(values.len()).to_coefficients(&mut coefficients);
        let scaled = |part: fn(&Complex64) -> f64| coefficients.iter().map(move |c| part(c) * scale);
        let all = scaled(|c| c.re).chain(scaled(|c| c.im));
        let largest = all.clone().fold(0.0, |max: f64, c| max.max(c.abs()));
        // Coefficients are centred modulo the product of the main primes, and pass through signed words.
        let limit = (self.ring().log_modulus(Basis::main(basis.main)) - 1.0).min(62.0);
        if largest.log2() >= limit {
            return Err(CkksError::EncodingOverflow { found: largest.log2(), limit });
        }
        let mut rounded: Vec<i64> = all.map(|c| c.round() as i64).collect();
        // The smallest transform is larger than the smallest encodings: their coefficients are spread out in it.
        let size = rounded.len().max(fhe_ring::ntt::MIN_NTT);
        if size > rounded.len() {
            let mut spread = vec![0; size];
            spread.iter_mut().step_by(size / rounded.len()).zip(&rounded).for_each(|(s, &c)| *s = c);
            rounded = spread;
        }
        let poly = CompactPoly::from_signed(self.ring(), basis, &rounded);
        Ok(Plaintext { poly, scale, slots: values.len() })
    }

    /// Encodes real slots; see [`Parameters::encode`].
    pub fn encode_real(&self, values: &[f64], scale: f64, basis: Basis) -> Result<Plaintext, CkksError> {
        let values: Vec<Complex64> = values.iter().map(|&v| v.into()).collect();
        self.encode(&values, scale, basis)
    }

    /// The slots of a polynomial that stands for them at `scale`.
    pub(crate) fn decode(&self, poly: &Poly<Coefficients>, scale: f64, slots: usize) -> Vec<Complex64> {
        let gap = self.max_slots() / slots;
        let coefficient = centred_coefficients(poly, gap);
        let mut values: Vec<Complex64> =
            (0..slots).map(|j| Complex64::new(coefficient[j] / scale, coefficient[j + slots] / scale)).collect();
        self.embeddings().get(slots).to_slots(&mut values);
        values
    }
}

/// Every `gap`-th coefficient as a centred integer, rounded to a double.
///
/// Garner's mixed-radix digits, each centred: a small negative integer then has small digits, so that no precision is
/// lost to the size of the modulus.
fn centred_coefficients(poly: &Poly<Coefficients>, gap: usize) -> Vec<f64> {
    let moduli: Vec<_> = poly.ring().moduli(poly.basis()).copied().collect();
    // inverses[i][j] = qⱼ⁻¹ mod qᵢ.
    let inverses: Vec<Vec<u64>> =
        moduli.iter().enumerate().map(|(i, q)| moduli[..i].iter().map(|p| q.inv(p.value())).collect()).collect();
    (0..poly.ring().n())
        .step_by(gap)
        .map(|at| {
            let mut digits = Vec::with_capacity(moduli.len());
            for (i, q) in moduli.iter().enumerate() {
                let mut x = poly.limbs()[i][at];
                for (&digit, &inverse) in digits.iter().zip(&inverses[i]) {
                    x = q.mul(q.sub(x, q.reduce_signed(digit)), inverse);
                }
                digits.push(q.center(x));
            }
            digits.iter().zip(&moduli).rev().fold(0.0, |sum, (&d, q)| sum * q.value() as f64 + d as f64)
        })
        .collect()
}
