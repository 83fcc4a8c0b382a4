//! Parameters: [`Parameters::try_from`] turns an unchecked [`ParametersLiteral`] into a checked, immutable set.

pub(crate) mod digest;
mod literal;

use std::sync::{Arc, OnceLock};

use fhe_ring::ntt::NttTable;
use fhe_ring::{Basis, Kernels, Ring, primes};

pub use literal::ParametersLiteral;

use crate::embedding::Embeddings;
use crate::error::CkksError;
use crate::security::{self, SecretDistribution, SecurityReport};
use crate::shape::KeyShape;

/// Checked parameters with their ring. Clones share them and are cheap.
///
/// ```
/// use fhe_ckks::{Parameters, ParametersLiteral, SecretDistribution};
///
/// # fn main() -> Result<(), fhe_ckks::CkksError> {
/// let params = Parameters::try_from(ParametersLiteral {
///     log_n: 13,
///     main_bits: vec![50, 40, 40],
///     special_bits: vec![50],
///     secret: SecretDistribution::UniformTernary,
///     ephemeral_weight: None,
///     insecure: false, // Less than 128 bits of security is an error.
///     kernels: None,
/// })?;
/// assert_eq!((params.n(), params.max_slots(), params.max_level()), (8192, 4096, 2));
/// assert_eq!(params.security_bits(), 128);
/// # Ok(())
/// # }
/// ```
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

/// Returns the weight of a secret whose distribution fixes it.
fn fixed_weight(secret: SecretDistribution) -> Option<u32> {
    match secret {
        SecretDistribution::UniformTernary => None,
        SecretDistribution::FixedWeight(weight) => Some(weight),
    }
}

/// Returns the security of a secret in the ring of `literal`.
///
/// # Errors
/// [`CkksError::Insecure`] below 128 bits, unless `insecure`.
fn judge(
    literal: &ParametersLiteral,
    secret: SecretDistribution,
    log_qp: f64,
    insecure: bool,
) -> Result<Option<SecurityReport>, CkksError> {
    match security::check(literal.log_n, secret, log_qp) {
        Err(_) if insecure => Ok(security::assess(literal.log_n, secret, log_qp)),
        judged => Ok(judged.map(Some)?),
    }
}

impl TryFrom<ParametersLiteral> for Parameters {
    type Error = CkksError;

    /// Checks a literal, searches the primes and prepares their transforms.
    ///
    /// # Errors
    /// [`CkksError::Parameters`] if the literal contradicts itself, [`CkksError::Primes`] if there are no primes of
    /// these sizes, [`CkksError::Insecure`] if a secret has less than 128 bits of security and the literal does not
    /// accept that.
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
        if KeyShape::cheapest(&logs(main), &logs(special)).is_none() {
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

        let judge = |secret, log_qp| judge(&literal, secret, log_qp, literal.insecure);
        let security = judge(literal.secret, log(&primes))?;
        let ephemeral_security = match literal.ephemeral_weight {
            // The key that switches to the ephemeral secret, over q₀·p₀, has the widest modulus under it.
            Some(weight) => judge(SecretDistribution::FixedWeight(weight), q0 + p0)?,
            None => None,
        };
        let ring = Ring::new(1 << literal.log_n, main, special, literal.kernels.unwrap_or_else(Kernels::detect));
        let (embeddings, digest) = Default::default();
        Ok(Self(Arc::new(Inner { literal, ring, embeddings, security, ephemeral_security, digest })))
    }
}

impl Parameters {
    /// The smallest secure ring for a client of these parameters: its ciphertexts have `slots` slots at `level`, over the
    /// first primes of this ring, and [`Evaluator::from_client`](crate::Evaluator::from_client) takes them to this ring.
    /// Where less than 128 bits of security are accepted and no smaller ring has them, it has the dimension of this ring.
    ///
    /// # Errors
    /// Those of [`Parameters::client_ring_of`].
    pub fn client_ring(&self, level: usize, slots: usize) -> Result<Self, CkksError> {
        let least = (2 * slots).next_power_of_two().trailing_zeros().max(5);
        let strict = |log_m: &u32| self.subring(*log_m, level, false).ok();
        let found = (least..=self.log_n()).find_map(|log_m| strict(&log_m));
        found.map_or_else(|| self.client_ring_of(self.log_n(), level), Ok)
    }

