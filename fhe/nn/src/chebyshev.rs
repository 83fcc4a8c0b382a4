//! Polynomials in the Chebyshev basis on an interval: interpolation, evaluation, and what falls outside.

use std::f64::consts::PI;

use crate::Error;

/// Values evaluated side by side: one Clenshaw step waits for the last, so several values hide that wait.
const LANES: usize = 16;

/// `sum over k of coeffs[k] * T_k(u)`, where `u` in [-1, 1] is `x` in `[lo, hi]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ChebyshevSeries {
    /// Coefficients from `T_0` on; the first stands whole, not halved.
    pub coeffs: Vec<f64>,
    /// Lower end of the interval.
    pub lo: f64,
    /// Upper end of the interval.
    pub hi: f64,
}

impl ChebyshevSeries {
    /// The polynomial of degree at most `degree` that equals `f` at the `degree + 1` Chebyshev nodes of `[lo, hi]`.
    ///
    /// # Errors
    /// [`Error::BadInterval`] unless `lo < hi` and both are finite; [`Error::BadSample`] where `f` is not finite at a node.
    pub fn interpolate(f: impl Fn(f64) -> f64, lo: f64, hi: f64, degree: usize) -> Result<Self, Error> {
        if !(lo.is_finite() && hi.is_finite() && lo < hi) {
            return Err(Error::BadInterval { lo, hi });
        }
        let nodes = degree + 1;
        // pi (j + 1/2) / nodes, times k, reduced while it is a whole number of half steps, since cosines of large angles lose bits
        let cosine = |k: usize, j: usize| (PI * ((k * (2 * j + 1)) % (4 * nodes)) as f64 / (2 * nodes) as f64).cos();
        let sample = |j| {
            let x = lo + (hi - lo) * 0.5 * (1.0 + cosine(1, j));
            let found = f(x);
            if found.is_finite() { Ok(found) } else { Err(Error::BadSample { x, found }) }
        };
        let samples = (0..nodes).map(sample).collect::<Result<Vec<f64>, _>>()?;
        let coefficient = |k: usize| {
            let sum: f64 = samples.iter().enumerate().map(|(j, f)| f * cosine(k, j)).sum();
            sum * if k == 0 { 1.0 } else { 2.0 } / nodes as f64
        };
        Ok(Self { coeffs: (0..nodes).map(coefficient).collect(), lo, hi })
    }

    /// The highest index that has a coefficient.
    pub fn degree(&self) -> usize {
        self.coeffs.len().saturating_sub(1)
    }

    /// The value at `x`, by Clenshaw's recurrence. Beyond the interval it is the polynomial's own, which grows without mercy.
    pub fn eval(&self, x: f64) -> f64 {
        let mut values = [x];
        self.eval_in_place(&mut values);
        values[0]
    }

    /// Replaces each value by the polynomial's value there.
    pub fn eval_in_place(&self, values: &mut [f64]) {
        let (lanes, rest) = values.as_chunks_mut::<LANES>();
        lanes.iter_mut().for_each(|lanes| *lanes = self.clenshaw(*lanes));
        for x in rest {
            [*x] = self.clenshaw([*x]);
        }
    }

    fn clenshaw<const N: usize>(&self, x: [f64; N]) -> [f64; N] {
        let u = x.map(|x| (2.0 * x - self.lo - self.hi) / (self.hi - self.lo));
        let (first, higher) = self.coeffs.split_first().unwrap_or((&0.0, &[]));
        let (mut b1, mut b2) = ([0.0; N], [0.0; N]);
        for &c in higher.iter().rev() {
            for i in 0..N {
                (b1[i], b2[i]) = (c + 2.0 * u[i] * b1[i] - b2[i], b1[i]);
            }
        }
        std::array::from_fn(|i| first + u[i] * b1[i] - b2[i])
    }

