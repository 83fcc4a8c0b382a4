//! The canonical embedding of CKKS (Cheon, Kim, Kim and Song, ePrint 2016/421), as a fast Fourier transform.
//!
//! A vector of n complex slots is a real polynomial m of degree below 2n in Y = X^(N/2n): slot j is m(ζ^(5^j)) with
//! ζ = exp(2πi/4n). The transform works on the complex vector of coefficients c_j + i·c_(j+n).

use std::collections::HashMap;
use std::f64::consts::PI;
use std::sync::{Arc, Mutex};

use multiversion::multiversion;
use num_complex::Complex64;

/// The transform for n slots.
pub struct Embedding {
    slots: usize,
    /// At index k the real and imaginary parts of the twiddle factors of blocks of 2^(k + 1) slots.
    twiddles: Vec<[Vec<f64>; 2]>,
}

impl Embedding {
    /// Prepares the transform for `slots` slots.
    ///
    /// # Panics
    /// If `slots` is not a power of two.
    pub fn new(slots: usize) -> Self {
        assert!(slots.is_power_of_two(), "{slots} slots");
        let levels = slots.trailing_zeros();
        let twiddles = (0..levels)
            .map(|k| {
                // ζ_(4·block)^(5^j) for blocks of 2^(k + 1).
                let order = 8usize << k;
                let powers_of_five = std::iter::successors(Some(1), |&p| Some(p * 5 % order)).take(1 << k);
                let roots = powers_of_five.map(|p| Complex64::cis(2.0 * PI * p as f64 / order as f64));
                let (re, im) = roots.map(|root| (root.re, root.im)).unzip();
                [re, im]
            })
            .collect();
        Self { slots, twiddles }
    }

    /// Number of slots n.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Returns the j-th twiddle factor of the butterflies in blocks of `block` slots: ζ_(4·block)^(5^j), where ζ_k is a
    /// primitive k-th root of unity.
    pub fn twiddle(&self, block: usize, j: usize) -> Complex64 {
        let [re, im] = &self.twiddles[block.trailing_zeros() as usize - 1];
        Complex64::new(re[j], im[j])
    }

    /// Takes coefficients to slots in place.
    pub fn to_slots(&self, values: &mut [Complex64]) {
        assert_eq!(values.len(), self.slots);
        bit_reverse(values);
        let mut block = 2;
        while block <= self.slots {
            for part in values.chunks_exact_mut(block) {
                let (upper, lower) = part.split_at_mut(block / 2);
                for (j, (u, v)) in upper.iter_mut().zip(lower).enumerate() {
                    let product = *v * self.twiddle(block, j);
                    (*u, *v) = (*u + product, *u - product);
                }
            }
            block *= 2;
        }
    }

    /// Takes slots to coefficients in place.
    pub fn to_coefficients(&self, values: &mut [Complex64]) {
        let (mut re, mut im): (Vec<f64>, Vec<f64>) = values.iter().map(|v| (v.re, v.im)).unzip();
        self.to_reversed_coefficients(&mut re, &mut im);
        bit_reverse(&mut re);
        bit_reverse(&mut im);
        let scale = 1.0 / self.slots as f64;
        let scaled = re.into_iter().zip(im).map(|(re, im)| Complex64::new(re * scale, im * scale));
        values.iter_mut().zip(scaled).for_each(|(v, scaled)| *v = scaled);
    }

    /// Takes slots to n times the coefficients in bit-reversed order. Real and imaginary parts are separate, as vector
    /// instructions need them.
    pub(crate) fn to_reversed_coefficients(&self, re: &mut [f64], im: &mut [f64]) {
        assert_eq!((re.len(), im.len()), (self.slots, self.slots));
        for [cos, sin] in self.twiddles.iter().rev() {
            match cos.len() {
                1 => small_level::<1, 2>(re, im, cos, sin),
                2 => small_level::<2, 4>(re, im, cos, sin),
                4 => small_level::<4, 8>(re, im, cos, sin),
                _ => level(re, im, cos, sin),
            }
        }
    }
}

/// Computes (u, v) ↦ (u + v, (u − v)·w̄) with w = cos + i·sin.
#[inline(always)]
fn butterfly([re, im]: [[&mut f64; 2]; 2], cos: f64, sin: f64) {
    let ([ur, vr], [ui, vi]) = (re, im);
    let (dr, di) = (*ur - *vr, *ui - *vi);
    (*ur, *ui) = (*ur + *vr, *ui + *vi);
    (*vr, *vi) = (dr * cos + di * sin, di * cos - dr * sin);
}

/// Computes a level of blocks of twice as many slots as there are twiddle factors.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2", "aarch64+neon"))]
fn level(re: &mut [f64], im: &mut [f64], cos: &[f64], sin: &[f64]) {
    let half = cos.len();
    let sin = &sin[..half];
    for (re, im) in re.chunks_exact_mut(2 * half).zip(im.chunks_exact_mut(2 * half)) {
        let ((ur, vr), (ui, vi)) = (re.split_at_mut(half), im.split_at_mut(half));
        let (vr, ui, vi) = (&mut vr[..half], &mut ui[..half], &mut vi[..half]);
        for j in 0..half {
            butterfly([[&mut ur[j], &mut vr[j]], [&mut ui[j], &mut vi[j]]], cos[j], sin[j]);
        }
    }
}

/// Computes a level of blocks of `BLOCK` = 2·`HALF` slots, which are short enough to be unrolled.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2", "aarch64+neon"))]
fn small_level<const HALF: usize, const BLOCK: usize>(re: &mut [f64], im: &mut [f64], cos: &[f64], sin: &[f64]) {
    let (cos, sin) = (&cos[..HALF], &sin[..HALF]);
    for (re, im) in re.as_chunks_mut::<BLOCK>().0.iter_mut().zip(im.as_chunks_mut::<BLOCK>().0) {
        let ((ur, vr), (ui, vi)) = (re.split_at_mut(HALF), im.split_at_mut(HALF));
        for j in 0..HALF {
            butterfly([[&mut ur[j], &mut vr[j]], [&mut ui[j], &mut vi[j]]], cos[j], sin[j]);
        }
    }
}

/// Exchanges every entry with the one at the bit-reversed index.
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

/// The transforms in use. Each is prepared at its first use.
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
