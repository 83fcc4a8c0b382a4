//! The negacyclic NTT in double precision.
//!
//! Between levels the buffer holds the bits of doubles: signed integers congruent to the residues. Two levels are one
//! pass over four rows. The first pass reads words, and the last pass writes words. A butterfly is eight instructions
//! for any prime: six for the product, a sum and a difference.
//!
//! A multiplicand must stay within 2^52, which is `room` = 2^52/q in units of q, at least 4. [`Bound`] and [`inverse`]
//! prove that it does.

use super::field::{Factor, Field, INTEGERS, from_word, to_word};
use crate::arch::operands::Twiddles;
use crate::modulus::{Modulus, Shoup};

/// Number of residues that fit into the first-level cache together with their twiddles: a power of four.
const CACHED: usize = 4096;

/// The bound of all values of a forward transform, in units of q.
#[derive(Clone, Copy)]
struct Bound {
    room: f64,
    values: f64,
}

impl Bound {
    /// Returns the bound of residues in [0, q).
    fn new(modulus: &Modulus) -> Self {
        // The factor allows for the roundings of this computation.
        Self { room: 0.9999 * INTEGERS / modulus.value() as f64, values: 1.0 }
    }

    /// Returns the bound of the sum of `x` and a product of `y`. In these units, |y|/2^53·q is y/(2·room).
    fn butterfly(self, x: f64, y: f64) -> f64 {
        x + 0.5 + y / (2.0 * self.room)
    }

    /// Raises the bound for one level.
    fn level(&mut self) {
        self.values = self.butterfly(self.values, self.values);
    }

    /// Raises the bound for two levels and returns whether the summands of the first level must be reduced, so that
    /// `spare` remains above the values.
    ///
    /// Reduced summands are at most 1/2. With room for 4, the values are then at most 3/2 and 35/16, so there is always
    /// room after a reduction.
    fn two_levels(&mut self, spare: f64) -> bool {
        let before = self.values;
        self.level();
        self.level();
        let reduce = self.values + spare > self.room;
        if reduce {
            self.values = self.butterfly(0.5, before);
            self.level();
        }
        reduce
    }
}

#[inline(always)]
pub(crate) fn forward(modulus: &Modulus, t: Twiddles<'_>, data: &mut [u64]) {
    let field = Field::new(modulus);
    let roots: &[f64] = bytemuck::cast_slice(t.heads.as_flattened());
    let n = data.len();
    let mut bound = Bound::new(modulus);
    let mut size = if n.trailing_zeros() % 2 == 1 {
        bound.level();
        first_level(field, field.factor(roots[1]), data);
        n / 2
    } else {
        let reduce = bound.two_levels(0.0);
        debug_assert!(!reduce, "residues start small");
        two_levels::<true, false>(field, roots, 1, data, n);
        n / 4
    };
    while size > CACHED {
        any_two_levels(field, &mut bound, roots, n / size, data, size);
        size /= 4;
    }
    let cached = size;
    for (i, block) in data.chunks_exact_mut(cached).enumerate() {
        let mut bound = bound;
        let mut size = cached;
        while size > 4 {
            any_two_levels(field, &mut bound, roots, (n + i * cached) / size, block, size);
            size /= 4;
        }
        let first = (n + i * cached) / 4;
        if bound.two_levels(0.5) {
            last_two_levels::<true>(field, roots, first, block);
        } else {
            last_two_levels::<false>(field, roots, first, block);
        }
    }
}

/// Computes the level of distance n/2. It reads words and writes doubles.
#[inline(always)]
fn first_level(field: Field, w: Factor, data: &mut [u64]) {
    let (upper, lower) = data.split_at_mut(data.len() / 2);
    for (x, y) in upper.iter_mut().zip(lower) {
        let [(a, b)] = butterflies(field, [from_word(*x)], [from_word(*y)], [w]);
        [*x, *y] = [a, b].map(f64::to_bits);
    }
}

