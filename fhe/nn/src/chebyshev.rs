//! Chebyshev series over whole layers: evaluation of many values at once.
//!
//! The series itself is [`fhe_circuits::ChebyshevSeries`], so that the clear and the encrypted evaluation have the same
//! coefficients.

use fhe_circuits::ChebyshevSeries;
use multiversion::multiversion;

/// Number of values evaluated side by side: each Clenshaw step waits for the one before, and several values hide that
/// wait.
const LANES: usize = 16;

/// Replaces each value by the polynomial's value there, with the bits of [`ChebyshevSeries::evaluate`]. Outside its
/// interval the polynomial grows fast.
pub(crate) fn evaluate_in_place(series: &ChebyshevSeries, values: &mut [f64]) {
    let (lanes, rest) = values.as_chunks_mut::<LANES>();
    lanes.iter_mut().for_each(|lanes| *lanes = clenshaw(series, *lanes));
    rest.iter_mut().for_each(|x| *x = series.evaluate(*x));
}

#[multiversion(targets("x86_64+avx512f", "x86_64+avx2", "aarch64+neon"))]
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_relu_error_falls_as_theory_says() {
        // The best polynomial for |x| on [−1, 1] has an error of 0.28/n (Bernstein); the interpolant is within a small
        // factor.
        for degree in [27, 59, 119, 247] {
            let series = ChebyshevSeries::interpolate(|x| x.max(0.0), degree, -8.0, 8.0);
            let error = (0..=16_000)
                .map(|i| f64::from(i - 8000) / 1000.0)
                .map(|x| (series.evaluate(x) - x.max(0.0)).abs())
                .fold(0.0, f64::max);
            let best = 8.0 * 0.5 * 0.2801 / degree as f64;
            assert!(error > best && error < 4.0 * best, "degree {degree}: {error}, best {best}");
        }
    }

    proptest! {
        #[test]
        fn many_values_at_once_equal_one_at_a_time(values in prop::collection::vec(-9.0..9.0f64, 0..40), degree in 0..60usize) {
            let series = ChebyshevSeries::interpolate(f64::exp, degree, -8.0, 8.0);
            let mut found = values.clone();
            evaluate_in_place(&series, &mut found);
            let wanted: Vec<f64> = values.iter().map(|&x| series.evaluate(x)).collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
