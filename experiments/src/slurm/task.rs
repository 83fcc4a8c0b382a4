//! A task of an array job: cases of a group on a share of the images.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use datasets::digest::sha256;

use super::Planned;
use super::folder::folder;
use crate::config::Config;
use crate::records::{Run, RunProvenance};
use crate::run::start::{self, Start};
use crate::run::tally;
use crate::{case, machine, output};

/// Evaluates the rest of a task. Returns whether each of its cases could run.
///
/// # Errors
/// A task that is not in the plan, a config that was changed since, and those of a run.
pub(crate) fn run(run: &Path, job: usize, index: usize) -> Result<bool> {
    let planned = Planned::read(run)?;
    let place = || format!("{}: found job {job}, task {index}, wanted one of the plan", run.display());
    let found = job.checked_sub(1).and_then(|at| planned.layout.jobs.get(at)).with_context(place)?;
    let task = *index.checked_sub(1).and_then(|at| found.tasks.get(at)).with_context(place)?;
    let mut config = Config::read(&planned.config)?;
    ensure!(
        sha256(config.source.text.as_bytes()) == planned.config_sha256,
        "{}: found another config than the one that was planned; restore it, or submit it into another --out",
        planned.config.display()
    );
    let cases = &planned.layout.groups[task.group - 1].cases;
    config.keep(cases)?;
    let rows = planned.rows(run, task);
    if kept_apart(&rows)? {
        return output::note(&format!("{}: finished before, on another processor\n", rows.display())).map(|()| true);
    }
    case::in_pool(Some(found.threads), "threads", || {
        let model = config.model()?;
        let shard = planned.layout.shard(task);
        let tally = match start::start(&config, &model, Some(shard), Some(&folder(run)), &rows)? {
            Start::Finished(run) => tally::show(&run, &config.question),
            Start::Ready(sweep) => sweep.run(),
        };
        Ok(tally?.all_ran())
    })
}

/// Sets rows aside that another type of processor began: a task that was requeued on another node begins anew there.
/// Returns whether the other type has finished the task.
fn kept_apart(rows: &Path) -> Result<bool> {
    let Some(earlier) = RunProvenance::read(rows)? else { return Ok(false) };
    let cpu = machine::cpu_model();
    if earlier.cpu == cpu {
        return Ok(false);
    }
    let ran = |run: Run| run.complete() && run.cases.iter().all(|case| case.error.is_none());
    if earlier.ended.is_some() && Run::read(rows).is_ok_and(ran) {
        return Ok(true);
    }
    let name = rows.file_name().context("a folder of rows has a name")?.to_string_lossy().into_owned();
    let free = (1..).map(|number| rows.with_file_name(format!("{name}.aside-{number}"))).find(|path| !path.exists());
    let aside = free.expect("some number is free");
    std::fs::rename(rows, &aside).with_context(|| rows.display().to_string())?;
    let word = |cpu: &Option<String>| cpu.clone().unwrap_or_else(|| "an unknown one".to_owned());
    eprintln!(
        "note: rows of another processor ({}) are set aside in {}; the task begins anew on {}",
        word(&earlier.cpu),
        aside.display(),
        word(&cpu)
    );
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_another_processor_are_set_aside_and_not_lost() {
        let place = tempfile::tempdir().unwrap();
        let rows = place.path().join("shard-1-of-2");
        let begin = |cpu: Option<String>| {
            std::fs::create_dir(&rows).unwrap();
            let text = serde_json::json!({
                "name": "a", "config_sha256": "", "version": "", "revision": null, "binary_sha256": "", "rustc": null,
                "cpu": cpu, "threads": 1, "kernels": "scalar", "weights_sha256": "", "noise_sha256": null,
                "data_sha256": "", "seed": 0, "shard": "1/2", "planned_cases": 1, "planned_images": 1, "started": "",
                "ended": null,
            });
            std::fs::write(rows.join("run.json"), text.to_string()).unwrap();
        };
        assert!(!kept_apart(&rows).unwrap());
        begin(machine::cpu_model());
        assert!(!kept_apart(&rows).unwrap());
        assert!(rows.join("run.json").exists());
        std::fs::remove_dir_all(&rows).unwrap();
        for number in 1..=2 {
            begin(Some("Example 9000".to_owned()));
            assert!(!kept_apart(&rows).unwrap());
            assert!(!rows.exists() && place.path().join(format!("shard-1-of-2.aside-{number}/run.json")).exists());
        }
    }
}
