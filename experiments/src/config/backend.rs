//! `[backend]`: the way to evaluate the cases.

mod engine;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};
use fhe_nn::simulated::NoiseModel;
use fhe_ring::Kernels;
use serde::Deserialize;
use toml::Spanned;

use super::Source;
use crate::case::{Dial, check_threads};
use crate::simulation;

pub(crate) use engine::ForeignEngine;

/// `[backend]` as it is in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct BackendKeys {
    pub(super) kind: Spanned<String>,
    trace: Option<Spanned<bool>>,
    threads: Option<Spanned<usize>>,
    max_memory: Option<Spanned<String>>,
    kernels: Option<Spanned<String>>,
    noise: Option<Spanned<PathBuf>>,
    insecure: Option<Spanned<bool>>,
    seed: Option<Spanned<u64>>,
    dir: Option<Spanned<PathBuf>>,
    batch: Option<Spanned<usize>>,
    label: Option<Spanned<String>>,
    stage_limit_s: Option<Spanned<f64>>,
}

/// The kinds of backends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BackendKind {
    /// Real encryption.
    Encrypted,
    /// The encrypted circuit in cleartext, with the noise of encryption added.
    Simulated,
    /// The plaintext model with polynomials.
    Plain,
    /// A submission to the FHE Benchmarking Suite, which is another program.
    Suite,
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encrypted => "encrypted",
            Self::Simulated => "simulated",
            Self::Plain => "plain",
            Self::Suite => "suite",
        })
    }
}

/// The backend of all cases.
pub(crate) struct Backend {
    /// Its kind.
    pub kind: BackendKind,
    /// Whether every layer is decrypted and compared.
    pub trace: bool,
    /// Threads of the pool; `None` for all cores.
    pub threads: Option<usize>,
    /// The kernels; `None` for the fastest.
    pub kernels: Option<Kernels>,
    /// The seed of keys and noise.
    pub seed: u64,
    /// The submission of the kind `suite`.
    pub engine: Option<ForeignEngine>,
    /// Whether cells below 128 bits of security may run.
    pub(super) insecure: bool,
    /// The memory that cases use, with its place in the config.
    pub(super) max_memory: Option<(Dial, String)>,
    noise: Option<(PathBuf, String)>,
    read_noise: OnceLock<NoiseModel>,
}

impl Backend {
    /// Checks the keys. Paths are relative to `folder`, that of the config.
    ///
    /// # Errors
    /// A value that is wrong, or that the backend does not take.
    pub(super) fn new(source: &Source, keys: &BackendKeys, folder: &Path) -> Result<Self> {
        let kind = read_kind(&keys.kind).with_context(|| source.at(&keys.kind, "backend.kind"))?;
        check_keys(source, kind, keys)?;
        if let Some(threads) = &keys.threads {
            check_threads(*threads.get_ref()).with_context(|| source.at(threads, "backend.threads"))?;
        }
        let kernels = keys
            .kernels
            .as_ref()
            .map(|name| Kernels::forced(name.get_ref()).with_context(|| source.at(name, "backend.kernels")));
        let max_memory = keys.max_memory.as_ref().map(|text| {
            let at = source.at(text, "backend.max_memory");
            text.get_ref().parse().map(|dial| (dial, at.clone())).context(at)
        });
        Ok(Self {
            kind,
            trace: keys.trace.as_ref().is_some_and(|trace| *trace.get_ref()),
            threads: keys.threads.as_ref().map(|threads| *threads.get_ref()),
            kernels: kernels.transpose()?,
            seed: keys.seed.as_ref().map_or(0, |seed| *seed.get_ref()),
            engine: (kind == BackendKind::Suite).then(|| ForeignEngine::new(source, keys, folder)).transpose()?,
            insecure: keys.insecure.as_ref().is_some_and(|insecure| *insecure.get_ref()),
            max_memory: max_memory.transpose()?,
            noise: keys.noise.as_ref().map(|path| (folder.join(path.get_ref()), source.at(path, "backend.noise"))),
            read_noise: OnceLock::new(),
        })
    }

    /// Returns the noise model of the simulated backend: the shipped one, if the config names none. It is read once.
    ///
    /// # Errors
    /// A file that is not a noise model.
    pub(crate) fn noise(&self) -> Result<&NoiseModel> {
        if let Some(noise) = self.read_noise.get() {
            return Ok(noise);
        }
        let noise = match &self.noise {
            None => simulation::shipped(),
            Some((path, place)) => simulation::from_file(path).with_context(|| place.clone()),
        };
        let noise = noise?;
        Ok(self.read_noise.get_or_init(|| noise))
    }
}

fn read_kind(text: &Spanned<String>) -> Result<BackendKind> {
    match text.get_ref().as_str() {
        "encrypted" => Ok(BackendKind::Encrypted),
        "simulated" => Ok(BackendKind::Simulated),
        "plain" => Ok(BackendKind::Plain),
        "suite" => Ok(BackendKind::Suite),
        _ => bail!("unknown backend; wanted encrypted, simulated, plain or suite"),
    }
}

/// Refuses keys that a backend of this kind does not take.
fn check_keys(source: &Source, kind: BackendKind, keys: &BackendKeys) -> Result<()> {
    use BackendKind::{Encrypted, Plain, Simulated, Suite};
    let ours = [Encrypted, Simulated, Plain];
    only(source, kind, &keys.max_memory, "max_memory", &[Encrypted])?;
    only(source, kind, &keys.kernels, "kernels", &[Encrypted])?;
    only(source, kind, &keys.noise, "noise", &[Simulated])?;
    only(source, kind, &keys.trace, "trace", &ours)?;
    only(source, kind, &keys.seed, "seed", &ours)?;
    only(source, kind, &keys.dir, "dir", &[Suite])?;
    only(source, kind, &keys.batch, "batch", &[Suite])?;
    only(source, kind, &keys.label, "label", &[Suite])?;
    only(source, kind, &keys.stage_limit_s, "stage_limit_s", &[Suite])?;
    if let Some(insecure) = keys.insecure.as_ref().filter(|_| kind == Plain) {
        bail!("{}: wanted none, since the {kind} backend encrypts nothing", source.at(insecure, "backend.insecure"));
    }
    only(source, kind, &keys.insecure, "insecure", &[Encrypted, Simulated])
}

fn only<T>(
    source: &Source,
    kind: BackendKind,
    value: &Option<Spanned<T>>,
    key: &str,
    kinds: &[BackendKind],
) -> Result<()> {
    match value {
        Some(value) if !kinds.contains(&kind) => {
            let place = source.at(value, &format!("backend.{key}"));
            bail!("{place}: wanted none, since the {kind} backend takes no such key")
        }
        _ => Ok(()),
    }
}
