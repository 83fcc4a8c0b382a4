//! The runs behind tables and figures, and whether each may be cited.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Once, OnceLock};

use anyhow::{Context, Result, ensure};

use crate::records::{CaseRow, ImageRow, LayerRow, Run, file, in_progress};

/// The folder of runs, if the user names none.
const RESULTS: &str = "results";

/// A run with its standing.
pub(crate) struct Source {
    /// Its records.
    pub run: Run,
    /// Whether it may be cited.
    pub standing: Standing,
    /// Places of the rows of images and of layers, by their case; made when they are first asked for.
    images: OnceLock<Places>,
    layers: OnceLock<Places>,
}

type Places = HashMap<String, Vec<usize>>;

/// Returns the places of rows by their case.
fn places<'a>(cases: impl Iterator<Item = &'a String>) -> Places {
    let mut places = Places::new();
    for (place, case) in cases.enumerate() {
        match places.get_mut(case) {
            Some(known) => known.push(place),
            None => {
                places.insert(case.clone(), vec![place]);
            }
        }
    }
    places
}

/// The standing of a run: only a complete one may be cited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Every case has all its images, or says why it could not run.
    Complete,
    /// Evaluations (a case on an image) found and planned.
    Partial(usize, usize),
    /// One of several shards, `I/N`.
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

/// Reads the runs in these folders. Without folders, reads every folder of `results/` that holds a run, in order of
/// their names.
///
/// # Errors
/// If a folder holds no run, a file is not of its format, or a row is not as it was written.
pub(crate) fn read(folders: &[PathBuf]) -> Result<Vec<Source>> {
    read_by(folders, Source::read)
}

/// Reads the runs of [`read`], which must not be in progress.
///
/// # Errors
/// Those of [`read`], or a run in progress.
pub(crate) fn read_all_idle(folders: &[PathBuf]) -> Result<Vec<Source>> {
    read_by(folders, Source::read_idle)
}

fn read_by(folders: &[PathBuf], read: impl Fn(&Path) -> Result<Source>) -> Result<Vec<Source>> {
    let folders = if folders.is_empty() { found()? } else { folders.to_vec() };
    let mut seen = HashSet::new();
    for folder in &folders {
        let place = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        ensure!(seen.insert(place), "{}: found it twice, wanted each folder once", folder.display());
    }
    let sources = folders.iter().map(|folder| read(folder)).collect::<Result<Vec<_>>>()?;
    note_unchecked(&sources);
    Ok(sources)
}

/// Reads the run in a folder, which must not be in progress.
///
/// # Errors
/// If the folder holds no run, `run` is at work in it, a file is not of its format, or a row is not as it was written.
pub(crate) fn read_idle(folder: &Path) -> Result<Source> {
    let source = Source::read_idle(folder)?;
    note_unchecked(std::slice::from_ref(&source));
    Ok(source)
}

