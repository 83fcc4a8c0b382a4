//! Sums of products, reduced once.

use std::arch::x86_64::*;

use super::registers::{Fold, Lanes, SIDE, Wide, lanes, load, side, side_by_side, sides_mut, splat, store_all};
use crate::modulus::Modulus;

#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn dot(modulus: &Modulus, out: &mut [u64], accumulate: bool, terms: &[(&[u64], &[u64])], stretch: u32) {
    match stretch {
        0 => dot_with(modulus, out, accumulate, terms, |b, i| {
            let b = side(b, i);
            side_by_side(|k| load(&b[k]))
        }),
        1 => {
            let pattern = |k: i64| {
                let l = 4 * (k % 2);
                _mm512_setr_epi64(l, l, l + 1, l + 1, l + 2, l + 2, l + 3, l + 3)
            };
            let patterns = [pattern(0), pattern(1)];
            dot_with(modulus, out, accumulate, terms, |b, i| {
                let b: &[Lanes; SIDE / 2] = &lanes(b).as_chunks().0[i];
                side_by_side(|k| _mm512_permutexvar_epi64(patterns[k % 2], load(&b[k / 2])))
            })
        }
        2 => {
            let pattern = |k: i64| {
                let l = 2 * (k % 4);
                _mm512_setr_epi64(l, l, l, l, l + 1, l + 1, l + 1, l + 1)
            };
            let patterns = [pattern(0), pattern(1), pattern(2), pattern(3)];
            dot_with(modulus, out, accumulate, terms, |b, i| {
                let b: &[Lanes; SIDE / 4] = &lanes(b).as_chunks().0[i];
                side_by_side(|k| _mm512_permutexvar_epi64(patterns[k % 4], load(&b[k / 4])))
            })
        }
        _ => dot_with(modulus, out, accumulate, terms, |b, i| {
            side_by_side(|k| splat(b[(8 * (SIDE * i + k)) >> stretch]))
        }),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn dot_with(
    modulus: &Modulus,
    out: &mut [u64],
    accumulate: bool,
    terms: &[(&[u64], &[u64])],
    second: impl Fn(&[u64], usize) -> [__m512i; SIDE],
) {
    let fold = Fold::new(modulus);
    let zero = _mm512_setzero_si512();
    for (i, out) in sides_mut(out).iter_mut().enumerate() {
        let start = if accumulate { side_by_side(|k| load(&out[k])) } else { [zero; SIDE] };
        let sums = terms.iter().fold(start.map(|low| Wide::new(low)), |mut sums, (a, b)| {
            let (a, b) = (side(a, i), second(b, i));
            for (k, sum) in sums.iter_mut().enumerate() {
                sum.add_product(load(&a[k]), b[k]);
            }
            sums
        });
        store_all(out, sums.map(|sum| fold.reduce(sum)));
    }
}

#[target_feature(enable = "avx512f,avx512dq")]
pub(crate) fn quotient_sum(overflow: &mut [u64], digits: &[&[u64]], reciprocals: &[f64]) {
    let term = |y: &Lanes, r: f64| _mm512_mul_pd(_mm512_cvtepu64_pd(load(y)), _mm512_set1_pd(r));
    let half = _mm512_set1_pd(0.5);
    for (j, overflow) in sides_mut(overflow).iter_mut().enumerate() {
        let sums = digits.iter().zip(reciprocals).fold([half; SIDE], |mut sums, (y, &r)| {
            let y = side(y, j);
            for (k, sum) in sums.iter_mut().enumerate() {
                *sum = _mm512_add_pd(*sum, term(&y[k], r));
            }
            sums
        });
        store_all(overflow, sums.map(|sum| _mm512_cvttpd_epu64(sum)));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn convert(
    modulus: &Modulus,
    out: &mut [u64],
    digits: &[&[u64]],
    factors: &[u64],
    overflow: &[u64],
    correction: u64,
) {
    let fold = Fold::new(modulus);
    let zero = Wide::new(_mm512_setzero_si512());
    let terms = || digits.iter().zip(factors).chain([(&overflow, &correction)]);
    for (j, out) in sides_mut(out).iter_mut().enumerate() {
        let sums = terms().fold([zero; SIDE], |mut sums, (y, &factor)| {
            let (y, factor) = (side(y, j), splat(factor));
            for (k, sum) in sums.iter_mut().enumerate() {
                sum.add_product(load(&y[k]), factor);
            }
            sums
        });
        store_all(out, sums.map(|sum| fold.reduce(sum)));
    }
}
