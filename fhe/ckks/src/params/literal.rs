//! Parameters as a person writes them down.

use fhe_ring::Kernels;

use crate::security::SecretDistribution;
use crate::shape::KeyShape;

/// Unchecked parameters. [`Parameters::try_from`](crate::Parameters) checks them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParametersLiteral {
    /// log2 of the ring dimension N.
    pub log_n: u32,
    /// Sizes in bits of the main primes q₀, q₁, …: level ℓ holds the first ℓ + 1, and rescaling divides by the last.
    pub main_bits: Vec<u32>,
    /// Sizes in bits of the special primes of key switching.
    pub special_bits: Vec<u32>,
    /// Distribution of the main secret.
    pub secret: SecretDistribution,
    /// Hamming weight of the ephemeral secret of bootstrapping (sparse-secret encapsulation, ePrint 2022/024); `None`
    /// if nothing is bootstrapped.
    pub ephemeral_weight: Option<u32>,
    /// Accepts less than 128 bits of security. Every report then says so.
    pub insecure: bool,
    /// The kernels to use; `None` for the fastest of the machine.
    pub kernels: Option<Kernels>,
}

impl ParametersLiteral {
    /// The shape of a key for ciphertexts up to `level` by the nominal sizes of primes, without a search for them: that of
    /// [`Parameters::key_shape`](crate::Parameters::key_shape) unless sizes are equal to a fraction of a bit. `None` if the
    /// level exceeds the highest or the special primes cover no digit.
    pub fn key_shape(&self, level: usize) -> Option<KeyShape> {
        let bits = |sizes: &[u32]| sizes.iter().map(|&bits| f64::from(bits)).collect::<Vec<_>>();
        KeyShape::cheapest(&bits(self.main_bits.get(..=level)?), &bits(&self.special_bits))
    }
}
