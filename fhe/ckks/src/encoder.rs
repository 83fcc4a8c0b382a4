//! Encoding: from vectors of numbers to plaintext polynomials and back.

use fhe_ring::meter::{Primitive, scope};
use fhe_ring::{Basis, Coefficients, CompactPoly, Poly};
use multiversion::multiversion;
use num_complex::Complex64;
use rayon::prelude::*;

use crate::error::CkksError;
use crate::params::Parameters;

/// An encoded vector: round(scale·m), where m is the polynomial whose slots are the vector.
#[derive(Clone)]
pub struct Plaintext {
    pub(crate) poly: CompactPoly,
    pub(crate) scale: f64,
    pub(crate) slots: usize,
}

impl Plaintext {
    /// The factor that the values were multiplied by before rounding.
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

    /// Bytes held in memory.
    pub fn bytes(&self) -> usize {
        self.poly.bytes()
    }
}

impl Parameters {
    fn check_slots(&self, slots: usize) -> Result<(), CkksError> {
        let max = self.max_slots();
        if slots.is_power_of_two() && slots <= max { Ok(()) } else { Err(CkksError::Slots { found: slots, max }) }
    }

    /// Encodes complex slots at `scale`, modulo the primes of `basis`. The number of slots is the length of the vector,
    /// a power of two up to N/2. Give a vector of period n as n slots: that is cheapest, and serves for any multiple of
    /// n.
    ///
    /// # Errors
    /// [`CkksError::Slots`] if the length is not a power of two up to N/2, [`CkksError::NotFinite`] if a value is NaN
    /// or infinite, [`CkksError::Parameters`] if the scale is not finite and positive, [`CkksError::EncodingOverflow`]
    /// if a scaled coefficient does not fit.
    pub fn encode(&self, values: &[Complex64], scale: f64, basis: Basis) -> Result<Plaintext, CkksError> {
        let (re, im) = values.iter().map(|v| (v.re, v.im)).unzip();
        self.encode_parts([re, im], scale, basis)
    }

    /// Encodes real slots as [`Parameters::encode`] encodes complex ones.
    ///
    /// # Errors
    /// Those of [`Parameters::encode`].
    pub fn encode_real(&self, values: &[f64], scale: f64, basis: Basis) -> Result<Plaintext, CkksError> {
        self.encode_parts([values.to_vec(), vec![0.0; values.len()]], scale, basis)
    }

