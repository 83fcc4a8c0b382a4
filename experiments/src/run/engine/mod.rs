//! The backends, which evaluate the images of a case.

mod encrypted;
mod foreign;
mod plain;
mod simulated;

use anyhow::{Result, anyhow};
use fhe_nn::plain::Outcome;

use super::progress::Progress;
use super::selection::Subject;
use crate::case::{Case, Model};
use crate::config::{BackendKind, Cell, Config, Network};
use crate::layers::Errors;
use crate::output::in_one_line;
use crate::records::CaseRow;
pub(super) use foreign::StageMeasured;

/// A case that is ready for images.
pub(super) enum Engine {
    /// The plaintext model with polynomials.
    Plain(Box<plain::Engine>),
    /// The encrypted circuit in cleartext, with noise.
    Simulated(Box<simulated::Engine>),
    /// Real encryption, with its keys.
    Encrypted(Box<encrypted::Engine>),
    /// Another program, with its keys.
    Foreign(Box<foreign::Engine>),
}

/// The evaluation of a batch.
pub(super) struct Batch {
    /// A result for each image, in order.
    pub images: Vec<Result<Evaluated>>,
    /// The stages of another program; empty for this one.
    pub stages: Vec<StageMeasured>,
}

/// The evaluation of an image.
pub(super) struct Evaluated {
    /// What came out.
    pub answer: Answer,
    /// What it took; `None` if the case does not measure it.
    pub cost: Option<Cost>,
    /// The steps; empty without `trace`.
    pub steps: Vec<StepMeasured>,
}

/// What an evaluation gives.
pub(super) enum Answer {
    /// Logits, to compare with those of the plaintext model with the same polynomials.
    Logits {
        /// The logits of the case; `None` if they are those of the polynomial model.
        logits: Option<Vec<f64>>,
        /// The result of the polynomial model.
        polynomial: Outcome,
    },
    /// The class alone, or `None` if the engine says that the image has none.
    Class(Option<usize>),
}

/// What an encrypted image took: seconds, bytes, joules.
#[derive(Clone, Copy)]
pub(super) struct Cost {
    /// Number of images in the ciphertext or the call that took all of this.
    pub images: usize,
    pub encrypt: f64,
    pub evaluate: f64,
    pub decrypt: f64,
    /// Seconds of the comparison of every layer; `None` without `trace`.
    pub look: Option<f64>,
    pub upload_bytes: Option<u64>,
    pub download_bytes: Option<u64>,
    pub energy_j: Option<f64>,
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
    let backend = &config.backend;
    let (seed, trace) = (backend.seed, backend.trace);
    Ok(match (&cell.network, &backend.engine, case) {
        (Network::Foreign(_), engine, _) => {
            let engine = engine.as_ref().expect("a config with another engine says where it is");
            Engine::Foreign(Box::new(foreign::Engine::start(engine, progress)?))
        }
        (Network::Own(relu), _, None) => Engine::Plain(Box::new(plain::Engine::new(model, relu, trace))),
        (Network::Own(_), _, Some(case)) if backend.kind == BackendKind::Simulated => {
            Engine::Simulated(Box::new(simulated::Engine::new(case, backend.noise()?, seed, trace, progress)?))
        }
        (Network::Own(_), _, Some(case)) => {
            Engine::Encrypted(Box::new(encrypted::Engine::start(case, seed, trace, progress)?))
        }
    })
}

impl Engine {
    /// The number of images to evaluate at once.
    pub(super) fn batch(&self) -> usize {
        match self {
            // Threads wait for each other at the end of a batch. A process that is killed loses one batch.
            Self::Plain(_) | Self::Simulated(_) => 16 * rayon::current_num_threads(),
            Self::Encrypted(engine) => engine.images(),
            Self::Foreign(engine) => engine.images(),
        }
    }

    /// Evaluates a batch.
    pub(super) fn evaluate(&self, batch: &[&Subject], progress: &Progress) -> Batch {
        let together = match self {
            Self::Plain(engine) => return Batch { images: engine.evaluate(batch, progress), stages: Vec::new() },
            Self::Simulated(engine) => return Batch { images: engine.evaluate(batch, progress), stages: Vec::new() },
            Self::Encrypted(engine) => engine.evaluate(batch, progress).map(|images| (images, Vec::new())),
            Self::Foreign(engine) => engine.evaluate(batch, progress),
        };
        match together {
            Ok((images, stages)) => Batch { images: images.into_iter().map(Ok).collect(), stages },
            // An error of a ciphertext is one of each of its images.
            Err(error) => {
                let error = in_one_line(&error);
                Batch { images: batch.iter().map(|_| Err(anyhow!("{error}"))).collect(), stages: Vec::new() }
            }
        }
    }

    /// The stages of another program before all images; empty for this one.
    pub(super) fn once(&self) -> &[StageMeasured] {
        match self {
            Self::Plain(_) | Self::Simulated(_) | Self::Encrypted(_) => &[],
            Self::Foreign(engine) => engine.once(),
        }
    }

    /// Enters the time and size of keys and constants. Those of another program are in its stages.
    pub(super) fn measure(&self, row: CaseRow) -> CaseRow {
        match self {
            Self::Plain(_) | Self::Simulated(_) | Self::Foreign(_) => row,
            Self::Encrypted(engine) => CaseRow {
                keygen_s: Some(engine.keygen_s()),
                key_bytes: Some(engine.key_bytes() as u64),
                constant_bytes: Some(engine.constant_bytes() as u64),
                ..row
            },
        }
    }
}
