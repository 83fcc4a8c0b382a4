//! What stands between two convolutions: the exact ReLU, a polynomial, or anything else.

use crate::approximant::Approximant;
use crate::approximation::Approximation;
use crate::form::Form;
use crate::ranges::Interval;

/// A function of each value of a layer. Closures of the same shape are activations too, for recorders and experiments.
pub trait Activation: Sync {
    /// Replaces `values`, which stand before activation `index` (from 0, in order of evaluation), by the values after it.
    /// Returns how many of them lay outside the interval the function is meant for.
    fn apply(&self, index: usize, values: &mut [f64]) -> usize;
}

impl<F: Fn(usize, &mut [f64]) -> usize + Sync> Activation for F {
    fn apply(&self, index: usize, values: &mut [f64]) -> usize {
        self(index, values)
    }
}

/// The exact ReLU, `max(x, 0)`; meant for every value.
#[derive(Clone, Copy, Debug, Default)]
pub struct Relu;

impl Activation for Relu {
    fn apply(&self, _index: usize, values: &mut [f64]) -> usize {
        // not `max`, which would turn a NaN into 0 and hide it
        values.iter_mut().filter(|x| **x < 0.0).for_each(|x| *x = 0.0);
        0
    }
}

/// An approximation in place of each ReLU. Outside its interval it is evaluated all the same, as encryption would, and counted.
#[derive(Clone, Debug)]
pub struct ApproximateRelu {
    /// Half-width of each activation's interval.
    ranges: Vec<f64>,
    approximant: Approximant,
}

impl ApproximateRelu {
    /// The approximation on each interval, symmetric as [`crate::ranges`] makes them.
    pub fn new(approximation: &Approximation, intervals: &[Interval]) -> Self {
        let ranges = intervals.iter().map(|interval| interval.hi.max(-interval.lo)).collect();
        Self { ranges, approximant: Approximant::new(approximation, Form::Plain, Form::Plain) }
    }
}

impl Activation for ApproximateRelu {
    /// # Panics
    /// Where there is no interval for `index`.
    fn apply(&self, index: usize, values: &mut [f64]) -> usize {
        let range = self.ranges[index];
        values.iter_mut().for_each(|x| *x /= range);
        // a NaN lies outside
        let overflow = values.iter().filter(|x| !(-1.0..=1.0).contains(*x)).count();
        self.approximant.apply(values);
        values.iter_mut().for_each(|x| *x *= range);
        overflow
    }
}
