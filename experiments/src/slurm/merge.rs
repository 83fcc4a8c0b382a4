//! Joins the rows of the tasks.

use std::path::Path;

use anyhow::Result;

use super::folder::{Planned, group};
use crate::output;
use crate::records::{CaseRow, RunProvenance, rows};
use crate::run::merge::groups::merge_groups;

/// Joins the rows of all tasks in the run's folder. Where they are joined already, it says so. If a case could not run then, they
/// are joined again, since its tasks may have run since.
///
/// # Errors
/// A task whose rows are not all there.
pub(crate) fn merge(run: &Path) -> Result<()> {
    let planned = Planned::read(run)?;
    let joined = RunProvenance::read(run)?.is_some();
    if joined && rows::<CaseRow>(run)?.iter().all(|case| case.error.is_none()) {
        return output::note(&format!("{}: the rows were joined before\n", run.display()));
    }
    let groups = planned.layout.groups.iter().zip(1..);
    let folders = groups.map(|(of, number)| {
        (1..=of.shards).map(|index| group(run, number).join(format!("shard-{index}-of-{}", of.shards))).collect()
    });
    merge_groups(&folders.collect::<Vec<Vec<_>>>(), &planned.cases, run, joined)
}
