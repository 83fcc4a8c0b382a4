//! The kernels for AVX-512 with IFMA: eight residues a register, products from the 52-bit multiplier.
//!
//! Bounds, with q < 2^50: a lazy residue in [0, 4q) fits 52 bits, and the multiplier reads just the low 52 bits of
//! each lane, so every operand of a product here is below 2^52. `fhe/ring/docs/floor.md` counts the instructions.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::Twiddles;
use crate::automorphism::Permutation;
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

    /// (x, y) ↦ (x + w·y, x − w·y): [0, 4q) to [0, 4q).
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn cooley_tukey(self, x: __m512i, y: __m512i, w: W) -> (__m512i, __m512i) {
        let x = self.halve(x);
        let t = self.mul_lazy(y, w);
        (_mm512_add_epi64(x, t), _mm512_sub_epi64(_mm512_add_epi64(x, self.q2), t))
    }

    /// (x, y) ↦ (x + y, (y − x)·w): [0, 2q) to [0, 2q). `w` is the negated inverse twiddle.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn gentleman_sande(self, x: __m512i, y: __m512i, w: W) -> (__m512i, __m512i) {
        let difference = _mm512_sub_epi64(_mm512_add_epi64(y, self.q2), x);
        (self.halve(_mm512_add_epi64(x, y)), self.mul_lazy(difference, w))
    }
}

impl W {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn splat(w: Shoup) -> Self {
        Self { value: splat(w.value), quotient: splat(w.quotient >> 12) }
    }

    /// The `i`-th twiddle in every lane.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn broadcast(t: Twiddles<'_>, i: usize) -> Self {
        Self { value: splat(t.roots[i]), quotient: splat(t.quotients[i]) }
    }

    /// Lane l holds the twiddle `first + pattern[l]`, the pattern picking among two.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn pick2(t: Twiddles<'_>, first: usize, pattern: __m512i) -> Self {
        let read = |from: &[u64]| {
            let pair = from[first..].first_chunk::<2>().expect("the table holds whole levels");
            // SAFETY: the reference is valid for 16 bytes, and this load asks for no alignment.
            let pair = unsafe { _mm_loadu_si128(pair.as_ptr().cast()) };
            _mm512_permutexvar_epi64(pattern, _mm512_castsi128_si512(pair))
        };
        Self { value: read(t.roots), quotient: read(t.quotients) }
    }

    /// The same, picking among four.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn pick4(t: Twiddles<'_>, first: usize, pattern: __m512i) -> Self {
        let read = |from: &[u64]| {
            let four = from[first..].first_chunk::<4>().expect("the table holds whole levels");
            // SAFETY: the reference is valid for 32 bytes, and this load asks for no alignment.
            let four = unsafe { _mm256_loadu_si256(four.as_ptr().cast()) };
            _mm512_permutexvar_epi64(pattern, _mm512_castsi256_si512(four))
        };
        Self { value: read(t.roots), quotient: read(t.quotients) }
    }

    /// Lane l holds the twiddle `first + l`.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn eight(t: Twiddles<'_>, first: usize) -> Self {
        let read = |from: &[u64]| load(from[first..].first_chunk().expect("the table holds whole levels"));
        Self { value: read(t.roots), quotient: read(t.quotients) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn reversed(self, order: __m512i) -> Self {
        Self {
            value: _mm512_permutexvar_epi64(order, self.value),
            quotient: _mm512_permutexvar_epi64(order, self.quotient),
        }
    }
}

/// Residues that fit the first-level cache together with their twiddles; sixteen times a power of four.
const CACHED: usize = 4096;

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub fn ntt_forward(modulus: &Modulus, t: Twiddles<'_>, data: &mut [u64]) {
    let q = Q::new(modulus);
    // Levels in pairs down to blocks that the first-level cache holds; then each block to the end.
    let n = data.len();
    let mut groups = 1;
    if n.trailing_zeros() % 2 == 1 {
        forward_level(q, t, 1, 0, data);
        groups = 2;
    }
    while n / groups > CACHED {
        for (i, block) in data.chunks_exact_mut(n / groups).enumerate() {
            forward_two_levels(q, t, groups, i, block);
        }
        groups *= 4;
    }
    for (i, block) in data.chunks_exact_mut(n / groups).enumerate() {
        let mut inner = 1;
        while block.len() / inner > 16 {
            let size = block.len() / inner;
            for (j, part) in block.chunks_exact_mut(size).enumerate() {
                forward_two_levels(q, t, groups * inner, i * inner + j, part);
            }
            inner *= 4;
        }
        forward_last_four_levels(q, t, groups * inner, i * inner, block);
    }
}

/// One level on the block `i` of `groups`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn forward_level(q: Q, t: Twiddles<'_>, groups: usize, i: usize, block: &mut [u64]) {
    let w = W::broadcast(t, groups + i);
    let (upper, lower) = block.split_at_mut(block.len() / 2);
    for (x, y) in lanes_mut(upper).iter_mut().zip(lanes_mut(lower)) {
        let (a, b) = q.cooley_tukey(load(x), load(y), w);
        store(x, a);
        store(y, b);
    }
}

