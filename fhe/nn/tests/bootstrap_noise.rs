//! The planned noise of bootstraps against real ones, at 128 bits of security.
#![allow(missing_docs)]

use fhe_circuits::Bootstrapper;
use fhe_ckks::{Evaluator, Parameters, Precision, SecretKey};
use fhe_nn::encrypted::profile::{FEWEST_KEYS, Masks};
use fhe_nn::encrypted::{Circuit, Packing, Profile, Remainder, Transform};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// The worst slot of a planned bootstrap may be better than that of a real one by this many bits, and worse by so many.
/// The median of the largest of 2^14 errors is planned; that of one bootstrap spreads by some tenths of a bit.
const OPTIMISTIC: f64 = 0.5;
const PESSIMISTIC: f64 = 1.0;

fn transform(stages: &[u32], primes: usize, bits: u32) -> Transform {
    Transform { stages: stages.to_vec(), primes, bits, giant_step: FEWEST_KEYS }
}

/// Shipped profiles and others, each with the ring, the activation and the slots of the bootstrap.
fn rows() -> Vec<(u32, &'static str, usize, Profile)> {
    let (wide, narrow) = (Profile::wide(), Profile::narrow());
    let long = Profile {
        name: "long".to_owned(),
        base: 50,
        linear: 42,
        scale: 42,
        activation: 45,
        eval_mod: 50,
        special: 49,
        slots_to_coeffs: transform(&[5, 5, 4], 2, 50),
        coeffs_to_slots: transform(&[3, 3, 4, 4], 4, 50),
        message_ratio: 128.0,
        range: 16,
        eval_mod_degree: 30,
        double_angles: 3,
        ..wide.clone()
    };
    let short = Profile {
        name: "short".to_owned(),
        base: 38,
        linear: 32,
        scale: 32,
        masks: Masks::None,
        activation: 34,
        eval_mod: 38,
        special: 48,
        most_digits: None,
        slots_to_coeffs: transform(&[7, 7], 1, 48),
        coeffs_to_slots: transform(&[5, 5, 4], 2, 48),
        message_ratio: 64.0,
        ..long.clone()
    };
    let low = Profile {
        name: "low".to_owned(),
        base: 38,
        linear: 36,
        scale: 36,
        activation: 38,
        eval_mod: 44,
        message_ratio: 16.0,
        slots_to_coeffs: transform(&[5, 5, 4], 2, 44),
        coeffs_to_slots: transform(&[5, 5, 4], 3, 44),
        ..long.clone()
    };
    let shared = Profile {
        name: "shared".to_owned(),
        coeffs_to_slots: transform(&[5, 5, 4], 2, 50),
        slots_to_coeffs: transform(&[7, 7], 1, 50),
        range: 13,
        eval_mod_degree: 62,
        double_angles: 1,
        ..low.clone()
    };
    let exponential = Profile {
        name: "exponential".to_owned(),
        kernel: Remainder::Exponential,
        eval_mod_degree: 31,
        eval_mod: 42,
        ..low.clone()
    };
    let steep = Profile { name: "steep".to_owned(), message_ratio: 8.0, base: 34, ..short.clone() };
    let coarse = Profile {
        name: "coarse".to_owned(),
        coeffs_to_slots: transform(&[5, 5, 4], 2, 44),
        message_ratio: 32.0,
        ..short.clone()
    };
    vec![
        (15, "chebyshev:7", 1 << 14, narrow.clone()),
        (15, "chebyshev:7", 1 << 12, narrow),
        (15, "chebyshev:7", 1 << 14, short),
        (15, "chebyshev:7", 1 << 14, steep),
        (15, "chebyshev:7", 1 << 14, coarse),
        (16, "chebyshev:59", 1 << 14, wide.clone()),
        (16, "chebyshev:59", 1 << 12, wide),
        (16, "chebyshev:59", 1 << 14, long),
        (16, "chebyshev:59", 1 << 14, low),
        (16, "chebyshev:59", 1 << 14, shared),
        (16, "chebyshev:59", 1 << 14, exponential),
    ]
}

/// Returns the bits of the mean error and of the worst slot of one bootstrap.
fn measured(circuit: &Circuit, slots: usize) -> [f64; 2] {
    let params = Parameters::try_from(circuit.parameters().clone()).unwrap();
    assert!(params.security_bits() >= 128);
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let secret = SecretKey::generate(&params, &mut rng);
    let literal = circuit.bootstrap(slots);
    let evaluator = Evaluator::new(&params, literal.request_keys(&params).unwrap().generate(&secret, &mut rng));
    let bootstrapper = Bootstrapper::new(&params, literal.clone()).unwrap();
    let x: Vec<f64> = (0..slots).map(|_| rng.random_range(-1.0..1.0)).collect();
    let input = secret.encrypt_real(&x, literal.input_level(), literal.input_scale, &mut rng).unwrap();
    let output = bootstrapper.bootstrap(&evaluator, &input).unwrap();
    let found: Vec<f64> = secret.decrypt_real(&output).into_iter().map(|s| circuit.sine().undo(s)).collect();
    let precision = Precision::between(&found, &x).unwrap();
    [-precision.std.log2(), precision.worst_bits.unwrap()]
}

#[test]
fn planned_noise_is_that_of_real_bootstraps() {
    println!("| ring | slots | profile | mean, planned | measured | worst, planned | measured |");
    let mut wrong = String::new();
    for (log_n, relu, slots, profile) in rows() {
        let circuit = Circuit::new(log_n, &relu.parse().unwrap(), Packing::default(), Some(&profile)).unwrap();
        let planned = circuit.bootstrap(slots).noise(circuit.parameters()).unwrap();
        let [mean, worst] = measured(&circuit, slots);
        let row = format!(
            "| {log_n} | {slots} | {} | {:.2} | {mean:.2} | {:.2} | {worst:.2} |",
            profile.name,
            -planned.deviation.log2(),
            planned.worst_bits
        );
        println!("{row}");
        if planned.worst_bits > worst + OPTIMISTIC || planned.worst_bits < worst - PESSIMISTIC {
            wrong += &format!("{row}\n");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
