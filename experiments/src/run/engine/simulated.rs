//! The encrypted circuit in cleartext with calibrated noise, many images at once.

use anyhow::Result;
use fhe_nn::encrypted::Op;
use fhe_nn::simulated::{NoiseModel, Simulator};
use rayon::prelude::*;

use super::{Answer, Evaluated, StepMeasured};
use crate::case::Case;
use crate::layers::{Errors, Reference, op_name};
use crate::run::progress::Progress;
use crate::run::selection::Subject;
use crate::simulation::mismatch;

/// A case with a noise model.
pub(crate) struct Engine {
    case: Case,
    simulator: Simulator,
    levels: Vec<usize>,
    seed: u64,
    trace: bool,
}

impl Engine {
    /// Puts the noise of `model` into the circuit of `case`. Warns if the noise was measured on another case; the rows
    /// say so too.
    pub(crate) fn new(case: Case, model: &NoiseModel, seed: u64, trace: bool, progress: &Progress) -> Result<Self> {
        let simulator = Simulator::new(&case.program, &case.plan.steps, model)?;
        if let Some(difference) = mismatch(model, &case) {
            progress.say(&format!("warning: {difference}; rows say `{}`", model.label()));
        }
        let levels = case.plan.steps.iter().map(|step| step.level).collect();
        Ok(Self { case, simulator, levels, seed, trace })
    }

    /// Evaluates images on all threads.
    pub(crate) fn evaluate(&self, batch: &[&Subject], progress: &Progress) -> Vec<Result<Evaluated>> {
        let evaluate = |subject: &&Subject| {
            let evaluated = self.evaluate_one(subject);
            progress.image_done();
            Ok(evaluated)
        };
        batch.par_iter().map(evaluate).collect()
    }

    fn evaluate_one(&self, subject: &Subject) -> Evaluated {
        let input = self.case.input(&subject.image);
        let network = self.case.program.network();
        // The noise depends only on the image, so a resumed or sharded run equals an uninterrupted one.
        let (seed, image) = (self.seed, subject.index as u64);
        if !self.trace {
            let logits = Some(self.simulator.evaluate(&input, seed, image).logits);
            let polynomial = network.forward(&input, &self.simulator.activation());
            return Evaluated { answer: Answer::Logits { logits, polynomial }, cost: None, steps: Vec::new() };
        }
        let reference =
            Reference::new(network, &input, self.case.own_activation().as_ref(), &self.simulator.activation(), true);
        let mut steps: Vec<StepMeasured> = Vec::with_capacity(self.levels.len());
        let mut see = |layer: &str, op: Op, values: &[f64]| {
            let errors = Errors::of(layer, Some(values), op, &reference);
            let level = Some(self.levels[steps.len()]);
            let (layer, op) = (layer.to_owned(), op_name(op));
            steps.push(StepMeasured { layer, op, level, latency_s: None, rss_bytes: None, errors });
        };
        let logits = Some(self.simulator.trace(&input, seed, image, &mut see).logits);
        let polynomial = reference.polynomial.outcome;
        Evaluated { answer: Answer::Logits { logits, polynomial }, cost: None, steps }
    }
}
