//! A session: a case whose keys are made and whose constants are encoded. `classify`, `run` and `calibrate` share it.

use std::time::Instant;

use anyhow::{Context, Result};
use fhe_ckks::{Ciphertext, EvaluationKeys};
use fhe_nn::encrypted::{Client, KeyPlace, Observer, Op, StepInfo};
use fhe_ring::meter::{Held, Holder};
use indicatif::ProgressBar;
use rand::CryptoRng;
use serde::Serialize;

use crate::case::{Case, Shelved};
use crate::layers::{Deviation, Errors, Reference, op_name};
use crate::serving::Serving;
use crate::{machine, profiling};

/// A case with keys.
pub(crate) struct Session {
    /// The server's half.
    pub serving: Serving,
    /// Seconds of generating keys and encoding constants.
    pub keygen: f64,
    client: Client,
    observer: Observer,
    /// The bytes of keys and networks.
    _held: Vec<Held>,
}

/// The encrypted evaluation of the images of a ciphertext.
pub(crate) struct Evaluation {
    /// The result of each image.
    pub images: Vec<ImageEvaluation>,
    /// Seconds of encrypting the images.
    pub encrypt: f64,
    /// Seconds of all steps, without the time of decrypting them for comparison.
    pub evaluate: f64,
    /// Seconds of decrypting the logits.
    pub decrypt: f64,
    /// Seconds of decrypting steps for comparison; 0 without a trace.
    pub look: f64,
}

/// The result of an image.
pub(crate) struct ImageEvaluation {
    /// The decrypted logits.
    pub logits: Vec<f64>,
    /// The steps. Their seconds and memory are those of all images of the ciphertext.
    pub layers: Vec<Layer>,
}

/// A step of the evaluation.
#[derive(Clone, Serialize)]
pub(crate) struct Layer {
    /// PyTorch's name of the layer.
    pub layer: String,
    /// See [`op_name`].
    pub op: &'static str,
    /// Level of the result.
    pub level: usize,
    /// Seconds of the step.
    pub seconds: f64,
    /// Resident memory after the step.
    pub rss_bytes: Option<u64>,
    /// The errors of its result; all `None` without a trace.
    #[serde(flatten)]
    pub errors: Errors,
}

impl Session {
    /// Makes the keys and encodes the constants.
    ///
    /// # Errors
    /// A case that cannot be planned, or measurements that cannot be read.
    pub(crate) fn start(case: Case, rng: &mut impl CryptoRng) -> Result<Self> {
        let started = Instant::now();
        let shelf = case.shelf(Shelved::BOTH)?;
        let (client, observer, keys) = {
            let shelf = shelf.as_ref().filter(|_| case.holding().keys == KeyPlace::File);
            Client::generate_observed(&case.program, &case.params, &case.plan.request, rng, shelf)?
        };
        profiling::close("setup", "key generation");
        let held = held(&case, &keys);
        let serving = Serving::start(case, keys, shelf.as_ref())?;
        profiling::close("setup", "bootstrapping constants");
        let keygen = started.elapsed().as_secs_f64();
        Ok(Self { serving, keygen, client, observer, _held: held })
    }

    /// Returns the case.
    pub(crate) fn case(&self) -> &Case {
        &self.serving.case
    }

    /// Evaluates the plaintext models on the images of a ciphertext; keeps every step if `look`.
    pub(crate) fn references(&self, inputs: &[&[f64]], look: bool) -> Vec<Reference> {
        let (exact, activation) = (self.case().own_activation(), self.case().activation());
        let network = self.case().program.network();
        let references =
            inputs.iter().map(|input| Reference::new(network, input, exact.as_ref(), &activation, look)).collect();
        profiling::close("harness", "plaintext models");
        references
    }

    /// Encrypts the images of a ciphertext, evaluates them, and returns every step of every image, decrypted. The last
    /// step is that of the logits, as the client gets them: at a lower scale and in the client's ring.
    ///
    /// # Errors
    /// More images than a ciphertext holds, or a failure of the evaluation.
    pub(crate) fn decrypt_every_step(
        &self,
        inputs: &[&[f64]],
        rng: &mut impl CryptoRng,
        bar: ProgressBar,
    ) -> Result<Vec<Vec<Vec<f64>>>> {
        let mut values: Vec<Vec<Vec<f64>>> =
            inputs.iter().map(|_| Vec::with_capacity(self.serving.schedule().len())).collect();
        let mut see = |step: &StepInfo, result: &Ciphertext| {
            values
                .iter_mut()
                .zip(self.observer.decrypt_step(step, result))
                .for_each(|(values, found)| values.push(found));
        };
        let encrypted = self.client.encrypt(inputs, rng)?;
        let logits = self.client.decrypt(&self.serving.evaluate(&encrypted, bar, &mut see)?);
        for (steps, logits) in values.iter_mut().zip(logits) {
            *steps.last_mut().context("found no step, wanted the classifier's")? = logits;
        }
        Ok(values)
    }

