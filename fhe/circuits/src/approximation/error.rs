/// What can be wrong with an approximation problem.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ApproximationError {
    /// No interval at all.
    #[error("intervals: found none, wanted at least one")]
    NoInterval,
    /// An interval that is empty or endless.
    #[error("interval: found [{lo}, {hi}], wanted finite ends, the lower first")]
    BadInterval {
        /// Lower end.
        lo: f64,
        /// Upper end.
        hi: f64,
    },
    /// Intervals that overlap, or not in ascending order.
    #[error("intervals: found one from {lo} after one to {hi}, wanted them disjoint and ascending")]
    Overlap {
        /// Where the earlier one ends.
        hi: f64,
        /// Where the later one begins.
        lo: f64,
    },
    /// A function without a value.
    #[error("function: found {found} at {x}, wanted finite values")]
    NotFinite {
        /// Where.
        x: f64,
        /// Its value.
        found: f64,
    },
    /// A composition of nothing.
    #[error("degrees: found none, wanted at least one")]
    NoDegrees,
    /// A stage that cannot be odd.
    #[error("degree of stage {stage}: found {found}, wanted an odd number")]
    EvenDegree {
        /// Which stage, counted from 1.
        stage: usize,
        /// Its degree.
        found: usize,
    },
    /// A number that the problem does not allow.
    #[error("{what}: found {found}, wanted {wanted}")]
    OutOfRange {
        /// Which number.
        what: &'static str,
        /// Its value.
        found: f64,
        /// Its range.
        wanted: &'static str,
    },
    /// A stage whose image, widened by the margin, reaches zero: no later stage can tell signs.
    #[error("image of stage {stage}: found a reach of {reach} about 1 with the margin {margin}, wanted less than 1")]
    Blurred {
        /// Which stage, counted from 1.
        stage: usize,
        /// How far the widened image goes from 1.
        reach: f64,
        /// What it was widened by.
        margin: f64,
    },
    /// A stage that is better than the arithmetic.
    #[error(
        "error of stage {stage}: found {found}, wanted at least {wanted}, below which f64 rounds: fewer or lower degrees, \
         or a smaller threshold"
    )]
    Exhausted {
        /// Which stage, counted from 1.
        stage: usize,
        /// Its error.
        found: f64,
        /// The smallest that is told from rounding.
        wanted: f64,
    },
    /// The exchange came to no end, as with functions that jump.
    #[error(
        "best approximation of degree {degree}: found a largest error {found} above the lower bound, relative to it, \
         wanted at most {wanted}; is the function continuous?"
    )]
    NotConverged {
        /// The degree asked for.
        degree: usize,
        /// By how much the largest error exceeds the lower bound, relative to it.
        found: f64,
        /// The most that counts as converged.
        wanted: f64,
    },
}
