//! The negacyclic NTT in words modulo 2^52.
//!
//! Between levels a lane holds a *word*: an integer v with 0 ≤ v < 2^52, given by the low 52 bits of the lane. The
//! multiplier reads only those bits, and sums and differences of lanes are correct in them. Carries above them are
//! never cleared. A butterfly is then five instructions, four of them multiply-adds ([`Words::butterfly`]).
//!
//! No v may reach 2^52. `bound` is the largest v in units of q. It is compared with `room` = ⌊2^52/q⌋, which is at
//! least 4, to decide how often a level must reduce first. A prime below 2^48 needs a reduction once in seven levels.

use std::arch::x86_64::*;

use super::registers::{Lanes, MASK52, W, lanes_mut, load, side_by_side, splat, store};
use crate::arch::operands::Twiddles;
use crate::modulus::{Modulus, Shoup};

/// Number of residues that fit into the first-level cache together with their twiddles: sixteen times a power of four.
const CACHED: usize = 4096;

/// A prime and the constants of its butterflies, each in all lanes.
#[derive(Clone, Copy)]
struct Words {
    q: __m512i,
    q2: __m512i,
    /// 2^52 − q. Adding its low product subtracts the low product of q modulo 2^52.
    minus_q: __m512i,
    /// ⌊2^52/q⌋, which is Shoup's quotient of 1.
    one: __m512i,
    two: __m512i,
}

impl Words {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(q: u64) -> Self {
        Self { q: splat(q), q2: splat(2 * q), minus_q: splat((1 << 52) - q), one: splat((1 << 52) / q), two: splat(2) }
    }

    /// Reduces any word to a word below 2q.
    ///
    /// With ε = 2^52/q − ⌊2^52/q⌋ < 1: v − ⌊v·⌊2^52/q⌋/2^52⌋·q < q + v·ε·q/2^52 < 2q.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn reduce(self, v: __m512i) -> __m512i {
        let estimate = _mm512_madd52hi_epu64(_mm512_setzero_si512(), v, self.one);
        _mm512_madd52lo_epu64(v, estimate, self.minus_q)
    }

    /// Returns the word sum + p, where p < 2q is congruent to v·w, for any word v.
    ///
    /// With ε = w·2^52/q − quotient < 1: v·w − ⌊v·quotient/2^52⌋·q < q + v·ε·q/2^52 < 2q.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn add_product(self, sum: __m512i, v: __m512i, w: W) -> __m512i {
        let estimate = _mm512_madd52hi_epu64(_mm512_setzero_si512(), v, w.quotient);
        _mm512_madd52lo_epu64(_mm512_madd52lo_epu64(sum, v, w.value), estimate, self.minus_q)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn mul(self, v: __m512i, w: W) -> __m512i {
        self.add_product(_mm512_setzero_si512(), v, w)
    }

    /// Maps (x, y) to (x + y·w, x + 2q − y·w). Both results are at most x + 2q.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn butterfly(self, x: __m512i, y: __m512i, w: W) -> (__m512i, __m512i) {
        let sum = self.add_product(x, y, w);
        (sum, _mm512_sub_epi64(_mm512_madd52lo_epu64(self.q2, x, self.two), sum))
    }

    /// Reduces any word to [0, q).
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn canonical(self, v: __m512i) -> __m512i {
        self.below_2q_to_canonical(self.reduce(v))
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn below_2q_to_canonical(self, v: __m512i) -> __m512i {
        let v = _mm512_and_si512(v, splat(MASK52));
        _mm512_min_epu64(v, _mm512_sub_epi64(v, self.q))
    }
}

impl W {
    /// Returns the pair at `i` in every lane.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn broadcast(pairs: &[[u64; 2]], i: usize) -> Self {
        let [value, quotient] = pairs[i];
        Self { value: splat(value), quotient: splat(quotient) }
    }

    /// Returns the pair at `pattern[l]` in lane l.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn gather(pairs: &[[u64; 2]], pattern: [usize; 8]) -> Self {
        let read = |k: usize| load(&pattern.map(|i| pairs[i][k]));
        Self { value: read(0), quotient: read(1) }
    }
}

