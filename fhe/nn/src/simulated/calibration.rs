//! From the decrypted values of encrypted images to a noise model.
//!
//! Noise adds up: what a step's result errs by is the error of its operands, taken through the step, and what the step adds
//! of its own. The latter alone is measured: each step is replayed in the clear on what the steps before it decrypt to.

use std::collections::BTreeMap;

use super::model::{CalibratedCase, Noise, NoiseModel, Own, Provenance};
use super::steps::{Layer, layers};
use crate::encrypted::{Op, Program, ScheduledStep};
use crate::network::Conv;
use crate::plain::Tensor;

/// Gathers the noise of each step.
pub struct Calibration<'a> {
    program: &'a Program,
    schedule: &'a [ScheduledStep],
    layers: Vec<Layer>,
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

    /// Of the line through the errors: slope, height at 0, and the standard deviation beside it.
    fn line(&self) -> Own {
        let n = self.count.max(1) as f64;
        let [error, square, ..] = self.errors.map(|sum| sum / n);
        let [x, x_square, product] = self.values.map(|sum| sum / n);
        let (spread, common) = (x_square - x * x, product - x * error);
        let gain = if spread > 0.0 { common / spread } else { 0.0 };
        // Far from cancelling: the line is a small part of the noise.
        let deviation = (square - error * error - gain * common).max(0.0).sqrt();
        Own { gain, mean: error - gain * x, deviation }
    }

    fn excess_kurtosis(&self) -> f64 {
        let [mean, second, third, fourth] = self.errors.map(|sum| sum / self.count.max(1) as f64);
        let variance = second - mean.powi(2);
        let central = fourth - 4.0 * mean * third + 6.0 * mean.powi(2) * second - 3.0 * mean.powi(4);
        if variance > 0.0 { central / variance.powi(2) - 3.0 } else { 0.0 }
    }
}

impl<'a> Calibration<'a> {
    /// For images of `program`, whose schedule is `schedule`.
    pub fn new(program: &'a Program, schedule: &'a [ScheduledStep]) -> Self {
        let moments = vec![Moments::default(); schedule.len()];
        Self { program, schedule, layers: layers(program, schedule), moments, rows: 0 }
    }

    /// Adds an image: its normalised values, and what each step of the schedule decrypted to
    /// ([`crate::encrypted::Client::look`]), in order.
    ///
    /// # Panics
    /// If there is not one vector for each step, or one has another length than its layer.
    pub fn add(&mut self, image: &[f64], decrypted: &[Vec<f64>]) {
        assert_eq!(decrypted.len(), self.schedule.len(), "one vector for each step of the schedule");
        let program = self.program;
        let (network, activation) = (program.network(), program.clear_activation());
        let tensor = |conv: &Conv, values: &[f64]| {
            let side = ((values.len() / conv.in_channels) as f64).sqrt() as usize;
            Tensor { channels: conv.in_channels, height: side, width: side, data: values.to_vec() }
        };
        // What stands after activation k − 1, the image for k = 0.
        let layers = self.layers.clone();
        let activated = |k: usize| k.checked_sub(1).map_or(image, |k| &decrypted[layers[k].last()]);
        for (k, &range) in program.ranges().iter().enumerate() {
            let block = k.checked_sub(1).map(|k| (&network.blocks[k / 2], k % 2));
            let conv = block.map_or(&network.stem, |(block, half)| [&block.conv1, &block.conv2][half]);
            let mut sum = conv.apply(&tensor(conv, activated(k)));
            if let Some((block, 1)) = block {
                let input = activated(k - 1);
                match &block.shortcut {
                    Some(shortcut) => sum.add(&shortcut.apply(&tensor(shortcut, input))),
                    None => sum.data.iter_mut().zip(input).for_each(|(sum, x)| *sum += x),
                }
            }
            let layer = layers[k];
            let [convolved, fresh, left] =
                [layer.convolution, layer.bootstrap, layer.activation].map(|k| &decrypted[k]);
            self.compare(layer.convolution, range, convolved, &sum.data, |_| true);
            // Outside the interval the sine folds back, and the polynomial enlarges whatever stands before it.
            let inside = |x: f64| (x / range).abs() <= 1.0;
            self.compare(layer.bootstrap, range, fresh, convolved, |index| inside(convolved[index]));
            let expected: Vec<f64> = fresh.iter().map(|&x| activation.value(k, x)).collect();
            self.compare(layer.activation, range, left, &expected, |index| inside(fresh[index]));
            if let Some(refresh) = layer.refresh {
                self.compare(refresh, range, &decrypted[refresh], left, |index| inside(left[index]));
            }
        }
        let features = network.classifier.in_features;
        let last = activated(network.activations());
        let side = ((last.len() / features) as f64).sqrt() as usize;
        let last = Tensor { channels: features, height: side, width: side, data: last.to_vec() };
        let logits = network.classifier.apply(&last.average());
        let step = decrypted.len() - 1;
        self.compare(step, 1.0, &decrypted[step], &logits.data, |_| true);
        self.rows += decrypted.len();
    }

    fn compare(&mut self, step: usize, range: f64, found: &[f64], expected: &[f64], counts: impl Fn(usize) -> bool) {
        assert_eq!(found.len(), expected.len(), "values of step {step}");
        let moments = &mut self.moments[step];
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            match counts(index) {
                true => moments.add(expected / range, (found - expected) / range),
                false => moments.outside += 1,
            }
        }
    }

    /// The model: steps of one operation and slot count together.
    pub fn model(&self, case: CalibratedCase, provenance: Provenance) -> NoiseModel {
        let mut kinds: BTreeMap<(Op, usize), Vec<&Moments>> = BTreeMap::new();
        for (step, moments) in self.schedule.iter().zip(&self.moments) {
            kinds.entry((step.op, step.slots)).or_default().push(moments);
        }
        let noise = kinds.into_iter().map(|((op, slots), steps)| {
            let mut all = Moments::default();
            steps.iter().for_each(|moments| all.merge(moments));
            let deviations = || steps.iter().map(|moments| moments.line().deviation);
            let Own { gain, mean, deviation } = all.line();
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
