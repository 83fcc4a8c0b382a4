//! What stands for each activation, in the clear: the plaintext reference of an encrypted evaluation.

use super::server::Program;
use crate::approximant::Approximant;
use crate::form::{Form, Sine};
use crate::plain;

/// The polynomials of a program, each with what undoes the forms around it.
#[derive(Clone, Debug)]
pub struct ClearActivation {
    sine: Sine,
    /// Half-width of the interval, the polynomial, and the form in which it leaves its values.
    by_index: Vec<(f64, Approximant, Form)>,
}

impl Program {
    /// The function that an activation is: exact but for encryption's noise and for how well a bootstrap does a sine.
    pub fn clear_activation(&self) -> ClearActivation {
        let one = |(index, &range): (usize, &f64)| {
            let form = self.form(index);
            (range, self.circuit().activation_to(form).clone(), form)
        };
        ClearActivation { sine: self.circuit().sine(), by_index: self.ranges().iter().enumerate().map(one).collect() }
    }
}

impl ClearActivation {
    /// What becomes of a value before activation `index`, counted in order of evaluation.
    ///
    /// # Panics
    /// If there is no such activation.
    pub fn value(&self, index: usize, x: f64) -> f64 {
        let (range, approximant, form) = &self.by_index[index];
        range * form.value(approximant.value(self.sine.of(x / range)))
    }
}

impl plain::Activation for ClearActivation {
    fn apply(&self, index: usize, values: &mut [f64]) -> usize {
        let (range, approximant, form) = &self.by_index[index];
        // A NaN lies outside, too.
        let overflow = values.iter().filter(|value| !(-range..=*range).contains(*value)).count();
        values.iter_mut().for_each(|value| *value = self.sine.of(*value / range));
        approximant.apply(values);
        values.iter_mut().for_each(|value| *value = range * form.value(*value));
        overflow
    }
}