/// Returns how often a run of `levels` levels must reduce: 0 for never, otherwise k for a reduction before every k-th
/// level.
///
/// `bound` becomes the bound of the words after the run, in units of q. A level adds 2. A reduction before a level
/// brings the summand below 2. The other operand of a butterfly needs none, because it is only multiplied.
fn reductions(room: u64, bound: &mut u64, levels: u64) -> u64 {
    if *bound + 2 * levels <= room {
        *bound += 2 * levels;
        return 0;
    }
    let every = [levels, 2, 1].into_iter().find(|every| 2 + 2 * every <= room).expect("room for a level");
    *bound = 2 + 2 * every;
    every
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn forward(modulus: &Modulus, t: Twiddles<'_>, data: &mut [u64]) {
    let q = modulus.value();
    let (words, room) = (Words::new(q), (1 << 52) / q);
    let tail = Tail::new(t.heads, [0, 1, 2, 3, 4, 5, 6, 7]);
    let mut bound = 1;
    // The upper levels run in one pass, down to blocks that fit into the first-level cache. Each block is then
    // finished.
    let n = data.len();
    let mut above = if n > CACHED { (n / CACHED).trailing_zeros() } else { n.trailing_zeros() % 2 };
    let mut groups = 1;
    while above > 0 {
        let levels = above.min(4);
        forward_levels(words, room, levels, &mut bound, t, groups, 0, data, n / groups);
        groups <<= levels;
        above -= levels;
    }
    for (i, block) in data.chunks_exact_mut(n / groups).enumerate() {
        let mut bound = bound;
        let mut size = n / groups;
        while size > 16 {
            let first = i * (block.len() / size);
            forward_levels(words, room, 2, &mut bound, t, n / size, first, block, size);
            size /= 4;
        }
        let tails = &t.tails[n / 16 + i * (block.len() / 16)..][..block.len() / 16];
        match reductions(room, &mut bound, 4) {
            0 => forward_last_four_levels::<0>(words, tail, tails, block),
            4 => forward_last_four_levels::<4>(words, tail, tails, block),
            2 => forward_last_four_levels::<2>(words, tail, tails, block),
            _ => forward_last_four_levels::<1>(words, tail, tails, block),
        }
    }
}

/// Computes `levels` levels, at most four, on blocks of `size`. The first block is number `first` of `groups`.
#[allow(clippy::too_many_arguments)]
#[target_feature(enable = "avx512f,avx512ifma")]
fn forward_levels(
    q: Words,
    room: u64,
    levels: u32,
    bound: &mut u64,
    t: Twiddles<'_>,
    groups: usize,
    first: usize,
    data: &mut [u64],
    size: usize,
) {
    let heads = t.heads;
    let first = groups + first;
    match (levels, reductions(room, bound, levels as u64)) {
        (1, 0) => forward_rows::<2, 0>(q, heads, first, data, size),
        (1, _) => forward_rows::<2, 1>(q, heads, first, data, size),
        (2, 0) => forward_rows::<4, 0>(q, heads, first, data, size),
        (2, 2) => forward_rows::<4, 2>(q, heads, first, data, size),
        (2, _) => forward_rows::<4, 1>(q, heads, first, data, size),
        (3, 0) => forward_rows::<8, 0>(q, heads, first, data, size),
        (3, 3) => forward_rows::<8, 3>(q, heads, first, data, size),
        (3, 2) => forward_rows::<8, 2>(q, heads, first, data, size),
        (3, _) => forward_rows::<8, 1>(q, heads, first, data, size),
        (_, 0) => forward_rows::<16, 0>(q, heads, first, data, size),
        (_, 4) => forward_rows::<16, 4>(q, heads, first, data, size),
        (_, 2) => forward_rows::<16, 2>(q, heads, first, data, size),
        (_, _) => forward_rows::<16, 1>(q, heads, first, data, size),
    }
}

/// Number of lines by which [`forward_rows`] prefetches its rows. With many primes in turn they come from the
/// third-level cache, and the processor's own prefetching stops at each page.
const AHEAD: usize = 16;

/// Computes log2 `ROWS` levels in registers, on blocks of `size` whose first twiddles are the roots from `first`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn forward_rows<const ROWS: usize, const EVERY: u32>(
    q: Words,
    heads: &[[u64; 2]],
    first: usize,
    data: &mut [u64],
    size: usize,
) {
    for (i, block) in data.chunks_exact_mut(size).enumerate() {
        // Index 2^l + g holds root 2^l·first + g of level l. Index 0 is not read.
        let w: [W; ROWS] = std::array::from_fn(|j| {
            let level = j.max(1).ilog2();
            W::broadcast(heads, ((first + i) << level) + j.max(1) - (1 << level))
        });
        let rows = lanes_mut(block);
        let row = rows.len() / ROWS;
        let rows = rows.as_mut_ptr();
        for j in 0..row {
            if ROWS >= 8 {
                for r in 0..ROWS {
                    // SAFETY: a prefetch reads nothing, so any address is allowed. (Newer compilers declare it safe.)
                    #[allow(unused_unsafe)]
                    unsafe {
                        _mm_prefetch::<_MM_HINT_T1>(rows.wrapping_add(r * row + j + AHEAD).cast())
                    };
                }
            }
            // SAFETY: `r·row + j` is below `ROWS·row`, the number of registers in the block, and the block is borrowed
            // mutably for the whole loop.
            let mut v: [__m512i; ROWS] = std::array::from_fn(|r| unsafe { load(&*rows.add(r * row + j)) });
            for level in 0..ROWS.trailing_zeros() {
                if EVERY > 0 && level.is_multiple_of(EVERY) {
                    one_level::<ROWS, true>(q, &mut v, &w, level);
                } else {
                    one_level::<ROWS, false>(q, &mut v, &w, level);
                }
            }
            for (r, v) in v.into_iter().enumerate() {
                // SAFETY: `r·row + j` is below `ROWS·row` as in the loads above, and the block is borrowed mutably.
                unsafe { store(&mut *rows.add(r * row + j), v) }
            }
        }
    }
}

