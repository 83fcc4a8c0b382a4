//! Measurements of `bench`: the lines that `bench --json` prints, read back.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use datasets::Cache;
use fhe_ring::Kernels;
use serde::Deserialize;

use crate::bench::throughput;
use crate::files::replace;

/// Ring dimension, kernels and lines of the shipped files. The first line of each says where and when it was measured.
/// To measure one again: `cargo run --release -- bench --ring-dim 32768 --kernels fma --save
/// experiments/bench/32768-fma.jsonl`.
const SHIPPED: [(usize, &str, &str); 5] = [
    (1 << 16, "avx512ifma", include_str!("../bench/65536-avx512ifma.jsonl")),
    (1 << 15, "avx512ifma", include_str!("../bench/32768-avx512ifma.jsonl")),
    (1 << 15, "fma512", include_str!("../bench/32768-fma512.jsonl")),
    (1 << 15, "fma", include_str!("../bench/32768-fma.jsonl")),
    (1 << 15, "scalar", include_str!("../bench/32768-scalar.jsonl")),
];

/// The origin of figures, as far as predictions need it. Other fields of the line are ignored.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Provenance {
    /// Revision of the program that measured them.
    pub revision: Option<String>,
    /// Time of the measurement.
    pub date: String,
    /// The processor.
    pub cpu: Option<String>,
    /// Its cores.
    #[serde(default)]
    pub cores: Option<usize>,
    /// Programs that ran on it, on average over the minute before.
    #[serde(default)]
    pub load_average: Option<f64>,
    /// Threads of the pool.
    pub threads: usize,
    /// Kernels: `avx512ifma`, `fma512`, `fma` or `scalar`. Files of earlier versions call the field `backend`.
    #[serde(alias = "backend")]
    pub kernels: String,
    /// Ring dimension N.
    pub ring_dim: usize,
    /// Main primes of the parameters.
    pub main_primes: usize,
    /// Special primes of the parameters.
    pub special_primes: usize,
    /// The activation, such as `chebyshev:59`.
    pub relu: String,
}

/// One operation.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Operation {
    /// Its name.
    pub op: String,
    /// Slots of its vectors.
    pub slots: Option<usize>,
    /// Primes of its operand.
    pub limbs: Option<usize>,
    /// The median.
    pub seconds: Option<f64>,
    /// The shortest run.
    #[serde(default)]
    pub seconds_min: Option<f64>,
    /// −log2 of the largest error of a slot.
    pub bits: Option<f64>,
}

/// A run of `bench`.
#[derive(Clone, Debug)]
pub(crate) struct Measurements {
    /// The machine, and the parameters.
    pub provenance: Provenance,
    /// The operations, in the order in which they ran.
    pub operations: Vec<Operation>,
}

impl Measurements {
    /// Returns the measurements of these kernels that `bench --save` stored, for this ring or else for 65536; without
    /// them, the shipped ones.
    ///
    /// # Errors
    /// A stored file that cannot be read.
    pub(crate) fn load(ring_dim: usize, kernels: Kernels) -> Result<Self> {
        for ring in [ring_dim, 1 << 16] {
            if let Some(found) = Self::stored_at(ring, kernels)? {
                return Ok(found);
            }
        }
        Self::shipped(ring_dim, kernels.name())
    }

