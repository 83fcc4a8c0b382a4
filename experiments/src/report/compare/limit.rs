//! Limits on how much worse B may be than A.

use std::str::FromStr;

use super::quantity::{Finding, Kind};
use super::show;
use super::{Compared, Comparison};

/// A limit, such as `slower:5%`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Limit {
    /// How it was written.
    text: String,
    /// What must not happen.
    worse: Worse,
    /// By how much it may happen: a share, bits, or a difference of shares.
    by: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worse {
    Slower,
    Larger,
    LessPrecise,
    LessAccurate,
    MoreFlips,
}

const WORDS: [(&str, Worse); 5] = [
    ("slower", Worse::Slower),
    ("larger", Worse::Larger),
    ("less-precise", Worse::LessPrecise),
    ("less-accurate", Worse::LessAccurate),
    ("more-flips", Worse::MoreFlips),
];

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || {
            format!(
                "found {text}, wanted slower:5%, larger:5%, less-precise:0.5bits, less-accurate:0.5% or more-flips:0.5%"
            )
        };
        let (word, by) = text.split_once(':').ok_or_else(wanted)?;
        let worse = WORDS.iter().find(|(known, _)| *known == word).ok_or_else(wanted)?.1;
        let (unit, scale) = if worse == Worse::LessPrecise { ("bits", 1.0) } else { ("%", 100.0) };
        let number: f64 = by.strip_suffix(unit).and_then(|by| by.trim().parse().ok()).ok_or_else(wanted)?;
        if !(0.0..=1e6).contains(&number) {
            return Err(wanted());
        }
        Ok(Self { text: text.to_owned(), worse, by: number / scale })
    }
}

/// The outcome of the check of a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// A line for each pair that is beyond the limit for sure.
    pub broken: Vec<String>,
    /// A line for each pair that could not be compared.
    pub unchecked: Vec<String>,
    /// Quantities that were compared with the limit.
    pub checked: usize,
}

impl Limit {
    /// Checks every pair. It is beyond the limit if its whole interval is, or its value if there was one measurement.
    pub(crate) fn check(&self, comparison: &Comparison) -> Outcome {
        let mut outcome = Outcome::default();
        for pair in &comparison.pairs {
            for quantity in pair.quantities.iter().filter(|quantity| self.concerns(quantity.kind)) {
                match &quantity.finding {
                    Err(reason) => outcome.unchecked.push(self.line(pair, quantity.kind, reason)),
                    Ok(finding) => {
                        outcome.checked += 1;
                        if self.is_broken(quantity.kind, finding) {
                            let found = show::range(quantity.kind, finding);
                            let what = format!("found {found}, wanted {}", self.wanted());
                            outcome.broken.push(self.line(pair, quantity.kind, &what));
                        }
                    }
                }
            }
        }
        outcome
    }

    fn line(&self, pair: &Compared, kind: Kind, what: &str) -> String {
        format!("--fail-if {}: {}, {}: {what}", self.text, show::cases(pair), kind.name())
    }

    fn concerns(&self, kind: Kind) -> bool {
        match self.worse {
            Worse::Slower => kind.is_seconds(),
            Worse::Larger => kind == Kind::Memory,
            Worse::LessPrecise => kind == Kind::LogitError,
            Worse::LessAccurate => kind == Kind::Accuracy,
            Worse::MoreFlips => kind == Kind::Flips,
        }
    }

    fn is_broken(&self, kind: Kind, finding: &Finding) -> bool {
        let (low, high) = finding.range(kind);
        match self.worse {
            Worse::Slower | Worse::Larger => low > 1.0 + self.by,
            Worse::LessPrecise => low.log2() > self.by,
            Worse::LessAccurate => high < -self.by,
            Worse::MoreFlips => low > self.by,
        }
    }

    fn wanted(&self) -> String {
        match self.worse {
            Worse::Slower | Worse::Larger => format!("at most ×{:.3}", 1.0 + self.by),
            Worse::LessPrecise => format!("at most ×{:.3}", self.by.exp2()),
            Worse::LessAccurate => format!("at least {:+.2} points", -100.0 * self.by),
            Worse::MoreFlips => format!("at most {:+.2} points", 100.0 * self.by),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(text: &str) -> Limit {
        text.parse().unwrap()
    }

    fn finding(interval: (f64, f64)) -> Finding {
        Finding { pairs: 9, difference: 1.0, ratio: Some(1.0), interval: Some(interval), test: None, seen: true }
    }

    #[test]
    fn limits_are_read_with_their_units() {
        assert_eq!(limit("slower:5%").by, 0.05);
        assert_eq!(limit("less-precise:0.5bits").by, 0.5);
        assert_eq!(limit("less-accurate:0%").worse, Worse::LessAccurate);
        for text in ["", "slower", "slower:", "slower:5", "slower:-5%", "slower:NaN%", "faster:5%", "less-precise:5%"] {
            let error = text.parse::<Limit>().unwrap_err();
            assert!(error.starts_with(&format!("found {text}, wanted slower:5%")), "{error}");
        }
    }

    #[test]
    fn a_limit_is_broken_by_the_whole_interval_only() {
        let broken = |text: &str, kind, interval| limit(text).is_broken(kind, &finding(interval));
        assert!(broken("slower:5%", Kind::Latency, (1.06, 1.2)) && !broken("slower:5%", Kind::Latency, (1.04, 1.2)));
        assert!(broken("less-precise:1bits", Kind::LogitError, (2.1, 3.0)));
        assert!(!broken("less-precise:1bits", Kind::LogitError, (1.9, 3.0)));
        assert!(broken("less-accurate:1%", Kind::Accuracy, (-0.03, -0.011)));
        assert!(!broken("less-accurate:1%", Kind::Accuracy, (-0.03, -0.009)));
        assert!(
            broken("more-flips:1%", Kind::Flips, (0.011, 0.03)) && !broken("more-flips:1%", Kind::Flips, (0.0, 0.03))
        );
        let single = Finding { interval: None, test: None, ratio: Some(1.06), ..finding((0.0, 0.0)) };
        assert!(
            limit("larger:5%").is_broken(Kind::Memory, &single) && !limit("larger:7%").is_broken(Kind::Memory, &single)
        );
    }
}
