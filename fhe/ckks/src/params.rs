//! Parameters: an unchecked literal becomes a checked, immutable set.

use std::sync::{Arc, OnceLock};

use fhe_ring::arch::MAX_LAZY_PRODUCTS;
use fhe_ring::ntt::NttTable;
use fhe_ring::{Basis, Kernels, Ring, primes};

use crate::embedding::Embeddings;
use crate::error::CkksError;
use crate::security::{self, SecretDistribution, SecurityReport};

/// Parameters as a person writes them down, unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParametersLiteral {
    /// log2 of the ring dimension N.
    pub log_n: u32,
    /// Size in bits of the main primes q₀, q₁, …: level ℓ holds the first ℓ + 1 and rescaling spends the last.
    pub main_bits: Vec<u32>,
    /// Size in bits of the special primes of key switching.
    pub special_bits: Vec<u32>,
    /// Distribution of the main secret.
    pub secret: SecretDistribution,
    /// Hamming weight of the ephemeral secret of bootstrapping (sparse-secret encapsulation, ePrint 2022/024).
    pub ephemeral_weight: Option<u32>,
    /// Accept less than 128 bits of security. Every report then says so.
    pub insecure: bool,
    /// The kernels to use; the fastest of the machine if `None`.
    pub kernels: Option<Kernels>,
}

/// Checked parameters with their ring; cheap to clone.
#[derive(Clone)]
pub struct Parameters(Arc<Inner>);

struct Inner {
    literal: ParametersLiteral,
    ring: Arc<Ring>,
    embeddings: Embeddings,
    security: Option<SecurityReport>,
    ephemeral_security: Option<SecurityReport>,
    digest: OnceLock<[u8; 16]>,
}

/// How a key-switching key decomposes its input and how many special primes it is made over.
///
/// A key for few levels needs few special primes: its size, and the time of every switch with it, shrink with both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyShape {
    /// Main primes it reaches: one more than the highest level it serves.
    pub main: usize,
    /// Special primes.
    pub special: usize,
    /// Main primes in a digit of the gadget decomposition.
    pub digit: usize,
}

impl KeyShape {
    /// The primes of the key.
    pub fn basis(self) -> Basis {
        Basis { main: self.main, special: self.special }
    }

    /// Number of digits at full height.
    pub fn digits(self) -> usize {
        self.main.div_ceil(self.digit)
    }
}

fn fixed_weight(secret: SecretDistribution) -> Option<u32> {
    match secret {
        SecretDistribution::UniformTernary => None,
        SecretDistribution::FixedWeight(weight) => Some(weight),
    }
}

impl TryFrom<ParametersLiteral> for Parameters {
    type Error = CkksError;

    fn try_from(literal: ParametersLiteral) -> Result<Self, CkksError> {
        let invalid =
            |what, found: String, wanted: &str| CkksError::Parameters { what, found, wanted: wanted.to_owned() };
        if !(5..=17).contains(&literal.log_n) {
            return Err(invalid("ring dimension", format!("2^{}", literal.log_n), "2^5 to 2^17"));
        }
        if literal.main_bits.is_empty() || literal.special_bits.is_empty() {
            let found = format!("{} main and {} special", literal.main_bits.len(), literal.special_bits.len());
            return Err(invalid("number of primes", found, "at least one of each"));
        }
        let sizes: Vec<u32> = literal.main_bits.iter().chain(&literal.special_bits).copied().collect();
        let primes = primes::search(literal.log_n, &sizes)?;
        let (main, special) = primes.split_at(literal.main_bits.len());
        let logs = |primes: &[u64]| primes.iter().map(|&q| (q as f64).log2()).collect::<Vec<_>>();
        let log = |primes: &[u64]| logs(primes).iter().sum::<f64>();
        if key_shape(&logs(main), &logs(special)).is_none() {
            let found = format!("{:.0} bits of special primes", log(special));
            return Err(invalid("special modulus", found, "at least the widest main prime"));
        }
        for (what, weight) in
            [("secret's weight", fixed_weight(literal.secret)), ("ephemeral weight", literal.ephemeral_weight)]
        {
            if let Some(weight) = weight.filter(|&weight| weight as usize > 1 << literal.log_n) {
                return Err(invalid(what, weight.to_string(), "at most the ring dimension"));
            }
        }

        // The key that switches to the ephemeral secret adds noise of about q₀/p₀ times an error.
        let (q0, p0) = (log(&main[..1]), log(&special[..1]));
        if literal.ephemeral_weight.is_some() && p0 + 1.5 < q0 {
            let found = format!("{p0:.1} bits");
            return Err(invalid(
                "first special prime",
                found,
                &format!("{:.1} bits of the first main prime", q0 - 1.5),
            ));
        }

        let judge = |secret, log_qp| match security::check(literal.log_n, secret, log_qp) {
            Err(_) if literal.insecure => Ok(security::assess(literal.log_n, secret, log_qp)),
            judged => judged.map(Some),
        };
        let security = judge(literal.secret, log(&primes))?;
        let ephemeral_security = match literal.ephemeral_weight {
            // The widest thing encrypted under it is the key that switches to it, over q₀·p₀.
            Some(weight) => judge(SecretDistribution::FixedWeight(weight), q0 + p0)?,
            None => None,
        };
        let ring = Ring::new(1 << literal.log_n, main, special, literal.kernels.unwrap_or_else(Kernels::detect));
        let (embeddings, digest) = Default::default();
        Ok(Self(Arc::new(Inner { literal, ring, embeddings, security, ephemeral_security, digest })))
    }
}

