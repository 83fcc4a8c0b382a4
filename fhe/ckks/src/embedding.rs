//! The canonical embedding of CKKS (Cheon, Kim, Kim and Song, ePrint 2016/421), as a fast Fourier transform.
//!
//! A vector of n complex slots is a real polynomial m of degree below 2n in Y = X^(N/2n): slot j is m(ζ^(5^j)) with
//! ζ = exp(2πi/4n). The transform works on the complex vector of coefficients c_j + i·c_(j+n).

use std::collections::HashMap;
use std::f64::consts::PI;
use std::sync::{Arc, Mutex};

use num_complex::Complex64;

/// The transform for n slots.
pub struct Embedding {
    slots: usize,
    /// The twiddle factors of blocks of 2^(k + 1) slots at index k.
    twiddles: Vec<Vec<Complex64>>,
}

impl Embedding {
    /// The transform for `slots` slots, a power of two.
    pub fn new(slots: usize) -> Self {
        assert!(slots.is_power_of_two(), "{slots} slots");
        let levels = slots.trailing_zeros();
        let twiddles = (0..levels)
            .map(|k| {
                // ζ_(4·block)^(5^j) for blocks of 2^(k + 1).
                let order = 8usize << k;
                let powers_of_five = std::iter::successors(Some(1), |&p| Some(p * 5 % order)).take(1 << k);
                powers_of_five.map(|p| Complex64::cis(2.0 * PI * p as f64 / order as f64)).collect()
            })
            .collect();
        Self { slots, twiddles }
    }

    /// Number of slots n.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// The twiddle factors of the butterflies in blocks of `block` slots: ζ_(4·block)^(5^j), ζ_k a primitive k-th root of
    /// unity.
    pub fn twiddles(&self, block: usize) -> &[Complex64] {
        &self.twiddles[block.trailing_zeros() as usize - 1]
    }

    /// Coefficients to slots, in place.
    pub fn to_slots(&self, values: &mut [Complex64]) {
        assert_eq!(values.len(), self.slots);
        bit_reverse(values);
        let mut block = 2;
        while block <= self.slots {
            self.butterflies(values, block, |u, v, w| (u + v * w, u - v * w));
            block *= 2;
        }
    }

    /// Slots to coefficients, in place.
    pub fn to_coefficients(&self, values: &mut [Complex64]) {
        assert_eq!(values.len(), self.slots);
        let mut block = self.slots;
        while block >= 2 {
            self.butterflies(values, block, |u, v, w| (u + v, (u - v) * w.conj()));
            block /= 2;
        }
        bit_reverse(values);
        let scale = 1.0 / self.slots as f64;
        values.iter_mut().for_each(|v| *v *= scale);
    }

    fn butterflies(
        &self,
        values: &mut [Complex64],
        block: usize,
        f: impl Fn(Complex64, Complex64, Complex64) -> (Complex64, Complex64),
    ) {
        let twiddles = self.twiddles(block);
        for part in values.chunks_exact_mut(block) {
            let (upper, lower) = part.split_at_mut(block / 2);
            for ((u, v), &w) in upper.iter_mut().zip(lower).zip(twiddles) {
                (*u, *v) = f(*u, *v, w);
            }
        }
    }
}

/// Exchanges every entry with the one at the bit-reversed place.
pub fn bit_reverse<T>(values: &mut [T]) {
    let n = values.len();
    if n > 2 {
        for i in 0..n {
            let j = i.reverse_bits() >> (usize::BITS - n.trailing_zeros());
            if i < j {
                values.swap(i, j);
            }
        }
    }
}

/// The transforms in use, made when first asked for.
#[derive(Default)]
pub(crate) struct Embeddings(Mutex<HashMap<usize, Arc<Embedding>>>);

impl Embeddings {
    pub(crate) fn get(&self, slots: usize) -> Arc<Embedding> {
        let mut known = self.0.lock().expect("no holder panics");
        known.entry(slots).or_insert_with(|| Arc::new(Embedding::new(slots))).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_direct_evaluation_and_inverts() {
        for slots in [1usize, 2, 4, 8, 64] {
            let embedding = Embedding::new(slots);
            let coefficients: Vec<f64> = (0..2 * slots).map(|i| ((i * i + 3) % 11) as f64 - 5.0).collect();
            let mut values: Vec<_> =
                (0..slots).map(|j| Complex64::new(coefficients[j], coefficients[j + slots])).collect();
            let original = values.clone();
            embedding.to_slots(&mut values);
            for (j, v) in values.iter().enumerate() {
                let exponent = (0..j).fold(1, |p, _| p * 5 % (4 * slots));
                let zeta = Complex64::cis(2.0 * PI * exponent as f64 / (4 * slots) as f64);
                let direct: Complex64 = coefficients.iter().rev().fold(Complex64::default(), |sum, &c| sum * zeta + c);
                assert!((v - direct).norm() < 1e-10 * slots as f64, "slot {j} of {slots}: {v} {direct}");
            }
            embedding.to_coefficients(&mut values);
            assert!(values.iter().zip(&original).all(|(a, b)| (a - b).norm() < 1e-12 * slots as f64));
        }
    }
}
