//! The slim bootstrap at N = 2^16 and 128 bits of security, step by step: which step costs which precision.
#![allow(missing_docs)]

use fhe_circuits::*;
use fhe_ckks::embedding::{Embedding, bit_reverse};
use fhe_ckks::noise::{Noise, slot_std};
use fhe_ckks::*;
use num_complex::Complex64;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

const SLOTS: usize = 1 << 14;
const RATIO: f64 = 256.0;

fn parameters() -> Parameters {
    let main_bits = [vec![50], vec![42; 4], vec![45; 5], vec![50], vec![50; 2], vec![50; 8], vec![50; 4]].concat();
    Parameters::try_from(ParametersLiteral {
        log_n: 16,
        main_bits,
        special_bits: vec![49; 9],
        secret: SecretDistribution::UniformTernary,
        ephemeral_weight: Some(32),
        insecure: false,
        backend: None,
    })
    .unwrap()
}

fn circuit() -> BootstrapLiteral {
    BootstrapLiteral {
        order: BootstrapOrder::Slim,
        values: SlotValues::Real,
        slots: SLOTS,
        slots_to_coeffs: vec![5, 5, 4],
        coeffs_to_slots: vec![4, 4, 3, 3],
        eval_mod: EvalModLiteral { range: 16, degree: 30, double_angles: 3, arcsine_degree: 3 },
        message_ratio: RATIO,
        input_scale: 2f64.powi(42),
        output_scale: 2f64.powf(47.5),
    }
}

/// The error of one step.
struct Step {
    name: &'static str,
    predicted: Option<f64>,
    precision: Precision,
}

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

#[test]
fn slim_bootstrap_keeps_twenty_bits() {
    let params = parameters();
    assert!(params.log_qp() <= 1747.0 && params.security_bits() >= 128, "{params:?}");
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let secret = SecretKey::generate(&params, &mut rng);
    let literal = circuit();
    let evaluator = Evaluator::new(&params, literal.request_keys(&params).unwrap().generate(&secret, &mut rng));
    let circuit = Bootstrapper::new(&params, literal.clone()).unwrap();

    let x: Vec<f64> = (0..SLOTS).map(|_| rng.random_range(-1.0..1.0)).collect();
    let input = secret.encrypt_real(&x, literal.input_level(), literal.input_scale, &mut rng).unwrap();
    let lowered = circuit.slots_to_coeffs(&evaluator, &input).unwrap();
    let raised = circuit.mod_raise(&evaluator, &lowered).unwrap();
    let parts = circuit.coeffs_to_slots(&evaluator, &raised).unwrap();
    let reduced = circuit.eval_mod(&evaluator, &parts).unwrap();
    let output = circuit.recombine(&evaluator, &reduced).unwrap();
    assert!(output.level() >= 10);

    // What the secret key's holder sees after each step, as messages.
    let width = 16.25;
    let fresh = secret.decrypt_real(&input);
    let after_transform = coefficients(&secret.decrypt(&lowered));
    let after_raise: Vec<f64> = coefficients(&secret.decrypt(&raised)).iter().map(|t| message(t * width)).collect();
    let into_eval_mod = secret.decrypt_real(&parts[0]);
    let after_slots: Vec<f64> = into_eval_mod.iter().map(|t| message(t * width)).collect();
    let approximated: Vec<f64> = into_eval_mod.iter().map(|&t| circuit.eval_mod_clear(t)).collect();
    let found = secret.decrypt_real(&output);
    let of = |expected: &[f64], found: &[f64]| Precision::of(expected, found).unwrap();

    let table = [
        ("encryption", of(&x, &fresh)),
        ("SlotsToCoeffs", of(&fresh, &after_transform)),
        ("ModRaise", of(&after_transform, &after_raise)),
        ("CoeffsToSlots", of(&after_raise, &after_slots)),
        ("EvalMod: approximation", of(&after_slots, &approximated)),
        ("EvalMod: noise", of(&approximated, &found)),
        ("all", of(&x, &found)),
    ];
    for (name, p) in &table {
        println!("{name:24} std {:6.2} worst {:6.2}", -p.std.log2(), p.worst_bits.unwrap());
    }
    assert!(of(&x, &found).worst_bits.unwrap() >= 20.0);
}
