//! The noise of each step of the encrypted circuit, with its provenance.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::encrypted::{Op, ScheduledStep};

/// Noise by operation, calibrated from encrypted images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseModel {
    /// The case that was encrypted.
    pub case: CalibratedCase,
    /// Where the noise was measured.
    pub provenance: Provenance,
    /// One entry for each operation and slot count of the circuit.
    pub noise: Vec<Noise>,
}

/// Everything that the noise of a circuit depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibratedCase {
    /// N.
    pub ring_dim: usize,
    /// The activation, such as `chebyshev:59`.
    pub relu: String,
    /// The packing.
    pub packing: String,
    /// Sizes of the main primes in bits, from the bottom of the chain up.
    pub main_bits: Vec<u32>,
    /// Sizes of the special primes.
    pub special_bits: Vec<u32>,
    /// Name and digest of the circuit's profile; `None` for a shipped one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// The origin of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The command that ran.
    pub command: String,
    /// SHA-256 of the case, parameters and ranges as JSON.
    pub config_sha256: String,
    /// SHA-256 of the network's weights.
    pub weights_sha256: String,
    /// Revision of the sources.
    pub revision: Option<String>,
    /// The date of the run, RFC 3339.
    pub date: String,
    /// Seed of keys and noise; `None` for the operating system's randomness.
    pub seed: Option<u64>,
    /// The images encrypted.
    pub images: Vec<String>,
    /// Number of decrypted steps, over all images.
    pub rows: usize,
}

/// The noise of an operation: its decrypted result minus the operation in the clear on its decrypted operands. It is
/// described by a line over the exact result, and by the standard deviation beside the line.
///
/// Values are divided by the range of their step, so that the activation's interval is [−1, 1], and are read out of the
/// form in which slots hold them. The classifier's values are logits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// The operation.
    pub op: Op,
    /// Slots of the result.
    pub slots: usize,
    /// The slope of the line. Like its height it is small, but neither averages out where many values are summed.
    pub gain: f64,
    /// The height of the line at 0.
    pub mean: f64,
    /// The standard deviation beside the line, over all steps of this kind.
    pub deviation: f64,
    /// The standard deviation beside its line of the quietest step of this kind.
    pub least: f64,
    /// The standard deviation beside its line of the loudest step of this kind.
    pub most: f64,
    /// Excess kurtosis of the noise: 0 for a normal distribution, large if few slots carry much of the noise.
    pub kurtosis: f64,
    /// Largest magnitude.
    pub largest: f64,
    /// Number of values measured.
    pub values: usize,
    /// Number of values left out because they lay outside the interval.
    pub outside: usize,
}

impl NoiseModel {
    /// The model in a JSON text.
    ///
    /// # Errors
    /// [`Error::NoiseModel`] if a field is missing, unknown or of another type; [`Error::BadNoise`] if noise is not
    /// finite.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let model: Self = serde_json::from_str(json).map_err(Error::NoiseModel)?;
        let usable = |noise: &Noise| {
            let numbers = [noise.deviation, noise.least, noise.mean, noise.gain];
            noise.deviation >= 0.0 && noise.least >= 0.0 && numbers.iter().all(|number| number.is_finite())
        };
        match model.noise.iter().find(|noise| !usable(noise)) {
            Some(&Noise { op, slots, gain, mean, deviation, .. }) => {
                Err(Error::BadNoise { op: name(op), slots, gain, mean, deviation })
            }
            None => Ok(model),
        }
    }

    /// The difference between `case` and the calibrated case, in words; `None` if there is none.
    pub fn mismatch(&self, case: &CalibratedCase) -> Option<String> {
        let known = &self.case;
        let profile = |case: &CalibratedCase| case.profile.clone().unwrap_or_else(|| "a shipped one".to_owned());
        let pairs = [
            ("ring dimension", known.ring_dim.to_string(), case.ring_dim.to_string()),
            ("activation", known.relu.clone(), case.relu.clone()),
            ("packing", known.packing.clone(), case.packing.clone()),
            ("main primes", format!("{:?}", known.main_bits), format!("{:?}", case.main_bits)),
            ("special primes", format!("{:?}", known.special_bits), format!("{:?}", case.special_bits)),
            ("profile", profile(known), profile(case)),
        ];
        let (what, found, wanted) = pairs.into_iter().find(|(_, found, wanted)| found != wanted)?;
        Some(format!("{what} of the noise model: found {found}, wanted {wanted}; `calibrate` makes one for this case"))
    }

    /// The stamp of results: `simulated with noise of 65536-chebyshev:59-fused`.
    pub fn label(&self) -> String {
        let CalibratedCase { ring_dim, relu, packing, profile, .. } = &self.case;
        let profile = profile.as_ref().map_or(String::new(), |profile| format!("-{profile}"));
        format!("simulated with noise of {ring_dim}-{relu}-{packing}{profile}")
    }

    /// The noise of each step of a schedule.
    ///
    /// The first step, a convolution of a fresh ciphertext, has the noise of the quietest convolution: the copies of its
    /// input are equal. Copies of later inputs differ by their noise, which counts as that of a convolution they share.
    ///
    /// # Errors
    /// [`Error::MissingNoise`] for a step whose operation and slot count the model does not have.
    pub(super) fn of_steps(&self, schedule: &[ScheduledStep]) -> Result<Vec<StepNoise>, Error> {
        let of = |(index, step): (usize, &ScheduledStep)| {
            let known = self.noise.iter().find(|noise| (noise.op, noise.slots) == (step.op, step.slots));
            let known = known.ok_or_else(|| Error::MissingNoise { op: name(step.op), slots: step.slots })?;
            let deviation = if index == 0 { known.least } else { known.deviation };
            Ok(StepNoise { gain: known.gain, mean: known.mean, deviation })
        };
        schedule.iter().enumerate().map(of).collect()
    }
}

/// The noise that a step draws, as a line over the values and a deviation beside it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StepNoise {
    pub gain: f64,
    pub mean: f64,
    pub deviation: f64,
}

fn name(op: Op) -> String {
    format!("{op:?}").to_lowercase()
}
