//! The yardstick that two runs have in common: the time of a transform on each machine.

use crate::records::RunProvenance;

/// A yardstick of two runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Yardstick {
    /// Seconds of the transform on the machines of A and B.
    pub seconds: [f64; 2],
}

impl Yardstick {
    /// Returns the yardstick that both runs have; `None` if there is none. That of earlier programs is another
    /// transform.
    pub(crate) fn of(runs: [&RunProvenance; 2]) -> Option<Self> {
        let both = |value: fn(&RunProvenance) -> Option<f64>| {
            let [a, b] = runs.map(value);
            let found = a.zip(b).filter(|(a, b)| a.is_finite() && b.is_finite() && *a > 0.0 && *b > 0.0)?;
            Some(Self { seconds: [found.0, found.1].map(|us| us * 1e-6) })
        };
        both(|run| run.reference_ntt_us).or_else(|| both(|run| run.ntt_us))
    }

    /// Returns the time of B over that of A.
    pub(crate) fn ratio(self) -> f64 {
        self.seconds[1] / self.seconds[0]
    }
}