    /// Returns the measurements of these kernels that `bench --save` stored for this ring; `None` if there are none.
    ///
    /// # Errors
    /// A stored file that cannot be read.
    pub(crate) fn stored_at(ring_dim: usize, kernels: Kernels) -> Result<Option<Self>> {
        // Earlier versions had one file for each ring, of whatever kernels.
        for path in [saved(ring_dim, kernels).ok(), saved_by_earlier_versions(ring_dim)].into_iter().flatten() {
            let found = Self::stored(&path)?;
            if let Some(found) = found.filter(|found| found.provenance.kernels == kernels.name()) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Reads a stored file; `None` if there is none.
    fn stored(path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let advice = || format!("{}: wanted the lines that `bench --save` writes; run it again", path.display());
        Self::parse(&text).with_context(advice).map(Some)
    }

    /// Returns the shipped measurements of these kernels at this ring dimension. If there are none, the kernels count
    /// more than the ring.
    ///
    /// # Errors
    /// A shipped file that cannot be read.
    pub(crate) fn shipped(ring_dim: usize, kernels: &str) -> Result<Self> {
        let differs = |known: &&(usize, &str, &str)| (known.1 != kernels, known.0 != ring_dim);
        let (ring, kernels, text) = SHIPPED.iter().min_by_key(differs).expect("some are shipped");
        Self::parse(text).with_context(|| format!("experiments/bench/{ring}-{kernels}.jsonl"))
    }

    /// Reads the lines of `bench --json`.
    ///
    /// # Errors
    /// The first line that is not as `bench` writes it.
    pub(crate) fn parse(text: &str) -> Result<Self> {
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

    /// Returns the operations of this name that have a time.
    pub(crate) fn times<'a>(&'a self, op: &'a str) -> impl Iterator<Item = (&'a Operation, f64)> {
        self.operations.iter().filter(move |row| row.op == op).filter_map(|row| Some((row, row.seconds?)))
    }

    /// Returns the least seconds in which all threads transformed as many limbs as a pass of the yardstick has; `None`
    /// if the file has no transforms. Files of earlier versions have transforms of one thread: others would have shared
    /// them.
    pub(crate) fn yardstick(&self) -> Option<f64> {
        let least = |op: &str| self.operations.iter().filter(move |row| row.op == op).find_map(|row| row.seconds_min);
        let limbs = self.operations.iter().find(|row| row.op == "ntt_every_prime").and_then(|row| row.limbs);
        least(throughput::OPERATION).or_else(|| {
            let whole = least("ntt_every_prime")? * throughput::LIMBS as f64 / limbs? as f64;
            Some(whole / self.provenance.threads as f64)
        })
    }

    /// `bench at N = 65536 of 2026-11-26T02:06:18Z, revision …: AMD EPYC (family 26, model 2), 2 threads, avx512ifma`.
    pub(crate) fn in_words(&self) -> String {
        let Provenance { cpu, threads, kernels, date, revision, ring_dim, .. } = &self.provenance;
        let [cpu, revision] = [cpu, revision].map(|text| text.as_deref().unwrap_or("unknown"));
        let load =
            self.excess_load().map_or(String::new(), |load| format!(" (busy, load average {load:.0}: too long)"));
        format!("bench at N = {ring_dim} of {date}, revision {revision}: {cpu}, {threads} threads, {kernels}{load}")
    }

    /// The load average of a machine that was too busy for its times to count.
    fn excess_load(&self) -> Option<f64> {
        let Provenance { load_average, cores, threads, .. } = self.provenance;
        load_average.filter(|&load| load > 1.5 * cores.unwrap_or(threads) as f64)
    }
}

/// Returns the file that `bench --save` writes if no name is given, in the folder of the data.
///
/// # Errors
/// A system that names no folder for data.
pub(crate) fn saved(ring_dim: usize, kernels: Kernels) -> Result<PathBuf> {
    Ok(Cache::open_default()?.folder().join(format!("bench-{ring_dim}-{}.jsonl", kernels.name())))
}

fn saved_by_earlier_versions(ring_dim: usize) -> Option<PathBuf> {
    Some(Cache::open_default().ok()?.folder().join(format!("bench-{ring_dim}.jsonl")))
}

/// Writes the lines of a run of `bench`, whole or not at all.
///
/// # Errors
/// A place that cannot be written to.
pub(crate) fn save(path: &Path, text: &str) -> Result<()> {
    ensure!(Measurements::parse(text).is_ok(), "bench wrote lines that it cannot read");
    let failed = || format!("--save {}", path.display());
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(failed)?;
    }
    replace(path, text.as_bytes()).with_context(failed)
}
