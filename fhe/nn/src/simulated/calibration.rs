//! From the decrypted values of encrypted images to a noise model.
//!
//! Noise adds up: the error of a step's result is the error of its operands, carried through the step, plus the noise
//! that the step adds. Only the latter is measured: each step is replayed in the clear on the decrypted results of the
//! steps before it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use super::clear;
use super::model::{CalibratedCase, Noise, NoiseModel, Provenance, StepNoise};
use crate::encrypted::layout::Layout;
use crate::encrypted::program::Machine;
use crate::encrypted::slots::Operand;
use crate::encrypted::{Op, Program, ScheduledStep, StepInfo};
use crate::plain::{Buffers, MessageActivation, Tensor};

/// Gathers the noise of each step.
pub struct Calibration<'a> {
    program: &'a Program,
    schedule: &'a [ScheduledStep],
    /// By step of the schedule.
    moments: Vec<Moments>,
    rows: usize,
}

/// Sums over values x and their errors e.
#[derive(Clone, Copy, Default)]
struct Moments {
    count: usize,
    /// Of e, e², e³, e⁴.
    errors: [f64; 4],
    /// Of x, x², x·e.
    values: [f64; 3],
    largest: f64,
    outside: usize,
}

impl Moments {
    fn add(&mut self, x: f64, error: f64) {
        self.count += 1;
        let mut power = 1.0;
        for sum in &mut self.errors {
            power *= error;
            *sum += power;
        }
        self.values.iter_mut().zip([x, x * x, x * error]).for_each(|(sum, term)| *sum += term);
        self.largest = self.largest.max(error.abs());
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.errors.iter_mut().zip(other.errors).for_each(|(sum, other)| *sum += other);
        self.values.iter_mut().zip(other.values).for_each(|(sum, other)| *sum += other);
        self.largest = self.largest.max(other.largest);
        self.outside += other.outside;
    }

    /// The line through the errors: slope, height at 0, and the standard deviation beside it.
    fn line(&self) -> StepNoise {
        let n = self.count.max(1) as f64;
        let [error, square, ..] = self.errors.map(|sum| sum / n);
        let [x, x_square, product] = self.values.map(|sum| sum / n);
        let (spread, common) = (x_square - x * x, product - x * error);
        let gain = if spread > 0.0 { common / spread } else { 0.0 };
        // The difference does not cancel: the line is a small part of the noise.
        let deviation = (square - error * error - gain * common).max(0.0).sqrt();
        StepNoise { gain, mean: error - gain * x, deviation }
    }

    fn excess_kurtosis(&self) -> f64 {
        let [mean, second, third, fourth] = self.errors.map(|sum| sum / self.count.max(1) as f64);
        let variance = second - mean.powi(2);
        let central = fourth - 4.0 * mean * third + 6.0 * mean.powi(2) * second - 3.0 * mean.powi(4);
        if variance > 0.0 { central / variance.powi(2) - 3.0 } else { 0.0 }
    }
}

impl<'a> Calibration<'a> {
    /// A calibration without images, of `program`, whose schedule is `schedule`.
    pub fn new(program: &'a Program, schedule: &'a [ScheduledStep]) -> Self {
        Self { program, schedule, moments: vec![Moments::default(); schedule.len()], rows: 0 }
    }

    /// Adds an image: its normalised values, and the decrypted result of each step of the schedule
    /// ([`crate::encrypted::Observer::decrypt_step`]), in order.
    ///
    /// # Panics
    /// If there is not one vector for each step, or if one has another length than its layer.
    pub fn add(&mut self, image: &[f64], decrypted: &[Vec<f64>]) {
        assert_eq!(decrypted.len(), self.schedule.len(), "one vector for each step of the schedule");
        let (program, steps) = (self.program, decrypted.iter().zip(&mut self.moments));
        let mut replay = Replay { program, steps, buffers: Buffers::default() };
        let Ok(_) = program.run(&mut replay, Tensor::image(image, program.network().input_channels()));
        self.rows += decrypted.len();
    }

