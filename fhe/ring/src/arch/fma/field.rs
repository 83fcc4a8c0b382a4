//! Arithmetic modulo a prime in double precision, with the proofs of its bounds.

use crate::modulus::Modulus;

/// 3·2^51: from 2^51 below it to 2^51 above it doubles are the integers, so adding it rounds to one.
const ROUNDER: f64 = 3.0 * (1u64 << 51) as f64;

/// 2^52, whose mantissa is zero and counts ones.
pub(super) const INTEGERS: f64 = (1u64 << 52) as f64;

/// A prime in double precision.
#[derive(Clone, Copy)]
pub(super) struct Field {
    q: f64,
    /// 1/q, rounded.
    inverse: f64,
    /// ⌊q/2⌋.
    pub(super) half: f64,
    /// 2^52 + ⌊q/2⌋.
    half_and_integers: f64,
}

/// A constant factor with its quotient by q, rounded.
#[derive(Clone, Copy)]
pub(super) struct Factor {
    w: f64,
    quotient: f64,
}

impl Field {
    #[inline(always)]
    pub(super) fn new(modulus: &Modulus) -> Self {
        let q = modulus.value() as f64;
        let half = (modulus.value() / 2) as f64;
        Self { q, inverse: 1.0 / q, half, half_and_integers: half + INTEGERS }
    }

    /// The integer `w` as a factor, |w| < q/2.
    #[inline(always)]
    pub(super) fn factor(self, w: f64) -> Factor {
        Factor { w, quotient: w * self.inverse }
    }

    /// The residue `w` as a factor.
    #[inline(always)]
    pub(super) fn constant(self, modulus: &Modulus, w: u64) -> Factor {
        self.factor(modulus.center(w) as f64)
    }

    /// An integer r ≡ y·w with |r| ≤ (1/2 + |y|/2^53)·q, for an integer |y| ≤ 2^52.
    ///
    /// That is |r| ≤ q at most. Step by step, with y·w below 2^52·2^49 = 2^101:
    ///
    /// - `high` is y·w rounded to 53 bits, an integer; `low` = y·w − high is a double, for such an error always is, and
    ///   at most half a unit of the last place, 2^47.
    /// - The quotient is w/q but for two roundings of relative 2^−53. With |w/q| ≤ (1 − 1/q)/2, y times it is within
    ///   |y|/2·2^−52 = |y|/2^53 of y·w/q (1 − 1/q absorbs the product of the two roundings), and below 2^51.
    /// - So adding `ROUNDER` in the same rounding gives an integer, and taking it away again is exact: `multiple` is an
    ///   integer within 1/2 of y·quotient, and y·w − multiple·q within (1/2 + |y|/2^53)·q of 0.
    /// - high − multiple·q is an integer and differs from that by `low`, so it is below q + 2^47 < 2^53 and the fused
    ///   operation exact; and so is the last sum, an integer of at most q.
    #[inline(always)]
    pub(super) fn mul(self, y: f64, w: Factor) -> f64 {
        let [r] = self.mul_all([y], [w]);
        r
    }

    /// [`Field::mul`] of several, step by step side by side.
    #[inline(always)]
    pub(super) fn mul_all<const K: usize>(self, y: [f64; K], w: [Factor; K]) -> [f64; K] {
        debug_assert!((0..K).all(|k| (y[k] * w[k].quotient).abs() < INTEGERS / 2.0), "{y:?} is beyond 2^52");
        let high: [f64; K] = std::array::from_fn(|k| y[k] * w[k].w);
        let multiple: [f64; K] = std::array::from_fn(|k| y[k].mul_add(w[k].quotient, ROUNDER));
        let low: [f64; K] = std::array::from_fn(|k| y[k].mul_add(w[k].w, -high[k]));
        let multiple = multiple.map(|multiple| multiple - ROUNDER);
        let rest: [f64; K] = std::array::from_fn(|k| (-multiple[k]).mul_add(self.q, high[k]));
        std::array::from_fn(|k| rest[k] + low[k])
    }

