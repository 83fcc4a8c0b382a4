use std::f64::consts::TAU;

use proptest::prelude::*;

use super::grid;
use crate::approximation::{ApproximationError, Minimax, minimax};
use crate::chebyshev::ChebyshevSeries;
use crate::polynomial::PolynomialPlan;

const UNIT: [(f64, f64); 1] = [(-1.0, 1.0)];

fn relu(x: f64) -> f64 {
    x.max(0.0)
}

/// Fails unless the approximation is the best one, by Chebyshev's criterion, and has the error that it states.
fn assert_best(f: impl Fn(f64) -> f64, degree: usize, intervals: &[(f64, f64)], tolerance: f64) -> Minimax {
    let found = minimax(&f, degree, intervals).unwrap();
    let error = |x: f64| f(x) - found.series.evaluate(x);
    assert!(found.error <= found.lower_bound * (1.0 + tolerance), "degree {degree}: {found:?}");
    assert!(found.alternation.len() >= degree + 2, "degree {degree}: {found:?}");
    assert!(found.alternation.is_sorted());
    let heights: Vec<f64> = found.alternation.iter().map(|&x| error(x)).collect();
    for pair in heights.windows(2) {
        assert!(pair[0] * pair[1] < 0.0, "degree {degree}: no alternation in {heights:?}");
    }
    let (least, most) = heights.iter().fold((f64::INFINITY, 0f64), |(l, m), h| (l.min(h.abs()), m.max(h.abs())));
    assert!(most <= least * (1.0 + tolerance), "degree {degree}: extrema from {least} to {most}");
    for &(lo, hi) in intervals {
        for x in grid(lo, hi, 4000) {
            assert!(error(x).abs() <= found.error * (1.0 + 1e-9), "degree {degree}: {} at {x}", error(x));
        }
    }
    found
}

#[test]
fn relu_equioscillates_at_every_degree() {
    for degree in (2..40).chain((40..=255).step_by(7)).chain([59, 119, 247, 254]) {
        assert_best(relu, degree, &UNIT, 1e-9);
    }
    for degree in (2..40).chain([59, 119, 247, 254, 255]) {
        assert_best(relu, degree, &[(-1.0, 1.37)], 1e-9);
    }
}

#[test]
fn the_absolute_value_as_in_theory() {
    let absolute = |degree| minimax(f64::abs, degree, &UNIT).unwrap();
    // x² + 1/8 is the best quadratic, with error 1/8: T₂/2 + 5/8.
    let quadratic = absolute(2);
    assert!((quadratic.error - 0.125).abs() < 1e-14);
    for (found, wanted) in quadratic.series.coefficients.iter().zip([0.625, 0.0, 0.5]) {
        assert!((found - wanted).abs() < 1e-14, "{quadratic:?}");
    }
    // n·E_n goes to Bernstein's constant with a defect of order 1/n²: Varga and Carpenter (1985) computed both.
    const BERNSTEIN: f64 = 0.280_169_499_023_869_1;
    const DEFECT: f64 = 0.043_967_52;
    for degree in [64, 128, 254] {
        let n = degree as f64;
        let found = n * absolute(degree).error;
        let wanted = BERNSTEIN - 4.0 * DEFECT / (n * n);
        assert!((found - wanted).abs() < 1.0 / n.powi(4), "degree {degree}: {found}, wanted {wanted}");
    }
    assert!((4.0 * absolute(4).error - 0.270_483_597_111_371).abs() < 1e-11, "their value");
    // An odd degree is no better than the even one below.
    assert_eq!(absolute(5).series.degree(), 4);
}

#[test]
fn a_warped_relu_keeps_its_short_odd_part() {
    // As bootstrapping leaves it: the sine of its value.
    let ratio = TAU / 128.0;
    let straighten = |s: f64| (s * ratio).asin() / ratio;
    let reach = ratio.sin() / ratio;
    for degree in [15, 59, 119, 255] {
        let found = assert_best(|s| relu(straighten(s)), degree, &[(-reach, reach)], 1e-8);
        let odd = found.series.coefficients.iter().skip(1).step_by(2).filter(|c| **c != 0.0).count();
        assert!(odd <= 5, "degree {degree}: {odd} odd terms");
        let interpolant = ChebyshevSeries::interpolate(|s| relu(straighten(s)), degree, -reach, reach);
        let plan = |series| PolynomialPlan::new(series);
        assert_eq!(plan(&found.series).depth(), plan(&interpolant).depth());
        let worst = grid(-reach, reach, 4000).map(|s| (interpolant.evaluate(s) - relu(straighten(s))).abs());
        assert!(worst.fold(0.0, f64::max) > 1.5 * found.error, "the interpolant comes close at degree {degree}");
    }
}

