//! Requests for evaluation keys, and their generation.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;

use fhe_ring::meter::Held;
use fhe_ring::{Basis, PackedPoly, Poly, Shelf, sample};
use rand::CryptoRng;
use zeroize::Zeroizing;

use crate::keys::{EvaluationKeys, SecretKey, SwitchingKey};
use crate::params::Parameters;
use crate::shape::{KeyKind, KeyShape};

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
        self.generate_and(secret, client, rng, Ok).unwrap_or_else(|never: Infallible| match never {})
    }

    /// Generates the same keys as [`KeyRequest::generate_for`], and moves each to a shelf as soon as it is made.
    ///
    /// # Errors
    /// Those of the file system.
    ///
    /// # Panics
    /// See [`KeyRequest::generate_for`].
    pub fn generate_shelved(
        &self,
        secret: &SecretKey,
        client: Option<&SecretKey>,
        rng: &mut impl CryptoRng,
        shelf: &Shelf,
    ) -> io::Result<EvaluationKeys> {
        self.generate_and(secret, client, rng, |key| key.shelved(shelf))
    }

    /// Generates the keys. `finish` puts each in its place.
    fn generate_and<E: Send>(
        &self,
        secret: &SecretKey,
        client: Option<&SecretKey>,
        rng: &mut impl CryptoRng,
        finish: impl Fn(SwitchingKey) -> Result<SwitchingKey, E> + Sync,
    ) -> Result<EvaluationKeys, E> {
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
            let key = finish(match kind {
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
            })?;
            let held = Held::new(kind.holder(), key.own_bytes());
            Ok((key, held))
        });
        for ((kind, _), made) in requests.iter().zip(made) {
            let (key, _held) = made?;
            keys.insert(*kind, key);
        }
        Ok(keys)
    }
}

/// Returns g⁻¹ modulo 2N for odd g.
fn inverse_exponent(galois: u64, n: usize) -> u64 {
    // Newton's iteration doubles the number of correct low bits: 3, 6, 12, 24, 48, 96.
    let inverse = (0..5).fold(galois, |x, _| x.wrapping_mul(2u64.wrapping_sub(galois.wrapping_mul(x))));
    inverse & (2 * n as u64 - 1)
}
