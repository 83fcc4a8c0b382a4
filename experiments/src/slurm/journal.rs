//! The journal of submissions. A line is on the disk before `sbatch` is called, and another after it: whatever moment the
//! process stops at, no job is forgotten and sent again.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::folder::folder;

/// A submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// The name under which Slurm knows the job; no other job of this user has it.
    pub name: String,
    /// Number of the array job; `None` for the merger.
    pub job: Option<usize>,
    /// Indices of the tasks; none for the merger.
    pub tasks: Vec<usize>,
    /// Slurm's number of the job; `None` until `sbatch` has told it.
    pub id: Option<u64>,
    /// When, RFC 3339.
    pub at: String,
}

/// A run's journal, kept to one process.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// The submissions so far, in their order.
    pub entries: Vec<Entry>,
}

impl Journal {
    /// Opens the journal of a run, or begins it.
    ///
    /// # Errors
    /// Another process that submits jobs of this run, or a line that is not one of the journal.
    pub(super) fn open(run: &Path) -> Result<Self> {
        let path = folder(run).join("jobs.jsonl");
        let place = || path.display().to_string();
        let mut file = File::options().read(true).append(true).create(true).open(&path).with_context(place)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                bail!("{}: another process submits jobs of this run; wait for it", place())
            }
            // Network file systems may have no locks.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let mut text = String::new();
        file.read_to_string(&mut text).with_context(place)?;
        let entries = parse(&text).with_context(place)?;
        // The next line must not continue a cut one.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).with_context(place)?;
        Ok(Self { path, file, entries })
    }

    /// Reads the submissions of a run.
    ///
    /// # Errors
    /// A line that is not one of the journal.
    pub(super) fn read(run: &Path) -> Result<Vec<Entry>> {
        let path = folder(run).join("jobs.jsonl");
        let place = || path.display().to_string();
        if !path.exists() {
            return Ok(Vec::new());
        }
        parse(&std::fs::read_to_string(&path).with_context(place)?).with_context(place)
    }

    /// Adds a submission, or tells the number of one that has no number yet.
    pub(super) fn note(&mut self, entry: Entry) -> Result<()> {
        let line = format!("{}\n", serde_json::to_string(&entry)?);
        let write = |file: &mut File| file.write_all(line.as_bytes()).and_then(|()| file.sync_data());
        write(&mut self.file).with_context(|| self.path.display().to_string())?;
        add(&mut self.entries, entry);
        Ok(())
    }
}

/// Reads the lines. A last line that is cut was never followed by a call of `sbatch`.
fn parse(text: &str) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for (number, line) in text.split_inclusive('\n').filter(|line| line.ends_with('\n')).enumerate() {
        let entry = serde_json::from_str(line);
        add(&mut entries, entry.with_context(|| format!("line {}: wanted it as `slurm` wrote it", number + 1))?);
    }
    Ok(entries)
}

fn add(entries: &mut Vec<Entry>, entry: Entry) {
    match entries.iter_mut().find(|known| known.name == entry.name) {
        Some(known) => *known = entry,
        None => entries.push(entry),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_line_tells_the_number_and_a_cut_line_counts_for_nothing() {
        let entry =
            |name: &str, id| Entry { name: name.to_owned(), job: Some(1), tasks: vec![1, 2], id, at: "now".to_owned() };
        let line = |entry: &Entry| serde_json::to_string(entry).unwrap() + "\n";
        let text = line(&entry("a", None)) + &line(&entry("b", None)) + &line(&entry("a", Some(7)));
        assert_eq!(parse(&text).unwrap(), [entry("a", Some(7)), entry("b", None)]);
        assert_eq!(parse(&text[..text.len() - 1]).unwrap(), [entry("a", None), entry("b", None)]);
        assert!(format!("{:#}", parse("{}\n").unwrap_err()).starts_with("line 1: wanted it as"));
    }

    #[test]
    fn one_process_submits_at_a_time() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder(place.path())).unwrap();
        let mut first = Journal::open(place.path()).unwrap();
        assert!(Journal::open(place.path()).err().unwrap().to_string().contains("another process submits"));
        first.note(Entry { name: "a".to_owned(), job: None, tasks: Vec::new(), id: None, at: String::new() }).unwrap();
        drop(first);
        assert_eq!(Journal::open(place.path()).unwrap().entries.len(), 1);
    }
}
