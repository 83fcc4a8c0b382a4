//! The client's half: keys, encryption of images, decryption of logits and of every step between.

use fhe_ckks::{Ciphertext, CkksError, EvaluationKeys, Parameters, SecretKey};
use rand::CryptoRng;

use super::interleave::Interleave;
use super::layout::Layout;
use super::program::{Program, StepInfo};

/// The holder of the secret key.
///
/// ```no_run
/// use fhe_ckks::Parameters;
/// use fhe_nn::encrypted::{Circuit, Client, Packing, Program, Server};
/// use fhe_nn::{Approximation, ResNet};
/// use rand::SeedableRng;
///
/// let network = ResNet::from_safetensors(datasets::pretrained::RESNET20)?;
/// let circuit = Circuit::new(16, &Approximation::default(), Packing::Fused)?;
/// let program = Program::new(network, circuit, vec![40.0; 19]);
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
    level: usize,
    scale: f64,
    layout: Layout,
    interleave: Interleave,
    classes: usize,
}

impl Client {
    /// A client with a fresh secret, and the evaluation keys for the server.
    ///
    /// # Errors
    /// If the parameters have too few slots or levels for the program.
    pub fn generate(
        program: &Program,
        params: &Parameters,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, EvaluationKeys), CkksError> {
        let secret = SecretKey::generate(params, rng);
        let keys = program.request_keys(params)?.generate(&secret, rng);
        let client = Self {
            secret,
            level: program.circuit().linear_level,
            scale: program.circuit().linear_scale(),
            layout: program.input_layout(),
            interleave: program.interleave(),
            classes: program.network().classifier.out_features,
        };
        Ok((client, keys))
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
        let room = self.interleave.images;
        assert!(images.len() <= room, "{} images for a ciphertext of {room}", images.len());
        let images: Vec<Vec<f64>> = images.iter().map(|image| self.layout.pack(image)).collect();
        let slots = self.interleave.join(&images, self.layout.slots());
        self.secret.encrypt_real(&slots, self.level, self.scale, rng)
    }

    /// The logits of each image. Images that [`Client::encrypt`] filled up with zeros have logits as well.
    pub fn decrypt(&self, logits: &Ciphertext) -> Vec<Vec<f64>> {
        let mut images = self.interleave.split(&self.secret.decrypt_real(logits));
        images.iter_mut().for_each(|slots| slots.truncate(self.classes));
        images
    }

    /// The values of a step for each image, planes one after another, at their own size: the divisor and the form of
    /// the slots are undone.
    pub fn decrypt_step(&self, step: &StepInfo, result: &Ciphertext) -> Vec<Vec<f64>> {
        let Some(layout) = step.layout else { return self.decrypt(result) };
        let read =
            |slots: Vec<f64>| layout.unpack(&slots).into_iter().map(|v| step.form.value(v) * step.range).collect();
        self.interleave.split(&self.secret.decrypt_real(result)).into_iter().map(read).collect()
    }
}