impl Parameters {
    /// What they were made from.
    pub fn literal(&self) -> &ParametersLiteral {
        &self.0.literal
    }

    /// The ring of the ciphertexts.
    pub fn ring(&self) -> &Arc<Ring> {
        &self.0.ring
    }

    /// log2 of the ring dimension.
    pub fn log_n(&self) -> u32 {
        self.0.literal.log_n
    }

    /// The ring dimension N.
    pub fn n(&self) -> usize {
        self.0.ring.n()
    }

    /// The most slots a ciphertext has, N/2.
    pub fn max_slots(&self) -> usize {
        self.n() / 2
    }

    /// The highest level: how often a fresh ciphertext can be rescaled.
    pub fn max_level(&self) -> usize {
        self.0.literal.main_bits.len() - 1
    }

    /// The main prime that rescaling from `level` divides by.
    pub fn prime(&self, level: usize) -> f64 {
        self.0.ring.main()[level].modulus().value() as f64
    }

    /// log2 of the product of all main and special primes.
    pub fn log_qp(&self) -> f64 {
        self.0.ring.log_modulus(self.0.ring.basis())
    }

    /// What the tables say of the main secret; `None` where no table bounds it (insecure parameters only).
    pub fn security(&self) -> Option<SecurityReport> {
        self.0.security
    }

    /// What the tables say of the ephemeral secret.
    pub fn ephemeral_security(&self) -> Option<SecurityReport> {
        self.0.ephemeral_security
    }

    /// Bits of security of the weaker secret; 0 when below 128.
    pub fn security_bits(&self) -> u32 {
        let bits = |report: Option<SecurityReport>| report.map_or(0, |r| r.bits);
        let ephemeral = self.literal().ephemeral_weight.map_or(u32::MAX, |_| bits(self.ephemeral_security()));
        bits(self.security()).min(ephemeral)
    }

    /// The identity that serialised objects carry: of dimension, primes, secrets, transform and seed expansion.
    pub fn digest(&self) -> [u8; 16] {
        *self.0.digest.get_or_init(|| crate::serial::parameters_digest(self))
    }

    pub(crate) fn embeddings(&self) -> &Embeddings {
        &self.0.embeddings
    }

    /// The cheapest key shape for ciphertexts up to `level`: the fewest digits whose widest is covered by the special
    /// primes, and then the fewest special primes that cover it.
    ///
    /// # Panics
    /// If `level` exceeds the highest.
    pub fn key_shape(&self, level: usize) -> KeyShape {
        assert!(level <= self.max_level(), "level {level} of {}", self.max_level());
        let ring = self.ring();
        let logs = |tables: &[NttTable]| tables.iter().map(|t| t.modulus().log2()).collect::<Vec<_>>();
        key_shape(&logs(&ring.main()[..=level]), &logs(ring.special())).expect("checked when the parameters were made")
    }

    /// The exponent g of the automorphism X ↦ X^g that rotates slots to the left by `steps` (to the right if negative).
    pub fn galois_of_rotation(&self, steps: i64) -> u64 {
        let mask = 2 * self.n() as u64 - 1;
        let mut exponent = steps.rem_euclid(self.max_slots() as i64);
        let (mut result, mut square) = (1u64, 5u64);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = result.wrapping_mul(square) & mask;
            }
            square = square.wrapping_mul(square) & mask;
            exponent >>= 1;
        }
        result
    }

    /// The exponent of complex conjugation, −1.
    pub fn galois_of_conjugation(&self) -> u64 {
        2 * self.n() as u64 - 1
    }
}

/// See [`Parameters::key_shape`]; sizes of primes in bits. `None` if the widest main prime exceeds all special primes.
fn key_shape(main: &[f64], special: &[f64]) -> Option<KeyShape> {
    // One base conversion takes so many primes: those of a digit, or the special primes with one that rescaling drops.
    let most = MAX_LAZY_PRODUCTS - 1;
    let mut sum = 0.0;
    let covered: Vec<f64> = special
        .iter()
        .take(most - 1)
        .map(|bits| {
            sum += bits;
            sum
        })
        .collect();
    let digits = (1..=main.len()).map(|digits| main.len().div_ceil(digits)).filter(|&digit| digit <= most);
    digits.into_iter().find_map(|digit| {
        let widest = main.chunks(digit).map(|group| group.iter().sum::<f64>()).fold(0.0, f64::max);
        // Half a bit over the special modulus is 1.4 times the noise of a switch, and spares a prime.
        let special = covered.iter().position(|&covered| covered + 0.5 >= widest)? + 1;
        Some(KeyShape { main: main.len(), special, digit })
    })
}

impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Parameters(N = 2^{}, {} levels, logQP = {:.1}, {} bits)",
            self.log_n(),
            self.max_level(),
            self.log_qp(),
            self.security_bits()
        )
    }
}
