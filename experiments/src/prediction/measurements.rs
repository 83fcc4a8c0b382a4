//! What `bench` measured, read back: the lines that `bench --json` prints.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use datasets::Cache;
use serde::Deserialize;

use crate::files::replace;

/// Measured on an idle machine: see the first line of the file.
const SHIPPED: [(usize, &str); 2] =
    [(1 << 16, include_str!("../../bench/65536.jsonl")), (1 << 15, include_str!("../../bench/32768.jsonl"))];

/// Where figures come from, as far as predictions need it. Fields beside these are passed over.
#[derive(Clone, Debug, Deserialize)]
pub struct Provenance {
    /// Revision of the program that measured.
    pub revision: Option<String>,
    /// When.
    pub date: String,
    /// The processor.
    pub cpu: Option<String>,
    /// Threads of the pool.
    pub threads: usize,
    /// Kernels.
    #[serde(alias = "backend")]
    pub kernels: String,
    /// N.
    pub ring_dim: usize,
    /// Main primes of the parameters measured.
    pub main_primes: usize,
    /// Special primes of these.
    pub special_primes: usize,
    /// Degree of the activation measured.
    pub relu: String,
}

/// One operation.
#[derive(Clone, Debug, Deserialize)]
pub struct Operation {
    /// Its name.
    pub op: String,
    /// Slots of its vectors.
    pub slots: Option<usize>,
    /// Primes of its operand.
    pub limbs: Option<usize>,
    /// The median.
    pub seconds: Option<f64>,
    /// −log2 of the error in the worst slot.
    pub bits: Option<f64>,
}

/// A run of `bench`.
#[derive(Clone, Debug)]
pub struct Measurements {
    /// Where it ran.
    pub provenance: Provenance,
    /// In order.
    pub operations: Vec<Operation>,
}

impl Measurements {
    /// Those that `bench --save` left for this ring, or for another; or else the shipped ones.
    pub fn load(ring_dim: usize) -> Result<Self> {
        let stored = |ring_dim: usize| saved(ring_dim).ok().filter(|path| path.exists());
        match stored(ring_dim).or_else(|| stored(1 << 16)) {
            None => Self::shipped(ring_dim),
            Some(path) => {
                let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                let advice = || format!("{}: wanted what `bench --save` writes; run it again", path.display());
                Self::parse(&text).with_context(advice)
            }
        }
    }

    /// Those of the machine that the program was made on, for this ring or another.
    pub fn shipped(ring_dim: usize) -> Result<Self> {
        let (known, text) = SHIPPED.into_iter().find(|(known, _)| *known == ring_dim).unwrap_or(SHIPPED[0]);
        Self::parse(text).with_context(|| format!("experiments/bench/{known}.jsonl"))
    }

    /// Reads the lines of `bench --json`.
    pub fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let first = lines.next().context("found no line, wanted the provenance")?;
        let provenance: Provenance = serde_json::from_str(first).context("line 1")?;
        ensure!(provenance.special_primes > 0, "line 1: found no special primes, wanted some");
        let operation = |(index, line)| {
            let operation: Operation = serde_json::from_str(line).with_context(|| format!("line {}", index + 2))?;
            ensure!(operation.slots != Some(0), "line {}: found 0 slots, wanted some", index + 2);
            Ok(operation)
        };
        let operations = lines.enumerate().map(operation).collect::<Result<_>>()?;
        Ok(Self { provenance, operations })
    }

    /// Operations of this name that have a time.
    pub fn times<'a>(&'a self, op: &'a str) -> impl Iterator<Item = (&'a Operation, f64)> {
        self.operations.iter().filter(move |row| row.op == op).filter_map(|row| Some((row, row.seconds?)))
    }

    /// `Intel(R) Xeon(R) Processor, 2 threads, avx512ifma, 2026-11-22T11:25:39Z`.
    pub fn in_words(&self) -> String {
        let Provenance { cpu, threads, kernels, date, revision, ring_dim, .. } = &self.provenance;
        let [cpu, revision] = [cpu, revision].map(|text| text.as_deref().unwrap_or("unknown"));
        format!("bench at N = {ring_dim} of {date}, revision {revision}: {cpu}, {threads} threads, {kernels}")
    }
}

/// The file that `bench --save` writes without a name, in the cache folder of the data.
pub fn saved(ring_dim: usize) -> Result<PathBuf> {
    Ok(Cache::open_default()?.folder().join(format!("bench-{ring_dim}.jsonl")))
}

/// Writes the lines of a run of `bench`, whole or not at all.
pub fn save(path: &Path, text: &str) -> Result<()> {
    ensure!(Measurements::parse(text).is_ok(), "bench wrote what it cannot read");
    let failed = || format!("--save {}", path.display());
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(failed)?;
    }
    replace(path, text.as_bytes()).with_context(failed)
}
