//! The repository of a submission while stages run in it.
//!
//! Stages run in the repository itself and not in a copy: programs may look for their files from the place of their own.
//! What is written there is what the suite's harness writes too: `io/<size>` is deleted and made anew, and the images go
//! to `datasets/<size>/intermediate`. A lock on the folder keeps a second run out.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::StageMeasured;
use crate::config::ForeignEngine;
use crate::contract::{Instance, Stage, bytes_in, pixels, predictions};
use crate::run::selection::Subject;
use crate::supervise::{self, End, Order, Report};

/// The variables that tell an engine its number of threads.
const THREADS: [&str; 2] = ["OMP_NUM_THREADS", "RAYON_NUM_THREADS"];

/// A repository that this run has for itself.
pub(super) struct Workspace {
    engine: ForeignEngine,
    places: Instance,
    /// The folder, locked until the run ends.
    _lock: File,
}

impl Workspace {
    /// Takes the repository and deletes what an earlier run handed on.
    ///
    /// # Errors
    /// A repository that another run has, a stage without a program, or a file system that refuses.
    pub(super) fn enter(engine: &ForeignEngine) -> Result<Self> {
        let missing = Stage::ALL.into_iter().find(|stage| stage.command(&engine.submission, engine.size).is_none());
        if let Some(stage) = missing {
            let [script, built] = stage.programs(&engine.submission).map(|path| path.display().to_string());
            bail!("stage {stage}: found neither {script} nor {built}, wanted one of them; build the submission");
        }
        let lock = lock(&engine.root)?;
        let places = Instance::new(&engine.root, engine.size);
        remove(places.io())?;
        make(places.io())?;
        Ok(Self { engine: engine.clone(), places, _lock: lock })
    }

    /// Writes the images of a call, and deletes the ciphertexts and the answers of the call before.
    pub(super) fn put(&self, batch: &[&Subject]) -> Result<()> {
        for folder in [self.places.upload(), self.places.download()] {
            empty(&folder)?;
        }
        remove(&self.places.predictions())?;
        let path = self.places.pixels();
        make(path.parent().expect("a file in a folder"))?;
        let text = pixels::write(batch.iter().map(|subject| &subject.image));
        std::fs::write(&path, text).with_context(|| path.display().to_string())
    }

    /// Runs a stage of a call with `images` images and counts the bytes that it left.
    ///
    /// # Errors
    /// A stage that is missing, does not end well, or leaves no folder where it must.
    pub(super) fn run(&self, stage: Stage, images: Option<usize>) -> Result<StageMeasured> {
        let report = self.report(stage).with_context(|| format!("stage {stage}"))?;
        let end = match report.end {
            End::Status(0) => None,
            End::Status(status) => Some(format!("ended with status {status}")),
            End::Signal(signal) => Some(format!("was ended by signal {signal}")),
            End::TimeLimit => {
                Some(format!("was killed at its limit of {} s (stage_limit_s)", self.engine.stage_limit.as_secs_f64()))
            }
        };
        if let Some(end) = end {
            bail!("stage {stage}: {end}; {}", said(&report));
        }
        let bytes = self.places.counted_after(stage).map(|folder| {
            bytes_in(&folder)
                .with_context(|| format!("stage {stage}: left no folder that can be counted ({})", said(&report)))
        });
        Ok(StageMeasured { stage, images, bytes: bytes.transpose()?, report })
    }

    fn report(&self, stage: Stage) -> Result<Report> {
        let command = stage.command(&self.engine.submission, self.engine.size).context("its program is gone")?;
        let word = |word: &std::ffi::OsStr| word.to_str().map(str::to_owned).context("found a path that is not UTF-8");
        let threads = self.engine.threads.map(|threads| THREADS.map(|name| (name.to_owned(), threads.to_string())));
        supervise::run(&Order {
            program: PathBuf::from(command.get_program()),
            arguments: command.get_args().map(word).collect::<Result<_>>()?,
            folder: self.engine.root.clone(),
            environment: threads.into_iter().flatten().collect(),
            limit_s: self.engine.stage_limit.as_secs_f64(),
        })
    }

    /// Reads the classes of a call; `None` for an image without one. `last` is the report of the stage that wrote them.
    ///
    /// # Errors
    /// No file, another number of lines than images, or a line that is neither a class nor -1.
    pub(super) fn answers(&self, images: usize, last: Option<&Report>) -> Result<Vec<Option<usize>>> {
        let path = self.places.predictions();
        let read = || -> Result<Vec<Option<usize>>> { predictions::read(&std::fs::read_to_string(&path)?, images) };
        read().with_context(|| {
            let said = last.map_or(String::new(), |report| format!(" ({})", said(report)));
            format!("stage {}{said}: {}", Stage::ClientPostprocess, path.display())
        })
    }
}

/// Returns the last line of a program in words.
fn said(report: &Report) -> String {
    match report.last_line.as_str() {
        "" => "it printed nothing".to_owned(),
        line => format!("its last line: {line}"),
    }
}

/// Keeps other runs out of a repository.
fn lock(root: &Path) -> Result<File> {
    let place = root.display();
    let folder = File::open(root).with_context(|| place.to_string())?;
    match folder.try_lock() {
        Err(TryLockError::WouldBlock) => {
            bail!("{place}: another run calls this submission; wait for its end, or copy the repository")
        }
        // File systems without locks can hold a repository too.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(folder),
    }
}

fn make(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())
}

/// Removes a file, a link or a folder, if it is there.
fn remove(path: &Path) -> Result<()> {
    let folder = path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
    let removed = if folder { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.with_context(|| path.display().to_string()),
    }
}

/// Removes what is in a folder, if the folder is there. The folder itself may have been made by a stage for later ones.
fn empty(folder: &Path) -> Result<()> {
    let place = || folder.display().to_string();
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.with_context(place)?,
    };
    for entry in entries {
        remove(&entry.with_context(place)?.path())?;
    }
    Ok(())
}
