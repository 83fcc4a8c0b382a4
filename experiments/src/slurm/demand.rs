//! What each case of a config will take: threads, memory, seconds.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Instant;

use anyhow::{Result, bail};
use rayon::prelude::*;

use crate::case::{self, Model};
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
        let threads = config.threads_of(cell, otherwise);
        // This process has a model and an image; each thread of the case works on an image of its own.
        let bytes = machine::rss_bytes().unwrap_or(0) + (threads as u64) * (32 << 20);
        let (case, seconds) = (cell.id(config.backend.kind), CLEAR * image_s / threads as f64);
        Demand { case, threads, bytes, start_s: 0.0, seconds, batch: 1 }
    };
    Ok(config.cells.iter().map(demand).collect())
}

/// Returns the demands of encrypted cases. Each circuit is planned once, whatever the memory and threads of its cases.
fn encrypted(config: &Config, model: &Model, otherwise: usize) -> Result<Vec<Demand>> {
    let machine = |cell: &Cell| {
        let ring_dim = cell.ring.map_or(0, |ring| ring.0);
        (ring_dim, config.kernels(cell).name(), config.threads_of(cell, otherwise))
    };
    let mut predictors: BTreeMap<Machine, Predictor> = BTreeMap::new();
    for cell in &config.cells {
        let (ring_dim, _, threads) = machine(cell);
        if let Entry::Vacant(place) = predictors.entry(machine(cell)) {
            place.insert(case::on_threads(Some(threads), || Predictor::load(ring_dim, config.kernels(cell)))?);
        }
    }
    let of_circuit = |positions: Vec<usize>| -> Result<Vec<(usize, Demand)>> {
        let mut demands = Vec::new();
        let cells = positions.iter().map(|&position| &config.cells[position]);
        config.cases(cells, model, otherwise, |cell, case| {
            let seconds = predictors[&machine(cell)].steps(case, &case.plan.steps)?.iter().sum();
            demands.push(Demand {
                case: cell.id(config.backend.kind),
                threads: case.described.threads,
                bytes: case.plan.memory.total() as u64,
                start_s: KEYS * seconds,
                seconds,
                batch: case.program.images(),
            });
            Ok(())
        })?;
        Ok(positions.into_iter().zip(demands).collect())
    };
    let planned: Vec<_> = config.circuits().into_par_iter().map(of_circuit).collect::<Result<_>>()?;
    let mut demands: Vec<(usize, Demand)> = planned.into_iter().flatten().collect();
    demands.sort_by_key(|(position, _)| *position);
    Ok(demands.into_iter().map(|(_, demand)| demand).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the demands of a config with this sweep in the ring dimension 32768.
    fn demands(sweep: &str) -> Result<(Config, Model, Vec<Demand>)> {
        let place = tempfile::tempdir()?;
        let path = place.path().join("config.toml");
        let text = format!(
            "name = \"fixture\"\nquestion = \"How much?\"\n[data]\nimages = \"0..2\"\n[backend]\nkind = \"encrypted\"\n\
             [sweep]\nring_dim = [32768]\nrelu = [\"chebyshev:7\"]\npacking = [\"fused\"]\n{sweep}"
        );
        std::fs::write(&path, text)?;
        let config = Config::read(&path)?;
        let model = config.model()?;
        let demands = of_config(&config, &model, 2)?;
        Ok((config, model, demands))
    }

    #[test]
    fn every_case_has_the_memory_of_its_dial_and_its_threads() {
        let sweep = "memory = [\"lean\", \"default\", \"fast\"]\nthreads = [1, 16]";
        let (config, model, demands) = demands(sweep).unwrap();
        assert_eq!(demands.len(), 6);
        for (cell, demand) in config.cells.iter().zip(&demands) {
            let threads = cell.resources.threads.unwrap();
            let planned =
                case::on_threads(Some(threads), || Ok(config.case(cell, &model)?.unwrap().plan.memory)).unwrap();
            assert_eq!((&demand.case, demand.threads), (&cell.id(config.backend.kind), threads));
            assert_eq!(demand.bytes, planned.total() as u64, "{}", demand.case);
        }
        let bytes = |words: [&str; 2]| {
            demands.iter().find(|one| words.iter().all(|word| one.case.contains(word))).expect("the case").bytes
        };
        assert!(2 * bytes(["lean", "threads:1-"]) < bytes(["default", "threads:1-"]));
        assert!(bytes(["default", "threads:1-"]) < bytes(["fast", "threads:1-"]));
    }

    #[test]
    fn a_memory_that_no_way_fits_is_refused_wherever_it_stands() {
        for memory in ["\"1M\", \"default\"", "\"default\", \"1M\""] {
            let error = format!("{:#}", demands(&format!("memory = [{memory}]")).err().unwrap());
            assert!(error.contains("memory:1M: predicted at least "), "{error}");
        }
    }
}
