//! The backends: what carries the cases of a sweep out.

mod encrypted;
mod plain;

use anyhow::{Result, bail};
use fhe_nn::plain::Outcome;

use super::progress::Progress;
use super::selection::Subject;
use crate::case::{Case, Model};
use crate::config::{Cell, Config, Kind};
use crate::layers::Errors;

const NO_NOISE_MODEL: &str = "backend.kind = \"simulated\": no noise model yet; wanted encrypted or plain";

/// A case that is ready for images.
pub enum Engine {
    /// The plaintext model with polynomials.
    Plain(Box<plain::Engine>),
    /// Keys made.
    Encrypted(Box<encrypted::Engine>),
}

/// What came of an image.
pub struct Evaluated {
    /// The logits of the case; `None` where they are those of the polynomial model.
    pub logits: Option<Vec<f64>>,
    /// The plaintext model's with the same polynomials.
    pub polynomial: Outcome,
    /// Seconds of evaluation, where it is what the case measures.
    pub latency_s: Option<f64>,
    /// Step by step; empty where nobody asked.
    pub steps: Vec<StepMeasured>,
}

/// A step of an evaluation.
pub struct StepMeasured {
    pub layer: String,
    pub op: &'static str,
    pub level: Option<usize>,
    pub latency_s: Option<f64>,
    pub rss_bytes: Option<u64>,
    pub errors: Errors,
}

/// Fails for a backend that does not exist yet: once, before the first case.
pub fn check(kind: Kind) -> Result<()> {
    match kind {
        Kind::Simulated => bail!(NO_NOISE_MODEL),
        Kind::Encrypted | Kind::Plain => Ok(()),
    }
}

/// Makes a cell ready: `case` is its circuit, where it has one.
pub fn start(config: &Config, model: &Model, cell: &Cell, case: Option<Case>, progress: &Progress) -> Result<Engine> {
    match (config.kind, case) {
        (Kind::Plain, _) => Ok(Engine::Plain(Box::new(plain::Engine::new(model, cell.relu, config.trace)?))),
        (Kind::Encrypted, Some(case)) => {
            Ok(Engine::Encrypted(Box::new(encrypted::Engine::start(case, config.seed, config.trace, progress)?)))
        }
        (Kind::Simulated, Some(_)) => bail!(NO_NOISE_MODEL),
        (Kind::Encrypted | Kind::Simulated, None) => unreachable!("cells of these backends have a circuit"),
    }
}

impl Engine {
    /// How many images to hand over at once.
    pub fn batch(&self) -> usize {
        match self {
            // Threads wait for each other at the end of a batch; a kill loses one.
            Self::Plain(_) => 16 * rayon::current_num_threads(),
            Self::Encrypted(_) => 1,
        }
    }

    /// Evaluates a batch: a result for each image, in order.
    pub fn evaluate(&self, batch: &[&Subject], progress: &Progress) -> Vec<Result<Evaluated>> {
        match self {
            Self::Plain(engine) => engine.evaluate(batch, progress),
            Self::Encrypted(engine) => batch.iter().map(|subject| engine.evaluate(subject, progress)).collect(),
        }
    }

    /// Seconds of generating keys and constants.
    pub fn keygen_s(&self) -> Option<f64> {
        match self {
            Self::Plain(_) => None,
            Self::Encrypted(engine) => Some(engine.keygen_s()),
        }
    }
}
