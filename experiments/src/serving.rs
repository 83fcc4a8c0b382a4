//! A case with evaluation keys, ready for encrypted images: the server's half, for every command that evaluates.

use std::sync::OnceLock;

use anyhow::Result;
use fhe_circuits::Stored;
use fhe_ckks::{Ciphertext, EvaluationKeys};
use fhe_nn::encrypted::{Holding, KeyPlace, ScheduledStep, Server, StepInfo};
use fhe_ring::Shelf;
use indicatif::ProgressBar;

use crate::case::Case;
use crate::prediction;
use crate::progress::{Expected, Steps};

/// A case with evaluation keys.
pub(crate) struct Serving {
    /// The case.
    pub case: Case,
    /// Seconds of each step, for progress bars. They are predicted when the first bar is shown, which takes a measurement.
    expected: OnceLock<Expected>,
    server: Server,
}

impl Serving {
    /// Encodes the constants, and holds them and the keys as the case says. What goes to a file goes to the shelf; keys are
    /// there already.
    ///
    /// # Errors
    /// A case that cannot be planned, or a file system that refuses.
    pub(crate) fn start(case: Case, keys: EvaluationKeys, shelf: Option<&Shelf>) -> Result<Self> {
        let Holding { keys: place, constants } = case.holding();
        let keys = if place == KeyPlace::Words { keys.expanded() } else { keys };
        let server = Server::holding(case.program.clone(), &case.params, keys, constants, shelf)?;
        Ok(Self { case, expected: OnceLock::new(), server })
    }

    /// Takes the constants from where they were stored, and holds the keys as the case says.
    ///
    /// # Errors
    /// Constants that are of another case.
    pub(crate) fn with_constants(case: Case, keys: EvaluationKeys, stored: Stored) -> Result<Self> {
        let keys = if case.holding().keys == KeyPlace::Words { keys.expanded() } else { keys };
        let server = Server::with_constants(case.program.clone(), &case.params, keys, stored)?;
        Ok(Self { case, expected: OnceLock::new(), server })
    }

    /// Returns the bytes of the evaluation keys.
    pub(crate) fn key_bytes(&self) -> usize {
        self.server.evaluator().keys().bytes()
    }

    /// Returns the bytes of the encoded bootstrapping constants.
    pub(crate) fn constant_bytes(&self) -> usize {
        self.server.constant_bytes()
    }

    /// Returns the steps of every image.
    pub(crate) fn schedule(&self) -> &[ScheduledStep] {
        &self.case.plan.steps
    }

    /// Returns the encrypted logits of encrypted images, and moves the bar with every step. `see` gets the result of every
    /// step.
    ///
    /// # Errors
    /// A ciphertext that the case does not take, a key that is missing, or measurements that cannot be read.
    pub(crate) fn evaluate(
        &self,
        images: &Ciphertext,
        bar: ProgressBar,
        see: &mut dyn FnMut(&StepInfo, &Ciphertext),
    ) -> Result<Ciphertext> {
        let mut progress =
            if bar.is_hidden() { None } else { Some(Steps::new(self.schedule(), self.expected()?, bar)) };
        let logits = self.server.evaluate(images, &mut |step, result| {
            if let Some(progress) = &mut progress {
                progress.advance();
            }
            see(step, result);
        });
        Ok(logits?)
    }

    fn expected(&self) -> Result<&Expected> {
        if let Some(expected) = self.expected.get() {
            return Ok(expected);
        }
        let predicted = prediction::of_steps(&self.case, self.schedule())?;
        Ok(self.expected.get_or_init(|| Expected::new(predicted)))
    }
}
