//! Slurm's programs: `sbatch`, `squeue`, `sacct`, `sinfo`.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail, ensure};

/// States in which Slurm does no more for a job.
const ENDED: [&str; 11] = [
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "LAUNCH_FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "REVOKED",
    "TIMEOUT",
];

/// A task or a job by Slurm's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Its state, such as `RUNNING`.
    pub state: String,
    /// Why it waits, or the exit code with which it ended.
    pub reason: String,
}

impl Seen {
    /// Whether Slurm still has work with it. A state that this program does not know counts as such.
    pub(super) fn live(&self) -> bool {
        !ENDED.contains(&self.state.as_str())
    }

    /// State and reason in words.
    pub(super) fn in_words(&self) -> String {
        let state = self.state.to_lowercase().replace('_', " ");
        let told = !matches!(self.reason.as_str(), "" | "None" | "0:0" | "NonZeroExitCode");
        if told { format!("{state} ({})", self.reason) } else { state }
    }
}

/// Jobs and tasks by Slurm's account: by the number of the job and the index of the task.
#[derive(Debug, Default)]
pub(super) struct Queue(HashMap<(u64, Option<usize>), Seen>);

impl Queue {
    /// Asks for these jobs: `squeue` for those that run, wait or ended just now, `sacct` for older ones where a site keeps
    /// accounts.
    ///
    /// # Errors
    /// If `squeue` is missing, or cannot reach Slurm.
    pub(super) fn ask(ids: &[u64]) -> Result<Self> {
        let mut found = Self::default();
        if ids.is_empty() {
            return Ok(found);
        }
        let jobs = format!("--jobs={}", ids.iter().map(u64::to_string).collect::<Vec<_>>().join(","));
        let format = "--format=JobID,State,ExitCode";
        if let Ok(text) = call("sacct", &["--noheader", "--parsable2", "--allocations", &jobs, format], None) {
            found.accounted(&text);
        }
        match call("squeue", &["--noheader", "--array", "--states=all", &jobs, "--format=%F|%K|%T|%r"], None) {
            Ok(text) => found.queued(&text),
            // None of them is known any more.
            Err(error) if error.to_string().contains("Invalid job id") => {}
            Err(error) => return Err(error),
        }
        Ok(found)
    }

    /// Returns a task of a job, or a job without tasks.
    pub(super) fn get(&self, id: u64, task: Option<usize>) -> Option<&Seen> {
        self.0.get(&(id, task))
    }

    /// Reads lines such as `12|3|PENDING|Resources`.
    fn queued(&mut self, text: &str) {
        let line = |line: &str| {
            let [id, task, state, reason]: [&str; 4] = line.splitn(4, '|').collect::<Vec<_>>().try_into().ok()?;
            let seen = Seen { state: state.to_owned(), reason: reason.to_owned() };
            Some(((id.parse().ok()?, task.parse().ok()), seen))
        };
        self.0.extend(text.lines().filter_map(line));
    }

    /// Reads lines such as `12_3|CANCELLED by 0|0:9`.
    fn accounted(&mut self, text: &str) {
        let line = |line: &str| {
            let [id, state, code]: [&str; 3] = line.split('|').collect::<Vec<_>>().try_into().ok()?;
            let (id, task) = id.split_once('_').map_or((id, None), |(id, task)| (id, Some(task)));
            let task = task.map(str::parse).transpose().ok()?;
            let state = state.split(' ').next()?.to_owned();
            Some(((id.parse().ok()?, task), Seen { state, reason: code.to_owned() }))
        };
        self.0.extend(text.lines().filter_map(line));
    }
}

/// Returns Slurm's number of the job of this name; `None` if `squeue` does not know it.
///
/// # Errors
/// If `squeue` is missing, or cannot reach Slurm.
pub(super) fn number_of(name: &str) -> Result<Option<u64>> {
    let text = call("squeue", &["--noheader", "--states=all", &format!("--name={name}"), "--format=%F"], None)?;
    Ok(text.split_whitespace().find_map(|word| word.parse().ok()))
}

