//! The noise that each operation leaves, as standard deviations derived from the parameters.
//!
//! A ciphertext decrypts to scale·m + e. The [`Noise`] of a secret gives the standard deviation of one coefficient of
//! e, in units of the scaled integers; [`slot_std`] turns it into slots. The model is the average-case one of Cheon,
//! Kim, Kim and Song (ePrint 2016/421, section 3) and Costache, Curtis, Hales, Murphy, Ogilvie and Player (ePrint
//! 2020/1118): coefficients are independent and centred, so variances add, and of a product of polynomials a and b with
//! variances A and B each coefficient is a signed sum of N products, of variance N·A·B. A uniform value has the
//! variance D²/12 for an interval of length D. Residues are centred throughout the engine, so there is no shift.
//!
//! The results are standard deviations for the key at hand, not bounds, so tests can be two-sided. A bound is six
//! standard deviations or more, depending on the number of coefficients that must all keep it.

use fhe_ring::sample::ERROR_STD_DEV;

use crate::params::Parameters;
use crate::security::SecretDistribution;
use crate::shape::KeyShape;

/// Variance of the error of rounding to the nearest integer.
const ROUNDING_VARIANCE: f64 = 1.0 / 12.0;

/// Returns the deviation in a slot, in units of the scaled integers, of noise with deviation `coefficient` in a
/// coefficient.
///
/// A slot of a ciphertext of n slots is a sum of 2n coefficients with factors of modulus 1, so the deviation grows by
/// √(2n), by √N for all slots. That is the deviation of the modulus of a complex number. Its real part has 1/√2 of
/// that.
pub fn slot_std(coefficient: f64, slots: usize) -> f64 {
    (2.0 * slots as f64).sqrt() * coefficient
}

/// Returns the deviation of a division's rounding in a coefficient under a uniform ternary secret of average weight, in a
/// ring of dimension `n`: [`Noise::rounding`] without parameters.
pub fn ternary_rounding(n: usize) -> f64 {
    (ROUNDING_VARIANCE * (1.0 + 2.0 / 3.0 * n as f64)).sqrt()
}

/// The sizes of an operand's message and noise, for products.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operand {
    /// Root mean square of the slots times the scale.
    pub message: f64,
    /// Standard deviation of the noise in a coefficient.
    pub noise: f64,
}

/// Noise under one secret.
#[derive(Clone, Debug)]
pub struct Noise {
    params: Parameters,
    /// Number of nonzero coefficients of the secret: Σ sᵢ².
    weight: f64,
}

impl Noise {
    /// Returns the noise under a secret of the average weight of the parameters' distribution.
    pub fn new(params: &Parameters) -> Self {
        let weight = match params.literal().secret {
            SecretDistribution::UniformTernary => 2.0 / 3.0 * params.n() as f64,
            SecretDistribution::FixedWeight(weight) => f64::from(weight),
        };
        Self { params: params.clone(), weight }
    }

    /// Returns the noise under a secret of this weight.
    pub fn of_weight(params: &Parameters, weight: usize) -> Self {
        Self { params: params.clone(), weight: weight as f64 }
    }

    fn n(&self) -> f64 {
        self.params.n() as f64
    }

    /// The rounding of an encoding: √(1/12) in the coefficients that the encoding uses. Scaled coefficients much below
    /// 1 all become 0, and their error is their value instead.
    pub fn encoding(&self) -> f64 {
        ROUNDING_VARIANCE.sqrt()
    }

    /// The noise of encryption under the secret key, (−a·s + e + m, a): σ, without the rounding of the encoding.
    pub fn fresh_secret(&self) -> f64 {
        ERROR_STD_DEV
    }

    /// The noise of encryption under the public key (−a·s + e, a): u·e + e₀ + e₁·s with u uniform ternary of variance
    /// 2/3 has σ²·(2N/3 + 1 + weight), without the rounding of the encoding.
    pub fn fresh_public(&self) -> f64 {
        ERROR_STD_DEV * (2.0 / 3.0 * self.n() + 1.0 + self.weight).sqrt()
    }

    /// The rounding of a division, in rescaling or ModDown: r₀ + r₁·s with rᵢ uniform in ±1/2 has (1 + weight)/12.
    pub fn rounding(&self) -> f64 {
        (ROUNDING_VARIANCE * (1.0 + self.weight)).sqrt()
    }

