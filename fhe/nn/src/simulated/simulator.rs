//! One image through the circuit in cleartext.

use super::gaussian::Gaussian;
use super::model::{NoiseModel, Own};
use super::polynomial::Polynomial;
use super::steps::{Layer, layers};
use crate::Error;
use crate::encrypted::{Op, Program, ScheduledStep};
use crate::form::{Form, Sine};
use crate::network::ResNet;
use crate::plain::{Activation, Outcome};

/// Evaluates a [`Program`] as a server would, on values instead of ciphertexts.
#[derive(Clone, Debug)]
pub struct Simulator {
    network: ResNet,
    /// Polynomial and the form it leaves its values in, of each activation.
    activations: Vec<(Polynomial, Form)>,
    /// What bootstraps leave of a message.
    sine: Sine,
    ranges: Vec<f64>,
    layers: Vec<Layer>,
    /// Name, operation and noise of each step of the schedule.
    steps: Vec<(String, Op, Own)>,
}

impl Simulator {
    /// A simulator of `program`, whose schedule is `schedule`, with the noise of `model`. Whether the model is for this very
    /// case is [`NoiseModel::mismatch`]'s to say.
    ///
    /// # Errors
    /// [`Error::MissingNoise`] for an operation that the model knows nothing of.
    pub fn new(program: &Program, schedule: &[ScheduledStep], model: &NoiseModel) -> Result<Self, Error> {
        Ok(Self::with(program, schedule, model.of_steps(schedule)?))
    }

    /// The same circuit without noise.
    pub fn noiseless(program: &Program, schedule: &[ScheduledStep]) -> Self {
        Self::with(program, schedule, vec![Own::default(); schedule.len()])
    }

    fn with(program: &Program, schedule: &[ScheduledStep], own: Vec<Own>) -> Self {
        let activation = |index: usize| {
            let form = program.form(index);
            (Polynomial::new(program.circuit().activation_to(form)), form)
        };
        let steps = schedule.iter().zip(own).map(|(step, own)| (step.layer.clone(), step.op, own));
        Self {
            network: program.network().clone(),
            activations: (0..program.ranges().len()).map(activation).collect(),
            sine: program.circuit().sine(),
            ranges: program.ranges().to_vec(),
            layers: layers(program, schedule),
            steps: steps.collect(),
        }
    }

    /// Evaluates an image; the noise is that of `seed` and `image`, whatever else is evaluated.
    ///
    /// # Panics
    /// Where `input` has another length than 3 * 32 * 32.
    pub fn evaluate(&self, input: &[f64], seed: u64, image: u64) -> Outcome {
        self.trace(input, seed, image, &mut |_, _, _| {})
    }

    /// Evaluates an image; `see` is shown the layer, operation and values of every step, as a client that decrypts each
    /// would see them ([`crate::encrypted::Client::look`]).
    ///
    /// # Panics
    /// Where `input` has another length than 3 * 32 * 32.
    pub fn trace(&self, input: &[f64], seed: u64, image: u64, see: &mut dyn FnMut(&str, Op, &[f64])) -> Outcome {
        let mut gaussian = Gaussian::new(seed, image);
        // A step's noise is added to what it computes, and the result is shown.
        let mut leave = |step: usize, values: &mut [f64], range: f64| {
            let (name, op, Own { gain, mean, deviation }) = &self.steps[step];
            gaussian.add_to(values, *gain, range * mean, range * deviation);
            see(name, *op, values);
        };
        let mut layer = |index: usize, values: &mut [f64]| {
            let (range, layer) = (self.ranges[index], self.layers[index]);
            leave(layer.convolution, values, range);
            leave(layer.bootstrap, values, range);
            let overflow = self.activate(index, values);
            leave(layer.activation, values, range);
            if let Some(refresh) = layer.refresh {
                leave(refresh, values, range);
            }
            overflow
        };
        let mut outcome = self.network.walk(input, &mut layer, &mut |_, _| {});
        leave(self.steps.len() - 1, &mut outcome.logits, 1.0);
        outcome
    }

    /// The circuit's activations in the clear, many values at a time: the reference that noise is measured from.
    pub fn activation(&self) -> impl Activation + '_ {
        |index: usize, values: &mut [f64]| self.activate(index, values)
    }

    fn activate(&self, index: usize, values: &mut [f64]) -> usize {
        let range = self.ranges[index];
        let mut overflow = 0;
        for value in &mut *values {
            let message = *value / range;
            // a NaN lies outside
            overflow += usize::from(!(-1.0..=1.0).contains(&message));
            *value = self.sine.of(message);
        }
        let (polynomial, form) = &self.activations[index];
        polynomial.evaluate_in_place(values);
        values.iter_mut().for_each(|value| *value = range * form.value(*value));
        overflow
    }
}
