//! The table of presets: every column is computed or measured.
#![allow(missing_docs)]

use fhe_circuits::presets::{self, Preset};
use fhe_circuits::*;
use fhe_ckks::security::SecurityTable;
use fhe_ckks::*;
use num_complex::Complex64;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

#[test]
fn presets_have_the_security_levels_and_failure_that_they_state() {
    for preset in presets::ALL {
        let (params, literal) = (Parameters::try_from(preset.parameters()).unwrap(), preset.bootstrap());
        let tables = [params.security(), params.ephemeral_security()].map(|report| report.unwrap().table);
        assert_eq!(params.security_bits(), 128, "{}", preset.name);
        assert_eq!(tables, [SecurityTable::Guidelines2024, SecurityTable::SparseEstimate2026], "{}", preset.name);
        let levels = literal.output_level(&params).unwrap() - literal.input_level();
        assert_eq!(levels, preset.levels, "{}", preset.name);
        assert_eq!(literal.log2_failure(&params).unwrap(), f64::NEG_INFINITY, "{}", preset.name);
    }
}

fn check_precision(preset: &Preset) {
    let (params, literal) = (Parameters::try_from(preset.parameters()).unwrap(), preset.bootstrap());
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let secret = SecretKey::generate(&params, &mut rng);
    let evaluator = Evaluator::new(&params, literal.request_keys(&params).unwrap().generate(&secret, &mut rng));
    let circuit = Bootstrapper::new(&params, literal.clone()).unwrap();
    let mut part = || rng.random_range(-1.0..1.0);
    let values: Vec<Complex64> = (0..literal.slots)
        .map(|_| match literal.values {
            SlotValues::Real => part().into(),
            SlotValues::Complex => Complex64::new(part(), part()) / 2f64.sqrt(),
        })
        .collect();
    let basis = fhe_ring::Basis::main(literal.input_level() + 1);
    let plain = params.encode(&values, literal.input_scale, basis).unwrap();
    let fresh = circuit.bootstrap(&evaluator, &secret.encrypt(&plain, &mut rng)).unwrap();
    let found = secret.decrypt(&fresh);
    let real = |slots: &[Complex64]| slots.iter().map(|v| v.re).collect::<Vec<f64>>();
    let precision = match literal.values {
        SlotValues::Real => Precision::between(&real(&found), &real(&values)),
        SlotValues::Complex => Precision::between_complex(&found, &values),
    };
    let worst = precision.unwrap().worst_bits.unwrap();
    println!("{}: {worst:.2} bits in the worst slot", preset.name);
    // Not much more than stated either: that would be a missing error.
    assert!((preset.worst_bits..preset.worst_bits + 2.0).contains(&worst), "{}: {worst:.2} bits", preset.name);
}

// `secure_ring.rs` measures `N16_SLIM_REAL`.

#[test]
fn the_preset_of_2_15_is_as_precise_as_it_states() {
    check_precision(&presets::N15_SLIM_REAL);
}

#[test]
#[ignore = "slow: a bootstrap in a ring of 2^16"]
fn the_classic_preset_is_as_precise_as_it_states() {
    check_precision(&presets::N16_CLASSIC_COMPLEX);
}
