//! The client's half: keys, encryption of images, decryption of logits.

use fhe_ckks::{Ciphertext, CkksError, EvaluationKeys, KeyRequest, Parameters, PublicKey, SecretKey, SeededCiphertext};
use fhe_ring::Shelf;
use rand::CryptoRng;

use super::interface::Interface;
use super::program::{Program, StepInfo};

/// The holder of the secret key. The secret belongs to the client's own ring ([`Program::client_ring`]), in which images
/// are encrypted and logits returned.
///
/// ```no_run
/// use fhe_ckks::Parameters;
/// use fhe_nn::encrypted::{Circuit, Client, Packing, Program, Server};
/// use fhe_nn::{Approximation, ResNet};
/// use rand::SeedableRng;
///
/// let network = ResNet::from_safetensors(datasets::pretrained::RESNET20)?;
/// let circuit = Circuit::new(16, &Approximation::default(), Packing::Fused, None)?;
/// let program = Program::new(network, circuit, vec![40.0; 19])?;
/// let params = Parameters::try_from(program.circuit().parameters().clone())?;
///
/// let mut rng = rand_chacha::ChaCha20Rng::from_os_rng();
/// let (client, keys) = Client::generate(&program, &params, &mut rng)?;
/// let server = Server::new(program, &params, keys)?;
///
/// let image = datasets::cifar::embedded_test_sample()[0].normalised();
/// let encrypted = client.encrypt(&[&image], &mut rng)?;
/// let logits = server.evaluate(&encrypted, &mut |_, _| {})?;
/// println!("{:?}", client.decrypt(&logits)[0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Client {
    secret: SecretKey,
    interface: Interface,
}

impl Client {
    /// The client with this secret of the client's ring.
    pub fn new(secret: SecretKey, interface: Interface) -> Self {
        Self { secret, interface }
    }

    /// A client with a fresh secret, and the evaluation keys for the server. The main secret, which those keys are made
    /// with, is wiped.
    ///
    /// # Errors
    /// If the parameters have too few slots or levels for the program.
    pub fn generate(
        program: &Program,
        params: &Parameters,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, EvaluationKeys), CkksError> {
        Self::generate_observed(program, params, &program.plan(params)?.request, rng, None)
            .map(|(client, _, keys)| (client, keys))
    }

    /// A client with a fresh secret, an [`Observer`] who reads every step, and the evaluation keys that `request`, that of
    /// the program's [`Plan`](super::Plan), asks for. With a shelf, each evaluation key moves to it as soon as it is made.
    ///
    /// # Errors
    /// If the parameters have no ring for the client; [`CkksError::Shelf`].
    pub fn generate_observed(
        program: &Program,
        params: &Parameters,
        request: &KeyRequest,
        rng: &mut impl CryptoRng,
        shelf: Option<&Shelf>,
    ) -> Result<(Self, Observer, EvaluationKeys), CkksError> {
        let main = SecretKey::generate(params, rng);
        let own = SecretKey::generate(&program.client_ring(params)?, rng);
        let keys = match shelf {
            Some(shelf) => request.generate_shelved(&main, Some(&own), rng, shelf)?,
            None => request.generate_for(&main, Some(&own), rng),
        };
        let interface = program.interface();
        let observer = Observer { secret: main, interface: interface.clone() };
        Ok((Self::new(own, interface), observer, keys))
    }

    /// The secret key.
    pub fn secret(&self) -> &SecretKey {
        &self.secret
    }

    /// A public key, under which others encrypt images for this client.
    pub fn public_key(&self, rng: &mut impl CryptoRng) -> PublicKey {
        PublicKey::generate(&self.secret, rng)
    }

    /// One ciphertext of normalised images, each of three planes of 32 × 32 values, at the level and the scale of
    /// linear layers. Missing images are zeros.
    ///
    /// # Errors
    /// If a value is not finite.
    ///
    /// # Panics
    /// If there are more images than a ciphertext holds, or one has not 3·32·32 values.
    pub fn encrypt(&self, images: &[&[f64]], rng: &mut impl CryptoRng) -> Result<Ciphertext, CkksError> {
        Ok(self.encrypt_seeded(images, rng)?.expand())
    }

    /// As [`Client::encrypt`], as a ciphertext of half the bytes.
    ///
    /// # Errors
    /// If a value is not finite.
    pub fn encrypt_seeded(&self, images: &[&[f64]], rng: &mut impl CryptoRng) -> Result<SeededCiphertext, CkksError> {
        Ok(self.secret.encrypt_seeded(&self.interface.encode(self.secret.params(), images)?, rng))
    }

    /// The logits of each image. Images that [`Client::encrypt`] filled up with zeros have logits as well.
    pub fn decrypt(&self, logits: &Ciphertext) -> Vec<Vec<f64>> {
        self.interface.logits(&self.secret.decrypt(logits))
    }
}

/// The holder of the main secret, who reads every step of an evaluation to compare it with the plaintext model. A client
/// does not need it.
pub struct Observer {
    secret: SecretKey,
    interface: Interface,
}

impl Observer {
    /// The values of a step for each image, planes one after another, at their own size: the divisor and the form of
    /// the slots are undone.
    pub fn decrypt_step(&self, step: &StepInfo, result: &Ciphertext) -> Vec<Vec<f64>> {
        let slots = self.secret.decrypt(result);
        let Some(layout) = step.layout else { return self.interface.logits(&slots) };
        let read =
            |slots: Vec<f64>| layout.unpack(&slots).into_iter().map(|v| step.form.value(v) * step.range).collect();
        self.interface.interleave.split(&slots).into_iter().map(read).collect()
    }
}
