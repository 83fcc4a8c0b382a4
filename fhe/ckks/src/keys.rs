//! Keys: the secret, the public one, and the evaluation keys that a server gets.

use std::collections::BTreeMap;

use fhe_ring::{Basis, Ntt, PackedPoly, Poly, Seed, Uniform, sample};
use rand::{CryptoRng, Rng};
use zeroize::Zeroizing;

use crate::error::CkksError;
use crate::params::{KeyShape, Parameters};
use crate::security::SecretDistribution;

/// A secret polynomial s, wiped from memory when dropped.
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

    /// Draws the ephemeral sparse secret of bootstrapping. Its security was checked over q₀·p₀ alone, so that nobody outside
    /// gets hold of one: over more primes it would protect nothing.
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
        self.coefficients.iter().filter(|&&c| c != 0).count()
    }

    pub(crate) fn poly(&self) -> &Poly<Ntt> {
        &self.poly
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
    /// Where `a` comes from.
    pub(crate) seed: Seed,
    pub(crate) b: Poly<Ntt>,
    pub(crate) a: Poly<Ntt>,
}

impl PublicKey {
    /// The public key of a secret.
    pub fn generate(secret: &SecretKey, rng: &mut impl CryptoRng) -> Self {
        let params = secret.params();
        let basis = Basis::main(params.max_level() + 1);
        let seed = rng.random();
        let [b, a] = encryption_of_zero(secret, basis, &seed, 0, rng);
        Self { seed, b, a }
    }
}

/// (−a·s + e, a) with a regenerated from stream `index` of `seed` and a fresh error e.
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

/// What an evaluation key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyKind {
    /// s² to s: multiplication.
    Relinearization,
    /// s(X^g) to s: the automorphism X ↦ X^g, a rotation or the conjugation.
    Galois(u64),
    /// The main secret to the ephemeral sparse one, over q₀·p₀.
    DenseToSparse,
    /// The image of the ephemeral secret under X ↦ X^g to the main one. Over all main primes and the special primes that
    /// cover q₀, and of one digit: what it switches has just been raised, and its coefficients are below q₀/2.
    SparseToDense(u64),
}

impl std::fmt::Display for KeyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Relinearization => f.write_str("relinearization"),
            Self::Galois(g) => write!(f, "Galois (X ↦ X^{g})"),
            Self::DenseToSparse => f.write_str("dense-to-sparse"),
            Self::SparseToDense(g) => write!(f, "sparse-to-dense (X ↦ X^{g})"),
        }
    }
}

/// A key-switching key: encryptions of P·gⱼ·s′, one for each gadget digit j.
#[derive(Clone, PartialEq, Debug)]
pub struct SwitchingKey {
    pub(crate) shape: KeyShape,
    /// Where the uniform halves come from: digit j's is stream j.
    pub(crate) seed: Seed,
    /// The first half of each digit.
    pub(crate) digits: Vec<PackedPoly>,
}

impl SwitchingKey {
    /// The key that switches from `source`, a polynomial over at least the key's main primes, to `target`.
    pub(crate) fn generate(source: &Poly<Ntt>, target: &SecretKey, shape: KeyShape, rng: &mut impl CryptoRng) -> Self {
        let seed: Seed = rng.random();
        let params = target.params();
        let ring = params.ring();
        let basis = shape.basis();
        let digits = sample::with_generators(shape.digits(), rng, |j, rng| {
            let [mut b, _] = encryption_of_zero(target, basis, &seed, j as u64, rng);
            let own = j * shape.digit..((j + 1) * shape.digit).min(shape.main);
            // P·gⱼ is P modulo the digit's own primes and 0 modulo all others.
            for i in own {
                let table = ring.table(basis, i);
                let m = table.modulus();
                let p = ring.special()[..shape.special].iter().fold(1, |p, t| m.mul(p, m.reduce(t.modulus().value())));
                let p = m.shoup(p);
                for (b, &s) in b.limbs_mut()[i].iter_mut().zip(source.limbs()[i].iter()) {
                    *b = m.add(*b, p.mul(s, m.value()));
                }
            }
            PackedPoly::from(&b)
        });
        Self { shape, seed, digits }
    }

    /// How it decomposes, and over which primes.
    pub fn shape(&self) -> KeyShape {
        self.shape
    }

    /// b of each gadget digit's (b, a), over the primes of the shape.
    pub fn digits(&self) -> &[PackedPoly] {
        &self.digits
    }

    /// a of each gadget digit: it is not kept, as it is computed in less time than memory would take to bring it.
    pub fn uniform(&self) -> impl ExactSizeIterator<Item = Uniform> {
        (0..self.digits.len()).map(|j| Uniform::new(&self.seed, j as u64))
    }

    /// Bytes held in memory.
    pub fn bytes(&self) -> usize {
        self.digits.iter().map(PackedPoly::bytes).sum()
    }
}

/// Everything that a server needs to evaluate: no secret is among it.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct EvaluationKeys {
    /// Of each kind, the shortest first.
    keys: BTreeMap<KeyKind, Vec<SwitchingKey>>,
}

impl EvaluationKeys {
    /// Adds a key; one of the same kind and height is replaced.
    pub fn insert(&mut self, kind: KeyKind, key: SwitchingKey) {
        let keys = self.keys.entry(kind).or_default();
        keys.retain(|known| known.shape.main != key.shape.main);
        keys.push(key);
        keys.sort_by_key(|key| key.shape.main);
    }

    /// The shortest key of a kind that reaches `level`.
    pub fn get(&self, kind: KeyKind, level: usize) -> Result<&SwitchingKey, CkksError> {
        let keys = self.keys.get(&kind).map_or(&[][..], Vec::as_slice);
        keys.iter().find(|key| key.shape.main > level).ok_or_else(|| CkksError::MissingKey {
            kind,
            wanted: level,
            found: keys.last().map(|key| key.shape.main - 1),
        })
    }

