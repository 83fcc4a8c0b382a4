//! Every circuit against the clear, at small and insecure rings.
#![allow(missing_docs)]

use std::collections::BTreeMap;

use fhe_circuits::polynomial;
use fhe_circuits::*;
use fhe_ckks::*;
use num_complex::Complex64;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

struct Client {
    params: Parameters,
    secret: SecretKey,
    rng: ChaCha20Rng,
}

impl Client {
    fn new(log_n: u32, main_bits: Vec<u32>, special: usize) -> Self {
        let literal = ParametersLiteral {
            log_n,
            main_bits,
            special_bits: vec![50; special],
            secret: SecretDistribution::UniformTernary,
            ephemeral_weight: Some(32),
            insecure: true,
            backend: None,
        };
        let params = Parameters::try_from(literal).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let secret = SecretKey::generate(&params, &mut rng);
        Self { params, secret, rng }
    }

    fn evaluator(&mut self, request: &KeyRequest) -> Evaluator {
        Evaluator::new(&self.params, request.generate(&self.secret, &mut self.rng))
    }

    fn random(&mut self, slots: usize) -> Vec<f64> {
        (0..slots).map(|_| self.rng.random_range(-1.0..1.0)).collect()
    }

    fn worst(&self, found: &Ciphertext, expected: impl Fn(usize) -> f64) -> f64 {
        let errors = self.secret.decrypt(found).into_iter().enumerate();
        errors.map(|(i, v)| (v - Complex64::from(expected(i))).norm()).fold(0.0, f64::max)
    }
}

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
                let found = polynomial::evaluate(&evaluator, &plan, &series, &a, scale).unwrap();
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

fn bootstrap_literal(slots: usize, arcsine_degree: usize, ratio: f64) -> BootstrapLiteral {
    let log = slots.trailing_zeros();
    BootstrapLiteral {
        slots,
        slots_to_coeffs: vec![log - log / 2, log / 2],
        coeffs_to_slots: vec![log / 2, log - log / 2],
        eval_mod: EvalModLiteral { range: 16, degree: 30, double_angles: 3, arcsine_degree },
        message_ratio: ratio,
        input_scale: 2f64.powi(42),
        output_scale: 2f64.powi(42),
    }
}

#[test]
fn bootstrapping_full_and_sparse_slots() {
    for (arcsine, ratio, bits) in [(0, 256.0, 13.0), (3, 256.0, 20.0)] {
        let mut c = Client::new(10, [vec![50, 42, 42, 42], vec![50; 12]].concat(), 8);
        for slots in [512, 64] {
            let literal = bootstrap_literal(slots, arcsine, ratio);
            let evaluator = c.evaluator(&literal.request_keys(&c.params).unwrap());
            let bootstrapper = Bootstrapper::new(&c.params, literal.clone()).unwrap();
            assert_eq!(literal.cost(&c.params).unwrap().bytes, bootstrapper.bytes());
            let x = c.random(slots);
            let a = c.secret.encrypt_real(&x, 2, literal.input_scale, &mut c.rng).unwrap();
            let fresh = bootstrapper.bootstrap(&evaluator, &a).unwrap();
            assert_eq!(fresh.level(), literal.output_level(&c.params).unwrap());
            let worst = -c.worst(&fresh, |i| x[i]).log2();
            println!("{slots} slots, arcsine {arcsine}: {worst:.2} bits at level {}", fresh.level());
            assert!(worst > bits, "{slots} slots: {worst:.2} bits");
        }
    }
}
