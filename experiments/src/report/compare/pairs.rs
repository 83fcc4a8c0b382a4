//! Which case of one run is held against which case of the other.

use anyhow::{Context, Result, bail, ensure};

use crate::records::CaseRow;
use crate::report::source::Source;

/// Pairs the cases of two runs. `named` are cases that the user names in A and in B. Two cases make a pair if they have
/// the same backend, ring dimension, activation, packing and weights; among several such cases, those of a sweep over
/// threads, kernels or memory, the one with the same threads, kernels and setting of memory. If only one case of each run is left, they make a
/// pair whatever they are.
///
/// # Errors
/// If a named case is not there or did not run, or no pair is found.
pub(crate) fn of<'a>([a, b]: [&'a Source; 2], named: [Option<&str>; 2]) -> Result<Vec<[&'a CaseRow; 2]>> {
    let (cases_a, cases_b) = (chosen(a, named[0])?, chosen(b, named[1])?);
    if let ([a], [b]) = (&cases_a[..], &cases_b[..]) {
        return Ok(vec![[a, b]]);
    }
    let same_weights = a.run.provenance.weights_sha256 == b.run.provenance.weights_sha256;
    let alike = |all: &[&'a CaseRow], case: &CaseRow| -> Vec<&'a CaseRow> {
        all.iter().filter(|other| key(other) == key(case)).copied().collect()
    };
    let resources_of =
        |source: &'a Source, case: &'a CaseRow| (source.threads(case), source.kernels(case), case.memory.as_deref());
    let partner = |case: &'a CaseRow| {
        let others = alike(&cases_b, case).into_iter().filter(|_| same_weights).collect::<Vec<_>>();
        match &others[..] {
            [other] if alike(&cases_a, case).len() == 1 => Some(*other),
            _ => others.into_iter().find(|other| resources_of(b, other) == resources_of(a, case)),
        }
    };
    let pairs: Vec<_> = cases_a.iter().filter_map(|case| Some([*case, partner(case)?])).collect();
    if pairs.is_empty() {
        let weights = if same_weights { "" } else { " with other weights" };
        bail!(
            "{} has {}, {} has {}{weights}: found no case in common, wanted one of the same ring, activation, packing, \
             backend and weights; name two with --case-a and --case-b",
            a.run.folder.display(),
            listed(&cases_a),
            b.run.folder.display(),
            listed(&cases_b)
        );
    }
    Ok(pairs)
}

/// What the cases of a pair have in common.
fn key(case: &CaseRow) -> (&str, Option<usize>, &str, [Option<&str>; 2], bool) {
    let packing = [case.packing.as_deref(), case.profile.as_deref()];
    (backend(case), case.ring_dim, &case.relu, packing, case.is_insecure())
}

/// Returns the backend of a case, without the origin of a simulation's noise.
pub(crate) fn backend(case: &CaseRow) -> &str {
    case.backend.split(' ').next().unwrap_or_default()
}

/// Returns the cases of a run that ran, or the one that is named.
fn chosen<'a>(source: &'a Source, named: Option<&str>) -> Result<Vec<&'a CaseRow>> {
    let folder = source.run.folder.display();
    let Some(name) = named else {
        let cases: Vec<&CaseRow> = source.cases().collect();
        ensure!(!cases.is_empty(), "{folder}: found no case that ran to its end, wanted one; run its config again");
        return Ok(cases);
    };
    let all = &source.run.cases;
    let found = all.iter().find(|case| case.case == name);
    let found = found.with_context(|| {
        format!(
            "{folder}: found no case {name} that ran to its end, wanted one of: {}",
            listed(&all.iter().collect::<Vec<_>>())
        )
    })?;
    if let Some(reason) = &found.error {
        bail!("{folder}: found that {name} did not run ({reason}), wanted a case that ran");
    }
    Ok(vec![found])
}

/// Returns the names of cases; the first few if there are many.
fn listed(cases: &[&CaseRow]) -> String {
    const SHOWN: usize = 4;
    let names: Vec<&str> = cases.iter().take(SHOWN).map(|case| case.case.as_str()).collect();
    let more = cases.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    if names.is_empty() { "none".to_owned() } else { names.join(", ") + &rest }
}