    /// How many of `values` lie outside `[lo, hi]`; a NaN lies outside.
    pub fn overflow(&self, values: &[f64]) -> usize {
        values.iter().filter(|x| !(self.lo..=self.hi).contains(*x)).count()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_basis_is_chebyshevs() {
        // T_3(u) = 4u^3 - 3u on [2, 6], u = (x - 4) / 2
        let series = ChebyshevSeries { coeffs: vec![0.0, 0.0, 0.0, 1.0], lo: 2.0, hi: 6.0 };
        assert_eq!(series.eval(6.0), 1.0);
        assert_eq!(series.eval(2.0), -1.0);
        assert_eq!(series.eval(5.0), 4.0 * 0.125 - 3.0 * 0.5);
        assert_eq!(ChebyshevSeries { coeffs: vec![7.0], lo: 0.0, hi: 1.0 }.eval(0.3), 7.0);
        assert_eq!(ChebyshevSeries { coeffs: vec![], lo: 0.0, hi: 1.0 }.eval(0.3), 0.0);
    }

    #[test]
    fn the_relu_error_falls_as_theory_says() {
        // |x| on [-1, 1] is approached at 0.28/n by the best polynomial (Bernstein); the interpolant is within a small factor
        for degree in [27, 59, 119, 247] {
            let series = ChebyshevSeries::interpolate(|x| x.max(0.0), -8.0, 8.0, degree).unwrap();
            assert_eq!(series.degree(), degree);
            let error = (0..=16_000).map(|i| f64::from(i - 8000) / 1000.0).map(|x| (series.eval(x) - x.max(0.0)).abs());
            let error = error.fold(0.0, f64::max);
            let best = 8.0 * 0.5 * 0.2801 / degree as f64;
            assert!(error > best && error < 4.0 * best, "degree {degree}: {error}, best {best}");
        }
    }

    #[test]
    fn overflow_counts_what_lies_outside() {
        let series = ChebyshevSeries { coeffs: vec![1.0], lo: -1.0, hi: 2.0 };
        assert_eq!(series.overflow(&[-1.0, 2.0, 0.0]), 0);
        assert_eq!(series.overflow(&[-1.1, 2.1, 0.0, f64::NAN, f64::INFINITY]), 4);
    }

    #[test]
    fn impossible_interpolations_are_refused() {
        let error = ChebyshevSeries::interpolate(|x| x, 1.0, 1.0, 3).unwrap_err().to_string();
        assert_eq!(error, "interval: found [1, 1], wanted finite ends, the lower first");
        assert!(matches!(ChebyshevSeries::interpolate(|x| x, f64::NAN, 1.0, 3), Err(Error::BadInterval { .. })));
        assert!(matches!(ChebyshevSeries::interpolate(|x| 1.0 / x, -1.0, 1.0, 2), Err(Error::BadSample { .. })));
    }

    proptest! {
        #[test]
        fn a_polynomial_is_its_own_interpolant(coeffs in prop::collection::vec(-3.0..3.0f64, 1..20), lo in -5.0..5.0f64, length in 0.1..9.0f64, extra in 0..30usize) {
            let wanted = ChebyshevSeries { lo, hi: lo + length, coeffs };
            let found = ChebyshevSeries::interpolate(|x| wanted.eval(x), lo, lo + length, wanted.degree() + extra).unwrap();
            for (k, c) in found.coeffs.iter().enumerate() {
                let wanted = wanted.coeffs.get(k).copied().unwrap_or(0.0);
                prop_assert!((c - wanted).abs() < 1e-10, "coefficient {k}: {c}, wanted {wanted}");
            }
        }

        #[test]
        fn many_values_at_once_equal_one_at_a_time(values in prop::collection::vec(-9.0..9.0f64, 0..40)) {
            let series = ChebyshevSeries::interpolate(f64::exp, -8.0, 8.0, 31).unwrap();
            let mut found = values.clone();
            series.eval_in_place(&mut found);
            let wanted: Vec<f64> = values.iter().map(|&x| series.eval(x)).collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
