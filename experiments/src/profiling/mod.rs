//! The cost profile of a process: seconds by layer and primitive, and memory over time by what holds it.
//!
//! A process has one profile, as it has one [`fhe_ring::meter`]. Whoever evaluates calls [`close`] after each step, which
//! costs nothing while no profile is taken.

mod areas;
mod flame;
mod folder;
mod memory;
mod steps;
mod summary;
mod time;
mod timeline;

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::machine;
use crate::records::{MemoryRow, Row, TimeRow};
use folder::Folder;
use memory::Sampler;
pub(crate) use steps::{close, next_ciphertext};

/// Returns the files of a profile with their columns, for the help of the program.
pub(crate) fn describe() -> String {
    format!(
        "Write to this folder where the time and the memory go: tables, a flame graph and a memory timeline (SVG and PNG). The \
         folder is made if necessary; it must hold no other files.\n\n{}\n{}",
        columns::<TimeRow>(),
        columns::<MemoryRow>()
    )
}

fn columns<R: Row>() -> String {
    let columns = R::COLUMNS.iter().zip(R::MEANINGS).map(|(name, meaning)| format!("- {name}: {}\n", meaning.trim()));
    format!("{}: {}\n{}", R::FILE, R::MEANING.trim(), columns.collect::<String>())
}

/// A profile that is being taken.
pub(crate) struct Profile {
    folder: Folder,
    start: Instant,
    sampler: Sampler,
}

impl Profile {
    /// Starts to measure, for files in a folder.
    ///
    /// # Errors
    /// A folder with files that no profile wrote, or that cannot be written; a thread that the system refuses.
    pub(crate) fn start(path: &Path) -> Result<Self> {
        let folder = Folder::open(path)?;
        let start = Instant::now();
        let sampler = Sampler::start().context("the thread that reads memory")?;
        steps::open(sampler.thread());
        Ok(Self { folder, start, sampler })
    }

    /// Stops to measure, writes the files, and returns a summary. `case` names the case in figures.
    ///
    /// # Errors
    /// Files that cannot be written.
    pub(crate) fn finish(mut self, case: &str) -> Result<String> {
        let (steps, samples) = (steps::take(), self.sampler.stop());
        let (threads, peak) = (rayon::current_num_threads(), machine::peak_rss_bytes());
        let time = time::rows(&steps, threads);
        let memory = timeline::rows(&samples, &steps, self.start);
        self.folder.table(&time)?;
        self.folder.table(&memory)?;
        let [flame, areas] = folder::FIGURES;
        self.folder.figure(flame, &flame::figure(&time, threads, &format!("Where the time goes · {case}")))?;
        self.folder.figure(areas, &areas::figure(&memory, peak, &format!("Where the memory goes · {case}")))?;
        let summary = summary::text(&time, &memory, threads, peak);
        Ok(format!("profile in {}\n{summary}", self.folder.shown()))
    }
}
