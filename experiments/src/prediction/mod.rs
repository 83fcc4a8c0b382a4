//! The seconds that a case will take: the counts of its schedule times the measurements of `bench`.
//!
//! `bench` measures key switches at two levels. At other levels and with other special primes, the cost is a power of
//! the number of transforms, through both measurements. Encodings are measured at two levels too. Bootstraps and the
//! activation are measured as a whole; their cost at other levels is in proportion to that of key switches there.
//!
//! Measurements of another machine, or of another number of threads, are scaled by a yardstick: the time in which all
//! threads transform a polynomial, here and there.

mod machine_factor;
mod measurements;

use std::sync::Once;

use anyhow::{Context, Result, ensure};
use fhe_circuits::eval_mod::EvalMod;
use fhe_ckks::Parameters;
use fhe_nn::encrypted::{Circuit, Op, Packing, ScheduledStep};
use fhe_nn::{Approximation, Form};
use fhe_ring::Kernels;

use crate::case::Case;
use crate::output::in_one_line;
pub(crate) use measurements::{Measurements, save, saved};

/// Predicts seconds from a run of `bench`.
pub(crate) struct Predictor {
    measurements: Measurements,
    /// N·log2 N of the ring over that of the ring measured.
    ring: f64,
    /// The time that this machine takes over that of the machine measured; `None` if it is that machine.
    machine: Option<f64>,
    rotate: Power,
    hoisted: Power,
    encode: Encode,
    /// Seconds of a ciphertext times an encoded vector for each prime of the ciphertext, at a low level.
    plain: f64,
    /// The activation measured: its seconds, its relinearizations, the height of its operand.
    relu: (f64, usize, Height),
    /// Transforms of key switches at every height of the bootstraps measured.
    bootstrapped: f64,
    /// Relinearizations of the bootstraps measured.
    relinearizations: usize,
}

/// The modulus of a key switch.
#[derive(Clone, Copy, Debug)]
struct Height {
    /// Main primes of its operand.
    limbs: usize,
    /// Special primes of the key.
    special: usize,
    /// Digits of the key.
    digits: usize,
}

impl Height {
    /// Returns the modulus of a key for operands of so many primes.
    fn of(params: &Parameters, limbs: usize) -> Self {
        let shape = params.key_shape(limbs - 1);
        Self { limbs, special: shape.special, digits: shape.digits() }
    }

