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
use folder::Folder;
use memory::Sampler;
pub(crate) use steps::{close, next_ciphertext};

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
