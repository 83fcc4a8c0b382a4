//! Joins groups of shards: each group has cases of its own.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::{Merged, Part, check, join, joined, named, read, write};
use crate::records::RunProvenance;

/// Joins groups of shards to a run in `out`. Each group has cases of its own, and all images. The rows come in the order of
/// `cases`. If the shards ran on several types of processors, the run names all of them. With `again`, it takes the place of a run
/// that was joined before, once all shards are there.
pub(crate) fn merge_groups(groups: &[Vec<PathBuf>], cases: &[String], out: &Path, again: bool) -> Result<()> {
    let mut groups = groups.iter().map(|folders| read(folders)).collect::<Result<Vec<_>>>()?;
    name_processors(&mut groups);
    let joined = groups.into_iter().map(|shards| {
        check(&shards)?;
        join(shards)
    });
    write(&together(joined.collect::<Result<_>>()?, cases)?, out, again)
}

/// Gives all shards the same processor and kernels if they ran on several types: texts that name all of them.
fn name_processors(groups: &mut [Vec<Part>]) {
    let cpu = |(_, run, _): &Part| run.provenance.cpu.clone().unwrap_or_else(|| "unknown".to_owned());
    let cpus: BTreeSet<String> = groups.iter().flatten().map(cpu).collect();
    if cpus.len() > 1 {
        let mixed = RunProvenance::mixed(cpus.iter().map(String::as_str));
        eprintln!(
            "warning: the tasks ran on several types of processors, so their seconds compare with nothing: {mixed}"
        );
        let kernels = groups.iter().flatten().map(|(_, run, _)| run.provenance.kernels.as_str());
        let kernels = named(kernels, ", ").unwrap_or_default();
        for (_, run, _) in groups.iter_mut().flatten() {
            (run.provenance.cpu, run.provenance.kernels) = (Some(mixed.clone()), kernels.clone());
        }
    }
}

/// Puts runs of different cases over the same images together.
fn together(runs: Vec<Merged>, order: &[String]) -> Result<Merged> {
    let mut runs = runs.into_iter();
    let Merged { mut run, exact } = runs.next().context("found no group of cases, wanted one")?;
    for other in runs {
        if let Some(clash) = other.run.provenance.clash(&run.provenance) {
            bail!("the tasks do not go together: {clash}");
        }
        ensure!(other.exact == exact, "found tasks with other answers of the plaintext model");
        run.provenance = joined([&run.provenance, &other.run.provenance].into_iter());
        run.provenance.planned_cases += other.run.provenance.planned_cases;
        run.cases.extend(other.run.cases);
        run.images.extend(other.run.images);
        run.layers.extend(other.run.layers);
    }
    let places: HashMap<&str, usize> = order.iter().enumerate().map(|(at, case)| (case.as_str(), at)).collect();
    // Rows of a case stay in their order.
    run.cases.sort_by_key(|row| places.get(row.case.as_str()));
    run.images.sort_by_key(|row| places.get(row.case.as_str()));
    run.layers.sort_by_key(|row| places.get(row.case.as_str()));
    Ok(Merged { run, exact })
}
