//! The origin of a run's numbers: program, machine, digests of the inputs.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use fhe_nn::encrypted::Profile;
use serde::{Deserialize, Serialize};

/// The first word of the processor of a run whose parts ran on several.
const MIXED: &str = "mixed: ";

/// The content of `run.json`. A folder holds rows of one provenance only: see [`RunProvenance::clash`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunProvenance {
    /// Name of the config.
    pub name: String,
    /// SHA-256 of the config's bytes.
    pub config_sha256: String,
    /// Version of the program.
    pub version: String,
    /// Revision of its sources, with `-dirty` if they were changed since.
    pub revision: Option<String>,
    /// SHA-256 of the program itself.
    pub binary_sha256: String,
    /// The compiler that built it.
    pub rustc: Option<String>,
    /// The processor. After `mixed: `, those of tasks that ran on several.
    pub cpu: Option<String>,
    /// The yardstick of earlier versions: median microseconds of a forward transform at N = 2^16 by the `tfhe-ntt`
    /// crate, the least of those before each case. `None` if it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ntt_us: Option<f64>,
    /// The yardstick: microseconds of the reference transform at N = 2^16, the least of those before each case; see
    /// `bench::yardstick_us`. `None` in runs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_ntt_us: Option<f64>,
    /// For each ring, the measurements that the cases' seconds were predicted from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub predicted_from: Vec<String>,
    /// Threads of the pool. If the sweep varies them, the most that a case has.
    pub threads: usize,
    /// Kernels: `avx512ifma`, `fma512`, `fma` or `scalar`; all of them if the sweep varies them. Runs of earlier versions call the field `backend`.
    #[serde(alias = "backend")]
    pub kernels: String,
    /// SHA-256 of the weights.
    pub weights_sha256: String,
    /// SHA-256 of the model's card; `None` if there is none.
    #[serde(default)]
    pub card_sha256: Option<String>,
    /// SHA-256 of the noise model; `None` if there is none.
    pub noise_sha256: Option<String>,
    /// SHA-256 of the programs of the engine's stages; `None` if the engine is this program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_sha256: Option<String>,
    /// The profiles of the sweep that are not shipped ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<Profile>,
    /// SHA-256 of the images used, in order, in the official binary layout.
    pub data_sha256: String,
    /// Seed of keys and noise; that of sampling is in the config.
    pub seed: u64,
    /// The shard, `I/N`, if the run is one of several.
    pub shard: Option<String>,
    /// Cases that the run is to have.
    pub planned_cases: usize,
    /// Cases × images that the run is to have.
    pub planned_images: usize,
    /// When it started, RFC 3339.
    pub started: String,
    /// When it ended; `None` while it runs and after it was stopped.
    pub ended: Option<String>,
}

impl RunProvenance {
    /// Reads `run.json` in a folder; `None` if the folder or the file is not there.
    ///
    /// # Errors
    /// If the file cannot be read, or is not one that `run` wrote.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(super::file::RUN);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| path.display().to_string())?,
        };
        let advice =
            || format!("{}: wanted the file as `run` wrote it; restore it, or run into another folder", path.display());
        serde_json::from_str(&text).map(Some).with_context(advice)
    }

    /// Whether its parts ran on several types of processors. Its seconds then compare with nothing.
    pub fn is_mixed(&self) -> bool {
        self.cpu.as_ref().is_some_and(|cpu| cpu.starts_with(MIXED))
    }

    /// Returns the processor of a run whose parts ran on these.
    pub(crate) fn mixed<'a>(cpus: impl Iterator<Item = &'a str>) -> String {
        MIXED.to_owned() + &cpus.collect::<Vec<_>>().join(" | ")
    }

    /// The first difference that keeps the rows of two runs apart, in words; `None` if they may share a folder.
    pub fn clash(&self, other: &Self) -> Option<String> {
        let pairs = [
            ("config (SHA-256)", &self.config_sha256, &other.config_sha256),
            ("program (SHA-256)", &self.binary_sha256, &other.binary_sha256),
            ("weights (SHA-256)", &self.weights_sha256, &other.weights_sha256),
            ("images (SHA-256)", &self.data_sha256, &other.data_sha256),
            ("kernels", &self.kernels, &other.kernels),
        ];
        let differs = pairs.into_iter().find(|(_, a, b)| a != b);
        let text = differs.map(|(what, a, b)| format!("{what}: found {a}, wanted {b}"));
        let optional = [
            ("processor", &self.cpu, &other.cpu),
            ("model card (SHA-256)", &self.card_sha256, &other.card_sha256),
            ("noise model (SHA-256)", &self.noise_sha256, &other.noise_sha256),
            ("programs of the engine (SHA-256)", &self.engine_sha256, &other.engine_sha256),
        ];
        text.or_else(|| {
            let (what, a, b) = optional.into_iter().find(|(_, a, b)| a != b)?;
            let [found, wanted] = [a, b].map(|text| text.as_deref().unwrap_or("none"));
            Some(format!("{what}: found {found}, wanted {wanted}"))
        })
        .or_else(|| {
            let names =
                |run: &Self| run.profiles.iter().map(|profile| profile.name.clone()).collect::<Vec<_>>().join(", ");
            let differs = self.profiles != other.profiles;
            differs.then(|| format!("profiles: found other numbers in {}, wanted {}", names(self), names(other)))
        })
        .or_else(|| {
            (self.threads != other.threads)
                .then(|| format!("threads: found {}, wanted {}", self.threads, other.threads))
        })
    }
}
