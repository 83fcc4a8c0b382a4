//! The transform from evaluations to coefficients.

use std::arch::x86_64::*;

use super::tail::{Pair, Tail, shuffle, unpack};
use super::words::{CACHED, Words, quarters};
use crate::arch::ifma::registers::{Lanes, W, lanes_mut, load, side_by_side, splat, store};
use crate::arch::operands::Twiddles;
use crate::modulus::{Modulus, Shoup};

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
