//! The settings of a case: ring dimension, activation, packing, profile.

use anyhow::{Result, ensure};
use fhe_ckks::CkksError;
use fhe_nn::Approximation;
use fhe_nn::encrypted::{Circuit, Packing};

use super::AskedProfile;

/// The ring dimensions that parameters exist for.
pub(crate) const RINGS: [usize; 3] = {
    let [first, second, last] = Circuit::LOG_RING_DIMS;
    [1 << first, 1 << second, 1 << last]
};

/// The settings of a case: a cell of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CaseSpec {
    /// The ring dimension N.
    pub ring_dim: usize,
    /// The polynomial that replaces ReLU.
    pub relu: Approximation,
    /// How the slots of a ciphertext hold the values of an image.
    pub packing: Packing,
    /// The profile of the circuit; `None` for the most precise shipped one that the ring has room for.
    pub profile: Option<AskedProfile>,
}

impl CaseSpec {
    /// Returns the circuit. If it cannot have 128 bits of security and `insecure` allows that, returns the circuit of
    /// the smallest larger ring that holds it, in the ring of the case.
    ///
    /// # Errors
    /// A modulus over the limit.
    pub(super) fn circuit(&self, insecure: bool) -> Result<Circuit, CkksError> {
        let make = if insecure { Circuit::secure_or_not } else { Circuit::new };
        let profile = self.profile.as_ref().map(|asked| &asked.profile);
        make(self.ring_dim.trailing_zeros(), &self.relu, self.packing, profile)
    }

    /// Returns whether the case can run only with `insecure = true`.
    pub(crate) fn is_insecure(&self) -> bool {
        self.circuit(true).is_ok_and(|circuit| circuit.parameters().insecure)
    }
}

/// Fails for a dimension that no parameters exist for and that a network of few slots could not have either.
///
/// # Errors
/// The dimensions wanted.
pub(crate) fn check_ring(n: usize) -> Result<()> {
    let [first, second, last] = RINGS;
    ensure!(n.is_power_of_two(), "not a power of two; wanted {first}, {second} or {last}");
    ensure!(n <= last, "too large; wanted {first}, {second} or {last}");
    Ok(())
}

/// Fails unless parameters exist for the ring dimension `n` and it has `slots` slots.
///
/// # Errors
/// The dimensions or the slots wanted.
pub(crate) fn check_ring_dim(n: usize, slots: usize) -> Result<()> {
    check_ring(n)?;
    let (found, least) = (n / 2, 2 * slots);
    ensure!(
        found >= slots,
        "too small, found {found} slots, wanted the {slots} of the widest layer; use {least} or more"
    );
    Ok(())
}