/// Says once in a process that there are rows that could not be checked.
fn note_unchecked(sources: &[Source]) {
    static NOTED: Once = Once::new();
    if sources.iter().any(|source| !source.run.unchecked.is_empty()) {
        NOTED.call_once(|| eprintln!("note: runs without digests, as of earlier programs, are read unchecked"));
    }
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
        let mut run = Run::read(folder)?;
        // Earlier programs wrote the memory of simulations, which says nothing about encryption.
        let clear = |case: &&mut CaseRow| case.backend.starts_with("simulated") || case.backend == "plain";
        run.cases.iter_mut().filter(clear).for_each(|case| case.peak_rss_bytes = None);
        let standing = match &run.provenance.shard {
            Some(part) => Standing::Shard(part.clone()),
            None if run.complete() => Standing::Complete,
            None => Standing::Partial(run.images.len(), run.provenance.planned_images),
        };
        Ok(Self { run, standing, images: OnceLock::new(), layers: OnceLock::new() })
    }

    fn read_idle(folder: &Path) -> Result<Self> {
        let source = Self::read(folder)?;
        // Where locks tell nothing, the run is partial.
        let busy = source.run.provenance.ended.is_none() && in_progress(folder);
        ensure!(!busy, "{}: found a run in progress, wanted one that ended; wait for it", folder.display());
        Ok(source)
    }

    /// Returns the config's name.
    pub(crate) fn name(&self) -> &str {
        &self.run.provenance.name
    }

    /// Returns the question of its config; `None` if the config has none.
    pub(crate) fn question(&self) -> Option<String> {
        Some(self.config()?.get("question")?.as_str()?.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Returns in words how its config chooses the images; `None` if the config does not say.
    pub(crate) fn selection(&self) -> Option<String> {
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

    /// Returns the rows of a case's images.
    pub(crate) fn images_of(&self, case: &str) -> impl Iterator<Item = &ImageRow> {
        let places = self.images.get_or_init(|| places(self.run.images.iter().map(|row| &row.case)));
        places.get(case).into_iter().flatten().map(|&place| &self.run.images[place])
    }

    /// Returns the rows of the layers of a case's images.
    pub(crate) fn layers_of(&self, case: &str) -> impl Iterator<Item = &LayerRow> {
        let places = self.layers.get_or_init(|| places(self.run.layers.iter().map(|row| &row.case)));
        places.get(case).into_iter().flatten().map(|&place| &self.run.layers[place])
    }

    /// Whether its images are a user's own, not CIFAR-10's test set.
    pub(crate) fn has_own_pictures(&self) -> bool {
        self.config().is_some_and(|config| config.get("data").is_some_and(|data| data.get("set").is_some()))
    }

    /// Returns the threads of a case.
    pub(crate) fn threads(&self, case: &CaseRow) -> usize {
        case.threads.unwrap_or(self.run.provenance.threads)
    }

    /// Returns the kernels of a case.
    pub(crate) fn kernels<'a>(&'a self, case: &'a CaseRow) -> &'a str {
        case.kernels.as_deref().unwrap_or(&self.run.provenance.kernels)
    }

    /// Returns threads, kernels and setting of memory of a case in words, such as `2 threads`, `fma` and `memory lean`; an empty
    /// text for what does not vary within the run.
    pub(crate) fn resources(&self, case: &CaseRow) -> [String; 3] {
        let varies = |other: &dyn Fn(&CaseRow) -> bool| self.run.cases.iter().any(other);
        let threads = match self.threads(case) {
            _ if !varies(&|other| self.threads(other) != self.threads(case)) => String::new(),
            1 => "1 thread".to_owned(),
            threads => format!("{threads} threads"),
        };
        let kernels = self.kernels(case);
        let kernels = if varies(&|other| self.kernels(other) != kernels) { kernels } else { "" };
        let memory = match &case.memory {
            Some(memory) if varies(&|other| other.memory != case.memory) => format!("memory {memory}"),
            _ => String::new(),
        };
        [threads, kernels.to_owned(), memory]
    }

    /// Returns the config's name, with what sets the resources of this case apart from those of others.
    pub(crate) fn name_of(&self, case: &CaseRow) -> String {
        let [threads, kernels, memory] = self.resources(case);
        let words = [self.name(), &threads, &kernels, &memory];
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
    }

    /// Returns the cases that ran, whatever the run's standing.
    pub(crate) fn cases(&self) -> impl Iterator<Item = &CaseRow> {
        self.run.cases.iter().filter(|case| case.error.is_none())
    }

    /// Returns the cases that may be cited: those of a complete run that ran.
    pub(crate) fn citable(&self) -> impl Iterator<Item = &CaseRow> {
        self.cases().filter(|_| self.standing == Standing::Complete)
    }

    /// Returns whether the run has cases of this backend, or would have.
    pub(crate) fn concerns(&self, backend: &str) -> bool {
        self.withheld(backend) || self.run.cases.iter().any(|case| case.backend == backend)
    }

    /// Returns whether the run has cases of this backend but may not be cited.
    pub(crate) fn withheld(&self, backend: &str) -> bool {
        let prefix = format!("{backend}-");
        let mut images = self.run.images.iter();
        self.standing != Standing::Complete && (images.len() == 0 || images.any(|row| row.case.starts_with(&prefix)))
    }

    /// Returns the provenance of its numbers in a line.
    pub(crate) fn provenance(&self) -> String {
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
