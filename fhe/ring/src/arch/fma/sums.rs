//! Sums of products, which are reduced once.
//!
//! A sum is kept in two doubles: `high` in multiples of 2^52, and `low` for the rest. `high` starts at 2^104. From
//! there to 2^105 the doubles are the multiples of 2^52, so adding a product with one rounding adds its upper part. The
//! rounding error is an integer that a second multiply-add computes exactly. A product costs four operations.

use super::field::{Factor, Field, INTEGERS, from_word, to_word};
use crate::arch::operands::{MAX_LAZY_PRODUCTS, MIN_NTT};
use crate::modulus::Modulus;

/// 2^104.
const BASE: f64 = INTEGERS * INTEGERS;

/// Number of residues whose sums are computed together, term by term. It divides the length of every limb.
const BLOCK: usize = MIN_NTT;

type Block = [u64; BLOCK];

/// Returns the `i`-th block of a row.
#[inline(always)]
fn block(row: &[u64], i: usize) -> &Block {
    &row.as_chunks().0[i]
}

#[inline(always)]
fn blocks_mut(row: &mut [u64]) -> &mut [Block] {
    let (blocks, rest) = row.as_chunks_mut();
    assert!(rest.is_empty(), "limbs hold whole blocks of {BLOCK} residues");
    blocks
}

/// Number of products that `low` holds before it is reduced.
const STEP: usize = 3;

/// The sums of a block between two steps.
struct Sums {
    high: [f64; BLOCK],
    low: [f64; BLOCK],
}

/// The constants and settings of a sum of products.
#[derive(Clone, Copy)]
struct Products {
    field: Field,
    /// 2^52 mod q, divided by 2^52.
    radix: Factor,
    /// Whether the sums start at the previous contents of the result.
    accumulate: bool,
}

/// The second operand of the products of a block: one factor, or one for each residue.
trait Second: Copy {
    fn at(self, i: usize) -> f64;
}

impl Second for f64 {
    #[inline(always)]
    fn at(self, _: usize) -> f64 {
        self
    }
}

impl Second for &Block {
    #[inline(always)]
    fn at(self, i: usize) -> f64 {
        from_word(self[i])
    }
}

impl Products {
    #[inline(always)]
    fn new(modulus: &Modulus, accumulate: bool) -> Self {
        let field = Field::new(modulus);
        let radix = field.factor(modulus.center(modulus.radix().value) as f64 / INTEGERS);
        Self { field, radix, accumulate }
    }

    /// Computes `out ← Σ xₜ·yₜ` over `count` terms, at most [`MAX_LAZY_PRODUCTS`], of words below 2^50. It adds the
    /// previous `out` if the sums accumulate.
    #[inline(always)]
    fn sum<'a, B: Second>(self, out: &mut Block, count: usize, x: impl Fn(usize) -> &'a Block, y: impl Fn(usize) -> B) {
        let mut sums = Sums { high: [0.0; BLOCK], low: [0.0; BLOCK] };
        // All steps but the first have three terms.
        let first = if count == 0 { 0 } else { (count - 1) % STEP + 1 };
        match (first, count == first) {
            (0, _) => self.step::<0, true, true, B>(out, &mut sums, [], []),
            (1, true) => self.step::<1, true, true, B>(out, &mut sums, [x(0)], [y(0)]),
            (2, true) => self.step::<2, true, true, B>(out, &mut sums, [x(0), x(1)], [y(0), y(1)]),
            (_, true) => self.step::<3, true, true, B>(out, &mut sums, [x(0), x(1), x(2)], [y(0), y(1), y(2)]),
            (1, _) => self.step::<1, true, false, B>(out, &mut sums, [x(0)], [y(0)]),
            (2, _) => self.step::<2, true, false, B>(out, &mut sums, [x(0), x(1)], [y(0), y(1)]),
            (_, _) => self.step::<3, true, false, B>(out, &mut sums, [x(0), x(1), x(2)], [y(0), y(1), y(2)]),
        }
        for t in (first..count).step_by(STEP) {
            let (x, y) = ([x(t), x(t + 1), x(t + 2)], [y(t), y(t + 1), y(t + 2)]);
            if t + STEP == count {
                self.step::<3, false, true, B>(out, &mut sums, x, y);
            } else {
                self.step::<3, false, false, B>(out, &mut sums, x, y);
            }
        }
    }

    /// Adds at most [`STEP`] products. The `FIRST` step starts the sums, and the `LAST` step reduces them.
    ///
    /// - Fifteen products and their roundings of 2^51 each add up to less than 2^104, so `high` stays between 2^104 and
    ///   2^105.
    /// - `part` is the difference of two multiples of 2^52 in this range, so it is exact. The product minus `part` is
    ///   the rounding error of `sum`, an integer of at most 2^51, so it is exact too.
    /// - `low` is below 2^50 at first and after a reduction. With three such errors it is below 2^53 and exact. It is
    ///   also below 2^50·q, because NTT-friendly primes are above 8 (and smaller primes have small products).
    /// - In the end high − 2^104 = 2^52·k with 0 ≤ k < 2^52. Its product with `radix` is the product of k and 2^52 mod
    ///   q with shifted exponents, which is at most q. With the reduced `low` it is below 2^51.
    #[inline(always)]
    fn step<const T: usize, const FIRST: bool, const LAST: bool, B: Second>(
        self,
        out: &mut Block,
        sums: &mut Sums,
        x: [&Block; T],
        y: [B; T],
    ) {
        const { assert!(T <= STEP) };
        let Self { field, radix, accumulate } = self;
        for i in 0..BLOCK {
            let start = if accumulate { from_word(out[i]) } else { 0.0 };
            let (mut h, mut l) = if FIRST { (BASE, start) } else { (sums.high[i], sums.low[i]) };
            for t in 0..T {
                let (x, y) = (from_word(x[t][i]), y[t].at(i));
                let sum = x.mul_add(y, h);
                let part = sum - h;
                l += x.mul_add(y, -part);
                h = sum;
            }
            l = field.reduce(l);
            if LAST {
                out[i] = field.to_residue(field.mul(h - BASE, radix) + (l - field.half));
            } else {
                (sums.high[i], sums.low[i]) = (h, l);
            }
        }
    }
}