/// Two levels, the first of them on the block `i` of `groups`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn forward_two_levels(q: Q, t: Twiddles<'_>, groups: usize, i: usize, block: &mut [u64]) {
    let w1 = W::broadcast(t, groups + i);
    let (w2, w3) = (W::broadcast(t, 2 * (groups + i)), W::broadcast(t, 2 * (groups + i) + 1));
    for (x0, x1, x2, x3) in quarters(block) {
        let (a0, a2) = q.cooley_tukey(load(x0), load(x2), w1);
        let (a1, a3) = q.cooley_tukey(load(x1), load(x3), w1);
        let (a0, a1) = q.cooley_tukey(a0, a1, w2);
        let (a2, a3) = q.cooley_tukey(a2, a3, w3);
        store(x0, a0);
        store(x1, a1);
        store(x2, a2);
        store(x3, a3);
    }
}

/// The four quarters of a block, register by register.
#[inline]
fn quarters(block: &mut [u64]) -> impl Iterator<Item = (&mut Lanes, &mut Lanes, &mut Lanes, &mut Lanes)> {
    let quarter = block.len() / 4;
    let (x0, rest) = block.split_at_mut(quarter);
    let (x1, rest) = rest.split_at_mut(quarter);
    let (x2, x3) = rest.split_at_mut(quarter);
    let upper = lanes_mut(x0).iter_mut().zip(lanes_mut(x1));
    let lower = lanes_mut(x2).iter_mut().zip(lanes_mut(x3));
    upper.zip(lower).map(|((x0, x1), (x2, x3))| (x0, x1, x2, x3))
}

/// How sixteen residues in two registers change places between the last levels.
#[derive(Clone, Copy)]
struct Shuffles {
    /// From halves of eight to lanes four apart facing each other, and the rest down to neighbours.
    fours: (__m512i, __m512i),
    twos: (__m512i, __m512i),
    /// From facing neighbours back to the natural order.
    natural: (__m512i, __m512i),
    /// From the natural order to facing neighbours.
    neighbours: (__m512i, __m512i),
    /// Twiddle of each lane where each of 2, 4 serves 4, 2 lanes.
    two: __m512i,
    four: __m512i,
    /// The same read backwards, and eight backwards, for the inverse.
    two_reversed: __m512i,
    four_reversed: __m512i,
    eight_reversed: __m512i,
}

impl Shuffles {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new() -> Self {
        // Index 8 + l takes lane l of the second operand.
        Self {
            fours: (_mm512_setr_epi64(0, 1, 2, 3, 8, 9, 10, 11), _mm512_setr_epi64(4, 5, 6, 7, 12, 13, 14, 15)),
            twos: (_mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15)),
            natural: (_mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15)),
            neighbours: (_mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15)),
            two: _mm512_setr_epi64(0, 0, 0, 0, 1, 1, 1, 1),
            four: _mm512_setr_epi64(0, 0, 1, 1, 2, 2, 3, 3),
            two_reversed: _mm512_setr_epi64(1, 1, 1, 1, 0, 0, 0, 0),
            four_reversed: _mm512_setr_epi64(3, 3, 2, 2, 1, 1, 0, 0),
            eight_reversed: _mm512_setr_epi64(7, 6, 5, 4, 3, 2, 1, 0),
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn shuffle(x: __m512i, y: __m512i, order: (__m512i, __m512i)) -> (__m512i, __m512i) {
    (_mm512_permutex2var_epi64(x, order.0, y), _mm512_permutex2var_epi64(x, order.1, y))
}

