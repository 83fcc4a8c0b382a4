//! Keys: the secret key, the public key, and the evaluation keys that a server gets.

use std::collections::BTreeMap;

use fhe_ring::{Basis, Ntt, PackedPoly, Poly, Seed, Uniform, sample};
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
    fn lifted(&self, params: &Parameters) -> Self {
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
        Self { shape, seed, digits }
    }

    /// The primes of the key and the length of its digits.
    pub fn shape(&self) -> KeyShape {
        self.shape
    }

    /// The first half b of each gadget digit's encryption (b, a), over the primes of the shape.
    pub fn digits(&self) -> &[PackedPoly] {
        &self.digits
    }

    /// The second half a of each gadget digit's encryption. It is not stored: regenerating it from the seed is faster
    /// than reading it from memory.
    pub fn uniform(&self) -> impl ExactSizeIterator<Item = Uniform> {
        (0..self.digits.len()).map(|j| Uniform::new(&self.seed, j as u64))
    }

    /// Bytes held in memory.
    pub fn bytes(&self) -> usize {
        self.digits.iter().map(PackedPoly::bytes).sum()
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

/// The evaluation keys that a computation needs: of each kind, one key for each height at which it is used.
///
/// ```
/// use fhe_ckks::{KeyRequest, Parameters, ParametersLiteral, SecretDistribution, SecretKey};
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
/// let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
/// let secret = SecretKey::generate(&params, &mut rng);
/// let mut request = KeyRequest::default();
/// request.relinearization(&params, 1); // Products at level 1.
/// request.rotation(&params, 3, 0); // Rotations by three slots at level 0.
/// let keys = request.generate(&secret, &mut rng);
/// assert_eq!((keys.len(), keys.bytes()), (2, request.bytes(&params)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct KeyRequest(BTreeMap<(KeyKind, usize), KeyShape>);

impl KeyRequest {
    /// Asks for a key of this shape, in place of one of the same kind and height.
    pub fn add(&mut self, kind: KeyKind, shape: KeyShape) {
        self.0.insert((kind, shape.main), shape);
    }

    /// Asks for the relinearization key of `level`.
    pub fn relinearization(&mut self, params: &Parameters, level: usize) {
        self.add(KeyKind::Relinearization, params.key_shape(level));
    }

    /// Asks for the key of the rotation by `steps` at `level`. A rotation by a multiple of N/2 needs no key.
    pub fn rotation(&mut self, params: &Parameters, steps: i64, level: usize) {
        let galois = params.galois_of_rotation(steps);
        if galois != 1 {
            self.add(KeyKind::Galois(galois), params.key_shape(level));
        }
    }

    /// Asks for the key of the conjugation at `level`.
    pub fn conjugation(&mut self, params: &Parameters, level: usize) {
        self.add(KeyKind::Galois(params.galois_of_conjugation()), params.key_shape(level));
    }

    /// Asks for the keys of sparse-secret encapsulation: one to the ephemeral secret, and one back from its image under
    /// X ↦ X^g for each g in `images`.
    pub fn encapsulation(&mut self, params: &Parameters, images: &[u64]) {
        self.add(KeyKind::DenseToSparse, KeyShape::DENSE_TO_SPARSE);
        let main = params.max_level() + 1;
        let shape = KeyShape { main, special: params.key_shape(0).special, digit_len: main };
        images.iter().for_each(|&galois| self.add(KeyKind::SparseToDense(galois), shape));
    }

    /// Asks for the keys between the main secret and that of a client's ring, see [`Parameters::client_ring`].
    pub fn client_ring(&mut self, params: &Parameters, client: &Parameters) {
        self.add(KeyKind::FromClient, params.key_shape(client.max_level()));
        self.add(KeyKind::ToClient, params.key_shape(0));
    }

    /// Adds all keys of another request.
    pub fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(kind, shape)| self.add(kind, shape));
    }

    /// All keys asked for, each with its shape.
    pub fn iter(&self) -> impl Iterator<Item = (KeyKind, KeyShape)> {
        self.0.iter().map(|(&(kind, _), &shape)| (kind, shape))
    }

    /// Bytes that the keys will hold in memory.
    pub fn bytes(&self, params: &Parameters) -> usize {
        self.iter().map(|(_, shape)| shape.digits() * PackedPoly::bytes_of(params.ring(), shape.basis())).sum()
    }

    /// Generates the keys. The result depends only on the secret and the generator, not on the number of threads.
    ///
    /// If the request has keys of encapsulation, an ephemeral secret is drawn, used for all of them, and wiped.
    ///
    /// # Panics
    /// If the key to the ephemeral secret is asked for over more than q₀·p₀, the only primes for which the security of
    /// that secret was checked; if keys of a client's ring are asked for, which need that client's secret.
    pub fn generate(&self, secret: &SecretKey, rng: &mut impl CryptoRng) -> EvaluationKeys {
        self.generate_for(secret, None, rng)
    }

    /// Generates the keys, with those between `secret` and the `client`'s secret in its own ring.
    ///
    /// # Panics
    /// See [`KeyRequest::generate`]; if the client's ring is no subring, or its keys are asked for over more primes than
    /// the security of its secret was checked for.
    pub fn generate_for(
        &self,
        secret: &SecretKey,
        client: Option<&SecretKey>,
        rng: &mut impl CryptoRng,
    ) -> EvaluationKeys {
        let params = secret.params();
        let lifted = client.map(|client| client.lifted(params));
        let lifted = || lifted.as_ref().expect("the secret of a client's ring, for whose keys the request asks");
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
                // The target is s(X^(1/g)). So a product with digits can be taken before the automorphism (hoisting),
                // which then brings the result back under s.
                KeyKind::Galois(galois) => {
                    let inverse = inverse_exponent(galois, params.n());
                    let poly = Zeroizing::new(secret.poly().automorphism(&params.ring().permutation(inverse)));
                    let target = SecretKey { params: params.clone(), coefficients: Zeroizing::default(), poly };
                    SwitchingKey::generate(secret.poly(), &target, shape, rng)
                }
                KeyKind::DenseToSparse => {
                    let checked = KeyShape::DENSE_TO_SPARSE.basis();
                    assert_eq!(shape.basis(), checked, "primes of the key to the ephemeral secret");
                    SwitchingKey::generate(secret.poly(), ephemeral(), shape, rng)
                }
                KeyKind::FromClient => SwitchingKey::generate(lifted().poly(), secret, shape, rng),
                KeyKind::ToClient => {
                    let checked = client.map(|client| client.params().ring().basis());
                    assert!(
                        checked.is_some_and(|checked| checked.contains(shape.basis())),
                        "primes of the key to a client"
                    );
                    SwitchingKey::generate(secret.poly(), lifted(), shape, rng)
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

/// Returns g⁻¹ modulo 2N for odd g.
fn inverse_exponent(galois: u64, n: usize) -> u64 {
    // Newton's iteration doubles the number of correct low bits: 3, 6, 12, 24, 48, 96.
    let inverse = (0..5).fold(galois, |x, _| x.wrapping_mul(2u64.wrapping_sub(galois.wrapping_mul(x))));
    inverse & (2 * n as u64 - 1)
}
