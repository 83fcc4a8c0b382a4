//! The cost profile of a process: seconds by layer and primitive, and memory over time by what holds it.
//!
//! A process has one profile, as it has one [`fhe_ring::meter`]. Whoever evaluates calls [`close`] after each step, which
//! costs nothing while no profile is taken.

mod memory;
mod steps;
mod time;
mod timeline;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use memory::Sampler;
pub(crate) use steps::{close, next_ciphertext};

use crate::files;
use crate::records::Row;

/// A profile that is being taken.
pub(crate) struct Profile {
    folder: PathBuf,
    start: Instant,
    sampler: Sampler,
}

impl Profile {
    /// Starts to measure.
    ///
    /// # Errors
    /// A folder that cannot be made, and a thread that the system refuses.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("--profile {}", folder.display()))?;
        let sampler = Sampler::start().context("the thread that reads memory")?;
        steps::open();
        Ok(Self { folder: folder.to_owned(), start: Instant::now(), sampler })
    }

    /// Stops to measure, and writes the files.
    ///
    /// # Errors
    /// Files that cannot be written.
    pub(crate) fn finish(mut self) -> Result<()> {
        let steps = steps::take();
        let samples = self.sampler.stop();
        let time = time::rows(&steps, rayon::current_num_threads());
        let memory = timeline::rows(&samples, &steps, self.start, None);
        self.write(&time)?;
        self.write(&memory)
    }

    fn write<R: Row>(&self, rows: &[R]) -> Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        rows.iter().try_for_each(|row| writer.serialize(row))?;
        files::replace(&self.folder.join(R::FILE), &writer.into_inner()?)
    }
}
