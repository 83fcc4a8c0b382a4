//! The kernels for AVX-512 with IFMA: eight residues a register, products from the 52-bit multiplier.
//!
//! Bounds, with q < 2^50: a lazy residue in [0, 4q) fits 52 bits, and the multiplier reads just the low 52 bits of
//! each lane, so every operand of a product here is below 2^52. `fhe/ring/docs/floor.md` counts the instructions.
#![allow(unsafe_code)]

mod ntt;

pub use ntt::{forward as ntt_forward, inverse as ntt_inverse};

use std::arch::x86_64::*;

use crate::automorphism::Chunk;
use crate::modulus::{Modulus, Shoup};

const MASK52: u64 = (1 << 52) - 1;

/// One register of lanes in memory.
type Lanes = [u64; 8];

#[inline]
#[target_feature(enable = "avx512f")]
fn load(lanes: &Lanes) -> __m512i {
    // SAFETY: the reference is valid for 64 bytes, and this load asks for no alignment.
    unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(lanes: &mut Lanes, value: __m512i) {
    // SAFETY: the reference is valid for 64 bytes, and this store asks for no alignment.
    unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), value) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn splat(value: u64) -> __m512i {
    _mm512_set1_epi64(value as i64)
}

/// The whole registers of a slice; every limb is a multiple of eight long.
#[inline]
fn lanes(data: &[u64]) -> &[Lanes] {
    let (lanes, rest) = data.as_chunks();
    debug_assert!(rest.is_empty());
    lanes
}

#[inline]
fn lanes_mut(data: &mut [u64]) -> &mut [Lanes] {
    let (lanes, rest) = data.as_chunks_mut();
    debug_assert!(rest.is_empty());
    lanes
}

/// A prime spread over the lanes.
#[derive(Clone, Copy)]
struct Q {
    q: __m512i,
    q2: __m512i,
    /// 2^52 − q: adding its low product subtracts that of q modulo 2^52.
    minus_q: __m512i,
    mask: __m512i,
}

/// A constant factor or a register of them, with ⌊value·2^52/q⌋.
#[derive(Clone, Copy)]
struct W {
    value: __m512i,
    quotient: __m512i,
}

impl Q {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(modulus: &Modulus) -> Self {
        let q = modulus.value();
        Self { q: splat(q), q2: splat(2 * q), minus_q: splat((1 << 52) - q), mask: splat(MASK52) }
    }

    /// [0, 2q) to [0, q).
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn canonical(self, a: __m512i) -> __m512i {
        _mm512_min_epu64(a, _mm512_sub_epi64(a, self.q))
    }

    /// [0, 4q) to [0, 2q).
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn halve(self, a: __m512i) -> __m512i {
        _mm512_min_epu64(a, _mm512_sub_epi64(a, self.q2))
    }

    /// a·w in [0, 2q), for any a < 2^52.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn mul_lazy(self, a: __m512i, w: W) -> __m512i {
        let zero = _mm512_setzero_si512();
        let estimate = _mm512_madd52hi_epu64(zero, a, w.quotient);
        let product = _mm512_madd52lo_epu64(zero, a, w.value);
        _mm512_and_si512(_mm512_madd52lo_epu64(product, estimate, self.minus_q), self.mask)
    }
}

impl W {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn splat(w: Shoup) -> Self {
        Self { value: splat(w.value), quotient: splat(w.quotient >> 12) }
    }
}

#[target_feature(enable = "avx512f")]
pub fn add(modulus: &Modulus, a: &mut [u64], b: &[u64]) {
    let q = splat(modulus.value());
    for (a, b) in lanes_mut(a).iter_mut().zip(lanes(b)) {
        let sum = _mm512_add_epi64(load(a), load(b));
        store(a, _mm512_min_epu64(sum, _mm512_sub_epi64(sum, q)));
    }
}