    /// The ring of dimension 2^`log_m` for a client of these parameters, see [`Parameters::client_ring`].
    ///
    /// # Errors
    /// [`CkksError::Insecure`] if the ring has less than 128 bits of security and these parameters do not accept that;
    /// [`CkksError::Parameters`] if it is larger than this ring or its level exceeds the highest.
    pub fn client_ring_of(&self, log_m: u32, level: usize) -> Result<Self, CkksError> {
        self.subring(log_m, level, self.literal().insecure)
    }

    fn subring(&self, log_m: u32, level: usize, insecure: bool) -> Result<Self, CkksError> {
        let of = |what, found: u64, least, most: u64| {
            let within = (least..=most).contains(&found);
            let (found, wanted) = (found.to_string(), format!("{least} to {most}"));
            if within { Ok(()) } else { Err(CkksError::Parameters { what, found, wanted }) }
        };
        of("log2 of the dimension of a client's ring", log_m.into(), 5, self.log_n().into())?;
        of("level of a client's ring", level as u64, 0, self.max_level() as u64)?;
        let basis = Basis { main: level + 1, special: self.key_shape(0).special };
        let literal = self.literal();
        let literal = ParametersLiteral {
            log_n: log_m,
            main_bits: literal.main_bits[..basis.main].to_vec(),
            special_bits: literal.special_bits[..basis.special].to_vec(),
            ephemeral_weight: None,
            ..literal.clone()
        };
        let security = judge(&literal, literal.secret, self.ring().log_modulus(basis), insecure)?;
        let primes = |tables: &[NttTable]| tables.iter().map(|table| table.modulus().value()).collect::<Vec<_>>();
        let (main, special) =
            (primes(&self.ring().main()[..basis.main]), primes(&self.ring().special()[..basis.special]));
        let ring = Ring::new(1 << log_m, &main, &special, self.ring().kernels());
        let (embeddings, digest) = Default::default();
        Ok(Self(Arc::new(Inner { literal, ring, embeddings, security, ephemeral_security: None, digest })))
    }

    /// The literal that these parameters were made from.
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

    /// The largest number of slots of a ciphertext, N/2.
    pub fn max_slots(&self) -> usize {
        self.n() / 2
    }

    /// The highest level: the number of times that a ciphertext with all main primes can be rescaled.
    pub fn max_level(&self) -> usize {
        self.0.literal.main_bits.len() - 1
    }

    /// The main prime that rescaling from `level` divides by.
    ///
    /// # Panics
    /// If `level` exceeds the highest.
    pub fn prime(&self, level: usize) -> f64 {
        self.0.ring.main()[level].modulus().value() as f64
    }

    /// log2 of the product of all main and special primes.
    pub fn log_qp(&self) -> f64 {
        self.0.ring.log_modulus(self.0.ring.basis())
    }

    /// The security of the main secret by the tables; `None` if no table covers it (insecure parameters only).
    pub fn security(&self) -> Option<SecurityReport> {
        self.0.security
    }

    /// The security of the ephemeral secret by the tables; `None` if there is none, or no table covers it.
    pub fn ephemeral_security(&self) -> Option<SecurityReport> {
        self.0.ephemeral_security
    }

    /// Bits of security of the weaker secret; 0 when below 128.
    pub fn security_bits(&self) -> u32 {
        let bits = |report: Option<SecurityReport>| report.map_or(0, |r| r.bits);
        let ephemeral = self.literal().ephemeral_weight.map_or(u32::MAX, |_| bits(self.ephemeral_security()));
        bits(self.security()).min(ephemeral)
    }

    /// The identity that serialised objects carry: a hash of dimension, primes, secrets, transform and seed expansion.
    pub fn digest(&self) -> [u8; 16] {
        *self.0.digest.get_or_init(|| digest::parameters_digest(&self.0.literal, &self.0.ring))
    }

    pub(crate) fn embeddings(&self) -> &Embeddings {
        &self.0.embeddings
    }

    /// The cheapest shape of a key for ciphertexts up to `level`: the fewest digits whose widest is covered by the
    /// special primes, and the fewest special primes that cover it.
    ///
    /// # Panics
    /// If `level` exceeds the highest.
    pub fn key_shape(&self, level: usize) -> KeyShape {
        assert!(level <= self.max_level(), "level {level} of {}", self.max_level());
        let ring = self.ring();
        let logs = |tables: &[NttTable]| tables.iter().map(|t| t.modulus().log2()).collect::<Vec<_>>();
        let shape = KeyShape::cheapest(&logs(&ring.main()[..=level]), &logs(ring.special()));
        shape.expect("checked when the parameters were made")
    }

    /// Returns the exponent g of the automorphism X ↦ X^g that rotates slots to the left by `steps`, to the right if
    /// negative.
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
