//! Shows a run that is finished.

use std::collections::HashMap;

use crate::output;
use crate::records::{ImageRow, Run};
use crate::report::outcome::{Tally, case_in_words};

/// Returns the counts of a run.
pub(crate) fn of(run: &Run) -> Tally {
    let mut tally = Tally::default();
    let mut images: HashMap<&str, Vec<&ImageRow>> = HashMap::new();
    run.images.iter().for_each(|image| images.entry(&image.case).or_default().push(image));
    run.cases.iter().for_each(|case| tally.add(case, images.remove(&case.case[..]).into_iter().flatten()));
    tally
}

/// Prints a finished run, and returns its counts.
pub(crate) fn show(run: &Run, question: &str) -> anyhow::Result<Tally> {
    let tally = of(run);
    output::note(&format!("{}: {question}\n", run.provenance.name))?;
    for (number, case) in run.cases.iter().enumerate() {
        output::note(&format!("case {}/{} {}: {}\n", number + 1, run.cases.len(), case.case, case_in_words(case)))?;
    }
    if !run.unchecked.is_empty() {
        eprintln!("note: {}: no digests, so rows are unchecked: {}", run.folder.display(), run.unchecked.join(", "));
    }
    output::note(&format!("{}: finished before; {}\n", run.folder.display(), tally.in_words()))?;
    Ok(tally)
}
