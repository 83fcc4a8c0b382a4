//! The encrypted circuit in the clear: the same polynomial on the sine of the same values divided by the same ranges,
//! and after each step the noise that the step has under encryption.
//!
//! [`Calibration`] takes that noise from decrypted values, [`NoiseModel`] keeps it with its provenance, and
//! [`Simulator`] adds it. Only the noise that a step makes itself is drawn. The step's effect on the noise of earlier
//! steps comes from evaluating it.
#![doc = include_str!("../../docs/simulation.md")]

mod calibration;
mod clear;
mod gaussian;
mod model;
mod simulator;
mod table;
mod tabulated;
#[cfg(test)]
mod tests;

pub use calibration::Calibration;
pub use model::{CalibratedCase, Noise, NoiseModel, Provenance};
pub use simulator::Simulator;
