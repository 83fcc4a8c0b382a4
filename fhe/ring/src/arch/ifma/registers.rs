//! Registers of eight residues, and arithmetic modulo a prime in them.

use std::arch::x86_64::*;

use crate::modulus::{Modulus, Shoup};

pub(super) const MASK52: u64 = (1 << 52) - 1;

/// One register of lanes in memory.
pub(super) type Lanes = [u64; 8];

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load(lanes: &Lanes) -> __m512i {
    // SAFETY: the reference is valid for 64 bytes, and this load asks for no alignment.
    unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store(lanes: &mut Lanes, value: __m512i) {
    // SAFETY: the reference is valid for 64 bytes, and this store asks for no alignment.
    unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), value) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn splat(value: u64) -> __m512i {
    _mm512_set1_epi64(value as i64)
}

/// The whole registers of a slice; every limb is a multiple of eight long.
#[inline]
pub(super) fn lanes(data: &[u64]) -> &[Lanes] {
    let (lanes, rest) = data.as_chunks();
    debug_assert!(rest.is_empty());
    lanes
}

#[inline]
pub(super) fn lanes_mut(data: &mut [u64]) -> &mut [Lanes] {
    let (lanes, rest) = data.as_chunks_mut();
    debug_assert!(rest.is_empty());
    lanes
}

/// Registers of a result that advance together: one sum of products alone would wait for its own last multiply-add.
pub(super) const SIDE: usize = 4;

/// `N` independent computations step by step side by side, so that the processor finds the next one's instructions
/// without having to look past a long dependent chain.
#[inline(always)]
pub(super) fn side_by_side<T, const N: usize>(step: impl FnMut(usize) -> T) -> [T; N] {
    std::array::from_fn(step)
}

/// The `i`-th run of [`SIDE`] registers.
#[inline]
pub(super) fn side(data: &[u64], i: usize) -> &[Lanes; SIDE] {
    &lanes(data).as_chunks().0[i]
}

/// The runs of [`SIDE`] registers; every limb is of a power of two of residues, at least [`MIN_NTT`](crate::arch::MIN_NTT).
#[inline]
pub(super) fn sides_mut(data: &mut [u64]) -> &mut [[Lanes; SIDE]] {
    let (sides, rest) = lanes_mut(data).as_chunks_mut();
    assert!(rest.is_empty(), "limbs hold whole runs of {SIDE} registers");
    sides
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store_all(out: &mut [Lanes; SIDE], values: [__m512i; SIDE]) {
    for (out, value) in out.iter_mut().zip(values) {
        store(out, value);
    }
}

/// A prime spread over the lanes.
#[derive(Clone, Copy)]
pub(super) struct Q {
    pub(super) q: __m512i,
    q2: __m512i,
    /// 2^52 − q: adding its low product subtracts that of q modulo 2^52.
    minus_q: __m512i,
    mask: __m512i,
}

/// A constant factor or a register of them, with ⌊value·2^52/q⌋.
#[derive(Clone, Copy)]
pub(super) struct W {
    pub(super) value: __m512i,
    pub(super) quotient: __m512i,
}

impl Q {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn new(modulus: &Modulus) -> Self {
        let q = modulus.value();
        Self { q: splat(q), q2: splat(2 * q), minus_q: splat((1 << 52) - q), mask: splat(MASK52) }
    }

    /// [0, 2q) to [0, q).
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn canonical(self, a: __m512i) -> __m512i {
        _mm512_min_epu64(a, _mm512_sub_epi64(a, self.q))
    }

    /// [0, 4q) to [0, 2q).
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn halve(self, a: __m512i) -> __m512i {
        _mm512_min_epu64(a, _mm512_sub_epi64(a, self.q2))
    }

    /// a·w in [0, 2q), for any a < 2^52.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn mul_lazy(self, a: __m512i, w: W) -> __m512i {
        let zero = _mm512_setzero_si512();
        let estimate = _mm512_madd52hi_epu64(zero, a, w.quotient);
        let product = _mm512_madd52lo_epu64(zero, a, w.value);
        _mm512_and_si512(_mm512_madd52lo_epu64(product, estimate, self.minus_q), self.mask)
    }
}

impl W {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn splat(w: Shoup) -> Self {
        Self { value: splat(w.value), quotient: splat(w.quotient >> 12) }
    }
}

/// Sums of double words, kept as their low and high 52-bit halves.
#[derive(Clone, Copy)]
pub(super) struct Wide {
    low: __m512i,
    high: __m512i,
}

impl Wide {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn new(low: __m512i) -> Self {
        Self { low, high: _mm512_setzero_si512() }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn add_product(&mut self, a: __m512i, b: __m512i) {
        self.low = _mm512_madd52lo_epu64(self.low, a, b);
        self.high = _mm512_madd52hi_epu64(self.high, a, b);
    }
}

/// The constants that reduce a [`Wide`].
#[derive(Clone, Copy)]
pub(super) struct Fold {
    pub(super) q: Q,
    radix: W,
    one: __m512i,
}

impl Fold {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn new(modulus: &Modulus) -> Self {
        Self { q: Q::new(modulus), radix: W::splat(modulus.radix()), one: splat(modulus.one().quotient >> 12) }
    }

    /// To [0, q), for a high half that with the carry of the low one stays below 2^52.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn reduce(self, sum: Wide) -> __m512i {
        let high = _mm512_add_epi64(sum.high, _mm512_srli_epi64::<52>(sum.low));
        // What has just been carried stays above the 52 bits that the multiplier and the last mask see.
        let low = sum.low;
        let zero = _mm512_setzero_si512();
        // high·2^52 + low, less the multiples of q that Shoup's estimates find: each part in [0, 2q).
        let estimate = _mm512_madd52hi_epu64(_mm512_madd52hi_epu64(zero, high, self.radix.quotient), low, self.one);
        let rest = _mm512_madd52lo_epu64(low, high, self.radix.value);
        let rest = _mm512_and_si512(_mm512_madd52lo_epu64(rest, estimate, self.q.minus_q), self.q.mask);
        self.q.canonical(self.q.halve(rest))
    }
}
