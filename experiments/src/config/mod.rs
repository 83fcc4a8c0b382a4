//! Experiment configs: TOML, validated as a whole before anything runs.

mod data;
mod kind;
mod source;
mod suite;
mod sweep;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, bail, ensure};
use fhe_nn::simulated::NoiseModel;
use fhe_ring::Kernels;
use toml::Spanned;

use crate::case::{
    Case, HEADROOM, Model, Named, Shipped, Source as ModelSource, check_headroom, check_ring_dim, check_threads,
};
use crate::output::parse_bytes;
use crate::simulation;

pub(crate) use data::{Data, Sample};
pub(crate) use kind::Kind;
pub(crate) use source::Source;
pub(crate) use suite::Suite;
pub(crate) use sweep::{Cell, Network};

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
    pub kind: Kind,
    /// Whether every layer is decrypted and compared.
    pub trace: bool,
    /// Threads of the pool; `None` for all cores.
    pub threads: Option<usize>,
    /// The kernels; `None` for the fastest.
    pub kernels: Option<Kernels>,
    /// The seed of keys and noise.
    pub seed: u64,
    /// The submission of the backend `suite`.
    pub suite: Option<Suite>,
    /// The cells of the sweep.
    pub cells: Vec<Cell>,
    noise: Option<(PathBuf, String)>,
    read_noise: OnceLock<NoiseModel>,
    max_memory: Option<(u64, String)>,
    model: ModelSource,
}

impl Config {
    /// Reads and validates a config without its model (see [`Config::model`] and [`Config::check`]).
    ///
    /// # Errors
    /// A file that cannot be read, or a value that is wrong; the error names its line and key.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let source = Source::read(path)?;
        let wire: wire::Config = source.parse()?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let backend = &wire.backend;
        let kind = kind::read(&backend.kind).with_context(|| source.at(&backend.kind, "backend.kind"))?;
        kind::check_keys(&source, kind, backend)?;
        let noise = backend.noise.as_ref().map(|path| (folder.join(path.get_ref()), source.at(path, "backend.noise")));
        let max_memory = backend.max_memory.as_ref().map(|text| {
            let at = source.at(text, "backend.max_memory");
            let bytes = parse_bytes(text.get_ref());
            bytes
                .map(|bytes| (bytes, at.clone()))
                .ok_or_else(|| anyhow!("{at}: wanted bytes with a unit, such as \"4G\""))
        });
        let kernels = backend
            .kernels
            .as_ref()
            .map(|name| Kernels::forced(name.get_ref()).with_context(|| source.at(name, "backend.kernels")));
        if let Some(threads) = &backend.threads {
            check_threads(*threads.get_ref()).with_context(|| source.at(threads, "backend.threads"))?;
        }
        let suite = (kind == Kind::Suite).then(|| Suite::new(&source, backend, folder)).transpose()?;
        let question = wire.question.get_ref().trim().to_owned();
        ensure!(
            !question.is_empty(),
            "{}: wanted what the run is to answer, in words",
            source.at(&wire.question, "question")
        );
        Ok(Self {
            name: name(&source, &wire.name)?,
            question,
            data: Data::new(&source, &wire.data)?,
            kind,
            trace: backend.trace.as_ref().is_some_and(|trace| *trace.get_ref()),
            threads: backend.threads.as_ref().map(|threads| *threads.get_ref()),
            kernels: kernels.transpose()?,
            seed: backend.seed.as_ref().map_or(0, |seed| *seed.get_ref()),
            cells: sweep::cells(&source, &wire, kind, suite.as_ref())?,
            suite,
            noise,
            read_noise: OnceLock::new(),
            max_memory: max_memory.transpose()?,
            model: model(&source, &wire.model, folder)?,
            source,
        })
    }

    /// Loads the model.
    ///
    /// # Errors
    /// Those of [`ModelSource::load`].
    pub(crate) fn model(&self) -> Result<Model> {
        self.model.load()
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

    /// Checks that every cell can run with this model.
    ///
    /// # Errors
    /// A cell with too few slots, no security, or not enough levels or memory.
    pub(crate) fn check(&self, model: &Model) -> Result<()> {
        if self.kind == Kind::Simulated {
            self.noise()?;
        }
        self.cells.iter().try_for_each(|cell| self.case(cell, model).map(drop))
    }

    /// Returns the circuit of a cell; `None` if this program encrypts nothing for it.
    ///
    /// # Errors
    /// A cell that cannot run.
    pub(crate) fn case(&self, cell: &Cell, model: &Model) -> Result<Option<Case>> {
        let Some(spec) = cell.spec() else { return Ok(None) };
        let place = || {
            let advice = "take it out with [[exclude]]";
            format!("{}: cell {} cannot run ({advice})", cell.place, cell.id(self.kind))
        };
        check_ring_dim(spec.ring_dim, model.slots_needed(spec.packing)).with_context(place)?;
        let case = Case::within(&spec, model.clone(), self.kernels, cell.insecure).with_context(place)?;
        if let Some((limit, place)) = &self.max_memory {
            case.check_memory_limit(*limit).with_context(|| format!("{place}: cell {}", cell.id(self.kind)))?;
        }
        Ok(Some(case))
    }
}

/// `[model]`. Paths are relative to the folder of the config.
fn model(source: &Source, model: &wire::Model, folder: &Path) -> Result<ModelSource> {
    if let (Some(card), None) = (&model.card, &model.weights) {
        bail!("{}: found a card without weights, wanted both or neither", source.at(card, "model.card"));
    }
    let headroom = model.headroom.as_ref().map_or(HEADROOM, |headroom| *headroom.get_ref());
    let headroom_place = match &model.headroom {
        Some(headroom) => source.at(headroom, "model.headroom"),
        None => format!("{}: model.headroom", source.name),
    };
    check_headroom(headroom).with_context(|| headroom_place.clone())?;
    let named = |path: &Option<Spanned<PathBuf>>, key: &str| {
        let path = path.as_ref()?;
        let given = path.get_ref();
        let file = if Shipped::named(given).is_some() { given.clone() } else { folder.join(given) };
        Some(Named { path: file, place: source.at(path, key) })
    };
    let (weights, card) = (named(&model.weights, "model.weights"), named(&model.card, "model.card"));
    Ok(ModelSource { weights, card, headroom, headroom_place })
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
            let config = Config::read(&path).unwrap_or_else(|error| panic!("{error:#}"));
            config.check(&config.model().unwrap()).unwrap_or_else(|error| panic!("{error:#}"));
            assert_eq!(path.file_stem().unwrap().to_str(), Some(config.name.as_str()), "{}", path.display());
            if let Some(suite) = &config.suite {
                let missing =
                    Stage::ALL.into_iter().find(|stage| stage.command(&suite.submission, suite.size).is_none());
                assert_eq!(missing, None, "{}", path.display());
            }
            assert!(config.question.ends_with('?'), "{}: '{}' asks nothing", path.display(), config.question);
            configs += 1;
        }
        assert!(configs >= 3, "found {configs} configs");
    }
}