    /// Every key with its kind.
    pub fn iter(&self) -> impl Iterator<Item = (KeyKind, &SwitchingKey)> {
        self.keys.iter().flat_map(|(&kind, keys)| keys.iter().map(move |key| (kind, key)))
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.keys.values().map(Vec::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Bytes held in memory.
    pub fn bytes(&self) -> usize {
        self.iter().map(|(_, key)| key.bytes()).sum()
    }
}

/// The evaluation keys that a computation asks for: of each kind, one for each height it is used at.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct KeyRequest(BTreeMap<(KeyKind, usize), KeyShape>);

impl KeyRequest {
    /// Asks for a key of a shape, in place of one of the same kind and height.
    pub fn add(&mut self, kind: KeyKind, shape: KeyShape) {
        self.0.insert((kind, shape.main), shape);
    }

    /// Asks for relinearization at `level`.
    pub fn relinearization(&mut self, params: &Parameters, level: usize) {
        self.add(KeyKind::Relinearization, params.key_shape(level));
    }

    /// Asks for a rotation by `steps` at `level`; a rotation by nothing needs no key.
    pub fn rotation(&mut self, params: &Parameters, steps: i64, level: usize) {
        let galois = params.galois_of_rotation(steps);
        if galois != 1 {
            self.add(KeyKind::Galois(galois), params.key_shape(level));
        }
    }

    /// Asks for the conjugation at `level`.
    pub fn conjugation(&mut self, params: &Parameters, level: usize) {
        self.add(KeyKind::Galois(params.galois_of_conjugation()), params.key_shape(level));
    }

    /// Asks for the keys of sparse-secret encapsulation, back from the images of the ephemeral secret under each of
    /// `images`.
    pub fn encapsulation(&mut self, params: &Parameters, images: &[u64]) {
        self.add(KeyKind::DenseToSparse, KeyShape { main: 1, special: 1, digit: 1 });
        let main = params.max_level() + 1;
        let shape = KeyShape { main, special: params.key_shape(0).special, digit: main };
        images.iter().for_each(|&galois| self.add(KeyKind::SparseToDense(galois), shape));
    }

    /// Takes in another request.
    pub fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(kind, shape)| self.add(kind, shape));
    }

    /// Every key asked for.
    pub fn iter(&self) -> impl Iterator<Item = (KeyKind, KeyShape)> {
        self.0.iter().map(|(&(kind, _), &shape)| (kind, shape))
    }

    /// Bytes that the keys will hold in memory.
    pub fn bytes(&self, params: &Parameters) -> usize {
        self.iter().map(|(_, shape)| shape.digits() * PackedPoly::bytes_of(params.ring(), shape.basis())).sum()
    }

    /// Generates the keys. The result depends on the secret and the generator alone, not on the number of threads.
    ///
    /// An ephemeral secret is drawn if the request holds the keys of encapsulation, used for both, and wiped.
    ///
    /// # Panics
    /// If the key to the ephemeral secret is asked for over more than q₀·p₀: its security was checked for those alone.
    pub fn generate(&self, secret: &SecretKey, rng: &mut impl CryptoRng) -> EvaluationKeys {
        let params = secret.params();
        let encapsulated =
            self.iter().any(|(kind, _)| matches!(kind, KeyKind::DenseToSparse | KeyKind::SparseToDense(_)));
        let ephemeral = encapsulated.then(|| SecretKey::generate_ephemeral(params, rng));
        let ephemeral = || ephemeral.as_ref().expect("drawn above");
        let requests: Vec<_> = self.iter().collect();
        let mut keys = EvaluationKeys::default();
        let made = sample::with_generators(requests.len(), rng, |i, rng| {
            let (kind, shape) = requests[i];
            match kind {
                KeyKind::Relinearization => {
                    let basis = Basis::main(shape.main);
                    let square = Zeroizing::new(Poly::dot(params.ring(), basis, &[(secret.poly(), secret.poly())]));
                    SwitchingKey::generate(&square, secret, shape, rng)
                }
                // Made under s(X^(1/g)), so that a product with digits can be taken before the automorphism
                // (hoisting): the automorphism then brings the result back under s.
                KeyKind::Galois(galois) => {
                    let inverse = inverse_exponent(galois, params.n());
                    let poly = Zeroizing::new(secret.poly().automorphism(&params.ring().permutation(inverse)));
                    let target = SecretKey { params: params.clone(), coefficients: Zeroizing::default(), poly };
                    SwitchingKey::generate(secret.poly(), &target, shape, rng)
                }
                KeyKind::DenseToSparse => {
                    let checked = Basis { main: 1, special: 1 };
                    assert_eq!(shape.basis(), checked, "primes of the key to the ephemeral secret");
                    SwitchingKey::generate(secret.poly(), ephemeral(), shape, rng)
                }
                KeyKind::SparseToDense(galois) => {
                    let image = ephemeral().poly().automorphism(&params.ring().permutation(galois));
                    SwitchingKey::generate(&Zeroizing::new(image), secret, shape, rng)
                }
            }
        });
        for ((kind, _), key) in requests.iter().zip(made) {
            keys.insert(*kind, key);
        }
        keys
    }
}

/// g⁻¹ modulo 2N for odd g.
fn inverse_exponent(galois: u64, n: usize) -> u64 {
    // Newton's iteration doubles the correct low bits: 3, 6, 12, 24, 48, 96.
    let inverse = (0..5).fold(galois, |x, _| x.wrapping_mul(2u64.wrapping_sub(galois.wrapping_mul(x))));
    inverse & (2 * n as u64 - 1)
}