#[inline(always)]
fn any_two_levels(field: Field, bound: &mut Bound, roots: &[f64], first: usize, data: &mut [u64], size: usize) {
    match (bound.two_levels(0.0), size, data.len() / size) {
        (false, 16, 1) => two_short_levels::<4, 1, false>(field, roots, first, data),
        (true, 16, 1) => two_short_levels::<4, 1, true>(field, roots, first, data),
        (false, 16, _) => two_short_levels::<4, 2, false>(field, roots, first, data),
        (true, 16, _) => two_short_levels::<4, 2, true>(field, roots, first, data),
        (false, 64, _) => two_short_levels::<16, 1, false>(field, roots, first, data),
        (true, 64, _) => two_short_levels::<16, 1, true>(field, roots, first, data),
        (false, ..) => two_levels::<false, false>(field, roots, first, data, size),
        (true, ..) => two_levels::<false, true>(field, roots, first, data, size),
    }
}

/// Computes two levels on one residue of each of four rows.
#[inline(always)]
fn forward_four<const REDUCE: bool>(field: Field, [x0, x1, x2, x3]: [f64; 4], w: [Factor; 3]) -> [f64; 4] {
    let reduced = |x| if REDUCE { field.reduce(x) } else { x };
    let [(a0, a2), (a1, a3)] = butterflies(field, [reduced(x0), reduced(x1)], [x2, x3], [w[0]; 2]);
    let [(y0, y1), (y2, y3)] = butterflies(field, [a0, a2], [a1, a3], [w[1], w[2]]);
    [y0, y1, y2, y3]
}

/// Maps (x, y) to (x + y·w, x − y·w) for `K` pairs, one step at a time for all of them.
#[inline(always)]
fn butterflies<const K: usize>(field: Field, x: [f64; K], y: [f64; K], w: [Factor; K]) -> [(f64, f64); K] {
    let products = field.mul_all(y, w);
    std::array::from_fn(|k| (x[k] + products[k], x[k] - products[k]))
}

/// Returns root `i` of a level and the two roots below it in the next level.
#[inline(always)]
fn three(field: Field, roots: &[f64], i: usize) -> [Factor; 3] {
    [roots[i], roots[2 * i], roots[2 * i + 1]].map(|w| field.factor(w))
}

/// Computes two levels on blocks of `size`, whose first twiddles are the roots from `first`. `WORDS` tells that the
/// input is words, not doubles.
#[inline(always)]
fn two_levels<const WORDS: bool, const REDUCE: bool>(
    field: Field,
    roots: &[f64],
    first: usize,
    data: &mut [u64],
    size: usize,
) {
    let read = if WORDS { from_word } else { f64::from_bits };
    for (i, block) in data.chunks_exact_mut(size).enumerate() {
        let w = three(field, roots, first + i);
        let (upper, lower) = block.split_at_mut(size / 2);
        let (x0, x1) = upper.split_at_mut(size / 4);
        let (x2, x3) = lower.split_at_mut(size / 4);
        for (((x0, x1), x2), x3) in x0.iter_mut().zip(x1).zip(x2).zip(x3) {
            let y = forward_four::<REDUCE>(field, [read(*x0), read(*x1), read(*x2), read(*x3)], w);
            [*x0, *x1, *x2, *x3] = y.map(f64::to_bits);
        }
    }
}

/// Computes two levels on blocks of four times `ROW` residues, `B` blocks at a time. A single block of sixteen residues
/// is so short a loop that the compiler unrolls it and then finds only half of its vectors.
#[inline(always)]
fn two_short_levels<const ROW: usize, const B: usize, const REDUCE: bool>(
    field: Field,
    roots: &[f64],
    first: usize,
    data: &mut [u64],
) {
    let blocks = data.as_chunks_mut::<ROW>().0.as_chunks_mut::<4>().0;
    for (i, blocks) in blocks.as_chunks_mut::<B>().0.iter_mut().enumerate() {
        let w: [_; B] = std::array::from_fn(|b| three(field, roots, first + B * i + b));
        for j in 0..ROW {
            for ([x0, x1, x2, x3], w) in blocks.iter_mut().zip(w) {
                let y = forward_four::<REDUCE>(field, [x0[j], x1[j], x2[j], x3[j]].map(f64::from_bits), w);
                [x0[j], x1[j], x2[j], x3[j]] = y.map(f64::to_bits);
            }
        }
    }
}

