//! Keys: the secret key, the public key, and the evaluation keys that a server gets.

use std::collections::BTreeMap;
use std::io;

use fhe_ring::{Basis, Ntt, PackedPoly, Poly, Seed, Shelf, Uniform, sample};
use rand::{CryptoRng, Rng};
use zeroize::Zeroizing;

use crate::error::CkksError;
use crate::extended;
use crate::params::Parameters;
use crate::security::SecretDistribution;
use crate::shape::{KeyKind, KeyShape};

/// A secret polynomial s. It is wiped from memory when dropped.
///
/// ```
/// use fhe_ckks::{Parameters, ParametersLiteral, SecretDistribution, SecretKey};
/// use rand::SeedableRng;
///
/// # fn main() -> Result<(), fhe_ckks::CkksError> {
/// # let params = Parameters::try_from(ParametersLiteral {
/// #     log_n: 10,
/// #     main_bits: vec![50, 40],
/// #     special_bits: vec![50],
/// #     secret: SecretDistribution::UniformTernary,
/// #     ephemeral_weight: None,
/// #     insecure: true,
/// #     kernels: None,
/// # })?;
/// // Real keys are drawn from the operating system's randomness.
/// let mut rng = rand_chacha::ChaCha20Rng::from_os_rng();
/// let secret = SecretKey::generate(&params, &mut rng);
/// let encrypted = secret.encrypt_real(&[0.5, -0.25], 1, 2f64.powi(40), &mut rng)?;
/// assert!((secret.decrypt_real(&encrypted)[1] + 0.25).abs() < 1e-6);
/// # Ok(())
/// # }
/// ```
pub struct SecretKey {
    pub(crate) params: Parameters,
    pub(crate) coefficients: Zeroizing<Vec<i64>>,
    /// s modulo every prime.
    pub(crate) poly: Zeroizing<Poly<Ntt>>,
}

impl SecretKey {
    /// Draws a secret from the distribution that the parameters name.
    pub fn generate(params: &Parameters, rng: &mut impl CryptoRng) -> Self {
        Self::draw(params, params.literal().secret, rng)
    }

    /// Draws the ephemeral sparse secret of bootstrapping. It is private to this crate: such a secret is secure only
    /// for moduli up to q₀·p₀.
    ///
    /// # Panics
    /// If the parameters name no ephemeral weight.
    pub(crate) fn generate_ephemeral(params: &Parameters, rng: &mut impl CryptoRng) -> Self {
        let weight = params.literal().ephemeral_weight.expect("parameters for bootstrapping name an ephemeral weight");
        Self::draw(params, SecretDistribution::FixedWeight(weight), rng)
    }

