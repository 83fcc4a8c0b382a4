//! What stands for ReLU: families of polynomials, as they are named in configs and on the command line.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Degrees that single polynomials may have.
const DEGREES: RangeInclusive<usize> = 2..=1023;

/// An approximation of ReLU on [−1, 1].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Approximation {
    /// The interpolant at Chebyshev nodes, as the paper has it (ePrint 2024/460).
    Chebyshev {
        /// Degree of the polynomial.
        degree: usize,
    },
    /// ((1 + x)/2)²: no approximation worth the name, but an activation that a network can be trained with.
    Square,
}

/// A text that names no approximation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownApproximation {
    /// Of no known kind.
    #[error("unknown activation '{found}'; wanted {}", Approximation::NAMES)]
    Kind {
        /// The text.
        found: String,
    },
    /// Of a degree that is none.
    #[error("found degree '{found}', wanted a whole number from {} to {}", DEGREES.start(), DEGREES.end())]
    Degree {
        /// The text.
        found: String,
    },
}

impl Approximation {
    /// How they are written, for help and errors.
    pub const NAMES: &str = "chebyshev:DEGREE (such as chebyshev:59) or square";

    /// The function that is approximated: ReLU, but for [`Approximation::Square`].
    pub(crate) fn target(&self, x: f64) -> f64 {
        match self {
            Self::Square => ((1.0 + x) / 2.0).powi(2),
            _ => x.max(0.0),
        }
    }
}

impl FromStr for Approximation {
    type Err = UnknownApproximation;

    fn from_str(text: &str) -> Result<Self, UnknownApproximation> {
        match text.split_once(':') {
            None if text == "square" => Ok(Self::Square),
            Some(("chebyshev", degree)) => Ok(Self::Chebyshev { degree: read_degree(degree)? }),
            _ => Err(UnknownApproximation::Kind { found: text.to_owned() }),
        }
    }
}

fn read_degree(text: &str) -> Result<usize, UnknownApproximation> {
    let known = text.parse().ok().filter(|degree| DEGREES.contains(degree));
    known.ok_or_else(|| UnknownApproximation::Degree { found: text.to_owned() })
}

impl fmt::Display for Approximation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chebyshev { degree } => write!(f, "chebyshev:{degree}"),
            Self::Square => f.write_str("square"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn approximations_are_written_as_they_are_read() {
        for text in ["chebyshev:2", "chebyshev:1023", "square"] {
            assert_eq!(text.parse::<Approximation>().unwrap().to_string(), text);
        }
        assert_eq!("chebyshev:059".parse::<Approximation>().unwrap().to_string(), "chebyshev:59");
        for text in ["", "chebyshev", "chebyshev:1", "chebyshev:1024", "relu:3", "square:2", "exact"] {
            assert!(text.parse::<Approximation>().is_err(), "{text}");
        }
    }
}
