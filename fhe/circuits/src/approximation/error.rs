//! Errors of approximation problems. Each names the value found and the value wanted.

/// An approximation problem that has no solution, or none within the arithmetic.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ApproximationError {
    /// There is no interval.
    #[error("intervals: found none, wanted at least one")]
    NoInterval,
    /// An interval that is empty or infinite.
    #[error("interval: found [{lo}, {hi}], wanted finite ends, the lower first")]
    BadInterval {
        /// Lower end.
        lo: f64,
        /// Upper end.
        hi: f64,
    },
    /// Intervals that overlap or are not in ascending order.
    #[error("intervals: found one from {lo} after one to {hi}, wanted them disjoint and ascending")]
    Overlap {
        /// End of the earlier interval.
        hi: f64,
        /// Start of the later interval.
        lo: f64,
    },
    /// A value of the function that is NaN or infinite.
    #[error("function: found {found} at {x}, wanted finite values")]
    NotFinite {
        /// The argument.
        x: f64,
        /// The value.
        found: f64,
    },
    /// A composition without stages.
    #[error("degrees: found none, wanted at least one")]
    NoDegrees,
    /// A stage of even degree, which cannot be odd.
    #[error("degree of stage {stage}: found {found}, wanted an odd number")]
    EvenDegree {
        /// Number of the stage, counted from 1.
        stage: usize,
        /// Its degree.
        found: usize,
    },
    /// A number outside its range.
    #[error("{what}: found {found}, wanted {wanted}")]
    OutOfRange {
        /// The number's name.
        what: &'static str,
        /// Its value.
        found: f64,
        /// Its range.
        wanted: &'static str,
    },
    /// A stage whose image, widened by the margin, reaches zero: no later stage can tell signs.
    #[error("image of stage {stage}: found a reach of {reach} about 1 with the margin {margin}, wanted less than 1")]
    Blurred {
        /// Number of the stage, counted from 1.
        stage: usize,
        /// Distance from 1 that the widened image reaches.
        reach: f64,
        /// The margin that it was widened by.
        margin: f64,
    },
    /// A stage whose error is smaller than rounding allows.
    #[error(
        "error of stage {stage}: found {found}, wanted at least {wanted}, below which f64 rounds: fewer or lower degrees, \
         or a smaller threshold"
    )]
    Exhausted {
        /// Number of the stage, counted from 1.
        stage: usize,
        /// Its error.
        found: f64,
        /// The smallest error that is distinguishable from rounding.
        wanted: f64,
    },
    /// The exchange did not converge, as with functions that jump.
    #[error(
        "best approximation of degree {degree}: found a largest error {found} above the lower bound, relative to it, \
         wanted at most {wanted}; is the function continuous?"
    )]
    NotConverged {
        /// The degree asked for.
        degree: usize,
        /// Excess of the largest error over the lower bound, relative to it.
        found: f64,
        /// The largest excess that counts as converged.
        wanted: f64,
    },
}
