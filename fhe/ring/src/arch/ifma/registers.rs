//! Registers of eight residues, and arithmetic modulo a prime in them.

use std::arch::x86_64::*;

use crate::modulus::{Modulus, Shoup};

pub(super) const MASK52: u64 = (1 << 52) - 1;

/// The lanes of one register in memory.
pub(super) type Lanes = [u64; 8];

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load(lanes: &Lanes) -> __m512i {
    // SAFETY: the reference is valid for 64 bytes, and this load needs no alignment.
    unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store(lanes: &mut Lanes, value: __m512i) {
    // SAFETY: the reference is valid for 64 bytes, and this store needs no alignment.
    unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), value) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn splat(value: u64) -> __m512i {
    _mm512_set1_epi64(value as i64)
}

/// Returns the registers of a slice. The length of every limb is a multiple of eight.
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

/// Number of registers of a result that are computed together. A single sum of products would wait for its previous
/// multiply-add.
pub(super) const SIDE: usize = 4;

/// Runs one step of `N` independent computations, so that the processor finds independent instructions close together
/// instead of one long dependent chain.
#[inline(always)]
pub(super) fn side_by_side<T, const N: usize>(step: impl FnMut(usize) -> T) -> [T; N] {
    std::array::from_fn(step)
}

/// Returns the `i`-th run of [`SIDE`] registers.
#[inline]
pub(super) fn side(data: &[u64], i: usize) -> &[Lanes; SIDE] {
    &lanes(data).as_chunks().0[i]
}

/// Returns the runs of [`SIDE`] registers. The length of every limb is a power of two, at least
/// [`MIN_NTT`](crate::arch::MIN_NTT).
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

/// A prime and its constants, each in all lanes.
#[derive(Clone, Copy)]
pub(super) struct Q {
    pub(super) q: __m512i,
    q2: __m512i,
    /// 2^52 − q. Adding its low product subtracts the low product of q modulo 2^52.
    minus_q: __m512i,
    mask: __m512i,
}

/// One constant factor in all lanes, or one in each lane, with ⌊value·2^52/q⌋.
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

    /// Reduces from [0, 2q) to [0, q).
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn canonical(self, a: __m512i) -> __m512i {
        _mm512_min_epu64(a, _mm512_sub_epi64(a, self.q))
    }

    /// Reduces from [0, 4q) to [0, 2q).
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn halve(self, a: __m512i) -> __m512i {
        _mm512_min_epu64(a, _mm512_sub_epi64(a, self.q2))
    }

    /// Returns a number in [0, 2q) congruent to a·w, for any a < 2^52.
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

/// Sums of products, as the sums of their low and of their high 52-bit halves.
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

/// The constants that reduce a [`Wide`] sum.
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

    /// Reduces to [0, q). The high half with the carry of the low half must stay below 2^52.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn reduce(self, sum: Wide) -> __m512i {
        let high = _mm512_add_epi64(sum.high, _mm512_srli_epi64::<52>(sum.low));
        // The carry that was just added to `high` stays in `low`, above the 52 bits that the multiplier and the mask
        // read.
        let low = sum.low;
        let zero = _mm512_setzero_si512();
        // This is high·2^52 + low minus the multiples of q that Shoup's estimates find. Each part is in [0, 2q).
        let estimate = _mm512_madd52hi_epu64(_mm512_madd52hi_epu64(zero, high, self.radix.quotient), low, self.one);
        let rest = _mm512_madd52lo_epu64(low, high, self.radix.value);
        let rest = _mm512_and_si512(_mm512_madd52lo_epu64(rest, estimate, self.q.minus_q), self.q.mask);
        self.q.canonical(self.q.halve(rest))
    }
}