    /// The noise model, with one entry for all steps of one operation and slot count.
    pub fn model(&self, case: CalibratedCase, provenance: Provenance) -> NoiseModel {
        let mut kinds: BTreeMap<(Op, usize), Vec<&Moments>> = BTreeMap::new();
        for (step, moments) in self.schedule.iter().zip(&self.moments) {
            kinds.entry((step.op, step.slots)).or_default().push(moments);
        }
        let noise = kinds.into_iter().map(|((op, slots), steps)| {
            let mut all = Moments::default();
            steps.iter().for_each(|moments| all.merge(moments));
            let deviations = || steps.iter().map(|moments| moments.line().deviation);
            let StepNoise { gain, mean, deviation } = all.line();
            Noise {
                op,
                slots,
                gain,
                mean,
                deviation,
                least: deviations().fold(f64::INFINITY, f64::min),
                most: deviations().fold(0.0, f64::max),
                kurtosis: all.excess_kurtosis(),
                largest: all.largest,
                values: all.count,
                outside: all.outside,
            }
        });
        NoiseModel { case, provenance: Provenance { rows: self.rows, ..provenance }, noise: noise.collect() }
    }
}

/// The interpreter that replays each step on the decrypted results of the steps before it.
struct Replay<'a> {
    program: &'a Program,
    /// Decrypted values and moments of the steps to come.
    steps: std::iter::Zip<std::slice::Iter<'a, Vec<f64>>, std::slice::IterMut<'a, Moments>>,
    buffers: Buffers,
}

impl Replay<'_> {
    /// Compares the decrypted result of a step with the expected one, over the values that `counts`, and returns the
    /// former.
    fn compare(&mut self, step: &StepInfo, expected: &[f64], counts: impl Fn(usize) -> bool) -> &[f64] {
        let (found, moments) = self.steps.next().expect("a vector for every step of the schedule");
        assert_eq!(found.len(), expected.len(), "values of {} {:?}", step.layer, step.op);
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            if counts(index) {
                moments.add(expected / step.range, (found - expected) / step.range);
            } else {
                moments.outside += 1;
            }
        }
        found
    }
}

impl Machine for Replay<'_> {
    type Value = Tensor;
    type Error = Infallible;

    fn convolve(
        &mut self,
        step: &StepInfo,
        to: Layout,
        operands: &[Operand<'_, Tensor>],
        identity: Option<(&Tensor, f64)>,
    ) -> Result<Tensor, Infallible> {
        let sum = clear::convolve(operands, identity.map(|(x, _)| x), &mut self.buffers);
        Ok(clear::tensor(to, self.compare(step, &sum.data, |_| true)))
    }

    fn bootstrap(&mut self, step: &StepInfo, at: Layout, x: Tensor) -> Result<Tensor, Infallible> {
        // Outside the interval the sine folds back, and the polynomial amplifies every deviation.
        let inside = |index: usize| (-1.0..=1.0).contains(&(x.data[index] / step.range));
        Ok(clear::tensor(at, self.compare(step, &x.data, inside)))
    }

    fn activate(
        &mut self,
        step: &StepInfo,
        at: Layout,
        function: &Arc<MessageActivation>,
        x: Tensor,
    ) -> Result<Tensor, Infallible> {
        let mut expected = x.data.clone();
        function.apply(step.range, &mut expected);
        let inside = |index: usize| function.holds(x.data[index] / step.range);
        Ok(clear::tensor(at, self.compare(step, &expected, inside)))
    }

    fn classify(&mut self, step: &StepInfo, x: &Tensor, _: Layout, _: f64) -> Result<Tensor, Infallible> {
        let logits = clear::classify(&self.program.network().classifier, x);
        self.compare(step, &logits.data, |_| true);
        Ok(logits)
    }
}