#[inline(always)]
pub(crate) fn dot(modulus: &Modulus, out: &mut [u64], accumulate: bool, terms: &[(&[u64], &[u64])], stretch: u32) {
    let products = Products::new(modulus, accumulate);
    let mut stretched = [[0; BLOCK]; MAX_LAZY_PRODUCTS];
    for (i, out) in blocks_mut(out).iter_mut().enumerate() {
        let a = |t: usize| block(terms[t].0, i);
        if stretch == 0 {
            products.sum(out, terms.len(), a, |t| block(terms[t].1, i));
        } else {
            for (stretched, (_, b)) in stretched.iter_mut().zip(terms) {
                stretch_to(stretched, &b[(i * BLOCK) >> stretch..], stretch);
            }
            products.sum(out, terms.len(), a, |t| &stretched[t]);
        }
    }
}

/// Writes each element `1 << stretch` times.
#[inline(always)]
fn stretch_to(out: &mut Block, a: &[u64], stretch: u32) {
    match stretch {
        1 => out.as_chunks_mut::<2>().0.iter_mut().zip(a).for_each(|(out, &a)| *out = [a; 2]),
        2 => out.as_chunks_mut::<4>().0.iter_mut().zip(a).for_each(|(out, &a)| *out = [a; 4]),
        _ => out.chunks_mut(1 << stretch).zip(a).for_each(|(out, &a)| out.fill(a)),
    }
}

#[inline(always)]
pub(crate) fn convert(
    modulus: &Modulus,
    out: &mut [u64],
    digits: &[&[u64]],
    factors: &[u64],
    overflow: &[u64],
    correction: u64,
) {
    let products = Products::new(modulus, false);
    for (i, out) in blocks_mut(out).iter_mut().enumerate() {
        let row = |t: usize| block(digits.get(t).unwrap_or(&overflow), i);
        let factor = |t: usize| *factors.get(t).unwrap_or(&correction) as f64;
        products.sum(out, digits.len() + 1, row, factor);
    }
}

/// Computes the quotients with the operations of the scalar kernel in the same order, so that the bits are equal.
#[inline(always)]
pub(crate) fn quotient_sum(overflow: &mut [u64], digits: &[&[u64]], reciprocals: &[f64]) {
    for (i, overflow) in blocks_mut(overflow).iter_mut().enumerate() {
        let mut sums = [0.5; BLOCK];
        for (y, &r) in digits.iter().zip(reciprocals) {
            for (sum, &y) in sums.iter_mut().zip(block(y, i)) {
                *sum += from_word(y) * r;
            }
        }
        *overflow = sums.map(|sum| to_word(sum.floor()));
    }
}
