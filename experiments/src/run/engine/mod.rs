//! The backends, which evaluate the images of a case.

mod encrypted;
mod plain;
mod simulated;

use anyhow::{Result, anyhow};
use fhe_nn::plain::Outcome;

use super::progress::Progress;
use super::selection::Subject;
use crate::case::{Case, Model};
use crate::config::{BackendKind, Cell, Config};
use crate::layers::Errors;
use crate::output::in_one_line;
use crate::records::CaseRow;

/// A case that is ready for images.
pub(super) enum Engine {
    /// The plaintext model with polynomials.
    Plain(Box<plain::Engine>),
    /// The encrypted circuit in cleartext, with noise.
    Simulated(Box<simulated::Engine>),
    /// Real encryption, with its keys.
    Encrypted(Box<encrypted::Engine>),
}

/// The evaluation of an image.
pub(super) struct Evaluated {
    /// The logits of the case; `None` if they are those of the polynomial model.
    pub logits: Option<Vec<f64>>,
    /// The result of the plaintext model with the same polynomials.
    pub polynomial: Outcome,
    /// Seconds; `None` if the case does not measure them.
    pub seconds: Option<Seconds>,
    /// The steps; empty without `trace`.
    pub steps: Vec<StepMeasured>,
}

/// The seconds of an encrypted image.
#[derive(Clone, Copy)]
pub(super) struct Seconds {
    /// Number of images in the ciphertext that took these seconds.
    pub images: usize,
    pub encrypt: f64,
    pub evaluate: f64,
    pub decrypt: f64,
    /// Seconds of the comparison of every layer; `None` without `trace`.
    pub look: Option<f64>,
}

/// A step of an evaluation.
pub(super) struct StepMeasured {
    pub layer: String,
    pub op: &'static str,
    pub level: Option<usize>,
    pub latency_s: Option<f64>,
    pub rss_bytes: Option<u64>,
    pub errors: Errors,
}

/// Makes a cell ready for images. `case` is its circuit, if it has one.
pub(super) fn start(
    config: &Config,
    model: &Model,
    cell: &Cell,
    case: Option<Case>,
    progress: &Progress,
) -> Result<Engine> {
    match (config.backend.kind, case) {
        (BackendKind::Plain, _) => {
            Ok(Engine::Plain(Box::new(plain::Engine::new(model, &cell.relu, config.backend.trace))))
        }
        (BackendKind::Encrypted, Some(case)) => Ok(Engine::Encrypted(Box::new(encrypted::Engine::start(
            case,
            config.backend.seed,
            config.backend.trace,
            progress,
        )?))),
        (BackendKind::Simulated, Some(case)) => {
            let (noise, seed) = (config.backend.noise()?, config.backend.seed);
            Ok(Engine::Simulated(Box::new(simulated::Engine::new(case, noise, seed, config.backend.trace, progress)?)))
        }
        (BackendKind::Encrypted | BackendKind::Simulated, None) => {
            unreachable!("cells of these backends have a circuit")
        }
    }
}

impl Engine {
    /// The number of images to evaluate at once.
    pub(super) fn batch(&self) -> usize {
        match self {
            // Threads wait for each other at the end of a batch. A process that is killed loses one batch.
            Self::Plain(_) | Self::Simulated(_) => 16 * rayon::current_num_threads(),
            Self::Encrypted(engine) => engine.images(),
        }
    }

    /// Evaluates a batch and returns a result for each image, in order.
    pub(super) fn evaluate(&self, batch: &[&Subject], progress: &Progress) -> Vec<Result<Evaluated>> {
        match self {
            Self::Plain(engine) => engine.evaluate(batch, progress),
            Self::Simulated(engine) => engine.evaluate(batch, progress),
            Self::Encrypted(engine) => match engine.evaluate(batch, progress) {
                Ok(evaluated) => evaluated.into_iter().map(Ok).collect(),
                // An error of a ciphertext is one of each of its images.
                Err(error) => batch.iter().map(|_| Err(anyhow!("{}", in_one_line(&error)))).collect(),
            },
        }
    }

    /// Enters the time and size of keys and constants.
    pub(super) fn measure(&self, row: CaseRow) -> CaseRow {
        match self {
            Self::Plain(_) | Self::Simulated(_) => row,
            Self::Encrypted(engine) => CaseRow {
                keygen_s: Some(engine.keygen_s()),
                key_bytes: Some(engine.key_bytes() as u64),
                constant_bytes: Some(engine.constant_bytes() as u64),
                ..row
            },
        }
    }
}