    /// The noise after rescaling from `level`: it is divided by the prime, and a rounding is added.
    pub fn rescaled(&self, noise: f64, level: usize) -> f64 {
        (noise / self.params.prime(level)).hypot(self.rounding())
    }

    /// The noise of the gadget product Σ dⱼ·eⱼ of a uniform polynomial at `level`, over P = 1: digit j is uniform in
    /// ±Qⱼ/2, where Qⱼ is the product of its primes up to the level (the last group may be cut), and each key error has
    /// σ; so σ²·N/12·Σ Qⱼ² (Han and Ki, ePrint 2019/688, section 3).
    pub fn gadget(&self, shape: KeyShape, level: usize) -> f64 {
        let primes: Vec<f64> = (0..=level).map(|i| self.params.prime(i)).collect();
        let squares: f64 = primes.chunks(shape.digit_len).map(|digit| digit.iter().product::<f64>().powi(2)).sum();
        ERROR_STD_DEV * (self.n() * ROUNDING_VARIANCE * squares).sqrt()
    }

    /// The noise of a gadget product divided by the special primes, without that division's rounding.
    fn gadget_over_special(&self, shape: KeyShape, level: usize) -> f64 {
        let special = &self.params.ring().special()[..shape.special];
        self.gadget(shape, level) / special.iter().map(|t| t.modulus().value() as f64).product::<f64>()
    }

    /// The noise that a key switch adds: the gadget product over P, and the rounding of ModDown.
    pub fn key_switch(&self, shape: KeyShape, level: usize) -> f64 {
        self.gadget_over_special(shape, level).hypot(self.rounding())
    }

    /// The noise after a rotation or conjugation: the operand's, permuted, and that of a key switch.
    pub fn rotated(&self, noise: f64, shape: KeyShape, level: usize) -> f64 {
        noise.hypot(self.key_switch(shape, level))
    }

    /// The noise of the product (m₁ + e₁)·(m₂ + e₂) before relinearisation: m₁·e₂ + m₂·e₁ + e₁·e₂.
    ///
    /// In the slots, m₁·e₂ is a product of numbers: with M₁ the root mean square of the slots of m₁, its deviation is
    /// M₁ times that of e₂, in the slots and so in the coefficients, whatever the number of slots. e₁·e₂ has √N·σ₁·σ₂,
    /// as the noise fills all coefficients.
    ///
    /// The last term assumes independent noises. Noises that are multiples of one secret are independent only given the
    /// secret: where |s(ζ)|² is large, both are large. As E|s(ζ)|⁴ = 2·(E|s(ζ)|²)², the term is then up to √2 larger
    /// (√1.5 for two encryptions under one public key). It matters only if the noise comes near the message.
    pub fn product(&self, a: Operand, b: Operand) -> f64 {
        let both = self.n().sqrt() * a.noise * b.noise;
        (a.message * b.noise).hypot(b.message * a.noise).hypot(both)
    }

    /// The noise of the square (m + e)²: 2·m·e + e². The products in e² occur in pairs, so its variance is 2N·σ⁴.
    pub fn squared(&self, a: Operand) -> f64 {
        (2.0 * a.message * a.noise).hypot((2.0 * self.n()).sqrt() * a.noise.powi(2))
    }

    /// The noise of the product with a plaintext of `slots` slots whose root mean square times its scale is `message`.
    /// The plaintext's rounding multiplies the operand's message and, in 2n coefficients, its noise.
    pub fn product_with_plaintext(&self, a: Operand, message: f64, slots: usize) -> f64 {
        let both = (2.0 * slots as f64).sqrt() * a.noise * self.encoding();
        (message * a.noise).hypot(a.message * self.encoding()).hypot(both)
    }

    /// The noise after relinearisation at `level` of a product with this noise, not rescaled.
    pub fn relinearized(&self, product: f64, shape: KeyShape, level: usize) -> f64 {
        product.hypot(self.key_switch(shape, level))
    }

    /// The noise after relinearisation and rescaling of a product with this noise in one division, by P and the prime
    /// of `level`: one rounding instead of two.
    pub fn relinearized_rescaled(&self, product: f64, shape: KeyShape, level: usize) -> f64 {
        self.rescaled(product.hypot(self.gadget_over_special(shape, level)), level)
    }
}