    fn draw(params: &Parameters, distribution: SecretDistribution, rng: &mut impl CryptoRng) -> Self {
        let n = params.n();
        let coefficients = Zeroizing::new(match distribution {
            SecretDistribution::UniformTernary => sample::ternary(n, rng),
            SecretDistribution::FixedWeight(weight) => sample::ternary_of_weight(n, weight as usize, rng),
        });
        let poly = Zeroizing::new(Poly::from_signed(params.ring(), params.ring().basis(), &coefficients).into_ntt());
        Self { params: params.clone(), coefficients, poly }
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// Number of nonzero coefficients.
    pub fn weight(&self) -> usize {
        // Without a branch on a coefficient: the lowest bit of 1 and −1 is set, that of 0 is not.
        self.coefficients.iter().map(|&c| (c & 1) as usize).sum()
    }

    pub(crate) fn poly(&self) -> &Poly<Ntt> {
        &self.poly
    }

    /// Returns s(X^(N/M)) in the ring of dimension N of `params`, for this secret s of dimension M.
    ///
    /// # Panics
    /// If the ring of this secret is not a subring of that of `params`.
    pub(crate) fn lifted(&self, params: &Parameters) -> Self {
        let gap = params.n() / self.params.n();
        let mut coefficients = Zeroizing::new(vec![0; params.n()]);
        coefficients.iter_mut().step_by(gap).zip(self.coefficients.iter()).for_each(|(to, from)| *to = *from);
        let ring = params.ring();
        let poly = Zeroizing::new(Poly::from_signed(ring, ring.basis(), &coefficients).into_ntt());
        Self { params: params.clone(), coefficients, poly }
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// An encryption of zero, (−a·s + e, a), over all main primes.
#[derive(Clone, PartialEq, Debug)]
pub struct PublicKey {
    /// The seed that `a` is regenerated from.
    pub(crate) seed: Seed,
    pub(crate) b: Poly<Ntt>,
    pub(crate) a: Poly<Ntt>,
}

impl PublicKey {
    /// Whether this is the public key of a secret: b + a·s is then an error of few bits.
    ///
    /// # Panics
    /// If the two have different parameters.
    pub fn belongs_to(&self, secret: &SecretKey) -> bool {
        let params = secret.params();
        let basis = Basis::main(1);
        let mut error = Poly::dot(params.ring(), basis, &[(&self.a, secret.poly())]);
        error.add_assign(&self.b.restricted(basis));
        let q = params.ring().main()[0].modulus().value();
        let error = Zeroizing::new(error.into_coefficients());
        // An error of deviation 3.2 never reaches 2^10; of N uniform residues many exceed it.
        error.limbs()[0].iter().all(|&e| e.min(q - e) < 1 << 10)
    }

    /// Generates the public key of a secret.
    pub fn generate(secret: &SecretKey, rng: &mut impl CryptoRng) -> Self {
        let params = secret.params();
        let basis = Basis::main(params.max_level() + 1);
        let seed = rng.random();
        let [b, a] = encryption_of_zero(secret, basis, &seed, 0, rng);
        Self { seed, b, a }
    }
}

/// Returns (−a·s + e, a) with a regenerated from stream `index` of `seed` and a fresh error e.
pub(crate) fn encryption_of_zero(
    secret: &SecretKey,
    basis: Basis,
    seed: &Seed,
    index: u64,
    rng: &mut impl CryptoRng,
) -> [Poly<Ntt>; 2] {
    let params = secret.params();
    let error = Zeroizing::new(sample::gaussian(params.n(), rng));
    let mut b = Poly::from_signed(params.ring(), basis, &error).into_ntt();
    let a = Uniform::new(seed, index).poly(params.ring(), basis);
    b.sub_assign(&Zeroizing::new(a.mul(secret.poly())));
    [b, a]
}

/// A key-switching key: encryptions of P·gⱼ·s′, one for each gadget digit j, where s′ is the source secret.
#[derive(Clone, PartialEq, Debug)]
pub struct SwitchingKey {
    pub(crate) shape: KeyShape,
    /// The seed of the uniform halves: digit j has stream j.
    pub(crate) seed: Seed,
    /// The first half of each digit's encryption.
    pub(crate) digits: Vec<PackedPoly>,
    /// Both halves with a word for each residue; empty unless the key was expanded.
    words: Vec<[Poly<Ntt>; 2]>,
}

impl SwitchingKey {
    /// Generates the key that switches from `source`, a polynomial over at least the key's main primes, to `target`.
    pub(crate) fn generate(source: &Poly<Ntt>, target: &SecretKey, shape: KeyShape, rng: &mut impl CryptoRng) -> Self {
        let seed: Seed = rng.random();
        let params = target.params();
        let ring = params.ring();
        let basis = shape.basis();
        let digits = sample::with_generators(shape.digits(), rng, |j, rng| {
            let [mut b, _] = encryption_of_zero(target, basis, &seed, j as u64, rng);
            let own = j * shape.digit_len..((j + 1) * shape.digit_len).min(shape.main);
            // P·gⱼ is P modulo the digit's own primes and 0 modulo all others.
            for i in own {
                let table = ring.table(basis, i);
                let m = table.modulus();
                let p = extended::lift(ring, basis, i).expect("a main prime");
                for (b, &s) in b.limbs_mut()[i].iter_mut().zip(source.limbs()[i].iter()) {
                    *b = m.add(*b, p.mul(s, m.value()));
                }
            }
            PackedPoly::from(&b)
        });
        Self { shape, seed, digits, words: Vec::new() }
    }

    /// Builds a key from its parts.
    pub(crate) fn from_parts(shape: KeyShape, seed: Seed, digits: Vec<PackedPoly>) -> Self {
        Self { shape, seed, digits, words: Vec::new() }
    }

    /// Returns the key with both halves also in words: no residue has to be unpacked or drawn any more.
    #[must_use]
    pub fn expanded(self) -> Self {
        let halves = self.digits.iter().zip(self.uniform());
        let words = halves.map(|(b, a)| [b.unpack(), a.poly(b.ring(), b.basis())]).collect();
        Self { words, ..self }
    }

    /// The halves of digit `j` in words, if the key was expanded.
    pub(crate) fn words(&self, j: usize) -> Option<&[Poly<Ntt>; 2]> {
        self.words.get(j)
    }

    /// Moves the key to a shelf.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn shelved(self, shelf: &Shelf) -> io::Result<Self> {
        let digits = self.digits.into_iter().map(|digit| digit.shelved(shelf)).collect::<io::Result<_>>()?;
        Ok(Self { digits, ..self })
    }

    /// The primes of the key and the length of its digits.
    pub fn shape(&self) -> KeyShape {
        self.shape
    }

    /// The first half b of each gadget digit's encryption (b, a), over the primes of the shape.
    pub fn digits(&self) -> &[PackedPoly] {
        &self.digits
    }

    /// The second half a of each gadget digit's encryption, as a generator. A packed key does not store it and regenerates it
    /// from the seed; an expanded key ([`SwitchingKey::expanded`]) stores it in words.
    pub fn uniform(&self) -> impl ExactSizeIterator<Item = Uniform> {
        (0..self.digits.len()).map(|j| Uniform::new(&self.seed, j as u64))
    }

    /// Bytes held in memory.
    pub fn bytes(&self) -> usize {
        let words = self.words.iter().flatten().map(Poly::bytes).sum::<usize>();
        words + self.digits.iter().map(PackedPoly::bytes).sum::<usize>()
    }
}

impl SwitchingKey {
    /// Bytes held in memory of its own, not in a file.
    pub fn own_bytes(&self) -> usize {
        self.digits.iter().map(PackedPoly::own_bytes).sum()
    }
}

/// All keys that a server needs for evaluation. They contain no secret.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct EvaluationKeys {
    /// The keys of each kind, the shortest first.
    keys: BTreeMap<KeyKind, Vec<SwitchingKey>>,
}

impl EvaluationKeys {
    /// Adds a key. It replaces one of the same kind and height.
    pub fn insert(&mut self, kind: KeyKind, key: SwitchingKey) {
        let keys = self.keys.entry(kind).or_default();
        keys.retain(|known| known.shape.main != key.shape.main);
        keys.push(key);
        keys.sort_by_key(|key| key.shape.main);
    }

