//! Bootstraps one ciphertext and prints the precision that is left.
//!
//! `cargo run --release -p fhe-circuits --example bootstrap` uses a small insecure ring and takes a second; `--
//! --secure` uses a ring of 2^16.

use std::error::Error;

use fhe_circuits::presets::N16_SLIM_REAL;
use fhe_circuits::{BootstrapLiteral, Bootstrapper};
use fhe_ckks::{Evaluator, Parameters, ParametersLiteral, Precision, SecretKey};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

fn main() -> Result<(), Box<dyn Error>> {
    let secure = std::env::args().any(|argument| argument == "--secure");
    let (mut parameters, mut circuit) = (N16_SLIM_REAL.parameters(), N16_SLIM_REAL.bootstrap());
    if !secure {
        // A small ring of dimension 2^11 with the primes of the secure set. 64 slots have log2(64) = 6 butterfly
        // levels.
        parameters = ParametersLiteral { log_n: 11, insecure: true, ..parameters };
        let (slots_to_coeffs, coeffs_to_slots) = (vec![2, 2, 2].into(), vec![2, 2, 1, 1].into());
        circuit = BootstrapLiteral { slots: 64, slots_to_coeffs, coeffs_to_slots, ..circuit };
    }
    let params = Parameters::try_from(parameters)?;
    let note = if secure { "secure" } else { "insecure: for demonstration" };
    println!("{note}, {params:?}");

    // The client draws its secret and all keys that the circuit needs.
    let mut rng = ChaCha20Rng::from_os_rng();
    let secret = SecretKey::generate(&params, &mut rng);
    let keys = circuit.request_keys(&params)?.generate(&secret, &mut rng);
    println!("{} keys, {} MiB", keys.len(), keys.bytes() >> 20);

    // The server encodes the matrices of the circuit once.
    let server = Evaluator::new(&params, keys);
    let bootstrapper = Bootstrapper::new(&params, circuit.clone())?;

    // A ciphertext at the input level has only the levels left that the bootstrap itself needs.
    let values: Vec<f64> = (0..circuit.slots).map(|_| rng.random_range(-1.0..1.0)).collect();
    let spent = secret.encrypt_real(&values, circuit.input_level(), circuit.input_scale, &mut rng)?;
    let fresh = bootstrapper.bootstrap(&server, &spent)?;
    println!("from level {} to level {}", spent.level(), fresh.level());

    let precision = Precision::between(&secret.decrypt_real(&fresh), &values).ok_or("no slots")?;
    println!("{:.1} bits in the worst of {} slots", precision.worst_bits.unwrap_or(f64::INFINITY), values.len());
    if precision.max_error < 2f64.powi(-16) { Ok(()) } else { Err("fewer bits than this circuit keeps".into()) }
}
