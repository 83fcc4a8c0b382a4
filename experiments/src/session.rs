//! Keys made, constants encoded: ready for encrypted images. What `classify` and `run` have in common.

use std::time::Instant;

use anyhow::Result;
use fhe_ckks::Ciphertext;
use fhe_nn::encrypted::{Client, Op, ScheduledStep, Server, StepInfo};
use indicatif::ProgressBar;
use rand::RngCore;
use serde::Serialize;

use crate::case::Case;
use crate::layers::{Deviation, Errors, Reference, op_name};
use crate::progress::Steps;
use crate::{machine, prediction};

/// A case with keys.
pub struct Session {
    /// The case.
    pub case: Case,
    /// Seconds of generating keys and encoding constants.
    pub keygen: f64,
    schedule: Vec<ScheduledStep>,
    /// Seconds of each step, roughly.
    predicted: Vec<f64>,
    client: Client,
    server: Server,
}

/// An image's encrypted evaluation.
pub struct Evaluation {
    /// As decrypted.
    pub logits: Vec<f64>,
    /// Step by step.
    pub layers: Vec<Layer>,
    /// Seconds of encrypting the image.
    pub encrypt: f64,
    /// Seconds of all steps; looking is not among them.
    pub evaluate: f64,
    /// Seconds of decrypting the logits.
    pub decrypt: f64,
    /// Seconds of looking; 0 where nobody did.
    pub look: f64,
}

/// A step of the evaluation.
#[derive(Serialize)]
pub struct Layer {
    /// PyTorch's name of the layer.
    pub layer: String,
    /// See [`op_name`].
    pub op: &'static str,
    /// Level of the result.
    pub level: usize,
    /// Seconds that it took.
    pub seconds: f64,
    /// Resident memory after the step.
    pub rss_bytes: Option<u64>,
    /// How far off the result is; all `None` where nobody looked.
    #[serde(flatten)]
    pub errors: Errors,
}

impl Session {
    /// Makes the keys.
    pub fn start(case: Case, rng: &mut impl RngCore) -> Result<Self> {
        let schedule = case.program.schedule(&case.params)?;
        let predicted = prediction::of_steps(&case, &schedule)?;
        let started = Instant::now();
        let (client, keys) = Client::generate(&case.program, &case.params, rng)?;
        let server = Server::new(case.program.clone(), &case.params, keys)?;
        let keygen = started.elapsed().as_secs_f64();
        Ok(Self { case, keygen, schedule, predicted, client, server })
    }

    /// Bytes of the evaluation keys.
    pub fn key_bytes(&self) -> usize {
        self.server.evaluator().keys().bytes()
    }

    /// Bytes of the encoded bootstrapping constants.
    pub fn constant_bytes(&self) -> usize {
        self.server.constant_bytes()
    }

    /// Encrypts, evaluates, decrypts. Each step is decrypted too, outside the timed path, if `reference` has steps to hold
    /// it against.
    pub fn evaluate(
        &self,
        input: &[f64],
        reference: &Reference,
        rng: &mut impl RngCore,
        bar: ProgressBar,
    ) -> Result<Evaluation> {
        let started = Instant::now();
        let encrypted = self.client.encrypt(input, rng)?;
        let encrypt = started.elapsed().as_secs_f64();

        let look = !reference.polynomial.steps.is_empty();
        let mut layers = Vec::new();
        // What the step before left.
        let mut before: Vec<f64> = Vec::new();
        let mut look_seconds = 0.0;
        let mut progress = Steps::new(&self.schedule, &self.predicted, bar);
        let mut clock = Instant::now();
        let mut see = |step: &StepInfo, result: &Ciphertext| {
            let seconds = clock.elapsed().as_secs_f64();
            progress.advance();
            let rss_bytes = machine::rss_bytes();
            let looking = Instant::now();
            let errors = match look {
                true => {
                    let found = self.client.look(step, result);
                    let own = (step.op == Op::Bootstrap).then(|| own_bits(&found, &before, step.range)).flatten();
                    let errors = Errors::of(&step.layer, Some(&found), step.op, reference);
                    before = found;
                    Errors { own_precision_bits: own, ..errors }
                }
                false => Errors::default(),
            };
            look_seconds += looking.elapsed().as_secs_f64();
            let (layer, op) = (step.layer.clone(), op_name(step.op));
            layers.push(Layer { layer, op, level: result.level(), seconds, rss_bytes, errors });
            clock = Instant::now();
        };
        let encrypted_logits = self.server.evaluate(&encrypted, &mut see)?;
        drop(progress);

        let started = Instant::now();
        let logits = self.client.decrypt(&encrypted_logits);
        let decrypt = started.elapsed().as_secs_f64();
        let evaluate = layers.iter().map(|layer| layer.seconds).sum();
        Ok(Evaluation { logits, layers, encrypt, evaluate, decrypt, look: look_seconds })
    }
}

/// How far a bootstrap's result is from its operand, as −log2 of the largest deviation over the half-width of the interval.
fn own_bits(found: &[f64], given: &[f64], range: f64) -> Option<f64> {
    let scaled = |values: &[f64]| -> Vec<f64> { values.iter().map(|value| value / range).collect() };
    Deviation::between(&scaled(found), &scaled(given)).bits()
}
