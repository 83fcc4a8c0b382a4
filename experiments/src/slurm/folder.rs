//! The folder `slurm` inside that of a run: the plan, and the places of scripts, logs and rows.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::layout::{Job, Layout, Task};
use super::script::{self, Asked};
use crate::files::replace;
use crate::records::RunProvenance;

/// The plan's file. It is written last: a folder with it is whole.
const PLAN: &str = "plan.json";

/// A run as it was planned for a cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Planned {
    /// Name of the config.
    pub name: String,
    /// The config's file, from the root.
    pub config: PathBuf,
    /// SHA-256 of its bytes.
    pub config_sha256: String,
    /// The names of the cases, in the order of the config.
    pub cases: Vec<String>,
    /// Groups and array jobs.
    pub layout: Layout,
}

impl Planned {
    /// Reads the plan of a run.
    ///
    /// # Errors
    /// A folder without a plan, or a plan that is not as it was written.
    pub(crate) fn read(run: &Path) -> Result<Self> {
        let path = folder(run).join(PLAN);
        let wanted =
            || format!("{}: wanted the folder of a run that `cipherlab slurm CONFIG` submitted", path.display());
        let text = std::fs::read_to_string(&path).with_context(wanted)?;
        let planned: Self = serde_json::from_str(&text).with_context(wanted)?;
        let known = |task: &Task| planned.layout.groups.get(task.group.wrapping_sub(1)).is_some();
        ensure!(planned.layout.jobs.iter().flat_map(|job| &job.tasks).all(known), wanted());
        Ok(planned)
    }

    /// Makes the folder with everything that the jobs need.
    ///
    /// # Errors
    /// A folder that is there, or a file system that refuses; nothing is left behind then.
    pub(super) fn write(&self, run: &Path, asked: &Asked) -> Result<()> {
        let place = folder(run);
        ensure!(
            !place.exists(),
            "{}: found jobs that were sent before, wanted none; `cipherlab slurm status {1}` shows them, `cipherlab slurm \
             resubmit {1}` sends those again that failed, and --out takes another folder",
            place.display(),
            run.display()
        );
        ensure!(
            RunProvenance::read(run)?.is_none(),
            "{}: found a run, wanted a folder without; take another --out",
            run.display()
        );
        std::fs::create_dir_all(run).with_context(|| run.display().to_string())?;
        std::fs::create_dir(&place).with_context(|| place.display().to_string())?;
        self.fill(&place, asked).inspect_err(|_| {
            let _ = std::fs::remove_dir_all(&place);
        })
    }

    fn fill(&self, place: &Path, asked: &Asked) -> Result<()> {
        for (number, text) in self.scripts(asked) {
            replace(&place.join(script_name(number)), text.as_bytes())?;
        }
        let logs = place.join("logs");
        std::fs::create_dir(&logs).with_context(|| logs.display().to_string())?;
        // A copy: the program may be built anew before the last task starts.
        let (program, copy) = (std::env::current_exe().context("the program's own file")?, place.join("cipherlab"));
        std::fs::copy(&program, &copy).with_context(|| copy.display().to_string())?;
        replace(&place.join(PLAN), format!("{}\n", serde_json::to_string_pretty(self)?).as_bytes())
    }

    /// Returns the scripts: those of the array jobs with their numbers, then that of the merger.
    pub(super) fn scripts(&self, asked: &Asked) -> Vec<(Option<usize>, String)> {
        let jobs = self.layout.jobs.iter().zip(1..);
        let scripts = jobs.map(|(job, number)| (Some(number), script::of_job(number, job, &self.name, asked)));
        scripts.chain([(None, script::of_merge(&self.name, asked))]).collect()
    }

    /// Returns all scripts, each with its file's name.
    pub(crate) fn in_full(&self, asked: &Asked) -> String {
        let script = |(number, text)| format!("\n---- slurm/{}\n{text}", script_name(number));
        self.scripts(asked).into_iter().map(script).collect()
    }

    /// Returns the memory that each task of a job asks for.
    pub(crate) fn mebibytes(&self, job: &Job) -> u64 {
        script::mebibytes(job)
    }

    /// Returns the folder with the rows of a task.
    pub(super) fn rows(&self, run: &Path, task: Task) -> PathBuf {
        group(run, task.group).join(self.layout.shard(task).folder())
    }
}

/// The folder of everything about Slurm in that of a run.
pub(super) fn folder(run: &Path) -> PathBuf {
    run.join("slurm")
}

/// The folder with the rows of a group's tasks.
pub(super) fn group(run: &Path, number: usize) -> PathBuf {
    folder(run).join(format!("rows/group-{number}"))
}

/// The file's name of a job's script, by the job's number; that of the merger for `None`.
pub(super) fn script_name(number: Option<usize>) -> String {
    format!("{}.sbatch", job_name(number))
}

/// The name of a job; that of the merger for `None`.
pub(super) fn job_name(number: Option<usize>) -> String {
    number.map_or("merge".to_owned(), |number| format!("job-{number}"))
}

/// The log of a task.
pub(super) fn log(run: &Path, job: usize, index: usize) -> PathBuf {
    folder(run).join(format!("logs/job-{job}-task-{index}.log"))
}
