//! Sends the jobs of a run: all of them, or those again that failed.

use std::path::Path;

use anyhow::{Context, Result};

use super::folder::{Planned, folder, job_name, script_name};
use super::journal::{Entry, Journal};
use super::queue::{self, Queue};
use super::script::Asked;
use super::status::{self, Found, State};
use crate::machine;
use crate::records::RunProvenance;

/// Makes the folder of the jobs, asks Slurm whether it would take each, writes what their tasks share, and sends them.
/// Returns a line for each job.
///
/// # Errors
/// A run that was sent before, a partition that is not there, `sbatch` that is missing or refuses, and those of `share`. If
/// no job was sent, nothing is left behind.
pub(crate) fn submit(
    run: &Path,
    planned: &Planned,
    asked: &Asked,
    share: impl FnOnce(&Path) -> Result<()>,
) -> Result<String> {
    asked.partition.as_deref().map_or(Ok(()), queue::check_partition)?;
    let made: Vec<&Path> =
        run.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    planned.write(run, asked)?;
    let place = folder(run);
    let mut sent = Vec::new();
    let all = (|| {
        for number in (1..=planned.layout.jobs.len()).map(Some).chain([None]) {
            queue::test(&place, &script_name(number))?;
        }
        share(&place)?;
        let mut journal = Journal::open(run)?;
        for (job, number) in planned.layout.jobs.iter().zip(1..) {
            sent.push(send(run, &mut journal, planned, Some(number), (1..=job.tasks.len()).collect(), &[])?);
        }
        let merger = send(run, &mut journal, planned, None, Vec::new(), &sent)?;
        Ok(in_words(&sent, merger))
    })();
    all.map_err(|error: anyhow::Error| {
        if sent.is_empty() {
            let _ = std::fs::remove_dir_all(&place);
            // Innermost first, and only those in which nothing else is.
            made.into_iter().for_each(|folder| drop(std::fs::remove_dir(folder)));
            return error;
        }
        let count = planned.layout.jobs.len();
        error.context(format!(
            "sent {} of {count} jobs; `cipherlab slurm resubmit {}` sends the others",
            sent.len(),
            run.display()
        ))
    })
}

/// Sends those tasks again that failed or were never sent, and a merger if there is none. Returns a line for each job.
///
/// # Errors
/// A folder without a plan, Slurm that does not answer, or `sbatch` that refuses.
pub(crate) fn resubmit(run: &Path) -> Result<String> {
    let planned = Planned::read(run)?;
    let mut journal = Journal::open(run)?;
    adopt(&mut journal)?;
    let ids: Vec<u64> = journal.entries.iter().filter_map(|entry| entry.id).collect();
    // Without Slurm's answer, a task that waits would look like one that failed.
    let queue = Queue::ask(&ids)?;
    let found = status::of_tasks(run, &planned, &journal.entries, Some(&queue));
    let failed = |job| {
        let of_job = found.iter().filter(move |found: &&Found| found.job == job);
        of_job.filter(|found| matches!(found.state, State::Failed(_))).map(|found| found.index).collect::<Vec<_>>()
    };
    let mut sent = Vec::new();
    for number in 1..=planned.layout.jobs.len() {
        let tasks = failed(number);
        if !tasks.is_empty() {
            sent.push(send(run, &mut journal, &planned, Some(number), tasks, &[])?);
        }
    }
    let joined = RunProvenance::read(run)?.is_some();
    if sent.is_empty() && (joined || status::merger_is_live(&journal.entries, &queue)) {
        return Ok("found no task that failed; nothing was sent\n".to_owned());
    }
    let live = ids.into_iter().filter(|&id| found.iter().any(|found| is_live(&queue, id, found.index)));
    let before: Vec<u64> = live.chain(sent.iter().copied()).collect();
    let merger = send(run, &mut journal, &planned, None, Vec::new(), &before)?;
    Ok(in_words(&sent, merger))
}

fn is_live(queue: &Queue, id: u64, index: usize) -> bool {
    queue.get(id, Some(index)).is_some_and(|seen| seen.live())
}

/// Finds out the numbers of jobs whose submission was cut short.
fn adopt(journal: &mut Journal) -> Result<()> {
    let unknown: Vec<Entry> = journal.entries.iter().filter(|entry| entry.id.is_none()).cloned().collect();
    for entry in unknown {
        if let Some(id) = queue::number_of(&entry.name)? {
            journal.note(Entry { id: Some(id), ..entry })?;
        }
    }
    Ok(())
}

/// Sends a job, or the merger, which waits for the jobs `before` it. Returns Slurm's number.
fn send(
    run: &Path,
    journal: &mut Journal,
    planned: &Planned,
    number: Option<usize>,
    tasks: Vec<usize>,
    before: &[u64],
) -> Result<u64> {
    let name = format!("cipherlab-{}-{}-{}", planned.name, job_name(number), token(journal));
    let entry = Entry { name: name.clone(), job: number, tasks, id: None, at: machine::now() };
    let mut options = vec![format!("--job-name={name}")];
    if number.is_some() {
        options.push(format!("--array={}", ranges(&entry.tasks)));
    }
    if !before.is_empty() {
        let ids: Vec<String> = before.iter().map(u64::to_string).collect();
        options.push(format!("--dependency=afterany:{}", ids.join(":")));
    }
    journal.note(entry.clone())?;
    let id = queue::submit(&folder(run), &script_name(number), &options)?;
    journal
        .note(Entry { id: Some(id), ..entry })
        .with_context(|| format!("the job {id} was sent, but its number could not be written"))?;
    Ok(id)
}

/// A word that no other submission of this user has: the process, and the submissions before it.
fn token(journal: &Journal) -> String {
    format!("{:x}-{}", std::process::id(), journal.entries.len() + 1)
}

/// Writes indices as Slurm reads them: `1-3,7`.
fn ranges(indices: &[usize]) -> String {
    let runs = indices.chunk_by(|a, b| a + 1 == *b);
    let run = |run: &[usize]| match run {
        [one] => one.to_string(),
        [first, .., last] => format!("{first}-{last}"),
        [] => String::new(),
    };
    runs.map(run).collect::<Vec<_>>().join(",")
}

fn in_words(sent: &[u64], merger: u64) -> String {
    let jobs = |id: &u64| format!("sent job {id}\n");
    format!("{}sent job {merger}, which joins the rows after them\n", sent.iter().map(jobs).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_written_as_ranges() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), "1-3,7,9-10");
        assert_eq!(ranges(&[5]), "5");
    }
}
