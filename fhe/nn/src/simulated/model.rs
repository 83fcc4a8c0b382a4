//! How much noise each step of the encrypted circuit makes, and where that is known from.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::encrypted::{Op, ScheduledStep};

/// Noise by operation, calibrated from encrypted images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseModel {
    /// What was encrypted.
    pub case: CalibratedCase,
    /// How the noise is known.
    pub provenance: Provenance,
    /// One entry for each operation and slot count of the circuit.
    pub noise: Vec<Noise>,
}

/// What the noise of a circuit depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibratedCase {
    /// N.
    pub ring_dim: usize,
    /// The activation, such as `chebyshev:59`.
    pub relu: String,
    /// How values stand in the slots.
    pub packing: String,
    /// Sizes of the main primes in bits, from the bottom of the chain up.
    pub main_bits: Vec<u32>,
    /// Sizes of the special primes.
    pub special_bits: Vec<u32>,
}

/// Where a model comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The command that ran.
    pub command: String,
    /// SHA-256 of what decides the noise, as JSON: the case, parameters and ranges.
    pub config_sha256: String,
    /// SHA-256 of the network's weights.
    pub weights_sha256: String,
    /// Revision of the sources.
    pub revision: Option<String>,
    /// When it ran, RFC 3339.
    pub date: String,
    /// Seed of keys and noise; `None` for the operating system's randomness.
    pub seed: Option<u64>,
    /// The images encrypted.
    pub images: Vec<String>,
    /// Steps decrypted, over all images.
    pub rows: usize,
}

/// What one operation adds to its result: decrypted, minus the operation in the clear on its decrypted operands. A line
/// through that, over what the result should be, and what is left beside the line, as noise.
///
/// In slot units: values divided by the range of their step, so that the activation's interval is [−1, 1]. A bootstrapped
/// value counts as what it stands for. The classifier's are logits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// The operation.
    pub op: Op,
    /// Slots of the result.
    pub slots: usize,
    /// The line's slope. Small, as its height, but neither averages out where many values are summed.
    pub gain: f64,
    /// The line's height at 0.
    pub mean: f64,
    /// The standard deviation beside the line, over all steps of this kind.
    pub deviation: f64,
    /// The same of the quietest step alone.
    pub least: f64,
    /// And of the loudest.
    pub most: f64,
    /// Excess kurtosis of the whole: 0 for a normal distribution, large where few slots carry much of the noise.
    pub kurtosis: f64,
    /// Largest magnitude.
    pub largest: f64,
    /// Values that all this is taken from.
    pub values: usize,
    /// Values passed over, as they lay outside the interval.
    pub outside: usize,
}

impl NoiseModel {
    /// Reads a model.
    ///
    /// # Errors
    /// [`Error::NoiseModel`] where a field is missing, unknown or of another type; [`Error::BadNoise`].
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let model: Self = serde_json::from_str(json).map_err(Error::NoiseModel)?;
        let usable = |noise: &Noise| {
            noise.deviation >= 0.0 && [noise.deviation, noise.mean, noise.gain].iter().all(|number| number.is_finite())
        };
        match model.noise.iter().find(|noise| !usable(noise)) {
            Some(&Noise { op, slots, gain, mean, deviation, .. }) => {
                Err(Error::BadNoise { op: name(op), slots, gain, mean, deviation })
            }
            None => Ok(model),
        }
    }

    /// How `case` differs from the one calibrated, in words; `None` if it does not.
    pub fn mismatch(&self, case: &CalibratedCase) -> Option<String> {
        let known = &self.case;
        let pairs = [
            ("ring dimension", known.ring_dim.to_string(), case.ring_dim.to_string()),
            ("activation", known.relu.clone(), case.relu.clone()),
            ("packing", known.packing.clone(), case.packing.clone()),
            ("main primes", format!("{:?}", known.main_bits), format!("{:?}", case.main_bits)),
            ("special primes", format!("{:?}", known.special_bits), format!("{:?}", case.special_bits)),
        ];
        let (what, found, wanted) = pairs.into_iter().find(|(_, found, wanted)| found != wanted)?;
        Some(format!("{what} of the noise model: found {found}, wanted {wanted}; `calibrate` makes one for this case"))
    }

    /// What to stamp results with: `simulated with noise of 65536-chebyshev:59-fused`.
    pub fn label(&self) -> String {
        let CalibratedCase { ring_dim, relu, packing, .. } = &self.case;
        format!("simulated with noise of {ring_dim}-{relu}-{packing}")
    }

    /// The noise of each step of a schedule.
    ///
    /// # Errors
    /// [`Error::MissingNoise`].
    pub(super) fn of_steps(&self, schedule: &[ScheduledStep]) -> Result<Vec<Own>, Error> {
        let of = |step: &ScheduledStep| {
            let known = self.noise.iter().find(|noise| (noise.op, noise.slots) == (step.op, step.slots));
            let known = known.ok_or_else(|| Error::MissingNoise { op: name(step.op), slots: step.slots })?;
            Ok(Own { gain: known.gain, mean: known.mean, deviation: known.deviation })
        };
        schedule.iter().map(of).collect()
    }
}

/// What is drawn for a step.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Own {
    pub gain: f64,
    pub mean: f64,
    pub deviation: f64,
}

fn name(op: Op) -> String {
    format!("{op:?}").to_lowercase()
}