    /// Returns the number of images that a ciphertext holds.
    pub(crate) fn images(&self) -> usize {
        self.case().program.images()
    }

    /// Encrypts, evaluates and decrypts at most as many images as a ciphertext holds. If the references have steps, it
    /// decrypts each step too, outside the timed path, and compares.
    ///
    /// # Errors
    /// More images than a ciphertext holds, or a failure of the evaluation.
    pub(crate) fn evaluate(
        &self,
        inputs: &[&[f64]],
        references: &[Reference],
        rng: &mut impl CryptoRng,
        bar: ProgressBar,
    ) -> Result<Evaluation> {
        let started = Instant::now();
        let encrypted = self.client.encrypt(inputs, rng)?;
        let encrypt = started.elapsed().as_secs_f64();
        profiling::close("client", "encryption");

        let look = references.iter().any(|reference| !reference.polynomial.steps.is_empty());
        let mut layers: Vec<Vec<Layer>> = inputs.iter().map(|_| Vec::new()).collect();
        let mut evaluate = 0.0;
        // The values after the previous step.
        let mut before: Vec<Vec<f64>> = inputs.iter().map(|_| Vec::new()).collect();
        let mut look_seconds = 0.0;
        let mut clock = Instant::now();
        let mut see = |step: &StepInfo, result: &Ciphertext| {
            let seconds = clock.elapsed().as_secs_f64();
            profiling::close(&step.layer, op_name(step.op));
            let rss_bytes = machine::rss_bytes();
            evaluate += seconds;
            let (layer, op, errors) = (step.layer.clone(), op_name(step.op), Errors::default());
            let blank = Layer { layer, op, level: result.level(), seconds, rss_bytes, errors };
            layers.iter_mut().for_each(|layers| layers.push(blank.clone()));
            let looking = Instant::now();
            if look {
                for (k, found) in self.observer.decrypt_step(step, result).into_iter().take(inputs.len()).enumerate() {
                    let own = (step.op == Op::Bootstrap).then(|| own_bits(&found, &before[k], step.range)).flatten();
                    let errors = Errors::of(&step.layer, Some(&found), step.op, &references[k]);
                    layers[k].last_mut().expect("just pushed").errors = Errors { own_precision_bits: own, ..errors };
                    before[k] = found;
                }
            }
            if look {
                profiling::close("harness", "comparison");
            }
            look_seconds += looking.elapsed().as_secs_f64();
            clock = Instant::now();
        };
        let encrypted_logits = self.serving.evaluate(&encrypted, bar, &mut see)?;
        profiling::close("fc", "answer");

        let started = Instant::now();
        let logits = self.client.decrypt(&encrypted_logits);
        let decrypt = started.elapsed().as_secs_f64();
        profiling::close("client", "decryption");
        let image = |(logits, layers)| ImageEvaluation { logits, layers };
        let images = logits.into_iter().zip(layers).map(image).collect();
        Ok(Evaluation { images, encrypt, evaluate, decrypt, look: look_seconds })
    }
}

/// Counts the keys of a case, the secret of the main ring, and the networks.
fn held(case: &Case, keys: &EvaluationKeys) -> Vec<Held> {
    let params = &case.params;
    let secret = 8 * params.n() * (params.ring().basis().len() + 1);
    let keys = keys.iter().map(|(kind, key)| Held::new(kind.holder(), key.own_bytes()));
    // The model, its program and the server's copy of that.
    let models = 3 * case.program.network().bytes();
    keys.chain([Held::new(Holder::Secrets, secret), Held::new(Holder::Models, models)]).collect()
}

/// Returns the precision of a bootstrap: −log2 of the largest deviation of its result from its operand, over the
/// half-width of the interval.
fn own_bits(found: &[f64], given: &[f64], range: f64) -> Option<f64> {
    let scaled = |values: &[f64]| -> Vec<f64> { values.iter().map(|value| value / range).collect() };
    Deviation::between(&scaled(found), &scaled(given)).bits()
}
