//! Arithmetic in words modulo 2^52.

use std::arch::x86_64::*;

use crate::arch::ifma::registers::{Lanes, MASK52, W, lanes_mut, load, splat};

/// Number of residues that fit into the first-level cache together with their twiddles: sixteen times a power of four.
pub(super) const CACHED: usize = 4096;

/// A prime and the constants of its butterflies, each in all lanes.
#[derive(Clone, Copy)]
pub(super) struct Words {
    pub(super) q: __m512i,
    pub(super) q2: __m512i,
    /// 2^52 − q. Adding its low product subtracts the low product of q modulo 2^52.
    minus_q: __m512i,
    /// ⌊2^52/q⌋, which is Shoup's quotient of 1.
    one: __m512i,
    two: __m512i,
}

impl Words {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn new(q: u64) -> Self {
        Self { q: splat(q), q2: splat(2 * q), minus_q: splat((1 << 52) - q), one: splat((1 << 52) / q), two: splat(2) }
    }

    /// Reduces any word to a word below 2q.
    ///
    /// With ε = 2^52/q − ⌊2^52/q⌋ < 1: v − ⌊v·⌊2^52/q⌋/2^52⌋·q < q + v·ε·q/2^52 < 2q.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn reduce(self, v: __m512i) -> __m512i {
        let estimate = _mm512_madd52hi_epu64(_mm512_setzero_si512(), v, self.one);
        _mm512_madd52lo_epu64(v, estimate, self.minus_q)
    }

    /// Returns the word sum + p, where p < 2q is congruent to v·w, for any word v.
    ///
    /// With ε = w·2^52/q − quotient < 1: v·w − ⌊v·quotient/2^52⌋·q < q + v·ε·q/2^52 < 2q.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn add_product(self, sum: __m512i, v: __m512i, w: W) -> __m512i {
        let estimate = _mm512_madd52hi_epu64(_mm512_setzero_si512(), v, w.quotient);
        _mm512_madd52lo_epu64(_mm512_madd52lo_epu64(sum, v, w.value), estimate, self.minus_q)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn mul(self, v: __m512i, w: W) -> __m512i {
        self.add_product(_mm512_setzero_si512(), v, w)
    }

    /// Maps (x, y) to (x + y·w, x + 2q − y·w). Both results are at most x + 2q.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn butterfly(self, x: __m512i, y: __m512i, w: W) -> (__m512i, __m512i) {
        let sum = self.add_product(x, y, w);
        (sum, _mm512_sub_epi64(_mm512_madd52lo_epu64(self.q2, x, self.two), sum))
    }

    /// Reduces any word to [0, q).
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn canonical(self, v: __m512i) -> __m512i {
        self.below_2q_to_canonical(self.reduce(v))
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn below_2q_to_canonical(self, v: __m512i) -> __m512i {
        let v = _mm512_and_si512(v, splat(MASK52));
        _mm512_min_epu64(v, _mm512_sub_epi64(v, self.q))
    }
}

impl W {
    /// Returns the pair at `i` in every lane.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn broadcast(pairs: &[[u64; 2]], i: usize) -> Self {
        let [value, quotient] = pairs[i];
        Self { value: splat(value), quotient: splat(quotient) }
    }

    /// Returns the pair at `pattern[l]` in lane l.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn gather(pairs: &[[u64; 2]], pattern: [usize; 8]) -> Self {
        let read = |k: usize| load(&pattern.map(|i| pairs[i][k]));
        Self { value: read(0), quotient: read(1) }
    }
}

/// Iterates over the four quarters of a block in step, register by register.
#[inline]
pub(super) fn quarters(block: &mut [u64]) -> impl Iterator<Item = (&mut Lanes, &mut Lanes, &mut Lanes, &mut Lanes)> {
    let quarter = block.len() / 4;
    let (x0, rest) = block.split_at_mut(quarter);
    let (x1, rest) = rest.split_at_mut(quarter);
    let (x2, x3) = rest.split_at_mut(quarter);
    let upper = lanes_mut(x0).iter_mut().zip(lanes_mut(x1));
    let lower = lanes_mut(x2).iter_mut().zip(lanes_mut(x3));
    upper.zip(lower).map(|((x0, x1), (x2, x3))| (x0, x1, x2, x3))
}
