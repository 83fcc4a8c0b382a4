//! Arithmetic modulo a prime in double precision, with the proofs of its bounds.

use crate::modulus::Modulus;

/// 3·2^51. Within 2^51 of it the doubles are the integers, so adding it rounds to an integer.
const ROUNDER: f64 = 3.0 * (1u64 << 51) as f64;

/// 2^52. Its mantissa is zero, and the last place of the mantissa counts ones.
pub(super) const INTEGERS: f64 = (1u64 << 52) as f64;

/// A prime with the constants of its arithmetic in double precision.
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

/// A constant factor with its rounded quotient by q.
#[derive(Clone, Copy)]
pub(super) struct Factor {
    w: f64,
    quotient: f64,
}

impl Field {
    /// Prepares a prime.
    #[inline(always)]
    pub(super) fn new(modulus: &Modulus) -> Self {
        let q = modulus.value() as f64;
        let half = (modulus.value() / 2) as f64;
        Self { q, inverse: 1.0 / q, half, half_and_integers: half + INTEGERS }
    }

    /// Prepares the integer `w`, |w| < q/2, as a factor.
    #[inline(always)]
    pub(super) fn factor(self, w: f64) -> Factor {
        Factor { w, quotient: w * self.inverse }
    }

    /// Prepares the residue `w` as a factor.
    #[inline(always)]
    pub(super) fn constant(self, modulus: &Modulus, w: u64) -> Factor {
        self.factor(modulus.center(w) as f64)
    }

    /// Returns an integer r ≡ y·w with |r| ≤ (1/2 + |y|/2^53)·q, for an integer |y| ≤ 2^52. In particular |r| ≤ q.
    ///
    /// The proof, with y·w below 2^52·2^49 = 2^101:
    ///
    /// - `high` is y·w rounded to 53 bits, an integer. `low` = y·w − high is a double, as the error of a rounded
    ///   product always is. It is at most half a unit in the last place, 2^47.
    /// - The quotient differs from w/q by two roundings of relative 2^−53. With |w/q| ≤ (1 − 1/q)/2, y times the
    ///   quotient is within |y|/2·2^−52 = |y|/2^53 of y·w/q, where 1 − 1/q absorbs the product of the two roundings. It
    ///   is below 2^51.
    /// - Adding `ROUNDER` within one rounding therefore yields an integer, and subtracting it again is exact:
    ///   `multiple` is an integer within 1/2 of y·quotient, and y·w − multiple·q is within (1/2 + |y|/2^53)·q of 0.
    /// - high − multiple·q is an integer that differs from this by `low`. It is below q + 2^47 < 2^53, so the fused
    ///   operation is exact. The last sum is an integer of at most q, so it is exact too.
    #[inline(always)]
    pub(super) fn mul(self, y: f64, w: Factor) -> f64 {
        let [r] = self.mul_all([y], [w]);
        r
    }

    /// Computes [`Field::mul`] for `K` pairs, one step at a time for all of them.
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

    /// Returns an integer r ≡ x with |r| < q/2 for an integer |x| < 2^52, and |r| ≤ (q + 1)/2 for |x| ≤ 2^53. Both need
    /// |x| < 2^50·q.
    ///
    /// x·inverse is within |x/q|/2^53 of x/q, and `multiple` is an integer within 1/2 of x·inverse. So x − multiple·q
    /// is an integer, exact, and at most q/2 + |x|/2^53. In the first case this is less than (q + 1)/2, which means at
    /// most (q − 1)/2, because q is odd.
    #[inline(always)]
    pub(super) fn reduce(self, x: f64) -> f64 {
        debug_assert!(x.abs() <= 2.0 * INTEGERS && x.abs() < self.q * INTEGERS / 4.0, "{x} modulo {}", self.q);
        let multiple = x.mul_add(self.inverse, ROUNDER) - ROUNDER;
        (-multiple).mul_add(self.q, x)
    }

    /// Returns the word in [0, q) congruent to x, given x − ⌊q/2⌋, which is below 2^52 in magnitude.
    ///
    /// Reduction yields an integer from −(q − 1)/2 to (q − 1)/2. Adding ⌊q/2⌋ = (q − 1)/2 moves it to [0, q).
    #[inline(always)]
    pub(super) fn to_residue(self, x_less_half: f64) -> u64 {
        debug_assert!(x_less_half.abs() < INTEGERS, "{x_less_half} is beyond 2^52");
        (self.reduce(x_less_half) + self.half_and_integers).to_bits() ^ INTEGERS.to_bits()
    }

    /// Reduces from (−q, q) to [0, q).
    #[inline(always)]
    pub(super) fn canonical(self, r: f64) -> f64 {
        debug_assert!(r.abs() < self.q, "{r} is beyond {}", self.q);
        r + if r < 0.0 { self.q } else { 0.0 }
    }
}

/// Converts a word below 2^52 to a double.
#[inline(always)]
pub(super) fn from_word(word: u64) -> f64 {
    f64::from_bits(word | INTEGERS.to_bits()) - INTEGERS
}

/// Converts an integer in [0, 2^52) to a word.
#[inline(always)]
pub(super) fn to_word(integer: f64) -> u64 {
    (integer + INTEGERS).to_bits() ^ INTEGERS.to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primes;
    use proptest::prelude::*;

    /// Primes of several sizes, from the smallest to the largest in use.
    fn moduli() -> impl Iterator<Item = Modulus> {
        [8, 14, 25, 26, 42, 49, 50].into_iter().map(|bits| Modulus::new(primes::search(5, &[bits]).unwrap()[0]))
    }

    /// Checks that [`Field::mul`] and [`Field::reduce`] return congruent integers within their proved bounds.
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
                // Here y·w lies next to an odd multiple of q/2, where the roundings decide.
                let w = m.reduce(w).max(1);
                let target = m.value() / 2;
                check(&m, m.mul(target, m.inv(w)) as i64, w);
            }
        }
    }
}
