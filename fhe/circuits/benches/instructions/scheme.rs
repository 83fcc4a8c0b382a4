//! Operations of the scheme, in a small and insecure ring with fourteen main primes.

use std::hint::black_box;

use fhe_ckks::{Ciphertext, Evaluator, KeyRequest, Parameters, ParametersLiteral, SecretDistribution, SecretKey};
use fhe_ring::Kernels;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

const HOISTED: [i64; 4] = [1, 2, 3, 4];

/// Returns an evaluator with keys for relinearisation and the rotations by `steps`, and a ciphertext at the top level.
fn prepare(kernels: Kernels, steps: &[i64]) -> (Evaluator, Ciphertext) {
    let literal = ParametersLiteral {
        log_n: 9,
        main_bits: vec![45; 14],
        special_bits: vec![46; 3],
        secret: SecretDistribution::UniformTernary,
        ephemeral_weight: None,
        insecure: true,
        kernels: Some(kernels),
    };
    let params = Parameters::try_from(literal).expect("primes of these sizes exist");
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let secret = SecretKey::generate(&params, &mut rng);
    let level = params.max_level();
    let mut request = KeyRequest::default();
    request.relinearization(&params, level);
    steps.iter().for_each(|&step| request.rotation(&params, step, level));
    let evaluator = Evaluator::new(&params, request.generate(&secret, &mut rng));
    let values: Vec<f64> = (0..params.max_slots()).map(|k| (k as f64 / 100.0).fract()).collect();
    let a = secret.encrypt_real(&values, level, f64::from(45).exp2(), &mut rng).expect("finite values");
    (evaluator, a)
}

pub(crate) fn rotate(kernels: Kernels) -> Box<dyn FnMut()> {
    let (evaluator, a) = prepare(kernels, &[1]);
    Box::new(move || drop(black_box(evaluator.rotate(&a, 1).expect("a key for this rotation"))))
}

/// Four rotations of one ciphertext, which share its decomposition.
pub(crate) fn rotate_hoisted(kernels: Kernels) -> Box<dyn FnMut()> {
    let (evaluator, a) = prepare(kernels, &HOISTED);
    Box::new(move || drop(black_box(evaluator.rotate_hoisted(&a, &HOISTED).expect("keys for these rotations"))))
}

pub(crate) fn multiply_rescale(kernels: Kernels) -> Box<dyn FnMut()> {
    let (evaluator, a) = prepare(kernels, &[]);
    Box::new(move || drop(black_box(evaluator.multiply_rescale(&a, &a).expect("a key for relinearisation"))))
}