    /// Returns the shortest key of a kind that reaches `level`.
    ///
    /// # Errors
    /// [`CkksError::MissingKey`] if there is none.
    pub fn get(&self, kind: KeyKind, level: usize) -> Result<&SwitchingKey, CkksError> {
        let keys = self.keys.get(&kind).map_or(&[][..], Vec::as_slice);
        keys.iter().find(|key| key.shape.main > level).ok_or_else(|| CkksError::MissingKey {
            kind,
            wanted: level,
            found: keys.last().map(|key| key.shape.main - 1),
        })
    }

    /// All keys, each with its kind, in ascending order of kind and height.
    pub fn iter(&self) -> impl Iterator<Item = (KeyKind, &SwitchingKey)> {
        self.keys.iter().flat_map(|(&kind, keys)| keys.iter().map(move |key| (kind, key)))
    }

    /// Returns all keys as [`SwitchingKey::expanded`] does.
    #[must_use]
    pub fn expanded(self) -> Self {
        let expand =
            |(kind, keys): (KeyKind, Vec<SwitchingKey>)| (kind, keys.into_iter().map(SwitchingKey::expanded).collect());
        Self { keys: self.keys.into_iter().map(expand).collect() }
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.keys.values().map(Vec::len).sum()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Bytes held in memory.
    pub fn bytes(&self) -> usize {
        self.iter().map(|(_, key)| key.bytes()).sum()
    }
}
