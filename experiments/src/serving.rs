//! A case with evaluation keys, ready for encrypted images: the server's half, for every command that evaluates.

use std::sync::OnceLock;

use anyhow::Result;
use fhe_circuits::Stored;
use fhe_ckks::{Ciphertext, EvaluationKeys};
use fhe_nn::encrypted::{ScheduledStep, Server, StepInfo};
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
    /// Encodes the constants.
    ///
    /// # Errors
    /// A case that cannot be planned.
    pub(crate) fn start(case: Case, keys: EvaluationKeys) -> Result<Self> {
        Self::with_constants(case, keys, None)
    }

    /// Takes the constants from where they were stored, or encodes them.
    ///
    /// # Errors
    /// Those of [`Serving::start`], and constants that are of another case.
    pub(crate) fn with_constants(case: Case, keys: EvaluationKeys, stored: Option<Stored>) -> Result<Self> {
        let (program, params) = (case.program.clone(), &case.params);
        let server = match stored {
            Some(stored) => Server::with_constants(program, params, keys, stored)?,
            None => Server::new(program, params, keys)?,
        };
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