/// Computes one level on the rows in registers.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn one_level<const ROWS: usize, const REDUCE: bool>(q: Words, v: &mut [__m512i; ROWS], w: &[W; ROWS], level: u32) {
    let half = ROWS >> (level + 1);
    for i in 0..ROWS / 2 {
        let g = i / half;
        let r = 2 * half * g + i % half;
        let x = if REDUCE { q.reduce(v[r]) } else { v[r] };
        (v[r], v[r + half]) = q.butterfly(x, v[r + half], w[(1 << level) + g]);
    }
}

/// Iterates over the four quarters of a block in step, register by register.
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

/// Two registers: sixteen residues.
type Pair = (__m512i, __m512i);

/// The shuffles of sixteen residues in two registers between the last levels, and the roots of these levels in lanes.
#[derive(Clone, Copy)]
struct Tail {
    /// Brings lanes four apart to face each other, from halves of eight.
    fours: Pair,
    /// Brings lanes two apart to face each other.
    twos: Pair,
    /// Restores the natural order from facing neighbours.
    natural: Pair,
    /// Brings neighbours to face each other, from the natural order.
    neighbours: Pair,
    /// The first 2, 4 and 8 roots in the lanes that they serve.
    w4: W,
    w2: W,
    w1: W,
}

impl Tail {
    /// Builds the constants, with the first eight roots in the given order.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(heads: &[[u64; 2]], order: [usize; 8]) -> Self {
        // Index 8 + l selects lane l of the second operand.
        let spread = |step: usize| W::gather(heads, std::array::from_fn(|lane| order[lane] / step));
        Self {
            fours: (_mm512_setr_epi64(0, 1, 2, 3, 8, 9, 10, 11), _mm512_setr_epi64(4, 5, 6, 7, 12, 13, 14, 15)),
            twos: (_mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15)),
            natural: (_mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15)),
            neighbours: (_mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15)),
            w4: spread(4),
            w2: spread(2),
            w1: spread(1),
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn shuffle((x, y): Pair, order: Pair) -> Pair {
    (_mm512_permutex2var_epi64(x, order.0, y), _mm512_permutex2var_epi64(x, order.1, y))
}

