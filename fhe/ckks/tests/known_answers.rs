//! Fixed seeds give fixed bytes, on every set of kernels and for every number of threads.
#![allow(missing_docs)]

use fhe_ckks::*;
use fhe_ring::Kernels;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use sha2::{Digest, Sha256};

/// SHA-256 of the keys and of the ciphertext at the end of the chain.
const EVALUATION_KEYS: &str = "83767bff55fe6ee33bbe99abfb7a27ca1b593dfcc93761b4d11ece1111d467f1";
const CIPHERTEXT: &str = "814ad93e343dcbd78dfafa9eebf6ae409d8a20be1ea9526f9faf1d3259461e96";

/// Encrypts, multiplies, rotates and conjugates, all from one seed.
///
/// At a scale of 2^30 the encoding is exact to 2^−20 before it is rounded, so that the last place of a sine, which the
/// platform's library decides, does not show.
fn chain(kernels: Kernels) -> [String; 2] {
    let literal = ParametersLiteral {
        log_n: 11,
        main_bits: vec![50, 30, 30, 30],
        special_bits: vec![50, 40],
        secret: SecretDistribution::UniformTernary,
        ephemeral_weight: None,
        insecure: true,
        kernels: Some(kernels),
    };
    let params = Parameters::try_from(literal).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(2024);
    let secret = SecretKey::generate(&params, &mut rng);
    let public = PublicKey::generate(&secret, &mut rng);
    let mut request = KeyRequest::default();
    request.relinearization(&params, 3);
    request.rotation(&params, 5, 2);
    request.conjugation(&params, 2);
    let keys = request.generate(&secret, &mut rng);
    let keys_bytes = keys.to_bytes(&params).unwrap();
    let evaluator = Evaluator::new(&params, keys);

    let scale = 2f64.powi(30);
    let (x, y): (Vec<_>, Vec<_>) = (0..64).map(|i| (f64::from(i) / 64.0, 1.0 - f64::from(i % 5) / 4.0)).unzip();
    let a = secret.encrypt_real(&x, 3, scale, &mut rng).unwrap();
    let plain = params.encode_real(&y, scale, fhe_ring::Basis::main(4)).unwrap();
    let b = public.encrypt(&params, &plain, &mut rng);
    let product = evaluator.multiply_rescale(&a, &b).unwrap();
    let rotated = evaluator.rotate(&product, 5).unwrap();
    let result = evaluator.conjugate(&rotated).unwrap();
    for (i, v) in secret.decrypt_real(&result).iter().enumerate() {
        let expected = x[(i + 5) % 64] * y[(i + 5) % 64];
        assert!((v - expected).abs() < 1e-4, "slot {i}: {v} for {expected}");
    }
    [keys_bytes, result.to_bytes(&params).unwrap()].map(|bytes| {
        let digest = Sha256::digest(bytes);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    })
}

#[test]
fn on_every_kernel_set_and_number_of_threads() {
    for kernels in Kernels::available() {
        for threads in 1..=3 {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let found = pool.install(|| chain(kernels));
            assert_eq!(found, [EVALUATION_KEYS, CIPHERTEXT], "{} with {threads} threads", kernels.name());
        }
    }
}
