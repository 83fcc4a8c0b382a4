//! What cases cost and what they yield, one against the other.

use crate::records::CaseRow;
use crate::source::Source;

/// What a case costs and what it yields.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost<'a> {
    /// The processor and its threads: seconds of others say nothing of this one's.
    pub machine: (Option<&'a str>, usize),
    /// Median seconds of an image.
    pub seconds: f64,
    /// Peak memory, in units of 10⁹ bytes.
    pub gigabytes: f64,
    /// Of the worst logit.
    pub bits: f64,
}

impl<'a> Cost<'a> {
    /// Of a case of this run; `None` where one of the three was not measured.
    pub fn of(source: &'a Source, case: &CaseRow) -> Option<Self> {
        let run = &source.run.provenance;
        let gigabytes = case.peak_rss_bytes? as f64 / 1e9;
        let machine = (run.cpu.as_deref(), run.threads);
        Some(Self { machine, seconds: case.latency_s?, gigabytes, bits: case.precision_bits? })
    }

    /// On the same machine, at least as good in everything and better in something.
    pub fn beats(self, other: Cost<'_>) -> bool {
        let no_worse = self.seconds <= other.seconds && self.gigabytes <= other.gigabytes && self.bits >= other.bits;
        self.machine == other.machine && no_worse && self != other
    }

    /// Whether none of `others` beats it.
    pub fn is_on_front<'b>(self, mut others: impl Iterator<Item = Cost<'b>>) -> bool {
        !others.any(|other| other.beats(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_beaten_only_by_one_that_is_no_worse_in_anything() {
        let case = |seconds, gigabytes, bits| Cost { machine: (Some("A"), 2), seconds, gigabytes, bits };
        let one = case(10.0, 3.0, 16.0);
        assert!(case(9.0, 3.0, 16.0).beats(one) && case(10.0, 3.0, 17.0).beats(one));
        assert!(!one.beats(one) && !case(9.0, 3.1, 16.0).beats(one) && !case(9.0, 2.0, 15.9).beats(one));
        let elsewhere = Cost { machine: (Some("B"), 2), ..case(9.0, 3.0, 16.0) };
        assert!(one.is_on_front([one, case(9.0, 3.1, 16.0), elsewhere].into_iter()));
        assert!(!one.is_on_front([one, case(9.0, 3.0, 16.0)].into_iter()));
    }
}
