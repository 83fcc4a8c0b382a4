//! How long a case will take: the schedule's counts times what `bench` measured.
//!
//! Key switches, encodings and products are measured at two heights; between and beyond them a cost follows the power of
//! the height that goes through both. Bootstraps and the activation are measured whole.

mod measurements;

use std::sync::Once;

use anyhow::{Context, Result};
use fhe_nn::encrypted::{Circuit, Op, Packing, ScheduledStep};
use fhe_nn::{Approximation, Form};

use crate::case::Case;
use crate::in_one_line;
pub use measurements::{Measurements, save, saved};

/// Predicts seconds from a run of `bench`.
pub struct Predictor {
    measurements: Measurements,
    /// Times that another ring takes: its dimension times log2 of that, over the same of the ring measured.
    ring: f64,
    rotate: Power,
    hoisted: Power,
    encode: Encode,
    /// The activation measured: seconds, relinearizations, primes of its operand.
    relu: (f64, usize, usize),
}

/// A cost c·heightᵉ through two measurements.
#[derive(Clone, Copy, Debug)]
struct Power {
    seconds: f64,
    limbs: f64,
    exponent: f64,
}

impl Power {
    fn at(self, limbs: usize) -> f64 {
        self.seconds * (limbs as f64 / self.limbs).powf(self.exponent)
    }
}

/// Encoding: a part by slots, on one thread, and a part by primes, on all of them.
#[derive(Clone, Copy, Debug)]
struct Encode {
    slot: f64,
    prime: f64,
}

impl Predictor {
    /// From what was measured at ring dimension `ring_dim`, or else at another.
    pub fn load(ring_dim: usize) -> Result<Self> {
        Self::new(Measurements::load(ring_dim)?, ring_dim)
    }

    fn new(measurements: Measurements, ring_dim: usize) -> Result<Self> {
        let size = |n: usize| n as f64 * (n as f64).log2();
        let known = &measurements.provenance;
        let ring = size(ring_dim) / size(known.ring_dim);
        let [rotate, hoisted, encode] = ["rotate", "rotate_hoisted", "encode"].map(|op| ends(&measurements, op));
        let [(low, fast), (high, slow)] = encode?;
        let prime = (slow - fast) / (high - low);
        let slot = (fast - prime * low).max(0.0) / (known.ring_dim / 2) as f64;
        let (row, seconds) = measurements.times("relu").next().context("bench: found no operation `relu`")?;
        let limbs = row.limbs.context("bench: found no limbs of `relu`")?;
        let relu: Approximation = known.relu.parse().context("bench: relu")?;
        let circuit = Circuit::new(known.ring_dim.trailing_zeros(), &relu, Packing::default())?;
        let relu = (seconds, circuit.activation_to(Form::Plain).relinearizations(), limbs);
        let [rotate, hoisted] = [power(rotate?), power(hoisted?)];
        Ok(Self { ring, rotate, hoisted, encode: Encode { slot, prime }, relu, measurements })
    }

    /// Seconds of each step of a schedule.
    pub fn steps(&self, case: &Case, schedule: &[ScheduledStep]) -> Result<Vec<f64>> {
        schedule.iter().map(|step| Ok(self.ring * self.step(case, step)?)).collect()
    }

    fn step(&self, case: &Case, step: &ScheduledStep) -> Result<f64> {
        let circuit = case.program.circuit();
        Ok(match step.op {
            Op::Bootstrap => self.bootstrap(step.slots, case.params.max_level() + 1)?,
            Op::Activation => {
                let (seconds, relinearizations, limbs) = self.relu;
                let height = self.rotate.at(circuit.activation_level + 1) / self.rotate.at(limbs);
                seconds * height * step.relinearizations as f64 / relinearizations as f64
            }
            Op::Convolution | Op::Classifier => {
                // The result is a level below the operand.
                let limbs = step.level + 2;
                // A matrix by baby and giant steps has at most as many diagonals as pairs of them.
                let products = (step.hoisted + 1) * (step.full + 1);
                step.hoisted as f64 * self.hoisted.at(limbs)
                    + step.full as f64 * self.rotate.at(limbs)
                    + products as f64 * self.product(step.slots, limbs)
            }
        })
    }

    /// A diagonal encoded, while other threads encode others.
    fn product(&self, slots: usize, limbs: usize) -> f64 {
        let Encode { slot, prime } = self.encode;
        let known = &self.measurements.provenance;
        // A plaintext of fewer slots is a shorter polynomial modulo each prime as well.
        let share = slots as f64 / (known.ring_dim / 2) as f64;
        slot * slots as f64 / known.threads as f64 + prime * limbs as f64 * share
    }

    /// The bootstrap measured whose slots are nearest, higher or lower by as much as its key switches are.
    fn bootstrap(&self, slots: usize, limbs: usize) -> Result<f64> {
        let known = self.measurements.times("bootstrap").filter_map(|(row, seconds)| Some((row.slots?, seconds)));
        let apart = |a: usize| a.ilog2().abs_diff(slots.ilog2());
        let (_, seconds) =
            known.min_by_key(|&(slots, _)| apart(slots)).context("bench: found no operation `bootstrap`")?;
        Ok(seconds * self.rotate.at(limbs) / self.rotate.at(self.measurements.provenance.main_primes))
    }

    /// Where the figures come from.
    pub fn source(&self) -> String {
        let scaled = match self.ring == 1.0 {
            true => String::new(),
            false => format!("; times {:.2} for this ring", self.ring),
        };
        self.measurements.in_words() + &scaled
    }
}

/// The times of an operation at the lowest and the highest number of primes.
fn ends(measurements: &Measurements, op: &str) -> Result<[(f64, f64); 2]> {
    let mut rows: Vec<(f64, f64)> =
        measurements.times(op).filter_map(|(row, seconds)| Some((row.limbs? as f64, seconds))).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    match rows[..] {
        [first, .., last] if first.0 < last.0 => Ok([first, last]),
        _ => anyhow::bail!("bench: found {} times of `{op}`, wanted two at different numbers of limbs", rows.len()),
    }
}

fn power([(low, fast), (high, slow)]: [(f64, f64); 2]) -> Power {
    Power { seconds: slow, limbs: high, exponent: (slow / fast).ln() / (high / low).ln() }
}

/// Seconds of each step, where they are no more than a help: stored measurements that do not suffice are passed over for
/// the shipped ones, with a warning.
pub fn of_steps(case: &Case, schedule: &[ScheduledStep]) -> Result<Vec<f64>> {
    steps_or_shipped(Measurements::load(case.params.n()), case, schedule)
}

fn steps_or_shipped(stored: Result<Measurements>, case: &Case, schedule: &[ScheduledStep]) -> Result<Vec<f64>> {
    static WARNED: Once = Once::new();
    let ring_dim = case.params.n();
    let steps = |measured: Measurements| Predictor::new(measured, ring_dim)?.steps(case, schedule);
    stored.and_then(steps).or_else(|error| {
        WARNED.call_once(|| eprintln!("warning: {}; took the shipped measurements instead", in_one_line(&error)));
        steps(Measurements::shipped(case.params.n())?)
    })
}

/// Seconds of an image, as [`of_steps`] has them.
pub fn of_image(case: &Case) -> Result<f64> {
    let schedule = case.program.schedule(&case.params)?;
    Ok(of_steps(case, &schedule)?.iter().sum())
}

#[cfg(test)]
mod tests;
