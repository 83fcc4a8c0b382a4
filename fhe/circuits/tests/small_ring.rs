//! Every circuit against the clear, at small and insecure rings.
#![allow(missing_docs)]

use std::collections::BTreeMap;

use fhe_circuits::polynomial;
use fhe_circuits::*;
use fhe_ckks::*;
use num_complex::Complex64;
use rand::Rng;

mod common;
use common::Client;

#[test]
fn linear_transforms_of_mixed_periods() {
    let mut c = Client::new(10, vec![50, 45, 45], 2);
    for slots in [64usize, 512] {
        for offsets in [vec![0], vec![3], vec![-7, -2, 0, 1, 2, 5], (0..16).map(|k| 4 * k).collect::<Vec<i64>>()] {
            let mut matrix = Diagonals::default();
            for (k, &d) in offsets.iter().enumerate() {
                let period = [slots, 1, 8, slots / 2][k % 4];
                let diagonal = (0..period).map(|_| Complex64::from(c.rng.random_range(-1.0..1.0))).collect();
                matrix.0.insert(d, diagonal);
            }
            let mut request = KeyRequest::default();
            LinearTransform::request_keys(&c.params, &matrix, 2, &mut request);
            let evaluator = c.evaluator(&request);
            let transform = LinearTransform::new(&c.params, &matrix, 2, c.params.prime(2)).unwrap();
            let x = c.random(slots);
            let a = c.secret.encrypt_real(&x, 2, 2f64.powi(45), &mut c.rng).unwrap();
            let expected = matrix.apply(&x.iter().map(|&v| v.into()).collect::<Vec<_>>());
            let found = transform.apply(&evaluator, &a).unwrap();
            assert_eq!((found.level(), found.scale()), (1, a.scale()));
            let worst = c.worst(&found, |i| expected[i].re);
            assert!(worst < 1e-7, "{slots} slots, offsets {offsets:?}: {worst:e}");
        }
    }
}

#[test]
fn polynomials_of_every_degree_and_parity_at_the_least_depth() {
    let mut c = Client::new(9, [vec![50], vec![45; 9]].concat(), 5);
    let mut request = KeyRequest::default();
    request.relinearization(&c.params, 9);
    let evaluator = c.evaluator(&request);
    type Function = fn(f64) -> f64;
    let functions: [(&str, Function); 4] = [
        ("relu", |x| x.max(0.0)),
        ("even", |x| (2.0 * x).cos()),
        ("odd", |x| (2.0 * x).sin()),
        ("any", |x| x.exp() / 8.0),
    ];
    for degree in (1..=40).chain([59, 63, 64, 119, 127, 200, 247, 255, 511]) {
        for (name, f) in functions {
            for (lo, hi) in [(-2.0, 2.0), (-1.0, 3.0)] {
                let series = ChebyshevSeries::interpolate(f, degree, lo, hi);
                let plan = PolynomialPlan::new(&series);
                let depth = (series.degree() + 1).next_power_of_two().trailing_zeros().max(1) as usize;
                assert_eq!(plan.depth(), depth, "{name}, degree {degree}");
                let x: Vec<f64> = c.random(64).iter().map(|u| (hi - lo) / 2.0 * u + (hi + lo) / 2.0).collect();
                // T₂ should come out at about the size of the primes.
                let a = c.secret.encrypt_real(&x, 9, 2f64.powi(45) / ((hi - lo) / 2.0), &mut c.rng).unwrap();
                let scale = 2f64.powi(44);
                let found = polynomial::evaluate(&evaluator, &plan, &a, scale).unwrap();
                assert_eq!((found.level(), found.scale()), (9 - depth, scale));
                let worst = c.worst(&found, |i| series.evaluate(x[i]));
                assert!(worst < 2e-6, "{name}, degree {degree} on [{lo}, {hi}]: {worst:e}");
            }
        }
    }
}

#[test]
fn even_series_and_relu_cost_few_relinearizations() {
    let cost = |f: fn(f64) -> f64, degree| {
        PolynomialPlan::new(&ChebyshevSeries::interpolate(f, degree, -1.0, 1.0)).relinearizations()
    };
    let costs = BTreeMap::from([
        ("cosine 30", cost(|x| (9.0 * x).cos(), 30)),
        ("relu 59", cost(|x| x.max(0.0), 59)),
        ("dense 63", cost(f64::exp, 63)),
    ]);
    println!("{costs:?}");
    assert!(costs["cosine 30"] <= 8 && costs["relu 59"] <= 10, "{costs:?}");
}

#[test]
fn what_a_transform_was_not_made_for_is_refused() {
    let mut c = Client::new(9, vec![50; 5], 2);
    let matrix = Diagonals((0..3).map(|d| (d, c.random_complex(64))).collect());
    let transform = LinearTransform::new(&c.params, &matrix, 2, 2f64.powi(40)).unwrap();
    let [own, taller] = [2, 4].map(|level| {
        let mut request = KeyRequest::default();
        LinearTransform::request_keys(&c.params, &matrix, level, &mut request);
        c.evaluator(&request)
    });
    let mut input = |slots: usize| {
        let x = c.random_complex(slots);
        c.encrypt(&x, 2, 2f64.powi(40))
    };
    assert!(transform.apply(&own, &input(64)).is_ok() && transform.apply(&own, &input(128)).is_ok());
    let error = transform.apply(&own, &input(32)).unwrap_err();
    assert!(matches!(error, CkksError::SlotMismatch { found: 32, wanted: 64, .. }), "{error}");
    // Its diagonals are over the special primes of its own level's keys.
    let error = transform.apply(&taller, &input(64)).unwrap_err();
    assert!(matches!(error, CkksError::KeyShape { .. }), "{error}");
}
