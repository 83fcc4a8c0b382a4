//! The plaintext model with polynomials, many images at once.

use anyhow::Result;
use fhe_nn::encrypted::Op;
use fhe_nn::plain::{Activation, ApproximateRelu};
use rayon::prelude::*;

use super::{Answer, Evaluated, StepMeasured};
use crate::case::Model;
use crate::config::Relu;
use crate::layers::{Errors, Reference, op_name};
use crate::run::progress::Progress;
use crate::run::selection::Subject;

/// A model with its activation.
pub(crate) struct Engine {
    model: Model,
    activation: Box<dyn Activation + Send>,
    trace: bool,
}

impl Engine {
    /// Puts an approximation in the place of the model's ReLUs.
    pub(crate) fn new(model: &Model, relu: &Relu, trace: bool) -> Self {
        let activation: Box<dyn Activation + Send> = match relu {
            Relu::Exact => model.own_activation(),
            Relu::Approximate(approximation) => Box::new(ApproximateRelu::new(approximation, &model.intervals)),
        };
        Self { model: model.clone(), activation, trace }
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
        let (network, input) = (&self.model.network, self.model.input(&subject.image));
        if !self.trace {
            let polynomial = network.forward(&input, self.activation.as_ref());
            return Evaluated { answer: Answer::Logits { logits: None, polynomial }, cost: None, steps: Vec::new() };
        }
        let reference =
            Reference::new(network, &input, self.model.own_activation().as_ref(), self.activation.as_ref(), true);
        let step = |(layer, op): (String, Op)| {
            let errors = Errors::of(&layer, None, op, &reference);
            StepMeasured { layer, op: op_name(op), level: None, latency_s: None, rss_bytes: None, errors }
        };
        let steps = network.steps().into_iter().map(step).collect();
        let polynomial = reference.polynomial.outcome;
        Evaluated { answer: Answer::Logits { logits: None, polynomial }, cost: None, steps }
    }
}
