//! Real encryption, one ciphertext at a time.

use anyhow::Result;
use fhe_ring::SecretRng;

use super::{Answer, Cost, Evaluated, StepMeasured};
use crate::case::Case;
use crate::layers::Reference;
use crate::machine::Energy;
use crate::run::progress::Progress;
use crate::run::selection::Subject;
use crate::session::{ImageEvaluation, Layer, Session};

/// A session whose randomness comes from the seed of the run.
pub(crate) struct Engine {
    session: Session,
    seed: u64,
    trace: bool,
    /// Bytes that the client of a ciphertext sends, and bytes that it gets.
    transfer: [u64; 2],
}

impl Engine {
    /// Makes the keys.
    pub(crate) fn start(case: Case, seed: u64, trace: bool, progress: &Progress) -> Result<Self> {
        case.check_memory_available()?;
        progress.step("generating keys");
        let transfer = case.program.transfer_bytes(&case.params)?;
        Ok(Self { session: Session::start(case, &mut randomness(seed, 0))?, seed, trace, transfer })
    }

    /// Seconds of generating keys and constants.
    pub(crate) fn keygen_s(&self) -> f64 {
        self.session.keygen
    }

    /// Bytes of the evaluation keys.
    pub(crate) fn key_bytes(&self) -> usize {
        self.session.serving.key_bytes()
    }

    /// Bytes of the encoded bootstrapping constants.
    pub(crate) fn constant_bytes(&self) -> usize {
        self.session.serving.constant_bytes()
    }

    /// The number of images in a ciphertext.
    pub(crate) fn images(&self) -> usize {
        self.session.images()
    }

    /// Evaluates the images of a ciphertext.
    pub(crate) fn evaluate(&self, batch: &[&Subject], progress: &Progress) -> Result<Vec<Evaluated>> {
        let case = self.session.case();
        let inputs: Vec<Vec<f64>> = batch.iter().map(|subject| case.input(&subject.image)).collect();
        let inputs: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
        let references = self.session.references(&inputs, self.trace);
        // The noise depends only on the first image, so a resumed or sharded run equals an uninterrupted one.
        let mut rng = randomness(self.seed, 1 + batch[0].index as u64);
        // The seconds of a trace are kept apart; its joules cannot be.
        let mut energy = Energy::start().filter(|_| !self.trace);
        let evaluation = self.session.evaluate(&inputs, &references, &mut rng, progress.layers())?;
        let energy_j = energy.as_mut().and_then(Energy::joules);
        batch.iter().for_each(|_| progress.image_done());
        let step = |layer: Layer| StepMeasured {
            layer: layer.layer,
            op: layer.op,
            level: Some(layer.level),
            latency_s: Some(layer.seconds),
            rss_bytes: layer.rss_bytes,
            errors: layer.errors,
        };
        let cost = Cost {
            images: batch.len(),
            encrypt: evaluation.encrypt,
            evaluate: evaluation.evaluate,
            decrypt: evaluation.decrypt,
            look: self.trace.then_some(evaluation.look),
            upload_bytes: Some(self.transfer[0]),
            download_bytes: Some(self.transfer[1]),
            energy_j,
        };
        let evaluated = |(image, reference): (ImageEvaluation, Reference)| Evaluated {
            answer: Answer::Logits { logits: Some(image.logits), polynomial: reference.polynomial.outcome },
            cost: Some(cost),
            steps: image.layers.into_iter().map(step).collect(),
        };
        Ok(evaluation.images.into_iter().zip(references).map(evaluated).collect())
    }
}

/// Returns one of the independent streams of a seed.
fn randomness(seed: u64, stream: u64) -> SecretRng {
    let mut rng = SecretRng::seeded(seed);
    rng.set_stream(stream);
    rng
}
