//! One image through the circuit in cleartext.

use std::sync::Arc;

use super::gaussian::Gaussian;
use super::model::{NoiseModel, Own};
use super::steps::{Layer, layers};
use super::table::Table;
use crate::Error;
use crate::approximant::Approximant;
use crate::encrypted::{Circuit, Op, Program, ScheduledStep};
use crate::form::Form;
use crate::network::ResNet;
use crate::plain::{Activation, Outcome};

/// Evaluates a [`Program`] as a server would, on values instead of ciphertexts.
#[derive(Clone, Debug)]
pub struct Simulator {
    network: ResNet,
    /// Of each activation; those that leave the same form share one.
    activations: Vec<Arc<Curve>>,
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
        let mut made: Vec<Arc<Curve>> = Vec::new();
        let activation = |index: usize| {
            let form = program.form(index);
            let known = made.iter().find(|curve| curve.form == form).cloned();
            known.unwrap_or_else(|| {
                made.push(Arc::new(Curve::new(program.circuit(), form)));
                made[made.len() - 1].clone()
            })
        };
        let steps = schedule.iter().zip(own).map(|(step, own)| (step.layer.clone(), step.op, own));
        Self {
            network: program.network().clone(),
            activations: (0..program.ranges().len()).map(activation).collect(),
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
        self.activations[index].apply(self.ranges[index], values)
    }
}

/// What an activation makes of a message.
#[derive(Debug)]
struct Curve {
    /// In what form bootstraps leave messages.
    from: Form,
    polynomial: Approximant,
    form: Form,
    /// The same on [−1, 1], faster.
    table: Option<Table>,
}

impl Curve {
    fn new(circuit: &Circuit, form: Form) -> Self {
        let polynomial = circuit.activation_to(form).clone();
        let mut curve = Self { from: Form::Sine(circuit.sine()), polynomial, form, table: None };
        curve.table = Table::new(&|messages| curve.evaluate(messages));
        curve
    }

    /// Messages to what the activation leaves of them: by the sine of a bootstrap, the polynomial, and the form of its result.
    fn evaluate(&self, messages: &mut [f64]) {
        messages.iter_mut().for_each(|message| *message = self.from.slot(*message));
        self.polynomial.apply(messages);
        messages.iter_mut().for_each(|value| *value = self.form.value(*value));
    }

    /// Replaces values by what comes of them, and counts those outside ±range.
    fn apply(&self, range: f64, values: &mut [f64]) -> usize {
        let inside = |message: f64| (-1.0..=1.0).contains(&message);
        let mut overflow = 0;
        match &self.table {
            Some(table) => {
                for value in values {
                    let message = *value / range;
                    *value = match inside(message) {
                        true => range * table.at(message),
                        // a NaN lies outside
                        false => {
                            overflow += 1;
                            let mut beyond = [message];
                            self.evaluate(&mut beyond);
                            range * beyond[0]
                        }
                    };
                }
            }
            None => {
                values.iter_mut().for_each(|value| *value /= range);
                overflow = values.iter().filter(|&&message| !inside(message)).count();
                self.evaluate(values);
                values.iter_mut().for_each(|value| *value *= range);
            }
        }
        overflow
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Approximation;
    use crate::encrypted::Packing;

    /// Whatever the degree and the form, the table is the curve, to far below any noise.
    #[test]
    fn tables_are_their_curves() {
        for (degree, packing) in [(3, Packing::default()), (59, Packing::default()), (255, Packing::Vector)] {
            let circuit = Circuit::new(16, &Approximation::Chebyshev { degree }, packing).unwrap();
            for form in [Form::Plain, Form::Arcsine(circuit.sine())] {
                let curve = Curve::new(&circuit, form);
                assert!(curve.table.is_some(), "degree {degree}, {form:?}");
                let range = 3.0;
                let mut found: Vec<f64> = (-7001..=7001).map(|k| range * f64::from(k) / 7000.0).collect();
                found.push(f64::NAN);
                let mut wanted: Vec<f64> = found.iter().map(|value| value / range).collect();
                assert_eq!(curve.apply(range, &mut found), 3, "degree {degree}");
                curve.evaluate(&mut wanted);
                for (found, wanted) in found.iter().zip(&wanted) {
                    let same = (found - range * wanted).abs() < 1e-11 || (found.is_nan() && wanted.is_nan());
                    assert!(same, "degree {degree}, {form:?}: {found}, {wanted}");
                }
            }
        }
    }
}
