//! Experiment configs: TOML, validated as a whole before anything runs. Each section of the file has a module with the
//! keys as they are in the file, every one with its place, and their checked form.

mod backend;
mod data;
mod lists;
mod model;
mod resources;
mod source;
mod sweep;

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use fhe_nn::encrypted::Profile;
use fhe_ring::Kernels;
use serde::Deserialize;
use toml::Spanned;

use crate::case::{Case, Dial, Model, Source as ModelSource, check_ring_dim};

pub(crate) use backend::{Backend, BackendKind, ForeignEngine};
pub(crate) use data::{Data, Sample};
#[cfg(test)]
pub(crate) use resources::Resources;
pub(crate) use source::Source;
pub(crate) use sweep::{Cell, Network, Relu};

/// The whole file as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigKeys {
    name: Spanned<String>,
    question: Spanned<String>,
    #[serde(default)]
    model: model::ModelKeys,
    data: Spanned<data::DataKeys>,
    backend: backend::BackendKeys,
    sweep: Option<Spanned<sweep::SweepKeys>>,
    #[serde(default)]
    exclude: Vec<Spanned<sweep::ExcludeKeys>>,
}

/// A config, read and checked.
pub(crate) struct Config {
    /// Its file.
    pub source: Source,
    /// The name of the experiment.
    pub name: String,
    /// The question that it answers, in words.
    pub question: String,
    /// The images.
    pub data: Data,
    /// The backend of all cases.
    pub backend: Backend,
    /// The cells of the sweep.
    pub cells: Vec<Cell>,
    model: ModelSource,
    threads: Option<usize>,
    kernels: String,
}

impl Config {
    /// Reads and validates a config without its model (see [`Config::model`] and [`Config::check`]).
    ///
    /// # Errors
    /// A file that cannot be read, or a value that is wrong; the error names its line and key.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let source = Source::read(path)?;
        let keys: ConfigKeys = source.parse()?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let backend = Backend::new(&source, &keys.backend, folder)?;
        let question = keys.question.get_ref().trim().to_owned();
        ensure!(
            !question.is_empty(),
            "{}: wanted what the run is to answer, in words",
            source.at(&keys.question, "question")
        );
        let cells = cells(&source, &keys, &backend, folder)?;
        let mut kernels: Vec<&str> = cells.iter().map(|cell| kernels_of(cell, &backend).name()).collect();
        let mut seen = HashSet::new();
        kernels.retain(|name| seen.insert(*name));
        Ok(Self {
            name: name(&source, &keys.name)?,
            question,
            data: Data::new(&source, &keys.data, folder)?,
            threads: backend.threads.or_else(|| cells.iter().filter_map(|cell| cell.resources.threads).max()),
            kernels: kernels.join(", "),
            cells,
            backend,
            model: model::model(&source, &keys.model, folder)?,
            source,
        })
    }

    /// Loads the model.
    ///
    /// # Errors
    /// Those of [`ModelSource::load`], and a label of the images that the network has no class for.
    pub(crate) fn model(&self) -> Result<Model> {
        let model = self.model.load()?;
        self.data.check_labels(model.network.classes())?;
        Ok(model)
    }

    /// Checks that every cell can run with this model.
    ///
    /// # Errors
    /// A cell with too few slots, no security, or not enough levels or memory.
    pub(crate) fn check(&self, model: &Model) -> Result<()> {
        if self.backend.kind == BackendKind::Simulated {
            self.backend.noise()?;
        }
        let mut seen = HashSet::new();
        let memory = |cell: &Cell| cell.resources.memory.as_ref().map(ToString::to_string);
        let other = self.cells.iter().filter(|cell| seen.insert((cell.circuit(), memory(cell))));
        other.map(|cell| self.case(cell, model)).try_for_each(|case| case.map(drop))
    }

    /// Keeps the cells of these names only. Threads and kernels of the whole sweep stay those of the run.
    pub(crate) fn keep(&mut self, cases: &[String]) {
        let kept: HashSet<&str> = cases.iter().map(String::as_str).collect();
        self.cells.retain(|cell| kept.contains(cell.id(self.backend.kind).as_str()));
    }

    /// Returns the threads of the pool in which the run prepares its cases; `None` for one for each core. No case has more.
    pub(crate) fn threads(&self) -> Option<usize> {
        self.threads
    }

    /// Returns the kernels of the cases, in their order: `fma`, or `fma, scalar`.
    pub(crate) fn all_kernels(&self) -> &str {
        &self.kernels
    }

    /// Returns the profiles of the cells that are not shipped ones, each once.
    pub(crate) fn profiles(&self) -> Vec<Profile> {
        let mut profiles: Vec<Profile> = Vec::new();
        for asked in self.cells.iter().filter_map(|cell| cell.profile.as_ref()) {
            if !profiles.contains(&asked.profile) {
                profiles.push(asked.profile.clone());
            }
        }
        profiles
    }

    /// Returns the kernels of a cell.
    pub(crate) fn kernels(&self, cell: &Cell) -> Kernels {
        kernels_of(cell, &self.backend)
    }

    /// Returns the circuit of a cell; `None` if this program encrypts nothing for it.
    ///
    /// # Errors
    /// A cell that cannot run.
    pub(crate) fn case(&self, cell: &Cell, model: &Model) -> Result<Option<Case>> {
        let Some(spec) = cell.spec() else { return Ok(None) };
        let id = || cell.id(self.backend.kind);
        let place = || format!("{}: cell {} cannot run (take it out with [[exclude]])", cell.place, id());
        check_ring_dim(spec.ring_dim, model.slots_needed(spec.packing)).with_context(place)?;
        let case = Case::within(&spec, model.clone(), Some(self.kernels(cell)), cell.insecure).with_context(place)?;
        let (dial, place) = match (&cell.resources.memory, &self.backend.max_memory) {
            (Some(dial), _) => (dial.clone(), &cell.place),
            (None, Some((dial, place))) => (dial.clone(), place),
            (None, None) => (Dial::Default, &cell.place),
        };
        let case = case.with_dial(dial);
        case.check_memory_limit().with_context(|| format!("{place}: cell {}", id()))?;
        Ok(Some(case))
    }
}

