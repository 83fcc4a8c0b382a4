//! What stands between two convolutions: the exact ReLU, a polynomial, or anything else.

use crate::Error;
use crate::chebyshev::{self, ChebyshevSeries};
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

/// A polynomial in place of each ReLU. Outside its interval it is evaluated all the same, as encryption would, and counted.
#[derive(Clone, Debug)]
pub struct PolynomialRelu {
    /// One polynomial an activation.
    pub series: Vec<ChebyshevSeries>,
}

impl PolynomialRelu {
    /// The Chebyshev interpolant of degree `degree` on each interval.
    ///
    /// # Errors
    /// Those of [`chebyshev::interpolate`].
    pub fn chebyshev(intervals: &[Interval], degree: usize) -> Result<Self, Error> {
        let interpolate = |i: &Interval| chebyshev::interpolate(|x| x.max(0.0), i.lo, i.hi, degree);
        Ok(Self { series: intervals.iter().map(interpolate).collect::<Result<_, _>>()? })
    }
}

impl Activation for PolynomialRelu {
    /// # Panics
    /// Where there is no polynomial for `index`.
    fn apply(&self, index: usize, values: &mut [f64]) -> usize {
        let series = &self.series[index];
        let overflow = chebyshev::overflow(series, values);
        chebyshev::evaluate_in_place(series, values);
        overflow
    }
}
