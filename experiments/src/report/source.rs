//! The runs that tables and figures are made of, and how far each may be trusted.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::records::{CaseRow, Run, file};

/// Where runs stand if no folder is given.
const RESULTS: &str = "results";

/// A run with its standing.
pub struct Source {
    /// What stands on disk.
    pub run: Run,
    /// Whether it may be cited.
    pub standing: Standing,
}

/// Whether a run may be cited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Every case has all its images, or says why not.
    Complete,
    /// Evaluations, of a case on an image: found, planned.
    Partial(usize, usize),
    /// One of several parts, `I/N`.
    Shard(String),
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("complete"),
            Self::Partial(found, planned) if found == planned => f.write_str("partial: stopped before its end"),
            Self::Partial(found, planned) => write!(f, "partial: {found} of {planned} evaluations"),
            Self::Shard(part) => write!(f, "partial: shard {part}, not merged"),
        }
    }
}

/// Reads these folders; without any, every folder of `results/` that holds a run, in order of their names.
///
/// # Errors
/// A folder that holds no run, or a file of it that is not of its shape.
pub fn read(folders: &[PathBuf]) -> Result<Vec<Source>> {
    let folders = if folders.is_empty() { found()? } else { folders.to_vec() };
    let mut seen = HashSet::new();
    for folder in &folders {
        let place = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        ensure!(seen.insert(place), "{}: found it twice, wanted each folder once", folder.display());
    }
    folders.iter().map(|folder| Source::read(folder)).collect()
}

fn found() -> Result<Vec<PathBuf>> {
    if !Path::new(RESULTS).is_dir() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(RESULTS).context(RESULTS)?;
    let mut folders = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>().context(RESULTS)?;
    folders.retain(|folder| folder.join(file::RUN).is_file());
    folders.sort();
    Ok(folders)
}

impl Source {
    fn read(folder: &Path) -> Result<Self> {
        let run = Run::read(folder)?;
        let standing = match &run.provenance.shard {
            Some(part) => Standing::Shard(part.clone()),
            None if run.complete() => Standing::Complete,
            None => Standing::Partial(run.images.len(), run.provenance.planned_images),
        };
        Ok(Self { run, standing })
    }

    /// The config's name.
    pub fn name(&self) -> &str {
        &self.run.provenance.name
    }

    /// What its config asks; `None` where it says nothing.
    pub fn question(&self) -> Option<String> {
        Some(self.config()?.get("question")?.as_str()?.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// How its config chooses the images; `None` where it says nothing.
    fn selection(&self) -> Option<String> {
        let config = self.config()?;
        let data = config.get("data")?;
        let pool = data.get("images").and_then(toml::Value::as_str);
        let Some(sample) = data.get("sample") else { return Some(format!("images {}", pool?)) };
        let seed = data.get("seed").and_then(toml::Value::as_integer).unwrap_or(0);
        let of = |key: &str| sample.get(key).and_then(toml::Value::as_integer);
        let chosen = if let Some(count) = of("random") {
            format!("{count} at random, seed {seed}")
        } else if let Some(count) = of("stratified") {
            format!("{count} at random, the same number of each class, seed {seed}")
        } else {
            format!("the {} of the smallest plaintext margin", of("smallest_margin")?)
        };
        Some(format!("of images {}, {chosen}", pool.unwrap_or("0..10000")))
    }

    fn config(&self) -> Option<toml::Table> {
        self.run.config.parse().ok()
    }

    /// The cases that ran, whatever the run's standing.
    pub fn cases(&self) -> impl Iterator<Item = &CaseRow> {
        self.run.cases.iter().filter(|case| case.error.is_none())
    }

    /// The cases that may be cited: those of a complete run that ran.
    pub fn citable(&self) -> impl Iterator<Item = &CaseRow> {
        self.cases().filter(|_| self.standing == Standing::Complete)
    }

    /// Whether it has anything to do with this backend.
    pub fn concerns(&self, backend: &str) -> bool {
        self.withheld(backend) || self.run.cases.iter().any(|case| case.backend == backend)
    }

    /// Whether a run that may not be cited would have had something to say of this backend.
    pub fn withheld(&self, backend: &str) -> bool {
        let prefix = format!("{backend}-");
        let mut images = self.run.images.iter();
        self.standing != Standing::Complete && (images.len() == 0 || images.any(|row| row.case.starts_with(&prefix)))
    }

    /// Where its numbers come from, in a line.
    pub fn provenance(&self) -> String {
        let run = &self.run.provenance;
        let revision = run.revision.as_deref().unwrap_or("of no revision");
        let digest = run.config_sha256.get(..12).unwrap_or(&run.config_sha256);
        let cpu = run.cpu.as_deref().unwrap_or("unknown processor");
        let old = run.ntt_us.map(|us| format!(", yardstick {us:.0} µs"));
        let reference = || run.reference_ntt_us.map(|us| format!(", reference transform {us:.0} µs"));
        let yardstick = old.or_else(reference).unwrap_or_default();
        let day = run.started.get(..10).unwrap_or(&run.started);
        let selection = self.selection().map_or(String::new(), |selection| format!("; {selection}"));
        let standing = match &self.standing {
            Standing::Complete => String::new(),
            standing => format!("; {standing}"),
        };
        format!(
            "{}: program {revision}, config {digest}, {cpu}, {} threads, {}{yardstick}, {day}{selection}{standing}",
            run.name, run.threads, run.kernels
        )
    }
}