/// Exchanges between lanes two apart and neighbours that face each other, in either direction.
#[inline]
#[target_feature(enable = "avx512f")]
fn unpack((x, y): Pair) -> Pair {
    (_mm512_unpacklo_epi64(x, y), _mm512_unpackhi_epi64(x, y))
}

/// Computes the levels of distances 8, 4, 2 and 1 on blocks of sixteen, with one line of `tails` for each block. The
/// results are in [0, q).
///
/// In the block whose first twiddle is root k, the levels use the roots k, 2k + {0, 1}, 4k + {0 to 3}, 8k + {0 to 7}.
/// Root m·k + i is root m·k times root i, because the bits of the two indices, and so those of the exponents, are
/// disjoint. The operand is therefore multiplied twice: by a root that is broadcast from one cache line, and by a
/// register of the first eight roots. This costs three more instructions and avoids a table of all roots in memory.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn forward_last_four_levels<const EVERY: u64>(q: Words, constants: Tail, tails: &[[[u64; 2]; 4]], data: &mut [u64]) {
    let (data, rest) = lanes_mut(data).as_chunks_mut::<8>();
    let (tails, tails_of_rest) = tails.as_chunks::<4>();
    for (blocks, tails) in data.iter_mut().zip(tails) {
        forward_blocks_of_sixteen::<EVERY, 4>(q, constants, tails, blocks.as_chunks_mut().0);
    }
    // The smallest sizes have fewer than four blocks left.
    for (block, tails) in rest.chunks_exact_mut(2).zip(tails_of_rest.as_chunks().0) {
        forward_blocks_of_sixteen::<EVERY, 1>(q, constants, tails, block.as_chunks_mut().0);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn forward_blocks_of_sixteen<const EVERY: u64, const B: usize>(
    q: Words,
    c: Tail,
    tails: &[[[u64; 2]; 4]; B],
    data: &mut [[Lanes; 2]],
) {
    let reduce_before = |level: u64, x| if EVERY > 0 && level.is_multiple_of(EVERY) { q.reduce(x) } else { x };
    let level = |level: u64, (x, y): Pair, tail: &[[u64; 2]; 4], w: W| {
        q.butterfly(reduce_before(level, x), q.mul(y, W::broadcast(tail, level as usize)), w)
    };
    let v: [Pair; B] = side_by_side(|i| {
        q.butterfly(reduce_before(0, load(&data[i][0])), load(&data[i][1]), W::broadcast(&tails[i], 0))
    });
    let v: [Pair; B] = side_by_side(|i| shuffle(v[i], c.fours));
    let v: [Pair; B] = side_by_side(|i| level(1, v[i], &tails[i], c.w4));
    let v: [Pair; B] = side_by_side(|i| shuffle(v[i], c.twos));
    let v: [Pair; B] = side_by_side(|i| level(2, v[i], &tails[i], c.w2));
    let v: [Pair; B] = side_by_side(|i| unpack(v[i]));
    let v: [Pair; B] = side_by_side(|i| level(3, v[i], &tails[i], c.w1));
    let v: [Pair; B] = side_by_side(|i| shuffle((q.canonical(v[i].0), q.canonical(v[i].1)), c.natural));
    for (block, (x, y)) in data.iter_mut().zip(v) {
        store(&mut block[0], x);
        store(&mut block[1], y);
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(crate) fn inverse(modulus: &Modulus, t: Twiddles<'_>, scale: Shoup, last: Shoup, data: &mut [u64]) {
    match (1 << 52) / modulus.value() {
        4..8 => inverse_within::<4>(modulus, t, scale, last, data),
        8..16 => inverse_within::<8>(modulus, t, scale, last, data),
        _ => inverse_within::<16>(modulus, t, scale, last, data),
    }
}

/// Transforms back by Gentleman–Sande with all words below `ROOM`·q. A level doubles the bound of the sums, and its
/// products are below 2q. Two levels start from the bound [`entry`] and restore it.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn inverse_within<const ROOM: u64>(modulus: &Modulus, t: Twiddles<'_>, scale: Shoup, last: Shoup, data: &mut [u64]) {
    let q = Words::new(modulus.value());
    let n = data.len();
    // The order mirrors that of `forward`: blocks in cache from the bottom up, then pairs of levels, then the top
    // levels, which divide by N.
    let top = if n.trailing_zeros() % 2 == 1 { 2 } else { 4 };
    let cached = (n / top).min(CACHED);
    let tail = Tail::new(t.heads, [7, 6, 5, 4, 3, 2, 1, 0]);
    for (i, block) in data.chunks_exact_mut(cached).enumerate() {
        let first = i * (cached / 16);
        inverse_last_four_levels::<ROOM>(q, tail, &t.tails[n / 8 - first - cached / 16..n / 8 - first], block);
        let mut size = 64;
        while size <= cached {
            inverse_two_levels::<ROOM>(q, t, n / size, i * (cached / size), block, size);
            size *= 4;
        }
    }
    let mut size = 4 * cached;
    while size <= n / top {
        inverse_two_levels::<ROOM>(q, t, n / size, 0, data, size);
        size *= 4;
    }
    let (scale, last) = (W::splat(scale), W::splat(last));
    let offset = q.times(entry(ROOM));
    if top == 2 {
        let (upper, lower) = data.split_at_mut(n / 2);
        for (x, y) in lanes_mut(upper).iter_mut().zip(lanes_mut(lower)) {
            let (a, b) = q.divided(load(x), load(y), offset, scale, last);
            store(x, a);
            store(y, b);
        }
    } else {
        let (w2, w3) = (W::broadcast(t.heads, 3), W::broadcast(t.heads, 2));
        let offset_of_sums = if ROOM == 4 { q.q2 } else { q.times(2 * entry(ROOM)) };
        for (x0, x1, x2, x3) in quarters(data) {
            let (mut a0, a1) = q.inverse_butterfly(load(x0), load(x1), offset, w2);
            let (mut a2, a3) = q.inverse_butterfly(load(x2), load(x3), offset, w3);
            if ROOM == 4 {
                (a0, a2) = (q.reduce(a0), q.reduce(a2));
            }
            let (a0, a2) = q.divided(a0, a2, offset_of_sums, scale, last);
            let (a1, a3) = q.divided(a1, a3, q.q2, scale, last);
            store(x0, a0);
            store(x1, a1);
            store(x2, a2);
            store(x3, a3);
        }
    }
}

/// Returns the bound of all words, in units of q, before and after two inverse levels.
const fn entry(room: u64) -> u64 {
    if room == 16 { 4 } else { 2 }
}

impl Words {
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn times(self, k: u64) -> __m512i {
        _mm512_mullo_epi64(self.q, splat(k))
    }

    /// Maps (x, y) to (x + y, (y + offset − x)·w). `offset` is a multiple of q that x does not exceed, and `w` is the
    /// negated inverse twiddle.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn inverse_butterfly(self, x: __m512i, y: __m512i, offset: __m512i, w: W) -> (__m512i, __m512i) {
        let difference = _mm512_sub_epi64(_mm512_add_epi64(y, offset), x);
        (_mm512_add_epi64(x, y), self.mul(difference, w))
    }

    /// Computes the last level, including the division by N. The results are in [0, q).
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn divided(self, x: __m512i, y: __m512i, offset: __m512i, scale: W, last: W) -> (__m512i, __m512i) {
        let difference = _mm512_sub_epi64(_mm512_add_epi64(x, offset), y);
        let (sum, difference) = (self.mul(_mm512_add_epi64(x, y), scale), self.mul(difference, last));
        (self.below_2q_to_canonical(sum), self.below_2q_to_canonical(difference))
    }
}

/// Computes the levels of distances 1, 2, 4 and 8 on blocks of sixteen residues in [0, q). The lines of `tails` are in
/// the opposite order.
///
/// Without reductions the sums are below 2, 4, 8 and 16 times q. With less room they are reduced before a doubling that
/// would not fit, and always at the end.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn inverse_last_four_levels<const ROOM: u64>(q: Words, constants: Tail, tails: &[[[u64; 2]; 4]], data: &mut [u64]) {
    let (data, rest) = lanes_mut(data).as_chunks_mut::<8>();
    let (tails_of_rest, tails) = tails.as_rchunks::<4>();
    for (blocks, tails) in data.iter_mut().zip(tails.iter().rev()) {
        inverse_blocks_of_sixteen::<ROOM, 4>(q, constants, tails, blocks.as_chunks_mut().0);
    }
    // The smallest sizes have fewer than four blocks left.
    for (block, tails) in rest.chunks_exact_mut(2).zip(tails_of_rest.as_chunks().0.iter().rev()) {
        inverse_blocks_of_sixteen::<ROOM, 1>(q, constants, tails, block.as_chunks_mut().0);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn inverse_blocks_of_sixteen<const ROOM: u64, const B: usize>(
    q: Words,
    c: Tail,
    tails: &[[[u64; 2]; 4]; B],
    data: &mut [[Lanes; 2]],
) {
    let third = if ROOM == 4 { q.q2 } else { q.times(4) };
    let fourth = if ROOM == 16 { q.times(8) } else { q.q2 };
    let level = |(x, y): Pair, offset, w, tail: usize, i: usize| {
        let (sum, product) = q.inverse_butterfly(x, y, offset, w);
        (sum, q.mul(product, W::broadcast(&tails[B - 1 - i], tail)))
    };
    let v: [Pair; B] = side_by_side(|i| shuffle((load(&data[i][0]), load(&data[i][1])), c.neighbours));
    let v: [Pair; B] = side_by_side(|i| level(v[i], q.q, c.w1, 3, i));
    let v: [Pair; B] = side_by_side(|i| unpack(v[i]));
    let v: [Pair; B] = side_by_side(|i| {
        let (x, y) = level(v[i], q.q2, c.w2, 2, i);
        (if ROOM == 4 { q.reduce(x) } else { x }, y)
    });
    let v: [Pair; B] = side_by_side(|i| shuffle(v[i], c.twos));
    let v: [Pair; B] = side_by_side(|i| {
        let (x, y) = level(v[i], third, c.w4, 1, i);
        (if ROOM < 16 { q.reduce(x) } else { x }, y)
    });
    let v: [Pair; B] = side_by_side(|i| shuffle(v[i], c.fours));
    let v: [Pair; B] = side_by_side(|i| {
        let (x, y) = q.inverse_butterfly(v[i].0, v[i].1, fourth, W::broadcast(&tails[B - 1 - i], 0));
        (q.reduce(x), y)
    });
    for (block, (x, y)) in data.iter_mut().zip(v) {
        store(&mut block[0], x);
        store(&mut block[1], y);
    }
}

/// Computes two levels on blocks of `size`. The first block is number `first` of the `groups` of the second level.
///
/// The sum of sums is below 4·entry and is always reduced. With room for less than 16, the sum of products (below 4q)
/// is reduced too. With room for 4, so are the two sums of the first level.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn inverse_two_levels<const ROOM: u64>(
    q: Words,
    t: Twiddles<'_>,
    groups: usize,
    first: usize,
    data: &mut [u64],
    size: usize,
) {
    let offset = q.times(entry(ROOM));
    let offset_of_sums = if ROOM == 4 { q.q2 } else { q.times(2 * entry(ROOM)) };
    for (i, block) in data.chunks_exact_mut(size).enumerate() {
        let i = 2 * groups - 1 - first - i;
        let (w1, w2, w3) = (W::broadcast(t.heads, i), W::broadcast(t.heads, 2 * i + 1), W::broadcast(t.heads, 2 * i));
        for (x0, x1, x2, x3) in quarters(block) {
            let (mut a0, a1) = q.inverse_butterfly(load(x0), load(x1), offset, w2);
            let (mut a2, a3) = q.inverse_butterfly(load(x2), load(x3), offset, w3);
            if ROOM == 4 {
                (a0, a2) = (q.reduce(a0), q.reduce(a2));
            }
            let (a0, a2) = q.inverse_butterfly(a0, a2, offset_of_sums, w1);
            let (a1, a3) = q.inverse_butterfly(a1, a3, q.q2, w1);
            store(x0, q.reduce(a0));
            store(x1, if ROOM < 16 { q.reduce(a1) } else { a1 });
            store(x2, a2);
            store(x3, a3);
        }
    }
}
