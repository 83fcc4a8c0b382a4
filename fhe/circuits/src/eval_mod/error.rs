//! The errors of EvalMod at a point: that of its series, and the noise of each of its products.

use std::f64::consts::TAU;

use num_complex::Complex64;

use super::{EvalMod, Kernel};

/// The scales of EvalMod's intermediate results.
pub(crate) struct Scales {
    /// Of the powers.
    power: f64,
    /// Of the sums of products.
    sum: f64,
    /// After each double angle.
    doubled: Vec<f64>,
}

/// The errors of EvalMod at a point.
pub(crate) struct PointError {
    /// The error of the series and its double angles.
    pub bias: f64,
    /// The derivative of the result by the input.
    pub input: f64,
    /// The root of the sum of squares of the derivatives by all powers.
    powers: f64,
    /// By all sums of products.
    sums: f64,
    /// The derivative by the result of each double angle.
    doubled: Vec<f64>,
}

impl PointError {
    /// Returns the noise that all roundings leave, each of a deviation of `slot` at scale 1.
    pub(crate) fn noise(&self, slot: f64, scales: &Scales) -> f64 {
        let series = (self.powers / scales.power).powi(2) + (self.sums / scales.sum).powi(2);
        let doubled: f64 = self.doubled.iter().zip(&scales.doubled).map(|(by, scale)| (by / scale).powi(2)).sum();
        slot * (series + doubled).sqrt()
    }
}

impl EvalMod {
    /// Returns the scales of intermediate results for a result of this `scale`. `prime` returns the prime that is so many
    /// levels below the input.
    pub(crate) fn scales(&self, scale: f64, prime: impl Fn(usize) -> f64) -> Scales {
        let scale = if self.literal.kernel == Kernel::Exponential { scale / 2.0 } else { scale };
        let (mut doubled, mut before) = (Vec::new(), scale);
        for below in (self.plan.depth()..self.sine_depth()).rev() {
            doubled.push(before);
            before = (before * prime(below)).sqrt();
        }
        doubled.reverse();
        Scales { power: prime(0), sum: before, doubled }
    }

    /// Returns the errors at x, where `message` is the part of x that is left. `None` outside the interval.
    pub(crate) fn error(&self, x: f64, message: f64) -> Option<PointError> {
        let kernel = self.literal.kernel;
        let exponential = kernel == Kernel::Exponential;
        let u = (x - kernel.centre()) / self.width();
        if u.abs() > 1.0 {
            return None;
        }
        let found = self.plan.sensitivity(u, exponential);
        let (mut value, mut slope, mut doubled) = (found.value, Complex64::ONE, Vec::new());
        for _ in 0..self.literal.double_angles {
            let step = if exponential { 2.0 * value } else { 4.0 * value };
            value = if exponential { value * value } else { 2.0 * value * value - 1.0 };
            slope *= step;
            doubled.iter_mut().for_each(|by: &mut Complex64| *by *= step);
            doubled.push(Complex64::ONE);
        }
        let expected = match kernel {
            Kernel::Wave { phase, .. } => (TAU * (message - phase)).cos(),
            Kernel::Cosine | Kernel::Exponential => (TAU * message).sin(),
        };
        let root = |by: &[Complex64]| slope.norm() * by.iter().map(Complex64::norm_sqr).sum::<f64>().sqrt();
        // A power or a sum has noise in its real and in its imaginary part; the input is real.
        let input = slope * found.input;
        Some(PointError {
            bias: if exponential { value.im } else { value.re } - expected,
            input: if exponential { input.im } else { input.re },
            powers: root(&found.powers),
            sums: root(&found.sums),
            doubled: doubled.iter().map(|by| by.norm()).collect(),
        })
    }
}
