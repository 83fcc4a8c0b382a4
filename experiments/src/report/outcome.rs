//! The outcome of a run, in counts and in words.

use std::collections::HashMap;

use super::source::Source;
use crate::output::counted;
use crate::records::{CaseRow, ImageRow};

/// Counts over cases. No evaluation is counted twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Cases, those that could not run among them.
    cases: usize,
    /// Evaluations, including those that failed.
    images: usize,
    /// Evaluations that gave nothing because of an error.
    failed: usize,
    /// Evaluations that gave no class.
    without_class: usize,
    /// Cases that could not run.
    not_run: usize,
}

impl Tally {
    /// Adds a case with the rows of its images.
    pub(crate) fn add<'a>(&mut self, case: &CaseRow, images: impl IntoIterator<Item = &'a ImageRow>) {
        self.cases += 1;
        self.images += case.images;
        self.failed += case.failed;
        self.without_class += images.into_iter().filter(|image| image.without_class()).count();
        self.not_run += usize::from(case.error.is_some());
    }

    /// Whether anything went wrong.
    pub(crate) fn flawless(&self) -> bool {
        self.failed + self.without_class + self.not_run == 0
    }

    /// Whether every case could run.
    pub(crate) fn all_ran(&self) -> bool {
        self.not_run == 0
    }

    /// The counts in words, such as `3 cases, 9 evaluations, 1 failed, 2 without a class`.
    pub(crate) fn in_words(&self) -> String {
        let Self { cases, images, failed, without_class, not_run } = *self;
        let mut text = format!("{}, {}", counted(cases, "case"), counted(images, "evaluation"));
        for (count, word) in [(failed, "failed"), (without_class, "without a class")] {
            if count > 0 {
                text += &format!(", {count} {word}");
            }
        }
        if not_run > 0 {
            text += &format!(", {} could not run", counted(not_run, "case"));
        }
        text
    }
}

/// A case in a line.
pub(crate) fn case_in_words(row: &CaseRow) -> String {
    if let Some(error) = &row.error {
        return format!("could not run: {error}");
    }
    let CaseRow { images, failed, correct, flips, latency_s, amortised_s, without_class, .. } = row;
    let percent = row.accuracy.map_or(String::new(), |accuracy| format!(" ({:.2} %)", 100.0 * accuracy));
    let count = |count: usize, word: &str| if count == 0 { String::new() } else { format!(", {count} {word}") };
    let latency = match (latency_s, amortised_s) {
        (Some(seconds), Some(share)) if share < seconds => {
            format!(", {seconds:.2} s a ciphertext, {share:.2} s an image")
        }
        (Some(seconds), _) => format!(", {seconds:.2} s an image"),
        (None, _) => String::new(),
    };
    let flaws = count(*failed, "failed") + &count(without_class.unwrap_or(0), "without a class");
    let evaluated = images - failed;
    let right = match row.accuracy {
        Some(_) => format!("{correct} of {evaluated} right{percent}"),
        None => format!("{evaluated} images without labels"),
    };
    format!("{right}, {flips} otherwise than in plaintext{latency}{flaws}")
}

/// Returns what came out of a run, a sentence each: the counts, then the only case, or the best cases by what they cost and
/// yield.
pub(crate) fn sentences(source: &Source) -> Vec<String> {
    let mut images: HashMap<&str, Vec<&ImageRow>> = HashMap::new();
    source.run.images.iter().for_each(|row| images.entry(&row.case).or_default().push(row));
    let mut tally = Tally::default();
    for case in &source.run.cases {
        tally.add(case, images.remove(&case.case[..]).into_iter().flatten());
    }
    let mut found = vec![format!("{}.", tally.in_words())];
    let ran: Vec<&CaseRow> = source.cases().collect();
    match ran[..] {
        [] => {}
        [only] => found.push(format!("{}: {}.", only.case, case_in_words(only))),
        _ => found.extend(BESTS.iter().filter_map(|best| best.sentence(&ran))),
    }
    found
}

/// A quantity by which a case is the best of a run: the lowest value wins.
struct Best {
    word: &'static str,
    value: fn(&CaseRow) -> Option<f64>,
    shown: fn(f64) -> String,
}

const BESTS: [Best; 4] = [
    Best {
        word: "Fastest for an image",
        value: |case| case.amortised_s.or(case.latency_s).filter(|_| is_measured(case)),
        shown: |seconds| format!("{seconds:.3} s"),
    },
    Best {
        word: "Smallest",
        value: |case| Some(case.peak_rss_bytes.filter(|_| is_measured(case))? as f64 / 1e9),
        shown: |gigabytes| format!("{gigabytes:.2} GB"),
    },
    Best {
        word: "Most precise",
        value: |case| Some(-case.precision_bits?),
        shown: |bits| format!("{:.1} bits in the worst logit", -bits),
    },
    Best {
        word: "Most accurate",
        value: |case| Some(-case.accuracy?),
        shown: |share| format!("{:.2} % right", -100.0 * share),
    },
];

/// Whether seconds and memory are those of encryption, not those of a simulator or of the plaintext model.
fn is_measured(case: &CaseRow) -> bool {
    matches!(&case.backend[..], "encrypted" | "suite")
}

impl Best {
    /// Returns the sentence; `None` if fewer than two cases have the quantity, or if all have the same.
    fn sentence(&self, cases: &[&CaseRow]) -> Option<String> {
        let mut known: Vec<(f64, &str)> =
            cases.iter().filter_map(|case| Some(((self.value)(case)?, &case.case[..]))).collect();
        known.sort_by(|a, b| a.0.total_cmp(&b.0));
        let ((best, _), (worst, _)) = (*known.first()?, *known.last()?);
        let winners: Vec<&str> = known.iter().take_while(|(value, _)| *value == best).map(|(_, case)| *case).collect();
        let more = match winners.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let shown = (self.shown)(best);
        (best < worst).then(|| format!("{}: {}{more}, {shown}.", self.word, winners[0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_went_wrong_is_told() {
        let mut tally = Tally { cases: 3, images: 9, ..Tally::default() };
        assert!(tally.flawless());
        assert_eq!(tally.in_words(), "3 cases, 9 evaluations");
        (tally.failed, tally.without_class) = (1, 2);
        assert!(!tally.flawless());
        assert_eq!(tally.in_words(), "3 cases, 9 evaluations, 1 failed, 2 without a class");
    }
}
