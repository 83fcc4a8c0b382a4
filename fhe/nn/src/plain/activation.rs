//! The function between two convolutions: the exact ReLU, a polynomial, or anything else.

use std::sync::Arc;

use super::message::MessageActivation;
use crate::approximant::Approximant;
use crate::approximation::Approximation;
use crate::form::Form;

/// A closed interval, on which an activation holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
}

/// A function of the values of a layer. Closures of this signature are activations too, for recorders and experiments.
pub trait Activation: Sync {
    /// Replaces `values`, which are the input of activation `index` (from 0, in order of evaluation), by its output.
    /// Returns the number of values outside the interval on which the function is meant to hold.
    fn apply(&self, index: usize, values: &mut [f64]) -> usize;
}

impl<F: Fn(usize, &mut [f64]) -> usize + Sync> Activation for F {
    fn apply(&self, index: usize, values: &mut [f64]) -> usize {
        self(index, values)
    }
}

/// The exact ReLU, `max(x, 0)`, which holds for every value.
#[derive(Clone, Copy, Debug, Default)]
pub struct Relu;

impl Activation for Relu {
    fn apply(&self, _index: usize, values: &mut [f64]) -> usize {
        // `max` would turn a NaN into 0 and hide it.
        values.iter_mut().filter(|x| **x < 0.0).for_each(|x| *x = 0.0);
        0
    }
}

/// A polynomial in place of each ReLU. Values outside its interval are counted, and the polynomial is evaluated there
/// all the same, as under encryption.
#[derive(Clone, Debug)]
pub struct ApproximateRelu {
    /// Half-width of the interval and function of each activation.
    by_index: Vec<(f64, Arc<MessageActivation>)>,
}

impl ApproximateRelu {
    /// The approximation on each interval. Intervals are symmetric, as [`crate::ranges`] makes them.
    pub fn new(approximation: &Approximation, intervals: &[Interval]) -> Self {
        let plain = |approximant| Arc::new(MessageActivation::new(Form::Plain, approximant, Form::Plain));
        let activation = plain(Approximant::new(approximation, Form::Plain, Form::Plain));
        let square = plain(Approximant::square());
        let half_width = |interval: &Interval| interval.hi.max(-interval.lo);
        let by_index = intervals.iter().enumerate().map(|(index, interval)| {
            let activation = if approximation.is_square(index) { &square } else { &activation };
            (half_width(interval), activation.clone())
        });
        Self { by_index: by_index.collect() }
    }

    /// A function for each activation, with the half-width of its interval.
    pub(crate) fn of_messages(by_index: Vec<(f64, Arc<MessageActivation>)>) -> Self {
        Self { by_index }
    }
}

impl Activation for ApproximateRelu {
    /// # Panics
    /// If there is no interval for `index`.
    fn apply(&self, index: usize, values: &mut [f64]) -> usize {
        let (range, activation) = &self.by_index[index];
        activation.apply(*range, values)
    }
}
