//! Least squares: the polynomial that is best where it is most often asked for.

use std::f64::consts::PI;

use super::basis::{Basis, Parity};
use super::linear_system::solve;
use crate::chebyshev::ChebyshevSeries;

/// Points at which an error is weighed.
const POINTS: usize = 4096;

/// Returns the series on [lo, hi], of at most the given degree, whose squared error weighs least at Chebyshev nodes.
///
/// `weight` is positive. Nodes lie densely at the ends of the interval, so with equal weights the largest error is little
/// more than the interpolant's. The time grows with the square of the degree. The condition of the equations grows with the
/// largest weight over the smallest.
pub fn least_squares(
    f: impl Fn(f64) -> f64,
    weight: impl Fn(f64) -> f64,
    degree: usize,
    (lo, hi): (f64, f64),
) -> ChebyshevSeries {
    let angles = (0..POINTS).map(|point| PI * (point as f64 + 0.5) / POINTS as f64);
    let nodes = angles.map(|angle| (lo + hi + (hi - lo) * angle.cos()) / 2.0);
    fit(f, weight, &Basis { parity: Parity::Any, degree, lo, hi }, nodes)
}

/// Returns the even series on [−1, 1], of at most the given degree, whose squared error weighs least.
pub(crate) fn even_least_squares(
    f: impl Fn(f64) -> f64,
    weight: impl Fn(f64) -> f64,
    degree: usize,
) -> ChebyshevSeries {
    // Half of the interval is enough, as everything is even.
    let points = (0..POINTS).map(|point| (point as f64 + 0.5) / POINTS as f64);
    fit(f, weight, &Basis { parity: Parity::Even, degree, lo: -1.0, hi: 1.0 }, points)
}

/// Solves the normal equations of these points.
fn fit(
    f: impl Fn(f64) -> f64,
    weight: impl Fn(f64) -> f64,
    basis: &Basis,
    points: impl Iterator<Item = f64>,
) -> ChebyshevSeries {
    let mut equations = vec![vec![0.0; basis.len() + 1]; basis.len()];
    for x in points {
        let mut terms = basis.at(x);
        let weight = weight(x);
        terms.push(f(x));
        for (row, &term) in equations.iter_mut().zip(&terms) {
            row.iter_mut().zip(&terms).for_each(|(sum, other)| *sum += weight * term * other);
        }
    }
    basis.series(&solve(equations))
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
    fn any_polynomial_is_found_whatever_the_weight_and_the_interval() {
        let f = |x: f64| 3.0 - x + 0.5 * x.powi(5);
        for degree in [5, 31] {
            let found = least_squares(f, |x| (-x * x).exp() + 1e-3, degree, (-1.0, 3.0));
            assert!((-10..=30).all(|k| (found.evaluate(f64::from(k) / 10.0) - f(f64::from(k) / 10.0)).abs() < 1e-8));
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
