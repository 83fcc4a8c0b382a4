//! Ciphertexts, and the client's half of their life: encryption and decryption.

use std::ops::Range;

use fhe_ring::sample;
use fhe_ring::{Basis, Ntt, Poly};
use num_complex::Complex64;
use rand::{CryptoRng, Rng};
use zeroize::Zeroizing;

use crate::encoder::Plaintext;
use crate::error::CkksError;
use crate::keys::{PublicKey, SecretKey, encryption_of_zero};
use crate::params::Parameters;

/// An encrypted vector: c₀ + c₁·s ≈ scale·m modulo the first level + 1 main primes.
#[derive(Clone, Debug, PartialEq)]
pub struct Ciphertext {
    pub(crate) parts: [Poly<Ntt>; 2],
    pub(crate) scale: f64,
    pub(crate) slots: usize,
}

impl Ciphertext {
    /// How often it can still be rescaled.
    pub fn level(&self) -> usize {
        self.basis().main - 1
    }

    /// What the values are multiplied by.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// States another scale: the values change by the inverse ratio, at no cost in levels or noise.
    ///
    /// # Panics
    /// If the scale is not a positive number.
    pub fn set_scale(&mut self, scale: f64) {
        assert!(scale.is_finite() && scale > 0.0, "scale {scale}");
        self.scale = scale;
    }

    /// Number of slots n; the polynomial is one in X^(N/2n).
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// The primes it is held modulo.
    pub fn basis(&self) -> Basis {
        self.parts[0].basis()
    }

    /// The two polynomials c₀, c₁.
    pub fn parts(&self) -> &[Poly<Ntt>; 2] {
        &self.parts
    }

    /// Some positions of limb `i` of one half (0 or 1).
    pub(crate) fn chunk(&self, half: usize, (i, positions): &(usize, Range<usize>)) -> &[u64] {
        &self.parts[half].limbs()[*i][positions.clone()]
    }

    /// The two polynomials, taken out.
    pub fn into_parts(self) -> [Poly<Ntt>; 2] {
        self.parts
    }

    /// A ciphertext from its polynomials, for circuits that work on them directly.
    ///
    /// # Panics
    /// If the polynomials have different or special primes, the scale is not a positive number, or the slots are no power
    /// of two up to half the ring dimension.
    pub fn from_parts(parts: [Poly<Ntt>; 2], scale: f64, slots: usize) -> Self {
        assert!(scale.is_finite() && scale > 0.0, "scale {scale}");
        assert!(parts[0].basis() == parts[1].basis() && parts[0].basis().special == 0);
        assert!(slots.is_power_of_two() && slots <= parts[0].ring().n() / 2, "{slots} slots");
        Self { parts, scale, slots }
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(Poly::bytes).sum()
    }
}

impl PublicKey {
    /// Encrypts at the level of the plaintext: (b, a)·u + (e₀ + m, e₁) with u uniform ternary.
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
    /// Encrypts at the level of the plaintext: (−a·s + e + m, a), less noisy than under the public key.
    pub fn encrypt(&self, plaintext: &Plaintext, rng: &mut impl CryptoRng) -> Ciphertext {
        let basis = Basis::main(plaintext.poly.basis().main);
        let [mut c0, c1] = encryption_of_zero(self, basis, &rng.random(), 0, rng);
        c0.add_assign(&plaintext.poly.expand());
        Ciphertext { parts: [c0, c1], scale: plaintext.scale, slots: plaintext.slots }
    }

    /// Encodes real slots at `level` and `scale`, and encrypts them.
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

    /// The slots of a ciphertext, their noise included: not for the eyes of the server (see the crate's documentation).
    pub fn decrypt(&self, ciphertext: &Ciphertext) -> Vec<Complex64> {
        let [c0, c1] = &ciphertext.parts;
        let mut message = c1.mul(self.poly());
        message.add_assign(c0);
        let message = Zeroizing::new(message.into_coefficients());
        self.params().decode(&message, ciphertext.scale, ciphertext.slots)
    }

    /// The real parts of the slots of a ciphertext.
    pub fn decrypt_real(&self, ciphertext: &Ciphertext) -> Vec<f64> {
        self.decrypt(ciphertext).into_iter().map(|v| v.re).collect()
    }
}
