//! The encrypted circuit in cleartext: the same polynomial on the sine of the same values divided by the same ranges, and
//! after each step the noise that the step had when it was encrypted.
//!
//! [`Calibration`] takes that noise from decrypted values, [`NoiseModel`] keeps it with its provenance, [`Simulator`] adds
//! it. What a step does to the noise of the steps before it comes from evaluating it, not from a model: only the noise that
//! a step makes itself is drawn. How near that comes: `docs/simulation.md`.

mod calibration;
mod gaussian;
mod model;
mod simulator;
mod steps;
mod table;
#[cfg(test)]
mod tests;

pub use calibration::Calibration;
pub use model::{CalibratedCase, Noise, NoiseModel, Provenance};
pub use simulator::Simulator;
