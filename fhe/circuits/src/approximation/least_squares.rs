//! Least squares: the polynomial that is best where it is most often asked for.

use super::linear_system::solve;
use crate::chebyshev::ChebyshevSeries;

/// Points at which an error is weighed.
const POINTS: usize = 4096;

/// Returns the even series on [−1, 1], of at most the given degree, whose squared error weighs least.
pub(crate) fn even_least_squares(
    f: impl Fn(f64) -> f64,
    weight: impl Fn(f64) -> f64,
    degree: usize,
) -> ChebyshevSeries {
    let count = degree / 2 + 1;
    // The normal equations. Half of the interval is enough, as everything is even.
    let mut equations = vec![vec![0.0; count + 1]; count];
    for point in 0..POINTS {
        let x = (point as f64 + 0.5) / POINTS as f64;
        let angle = x.acos();
        let mut terms: Vec<f64> = (0..count).map(|k| (2.0 * k as f64 * angle).cos()).collect();
        let weight = weight(x);
        terms.push(f(x));
        for (row, term) in equations.iter_mut().zip(terms.clone()) {
            row.iter_mut().zip(&terms).for_each(|(sum, other)| *sum += weight * term * other);
        }
    }
    let mut coefficients = vec![0.0; 2 * count - 1];
    coefficients.iter_mut().step_by(2).zip(solve(equations)).for_each(|(place, found)| *place = found);
    ChebyshevSeries { coefficients, lo: -1.0, hi: 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_polynomial_is_found_whatever_the_weight() {
        let f = |x: f64| 3.0 - x * x + 0.5 * x.powi(6);
        for power in [0, 4] {
            let found = even_least_squares(f, |x| (1.0 - x).powi(power) + 1e-6, 6);
            assert!((0..=20).all(|k| (found.evaluate(f64::from(k) / 20.0) - f(f64::from(k) / 20.0)).abs() < 1e-8));
        }
    }

    #[test]
    fn the_error_is_smallest_where_the_weight_is_largest() {
        let f = |x: f64| (9.0 * x).cos();
        let worst = |series: &ChebyshevSeries, places: std::ops::Range<i32>| {
            let error = |k: i32| (series.evaluate(f64::from(k) / 100.0) - f(f64::from(k) / 100.0)).abs();
            places.map(error).fold(0.0, f64::max)
        };
        let alike = even_least_squares(f, |_| 1.0, 10);
        let centred = even_least_squares(f, |x| (-x * x * 50.0).exp() + 1e-6, 10);
        assert!(worst(&centred, 0..30) < worst(&alike, 0..30) / 10.0);
        assert!(worst(&centred, 80..101) > worst(&alike, 80..101));
    }
}
