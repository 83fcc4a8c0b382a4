//! What names a case: ring dimension, activation, packing. The one place where they are read from text.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use anyhow::{Context, Error, Result, bail, ensure};
use fhe_nn::encrypted::Packing;

/// Degrees that the circuits are meant for.
const DEGREES: RangeInclusive<usize> = 2..=1023;

/// One cell of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseSpec {
    /// N.
    pub ring_dim: usize,
    /// What stands for ReLU.
    pub relu: Relu,
    /// How values stand in the slots.
    pub packing: Packing,
}

/// What stands for ReLU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relu {
    /// ReLU itself; in cleartext alone.
    Exact,
    /// Its Chebyshev interpolant.
    Chebyshev {
        /// Degree of the polynomial.
        degree: usize,
    },
}

impl FromStr for Relu {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "exact" {
            return Ok(Self::Exact);
        }
        let Some(("chebyshev", degree)) = text.split_once(':') else {
            bail!("unknown activation; wanted chebyshev:DEGREE, such as chebyshev:59");
        };
        let known = degree.parse().ok().filter(|degree| DEGREES.contains(degree));
        let (least, most) = (DEGREES.start(), DEGREES.end());
        let degree =
            known.with_context(|| format!("found degree '{degree}', wanted a whole number from {least} to {most}"))?;
        Ok(Self::Chebyshev { degree })
    }
}

impl fmt::Display for Relu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => f.write_str("exact"),
            Self::Chebyshev { degree } => write!(f, "chebyshev:{degree}"),
        }
    }
}

impl Relu {
    /// Fails for what only cleartext can evaluate.
    pub fn encryptable(self) -> Result<Self> {
        ensure!(self != Self::Exact, "not a polynomial; wanted chebyshev:DEGREE, such as chebyshev:59");
        Ok(self)
    }
}

/// Fails unless a ring of dimension `n` has `slots` slots and is one that parameters exist for.
pub fn check_ring_dim(n: usize, slots: usize) -> Result<()> {
    ensure!(n.is_power_of_two(), "not a power of two; wanted 32768, 65536 or 131072");
    ensure!(
        n >= 2 * slots,
        "too small, found {} slots, wanted the {slots} of the widest layer; use {} or more",
        n / 2,
        2 * slots
    );
    ensure!(n <= 1 << 17, "too large; wanted 32768, 65536 or 131072");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activations_are_written_as_they_are_read() {
        for text in ["exact", "chebyshev:2", "chebyshev:1023"] {
            assert_eq!(text.parse::<Relu>().unwrap().to_string(), text);
        }
        assert_eq!("chebyshev:059".parse::<Relu>().unwrap().to_string(), "chebyshev:59");
        assert!("exact".parse::<Relu>().unwrap().encryptable().is_err());
        for text in ["", "chebyshev", "chebyshev:1", "chebyshev:1024", "relu:3"] {
            assert!(text.parse::<Relu>().is_err(), "{text}");
        }
    }
}
