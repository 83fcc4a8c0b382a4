//! Approximations of ReLU by polynomials, as configs and the command line name them.

use std::cmp::Ordering;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;

use fhe_circuits::approximation::{ApproximationError, ReluComposite};

use crate::wave::Wave;

/// The degree of [`Approximation::default`], that of ePrint 2024/460.
const DEFAULT_DEGREE: usize = 59;
/// Degrees that interpolants may have.
const DEGREES: RangeInclusive<usize> = 2..=1023;
/// Degrees that best approximations may have: up to the largest, rounding errors do not show.
const MINIMAX_DEGREES: RangeInclusive<usize> = 2..=255;
/// Degrees that the polynomials of composites may have.
const COMPOSITE_DEGREES: RangeInclusive<usize> = 3..=63;
/// The margin of each polynomial of a composite beyond its interval, for noise, relative to its largest input.
const MARGIN: f64 = 1.0 / 4096.0;

/// An approximation of ReLU on [−1, 1].
///
/// ```
/// use fhe_nn::Approximation;
///
/// let approximation: Approximation = "minimax:31".parse()?;
/// assert_eq!(approximation, Approximation::Minimax { degree: 31 });
/// assert_eq!(Approximation::default().to_string(), "chebyshev:59");
/// # Ok::<(), fhe_nn::approximation::UnknownApproximation>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Approximation {
    /// The interpolant at Chebyshev nodes, as in ePrint 2024/460.
    Chebyshev {
        /// Degree of the polynomial.
        degree: usize,
    },
    /// The best uniform approximation, by Remez' algorithm.
    Minimax {
        /// Degree of the polynomial.
        degree: usize,
    },
    /// x·(1 + s(x))/2 with s a composite of minimax polynomials that tends to the sign of x (ePrint 2020/834,
    /// 2021/1688).
    Composite(CompositeDegrees),
    /// ((1 + x)/2)²: far from ReLU, but an activation that a network can be trained with.
    Square,
    /// The cosine that is nearest to ReLU around 0, for networks trained with it: the bootstrap evaluates it.
    Cosine,
    /// As [`Approximation::Cosine`], but the first activation of each block is the quadratic interpolant of ReLU, and no
    /// bootstrap comes before it.
    CosineAndSquare,
}

/// Degrees of a composite that exists, innermost polynomial first, with the composite. Composites are compared by
/// degrees.
#[derive(Clone, Debug)]
pub struct CompositeDegrees {
    degrees: Vec<usize>,
    /// The composite with the smallest largest error.
    relu: Arc<ReluComposite>,
}

impl CompositeDegrees {
    /// The best composite of these degrees.
    ///
    /// # Errors
    /// If there are no degrees, if one is even, or if the errors are too small for 64-bit numbers.
    pub fn new(degrees: Vec<usize>) -> Result<Self, ApproximationError> {
        let relu = Arc::new(ReluComposite::best(&degrees, MARGIN)?);
        Ok(Self { degrees, relu })
    }

    /// The composite with the smallest largest error.
    pub(crate) fn relu(&self) -> &ReluComposite {
        &self.relu
    }
}

impl PartialEq for CompositeDegrees {
    fn eq(&self, other: &Self) -> bool {
        self.degrees == other.degrees
    }
}

impl Eq for CompositeDegrees {}

impl PartialOrd for CompositeDegrees {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for CompositeDegrees {
    fn cmp(&self, other: &Self) -> Ordering {
        self.degrees.cmp(&other.degrees)
    }
}

/// The error for a text that names no approximation.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum UnknownApproximation {
    /// An unknown name.
    #[error("unknown activation '{found}'; wanted {}", Approximation::NAMES)]
    Name {
        /// The text.
        found: String,
    },
    /// `exact`, the name of ReLU itself.
    #[error("not a polynomial; wanted {}", Approximation::NAMES)]
    Exact,
    /// A degree that cannot be read as a number, or that is out of range.
    #[error("found degree '{found}', wanted a whole number from {} to {}", wanted.start(), wanted.end())]
    Degree {
        /// The text.
        found: String,
        /// The degrees of this family.
        wanted: RangeInclusive<usize>,
    },
    /// Degrees for which there is no composite.
    #[error("composite: {0}")]
    Composite(#[from] ApproximationError),
}

impl Approximation {
    /// The activation that bootstraps evaluate, if they do.
    pub(crate) fn wave(&self) -> Option<Wave> {
        matches!(self, Self::Cosine | Self::CosineAndSquare).then_some(Wave::RELU)
    }

    /// Whether a bootstrap evaluates it.
    pub fn is_wave(&self) -> bool {
        self.wave().is_some()
    }

    /// Whether there is a quadratic activation without a bootstrap in each block.
    pub(crate) fn has_squares(&self) -> bool {
        *self == Self::CosineAndSquare
    }

    /// Whether activation `index`, in order of evaluation, is such a quadratic one: the first of a block is. Activation 0
    /// follows the first convolution.
    pub(crate) fn is_square(&self, index: usize) -> bool {
        self.has_squares() && index % 2 == 1
    }

    /// The forms in which approximations are written, for help and errors.
    pub const NAMES: &str = "chebyshev:DEGREE (such as chebyshev:59), minimax:DEGREE, composite:DEGREE,… (such as \
                             composite:7,7,13), square, cosine or \
                             cosine+square";
}

/// The interpolant of ePrint 2024/460, of degree 59.
impl Default for Approximation {
    fn default() -> Self {
        Self::Chebyshev { degree: DEFAULT_DEGREE }
    }
}

impl FromStr for Approximation {
    type Err = UnknownApproximation;

    fn from_str(text: &str) -> Result<Self, UnknownApproximation> {
        match text.split_once(':') {
            None if text == "square" => Ok(Self::Square),
            None if text == "cosine" => Ok(Self::Cosine),
            None if text == "cosine+square" => Ok(Self::CosineAndSquare),
            Some(("chebyshev", degree)) => Ok(Self::Chebyshev { degree: read_degree(degree, DEGREES)? }),
            Some(("minimax", degree)) => Ok(Self::Minimax { degree: read_degree(degree, MINIMAX_DEGREES)? }),
            Some(("composite", degrees)) => {
                let degrees = degrees.split(',').map(|degree| read_degree(degree, COMPOSITE_DEGREES));
                Ok(Self::Composite(CompositeDegrees::new(degrees.collect::<Result<_, _>>()?)?))
            }
            None if text == "exact" => Err(UnknownApproximation::Exact),
            _ => Err(UnknownApproximation::Name { found: text.to_owned() }),
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
            Self::Composite(CompositeDegrees { degrees, .. }) => {
                let degrees: Vec<String> = degrees.iter().map(usize::to_string).collect();
                write!(f, "composite:{}", degrees.join(","))
            }
            Self::Square => f.write_str("square"),
            Self::Cosine => f.write_str("cosine"),
            Self::CosineAndSquare => f.write_str("cosine+square"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn approximations_are_written_as_they_are_read() {
        for text in
            ["chebyshev:2", "chebyshev:1023", "minimax:7", "composite:7,7,13", "square", "cosine", "cosine+square"]
        {
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
        assert_eq!("exact".parse::<Approximation>(), Err(UnknownApproximation::Exact));
    }
}
