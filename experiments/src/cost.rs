//! What cases cost and what they yield, one against the other.

use crate::records::CaseRow;

/// What a case costs and what it yields.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Median seconds of an image.
    pub seconds: f64,
    /// Peak memory, in units of 10⁹ bytes.
    pub gigabytes: f64,
    /// Of the worst logit.
    pub bits: f64,
}

impl Cost {
    /// Of a case; `None` where one of the three was not measured.
    pub fn of(case: &CaseRow) -> Option<Self> {
        let gigabytes = case.peak_rss_bytes? as f64 / 1e9;
        Some(Self { seconds: case.latency_s?, gigabytes, bits: case.precision_bits? })
    }

    /// At least as good in everything, and better in something.
    pub fn beats(self, other: Self) -> bool {
        let no_worse = self.seconds <= other.seconds && self.gigabytes <= other.gigabytes && self.bits >= other.bits;
        no_worse && self != other
    }

    /// Whether none of `others` beats it.
    pub fn is_on_front(self, mut others: impl Iterator<Item = Self>) -> bool {
        !others.any(|other| other.beats(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_beaten_only_by_one_that_is_no_worse_in_anything() {
        let case = |seconds, gigabytes, bits| Cost { seconds, gigabytes, bits };
        let one = case(10.0, 3.0, 16.0);
        assert!(case(9.0, 3.0, 16.0).beats(one) && case(10.0, 3.0, 17.0).beats(one));
        assert!(!one.beats(one) && !case(9.0, 3.1, 16.0).beats(one) && !case(9.0, 2.0, 15.9).beats(one));
        assert!(one.is_on_front([one, case(9.0, 3.1, 16.0)].into_iter()));
        assert!(!one.is_on_front([one, case(9.0, 3.0, 16.0)].into_iter()));
    }
}
