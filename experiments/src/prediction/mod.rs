//! The seconds that a case will take: the counts of its schedule times the measurements of `bench`.
//!
//! `bench` measures key switches at two levels. At other levels and with other special primes, the cost is a power of
//! the number of transforms, through both measurements. Encodings are measured at two levels too. Bootstraps and the
//! activation are measured as a whole. The activation's cost at other levels is in proportion to that of key switches
//! there; a bootstrap's to its counted work, step by step, so that other stages and other digits are predicted too.
//!
//! Measurements of another machine, or of another number of threads, are scaled by a yardstick: the time in which all
//! threads transform a polynomial, here and there.

mod height;
mod machine_factor;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Once;

use anyhow::{Context, Result, ensure};
use fhe_circuits::StepWork;
use fhe_nn::encrypted::{Circuit, Op, Packing, ScheduledStep};
use fhe_nn::{Approximation, Form};
use fhe_ring::Kernels;

use crate::case::Case;
use crate::measurements::Measurements;
use crate::output::in_one_line;
use height::{Height, Heights};

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
    /// Of each bootstrap measured, by its slots: the seconds for each transform of its counted work.
    bootstraps: Vec<(usize, f64)>,
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
        let circuit = Circuit::new(known.ring_dim.trailing_zeros(), &relu, Packing::default(), None)?;
        let (found, wanted) = (known.main_primes, circuit.parameters().main_bits.len());
        ensure!(found == wanted, "bench: found circuits of {found} main primes, wanted {wanted}: measure again");
        let heights = Heights::new(circuit.parameters());
        ensure!((1..=wanted).contains(&limbs), "bench: found {limbs} limbs of `relu`, wanted 1 to {wanted}");
        let height = |limbs: usize| heights.at(limbs.clamp(1, wanted));
        let relu = (seconds, circuit.activation_to(Form::Plain).relinearizations(), height(limbs));
        let power = |[(low, fast), (high, slow)]: [(usize, f64); 2]| {
            let [few, many] = [low, high].map(|limbs| height(limbs).transforms());
            Power { seconds: slow, transforms: many, exponent: (slow / fast).ln() / (many / few).ln() }
        };
        let [rotate, hoisted] = [power(rotate?), power(hoisted?)];
        let measured = measurements.times("bootstrap").filter_map(|(row, seconds)| Some((row.slots?, seconds)));
        let each = |(slots, seconds): (usize, f64)| {
            let work = circuit.bootstrap(slots).work(circuit.max_slots(), wanted);
            Ok((slots, seconds / heights.work(&work.context("bench: bootstrap")?)))
        };
        let bootstraps = measured.map(each).collect::<Result<_>>()?;
        let encode = Encode { slot, prime };
        let machine = None;
        Ok(Self { ring, machine, rotate, hoisted, encode, plain, relu, bootstraps, measurements })
    }

    /// Returns the seconds of each step of a schedule.
    ///
    /// # Errors
    /// Measurements without an operation that the schedule has.
    pub(crate) fn steps(&self, case: &Case, schedule: &[ScheduledStep]) -> Result<Vec<f64>> {
        let seconds = self.steps_of(case.program.circuit(), schedule)?;
        Ok(seconds.into_iter().map(|seconds| seconds * case.time_factor()).collect())
    }

    /// Returns the seconds of each step of a schedule of a circuit.
    ///
    /// # Errors
    /// Those of [`Predictor::steps`].
    pub(crate) fn steps_of(&self, circuit: &Circuit, schedule: &[ScheduledStep]) -> Result<Vec<f64>> {
        let main = circuit.parameters().main_bits.len();
        let slots = schedule.iter().filter(|step| step.op == Op::Bootstrap).map(|step| step.slots);
        let work = |slots| Ok((slots, circuit.bootstrap(slots).work(circuit.max_slots(), main)?));
        let works = slots.collect::<BTreeSet<_>>().into_iter().map(work).collect::<Result<_>>()?;
        self.steps_by_work(circuit, &works, schedule)
    }

    /// Returns the seconds of each step of a schedule of a circuit, whose bootstraps have this work by their slots.
    ///
    /// # Errors
    /// Those of [`Predictor::steps`].
    ///
    /// # Panics
    /// If the work of a bootstrap is missing.
    pub(crate) fn steps_by_work(
        &self,
        circuit: &Circuit,
        works: &BTreeMap<usize, Vec<StepWork>>,
        schedule: &[ScheduledStep],
    ) -> Result<Vec<f64>> {
        let (factor, heights) = (self.ring * self.machine.unwrap_or(1.0), Heights::new(circuit.parameters()));
        let seconds =
            |(&slots, work): (&usize, &Vec<StepWork>)| Ok((slots, self.bootstrap(slots, heights.work(work))?));
        let bootstraps = works.iter().map(seconds).collect::<Result<BTreeMap<_, _>>>()?;
        schedule.iter().map(|step| Ok(factor * self.step(circuit, &heights, &bootstraps, step))).collect()
    }

    /// Returns the seconds of a step. `bootstraps` has those of each number of slots.
    fn step(
        &self,
        circuit: &Circuit,
        heights: &Heights,
        bootstraps: &BTreeMap<usize, f64>,
        step: &ScheduledStep,
    ) -> f64 {
        match step.op {
            Op::Bootstrap => bootstraps[&step.slots],
            Op::Activation => {
                let (seconds, relinearizations, measured) = self.relu;
                let level = circuit.level_before_activation(step.level);
                let higher = self.rotate.at(heights.at(level + 1)) / self.rotate.at(measured);
                seconds * higher * step.relinearizations as f64 / relinearizations as f64
            }
            Op::Convolution | Op::Classifier => {
                // The result is a level below the operand.
                let limbs = step.level + 2;
                // A matrix by baby and giant steps has at most as many diagonals as pairs of them.
                let products = (step.hoisted + 1) * (step.full + 1);
                step.hoisted as f64 * self.hoisted.at(heights.at(limbs))
                    + step.full as f64 * self.rotate.at(heights.at(limbs))
                    + products as f64 * self.product(step.slots, limbs)
            }
        }
    }

    /// Returns the seconds of a diagonal that is encoded, while other threads encode other diagonals, and multiplied.
    fn product(&self, slots: usize, limbs: usize) -> f64 {
        let Encode { slot, prime } = self.encode;
        let known = &self.measurements.provenance;
        // A plaintext of fewer slots is a shorter polynomial modulo each prime as well.
        let share = slots as f64 / (known.ring_dim / 2) as f64;
        slot * slots as f64 / known.threads as f64 + (prime * share + self.plain) * limbs as f64
    }

    /// Returns the seconds of a bootstrap: its counted work at the speed of the one measured at the nearest number of
    /// slots.
    fn bootstrap(&self, slots: usize, work: f64) -> Result<f64> {
        let apart = |known: usize| known.ilog2().abs_diff(slots.ilog2());
        let nearest = self.bootstraps.iter().min_by_key(|(known, _)| apart(*known));
        let (_, seconds) = nearest.context("bench: found no operation `bootstrap`")?;
        Ok(seconds * work)
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
