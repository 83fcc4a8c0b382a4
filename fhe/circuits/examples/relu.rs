//! Evaluates ReLU on encrypted numbers by a polynomial and separates the error of the polynomial from that of the
//! encryption.
//!
//! `cargo run --release -p fhe-circuits --example relu` uses a small insecure ring; `-- --secure` a secure one.

use std::error::Error;

use fhe_circuits::{PolynomialPlan, approximation, polynomial};
use fhe_ckks::{Evaluator, KeyRequest, Parameters, ParametersLiteral, Precision, SecretDistribution, SecretKey};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// Degree of the polynomial. A degree d spends ⌈log2(d + 1)⌉ levels.
const DEGREE: usize = 27;

fn main() -> Result<(), Box<dyn Error>> {
    let secure = std::env::args().any(|argument| argument == "--secure");
    let relu = |x: f64| x.max(0.0);

    // The polynomial of this degree whose largest error on [−1, 1] is smallest, and how it is evaluated.
    let best = approximation::minimax(relu, DEGREE, &[(-1.0, 1.0)])?;
    let plan = PolynomialPlan::new(&best.series);
    println!("degree {DEGREE}: {} levels, {} relinearizations", plan.depth(), plan.relinearizations());

    let params = Parameters::try_from(ParametersLiteral {
        log_n: if secure { 14 } else { 10 },
        main_bits: [vec![50], vec![45; plan.depth()]].concat(),
        special_bits: vec![50; 3],
        secret: SecretDistribution::UniformTernary,
        ephemeral_weight: None,
        insecure: !secure,
        kernels: None,
    })?;
    let note = if secure { "secure" } else { "insecure: for demonstration" };
    println!("{note}, {params:?}");
    let mut rng = ChaCha20Rng::from_os_rng();
    let secret = SecretKey::generate(&params, &mut rng);
    let mut request = KeyRequest::default();
    request.relinearization(&params, plan.depth());
    let server = Evaluator::new(&params, request.generate(&secret, &mut rng));

    let x: Vec<f64> = (0..params.max_slots()).map(|_| rng.random_range(-1.0..1.0)).collect();
    let scale = 2f64.powi(45);
    let encrypted = secret.encrypt_real(&x, plan.depth(), scale, &mut rng)?;
    let found = secret.decrypt_real(&polynomial::evaluate(&server, &plan, &encrypted, scale)?);

    let clear: Vec<f64> = x.iter().map(|&x| best.series.evaluate(x)).collect();
    let exact: Vec<f64> = x.iter().map(|&x| relu(x)).collect();
    let error = |expected: &[f64]| Precision::between(&found, expected).map_or(0.0, |p| p.max_error);
    println!("largest error against the polynomial 2^{:.1}", error(&clear).log2());
    println!("largest error against ReLU {:.4}, of the polynomial alone {:.4}", error(&exact), best.error);
    if error(&clear) < 2f64.powi(-20) { Ok(()) } else { Err("the encryption errs too much".into()) }
}