/// Asks whether Slurm would take a script, and submits nothing.
///
/// # Errors
/// If `sbatch` is missing, or refuses.
pub(super) fn test(place: &Path, script: &str) -> Result<()> {
    call("sbatch", &["--test-only", script], Some(place))
        .map(drop)
        .with_context(|| place.join(script).display().to_string())
}

/// Submits a script from its folder, with more options. Returns the job's number.
///
/// # Errors
/// If `sbatch` is missing, or refuses.
pub(super) fn submit(place: &Path, script: &str, options: &[String]) -> Result<u64> {
    let arguments: Vec<&str> =
        ["--parsable"].into_iter().chain(options.iter().map(String::as_str)).chain([script]).collect();
    let text = call("sbatch", &arguments, Some(place)).with_context(|| place.join(script).display().to_string())?;
    // On a federation, the cluster follows after a semicolon.
    let number = text.trim().split(';').next().and_then(|number| number.parse().ok());
    number.with_context(|| format!("sbatch: found '{}', wanted the number of a job", text.trim()))
}

/// Fails if Slurm has other partitions than this one.
///
/// # Errors
/// The partitions that there are.
pub(super) fn check_partition(name: &str) -> Result<()> {
    // A site without `sinfo` leaves it to `sbatch`.
    let Ok(text) = call("sinfo", &["--noheader", "--format=%R"], None) else { return Ok(()) };
    let mut known: Vec<&str> = text.split_whitespace().collect();
    known.sort_unstable();
    known.dedup();
    let found = name.split(',').find(|name| !known.contains(name));
    match found {
        Some(name) if !known.is_empty() => {
            bail!("--partition {name}: found no such partition on this cluster, wanted one of: {}", known.join(", "))
        }
        _ => Ok(()),
    }
}

/// Runs a program of Slurm. Returns its standard output.
fn call(program: &str, arguments: &[&str], place: Option<&Path>) -> Result<String> {
    let mut command = Command::new(program);
    if let Some(place) = place {
        command.current_dir(place);
    }
    let output = command.args(arguments).output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow!(
            "{program}: found no such program on PATH, wanted Slurm's; go to a node that submits jobs, or see the scripts \
             with --dry-run"
        ),
        _ => anyhow!("{program}: {error}"),
    })?;
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().map(|line| line.trim_start_matches(&format!("{program}: error: "))).collect();
    ensure!(output.status.success(), "{program} refused ({}): {}", output.status, lines.join("; "));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_squeue_says_counts_more_than_what_sacct_says() {
        let mut queue = Queue::default();
        queue.accounted("12_1|FAILED|1:0\n12_2|CANCELLED by 0|0:9\n12_[3-4]|PENDING|0:0\n13|COMPLETED|0:0\n");
        queue.queued("12|1|RUNNING|None\n12|3|PENDING|Resources\n14|N/A|PENDING|Dependency\n");
        let words = |id, task| queue.get(id, task).map(|seen| (seen.live(), seen.in_words()));
        let wanted = |live, words: &str| Some((live, words.to_owned()));
        assert_eq!(words(12, Some(1)), wanted(true, "running"));
        assert_eq!(words(12, Some(2)), wanted(false, "cancelled (0:9)"));
        assert_eq!(words(12, Some(3)), wanted(true, "pending (Resources)"));
        assert_eq!(words(13, None), wanted(false, "completed"));
        assert_eq!(words(14, None), wanted(true, "pending (Dependency)"));
        assert_eq!(words(12, Some(4)), None);
    }

    #[test]
    fn a_program_that_is_not_there_says_what_to_do() {
        let error = call("sbatch-of-nobody", &[], None).unwrap_err().to_string();
        assert!(error.contains("found no such program on PATH") && error.contains("--dry-run"), "{error}");
    }
}
