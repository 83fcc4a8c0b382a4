//! Real encryption, an image at a time.

use anyhow::Result;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::{Evaluated, Seconds, StepMeasured};
use crate::case::Case;
use crate::layers::Reference;
use crate::run::progress::Progress;
use crate::run::selection::Subject;
use crate::session::{Layer, Session};

/// A session whose randomness is the run's.
pub struct Engine {
    session: Session,
    seed: u64,
    trace: bool,
}

impl Engine {
    /// Makes the keys.
    pub fn start(case: Case, seed: u64, trace: bool, progress: &Progress) -> Result<Self> {
        case.check_memory_available()?;
        progress.step("generating keys");
        Ok(Self { session: Session::start(case, &mut randomness(seed, 0))?, seed, trace })
    }

    /// Seconds of generating keys and constants.
    pub fn keygen_s(&self) -> f64 {
        self.session.keygen
    }

    /// Bytes of the evaluation keys.
    pub fn key_bytes(&self) -> usize {
        self.session.key_bytes()
    }

    /// Bytes of the encoded bootstrapping constants.
    pub fn constant_bytes(&self) -> usize {
        self.session.constant_bytes()
    }

    /// One image.
    pub fn evaluate(&self, subject: &Subject, progress: &Progress) -> Result<Evaluated> {
        let case = &self.session.case;
        let input = case.input(&subject.image);
        let reference = Reference::new(case.program.network(), &input, &case.activation(), self.trace);
        // The same noise wherever the image stands in the run, so that a resumed or sharded run equals another.
        let mut rng = randomness(self.seed, 1 + subject.index as u64);
        let evaluation = self.session.evaluate(&input, &reference, &mut rng, progress.layers())?;
        progress.image_done();
        let step = |layer: Layer| StepMeasured {
            layer: layer.layer,
            op: layer.op,
            level: Some(layer.level),
            latency_s: Some(layer.seconds),
            rss_bytes: layer.rss_bytes,
            errors: layer.errors,
        };
        Ok(Evaluated {
            logits: Some(evaluation.logits),
            polynomial: reference.polynomial.outcome,
            seconds: Some(Seconds {
                encrypt: evaluation.encrypt,
                evaluate: evaluation.evaluate,
                decrypt: evaluation.decrypt,
                look: self.trace.then_some(evaluation.look),
            }),
            steps: evaluation.layers.into_iter().map(step).collect(),
        })
    }
}

/// One of the independent streams of a seed.
fn randomness(seed: u64, stream: u64) -> ChaCha20Rng {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}
