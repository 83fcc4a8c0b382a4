//! The settings of a case: ring dimension, activation, packing. The one place that reads them from text.

use std::fmt;
use std::str::FromStr;

use anyhow::{Error, Result, bail, ensure};
use fhe_nn::Approximation;
use fhe_nn::encrypted::{Circuit, Packing};

/// The ring dimensions that parameters exist for.
pub(super) const RINGS: [usize; 3] = {
    let [first, second, last] = Circuit::LOG_RING_DIMS;
    [1 << first, 1 << second, 1 << last]
};

/// The settings of a case: a cell of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CaseSpec {
    /// The ring dimension N.
    pub ring_dim: usize,
    /// The polynomial that replaces ReLU.
    pub relu: Approximation,
    /// How the slots of a ciphertext hold the values of an image.
    pub packing: Packing,
}

/// The activation of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Relu {
    /// ReLU itself, which only cleartext can evaluate.
    Exact,
    /// A polynomial, or a composite of some.
    Approximate(Approximation),
}

impl FromStr for Relu {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(if text == "exact" { Self::Exact } else { Self::Approximate(text.parse()?) })
    }
}

impl fmt::Display for Relu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => f.write_str("exact"),
            Self::Approximate(approximation) => approximation.fmt(f),
        }
    }
}

impl Relu {
    /// Returns the polynomial.
    ///
    /// # Errors
    /// ReLU itself, which only cleartext can evaluate.
    pub(crate) fn encryptable(self) -> Result<Approximation> {
        match self {
            Self::Exact => bail!("not a polynomial; wanted {}", Approximation::NAMES),
            Self::Approximate(approximation) => Ok(approximation),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cleartext_can_be_exact() {
        for text in ["exact", "chebyshev:59"] {
            assert_eq!(text.parse::<Relu>().unwrap().to_string(), text);
        }
        assert!("exact".parse::<Relu>().unwrap().encryptable().is_err());
        assert_eq!("square".parse::<Relu>().unwrap().encryptable().unwrap(), Approximation::Square);
    }
}