fn kernels_of(cell: &Cell, backend: &Backend) -> Kernels {
    cell.resources.kernels.or(backend.kernels).unwrap_or_else(Kernels::detect)
}

/// Returns the cells of the sweep. The engine of a submission has one, and no sweep.
///
/// # Errors
/// A sweep that is missing, or that the backend does not take, and the errors of [`sweep::cells`].
fn cells(source: &Source, keys: &ConfigKeys, backend: &Backend, folder: &Path) -> Result<Vec<Cell>> {
    if let Some(engine) = &backend.engine {
        let place = source.at(&keys.backend.kind, "backend.kind");
        return sweep::foreign(source, keys.sweep.as_ref(), &keys.exclude, &engine.label, place);
    }
    let wanted = "wanted it: `run --help` explains every key";
    let sweep = keys.sweep.as_ref().with_context(|| format!("{}:1: missing field `sweep`, {wanted}", source.name))?;
    sweep::cells(source, sweep, &keys.exclude, backend, folder)
}

/// Reads the name, which is also that of a folder.
fn name(source: &Source, name: &Spanned<String>) -> Result<String> {
    let text = name.get_ref();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let good = !text.is_empty() && text.chars().all(fits);
    ensure!(good, "{}: wanted lower-case letters, digits, - and _, since it names a folder", source.at(name, "name"));
    Ok(text.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Stage;

    /// Every shipped config can run and asks a question.
    #[test]
    fn shipped_configs_are_valid() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/configs");
        let mut configs = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let config = match Config::read(&path).map_err(|error| format!("{error:#}")) {
                Err(error)
                    if error.contains("are not available on this machine")
                        && Kernels::forced("avx512ifma").is_err() =>
                {
                    continue;
                }
                config => config.unwrap_or_else(|error| panic!("{error}")),
            };
            config.check(&config.model().unwrap()).unwrap_or_else(|error| panic!("{error:#}"));
            assert_eq!(path.file_stem().unwrap().to_str(), Some(config.name.as_str()), "{}", path.display());
            if let Some(engine) = &config.backend.engine {
                let missing =
                    Stage::ALL.into_iter().find(|stage| stage.command(&engine.submission, engine.size).is_none());
                assert_eq!(missing, None, "{}", path.display());
            }
            assert!(config.question.ends_with('?'), "{}: '{}' asks nothing", path.display(), config.question);
            configs += 1;
        }
        assert!(configs >= 3, "found {configs} configs");
    }
}
