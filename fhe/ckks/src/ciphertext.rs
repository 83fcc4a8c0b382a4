//! Ciphertexts, and the client's half of the scheme: encryption and decryption.

use fhe_ring::sample;
use fhe_ring::{Basis, Ntt, Poly, Seed, Uniform};
use num_complex::Complex64;
use rand::{CryptoRng, Rng};
use zeroize::Zeroizing;

use crate::encoder::Plaintext;
use crate::error::CkksError;
use crate::keys::{PublicKey, SecretKey, encryption_of_zero};
use crate::params::Parameters;

/// An encrypted vector: c₀ + c₁·s ≈ scale·m modulo the first level + 1 main primes.
///
/// ```
/// use fhe_ckks::{Ciphertext, Parameters, ParametersLiteral, SecretDistribution, SecretKey, Serial};
/// use rand::SeedableRng;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let params = Parameters::try_from(ParametersLiteral {
/// #     log_n: 10,
/// #     main_bits: vec![50, 40],
/// #     special_bits: vec![50],
/// #     secret: SecretDistribution::UniformTernary,
/// #     ephemeral_weight: None,
/// #     insecure: true,
/// #     kernels: None,
/// # })?;
/// let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
/// let secret = SecretKey::generate(&params, &mut rng);
/// let encrypted = secret.encrypt_real(&[1.0, 2.0], 1, 2f64.powi(40), &mut rng)?;
/// assert_eq!((encrypted.level(), encrypted.slots()), (1, 2));
/// // Ciphertexts go to a server as bytes.
/// let bytes = encrypted.to_bytes(&params)?;
/// assert!(Ciphertext::from_bytes(&params, &bytes)? == encrypted);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Ciphertext {
    pub(crate) parts: [Poly<Ntt>; 2],
    pub(crate) scale: f64,
    pub(crate) slots: usize,
}

impl Ciphertext {
    /// The level: the number of times that it can still be rescaled.
    pub fn level(&self) -> usize {
        self.basis().main - 1
    }

    /// The factor that the values are multiplied by.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Replaces the stated scale. The values change by the inverse ratio, at no cost in levels or noise.
    ///
    /// # Panics
    /// If the scale is not finite and positive.
    pub fn set_scale(&mut self, scale: f64) {
        assert!(scale.is_finite() && scale > 0.0, "scale {scale}");
        self.scale = scale;
    }

    /// Number of slots n. The plaintext is a polynomial in X^(N/2n).
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// The primes that it is held modulo.
    pub fn basis(&self) -> Basis {
        self.parts[0].basis()
    }

    /// The two polynomials c₀, c₁.
    pub fn parts(&self) -> &[Poly<Ntt>; 2] {
        &self.parts
    }

    /// Returns the two polynomials and drops the rest.
    pub fn into_parts(self) -> [Poly<Ntt>; 2] {
        self.parts
    }

    /// Assembles a ciphertext from its polynomials, for circuits that work on them directly.
    ///
    /// # Panics
    /// If the polynomials have different or special primes, the scale is not finite and positive, or the slots are not
    /// a power of two up to half the ring dimension.
    pub fn from_parts(parts: [Poly<Ntt>; 2], scale: f64, slots: usize) -> Self {
        assert!(scale.is_finite() && scale > 0.0, "scale {scale}");
        assert!(parts[0].basis() == parts[1].basis() && parts[0].basis().special == 0);
        assert!(slots.is_power_of_two() && slots <= parts[0].ring().n() / 2, "{slots} slots");
        Self { parts, scale, slots }
    }

    /// Bytes held in memory.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(Poly::bytes).sum()
    }
}

/// A fresh ciphertext whose uniform half is a seed, so that it takes half the bytes. Only the holder of the secret key
/// can make one.
#[derive(Clone, Debug, PartialEq)]
pub struct SeededCiphertext {
    pub(crate) c0: Poly<Ntt>,
    /// c₁ is stream 0 of this seed.
    pub(crate) seed: Seed,
    pub(crate) scale: f64,
    pub(crate) slots: usize,
}