/// Computes the levels of distances 2 and 1. It reads doubles and writes words in [0, q).
#[inline(always)]
fn last_two_levels<const REDUCE: bool>(field: Field, roots: &[f64], first: usize, data: &mut [u64]) {
    let blocks = data.as_chunks_mut::<4>().0;
    let count = blocks.len();
    let pairs = &roots.as_chunks::<2>().0[first..first + count];
    let roots = &roots[first..first + count];
    for ((block, &w), &[w0, w1]) in blocks.iter_mut().zip(roots).zip(pairs) {
        let [x0, x1, x2, x3] = block.map(f64::from_bits);
        let reduced = |x| if REDUCE { field.reduce(x) } else { x };
        // `to_residue` expects results less ⌊q/2⌋. All four are sums with x0, so it is subtracted there once.
        let x = [reduced(x0) - field.half, reduced(x1), x2, x3];
        let y = forward_four::<false>(field, x, [w, w0, w1].map(|w| field.factor(w)));
        *block = y.map(|y| field.to_residue(y));
    }
}

/// Transforms back by Gentleman–Sande. The scalar kernel explains the twiddles.
///
/// A pass of two levels preserves a bound b of all values, in units of q. Its sums are below 2b and its sums of sums
/// below 4b, and so are their differences, so 4b must not exceed `room`. Products of the first level are at most 1/2 +
/// b/room. Those of the second level are at most 1/2 + 2b/room for differences of sums, and smaller for differences of
/// products.
///
/// If all sums are reduced, b = 1 suffices: 4b = 4 ≤ room, and 1/2 + 2/4 = 1. With room for 6, sums of products need no
/// reduction: b = 3/2 bounds 1 + 2b/room. The last two levels multiply all values, so their results are below q without
/// a reduction.
#[inline(always)]
pub(crate) fn inverse(modulus: &Modulus, t: Twiddles<'_>, scale: Shoup, last: Shoup, data: &mut [u64]) {
    let field = Field::new(modulus);
    let factors = [scale, last].map(|w| field.constant(modulus, w.value));
    if modulus.value() < (1 << 52) / 6 {
        inverse_with::<false>(field, t, factors, data);
    } else {
        inverse_with::<true>(field, t, factors, data);
    }
}

#[inline(always)]
fn inverse_with<const REDUCE: bool>(field: Field, t: Twiddles<'_>, factors: [Factor; 2], data: &mut [u64]) {
    let roots: &[f64] = bytemuck::cast_slice(t.heads.as_flattened());
    let n = data.len();
    let top = if n.trailing_zeros() % 2 == 1 { 2 } else { 4 };
    let cached = (n / top).min(CACHED);
    for (i, block) in data.chunks_exact_mut(cached).enumerate() {
        // Groups are counted from the end, where the first twiddle of a block is.
        let end = |size: usize| (2 * n - i * cached) / size;
        inverse_last_two_levels::<REDUCE>(field, roots, end(4), block);
        inverse_two_short_levels::<4, REDUCE>(field, roots, end(16), block);
        if cached >= 64 {
            inverse_two_short_levels::<16, REDUCE>(field, roots, end(64), block);
        }
        let mut size = 256;
        while size <= cached {
            inverse_two_levels::<REDUCE>(field, roots, end(size), block, size);
            size *= 4;
        }
    }
    let mut size = 4 * cached;
    while size <= n / top {
        inverse_two_levels::<REDUCE>(field, roots, 2 * n / size, data, size);
        size *= 4;
    }
    if top == 2 {
        let (upper, lower) = data.split_at_mut(n / 2);
        for (x, y) in upper.iter_mut().zip(lower) {
            [*x, *y] = divided(field, f64::from_bits(*x), f64::from_bits(*y), factors);
        }
    } else {
        let (upper, lower) = data.split_at_mut(n / 2);
        let (x0, x1) = upper.split_at_mut(n / 4);
        let (x2, x3) = lower.split_at_mut(n / 4);
        let (w2, w3) = (field.factor(roots[3]), field.factor(roots[2]));
        for (((x0, x1), x2), x3) in x0.iter_mut().zip(x1).zip(x2).zip(x3) {
            let (a0, a1) = inverse_butterfly(field, f64::from_bits(*x0), f64::from_bits(*x1), w2);
            let (a2, a3) = inverse_butterfly(field, f64::from_bits(*x2), f64::from_bits(*x3), w3);
            [*x0, *x2] = divided(field, a0, a2, factors);
            [*x1, *x3] = divided(field, a1, a3, factors);
        }
    }
}

