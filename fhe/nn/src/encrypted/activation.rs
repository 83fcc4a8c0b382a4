//! What stands for each activation, in the clear: the plaintext reference of an encrypted evaluation.

use fhe_circuits::ChebyshevSeries;

use super::circuit::{Form, straighten_inverse};
use super::server::Program;
use crate::{chebyshev, plain};

/// The polynomials of a program, each with what undoes the forms around it.
#[derive(Clone, Debug)]
pub struct ClearActivation {
    /// Half-width of the interval, the polynomial, and the form in which it leaves its values.
    by_index: Vec<(f64, ChebyshevSeries, Form)>,
}

impl Program {
    /// The function that an activation is: exact but for encryption's noise and for how well a bootstrap does a sine.
    pub fn clear_activation(&self) -> ClearActivation {
        let one = |(index, &range): (usize, &f64)| {
            let form = self.form(index);
            (range, self.circuit().activation_to(form).clone(), form)
        };
        ClearActivation { by_index: self.ranges().iter().enumerate().map(one).collect() }
    }
}

impl ClearActivation {
    /// What becomes of a value before activation `index`, counted in order of evaluation.
    ///
    /// # Panics
    /// If there is no such activation.
    pub fn value(&self, index: usize, x: f64) -> f64 {
        let (range, series, form) = &self.by_index[index];
        range * form.value(series.evaluate(straighten_inverse(x / range)))
    }
}

impl plain::Activation for ClearActivation {
    fn apply(&self, index: usize, values: &mut [f64]) -> usize {
        let (range, series, form) = &self.by_index[index];
        // A NaN lies outside, too.
        let overflow = values.iter().filter(|value| !(-range..=*range).contains(*value)).count();
        values.iter_mut().for_each(|value| *value = straighten_inverse(*value / range));
        chebyshev::evaluate_in_place(series, values);
        values.iter_mut().for_each(|value| *value = range * form.value(*value));
        overflow
    }
}