impl SeededCiphertext {
    /// Returns the ciphertext with its uniform half.
    pub fn expand(self) -> Ciphertext {
        let c1 = Uniform::new(&self.seed, 0).poly(self.c0.ring(), self.c0.basis());
        Ciphertext { parts: [self.c0, c1], scale: self.scale, slots: self.slots }
    }
}

impl PublicKey {
    /// Encrypts a plaintext: (b, a)·u + (e₀ + m, e₁) with u uniform ternary.
    ///
    /// Result: the level and scale of the plaintext.
    pub fn encrypt(&self, params: &Parameters, plaintext: &Plaintext, rng: &mut impl CryptoRng) -> Ciphertext {
        let (ring, basis) = (params.ring(), Basis::main(plaintext.poly.basis().main));
        let signed =
            |values: Vec<i64>| Zeroizing::new(Poly::from_signed(ring, basis, &Zeroizing::new(values)).into_ntt());
        let u = signed(sample::ternary(params.n(), rng));
        let mut c0 = u.mul(&self.b);
        c0.add_assign(&signed(sample::gaussian(params.n(), rng)));
        c0.add_assign(&plaintext.poly.expand());
        let mut c1 = u.mul(&self.a);
        c1.add_assign(&signed(sample::gaussian(params.n(), rng)));
        Ciphertext { parts: [c0, c1], scale: plaintext.scale, slots: plaintext.slots }
    }
}

impl SecretKey {
    /// Encrypts a plaintext: (−a·s + e + m, a), with less noise than under the public key.
    ///
    /// Result: the level and scale of the plaintext.
    pub fn encrypt(&self, plaintext: &Plaintext, rng: &mut impl CryptoRng) -> Ciphertext {
        self.encrypt_seeded(plaintext, rng).expand()
    }

    /// Encrypts a plaintext to a ciphertext of half the bytes.
    ///
    /// Result: the level and scale of the plaintext.
    pub fn encrypt_seeded(&self, plaintext: &Plaintext, rng: &mut impl CryptoRng) -> SeededCiphertext {
        let basis = Basis::main(plaintext.poly.basis().main);
        let seed = rng.random();
        let [mut c0, _] = encryption_of_zero(self, basis, &seed, 0, rng);
        c0.add_assign(&plaintext.poly.expand());
        SeededCiphertext { c0, seed, scale: plaintext.scale, slots: plaintext.slots }
    }

    /// Encodes real slots and encrypts them.
    ///
    /// Result: `level` and `scale`.
    ///
    /// # Errors
    /// [`CkksError::LevelTooLow`] if `level` exceeds the highest of the parameters; those of [`Parameters::encode`].
    pub fn encrypt_real(
        &self,
        values: &[f64],
        level: usize,
        scale: f64,
        rng: &mut impl CryptoRng,
    ) -> Result<Ciphertext, CkksError> {
        let found = self.params().max_level();
        if level > found {
            return Err(CkksError::LevelTooLow { operation: "encryption", found, wanted: level });
        }
        Ok(self.encrypt(&self.params().encode_real(values, scale, Basis::main(level + 1))?, rng))
    }

    /// Returns the slots of a ciphertext with their noise. Do not show them to the server: see the [crate]'s
    /// documentation.
    pub fn decrypt(&self, ciphertext: &Ciphertext) -> Vec<Complex64> {
        let [c0, c1] = &ciphertext.parts;
        let mut message = c1.mul(self.poly());
        message.add_assign(c0);
        let message = Zeroizing::new(message.into_coefficients());
        self.params().decode(&message, ciphertext.scale, ciphertext.slots)
    }

    /// Returns the real parts of the slots of a ciphertext.
    pub fn decrypt_real(&self, ciphertext: &Ciphertext) -> Vec<f64> {
        self.decrypt(ciphertext).into_iter().map(|v| v.re).collect()
    }
}
