//! Chebyshev series over whole layers: checked interpolation, evaluation of many values at once, and what falls outside.
//!
//! The series itself is [`fhe_circuits::ChebyshevSeries`], so that cleartext and encryption evaluate the same coefficients.

pub use fhe_circuits::ChebyshevSeries;

use crate::Error;

/// Values evaluated side by side: one Clenshaw step waits for the last, so several values hide that wait.
const LANES: usize = 16;

/// The polynomial of degree at most `degree` that equals `f` at the `degree + 1` Chebyshev nodes of `[lo, hi]`.
///
/// # Errors
/// [`Error::BadInterval`] unless `lo < hi` and both are finite; [`Error::BadSample`] where `f` is not finite at a node.
pub fn interpolate(f: impl Fn(f64) -> f64, lo: f64, hi: f64, degree: usize) -> Result<ChebyshevSeries, Error> {
    if !(lo.is_finite() && hi.is_finite() && lo < hi) {
        return Err(Error::BadInterval { lo, hi });
    }
    let bad = std::cell::Cell::new(None);
    let checked = |x| {
        let found: f64 = f(x);
        if !found.is_finite() {
            bad.set(Some(Error::BadSample { x, found }));
        }
        found
    };
    let series = ChebyshevSeries::interpolate(checked, degree, lo, hi);
    bad.into_inner().map_or(Ok(series), Err)
}

/// Replaces each value by the polynomial's value there, as [`ChebyshevSeries::evaluate`] does. Beyond the interval it is the
/// polynomial's own, which grows without mercy.
pub fn evaluate_in_place(series: &ChebyshevSeries, values: &mut [f64]) {
    let (lanes, rest) = values.as_chunks_mut::<LANES>();
    lanes.iter_mut().for_each(|lanes| *lanes = clenshaw(series, *lanes));
    rest.iter_mut().for_each(|x| *x = series.evaluate(*x));
}

fn clenshaw(series: &ChebyshevSeries, x: [f64; LANES]) -> [f64; LANES] {
    let u = x.map(|x| (2.0 * x - series.lo - series.hi) / (series.hi - series.lo));
    let (first, higher) = series.coefficients.split_first().unwrap_or((&0.0, &[]));
    let (mut b1, mut b2) = ([0.0; LANES], [0.0; LANES]);
    for &c in higher.iter().rev() {
        for i in 0..LANES {
            (b1[i], b2[i]) = (2.0 * u[i] * b1[i] - b2[i] + c, b1[i]);
        }
    }
    std::array::from_fn(|i| u[i] * b1[i] - b2[i] + first)
}

/// How many of `values` lie outside the interval of `series`; a NaN lies outside.
pub fn overflow(series: &ChebyshevSeries, values: &[f64]) -> usize {
    values.iter().filter(|x| !(series.lo..=series.hi).contains(*x)).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_relu_error_falls_as_theory_says() {
        // |x| on [-1, 1] is approached at 0.28/n by the best polynomial (Bernstein); the interpolant is within a small factor
        for degree in [27, 59, 119, 247] {
            let series = interpolate(|x| x.max(0.0), -8.0, 8.0, degree).unwrap();
            let error = (0..=16_000)
                .map(|i| f64::from(i - 8000) / 1000.0)
                .map(|x| (series.evaluate(x) - x.max(0.0)).abs())
                .fold(0.0, f64::max);
            let best = 8.0 * 0.5 * 0.2801 / degree as f64;
            assert!(error > best && error < 4.0 * best, "degree {degree}: {error}, best {best}");
        }
    }

    #[test]
    fn overflow_counts_what_lies_outside() {
        let series = ChebyshevSeries { coefficients: vec![1.0], lo: -1.0, hi: 2.0 };
        assert_eq!(overflow(&series, &[-1.0, 2.0, 0.0]), 0);
        assert_eq!(overflow(&series, &[-1.1, 2.1, 0.0, f64::NAN, f64::INFINITY]), 4);
    }

    #[test]
    fn impossible_interpolations_are_refused() {
        let error = interpolate(|x| x, 1.0, 1.0, 3).unwrap_err().to_string();
        assert_eq!(error, "interval: found [1, 1], wanted finite ends, the lower first");
        assert!(matches!(interpolate(|x| x, f64::NAN, 1.0, 3), Err(Error::BadInterval { .. })));
        assert!(matches!(interpolate(|_| f64::NAN, -1.0, 1.0, 2), Err(Error::BadSample { .. })));
    }

    proptest! {
        #[test]
        fn many_values_at_once_equal_one_at_a_time(values in prop::collection::vec(-9.0..9.0f64, 0..40), degree in 0..60usize) {
            let series = interpolate(f64::exp, -8.0, 8.0, degree).unwrap();
            let mut found = values.clone();
            evaluate_in_place(&series, &mut found);
            let wanted: Vec<f64> = values.iter().map(|&x| series.evaluate(x)).collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
