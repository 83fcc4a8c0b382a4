//! Sums of products, reduced once.
//!
//! A sum is kept in two doubles, `high` in multiples of 2^52 and `low` for the rest. `high` starts at 2^104, between
//! which and 2^105 doubles are the multiples of 2^52: adding a product there in one rounding adds its upper part, and
//! what the rounding took or gave is an integer that a second multiply-add finds exactly. Four operations a product.

use super::{Field, from_word, to_word};
use crate::modulus::Modulus;

/// 2^104.
const BASE: f64 = super::INTEGERS * super::INTEGERS;

/// Residues whose sums advance together, term by term. They stay in the first-level cache.
const BLOCK: usize = 128;

/// Products that `low` takes before it is reduced.
const STEP: usize = 3;

struct Sums {
    high: [f64; BLOCK],
    low: [f64; BLOCK],
}

impl Sums {
    fn new() -> Self {
        Self { high: [BASE; BLOCK], low: [0.0; BLOCK] }
    }

    /// Adds products of words below 2^50, at most [`STEP`] of them here and
    /// [`MAX_LAZY_PRODUCTS`](crate::arch::MAX_LAZY_PRODUCTS) in all.
    ///
    /// - Fifteen products and the roundings, 2^51 each, stay below 2^104: `high` stays between 2^104 and 2^105.
    /// - `part`, the difference of two multiples of 2^52 there, is exact. So is the product without it, for it is the
    ///   rounding of `sum`: an integer of at most 2^51.
    /// - `low` is below 2^50 at first and after a reduction; three such integers on top leave it below 2^53, and exact.
    #[inline(always)]
    fn add<const T: usize>(
        &mut self,
        field: Field,
        len: usize,
        first: impl Fn(usize, usize) -> f64,
        second: impl Fn(usize, usize) -> f64,
    ) {
        const { assert!(T <= STEP) };
        for (i, (high, low)) in self.high[..len].iter_mut().zip(&mut self.low[..len]).enumerate() {
            for t in 0..T {
                let (x, y) = (first(t, i), second(t, i));
                let sum = x.mul_add(y, *high);
                let part = sum - *high;
                *low += x.mul_add(y, -part);
                *high = sum;
            }
            *low = field.reduce(*low);
        }
    }

    /// The sums in [0, q).
    ///
    /// With high − 2^104 = 2^52·k, 0 ≤ k < 2^52, the product is that of k and `radix` = 2^52 mod q, whose exponents have
    /// been shifted: at most q. With `low` that is below 2^51, and reduced.
    #[inline(always)]
    fn finish(&self, field: Field, modulus: &Modulus, out: &mut [u64]) {
        let radix = field.factor(modulus.center(modulus.radix().value) as f64 / super::INTEGERS);
        for ((out, &high), &low) in out.iter_mut().zip(&self.high).zip(&self.low) {
            *out = field.to_residue(field.mul(high - BASE, radix) + (low - field.half));
        }
    }
}

#[inline(always)]
pub fn dot(modulus: &Modulus, out: &mut [u64], accumulate: bool, terms: &[(&[u64], &[u64])], stretch: u32) {
    let field = Field::new(modulus);
    let mut stretched = [[0; BLOCK]; STEP];
    for (block, out) in out.chunks_mut(BLOCK).enumerate() {
        let (start, len) = (block * BLOCK, out.len());
        let mut sums = Sums::new();
        if accumulate {
            for (low, &out) in sums.low.iter_mut().zip(&*out) {
                *low = from_word(out);
            }
        }
        for terms in terms.chunks(STEP) {
            let a = |t: usize| &terms[t].0[start..start + len];
            if stretch > 0 {
                for (stretched, (_, b)) in stretched.iter_mut().zip(terms) {
                    stretch_to(&mut stretched[..len], &b[start >> stretch..], stretch);
                }
            }
            let b = |t: usize| if stretch > 0 { &stretched[t][..len] } else { &terms[t].1[start..start + len] };
            match terms.len() {
                1 => sums.add_products(field, [a(0)], [b(0)]),
                2 => sums.add_products(field, [a(0), a(1)], [b(0), b(1)]),
                _ => sums.add_products(field, [a(0), a(1), a(2)], [b(0), b(1), b(2)]),
            }
        }
        sums.finish(field, modulus, out);
    }
}

impl Sums {
    #[inline(always)]
    fn add_products<const T: usize>(&mut self, field: Field, a: [&[u64]; T], b: [&[u64]; T]) {
        self.add::<T>(field, a[0].len(), |t, i| from_word(a[t][i]), |t, i| from_word(b[t][i]));
    }

    #[inline(always)]
    fn add_multiples<const T: usize>(&mut self, field: Field, a: [&[u64]; T], factors: [f64; T]) {
        self.add::<T>(field, a[0].len(), |t, i| from_word(a[t][i]), |t, _| factors[t]);
    }
}

/// Each element `1 << stretch` times.
#[inline(always)]
fn stretch_to(out: &mut [u64], a: &[u64], stretch: u32) {
    match stretch {
        1 => out.as_chunks_mut::<2>().0.iter_mut().zip(a).for_each(|(out, &a)| *out = [a; 2]),
        2 => out.as_chunks_mut::<4>().0.iter_mut().zip(a).for_each(|(out, &a)| *out = [a; 4]),
        _ => out.chunks_mut(1 << stretch).zip(a).for_each(|(out, &a)| out.fill(a)),
    }
}

#[inline(always)]
pub fn convert(
    modulus: &Modulus,
    out: &mut [u64],
    digits: &[&[u64]],
    factors: &[u64],
    overflow: &[u64],
    correction: u64,
) {
    let field = Field::new(modulus);
    for (block, out) in out.chunks_mut(BLOCK).enumerate() {
        let (start, len) = (block * BLOCK, out.len());
        let mut sums = Sums::new();
        sums.add_multiples(field, [&overflow[start..start + len]], [correction as f64]);
        for (digits, factors) in digits.chunks(STEP).zip(factors.chunks(STEP)) {
            let (y, w) = (|t: usize| &digits[t][start..start + len], |t: usize| factors[t] as f64);
            match digits.len() {
                1 => sums.add_multiples(field, [y(0)], [w(0)]),
                2 => sums.add_multiples(field, [y(0), y(1)], [w(0), w(1)]),
                _ => sums.add_multiples(field, [y(0), y(1), y(2)], [w(0), w(1), w(2)]),
            }
        }
        sums.finish(field, modulus, out);
    }
}

/// The same operations in the same order as the scalar kernel, for each residue.
#[inline(always)]
pub fn quotient_sum(overflow: &mut [u64], digits: &[&[u64]], reciprocals: &[f64]) {
    for (block, overflow) in overflow.chunks_mut(BLOCK).enumerate() {
        let mut sums = [0.5; BLOCK];
        let (start, len) = (block * BLOCK, overflow.len());
        let sums = &mut sums[..len];
        for (digits, reciprocals) in digits.chunks(2).zip(reciprocals.chunks(2)) {
            let y = |t: usize| &digits[t][start..start + len];
            if let &[r0, r1] = reciprocals {
                for ((sum, &y0), &y1) in sums.iter_mut().zip(y(0)).zip(y(1)) {
                    *sum = *sum + from_word(y0) * r0 + from_word(y1) * r1;
                }
            } else {
                for (sum, &y0) in sums.iter_mut().zip(y(0)) {
                    *sum += from_word(y0) * reciprocals[0];
                }
            }
        }
        for (overflow, sum) in overflow.iter_mut().zip(sums) {
            *overflow = to_word(sum.floor());
        }
    }
}