    /// Encodes the vectors `vector(0)`, …, `vector(count − 1)` of real slots in parallel, two by one transform.
    ///
    /// # Errors
    /// Those of [`Parameters::encode`].
    pub fn encode_real_all(
        &self,
        count: usize,
        vector: impl Fn(usize) -> Vec<f64> + Sync,
        scale: f64,
        basis: Basis,
    ) -> Result<Vec<Plaintext>, CkksError> {
        let two = |k: usize| {
            if k + 1 < count {
                self.encode_real_pair([vector(k), vector(k + 1)], scale, basis).map(Vec::from)
            } else {
                self.encode_real(&vector(k), scale, basis).map(|one| vec![one])
            }
        };
        let pairs = (0..count.div_ceil(2)).into_par_iter().map(|pair| two(2 * pair));
        Ok(pairs.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// Encodes two vectors of real slots. If they have the same length, it takes one Fourier transform and one NTT.
    ///
    /// They are the real and imaginary parts of the slots of one polynomial r at half the scale; r + r̄ and
    /// (r − r̄)/X^(N/2) are twice these parts. The rounding is √2 times that of [`Parameters::encode_real`].
    ///
    /// # Errors
    /// Those of [`Parameters::encode`].
    pub fn encode_real_pair(
        &self,
        parts: [Vec<f64>; 2],
        scale: f64,
        basis: Basis,
    ) -> Result<[Plaintext; 2], CkksError> {
        if parts[0].len() != parts[1].len() {
            let [first, second] = parts.map(|part| self.encode_real(&part, scale, basis));
            return Ok([first?, second?]);
        }
        let slots = parts[0].len();
        // The sums may be twice as large as the rounded coefficients.
        let coefficients = self.rounded_coefficients(parts, scale / 2.0, basis, 1.0)?;
        let halves = CompactPoly::from_signed(self.ring(), basis, &coefficients).split();
        let _scope = scope(Primitive::Embed);
        drop(coefficients);
        Ok(halves.map(|poly| Plaintext { poly, scale, slots }))
    }

    fn encode_parts(&self, parts: [Vec<f64>; 2], scale: f64, basis: Basis) -> Result<Plaintext, CkksError> {
        let slots = parts[0].len();
        let coefficients = self.rounded_coefficients(parts, scale, basis, 0.0)?;
        Ok(Plaintext { poly: CompactPoly::from_signed(self.ring(), basis, &coefficients), scale, slots })
    }

    /// Returns the rounded coefficients, times `scale`, of the polynomial in a power of X whose slots have these real
    /// and imaginary parts. They stay `spare` bits below the bound of [`CkksError::EncodingOverflow`].
    fn rounded_coefficients(
        &self,
        [mut re, mut im]: [Vec<f64>; 2],
        scale: f64,
        basis: Basis,
        spare: f64,
    ) -> Result<Vec<i64>, CkksError> {
        let _scope = scope(Primitive::Embed);
        let slots = re.len();
        self.check_slots(slots)?;
        if !(scale.is_finite() && scale > 0.0) {
            let wanted = "a finite positive number".to_owned();
            return Err(CkksError::Parameters { what: "scale", found: scale.to_string(), wanted });
        }
        let parts = re.iter().zip(&im).map(|(re, im)| if re.is_finite() { *im } else { *re });
        if let Some((index, value)) = parts.enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(CkksError::NotFinite { index, value });
        }
        self.embeddings().get(slots).to_reversed_coefficients(&mut re, &mut im);
        // The transform leaves n times the coefficients, n a power of two.
        let factor = scale / slots as f64;
        let mut reversed = vec![0; slots];
        let mut rounded = Vec::with_capacity(2 * slots);
        let mut largest = 0.0_f64;
        for part in [re, im] {
            largest = largest.max(round_scaled(&part, factor, &mut reversed));
            let shift = (usize::BITS - slots.trailing_zeros()) % usize::BITS;
            rounded.extend((0..slots).map(|j| reversed[j.reverse_bits() >> shift]));
        }
        // Coefficients are centred modulo the product of the main primes, and pass through signed words.
        let limit = (self.ring().log_modulus(Basis::main(basis.main)) - 1.0).min(62.0);
        let found = largest.log2() + spare;
        if found >= limit {
            return Err(CkksError::EncodingOverflow { found, limit });
        }
        // Encodings smaller than the smallest transform are spread out in it.
        let size = rounded.len().max(fhe_ring::ntt::MIN_NTT);
        if size > rounded.len() {
            let mut spread = vec![0; size];
            spread.iter_mut().step_by(size / rounded.len()).zip(&rounded).for_each(|(s, &c)| *s = c);
            rounded = spread;
        }
        Ok(rounded)
    }

    /// Returns the slots of a polynomial that encodes them at `scale`.
    pub(crate) fn decode(&self, poly: &Poly<Coefficients>, scale: f64, slots: usize) -> Vec<Complex64> {
        let gap = self.max_slots() / slots;
        let coefficient = centred_coefficients(poly, gap);
        let mut values: Vec<Complex64> =
            (0..slots).map(|j| Complex64::new(coefficient[j] / scale, coefficient[j + slots] / scale)).collect();
        self.embeddings().get(slots).to_slots(&mut values);
        values
    }
}

/// Multiplies every value by `factor` and rounds it to the nearest integer, halves away from 0. Integers of 2^63 and
/// more saturate. Returns the largest magnitude before rounding.
#[multiversion(targets("x86_64+avx512f+avx512dq", "x86_64+avx2", "aarch64+neon"))]
fn round_scaled(values: &[f64], factor: f64, out: &mut [i64]) -> f64 {
    const LANES: usize = 8;
    let mut largest = [0.0_f64; LANES];
    let round = |value: f64, out: &mut i64, largest: &mut f64| {
        let value = value * factor;
        let magnitude = value.abs();
        *largest = if magnitude > *largest { magnitude } else { *largest };
        *out = value.round() as i64;
    };
    let ((values, last), (out, last_out)) = (values.as_chunks::<LANES>(), out.as_chunks_mut::<LANES>());
    for (values, out) in values.iter().zip(out) {
        (0..LANES).for_each(|k| round(values[k], &mut out[k], &mut largest[k]));
    }
    last.iter().zip(last_out).for_each(|(&value, out)| round(value, out, &mut largest[0]));
    largest.into_iter().fold(0.0, f64::max)
}

/// Returns every `gap`-th coefficient as a centred integer, rounded to a double.
///
/// It computes Garner's mixed-radix digits, each centred. A small negative integer then has small digits, and no
/// precision is lost to the size of the modulus.
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
