//! The outcome of a run, in counts and in words.

use std::collections::HashMap;

use crate::output;
use crate::records::{CaseRow, ImageRow, Run};

/// Counts over cases. No evaluation is counted twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
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

    /// The counts in words, such as `3 cases, 9 evaluations, 1 failed, 2 without a class`.
    pub(crate) fn in_words(&self) -> String {
        let Self { cases, images, failed, without_class, not_run } = *self;
        let mut text = format!("{cases} cases, {images} evaluations");
        for (count, word) in [(failed, "failed"), (without_class, "without a class"), (not_run, "cases could not run")]
        {
            if count > 0 {
                text += &format!(", {count} {word}");
            }
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
        Some(_) => format!("{correct} of {} right{percent}", evaluated),
        None => format!("{evaluated} images without labels"),
    };
    format!("{right}, {flips} otherwise than in plaintext{latency}{flaws}")
}

/// Prints a finished run, and returns its counts.
pub(crate) fn show(run: &Run, question: &str) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let mut images: HashMap<&str, Vec<&ImageRow>> = HashMap::new();
    run.images.iter().for_each(|image| images.entry(&image.case).or_default().push(image));
    output::note(&format!("{}: {question}\n", run.provenance.name))?;
    for (number, case) in run.cases.iter().enumerate() {
        tally.add(case, images.remove(&case.case[..]).into_iter().flatten());
        output::note(&format!("case {}/{} {}: {}\n", number + 1, run.cases.len(), case.case, case_in_words(case)))?;
    }
    if !run.unchecked.is_empty() {
        eprintln!("note: {}: no digests, so rows are unchecked: {}", run.folder.display(), run.unchecked.join(", "));
    }
    output::note(&format!("{}: finished before; {}\n", run.folder.display(), tally.in_words()))?;
    Ok(tally)
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
