//! Experiment configs: TOML, validated as a whole before anything runs. Each section of the file has a module with the
//! keys as they are in the file, every one with its place, and their checked form.

mod backend;
mod data;
mod lists;
mod model;
mod resources;
mod source;
mod sweep;

use std::collections::{HashMap, HashSet};
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
    profiles: Vec<Profile>,
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
            profiles: profiles(&cells),
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
        self.circuits().into_iter().try_for_each(|positions| {
            let cells = positions.into_iter().map(|position| &self.cells[position]);
            self.cases(cells, model, rayon::current_num_threads(), |_, _| Ok(()))
        })
    }

    /// Returns the positions of the cells of each circuit and its kernels, whatever their memory and threads.
    pub(crate) fn circuits(&self) -> Vec<Vec<usize>> {
        let mut circuits: Vec<Vec<usize>> = Vec::new();
        let mut known = HashMap::new();
        for (position, cell) in self.cells.iter().enumerate() {
            let circuit = *known.entry((cell.circuit(), self.kernels(cell).name())).or_insert(circuits.len());
            if circuit == circuits.len() {
                circuits.push(Vec::new());
            }
            circuits[circuit].push(position);
        }
        circuits
    }

    /// Calls `see` with the case of each of the cells, which all have the same circuit and kernels. The circuit is
    /// planned once. A cell that says nothing of threads has `threads`. Cells that encrypt nothing have no case.
    ///
    /// # Errors
    /// A cell that cannot run, and those of `see`.
    pub(crate) fn cases<'a>(
        &self,
        cells: impl IntoIterator<Item = &'a Cell>,
        model: &Model,
        threads: usize,
        mut see: impl FnMut(&'a Cell, &Case) -> Result<()>,
    ) -> Result<()> {
        let mut cells = cells.into_iter().peekable();
        let Some(first) = cells.peek() else { return Ok(()) };
        let Some(mut case) = self.planned(first, model)? else { return Ok(()) };
        for cell in cells {
            case = self.held(case.with_threads(self.threads_of(cell, threads)), cell)?;
            see(cell, &case)?;
        }
        Ok(())
    }

    /// Returns the threads of a cell: what it or the backend says, `otherwise` if they say nothing.
    pub(crate) fn threads_of(&self, cell: &Cell, otherwise: usize) -> usize {
        cell.resources.threads.or(self.backend.threads).unwrap_or(otherwise)
    }

    /// Keeps the cells of these names only. Threads, kernels and profiles of the whole sweep stay those of the run.
    ///
    /// # Errors
    /// A name that no cell has: the file of its profile was changed.
    pub(crate) fn keep(&mut self, cases: &[String]) -> Result<()> {
        let kept: HashSet<&str> = cases.iter().map(String::as_str).collect();
        self.cells.retain(|cell| kept.contains(cell.id(self.backend.kind).as_str()));
        let found: HashSet<String> = self.cells.iter().map(|cell| cell.id(self.backend.kind)).collect();
        let lost = cases.iter().find(|&case| !found.contains(case));
        ensure!(
            lost.is_none(),
            "{}: found no cell {}, wanted it: the file of a profile was changed; restore it, or submit into another --out",
            self.source.name,
            lost.map_or("", String::as_str)
        );
        Ok(())
    }

    /// Returns the threads of the pool in which the run prepares its cases; `None` for one for each core. No case has more.
    pub(crate) fn threads(&self) -> Option<usize> {
        self.threads
    }

    /// Returns the kernels of the cases, in their order: `fma`, or `fma, scalar`.
    pub(crate) fn all_kernels(&self) -> &str {
        &self.kernels
    }

    /// Returns the profiles of the whole sweep that are not shipped ones, each once.
    pub(crate) fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// Returns the kernels of a cell.
    pub(crate) fn kernels(&self, cell: &Cell) -> Kernels {
        kernels_of(cell, &self.backend)
    }

    /// Returns the case of a cell, on the threads of the pool; `None` if this program encrypts nothing for it.
    ///
    /// # Errors
    /// A cell that cannot run.
    pub(crate) fn case(&self, cell: &Cell, model: &Model) -> Result<Option<Case>> {
        self.planned(cell, model)?.map(|case| self.held(case, cell)).transpose()
    }

    /// Returns the case of a cell, held in the default way.
    fn planned(&self, cell: &Cell, model: &Model) -> Result<Option<Case>> {
        let Some(spec) = cell.spec() else { return Ok(None) };
        let id = || cell.id(self.backend.kind);
        let place = || format!("{}: cell {} cannot run (take it out with [[exclude]])", cell.place, id());
        check_ring_dim(spec.ring_dim, model.slots_needed(spec.packing)).with_context(place)?;
        Case::within(&spec, model.clone(), Some(self.kernels(cell)), cell.insecure).with_context(place).map(Some)
    }

    /// Returns a case that is held as a cell says.
    fn held(&self, case: Case, cell: &Cell) -> Result<Case> {
        let (dial, place) = match (&cell.resources.memory, &self.backend.max_memory) {
            (Some(dial), _) => (dial.clone(), &cell.place),
            (None, Some((dial, place))) => (dial.clone(), place),
            (None, None) => (Dial::Default, &cell.place),
        };
        let case = case.with_dial(dial);
        case.check_memory_limit().with_context(|| format!("{place}: cell {}", cell.id(self.backend.kind)))?;
        Ok(case)
    }
}

/// Returns the profiles of cells that are not shipped ones, each once.
fn profiles(cells: &[Cell]) -> Vec<Profile> {
    let mut profiles: Vec<Profile> = Vec::new();
    for asked in cells.iter().filter_map(|cell| cell.profile.as_ref()) {
        if !profiles.contains(&asked.profile) {
            profiles.push(asked.profile.clone());
        }
    }
    profiles
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
