//! `[sweep]` and `[[exclude]]`: the grid of cells without the excluded ones.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use fhe_nn::Approximation;
use fhe_nn::encrypted::Packing;
use serde::Deserialize;
use toml::Spanned;

use super::lists::{value, values};
use super::resources::{self, Resources};
use super::{Backend, BackendKind, Source};
use crate::case::{AskedProfile, CaseSpec, check_ring};

/// `[sweep]` as it is in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct SweepKeys {
    ring_dim: Option<Spanned<Vec<Spanned<usize>>>>,
    relu: Spanned<Vec<Spanned<String>>>,
    packing: Option<Spanned<Vec<Spanned<String>>>>,
    profile: Option<Spanned<Vec<Spanned<PathBuf>>>>,
    threads: Option<Spanned<Vec<Spanned<usize>>>>,
    kernels: Option<Spanned<Vec<Spanned<String>>>>,
    memory: Option<Spanned<Vec<Spanned<String>>>>,
}

/// `[[exclude]]` as it is in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct ExcludeKeys {
    ring_dim: Option<Spanned<usize>>,
    relu: Option<Spanned<String>>,
    packing: Option<Spanned<String>>,
    profile: Option<Spanned<PathBuf>>,
    threads: Option<Spanned<usize>>,
    kernels: Option<Spanned<String>>,
    memory: Option<Spanned<String>>,
}

/// The activation of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Relu {
    /// ReLU itself, which only the plain backend can evaluate.
    Exact,
    /// A polynomial, or a composite of some.
    Approximate(Approximation),
}

impl fmt::Display for Relu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => f.write_str("exact"),
            Self::Approximate(approximation) => approximation.fmt(f),
        }
    }
}

/// A cell of the sweep.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cell {
    /// The network to evaluate.
    pub network: Network,
    /// Ring dimension and packing; `None` if this program encrypts nothing.
    pub ring: Option<(usize, Packing)>,
    /// The profile of the circuit; `None` for a shipped one.
    pub profile: Option<AskedProfile>,
    /// Threads and kernels, where the sweep varies them.
    pub resources: Resources,
    /// Whether it has less than 128 bits of security, which the config allows.
    pub insecure: bool,
    /// The place in the config, for errors.
    pub place: String,
}

/// The network of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// That of the config's model, with this activation.
    Own(Relu),
    /// That of another engine, by the engine's label.
    Foreign(String),
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(relu) => relu.fmt(f),
            Self::Foreign(label) => label.fmt(f),
        }
    }
}

impl Cell {
    /// Returns the name of the case in all rows, such as `encrypted-65536-chebyshev:59-fused`, `plain-chebyshev:59` or
    /// `suite-openfhe`. A profile from a file adds its name and digest. Where the sweep varies them, it goes on with threads,
    /// kernels and memory, such as `-threads:2-fma-memory:lean`. Below
    /// 128 bits of security it ends in `-insecure`.
    pub(crate) fn id(&self, backend: BackendKind) -> String {
        let stamp = if self.insecure { "-insecure" } else { "" };
        format!("{backend}-{}{}{stamp}", self.circuit(), self.resources)
    }

    /// Returns the name of what is evaluated, whatever the resources.
    pub(crate) fn circuit(&self) -> String {
        match self.ring {
            Some((ring_dim, packing)) => {
                let profile = self.profile.as_ref().map_or(String::new(), |profile| format!("-{profile}"));
                format!("{ring_dim}-{}-{packing}{profile}", self.network)
            }
            None => self.network.to_string(),
        }
    }

    /// Returns the circuit; `None` if this program encrypts nothing.
    pub(crate) fn spec(&self) -> Option<CaseSpec> {
        let (ring_dim, packing) = self.ring?;
        let Network::Own(Relu::Approximate(relu)) = self.network.clone() else { return None };
        Some(CaseSpec { ring_dim, relu, packing, profile: self.profile.clone() })
    }
}

/// The default ring dimension.
const RING_DIM: usize = 65536;

/// Returns the cells in the order of the lists: ring dimensions outermost, then packings, profiles, activations, kernels, threads.
/// With `insecure`, a
/// cell that cannot have 128 bits of security is marked; without, it stays unmarked and fails when it is made.
///
/// # Errors
/// A value that is wrong or repeated, or a sweep without cells.
pub(super) fn cells(
    source: &Source,
    sweep: &Spanned<SweepKeys>,
    excludes: &[Spanned<ExcludeKeys>],
    backend: &Backend,
    folder: &Path,
) -> Result<Vec<Cell>> {
    let kind = backend.kind;
    let place = source.at(sweep, "sweep");
    let relus = values(source, &sweep.get_ref().relu, "sweep.relu", |text| read_relu(text, kind))?;
    let SweepKeys { threads, kernels, memory, .. } = sweep.get_ref();
    let grid = resources::grid(source, threads, kernels, memory, backend)?;
    let mut cells = Vec::new();
    let profiles = profiles(source, sweep.get_ref(), kind, folder)?;
    let rings = rings(source, sweep.get_ref(), kind)?;
    for (ring, profile) in rings.into_iter().flat_map(|ring| profiles.iter().map(move |profile| (ring, profile))) {
        for relu in &relus {
            let (network, profile) = (Network::Own(relu.clone()), profile.clone());
            let resources = Resources::default();
            let mut cell = Cell { network, ring, profile, resources, insecure: false, place: place.clone() };
            cell.insecure = backend.insecure && cell.spec().is_some_and(|spec| spec.is_insecure());
            cells.extend(grid.iter().map(|resources| Cell { resources: resources.clone(), ..cell.clone() }));
        }
    }
    for exclude in excludes {
        take_out(source, exclude, kind, folder, &mut cells)?;
    }
    ensure!(!cells.is_empty(), "{place}: found every cell excluded, wanted at least one left");
    Ok(cells)
}

