//! What each case of a config will take: threads, memory, seconds.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use anyhow::{Result, bail};
use rayon::prelude::*;

use crate::case::{self, Case, Model};
use crate::config::{BackendKind, Cell, Config};
use crate::images::Numbered;
use crate::machine;
use crate::prediction::Predictor;

/// Seconds of the keys and constants of a case, over those of a ciphertext. Published runs have 0.07 to 0.13.
const KEYS: f64 = 0.2;
/// Evaluations in cleartext that an image takes where nothing is encrypted: the circuit, and the polynomials to compare with,
/// whose activations are longer than ReLUs.
const CLEAR: f64 = 3.0;

/// What a case takes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Demand {
    /// The name of the case.
    pub case: String,
    /// Threads of its pool.
    pub threads: usize,
    /// Predicted bytes of memory.
    pub bytes: u64,
    /// Predicted seconds before the first image.
    pub start_s: f64,
    /// Predicted seconds of a ciphertext, or of an image if nothing is encrypted.
    pub seconds: f64,
    /// Images in a ciphertext.
    pub batch: usize,
}

impl Demand {
    /// Returns the seconds of the longest of `shards` equal shares of `images` images.
    pub(crate) fn of_share(&self, images: usize, shards: usize) -> f64 {
        self.start_s + self.seconds * images.div_ceil(shards).div_ceil(self.batch) as f64
    }
}

/// What a circuit takes, whatever its threads and kernels: memory, images of a ciphertext, and seconds for each machine.
struct Circuit {
    bytes: u64,
    batch: usize,
    seconds: HashMap<Machine, f64>,
}

/// What seconds are predicted for: ring dimension, kernels, threads.
type Machine = (usize, &'static str, usize);

/// Returns the demands of all cases. Cases take `threads` threads where the config says nothing.
///
/// # Errors
/// A cell that cannot run, a backend that a cluster cannot run in parts, or stored measurements that cannot be read.
pub(crate) fn of_config(config: &Config, model: &Model, threads: usize) -> Result<Vec<Demand>> {
    match config.backend.kind {
        BackendKind::Suite => bail!(
            "{}: found the backend suite, wanted encrypted, simulated or plain: only one process at a time can use a \
             submission",
            config.source.name
        ),
        BackendKind::Encrypted => encrypted(config, model, threads),
        BackendKind::Simulated | BackendKind::Plain => clear(config, model, threads),
    }
}

/// The threads of a cell.
fn threads_of(config: &Config, cell: &Cell, otherwise: usize) -> usize {
    cell.resources.threads.or(config.backend.threads).unwrap_or(otherwise)
}

/// Returns the demands of cases that encrypt nothing, from the least time of an evaluation in cleartext.
fn clear(config: &Config, model: &Model, otherwise: usize) -> Result<Vec<Demand>> {
    config.check(model)?;
    let input = model.input(Numbered::new(None).get(0)?);
    let activation = model.own_activation();
    let evaluate = || {
        let started = Instant::now();
        drop(model.network.forward(&input, activation.as_ref()));
        started.elapsed().as_secs_f64()
    };
    // The first evaluation also takes memory from the system.
    let image_s = (0..3).map(|_| evaluate()).fold(f64::INFINITY, f64::min);
    let demand = |cell: &Cell| {
        let threads = threads_of(config, cell, otherwise);
        // This process has a model and an image; each thread of the case works on an image of its own.
        let bytes = machine::rss_bytes().unwrap_or(0) + (threads as u64) * (32 << 20);
        let (case, seconds) = (cell.id(config.backend.kind), CLEAR * image_s / threads as f64);
        Demand { case, threads, bytes, start_s: 0.0, seconds, batch: 1 }
    };
    Ok(config.cells.iter().map(demand).collect())
}

/// Returns the demands of encrypted cases. Each circuit is planned once, whatever the threads and kernels of its cases.
fn encrypted(config: &Config, model: &Model, otherwise: usize) -> Result<Vec<Demand>> {
    let machine = |cell: &Cell| {
        let ring_dim = cell.ring.map_or(0, |ring| ring.0);
        (ring_dim, config.kernels(cell).name(), threads_of(config, cell, otherwise))
    };
    let mut predictors: BTreeMap<Machine, Predictor> = BTreeMap::new();
    let mut circuits: BTreeMap<String, Vec<&Cell>> = BTreeMap::new();
    for cell in &config.cells {
        let (ring_dim, _, threads) = machine(cell);
        if let Entry::Vacant(place) = predictors.entry(machine(cell)) {
            place.insert(case::on_threads(Some(threads), || Predictor::load(ring_dim, config.kernels(cell)))?);
        }
        circuits.entry(cell.circuit()).or_default().push(cell);
    }
    let plan = |(name, cells): (String, Vec<&Cell>)| {
        let case = config.case(cells[0], model)?.expect("an encrypted cell has a circuit");
        let wanted = cells.iter().map(|cell| machine(cell));
        let seconds = wanted.map(|machine| Ok((machine, seconds(&predictors[&machine], &case)?)));
        let (bytes, batch) = (case.plan.memory.total() as u64, case.program.images());
        Ok((name, Circuit { bytes, batch, seconds: seconds.collect::<Result<_>>()? }))
    };
    let planned: HashMap<String, Circuit> = circuits.into_par_iter().map(plan).collect::<Result<_>>()?;
    let demand = |cell: &Cell| {
        let Circuit { bytes, batch, seconds } = &planned[&cell.circuit()];
        let (machine, case) = (machine(cell), cell.id(config.backend.kind));
        let seconds = seconds[&machine];
        Demand { case, threads: machine.2, bytes: *bytes, start_s: KEYS * seconds, seconds, batch: *batch }
    };
    Ok(config.cells.iter().map(demand).collect())
}

fn seconds(predictor: &Predictor, case: &Case) -> Result<f64> {
    Ok(predictor.steps(case, &case.plan.steps)?.iter().sum())
}