    /// An integer r ≡ x with |r| < q/2 for an integer |x| < 2^52, and |r| ≤ (q + 1)/2 for |x| ≤ 2^53; in any case
    /// |x| < 2^50·q.
    ///
    /// x·inverse is within |x/q|/2^53 of x/q, and `multiple` an integer within 1/2 of that, so x − multiple·q is an
    /// integer, exact, and at most q/2 + |x|/2^53: less than (q + 1)/2 in the first case. As q is odd, (q − 1)/2.
    #[inline(always)]
    pub(super) fn reduce(self, x: f64) -> f64 {
        debug_assert!(x.abs() <= 2.0 * INTEGERS && x.abs() < self.q * INTEGERS / 4.0, "{x} modulo {}", self.q);
        let multiple = x.mul_add(self.inverse, ROUNDER) - ROUNDER;
        (-multiple).mul_add(self.q, x)
    }

    /// The word in [0, q) congruent to `x`, given x − ⌊q/2⌋ below 2^52 in magnitude.
    ///
    /// Reduced, that is at least −(q − 1)/2 and at most (q − 1)/2, exactly: with ⌊q/2⌋ again, in [0, q).
    #[inline(always)]
    pub(super) fn to_residue(self, x_less_half: f64) -> u64 {
        debug_assert!(x_less_half.abs() < INTEGERS, "{x_less_half} is beyond 2^52");
        (self.reduce(x_less_half) + self.half_and_integers).to_bits() ^ INTEGERS.to_bits()
    }

    /// (−q, q) to [0, q).
    #[inline(always)]
    pub(super) fn canonical(self, r: f64) -> f64 {
        debug_assert!(r.abs() < self.q, "{r} is beyond {}", self.q);
        r + if r < 0.0 { self.q } else { 0.0 }
    }
}

/// A word below 2^52 as a double.
#[inline(always)]
pub(super) fn from_word(word: u64) -> f64 {
    f64::from_bits(word | INTEGERS.to_bits()) - INTEGERS
}

/// An integer in [0, 2^52) as a word.
#[inline(always)]
pub(super) fn to_word(integer: f64) -> u64 {
    (integer + INTEGERS).to_bits() ^ INTEGERS.to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primes;
    use proptest::prelude::*;

    /// A prime of each size from the smallest to the largest in use.
    fn moduli() -> impl Iterator<Item = Modulus> {
        [8, 14, 25, 26, 42, 49, 50].into_iter().map(|bits| Modulus::new(primes::search(5, &[bits]).unwrap()[0]))
    }

    /// [`Field::mul`] and [`Field::reduce`] against integers: congruent and within the bounds that are proved for them.
    fn check(m: &Modulus, y: i64, w: u64) {
        let (field, q) = (Field::new(m), m.value() as f64);
        let congruent = |r: f64, x: i128| (r as i128 - x) % m.value() as i128 == 0;
        let r = field.mul(y as f64, field.constant(m, w));
        assert!(congruent(r, y as i128 * m.center(w) as i128), "{y}·{w} modulo {q} is not {r}");
        assert!(r.abs() <= (0.5 + y.abs() as f64 / (2.0 * INTEGERS)) * q, "{y}·{w} modulo {q}: {r}");
        if (y.unsigned_abs() as f64) < q * INTEGERS / 4.0 && y.unsigned_abs() < 1 << 52 {
            let r = field.reduce(y as f64);
            assert!(congruent(r, y as i128) && r.abs() <= field.half, "{y} modulo {q}: {r}");
            assert_eq!(field.to_residue(y as f64), m.add(m.reduce_signed(y), m.value() / 2));
        }
    }

    #[test]
    fn products_and_remainders_are_within_their_bounds_at_the_edges() {
        for m in moduli() {
            let q = m.value();
            let edges = |x: i64| [x - 1, x, x + 1];
            let multiples = [0, 1, 2, 3, 4].map(|k| k * q as i64);
            let halves = [1, 3, 5, 7].map(|k| k * (q as i64 / 2));
            let near = multiples.into_iter().chain(halves).chain([1 << 51, (1 << 52) - 1]).flat_map(edges);
            for y in near.flat_map(|y| [y, -y]).filter(|y| y.unsigned_abs() <= 1 << 52) {
                for w in [0, 1, 2, q / 2 - 1, q / 2, q / 2 + 1, q - 2, q - 1] {
                    check(&m, y, w);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn products_and_remainders_are_within_their_bounds(y in -(1i64 << 52)..=1 << 52, w: u64) {
            for m in moduli() {
                check(&m, y, m.reduce(w));
                // y·w next to a multiple of q and a half: where the roundings decide.
                let w = m.reduce(w).max(1);
                let target = m.value() / 2;
                check(&m, m.mul(target, m.inv(w)) as i64, w);
            }
        }
    }
}
