//! The noise models of simulations: the shipped one, files, and the case that a model belongs to.

use std::path::Path;

use anyhow::{Context, Result};
use fhe_nn::simulated::{CalibratedCase, NoiseModel};

use crate::case::Case;

/// The noise of the default case; the file has its provenance.
const SHIPPED: &str = include_str!("../noise/65536-chebyshev-59-fused.json");

/// Returns the shipped noise model.
///
/// # Errors
/// A file that is not a noise model.
pub(crate) fn shipped() -> Result<NoiseModel> {
    NoiseModel::from_json(SHIPPED).context("experiments/noise")
}

/// Reads a noise model from a file.
///
/// # Errors
/// A file that cannot be read, or is not a noise model.
pub(crate) fn from_file(path: &Path) -> Result<NoiseModel> {
    let json = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    NoiseModel::from_json(&json).with_context(|| path.display().to_string())
}

/// Returns the backend's name in rows: `simulated`, followed by the case of the noise if that is another one.
pub(crate) fn label(model: &NoiseModel, case: &Case) -> String {
    match mismatch(model, case) {
        None => "simulated".to_owned(),
        Some(_) => model.label(),
    }
}

/// Returns in words how `case` differs from the one that the noise was measured on; `None` if it does not.
pub(crate) fn mismatch(model: &NoiseModel, case: &Case) -> Option<String> {
    let (found, wanted) = (&model.provenance.weights_sha256, case.weights_sha256());
    let weights = || {
        (found != wanted).then(|| {
            format!(
                "weights of the noise model: found SHA-256 {found}, wanted {wanted}; `calibrate` makes one for them"
            )
        })
    };
    model.mismatch(&calibrated_case(case)).or_else(weights)
}

/// Returns the properties of a case that its noise depends on.
pub(crate) fn calibrated_case(case: &Case) -> CalibratedCase {
    let literal = case.params.literal();
    CalibratedCase {
        ring_dim: case.described.ring_dim,
        relu: case.described.relu.clone(),
        packing: case.described.packing.clone(),
        main_bits: literal.main_bits.clone(),
        special_bits: literal.special_bits.clone(),
        profile: case.described.profile.clone(),
    }
}
