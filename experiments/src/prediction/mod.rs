//! How long a case will take: the schedule's counts times what `bench` measured.
//!
//! Key switches are measured at two heights; between and beyond them, and over other special primes, a cost follows the
//! power of the transforms that goes through both. Encodings are measured at two heights as well, bootstraps and the
//! activation whole: these cost more or less as the key switches at their heights do.

mod measurements;

use std::sync::Once;

use anyhow::{Context, Result};
use fhe_nn::encrypted::{Circuit, Op, Packing, ScheduledStep};
use fhe_nn::{Approximation, Form};

use crate::case::Case;
use crate::output::in_one_line;
use measurements::Provenance;
pub use measurements::{Measurements, save, saved};

/// Predicts seconds from a run of `bench`.
pub struct Predictor {
    measurements: Measurements,
    /// Times that another ring takes: its dimension times log2 of that, over the same of the ring measured.
    ring: f64,
    rotate: Power,
    hoisted: Power,
    encode: Encode,
    /// A ciphertext times an encoded vector, by primes of low ciphertexts.
    plain: f64,
    /// The activation measured: seconds, relinearizations, height of its operand.
    relu: (f64, usize, Height),
    /// Primes that the bootstraps measured leave.
    bootstrapped: usize,
}

/// Where a key switch happens.
#[derive(Clone, Copy, Debug)]
struct Height {
    /// Main primes of its operand.
    limbs: usize,
    /// Special primes.
    special: usize,
}

impl Height {
    /// Transforms of a key switch: each digit to all primes, and the result back to the special primes and down. A key has
    /// no more special primes than it needs.
    fn transforms(self) -> f64 {
        let special = self.special.min(self.limbs);
        ((self.limbs.div_ceil(special) + 2) * (self.limbs + special)) as f64
    }
}

/// A cost c·transformsᵉ through two measurements.
#[derive(Clone, Copy, Debug)]
struct Power {
    seconds: f64,
    transforms: f64,
    exponent: f64,
}

impl Power {
    fn at(self, height: Height) -> f64 {
        self.seconds * (height.transforms() / self.transforms).powf(self.exponent)
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
        let [rotate, hoisted, encode, plain] =
            ["rotate", "rotate_hoisted", "encode", "multiply_plain"].map(|op| ends(&measurements, op));
        let [(limbs, plain), _] = plain?;
        let plain = plain / limbs as f64;
        let [(low, fast), (high, slow)] = encode?;
        let prime = (slow - fast) / (high - low) as f64;
        let slot = (fast - prime * low as f64).max(0.0) / (known.ring_dim / 2) as f64;
        let (row, seconds) = measurements.times("relu").next().context("bench: found no operation `relu`")?;
        let limbs = row.limbs.context("bench: found no limbs of `relu`")?;
        let relu: Approximation = known.relu.parse().context("bench: relu")?;
        let circuit = Circuit::new(known.ring_dim.trailing_zeros(), &relu, Packing::default())?;
        let height = |limbs| Height { limbs, special: known.special_primes };
        let relu = (seconds, circuit.activation_to(Form::Plain).relinearizations(), height(limbs));
        let power = |[(low, fast), (high, slow)]: [(usize, f64); 2]| {
            let [few, many] = [low, high].map(|limbs| height(limbs).transforms());
            Power { seconds: slow, transforms: many, exponent: (slow / fast).ln() / (many / few).ln() }
        };
        let [rotate, hoisted] = [power(rotate?), power(hoisted?)];
        let bootstrapped = circuit.activation_level + 1;
        Ok(Self { ring, rotate, hoisted, encode: Encode { slot, prime }, plain, relu, bootstrapped, measurements })
    }

    /// Seconds of each step of a schedule.
    pub fn steps(&self, case: &Case, schedule: &[ScheduledStep]) -> Result<Vec<f64>> {
        schedule.iter().map(|step| Ok(self.ring * self.step(case, step)?)).collect()
    }

    fn step(&self, case: &Case, step: &ScheduledStep) -> Result<f64> {
        let special = case.params.literal().special_bits.len();
        let height = |limbs| Height { limbs, special };
        let bootstrapped = case.program.circuit().activation_level + 1;
        Ok(match step.op {
            Op::Bootstrap => {
                let heights = (bootstrapped..=case.params.max_level() + 1).map(height);
                self.bootstrap(step.slots, heights)?
            }
            Op::Activation => {
                let (seconds, relinearizations, measured) = self.relu;
                let higher = self.rotate.at(height(bootstrapped)) / self.rotate.at(measured);
                seconds * higher * step.relinearizations as f64 / relinearizations as f64
            }
            Op::Convolution | Op::Classifier => {
                // The result is a level below the operand.
                let limbs = step.level + 2;
                // A matrix by baby and giant steps has at most as many diagonals as pairs of them.
                let products = (step.hoisted + 1) * (step.full + 1);
                step.hoisted as f64 * self.hoisted.at(height(limbs))
                    + step.full as f64 * self.rotate.at(height(limbs))
                    + products as f64 * self.product(step.slots, limbs)
            }
        })
    }

    /// A diagonal encoded, while other threads encode others, and multiplied.
    fn product(&self, slots: usize, limbs: usize) -> f64 {
        let Encode { slot, prime } = self.encode;
        let known = &self.measurements.provenance;
        // A plaintext of fewer slots is a shorter polynomial modulo each prime as well.
        let share = slots as f64 / (known.ring_dim / 2) as f64;
        slot * slots as f64 / known.threads as f64 + (prime * share + self.plain) * limbs as f64
    }

    /// The bootstrap measured whose slots are nearest, times what key switches at these heights take over what they take
    /// at those that it went through.
    fn bootstrap(&self, slots: usize, heights: impl Iterator<Item = Height>) -> Result<f64> {
        let known = self.measurements.times("bootstrap").filter_map(|(row, seconds)| Some((row.slots?, seconds)));
        let apart = |a: usize| a.ilog2().abs_diff(slots.ilog2());
        let (_, seconds) =
            known.min_by_key(|&(slots, _)| apart(slots)).context("bench: found no operation `bootstrap`")?;
        let Provenance { main_primes, special_primes: special, .. } = self.measurements.provenance;
        let measured = (self.bootstrapped..=main_primes).map(|limbs| Height { limbs, special });
        let transforms = |sum: f64, height: Height| sum + height.transforms();
        Ok(seconds * heights.fold(0.0, transforms) / measured.fold(0.0, transforms))
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
fn ends(measurements: &Measurements, op: &str) -> Result<[(usize, f64); 2]> {
    let mut rows: Vec<(usize, f64)> =
        measurements.times(op).filter_map(|(row, seconds)| Some((row.limbs?, seconds))).collect();
    rows.sort_by_key(|&(limbs, _)| limbs);
    match rows[..] {
        [first, .., last] if first.0 < last.0 => Ok([first, last]),
        _ => anyhow::bail!("bench: found {} times of `{op}`, wanted two at different numbers of limbs", rows.len()),
    }
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

/// Where predictions for a ring dimension come from; the shipped measurements where stored ones do not suffice.
pub fn source(ring_dim: usize) -> Result<String> {
    let shipped = |_| Predictor::new(Measurements::shipped(ring_dim)?, ring_dim);
    Ok(Predictor::load(ring_dim).or_else(shipped)?.source())
}

/// Seconds of an image, as [`of_steps`] has them.
pub fn of_image(case: &Case) -> Result<f64> {
    let schedule = case.program.schedule(&case.params)?;
    Ok(of_steps(case, &schedule)?.iter().sum())
}

#[cfg(test)]
mod tests;
