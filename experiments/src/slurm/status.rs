//! What became of each task: by its rows, by Slurm's account, and by its log.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;

use super::folder::{self, Planned};
use super::journal::{Entry, Journal};
use super::layout::Task;
use super::queue::Queue;
use crate::output::{counted, in_one_line};
use crate::records::{ImageRow, Run, RunProvenance, in_progress, rows};

/// The state of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// All its rows are there.
    Done,
    /// It runs.
    Running,
    /// It waits to be run, for this reason.
    Waiting(String),
    /// It ended before its end or was never sent, for this reason.
    Failed(String),
}

/// A task with its state.
pub(crate) struct Found {
    /// Number of its array job.
    pub job: usize,
    /// Its index in the array.
    pub index: usize,
    /// The task.
    pub task: Task,
    /// Its state.
    pub state: State,
    /// Evaluations that are done, and evaluations that it is to do, once it has begun.
    progress: Option<(usize, usize)>,
}

/// Returns the tasks of a run with their states. `queue` is Slurm's account of the jobs in the journal.
pub(super) fn of_tasks(run: &Path, planned: &Planned, journal: &[Entry], queue: Option<&Queue>) -> Vec<Found> {
    let jobs = planned.layout.jobs.iter().zip(1..);
    let tasks =
        jobs.flat_map(|(job, number)| job.tasks.iter().zip(1..).map(move |(task, index)| (number, index, *task)));
    tasks.map(|(job, index, task)| of_task(run, planned, [job, index], task, journal, queue)).collect()
}

fn of_task(
    run: &Path,
    planned: &Planned,
    [job, index]: [usize; 2],
    task: Task,
    journal: &[Entry],
    queue: Option<&Queue>,
) -> Found {
    let place = planned.rows(run, task);
    let progress = progress(&place);
    let found = |state| Found { job, index, task, state, progress };
    let broken = match outcome(&place) {
        Ok(true) => return found(State::Done),
        Ok(false) => None,
        Err(reason) => Some(reason),
    };
    let sent = journal.iter().rev().find(|entry| entry.job == Some(job) && entry.tasks.contains(&index));
    let seen = sent.and_then(|entry| queue?.get(entry.id?, Some(index)));
    match seen {
        Some(seen) if seen.live() && seen.state == "PENDING" => return found(State::Waiting(seen.reason.clone())),
        Some(seen) if seen.live() => return found(State::Running),
        _ if in_progress(&place) => return found(State::Running),
        _ if queue.is_none() && sent.is_some() => {
            return found(State::Waiting("or has ended: Slurm does not answer".to_owned()));
        }
        _ => {}
    }
    let slurm = match (sent, seen) {
        (None, _) => "not sent yet".to_owned(),
        (Some(Entry { id: None, .. }), _) => "the call of sbatch was cut short".to_owned(),
        (Some(_), Some(seen)) => seen.in_words(),
        (Some(_), None) => "ended, and Slurm knows no more of it".to_owned(),
    };
    let words = [Some(slurm), broken, complaint(&folder::log(run, job, index))];
    found(State::Failed(words.into_iter().flatten().collect::<Vec<_>>().join("; ")))
}

/// Whether all rows of a task are there. An error is the reason why they never will be without more work.
fn outcome(place: &Path) -> Result<bool, String> {
    let ended = RunProvenance::read(place).is_ok_and(|run| run.is_some_and(|run| run.ended.is_some()));
    if !ended {
        return Ok(false);
    }
    let run = Run::read(place).map_err(|error| in_one_line(&error))?;
    let error =
        run.cases.iter().find_map(|case| Some(format!("{} could not run: {}", case.case, case.error.as_ref()?)));
    error.map_or(Ok(run.complete()), Err)
}

/// Evaluations found and planned.
fn progress(place: &Path) -> Option<(usize, usize)> {
    let planned = RunProvenance::read(place).ok()??.planned_images;
    Some((rows::<ImageRow>(place).map_or(0, |rows| rows.len()), planned))
}

/// The last line of a log that tells an error.
fn complaint(log: &Path) -> Option<String> {
    let text = String::from_utf8_lossy(&std::fs::read(log).ok()?).into_owned();
    let told = |line: &&str| line.contains("error:") || line.contains("CANCELLED");
    text.lines().rev().find(told).map(|line| line.trim().to_owned())
}

/// Prints the states of a run's tasks. Returns whether none of them failed.
///
/// # Errors
/// A folder without a plan or with a journal that cannot be read.
pub(crate) fn report(run: &Path) -> Result<(String, bool)> {
    let planned = Planned::read(run)?;
    let journal = Journal::read(run)?;
    let ids: Vec<u64> = journal.iter().filter_map(|entry| entry.id).collect();
    // The rows tell most of it, on machines without Slurm too.
    let (queue, silent) = match Queue::ask(&ids) {
        Ok(queue) => (Some(queue), None),
        Err(error) => (None, Some(in_one_line(&error))),
    };
    let found = of_tasks(run, &planned, &journal, queue.as_ref());
    let count = |is: fn(&State) -> bool| found.iter().filter(|found| is(&found.state)).count();
    let failed = count(|state| matches!(state, State::Failed(_)));
    let mut text = format!(
        "{}: {} tasks: {} done, {} running, {} waiting, {failed} failed\n",
        planned.name,
        found.len(),
        count(|state| *state == State::Done),
        count(|state| *state == State::Running),
        count(|state| matches!(state, State::Waiting(_))),
    );
    for found in &found {
        let words = match &found.state {
            State::Done => continue,
            State::Running => "running".to_owned(),
            State::Waiting(reason) => format!("waits ({reason})"),
            State::Failed(reason) => format!("failed: {reason}"),
        };
        let progress =
            found.progress.map_or(String::new(), |(found, planned)| format!(", {found} of {planned} evaluations"));
        let (cases, shard) =
            (planned.layout.groups[found.task.group - 1].cases.len(), planned.layout.shard(found.task));
        let cases = counted(cases, "case");
        writeln!(text, "job {} task {} ({cases}, share {shard}{progress}): {words}", found.job, found.index)?;
    }
    text += &merger(run, &journal, &queue.unwrap_or_default())?;
    if failed > 0 {
        writeln!(text, "`cipherlab slurm resubmit {}` sends the failed tasks again", run.display())?;
    }
    if let Some(silent) = silent {
        writeln!(text, "note: only the rows were looked at: {silent}")?;
    }
    Ok((text, failed == 0))
}

/// Says whether the rows are joined, in a line.
fn merger(run: &Path, journal: &[Entry], queue: &Queue) -> Result<String> {
    if RunProvenance::read(run)?.is_some() {
        return Ok(format!("the rows are joined in {}\n", run.display()));
    }
    let id = journal.iter().rev().find(|entry| entry.job.is_none()).and_then(|entry| entry.id);
    let words = id.and_then(|id| queue.get(id, None)).map_or("no job of Slurm will do it".to_owned(), |seen| {
        let will = if seen.live() { "will do it" } else { "should have done it" };
        format!("job {} {will}: {}", id.unwrap_or_default(), seen.in_words())
    });
    let said = complaint(&folder::folder(run).join("logs/merge.log")).map_or(String::new(), |line| format!("; {line}"));
    Ok(format!("the rows are not joined yet; {words}{said}\n"))
}

/// Returns whether Slurm has the merger, or may have it.
pub(super) fn merger_is_live(journal: &[Entry], queue: &Queue) -> bool {
    let id = journal.iter().rev().find(|entry| entry.job.is_none()).and_then(|entry| entry.id);
    id.and_then(|id| queue.get(id, None)).is_some_and(|seen| seen.live())
}