    /// Returns the number of transforms of a key switch: of each digit to all primes, then of the result back to the
    /// special primes and down.
    fn transforms(self) -> f64 {
        ((self.digits + 2) * (self.limbs + self.special)) as f64
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

/// The seconds of an encoding: a part for each slot, on one thread, and a part for each prime, on all threads.
#[derive(Clone, Copy, Debug)]
struct Encode {
    slot: f64,
    prime: f64,
}

impl Predictor {
    /// Returns a predictor for this ring dimension and these kernels, from the best measurements that there are. Unless
    /// this machine measured them, they are scaled by its yardstick, which is measured once and takes a fraction of a
    /// second.
    ///
    /// # Errors
    /// Stored measurements that cannot be read or do not suffice.
    pub(crate) fn load(ring_dim: usize, kernels: Kernels) -> Result<Self> {
        Self::on_this_machine(Measurements::load(ring_dim, kernels)?, ring_dim, kernels)
    }

    fn on_this_machine(measurements: Measurements, ring_dim: usize, kernels: Kernels) -> Result<Self> {
        let machine = machine_factor::of(&measurements, kernels);
        Ok(Self { machine, ..Self::new(measurements, ring_dim)? })
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
        let params = Parameters::try_from(circuit.parameters().clone())?;
        let (found, wanted) = (known.main_primes, params.max_level() + 1);
        ensure!(found == wanted, "bench: found circuits of {found} main primes, wanted {wanted}: measure again");
        let height = |limbs| Height::of(&params, limbs);
        let relu = (seconds, circuit.activation_to(Form::Plain).relinearizations(), height(limbs));
        let power = |[(low, fast), (high, slow)]: [(usize, f64); 2]| {
            let [few, many] = [low, high].map(|limbs| height(limbs).transforms());
            Power { seconds: slow, transforms: many, exponent: (slow / fast).ln() / (many / few).ln() }
        };
        let [rotate, hoisted] = [power(rotate?), power(hoisted?)];
        let bootstrapped = (circuit.activation_level + 1..=wanted).map(|limbs| height(limbs).transforms()).sum();
        let literal = circuit.bootstrap(circuit.max_slots());
        let relinearizations = EvalMod::new(literal.eval_mod, literal.message_ratio)?.relinearizations();
        let encode = Encode { slot, prime };
        let machine = None;
        Ok(Self { ring, machine, rotate, hoisted, encode, plain, relu, bootstrapped, relinearizations, measurements })
    }

    /// Returns the seconds of each step of a schedule.
    ///
    /// # Errors
    /// Measurements without an operation that the schedule has.
    pub(crate) fn steps(&self, case: &Case, schedule: &[ScheduledStep]) -> Result<Vec<f64>> {
        let factor = self.ring * self.machine.unwrap_or(1.0) * case.time_factor();
        schedule.iter().map(|step| Ok(factor * self.step(case, step)?)).collect()
    }

    fn step(&self, case: &Case, step: &ScheduledStep) -> Result<f64> {
        let height = |limbs| Height::of(&case.params, limbs);
        let bootstrapped = case.program.circuit().activation_level + 1;
        Ok(match step.op {
            Op::Bootstrap => {
                let top = case.params.max_level() + 1;
                // Where the imaginary parts hold images too, each part goes through EvalMod.
                let more = step.relinearizations.saturating_sub(self.relinearizations);
                let seconds = self.bootstrap(step.slots, (bootstrapped..=top).map(height))?;
                seconds + more as f64 * self.rotate.at(height((bootstrapped + top) / 2))
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

    /// Returns the seconds of a diagonal that is encoded, while other threads encode other diagonals, and multiplied.
    fn product(&self, slots: usize, limbs: usize) -> f64 {
        let Encode { slot, prime } = self.encode;
        let known = &self.measurements.provenance;
        // A plaintext of fewer slots is a shorter polynomial modulo each prime as well.
        let share = slots as f64 / (known.ring_dim / 2) as f64;
        slot * slots as f64 / known.threads as f64 + (prime * share + self.plain) * limbs as f64
    }

    /// Returns the seconds of a bootstrap: those measured at the nearest number of slots, in proportion to the
    /// transforms of key switches at the heights of both bootstraps.
    fn bootstrap(&self, slots: usize, heights: impl Iterator<Item = Height>) -> Result<f64> {
        let known = self.measurements.times("bootstrap").filter_map(|(row, seconds)| Some((row.slots?, seconds)));
        let apart = |a: usize| a.ilog2().abs_diff(slots.ilog2());
        let (_, seconds) =
            known.min_by_key(|&(slots, _)| apart(slots)).context("bench: found no operation `bootstrap`")?;
        Ok(seconds * heights.map(Height::transforms).sum::<f64>() / self.bootstrapped)
    }

    /// Returns the origin of the figures in words.
    pub(crate) fn source(&self) -> String {
        let mut words = self.measurements.in_words();
        if let Some(factor) = self.machine {
            words += &format!("; scaled by {factor} by this machine's yardstick");
        }
        if self.ring != 1.0 {
            words += &format!("; times {:.2} for this ring", self.ring);
        }
        words
    }
}

/// Returns the limbs and the seconds of an operation at its lowest and its highest number of limbs.
fn ends(measurements: &Measurements, op: &str) -> Result<[(usize, f64); 2]> {
    let mut rows: Vec<(usize, f64)> =
        measurements.times(op).filter_map(|(row, seconds)| Some((row.limbs?, seconds))).collect();
    rows.sort_by_key(|&(limbs, _)| limbs);
    match rows[..] {
        [first, .., last] if first.0 < last.0 => Ok([first, last]),
        _ => anyhow::bail!("bench: found {} times of `{op}`, wanted two at different numbers of limbs", rows.len()),
    }
}

/// Returns the seconds of each step for a progress bar. Stored measurements that do not suffice are replaced by the
/// shipped ones, with a warning.
///
/// # Errors
/// Shipped measurements that do not suffice.
pub(crate) fn of_steps(case: &Case, schedule: &[ScheduledStep]) -> Result<Vec<f64>> {
    let kernels = case.params.ring().kernels();
    steps_or_shipped(Measurements::load(case.params.n(), kernels), case, schedule)
}

fn steps_or_shipped(stored: Result<Measurements>, case: &Case, schedule: &[ScheduledStep]) -> Result<Vec<f64>> {
    static WARNED: Once = Once::new();
    let (ring_dim, kernels) = (case.params.n(), case.params.ring().kernels());
    let steps = |measured: Measurements| Predictor::on_this_machine(measured, ring_dim, kernels)?.steps(case, schedule);
    stored.and_then(steps).or_else(|error| {
        WARNED.call_once(|| eprintln!("warning: {}; the shipped measurements are used instead", in_one_line(&error)));
        steps(Measurements::shipped(ring_dim, kernels.name())?)
    })
}

/// Returns the origin of predictions for a ring dimension in words. Stored measurements that do not suffice are
/// replaced by the shipped ones.
///
/// # Errors
/// Shipped measurements that do not suffice.
pub(crate) fn source(ring_dim: usize, kernels: Kernels) -> Result<String> {
    let shipped = |_| Predictor::on_this_machine(Measurements::shipped(ring_dim, kernels.name())?, ring_dim, kernels);
    Ok(Predictor::load(ring_dim, kernels).or_else(shipped)?.source())
}

/// Returns the seconds of an image: the sum of [`of_steps`].
///
/// # Errors
/// Those of [`of_steps`].
pub(crate) fn of_image(case: &Case) -> Result<f64> {
    Ok(of_steps(case, &case.plan.steps)?.iter().sum())
}

#[cfg(test)]
mod tests;
