//! One whole bootstrap, in a small and insecure ring with the primes of a secure set.

use std::hint::black_box;

use fhe_circuits::presets::N15_SLIM_REAL;
use fhe_circuits::{BootstrapLiteral, Bootstrapper};
use fhe_ckks::{Evaluator, Parameters, ParametersLiteral, SecretKey};
use fhe_ring::Kernels;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

const LOG_N: u32 = 8;

pub(crate) fn bootstrap(kernels: Kernels) -> Box<dyn FnMut()> {
    let literal =
        ParametersLiteral { log_n: LOG_N, insecure: true, kernels: Some(kernels), ..N15_SLIM_REAL.parameters() };
    let params = Parameters::try_from(literal).expect("primes of these sizes exist");
    // 32 slots have log2(32) = 5 butterfly levels.
    let circuit = BootstrapLiteral {
        slots: 32,
        slots_to_coeffs: vec![3, 2].into(),
        coeffs_to_slots: vec![2, 2, 1].into(),
        ..N15_SLIM_REAL.bootstrap()
    };
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let secret = SecretKey::generate(&params, &mut rng);
    let keys = circuit.request_keys(&params).expect("enough levels").generate(&secret, &mut rng);
    let evaluator = Evaluator::new(&params, keys);
    let values: Vec<f64> = (0..circuit.slots).map(|k| (k as f64 / 100.0).fract()).collect();
    let spent = secret.encrypt_real(&values, circuit.input_level(), circuit.input_scale, &mut rng);
    let spent = spent.expect("finite values");
    let bootstrapper = Bootstrapper::new(&params, circuit).expect("enough levels");
    Box::new(move || drop(black_box(bootstrapper.bootstrap(&evaluator, &spent).expect("keys for this circuit"))))
}