/// Maps (x, y) to (x + y, (y − x)·w), where `w` is the negated inverse twiddle.
#[inline(always)]
fn inverse_butterfly(field: Field, x: f64, y: f64, w: Factor) -> (f64, f64) {
    (x + y, field.mul(y - x, w))
}

/// Computes the last level, including the division by N. The results are words in [0, q).
#[inline(always)]
fn divided(field: Field, x: f64, y: f64, [scale, last]: [Factor; 2]) -> [u64; 2] {
    [field.mul(x + y, scale), field.mul(x - y, last)].map(|r| to_word(field.canonical(r)))
}

/// Computes two inverse levels on one residue of each of four rows.
#[inline(always)]
fn inverse_four<const REDUCE: bool>(field: Field, [x0, x1, x2, x3]: [f64; 4], w: [Factor; 3]) -> [f64; 4] {
    let (a0, a1) = inverse_butterfly(field, x0, x1, w[2]);
    let (a2, a3) = inverse_butterfly(field, x2, x3, w[1]);
    let (y0, y2) = inverse_butterfly(field, a0, a2, w[0]);
    let (y1, y3) = inverse_butterfly(field, a1, a3, w[0]);
    [field.reduce(y0), if REDUCE { field.reduce(y1) } else { y1 }, y2, y3]
}

/// Computes the levels of distances 1 and 2. It reads words and writes doubles. The twiddles are the roots before
/// `end`, backwards.
#[inline(always)]
fn inverse_last_two_levels<const REDUCE: bool>(field: Field, roots: &[f64], end: usize, data: &mut [u64]) {
    let blocks = data.as_chunks_mut::<4>().0;
    let count = blocks.len();
    let pairs = &roots.as_chunks::<2>().0[end - count..end];
    let roots = &roots[end - count..end];
    for ((block, &w), &[w0, w1]) in blocks.iter_mut().zip(roots.iter().rev()).zip(pairs.iter().rev()) {
        *block =
            inverse_four::<REDUCE>(field, block.map(from_word), [w, w0, w1].map(|w| field.factor(w))).map(f64::to_bits);
    }
}

#[inline(always)]
fn inverse_two_short_levels<const ROW: usize, const REDUCE: bool>(
    field: Field,
    roots: &[f64],
    end: usize,
    data: &mut [u64],
) {
    let blocks = data.as_chunks_mut::<ROW>().0.as_chunks_mut::<4>().0;
    for (i, [x0, x1, x2, x3]) in blocks.iter_mut().enumerate() {
        let w = three(field, roots, end - 1 - i);
        for j in 0..ROW {
            let y = inverse_four::<REDUCE>(field, [x0[j], x1[j], x2[j], x3[j]].map(f64::from_bits), w);
            [x0[j], x1[j], x2[j], x3[j]] = y.map(f64::to_bits);
        }
    }
}

#[inline(always)]
fn inverse_two_levels<const REDUCE: bool>(field: Field, roots: &[f64], end: usize, data: &mut [u64], size: usize) {
    for (i, block) in data.chunks_exact_mut(size).enumerate() {
        let w = three(field, roots, end - 1 - i);
        let (upper, lower) = block.split_at_mut(size / 2);
        let (x0, x1) = upper.split_at_mut(size / 4);
        let (x2, x3) = lower.split_at_mut(size / 4);
        for (((x0, x1), x2), x3) in x0.iter_mut().zip(x1).zip(x2).zip(x3) {
            let y = inverse_four::<REDUCE>(field, [*x0, *x1, *x2, *x3].map(f64::from_bits), w);
            [*x0, *x1, *x2, *x3] = y.map(f64::to_bits);
        }
    }
}