#[test]
fn signs_on_two_intervals() {
    // Degree 1: 2x/(a + b), with the error (b − a)/(b + a).
    let (a, b) = (0.3, 1.1);
    let line = assert_best(f64::signum, 1, &[(-b, -a), (a, b)], 1e-12);
    assert!((line.error - (b - a) / (b + a)).abs() < 1e-15);
    assert!((line.series.evaluate(1.0) - 2.0 / (a + b)).abs() < 1e-15);
    for degree in [3, 7, 15, 27, 31, 59] {
        for threshold in [0.3, 0.1, 0.01, 1e-4, 1e-6] {
            let found = minimax(f64::signum, degree, &[(-1.0, -threshold), (threshold, 1.0)]).unwrap();
            if found.error < 1e-8 {
                continue;
            }
            let found = assert_best(f64::signum, degree, &[(-1.0, -threshold), (threshold, 1.0)], 1e-6);
            assert!(found.series.coefficients.iter().step_by(2).all(|&c| c == 0.0), "even terms of {found:?}");
        }
    }
}

#[test]
fn intervals_without_symmetry() {
    let intervals = [(-1.0, -0.3), (0.1, 0.8), (1.0, 1.1)];
    for degree in [0, 1, 2, 5, 9, 14] {
        assert_best(f64::signum, degree, &intervals, 1e-9);
        assert_best(|x| (x - 0.4).abs() + x.exp(), degree, &intervals, 1e-9);
    }
    // Many more oscillations than the degree: errors all but vanish on the first references.
    for degree in 0..12 {
        assert_best(|x| (20.0 * x).sin(), degree, &[(-1.0, 2.0)], 1e-9);
    }
}

#[test]
fn polynomials_are_found_again() {
    let cubic = |x: f64| 3.0 * x * x * x - x + 0.5;
    for (lo, hi) in [(-1.0, 1.0), (-1.0, 2.0)] {
        for degree in [3, 4, 20] {
            let found = minimax(cubic, degree, &[(lo, hi)]).unwrap();
            assert!(found.error < 1e-13, "degree {degree}: {found:?}");
        }
    }
    assert_eq!(minimax(|_| 0.0, 5, &UNIT).unwrap().error, 0.0);
}

#[test]
fn impossible_problems_are_refused() {
    let refused = |intervals: &[(f64, f64)]| minimax(relu, 3, intervals).unwrap_err().to_string();
    assert_eq!(refused(&[]), "intervals: found none, wanted at least one");
    assert_eq!(refused(&[(1.0, 1.0)]), "interval: found [1, 1], wanted finite ends, the lower first");
    assert_eq!(refused(&[(f64::NAN, 1.0)]), "interval: found [NaN, 1], wanted finite ends, the lower first");
    assert_eq!(
        refused(&[(0.0, 2.0), (1.0, 3.0)]),
        "intervals: found one from 1 after one to 2, wanted them disjoint and ascending"
    );
    for intervals in [&UNIT[..], &[(0.5, 1.0)]] {
        let error = minimax(|x| if x > 0.8 { f64::NAN } else { x }, 3, intervals).unwrap_err();
        assert!(matches!(error, ApproximationError::NotFinite { .. }), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn kinked_functions_on_any_interval(
        kink in -0.9..0.4f64, slope in -2.0..2.0f64, curve in -1.0..1.0f64, hi in 0.5..3.0f64, degree in 0..40usize,
    ) {
        let f = |x: f64| (x - kink).abs() + slope * x + curve * (2.0 * x).cos();
        assert_best(f, degree, &[(-1.0, hi)], 1e-6);
    }
}