#[target_feature(enable = "avx512f")]
pub fn sub(modulus: &Modulus, a: &mut [u64], b: &[u64]) {
    let q = splat(modulus.value());
    for (a, b) in lanes_mut(a).iter_mut().zip(lanes(b)) {
        let difference = _mm512_sub_epi64(load(a), load(b));
        store(a, _mm512_min_epu64(difference, _mm512_add_epi64(difference, q)));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub fn scale(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    let (q, w) = (Q::new(modulus), W::splat(w));
    for (out, a) in lanes_mut(out).iter_mut().zip(lanes(a)) {
        store(out, q.canonical(q.mul_lazy(load(a), w)));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub fn add_scaled(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    let (q, w) = (Q::new(modulus), W::splat(w));
    for (out, a) in lanes_mut(out).iter_mut().zip(lanes(a)) {
        let sum = _mm512_add_epi64(load(out), q.mul_lazy(load(a), w));
        store(out, q.canonical(q.halve(sum)));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub fn sub_scale(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    let (q, w) = (Q::new(modulus), W::splat(w));
    for (out, a) in lanes_mut(out).iter_mut().zip(lanes(a)) {
        let difference = _mm512_sub_epi64(_mm512_add_epi64(load(out), q.q), load(a));
        store(out, q.canonical(q.mul_lazy(difference, w)));
    }
}

/// Sums of double words, kept as their low and high 52-bit halves.
#[derive(Clone, Copy)]
struct Wide {
    low: __m512i,
    high: __m512i,
}

impl Wide {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn add_product(&mut self, a: __m512i, b: __m512i) {
        self.low = _mm512_madd52lo_epu64(self.low, a, b);
        self.high = _mm512_madd52hi_epu64(self.high, a, b);
    }
}

/// The constants that reduce a [`Wide`].
#[derive(Clone, Copy)]
struct Fold {
    q: Q,
    radix: W,
    one: __m512i,
}

impl Fold {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(modulus: &Modulus) -> Self {
        Self { q: Q::new(modulus), radix: W::splat(modulus.radix()), one: splat(modulus.one().quotient >> 12) }
    }

    /// To [0, q), for a high half that with the carry of the low one stays below 2^52.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn reduce(self, sum: Wide) -> __m512i {
        let high = _mm512_add_epi64(sum.high, _mm512_srli_epi64::<52>(sum.low));
        let low = _mm512_and_si512(sum.low, self.q.mask);
        let zero = _mm512_setzero_si512();
        // high·2^52 + low, less the multiples of q that Shoup's estimates find: each part in [0, 2q).
        let estimate = _mm512_madd52hi_epu64(_mm512_madd52hi_epu64(zero, high, self.radix.quotient), low, self.one);
        let rest = _mm512_madd52lo_epu64(low, high, self.radix.value);
        let rest = _mm512_and_si512(_mm512_madd52lo_epu64(rest, estimate, self.q.minus_q), self.q.mask);
        self.q.canonical(self.q.halve(rest))
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub fn dot(modulus: &Modulus, out: &mut [u64], accumulate: bool, terms: &[(&[u64], &[u64])], stretch: u32) {
    match stretch {
        0 => dot_with(modulus, out, accumulate, terms, |b, i| load(&lanes(b)[i])),
        1 => {
            let pattern = _mm512_setr_epi64(0, 0, 1, 1, 2, 2, 3, 3);
            dot_with(modulus, out, accumulate, terms, |b, i| {
                let four = b[4 * i..].first_chunk::<4>().expect("half as long as the output");
                // SAFETY: the reference is valid for 32 bytes, and this load asks for no alignment.
                let four = unsafe { _mm256_loadu_si256(four.as_ptr().cast()) };
                _mm512_permutexvar_epi64(pattern, _mm512_castsi256_si512(four))
            })
        }
        2 => {
            let pattern = _mm512_setr_epi64(0, 0, 0, 0, 1, 1, 1, 1);
            dot_with(modulus, out, accumulate, terms, |b, i| {
                let pair = b[2 * i..].first_chunk::<2>().expect("a quarter as long as the output");
                // SAFETY: the reference is valid for 16 bytes, and this load asks for no alignment.
                let pair = unsafe { _mm_loadu_si128(pair.as_ptr().cast()) };
                _mm512_permutexvar_epi64(pattern, _mm512_castsi128_si512(pair))
            })
        }
        _ => dot_with(modulus, out, accumulate, terms, |b, i| splat(b[(8 * i) >> stretch])),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn dot_with(
    modulus: &Modulus,
    out: &mut [u64],
    accumulate: bool,
    terms: &[(&[u64], &[u64])],
    second: impl Fn(&[u64], usize) -> __m512i,
) {
    let fold = Fold::new(modulus);
    let zero = _mm512_setzero_si512();
    for (i, out) in lanes_mut(out).iter_mut().enumerate() {
        let mut sum = Wide { low: if accumulate { load(out) } else { zero }, high: zero };
        for (a, b) in terms {
            sum.add_product(load(&lanes(a)[i]), second(b, i));
        }
        store(out, fold.reduce(sum));
    }
}

#[target_feature(enable = "avx512f")]
pub fn permute(out: &mut [u64], a: &[u64], chunk: Chunk<'_>) {
    let a = lanes(a);
    for (out, &(block, shuffle)) in lanes_mut(out).iter_mut().zip(chunk.blocks) {
        let order = load(&chunk.shuffles[shuffle as usize]);
        store(out, _mm512_permutexvar_epi64(order, load(&a[block as usize - chunk.source / 8])));
    }
}

#[target_feature(enable = "avx512f")]
pub fn reduce_signed(modulus: &Modulus, out: &mut [u64], a: &[i64]) {
    // Words may exceed 52 bits, and encoding is bound by the NTTs that follow.
    super::scalar::reduce_signed(modulus, out, a);
}

#[target_feature(enable = "avx512f,avx512dq")]
pub fn quotient_sum(overflow: &mut [u64], digits: &[&[u64]], reciprocals: &[f64]) {
    for (j, overflow) in lanes_mut(overflow).iter_mut().enumerate() {
        let mut sum = _mm512_set1_pd(0.5);
        for (y, &r) in digits.iter().zip(reciprocals) {
            let y = _mm512_cvtepu64_pd(load(&lanes(y)[j]));
            sum = _mm512_add_pd(sum, _mm512_mul_pd(y, _mm512_set1_pd(r)));
        }
        store(overflow, _mm512_cvttpd_epu64(sum));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub fn convert(
    modulus: &Modulus,
    out: &mut [u64],
    digits: &[&[u64]],
    factors: &[u64],
    overflow: &[u64],
    correction: u64,
) {
    let fold = Fold::new(modulus);
    let correction = splat(correction);
    for (j, (out, overflow)) in lanes_mut(out).iter_mut().zip(lanes(overflow)).enumerate() {
        let zero = _mm512_setzero_si512();
        let mut sum = Wide { low: zero, high: zero };
        sum.add_product(load(overflow), correction);
        for (y, &f) in digits.iter().zip(factors) {
            sum.add_product(load(&lanes(y)[j]), splat(f));
        }
        store(out, fold.reduce(sum));
    }
}
