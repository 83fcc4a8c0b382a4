//! Parameters, keys and comparisons that the tests of circuits share.
#![allow(missing_docs, dead_code)]

use fhe_ckks::*;
use fhe_ring::Basis;
use num_complex::Complex64;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// The client's half, seeded.
pub(crate) struct Client {
    pub(crate) params: Parameters,
    pub(crate) secret: SecretKey,
    pub(crate) rng: ChaCha20Rng,
}

impl Client {
    pub(crate) fn new(log_n: u32, main_bits: Vec<u32>, special: usize) -> Self {
        let literal = ParametersLiteral {
            log_n,
            main_bits,
            special_bits: vec![50; special],
            secret: SecretDistribution::UniformTernary,
            ephemeral_weight: Some(32),
            insecure: true,
            kernels: None,
        };
        let params = Parameters::try_from(literal).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let secret = SecretKey::generate(&params, &mut rng);
        Self { params, secret, rng }
    }

    pub(crate) fn evaluator(&mut self, request: &KeyRequest) -> Evaluator {
        Evaluator::new(&self.params, request.generate(&self.secret, &mut self.rng))
    }

    pub(crate) fn random(&mut self, slots: usize) -> Vec<f64> {
        (0..slots).map(|_| self.rng.random_range(-1.0..1.0)).collect()
    }

    pub(crate) fn worst(&self, found: &Ciphertext, expected: impl Fn(usize) -> f64) -> f64 {
        let errors = self.secret.decrypt(found).into_iter().enumerate();
        errors.map(|(i, v)| (v - Complex64::from(expected(i))).norm()).fold(0.0, f64::max)
    }

    /// Complex numbers in the unit disc.
    pub(crate) fn random_complex(&mut self, slots: usize) -> Vec<Complex64> {
        let mut part = || self.rng.random_range(-1.0..1.0) / 2f64.sqrt();
        (0..slots).map(|_| Complex64::new(part(), part())).collect()
    }

    pub(crate) fn encrypt(&mut self, values: &[Complex64], level: usize, scale: f64) -> Ciphertext {
        let plain = self.params.encode(values, scale, Basis::main(level + 1)).unwrap();
        self.secret.encrypt(&plain, &mut self.rng)
    }
}
