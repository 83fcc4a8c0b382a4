//! `[sweep]` and `[[exclude]]`: the grid of cells without the excluded ones.

use std::fmt;

use anyhow::{Context, Result, bail, ensure};
use toml::Spanned;

use super::{Kind, Source, Suite, wire};
use fhe_nn::encrypted::Packing;

use crate::case::{CaseSpec, Relu, check_ring, is_insecure};

/// A cell of the sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    /// The network to evaluate.
    pub network: Network,
    /// Ring dimension and packing; `None` if this program encrypts nothing.
    pub ring: Option<(usize, Packing)>,
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
    /// `suite-openfhe`. Below 128 bits of security it ends in `-insecure`.
    pub(crate) fn id(&self, kind: Kind) -> String {
        let stamp = if self.insecure { "-insecure" } else { "" };
        match self.ring {
            Some((ring_dim, packing)) => format!("{kind}-{ring_dim}-{}-{packing}{stamp}", self.network),
            None => format!("{kind}-{}", self.network),
        }
    }

    /// Returns the circuit; `None` if this program encrypts nothing.
    pub(crate) fn spec(&self) -> Option<CaseSpec> {
        let (ring_dim, packing) = self.ring?;
        let Network::Own(Relu::Approximate(relu)) = self.network.clone() else { return None };
        Some(CaseSpec { ring_dim, relu, packing })
    }
}

/// The default ring dimension.
const RING_DIM: usize = 65536;

/// Returns the cells in the order of the lists: ring dimensions outermost, activations innermost.
///
/// An engine that is not this program has one cell.
///
/// # Errors
/// A value that is wrong or repeated, a sweep without cells, or a sweep for an engine that is not this program.
pub(super) fn cells(source: &Source, config: &wire::Config, kind: Kind, suite: Option<&Suite>) -> Result<Vec<Cell>> {
    if let Some(suite) = suite {
        return foreign(source, config, &suite.label).map(|cell| vec![cell]);
    }
    let wanted = "wanted it: `run --help` explains every key";
    let place = config.sweep.as_ref().with_context(|| format!("{}:1: missing field `sweep`, {wanted}", source.name))?;
    let (sweep, place) = (place.get_ref(), source.at(place, "sweep"));
    let relus = values(source, &sweep.relu, "sweep.relu", |text| relu(text, kind))?;
    let read_packing = |text: &String| Ok(text.parse::<Packing>()?);
    let rings: Vec<Option<(usize, Packing)>> = if kind == Kind::Plain {
        no_ring(source, &sweep.ring_dim, "sweep.ring_dim")?;
        no_ring(source, &sweep.packing, "sweep.packing")?;
        vec![None]
    } else {
        let ring_dims = match &sweep.ring_dim {
            Some(list) => values(source, list, "sweep.ring_dim", |&n| check_ring(n).map(|()| n))?,
            None => vec![RING_DIM],
        };
        let packings = match &sweep.packing {
            Some(list) => values(source, list, "sweep.packing", read_packing)?,
            None => vec![Packing::default()],
        };
        ring_dims.iter().flat_map(|&n| packings.iter().map(move |&packing| Some((n, packing)))).collect()
    };
    let cell = |ring| relus.iter().map(move |relu| (ring, relu.clone()));
    let mut cells: Vec<Cell> = rings
        .into_iter()
        .flat_map(cell)
        .map(|(ring, relu)| Cell { network: Network::Own(relu), ring, insecure: false, place: place.clone() })
        .collect();
    for exclude in &config.exclude {
        take_out(source, exclude, kind, &mut cells)?;
    }
    if config.backend.insecure.as_ref().is_some_and(|insecure| *insecure.get_ref()) {
        for cell in &mut cells {
            cell.insecure = cell.spec().is_some_and(|spec| is_insecure(&spec));
        }
    }
    ensure!(!cells.is_empty(), "{place}: found every cell excluded, wanted at least one left");
    Ok(cells)
}

/// The cell of an engine that is not this program. Its network, its parameters and its packing are its own.
fn foreign(source: &Source, config: &wire::Config, label: &str) -> Result<Cell> {
    let sweep = config.sweep.as_ref().map(|sweep| source.at(sweep, "sweep"));
    let exclude = config.exclude.first().map(|exclude| source.at(exclude, "exclude"));
    if let Some(place) = sweep.or(exclude) {
        bail!("{place}: wanted none, since the engine of a suite backend chooses its own parameters");
    }
    let place = source.at(&config.backend.kind, "backend.kind");
    Ok(Cell { network: Network::Foreign(label.to_owned()), ring: None, insecure: false, place })
}

fn relu(text: &str, kind: Kind) -> Result<Relu> {
    let relu = text.parse::<Relu>()?;
    if kind == Kind::Plain { Ok(relu) } else { relu.encryptable().map(Relu::Approximate) }
}

/// Reads a list of values, none of them twice.
fn values<W, V: PartialEq>(
    source: &Source,
    list: &Spanned<Vec<Spanned<W>>>,
    key: &str,
    read: impl Fn(&W) -> Result<V>,
) -> Result<Vec<V>> {
    ensure!(!list.get_ref().is_empty(), "{}: found an empty list, wanted at least one value", source.at(list, key));
    let mut values = Vec::new();
    for value in list.get_ref() {
        let at = || source.at(value, key);
        let read = read(value.get_ref()).with_context(at)?;
        ensure!(!values.contains(&read), "{}: found it twice, wanted each value once", at());
        values.push(read);
    }
    Ok(values)
}

fn no_ring<T>(source: &Source, value: &Option<Spanned<T>>, key: &str) -> Result<()> {
    match value {
        Some(value) => bail!("{}: wanted none, since the plain backend has no ring", source.at(value, key)),
        None => Ok(()),
    }
}

/// Removes the cells that have all the values of `exclude`.
fn take_out(source: &Source, exclude: &Spanned<wire::Exclude>, kind: Kind, cells: &mut Vec<Cell>) -> Result<()> {
    let wire::Exclude { ring_dim, relu: relu_text, packing } = exclude.get_ref();
    let place = source.at(exclude, "exclude");
    ensure!(
        ring_dim.is_some() || relu_text.is_some() || packing.is_some(),
        "{place}: found no key, wanted at least one of ring_dim, relu and packing"
    );
    if kind == Kind::Plain {
        no_ring(source, ring_dim, "exclude.ring_dim")?;
        no_ring(source, packing, "exclude.packing")?;
    }
    let relu =
        relu_text.as_ref().map(|text| relu(text.get_ref(), kind).with_context(|| source.at(text, "exclude.relu")));
    let relu = relu.transpose()?;
    let packed = packing.as_ref().map(|text| {
        text.get_ref()
            .parse::<Packing>()
            .map_err(anyhow::Error::from)
            .with_context(|| source.at(text, "exclude.packing"))
    });
    let packed = packed.transpose()?;
    let ring_dim = ring_dim.as_ref().map(|n| *n.get_ref());
    let before = cells.len();
    cells.retain(|cell| {
        let same = relu.as_ref().is_none_or(|relu| cell.network == Network::Own(relu.clone()))
            && ring_dim.is_none_or(|n| cell.ring.is_some_and(|ring| ring.0 == n))
            && packed.is_none_or(|packing| cell.ring.is_some_and(|ring| ring.1 == packing));
        !same
    });
    ensure!(cells.len() < before, "{place}: found no cell of the sweep that it takes out, wanted at least one");
    Ok(())
}
