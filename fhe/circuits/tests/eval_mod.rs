//! EvalMod under encryption at every integer part of its range: bootstraps hardly ever meet those near its ends.
#![allow(missing_docs)]

use std::f64::consts::TAU;

use fhe_circuits::eval_mod::EvalMod;
use fhe_circuits::*;
use fhe_ckks::*;
use num_complex::Complex64;
use rand::{Rng, SeedableRng};

mod common;
use common::Client;

const RANGE: u32 = 16;
/// Of the modulus to the largest message.
const RATIO: f64 = 256.0;

#[test]
fn every_integer_part_is_taken_away() {
    for kernel in [Kernel::Cosine, Kernel::Exponential] {
        let literal = EvalModLiteral { range: RANGE, kernel, degree: 31, double_angles: 3, arcsine_degree: 0 };
        let eval_mod = EvalMod::new(literal, RATIO).unwrap();
        let mut c = Client::new(10, vec![50; 12], 8);
        let level = c.params.max_level();
        let mut request = KeyRequest::default();
        eval_mod.request_keys(&c.params, level, &mut request);
        let evaluator = c.evaluator(&request);

        let integers = -i64::from(RANGE)..=i64::from(RANGE);
        let mut x: Vec<f64> = integers.flat_map(|i| [-1.0, 0.0, 1.0].map(|m| i as f64 + m / RATIO)).collect();
        x.resize(128, 0.0);
        let input: Vec<Complex64> = x.iter().map(|x| (x / eval_mod.width()).into()).collect();
        let scale = c.params.prime(level);
        let input = c.encrypt(&input, level, scale);
        let reduced = eval_mod.evaluate(&evaluator, &input, scale).unwrap();

        // The result differs from the series by noise, and from the sine by the error of the series too.
        let noise = c.worst(&reduced, |i| eval_mod.evaluate_clear(x[i] / eval_mod.width()));
        let error = c.worst(&reduced, |i| (TAU * x[i]).sin());
        println!("{kernel:?}: noise 2^{:.1}, error 2^{:.1}", noise.log2(), error.log2());
        assert!(noise < 2f64.powi(-24) && error < 2f64.powi(-20), "{kernel:?}: noise {noise:e}, error {error:e}");
    }
}

#[test]
fn a_wave_is_the_cosine_of_its_phase_for_messages_that_fill_the_modulus() {
    for phase in [0.4, 0.0, -0.2] {
        let kernel = Kernel::Wave { phase, deviation: f64::INFINITY };
        let (degree, double_angles) = (30, 3);
        let literal = EvalModLiteral { range: RANGE, kernel, degree, double_angles, arcsine_degree: 0 };
        assert!(literal.check(1.9).is_err(), "messages beyond half of the modulus");
        assert!(EvalModLiteral { arcsine_degree: 3, ..literal.clone() }.check(2.0).is_err(), "an arcsine");
        let eval_mod = EvalMod::new(literal, 2.0).unwrap();
        let mut c = Client::new(10, vec![50; 12], 8);
        let level = c.params.max_level();
        let mut request = KeyRequest::default();
        eval_mod.request_keys(&c.params, level, &mut request);
        let evaluator = c.evaluator(&request);

        // Half of the modulus on either side of every integer.
        let steps = 2 * i64::from(RANGE) + 1;
        let x: Vec<f64> = (0..256).map(|k| (f64::from(k) / 255.0 - 0.5) * steps as f64).collect();
        let input: Vec<Complex64> = x.iter().map(|x| (x / eval_mod.width()).into()).collect();
        let scale = c.params.prime(level);
        let input = c.encrypt(&input, level, scale);
        let wave = eval_mod.evaluate(&evaluator, &input, scale).unwrap();
        let error = c.worst(&wave, |i| (TAU * (x[i] - phase)).cos());
        println!("phase {phase}: error 2^{:.1}", error.log2());
        assert!(error < 2f64.powi(-13), "phase {phase}: error {error:e}");
    }
}

/// A series of degree 30 with two double angles, over 14 turns on either side: too few for all of the interval.
#[test]
fn the_series_of_a_wave_is_best_where_coefficients_are() {
    const WEIGHT: u32 = 32;
    let deviation = (f64::from(WEIGHT + 1) / 12.0).sqrt();
    let literal = |deviation| {
        let kernel = Kernel::Wave { phase: 0.4, deviation };
        EvalModLiteral { range: 13, kernel, degree: 30, double_angles: 2, arcsine_degree: 0 }
    };
    let [alike, fitted] = [f64::INFINITY, deviation].map(|deviation| EvalMod::new(literal(deviation), 2.0).unwrap());
    let error = |eval_mod: &EvalMod, x: f64| eval_mod.evaluate_clear(x / eval_mod.width()) - (TAU * (x - 0.4)).cos();
    let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(2);
    let samples: Vec<f64> =
        (0..100_000).map(|_| (0..=WEIGHT).map(|_| rng.random_range(-0.5..0.5)).sum::<f64>()).collect();
    let bits = |eval_mod: &EvalMod| {
        let squares: f64 = samples.iter().map(|&x| error(eval_mod, x).powi(2)).sum();
        -(squares / samples.len() as f64).sqrt().log2()
    };
    let (alike, likely) = (bits(&alike), bits(&fitted));
    let worst = (-135..=135).map(|k| error(&fitted, f64::from(k) / 10.0).abs()).fold(0.0, f64::max);
    println!("{alike:.1} bits for all alike, {likely:.1} where coefficients are; worst error {worst:.3}");
    assert!(likely > alike + 4.0 && (14.5..16.5).contains(&likely) && (0.01..0.125).contains(&worst));
}

#[test]
fn a_series_that_loses_the_message_is_refused() {
    for (degree, double_angles, fits) in [(30, 3, true), (8, 3, false), (30, 0, false)] {
        let kernel = Kernel::Cosine;
        let literal = EvalModLiteral { range: RANGE, kernel, degree, double_angles, arcsine_degree: 0 };
        match EvalMod::new(literal, RATIO) {
            Ok(_) => assert!(fits, "degree {degree}, {double_angles} double angles"),
            Err(error) => {
                assert!(!fits && error.to_string().contains("of the largest message, wanted less than 0.5"), "{error}");
            }
        }
    }
}
