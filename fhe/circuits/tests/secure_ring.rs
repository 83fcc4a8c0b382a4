//! The slim bootstrap at N = 2^16 and 128 bits of security, step by step: which step costs which precision.
#![allow(missing_docs)]

use std::f64::consts::TAU;

use fhe_circuits::presets::N16_SLIM_REAL;
use fhe_circuits::*;
use fhe_ckks::embedding::{Embedding, bit_reverse};
use fhe_ckks::noise::{Noise, slot_std};
use fhe_ckks::*;
use num_complex::Complex64;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

const SLOTS: usize = 1 << 14;
const RATIO: f64 = N16_SLIM_REAL.message_ratio;
const WEIGHT: u32 = 32;

/// Bits by which a measured deviation may differ from the derived one. The deviation of 2^14 slots is known to 0.01
/// bits. The derivation leaves out some lesser noises, none of them above a tenth of the dominant one.
const BAND: f64 = 0.1;

fn coefficients(slots: &[Complex64]) -> Vec<f64> {
    let mut values = slots.to_vec();
    Embedding::new(values.len()).to_coefficients(&mut values);
    bit_reverse(&mut values);
    values.into_iter().map(|c| c.re).collect()
}

/// The message beside a multiple of q₀: t/q₀ in, m out.
fn message(t: f64) -> f64 {
    (t - t.round()) * RATIO
}

/// Deviations of messages that each step adds, in the order of the table. See `docs/precision.md`.
fn derive(
    params: &Parameters,
    secret: &SecretKey,
    literal: &BootstrapLiteral,
    circuit: &Bootstrapper,
    rng: &mut ChaCha20Rng,
) -> [f64; 6] {
    let (dense, sparse) = (Noise::of_weight(params, secret.weight()), Noise::of_weight(params, WEIGHT as usize));
    let (top, delta) = (params.max_level(), literal.input_scale);
    // The real part of a slot.
    let slot = |coefficient: f64| slot_std(coefficient, SLOTS) / 2f64.sqrt();
    let encryption = slot(dense.fresh_secret().hypot(dense.encoding())) / delta;

    // Each stage is rescaled, and a stage that merges k levels has the norm √2^k; messages are coefficients in the end.
    let squares = literal.slots_to_coeffs.merged.iter().rev().scan(1.0, |norm, &radix| {
        let square = dense.rounding().powi(2) * *norm;
        *norm *= f64::from(1 << radix);
        Some(square)
    });
    let slots_to_coeffs = squares.sum::<f64>().sqrt() / delta;

    // Both key switches of the encapsulation. The trace doubles the message and the noise of the first switch. The
    // second switch adds the products of its two terms and one rounding.
    let to_sparse = sparse.key_switch(KeyShape { main: 1, special: 1, digit_len: 1 }, 0);
    let shape = KeyShape { main: top + 1, special: params.key_shape(0).special, digit_len: top + 1 };
    let to_dense = (2.0 * dense.key_switch(shape, 0).powi(2) - dense.rounding().powi(2)).sqrt();
    let mod_raise = to_sparse.hypot(to_dense / 2.0) / delta;

    // The last rescaling: in earlier stages the integers are larger, and the norms below 1.
    let eval_mod = params.prime(top - literal.coeffs_to_slots.levels);
    let width = circuit.eval_mod_width();
    let rounding = slot(dense.rounding()) / eval_mod;
    let coeffs_to_slots = rounding * width * RATIO;

    // The integer parts are rounded sums of weight + 1 uniform residues. At u = I/width, with c = 2π·width/2^r, an
    // error δ of T₂ is one of δ·(2cu − sin 2cu)/u² of the sine.
    let c = TAU * width / 8.0;
    let (mut approximation, mut noise) = (0.0, 0.0);
    const SAMPLES: usize = 100_000;
    for _ in 0..SAMPLES {
        let integer = (0..=WEIGHT).map(|_| rng.random_range(-0.5..0.5)).sum::<f64>().round();
        let m: f64 = rng.random_range(-1.0..1.0);
        approximation += (circuit.eval_mod_clear((integer + m / RATIO) / width) - m).powi(2);
        let u = (integer + m / RATIO) / width;
        noise += (rounding * (2.0 * c * u - (2.0 * c * u).sin()) / (u * u) * RATIO / TAU).powi(2);
    }
    let mean = |sum: f64| (sum / SAMPLES as f64).sqrt();
    [encryption, slots_to_coeffs, mod_raise, coeffs_to_slots, mean(approximation), mean(noise)]
}

