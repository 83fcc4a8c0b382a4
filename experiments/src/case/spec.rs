//! What names a case: ring dimension, activation, packing. The one place where they are read from text.

use std::fmt;
use std::str::FromStr;

use anyhow::{Error, Result, bail, ensure};
use fhe_nn::Approximation;
use fhe_nn::encrypted::{Circuit, Packing};

/// One cell of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseSpec {
    /// N.
    pub ring_dim: usize,
    /// What stands for ReLU.
    pub relu: Approximation,
    /// How values stand in the slots.
    pub packing: Packing,
}

/// What stands for ReLU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relu {
    /// ReLU itself; in cleartext alone.
    Exact,
    /// What polynomials can do.
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
    /// Fails for what only cleartext can evaluate.
    pub fn encryptable(self) -> Result<Approximation> {
        match self {
            Self::Exact => bail!("not a polynomial; wanted {}", Approximation::NAMES),
            Self::Approximate(approximation) => Ok(approximation),
        }
    }
}

/// Fails unless a ring of dimension `n` has `slots` slots and is one that parameters exist for.
pub fn check_ring_dim(n: usize, slots: usize) -> Result<()> {
    let largest = Circuit::LOG_RING_DIMS.into_iter().max().unwrap_or(0);
    ensure!(n.is_power_of_two(), "not a power of two; wanted {}", Circuit::ring_dims());
    ensure!(
        n >= 2 * slots,
        "too small, found {} slots, wanted the {slots} of the widest layer; use {} or more",
        n / 2,
        2 * slots
    );
    ensure!(n <= 1 << largest, "too large; wanted {}", Circuit::ring_dims());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_is_for_cleartext_alone() {
        for text in ["exact", "chebyshev:59"] {
            assert_eq!(text.parse::<Relu>().unwrap().to_string(), text);
        }
        assert!("exact".parse::<Relu>().unwrap().encryptable().is_err());
        assert_eq!("square".parse::<Relu>().unwrap().encryptable().unwrap(), Approximation::Square);
    }
}
