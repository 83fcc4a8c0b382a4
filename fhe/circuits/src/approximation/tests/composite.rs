use proptest::prelude::*;

use super::grid;
use crate::approximation::{ApproximationError, ReluComposite, SignComposite};
use crate::polynomial::PolynomialPlan;

/// The error that a composition claims, its parity, and that no stage gets what lies outside its interval.
fn assert_signs(sign: &SignComposite) {
    let largest = sign.stages[0].hi / (1.0 + sign.margin);
    assert!((largest / sign.reach - 1.0).abs() < 1e-14);
    for stage in &sign.stages {
        assert_eq!(stage.lo, -stage.hi);
        assert!(stage.coefficients.iter().step_by(2).all(|&c| c == 0.0), "even terms in {stage:?}");
    }
    // Where the composition is steep, it amplifies the rounding of its argument.
    let rounding = 64.0 * f64::EPSILON * sign.reach / sign.threshold;
    let mut last = -1.0f64;
    for x in grid(0.0, sign.threshold, 500).chain(grid(sign.threshold, sign.reach, 20_000)) {
        let mut value = x;
        for stage in &sign.stages {
            assert!(value.abs() <= stage.hi * (1.0 + 1e-12), "{value} outside {} for x = {x}", stage.hi);
            value = stage.evaluate(value);
        }
        assert_eq!(value, sign.evaluate(x));
        assert!((value + sign.evaluate(-x)).abs() < rounding, "not odd at {x}");
        if x >= sign.threshold {
            assert!((value - 1.0).abs() <= sign.error() + 1e-12, "{value} at {x}, error {}", sign.error());
        } else {
            // With a margin a stage comes close to 1 before its input reaches the image of the threshold. From there on
            // it differs from 1 by its error.
            assert!(value >= last.min(1.0 - sign.error()) - rounding, "falls to {value} at {x}");
            last = value;
        }
    }
}

#[test]
fn precision_is_met_and_no_smaller_threshold_meets_it() {
    for (degrees, alpha) in [(&[7, 7][..], 7.0), (&[7, 7, 13], 10.0), (&[15, 15, 27], 13.0), (&[15, 15, 27], 20.0)] {
        for margin in [0.0, 1e-6, 1e-3] {
            let sign = SignComposite::with_precision(degrees, alpha, margin).unwrap();
            assert_signs(&sign);
            assert!(sign.error() <= (-alpha).exp2(), "{degrees:?}: {}", sign.error());
            let smaller = SignComposite::with_threshold(degrees, sign.threshold * (1.0 - 1e-6), margin).unwrap();
            assert!(smaller.error() > (-alpha).exp2(), "{degrees:?}: {}", smaller.error());
        }
    }
}

#[test]
fn a_margin_covers_noise_in_every_stage() {
    let margin = 1e-3;
    let sign = SignComposite::with_precision(&[7, 7, 13], 8.0, margin).unwrap();
    for x in grid(sign.threshold, 1.0, 20_000) {
        for noise in [[1.0, 1.0, 1.0], [1.0, -1.0, 1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, -1.0]] {
            // The threshold applies to the noisy input, so noise does not take an input below it.
            let start = (x + noise[0] * margin).max(sign.threshold);
            let ends = sign
                .stages
                .iter()
                .enumerate()
                .fold(start, |x, (i, stage)| stage.evaluate(if i == 0 { x } else { x + noise[i] * margin }));
            assert!((ends - 1.0).abs() <= sign.error() + 1e-12, "{ends} at {x}");
        }
    }
}

#[test]
fn relu_has_the_error_that_it_claims() {
    for degrees in [&[3][..], &[7, 7], &[7, 7, 13], &[15, 15, 27]] {
        let relu = ReluComposite::best(degrees, 0.0).unwrap();
        let error = |x: f64| (relu.evaluate(x) - x.max(0.0)).abs();
        let points = || grid(-1.0, 1.0, 40_000).chain(grid(0.0, relu.sign.threshold, 4000));
        let found = points().map(error).fold(0.0, f64::max);
        assert!(
            found <= relu.error * (1.0 + 1e-9) && found > relu.error * 0.9999,
            "{degrees:?}: {found}, {}",
            relu.error
        );
        for factor in [0.999, 1.001] {
            let other = SignComposite::with_threshold(degrees, relu.sign.threshold * factor, 0.0).unwrap();
            assert!(ReluComposite::new(other).error > relu.error, "{degrees:?}: a better threshold by {factor}");
        }
        let wide = relu.clone().over(40.0);
        assert_signs(&wide.sign);
        for x in grid(-40.0, 40.0, 1000) {
            assert!((wide.evaluate(x) - 40.0 * relu.evaluate(x / 40.0)).abs() < 1e-11);
        }
        assert!((wide.precision() - relu.precision()).abs() < 1e-12);
    }
}

#[test]
fn stages_take_the_depth_of_their_degrees() {
    let sign = SignComposite::with_precision(&[15, 15, 27], 13.0, 0.0).unwrap();
    let depths: Vec<_> = sign.stages.iter().map(|stage| PolynomialPlan::new(stage).depth()).collect();
    assert_eq!(depths, [4, 4, 5]);
}

#[test]
fn impossible_compositions_are_refused() {
    let refused = |degrees: &[usize], alpha, margin| {
        SignComposite::with_precision(degrees, alpha, margin).unwrap_err().to_string()
    };
    assert_eq!(refused(&[], 7.0, 0.0), "degrees: found none, wanted at least one");
    assert_eq!(refused(&[7, 8], 7.0, 0.0), "degree of stage 2: found 8, wanted an odd number");
    assert_eq!(refused(&[7, 7], f64::NAN, 0.0), "error 2^-alpha: found NaN, wanted at least 2^-30 and below 1");
    assert_eq!(refused(&[7, 7], 7.0, -0.1), "margin: found -0.1, wanted at least 0 and below 1");
    assert!(refused(&[7, 7], 7.0, 0.9).starts_with("margin: found 0.9, wanted less than"));
    let error = |threshold, margin| SignComposite::with_threshold(&[7, 7], threshold, margin).unwrap_err();
    assert_eq!(error(0.0, 0.0).to_string(), "threshold: found 0, wanted at least 2^-30 and below 1");
    assert!(matches!(error(0.0005, 0.01), ApproximationError::Blurred { stage: 1, .. }), "{}", error(0.0005, 0.01));
    let exhausted = SignComposite::with_threshold(&[15, 15, 27], 0.5, 0.0).unwrap_err();
    assert!(matches!(exhausted, ApproximationError::Exhausted { .. }), "{exhausted}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_degrees_and_threshold(
        halves in prop::collection::vec(0..16usize, 1..4), log_threshold in -14.0..-0.1f64, margin in 0.0..1e-3f64,
    ) {
        let degrees: Vec<usize> = halves.iter().map(|h| 2 * h + 1).collect();
        match SignComposite::with_threshold(&degrees, log_threshold.exp2(), margin) {
            Ok(sign) => assert_signs(&sign),
            Err(ApproximationError::Blurred { .. } | ApproximationError::Exhausted { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
}
