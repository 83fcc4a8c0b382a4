//! The transform from coefficients to evaluations.

use std::arch::x86_64::*;

use super::tail::{Pair, Tail, shuffle, unpack};
use super::words::{CACHED, Words};
use crate::arch::ifma::registers::{Lanes, W, lanes_mut, load, side_by_side, store};
use crate::arch::operands::Twiddles;
use crate::modulus::Modulus;

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