/// Returns the one cell of an engine that is not this program. Its network, its parameters and its packing are its own.
///
/// # Errors
/// A sweep, or an exclusion from one.
pub(super) fn foreign(
    source: &Source,
    sweep: Option<&Spanned<SweepKeys>>,
    excludes: &[Spanned<ExcludeKeys>],
    label: &str,
    place: String,
) -> Result<Vec<Cell>> {
    let exclude = excludes.first().map(|exclude| source.at(exclude, "exclude"));
    if let Some(place) = sweep.map(|sweep| source.at(sweep, "sweep")).or(exclude) {
        bail!("{place}: wanted none, since the engine of a suite backend chooses its own parameters");
    }
    let network = Network::Foreign(label.to_owned());
    Ok(vec![Cell { network, ring: None, profile: None, resources: Resources::default(), insecure: false, place }])
}

/// Returns the rings and packings of the cells: all pairs, or one `None` for the plain backend.
fn rings(source: &Source, sweep: &SweepKeys, backend: BackendKind) -> Result<Vec<Option<(usize, Packing)>>> {
    if backend == BackendKind::Plain {
        no_ring(source, &sweep.ring_dim, "sweep.ring_dim")?;
        no_ring(source, &sweep.packing, "sweep.packing")?;
        return Ok(vec![None]);
    }
    let ring_dims = match &sweep.ring_dim {
        Some(list) => values(source, list, "sweep.ring_dim", |&n| check_ring(n).map(|()| n))?,
        None => vec![RING_DIM],
    };
    let packings = match &sweep.packing {
        Some(list) => values(source, list, "sweep.packing", |text| read_packing(text))?,
        None => vec![Packing::default()],
    };
    Ok(ring_dims.iter().flat_map(|&n| packings.iter().map(move |&packing| Some((n, packing)))).collect())
}

/// The word for the profile that the program chooses.
const DEFAULT_PROFILE: &str = "default";

/// Returns the profiles of the cells, `None` for a shipped one.
fn profiles(
    source: &Source,
    sweep: &SweepKeys,
    backend: BackendKind,
    folder: &Path,
) -> Result<Vec<Option<AskedProfile>>> {
    if backend == BackendKind::Plain {
        no_ring(source, &sweep.profile, "sweep.profile")?;
    }
    match &sweep.profile {
        Some(list) => values(source, list, "sweep.profile", |path| read_profile(path, folder)),
        None => Ok(vec![None]),
    }
}

/// Reads a profile from a file beside the config, or the word for the one that the program chooses.
fn read_profile(path: &Path, folder: &Path) -> Result<Option<AskedProfile>> {
    if path == Path::new(DEFAULT_PROFILE) {
        return Ok(None);
    }
    AskedProfile::read(&folder.join(path)).map(Some)
}

fn read_relu(text: &str, backend: BackendKind) -> Result<Relu> {
    if backend == BackendKind::Plain && text == "exact" {
        return Ok(Relu::Exact);
    }
    Ok(Relu::Approximate(text.parse()?))
}

fn read_packing(text: &str) -> Result<Packing> {
    Ok(text.parse()?)
}

fn no_ring<T>(source: &Source, value: &Option<Spanned<T>>, key: &str) -> Result<()> {
    match value {
        Some(value) => bail!("{}: wanted none, since the plain backend has no ring", source.at(value, key)),
        None => Ok(()),
    }
}

/// Removes the cells that have all the values of `exclude`.
fn take_out(
    source: &Source,
    exclude: &Spanned<ExcludeKeys>,
    backend: BackendKind,
    folder: &Path,
    cells: &mut Vec<Cell>,
) -> Result<()> {
    let ExcludeKeys { ring_dim, relu, packing, profile, threads, kernels, memory } = exclude.get_ref();
    let place = source.at(exclude, "exclude");
    let circuit = ring_dim.is_some() || relu.is_some() || packing.is_some() || profile.is_some();
    ensure!(
        circuit || threads.is_some() || kernels.is_some() || memory.is_some(),
        "{place}: found no key, wanted at least one of ring_dim, relu, packing, profile, threads, kernels and memory"
    );
    if backend == BackendKind::Plain {
        no_ring(source, ring_dim, "exclude.ring_dim")?;
        no_ring(source, packing, "exclude.packing")?;
        no_ring(source, profile, "exclude.profile")?;
    }
    let ring_dim = ring_dim.as_ref().map(|n| *n.get_ref());
    let relu = value(source, relu, "exclude.relu", |text| read_relu(text, backend))?;
    let packing = value(source, packing, "exclude.packing", |text| read_packing(text))?;
    let profile = value(source, profile, "exclude.profile", |path| read_profile(path, folder))?;
    let resources = Resources::excluded(source, threads, kernels, memory)?;
    let before = cells.len();
    cells.retain(|cell| {
        let same = relu.as_ref().is_none_or(|relu| cell.network == Network::Own(relu.clone()))
            && ring_dim.is_none_or(|n| cell.ring.is_some_and(|ring| ring.0 == n))
            && packing.is_none_or(|packing| cell.ring.is_some_and(|ring| ring.1 == packing))
            && profile.as_ref().is_none_or(|profile| cell.profile == *profile)
            && cell.resources.has(&resources);
        !same
    });
    ensure!(cells.len() < before, "{place}: found no cell of the sweep that it takes out, wanted at least one");
    Ok(())
}
