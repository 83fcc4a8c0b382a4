//! The quantities that are compared, and the words for their differences.

use serde::Serialize;

/// A quantity of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Seconds of the evaluation of a ciphertext: the median.
    Latency,
    /// Seconds of evaluating a ciphertext, divided by its number of images.
    Amortised,
    /// Peak memory of the process.
    Memory,
    /// Largest logit error of an image against the plaintext model with the same polynomials: the median.
    LogitError,
    /// Share of the images with the class of their label.
    Accuracy,
    /// Share of the images whose class is not that of the plaintext model with exact ReLUs.
    Flips,
}

impl Kind {
    /// Returns whether it is measured in seconds.
    pub(crate) fn is_seconds(self) -> bool {
        matches!(self, Self::Latency | Self::Amortised)
    }

    /// Returns whether its interval is of the ratio; it is of the difference otherwise.
    pub(crate) fn by_ratio(self) -> bool {
        !matches!(self, Self::Accuracy | Self::Flips)
    }

    /// Returns its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Amortised => "amortised",
            Self::Memory => "memory",
            Self::LogitError => "logit-error",
            Self::Accuracy => "accuracy",
            Self::Flips => "flips",
        }
    }

    /// Returns the words for B if its value is less, and if it is more.
    fn words(self) -> [&'static str; 2] {
        match self {
            Self::Latency | Self::Amortised => ["faster", "slower"],
            Self::Memory => ["smaller", "larger"],
            Self::LogitError => ["more precise", "less precise"],
            Self::Accuracy => ["less accurate", "more accurate"],
            Self::Flips => ["fewer flips", "more flips"],
        }
    }
}

/// A quantity of two cases.
#[derive(Clone, Debug)]
pub(crate) struct Quantity {
    /// Which one.
    pub kind: Kind,
    /// Whether the values are multiples of the yardstick instead of seconds.
    pub in_yardsticks: bool,
    /// The values of A and B; `None` if one was not measured.
    pub values: [Option<f64>; 2],
    /// The difference, or the reason why there is none to tell.
    pub finding: Result<Finding, String>,
}

/// The difference between two values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Finding {
    /// Pairs of measurements behind it.
    pub pairs: usize,
    /// The value of B less that of A.
    pub difference: f64,
    /// The value of B over that of A; `None` if that of A is 0.
    pub ratio: Option<f64>,
    /// The 95 % interval of the ratio or of the difference, see [`Kind::by_ratio`]; `None` for single measurements.
    pub interval: Option<(f64, f64)>,
    /// The name of the test and its two-sided p-value; `None` for single measurements.
    pub test: Option<(&'static str, f64)>,
    /// Whether the difference is more than chance.
    pub seen: bool,
}

impl Quantity {
    /// Returns in words what B is, seen from A.
    pub(crate) fn verdict(&self) -> &'static str {
        match &self.finding {
            Err(_) => "not comparable",
            Ok(finding) if !finding.seen => "no difference seen",
            Ok(finding) => self.kind.words()[usize::from(finding.difference > 0.0)],
        }
    }
}

impl Finding {
    /// Returns the finding of two values with an interval and a test. A difference is seen if the interval holds no
    /// equality and p is below 0.05.
    pub(crate) fn tested(
        kind: Kind,
        pairs: usize,
        [a, b]: [f64; 2],
        interval: (f64, f64),
        test: (&'static str, f64),
    ) -> Self {
        let equal = if kind.by_ratio() { 1.0 } else { 0.0 };
        let outside = interval.0 > equal || interval.1 < equal;
        let seen = outside && test.1 < 0.05;
        let ratio = (a != 0.0).then(|| b / a);
        Self { pairs, difference: b - a, ratio, interval: Some(interval), test: Some(test), seen }
    }

    /// Returns the interval, or the value itself if there was one measurement.
    pub(crate) fn range(&self, kind: Kind) -> (f64, f64) {
        let value = if kind.by_ratio() { self.ratio.unwrap_or(f64::NAN) } else { self.difference };
        self.interval.unwrap_or((value, value))
    }
}
