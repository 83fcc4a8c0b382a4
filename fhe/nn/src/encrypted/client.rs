//! The client's half: keys, encryption of the image, decryption of the logits, and the measure of precision.

use fhe_ckks::{Ciphertext, CkksError, EvaluationKeys, Parameters, SecretKey};
use rand::RngCore;

use super::layout::Layout;
use super::server::{Program, StepInfo};

/// Holds the secret.
pub struct Client {
    secret: SecretKey,
    level: usize,
    scale: f64,
    layout: Layout,
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
        rng: &mut impl RngCore,
    ) -> Result<(Self, EvaluationKeys), CkksError> {
        let secret = SecretKey::generate(params, rng);
        let keys = program.request_keys(params)?.generate(&secret, rng);
        let client = Self {
            secret,
            level: program.circuit().linear_level,
            scale: program.circuit().linear_scale(),
            layout: program.input_layout(),
            classes: program.network().classifier.out_features,
        };
        Ok((client, keys))
    }

    /// Encrypts a normalised image: three planes of 32 × 32 values.
    ///
    /// # Errors
    /// A value that is not finite.
    ///
    /// # Panics
    /// If there are not 3·32·32 values.
    pub fn encrypt(&self, image: &[f64], rng: &mut impl RngCore) -> Result<Ciphertext, CkksError> {
        self.secret.encrypt_real(&self.layout.pack(image), self.level, self.scale, rng)
    }

    /// The logits.
    pub fn decrypt(&self, logits: &Ciphertext) -> Vec<f64> {
        let mut slots = self.secret.decrypt_real(logits);
        slots.truncate(self.classes);
        slots
    }

    /// The values of a step, planes one after another, at their own size. Where the slots hold their sine or arcsine, for
    /// the step after it to undo, that is undone here.
    pub fn look(&self, step: &StepInfo, result: &Ciphertext) -> Vec<f64> {
        let Some(layout) = step.layout else { return self.decrypt(result) };
        let slots = self.secret.decrypt_real(result);
        layout.unpack(&slots).into_iter().map(|v| step.form.value(v) * step.range).collect()
    }
}
