//! The client's half: keys, encryption of the image, decryption of the logits, and the measure of precision.

use fhe_ckks::{Ciphertext, CkksError, EvaluationKeys, Parameters, SecretKey};
use rand::CryptoRng;

use super::layout::Layout;
use super::server::{Program, StepInfo};

/// Holds the secret.
pub struct Client {
    secret: SecretKey,
    level: usize,
    scale: f64,
    layout: Layout,
    /// Images in a ciphertext.
    images: usize,
    classes: usize,
}

impl Client {
    /// Draws a secret and makes the evaluation keys that the program asks for.
    ///
    /// # Errors
    /// A bootstrapping circuit that the parameters cannot hold.
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
            images: program.circuit().images,
            classes: program.network().classifier.out_features,
        };
        Ok((client, keys))
    }

    /// Encrypts normalised images, each of three planes of 32 × 32 values, in one ciphertext. Where there are fewer than it
    /// has room for, the rest are zeros.
    ///
    /// # Errors
    /// A value that is not finite.
    ///
    /// # Panics
    /// If there are more images than a ciphertext holds, or one has not 3·32·32 values.
    pub fn encrypt(&self, images: &[&[f64]], rng: &mut impl CryptoRng) -> Result<Ciphertext, CkksError> {
        assert!(images.len() <= self.images, "{} images for a ciphertext of {}", images.len(), self.images);
        let mut slots = vec![0.0; self.images * self.layout.slots()];
        for (k, image) in images.iter().enumerate() {
            let own = slots.iter_mut().skip(k).step_by(self.images);
            own.zip(self.layout.pack(image)).for_each(|(slot, value)| *slot = value);
        }
        self.secret.encrypt_real(&slots, self.level, self.scale, rng)
    }

    /// The logits of each image.
    pub fn decrypt(&self, logits: &Ciphertext) -> Vec<Vec<f64>> {
        let mut images = self.slots(logits);
        images.iter_mut().for_each(|slots| slots.truncate(self.classes));
        images
    }

    /// The slots of each image.
    fn slots(&self, ciphertext: &Ciphertext) -> Vec<Vec<f64>> {
        let slots = self.secret.decrypt_real(ciphertext);
        (0..self.images).map(|k| slots.iter().skip(k).step_by(self.images).copied().collect()).collect()
    }

    /// The values of a step for each image, planes one after another, at their own size. Where the slots hold their sine or arcsine, for
    /// the step after it to undo, that is undone here.
    pub fn look(&self, step: &StepInfo, result: &Ciphertext) -> Vec<Vec<f64>> {
        let Some(layout) = step.layout else { return self.decrypt(result) };
        let read =
            |slots: Vec<f64>| layout.unpack(&slots).into_iter().map(|v| step.form.value(v) * step.range).collect();
        self.slots(result).into_iter().map(read).collect()
    }
}