/// Distances 8, 4, 2 and 1 on blocks of sixteen, the first of them number `first` of `groups`; to [0, q).
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn forward_last_four_levels(q: Q, t: Twiddles<'_>, groups: usize, first: usize, data: &mut [u64]) {
    let s = Shuffles::new();
    for (i, pair) in lanes_mut(data).as_chunks_mut::<2>().0.iter_mut().enumerate() {
        let g = groups + first + i;
        let [a, b] = pair;
        let (x, y) = q.cooley_tukey(load(a), load(b), W::broadcast(t, g));
        let (x, y) = shuffle(x, y, s.fours);
        let (x, y) = q.cooley_tukey(x, y, W::pick2(t, 2 * g, s.two));
        let (x, y) = shuffle(x, y, s.twos);
        let (x, y) = q.cooley_tukey(x, y, W::pick4(t, 4 * g, s.four));
        let (x, y) = (_mm512_unpacklo_epi64(x, y), _mm512_unpackhi_epi64(x, y));
        let (x, y) = q.cooley_tukey(x, y, W::eight(t, 8 * g));
        let (x, y) = (q.canonical(q.halve(x)), q.canonical(q.halve(y)));
        let (x, y) = shuffle(x, y, s.natural);
        store(a, x);
        store(b, y);
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub fn ntt_inverse(modulus: &Modulus, t: Twiddles<'_>, scale: Shoup, last: Shoup, data: &mut [u64]) {
    let q = Q::new(modulus);
    let n = data.len();
    // Forward, mirrored: blocks in cache from the bottom up, pairs of levels above, and a top that divides by N.
    let top = if n.trailing_zeros() % 2 == 1 { 2 } else { 4 };
    let cached = (n / top).min(CACHED);
    for (i, block) in data.chunks_exact_mut(cached).enumerate() {
        inverse_last_four_levels(q, t, n, i * (cached / 16), block);
        let mut size = 64;
        while size <= cached {
            for (j, part) in block.chunks_exact_mut(size).enumerate() {
                inverse_two_levels(q, t, n / size, i * (cached / size) + j, part);
            }
            size *= 4;
        }
    }
    let mut size = 4 * cached;
    while size <= n / top {
        for (i, block) in data.chunks_exact_mut(size).enumerate() {
            inverse_two_levels(q, t, n / size, i, block);
        }
        size *= 4;
    }
    let (scale, last) = (W::splat(scale), W::splat(last));
    if top == 2 {
        let (upper, lower) = data.split_at_mut(n / 2);
        for (x, y) in lanes_mut(upper).iter_mut().zip(lanes_mut(lower)) {
            let (a, b) = inverse_final(q, load(x), load(y), scale, last);
            store(x, a);
            store(y, b);
        }
    } else {
        let (w2, w3) = (W::broadcast(t, 3), W::broadcast(t, 2));
        for (x0, x1, x2, x3) in quarters(data) {
            let (a0, a1) = q.gentleman_sande(load(x0), load(x1), w2);
            let (a2, a3) = q.gentleman_sande(load(x2), load(x3), w3);
            let (a0, a2) = inverse_final(q, a0, a2, scale, last);
            let (a1, a3) = inverse_final(q, a1, a3, scale, last);
            store(x0, a0);
            store(x1, a1);
            store(x2, a2);
            store(x3, a3);
        }
    }
}

/// The last level of all with the division by N: [0, 2q) to [0, q).
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn inverse_final(q: Q, x: __m512i, y: __m512i, scale: W, last: W) -> (__m512i, __m512i) {
    let difference = _mm512_sub_epi64(_mm512_add_epi64(x, q.q2), y);
    (q.canonical(q.mul_lazy(_mm512_add_epi64(x, y), scale)), q.canonical(q.mul_lazy(difference, last)))
}

/// Distances 1, 2, 4 and 8 on blocks of sixteen, the first of them number `first` of n/16.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn inverse_last_four_levels(q: Q, t: Twiddles<'_>, n: usize, first: usize, data: &mut [u64]) {
    let s = Shuffles::new();
    for (i, pair) in lanes_mut(data).as_chunks_mut::<2>().0.iter_mut().enumerate() {
        let g = first + i + 1;
        let [a, b] = pair;
        let (x, y) = shuffle(load(a), load(b), s.neighbours);
        let (x, y) = q.gentleman_sande(x, y, W::eight(t, n - 8 * g).reversed(s.eight_reversed));
        let (x, y) = (_mm512_unpacklo_epi64(x, y), _mm512_unpackhi_epi64(x, y));
        let (x, y) = q.gentleman_sande(x, y, W::pick4(t, n / 2 - 4 * g, s.four_reversed));
        let (x, y) = shuffle(x, y, s.twos);
        let (x, y) = q.gentleman_sande(x, y, W::pick2(t, n / 4 - 2 * g, s.two_reversed));
        let (x, y) = shuffle(x, y, s.fours);
        let (x, y) = q.gentleman_sande(x, y, W::broadcast(t, n / 8 - g));
        store(a, x);
        store(b, y);
    }
}

/// Two levels, the second of them on the block `i` of `groups`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn inverse_two_levels(q: Q, t: Twiddles<'_>, groups: usize, i: usize, block: &mut [u64]) {
    let w1 = W::broadcast(t, 2 * groups - 1 - i);
    let (w2, w3) = (W::broadcast(t, 4 * groups - 1 - 2 * i), W::broadcast(t, 4 * groups - 2 - 2 * i));
    for (x0, x1, x2, x3) in quarters(block) {
        let (a0, a1) = q.gentleman_sande(load(x0), load(x1), w2);
        let (a2, a3) = q.gentleman_sande(load(x2), load(x3), w3);
        let (a0, a2) = q.gentleman_sande(a0, a2, w1);
        let (a1, a3) = q.gentleman_sande(a1, a3, w1);
        store(x0, a0);
        store(x1, a1);
        store(x2, a2);
        store(x3, a3);
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
pub fn permute(out: &mut [u64], a: &[u64], permutation: &Permutation) {
    let (blocks, shuffles) = permutation.blocks();
    let a = lanes(a);
    for (out, &(block, shuffle)) in lanes_mut(out).iter_mut().zip(blocks) {
        let order = load(&shuffles[shuffle as usize]);
        store(out, _mm512_permutexvar_epi64(order, load(&a[block as usize])));
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
