//! One image through the circuit in the clear, with noise.

use std::convert::Infallible;
use std::sync::Arc;

use super::clear;
use super::gaussian::Gaussian;
use super::model::{NoiseModel, StepNoise};
use super::tabulated::TabulatedActivation;
use crate::Error;
use crate::encrypted::layout::Layout;
use crate::encrypted::program::Machine;
use crate::encrypted::slots::Operand;
use crate::encrypted::{Program, ScheduledStep, StepInfo};
use crate::network::Op;
use crate::plain::{Activation, Buffers, MessageActivation, Outcome, Tensor};

/// Evaluates a [`Program`] as a server would, on values instead of ciphertexts.
#[derive(Clone, Debug)]
pub struct Simulator {
    program: Program,
    /// Every activation of the program.
    activations: Vec<Arc<TabulatedActivation>>,
    /// The noise of each step of the schedule.
    noise: Vec<StepNoise>,
}

impl Simulator {
    /// A simulator of `program`, whose schedule is `schedule`, with the noise of `model`. [`NoiseModel::mismatch`]
    /// tells whether the model was calibrated for this case.
    ///
    /// # Errors
    /// [`Error::MissingNoise`] for an operation that the model has no noise for.
    pub fn new(program: &Program, schedule: &[ScheduledStep], model: &NoiseModel) -> Result<Self, Error> {
        Ok(Self::with(program, model.of_steps(schedule)?))
    }

    /// A simulator of `program`, whose schedule is `schedule`, without noise.
    pub fn noiseless(program: &Program, schedule: &[ScheduledStep]) -> Self {
        Self::with(program, vec![StepNoise::default(); schedule.len()])
    }

    fn with(program: &Program, noise: Vec<StepNoise>) -> Self {
        let mut activations: Vec<Arc<TabulatedActivation>> = Vec::new();
        for layer in program.layers() {
            if !activations.iter().any(|known| known.is_of(&layer.function)) {
                activations.push(Arc::new(TabulatedActivation::new(layer.function)));
            }
        }
        Self { program: program.clone(), activations, noise }
    }

    /// The outcome for an image, with the noise that `seed` and `image` determine.
    ///
    /// # Panics
    /// If `input` has another length than 3 · 32 · 32.
    pub fn evaluate(&self, input: &[f64], seed: u64, image: u64) -> Outcome {
        self.trace(input, seed, image, &mut |_, _, _| {})
    }

    /// The outcome for an image, with the noise that `seed` and `image` determine. `observe` gets the layer, operation
    /// and values of every step, as a client that decrypts each step would see them
    /// ([`crate::encrypted::Observer::decrypt_step`]).
    ///
    /// # Panics
    /// If `input` has another length than 3 · 32 · 32.
    pub fn trace(&self, input: &[f64], seed: u64, image: u64, observe: &mut dyn FnMut(&str, Op, &[f64])) -> Outcome {
        let mut simulation = Simulation {
            simulator: self,
            gaussian: Gaussian::new(seed, image),
            noise: self.noise.iter(),
            buffers: Buffers::default(),
            overflow: Vec::new(),
            observe,
        };
        let Ok(logits) =
            self.program.run(&mut simulation, Tensor::image(input, self.program.network().input_channels()));
        Outcome { logits: logits.data, overflow: simulation.overflow }
    }

    /// The circuit's activations in the clear, many values at a time: the reference that noise is measured from.
    pub fn activation(&self) -> impl Activation + '_ {
        let layers = self.program.layers().into_iter().map(|layer| (layer.range, self.table_of(&layer.function)));
        let by_index: Vec<_> = layers.collect();
        move |index: usize, values: &mut [f64]| {
            let (range, activation) = by_index[index];
            activation.apply(range, values)
        }
    }

    fn table_of(&self, activation: &Arc<MessageActivation>) -> &TabulatedActivation {
        let known = self.activations.iter().find(|known| known.is_of(activation));
        known.expect("every activation of the program has a table")
    }
}

/// The interpreter on values.
struct Simulation<'a> {
    simulator: &'a Simulator,
    gaussian: Gaussian,
    /// The noise of the steps to come.
    noise: std::slice::Iter<'a, StepNoise>,
    buffers: Buffers,
    overflow: Vec<usize>,
    observe: &'a mut dyn FnMut(&str, Op, &[f64]),
}

impl Simulation<'_> {
    /// Adds the noise of a step to its exact result, and reports the sum.
    fn leave(&mut self, step: &StepInfo, mut exact: Tensor) -> Tensor {
        let noise = self.noise.next().expect("noise for every step of the schedule");
        let StepNoise { gain, mean, deviation } = *noise;
        self.gaussian.add_to(&mut exact.data, gain, step.range * mean, step.range * deviation);
        (self.observe)(&step.layer, step.op, &exact.data);
        exact
    }
}

impl Machine for Simulation<'_> {
    type Value = Tensor;
    type Error = Infallible;

    fn convolve(
        &mut self,
        step: &StepInfo,
        _: Layout,
        operands: &[Operand<'_, Tensor>],
        identity: Option<(&Tensor, f64)>,
    ) -> Result<Tensor, Infallible> {
        let sum = clear::convolve(operands, identity.map(|(x, _)| x), &mut self.buffers);
        Ok(self.leave(step, sum))
    }

    fn bootstrap(&mut self, step: &StepInfo, _: Layout, x: Tensor) -> Result<Tensor, Infallible> {
        Ok(self.leave(step, x))
    }

    fn activate(
        &mut self,
        step: &StepInfo,
        _: Layout,
        function: &Arc<MessageActivation>,
        mut x: Tensor,
    ) -> Result<Tensor, Infallible> {
        self.overflow.push(self.simulator.table_of(function).apply(step.range, &mut x.data));
        Ok(self.leave(step, x))
    }

    fn classify(&mut self, step: &StepInfo, x: &Tensor, _: Layout, _: f64) -> Result<Tensor, Infallible> {
        let logits = clear::classify(&self.simulator.program.network().classifier, x);
        Ok(self.leave(step, logits))
    }
}
