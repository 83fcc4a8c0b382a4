//! Compares cases by their cost (seconds, memory) and their yield (precision, classes, security).

use crate::records::CaseRow;
use crate::report::source::Source;

/// The cost and the yield of a case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost<'a> {
    /// Processor and threads, or the run where the processor is unknown. Only seconds of equal machines compare.
    pub machine: (&'a str, usize),
    /// Its name; a rerun of the same case is not compared with itself.
    pub case: &'a str,
    /// Median seconds of an evaluation.
    pub seconds: f64,
    /// Median seconds of an evaluation divided by the images that share a ciphertext.
    pub amortised: f64,
    /// Peak memory in units of 10⁹ bytes.
    pub gigabytes: f64,
    /// Precision of the worst logit in bits.
    pub bits: f64,
    /// Share of the images that have the class of the exact model.
    pub agreement: f64,
    /// Whether it has 128 bits of security.
    pub secure: bool,
}

impl<'a> Cost<'a> {
    /// Returns the cost and yield of a case of this run; `None` if one of them was not measured.
    pub(crate) fn of(source: &'a Source, case: &'a CaseRow) -> Option<Self> {
        let run = &source.run.provenance;
        let seconds = case.latency_s?;
        // A case of a run on several processors compares with no other.
        let cpu = if run.is_mixed() { &case.case } else { run.cpu.as_ref().unwrap_or(&run.name) };
        Some(Self {
            machine: (cpu, source.threads(case)),
            case: &case.case,
            seconds,
            amortised: case.amortised_s.unwrap_or(seconds),
            gigabytes: case.peak_rss_bytes? as f64 / 1e9,
            bits: case.precision_bits?,
            agreement: case.agreement?,
            secure: !case.is_insecure(),
        })
    }

    /// Returns whether this case beats `other`: it is on the same machine, as secure, at least as good in everything,
    /// and better in something.
    pub(crate) fn beats(self, other: Cost<'_>) -> bool {
        let axes = |cost: Cost<'_>| [cost.seconds, cost.amortised, cost.gigabytes, -cost.bits, -cost.agreement];
        let pairs = || axes(self).into_iter().zip(axes(other));
        let comparable = self.machine == other.machine && self.case != other.case && self.secure >= other.secure;
        comparable && pairs().all(|(own, others)| own <= others) && pairs().any(|(own, others)| own < others)
    }

    /// Returns whether none of `others` beats it.
    pub(crate) fn is_on_front<'b>(self, mut others: impl Iterator<Item = Cost<'b>>) -> bool {
        !others.any(|other| other.beats(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_beaten_only_by_another_that_is_no_worse_in_anything() {
        let one = Cost {
            machine: ("A", 2),
            case: "one",
            seconds: 10.0,
            amortised: 10.0,
            gigabytes: 3.0,
            bits: 16.0,
            agreement: 0.9,
            secure: true,
        };
        let other = Cost { case: "other", ..one };
        assert!(Cost { seconds: 9.0, ..other }.beats(one) && Cost { bits: 17.0, ..other }.beats(one));
        assert!(
            Cost { agreement: 1.0, ..other }.beats(one) && other.beats(Cost { seconds: 11.0, secure: false, ..one })
        );
        let no_better = [
            other,
            Cost { seconds: 9.0, gigabytes: 3.1, ..other },
            Cost { gigabytes: 2.0, bits: 15.9, ..other },
            Cost { gigabytes: 2.0, amortised: 10.1, ..other },
            Cost { seconds: 9.0, ..one },
            Cost { seconds: 9.0, agreement: 0.8, ..other },
            Cost { seconds: 9.0, secure: false, ..other },
            Cost { machine: ("B", 2), seconds: 9.0, ..other },
        ];
        assert!(one.is_on_front(no_better.into_iter()));
        assert!(!one.is_on_front([one, Cost { seconds: 9.0, ..other }].into_iter()));
    }
}
