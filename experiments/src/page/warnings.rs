//! What a reader must know before a number of the page is believed.

use std::collections::BTreeMap;

use crate::report::source::{Source, Standing};

/// Up to so many cases that could not run have a warning of their own.
const LISTED: usize = 10;

/// Returns the warnings on these runs, each with its kind in a word. What is true of several runs is said once.
pub(super) fn warnings(sources: &[Source]) -> Vec<(&'static str, String)> {
    let mut found: Vec<(&'static str, String, Vec<&str>)> = Vec::new();
    for source in sources {
        for (kind, text) in of_run(source) {
            match found.iter_mut().find(|known| (known.0, &known.1) == (kind, &text)) {
                Some(known) => known.2.push(source.name()),
                None => found.push((kind, text, vec![source.name()])),
            }
        }
    }
    let said = found.into_iter().map(|(kind, text, runs)| (kind, format!("{}: {text}.", runs.join(", "))));
    mixed(sources).map(|text| ("mixed", text)).into_iter().chain(said).collect()
}

/// Says that seconds of several machines are side by side; `None` if all runs are of one.
fn mixed(sources: &[Source]) -> Option<String> {
    let mut machines: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for source in sources {
        let run = &source.run.provenance;
        let cpu = run.cpu.as_deref().unwrap_or("unknown processor");
        let machine = format!("{cpu}, {} threads, {}", run.threads, run.kernels);
        machines.entry(machine).or_default().push(source.name());
    }
    let list = || machines.iter().map(|(machine, runs)| format!("{machine} ({})", runs.join(", ")));
    (machines.len() > 1).then(|| {
        let list = list().collect::<Vec<_>>().join("; ");
        format!("Seconds are of {} machines or settings and do not compare across them: {list}.", machines.len())
    })
}

fn of_run(source: &Source) -> Vec<(&'static str, String)> {
    let (run, mut found) = (&source.run, Vec::new());
    if source.standing != Standing::Complete {
        let standing = source.standing.to_string();
        found.push(("partial", format!("{}; not a result", standing.trim_start_matches("partial: "))));
    }
    let idle: Vec<_> = run.cases.iter().filter_map(|case| Some((&case.case, case.error.as_ref()?))).collect();
    if idle.len() > LISTED {
        found.push(("failed", format!("{} cases could not run; their column “error” says why", idle.len())));
    } else {
        found.extend(idle.iter().map(|(case, error)| ("failed", format!("{case} could not run: {error}"))));
    }
    let failed = run.images.iter().filter(|row| !row.evaluated()).count();
    if failed > 0 {
        found.push(("failed", format!("{failed} of {} evaluations failed; they count in no figure", run.images.len())));
    }
    let without = run.images.iter().filter(|row| row.without_class()).count();
    if without > 0 {
        found.push(("no class", format!("{without} evaluations ended without a class; they count as wrong")));
    }
    match run.provenance.revision.as_deref() {
        None => found.push(("dirty", "the revision of the program is unknown".to_owned())),
        Some(revision) if revision.ends_with("-dirty") => {
            found.push(("dirty", format!("the program's sources were changed after their revision ({revision})")));
        }
        Some(_) => {}
    }
    let simulated = run.cases.iter().filter(|case| case.backend.starts_with("simulated")).count();
    if simulated > 0 {
        let count = if simulated == run.cases.len() { "all".to_owned() } else { simulated.to_string() };
        found.push((
            "simulated",
            format!("{count} cases are simulated: noise is drawn from a model, nothing is encrypted"),
        ));
    }
    let insecure = run.cases.iter().filter(|case| case.is_insecure()).count();
    if insecure > 0 {
        found.push(("insecure", format!("{insecure} cases have less than 128 bits of security")));
    }
    if !run.unchecked.is_empty() {
        found.push(("unchecked", "some rows have no digests, as of earlier programs, and are not checked".to_owned()));
    }
    found
}
