//! Encrypts two vectors, multiplies and rotates them without the secret key, decrypts, and compares the error with a
//! bound from the noise model.
//!
//! `cargo run --release -p fhe-ckks --example multiply_rotate` uses a small insecure ring; `-- --secure` a secure one.

use std::error::Error;

use fhe_ckks::noise::{Noise, Operand, slot_std};
use fhe_ckks::{Evaluator, KeyKind, KeyRequest, Parameters, ParametersLiteral, SecretDistribution, SecretKey};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

fn main() -> Result<(), Box<dyn Error>> {
    let secure = std::env::args().any(|argument| argument == "--secure");
    let params = Parameters::try_from(ParametersLiteral {
        log_n: if secure { 13 } else { 10 },
        main_bits: vec![50, 40], // One level: products are rescaled by the last prime.
        special_bits: vec![50],
        secret: SecretDistribution::UniformTernary,
        ephemeral_weight: None,
        insecure: !secure,
        kernels: None,
    })?;
    let note = if secure { "secure" } else { "insecure: for demonstration" };
    println!("{note}, {params:?}");

    // The client draws its secret and the two keys that the server needs.
    let mut rng = ChaCha20Rng::from_os_rng();
    let secret = SecretKey::generate(&params, &mut rng);
    let mut request = KeyRequest::default();
    request.relinearization(&params, 1);
    request.rotation(&params, 1, 0);
    let server = Evaluator::new(&params, request.generate(&secret, &mut rng));

    // It encrypts at level 1, at the scale of the prime that rescaling divides by.
    let (slots, scale) = (params.max_slots(), params.prime(1));
    let x: Vec<f64> = (0..slots).map(|i| (i as f64).sin()).collect();
    let y: Vec<f64> = (0..slots).map(|i| (i as f64).cos()).collect();
    let a = secret.encrypt_real(&x, 1, scale, &mut rng)?;
    let b = secret.encrypt_real(&y, 1, scale, &mut rng)?;

    // The server multiplies and rotates one slot to the left.
    let result = server.rotate(&server.multiply_rescale(&a, &b)?, 1)?;

    // The client decrypts. Nine standard deviations of the noise bound the error of all slots, practically always.
    let found = secret.decrypt_real(&result);
    let errors = (0..slots).map(|i| (found[i] - x[(i + 1) % slots] * y[(i + 1) % slots]).abs());
    let noise = Noise::of_weight(&params, secret.weight());
    let operand = Operand { message: scale / 2f64.sqrt(), noise: noise.fresh_secret().hypot(noise.encoding()) };
    let shape = |kind, level| server.keys().get(kind, level).map(|key| key.shape());
    let relinearization = shape(KeyKind::Relinearization, 1)?;
    let product = noise.relinearized_rescaled(noise.product(operand, operand), relinearization, 1);
    let rotation = shape(KeyKind::Galois(params.galois_of_rotation(1)), 0)?;
    let bound = 9.0 * slot_std(noise.rotated(product, rotation, 0), slots) / result.scale();
    let worst = errors.fold(0.0, f64::max);
    println!("largest error of {slots} slots: 2^{:.1}, bound 2^{:.1}", worst.log2(), bound.log2());
    if worst < bound { Ok(()) } else { Err("the error exceeds its bound".into()) }
}