#[test]
fn slim_bootstrap_keeps_twenty_bits() {
    let params = Parameters::try_from(N16_SLIM_REAL.parameters()).unwrap();
    assert!(params.log_qp() <= 1747.0 && params.security_bits() >= 128, "{params:?}");
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let secret = SecretKey::generate(&params, &mut rng);
    let literal = N16_SLIM_REAL.bootstrap();
    let evaluator = Evaluator::new(&params, literal.request_keys(&params).unwrap().generate(&secret, &mut rng));
    let circuit = Bootstrapper::new(&params, literal.clone()).unwrap();

    let x: Vec<f64> = (0..SLOTS).map(|_| rng.random_range(-1.0..1.0)).collect();
    let input = secret.encrypt_real(&x, literal.input_level(), literal.input_scale, &mut rng).unwrap();
    let lowered = circuit.slots_to_coeffs(&evaluator, &input).unwrap();
    let raised = circuit.mod_raise(&evaluator, &lowered).unwrap();
    let parts = circuit.coeffs_to_slots(&evaluator, &raised).unwrap();
    let reduced = circuit.eval_mod(&evaluator, &parts).unwrap();
    let output = circuit.recombine(&evaluator, reduced.clone()).unwrap();
    assert!(output.level() >= 10);

    // The messages that the secret key decrypts after each step.
    let width = circuit.eval_mod_width();
    let fresh = secret.decrypt_real(&input);
    let after_transform = coefficients(&secret.decrypt(&lowered));
    let after_raise: Vec<f64> = coefficients(&secret.decrypt(&raised)).iter().map(|t| message(t * width)).collect();
    let into_eval_mod = secret.decrypt_real(&parts[0]);
    let after_slots: Vec<f64> = into_eval_mod.iter().map(|t| message(t * width)).collect();
    let approximated: Vec<f64> = into_eval_mod.iter().map(|&t| circuit.eval_mod_clear(t)).collect();
    let found = secret.decrypt_real(&output);
    let between = |found: &[f64], expected: &[f64]| Precision::between(found, expected).unwrap();

    let derived = derive(&params, &secret, &literal, &circuit, &mut rng);
    let table = [
        ("encryption", between(&fresh, &x), derived[0], BAND),
        ("SlotsToCoeffs", between(&after_transform, &fresh), derived[1], BAND),
        ("ModRaise", between(&after_raise, &after_transform), derived[2], BAND),
        ("CoeffsToSlots", between(&after_slots, &after_raise), derived[3], BAND),
        ("EvalMod, approximation", between(&approximated, &after_slots), derived[4], BAND),
        // Of the noise of the powers only that of T₂ is derived, the one that counts most.
        ("EvalMod, noise", between(&found, &approximated), derived[5], 1.25),
    ];
    println!("| step | derived | measured | worst |");
    for (name, found, derived, band) in &table {
        let (found, derived, worst) = (-found.std.log2(), -derived.log2(), found.worst_bits.unwrap());
        println!("| {name} | {derived:.2} | {found:.2} | {worst:.2} |");
        assert!((derived - band..derived + BAND).contains(&found), "{name}: {found:.2} bits, derived {derived:.2}");
    }
    let all = between(&found, &x);
    println!("| all | | {:.2} | {:.2} |", -all.std.log2(), all.worst_bits.unwrap());
    assert!(all.worst_bits.unwrap() >= N16_SLIM_REAL.worst_bits, "{all:?}");
    // The steps' errors are independent: nothing is missing from the table.
    let sum = table.iter().map(|(_, step, ..)| step.std.powi(2)).sum::<f64>().sqrt();
    assert!((sum / all.std).log2().abs() < BAND, "steps {:.2} bits, all {:.2}", -sum.log2(), -all.std.log2());
}
