//! What stands for ReLU: families of polynomials, as they are named in configs and on the command line.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use fhe_circuits::approximation::{ApproximationError, ReluComposite};

/// Degrees that interpolants may have.
const DEGREES: RangeInclusive<usize> = 2..=1023;
/// Degrees that best approximations may have: below them rounding does not show.
const MINIMAX_DEGREES: RangeInclusive<usize> = 2..=255;
/// Degrees that the polynomials of composites may have.
const COMPOSITE_DEGREES: RangeInclusive<usize> = 3..=63;
/// What each polynomial of a composite leaves room for beyond its interval: noise, relative to its largest input.
const MARGIN: f64 = 1.0 / 4096.0;

/// An approximation of ReLU on [−1, 1].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Approximation {
    /// The interpolant at Chebyshev nodes, as the paper has it (ePrint 2024/460).
    Chebyshev {
        /// Degree of the polynomial.
        degree: usize,
    },
    /// The best uniform approximation, by Remez' algorithm.
    Minimax {
        /// Degree of the polynomial.
        degree: usize,
    },
    /// x·(1 + s(x))/2 with s a composite of minimax polynomials that tends to the sign of x (ePrint 2020/834, 2021/1688).
    Composite(CompositeDegrees),
    /// ((1 + x)/2)²: no approximation worth the name, but an activation that a network can be trained with.
    Square,
}

/// Degrees of a composite that exists, innermost polynomial first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CompositeDegrees(Vec<usize>);

impl CompositeDegrees {
    /// Checks that there is a ReLU of such degrees.
    ///
    /// # Errors
    /// No degrees, even ones, or more than 64-bit numbers can tell apart.
    pub fn new(degrees: Vec<usize>) -> Result<Self, ApproximationError> {
        ReluComposite::best(&degrees, MARGIN)?;
        Ok(Self(degrees))
    }

    /// The composite with the smallest largest error.
    pub(crate) fn relu(&self) -> ReluComposite {
        ReluComposite::best(&self.0, MARGIN).expect("checked when the degrees were made")
    }
}

/// A text that names no approximation.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum UnknownApproximation {
    /// Of no known kind.
    #[error("unknown activation '{found}'; wanted {}", Approximation::NAMES)]
    Kind {
        /// The text.
        found: String,
    },
    /// Of a degree that is none.
    #[error("found degree '{found}', wanted a whole number from {} to {}", wanted.start(), wanted.end())]
    Degree {
        /// The text.
        found: String,
        /// What there is.
        wanted: RangeInclusive<usize>,
    },
    /// Of degrees that no composite has.
    #[error("composite: {0}")]
    Composite(#[from] ApproximationError),
}

impl Approximation {
    /// How they are written, for help and errors.
    pub const NAMES: &str = "chebyshev:DEGREE (such as chebyshev:59), minimax:DEGREE, composite:DEGREE,… (such as composite:7,7,13) or square";
}

impl FromStr for Approximation {
    type Err = UnknownApproximation;

    fn from_str(text: &str) -> Result<Self, UnknownApproximation> {
        match text.split_once(':') {
            None if text == "square" => Ok(Self::Square),
            Some(("chebyshev", degree)) => Ok(Self::Chebyshev { degree: read_degree(degree, DEGREES)? }),
            Some(("minimax", degree)) => Ok(Self::Minimax { degree: read_degree(degree, MINIMAX_DEGREES)? }),
            Some(("composite", degrees)) => {
                let degrees = degrees.split(',').map(|degree| read_degree(degree, COMPOSITE_DEGREES));
                Ok(Self::Composite(CompositeDegrees::new(degrees.collect::<Result<_, _>>()?)?))
            }
            _ => Err(UnknownApproximation::Kind { found: text.to_owned() }),
        }
    }
}

fn read_degree(text: &str, wanted: RangeInclusive<usize>) -> Result<usize, UnknownApproximation> {
    let known = text.parse().ok().filter(|degree| wanted.contains(degree));
    known.ok_or_else(|| UnknownApproximation::Degree { found: text.to_owned(), wanted })
}

impl fmt::Display for Approximation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chebyshev { degree } => write!(f, "chebyshev:{degree}"),
            Self::Minimax { degree } => write!(f, "minimax:{degree}"),
            Self::Composite(CompositeDegrees(degrees)) => {
                let degrees: Vec<String> = degrees.iter().map(usize::to_string).collect();
                write!(f, "composite:{}", degrees.join(","))
            }
            Self::Square => f.write_str("square"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn approximations_are_written_as_they_are_read() {
        for text in ["chebyshev:2", "chebyshev:1023", "minimax:7", "composite:7,7,13", "square"] {
            assert_eq!(text.parse::<Approximation>().unwrap().to_string(), text);
        }
        assert_eq!("chebyshev:059".parse::<Approximation>().unwrap().to_string(), "chebyshev:59");
        for text in [
            "",
            "chebyshev",
            "chebyshev:1",
            "chebyshev:1024",
            "relu:3",
            "square:2",
            "exact",
            "minimax:256",
            "composite:",
            "composite:7,8",
        ] {
            assert!(text.parse::<Approximation>().is_err(), "{text}");
        }
    }
}
