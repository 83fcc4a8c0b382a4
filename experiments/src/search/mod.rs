//! A search for circuits: primes, transforms and EvalMod for a network in a ring, by predicted seconds, bytes and bits.
//!
//! The search tries one precision after another, the highest first. For each precision [`space`] chooses the shortest primes
//! of EvalMod; the primes of the other steps follow, long enough that these steps add little error. The search then combines
//! short lists of the remaining choices: the stages of both transforms, the weight of their giant steps, masks, rounds,
//! digits. [`count`] gives each candidate its seconds by counts, and the best of each precision are planned as whole cases.
//! Each is held as `--max-memory` means it: in the fastest way that fits. Those that no other beats in all of seconds, bytes
//! and bits are the [`front`].

mod count;
mod front;
mod space;
pub(crate) mod text;

use anyhow::{Context, Result, ensure};
use fhe_nn::Approximation;
use fhe_nn::encrypted::{Circuit, Packing, Profile};
use fhe_ring::Kernels;
use rayon::prelude::*;

use crate::case::{AskedProfile, Case, CaseSpec, Dial, Model};
use crate::prediction::Predictor;

pub(crate) use front::{Front, Point};

/// Fewer bits in the worst slot leave a network without its classes.
pub(crate) const FEWEST_BITS: f64 = 6.0;
/// The precisions of candidates, in bits of the worst slot, are so far apart.
const STEP: f64 = 1.0;
/// More bits than primes of 50 bits have.
pub(crate) const MOST_BITS: f64 = 24.0;
/// Rounds to a bootstrap that are tried with polynomials. With three, a ResNet-20 has nine bootstraps instead of ten, because
/// inputs of blocks keep their levels. With four it has five, but convolutions cost more at their levels: at N = 2^17 an
/// image takes 1.14 times the seconds of two rounds, with `chebyshev:7` in the wide profile.
const ROUNDS: [usize; 2] = [1, 2];
/// Candidates of each precision and number of rounds that are planned as whole cases: by seconds and by bytes of keys.
const PLANNED: [usize; 2] = [4, 3];

/// What the best point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Goal {
    /// The fewest predicted seconds.
    Fastest,
    /// The fewest predicted bytes.
    Smallest,
    /// The most bits in the worst slot of a bootstrap.
    Precise,
}

/// What every point keeps.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// The fewest bits in the worst slot of a bootstrap.
    pub min_bits: f64,
    /// How much memory, and so how each circuit holds its keys and constants.
    pub dial: Dial,
}

/// The network and the ring of a search.
pub(crate) struct Setting {
    /// The ring dimension N.
    pub ring_dim: usize,
    /// The activation.
    pub relu: Approximation,
    /// The packing.
    pub packing: Packing,
    /// The network.
    pub model: Model,
    /// Kernels; `None` for the fastest of the machine.
    pub kernels: Option<Kernels>,
}

impl Setting {
    /// Returns the case of a profile, or of the shipped one.
    pub(crate) fn case(&self, profile: Option<&Profile>) -> Result<Case> {
        let Self { ring_dim, relu, packing, model, kernels } = self;
        let profile = profile.cloned().map(AskedProfile::new);
        let spec = CaseSpec { ring_dim: *ring_dim, relu: relu.clone(), packing: *packing, profile };
        Case::new(&spec, model.clone(), *kernels)
    }

    fn log_n(&self) -> u32 {
        self.ring_dim.trailing_zeros()
    }
}

/// Returns the front within the bounds, the best point by `goal` first.
///
/// # Errors
/// Stored measurements that cannot be read; a ring without a circuit for the activation, and bounds that no point keeps.
pub(crate) fn search(setting: &Setting, goal: Goal, bounds: &Bounds) -> Result<Front> {
    let kernels = setting.kernels.unwrap_or_else(Kernels::detect);
    let predictor = Predictor::load(setting.ring_dim, kernels)?;
    let shipped = setting.case(None).ok();
    let counter = count::Counter::new(setting, &predictor)?;
    let least = bounds.min_bits.max(FEWEST_BITS);
    let precisions: Vec<f64> =
        (0..).map(|k| least + STEP * f64::from(k)).take_while(|&bits| bits <= MOST_BITS).collect();
    let space = space::Space::new(setting, &counter)?;
    let counted: Vec<(usize, Vec<count::Candidate>)> = precisions
        .par_iter()
        .map(|&bits| {
            let profiles = space.profiles(bits);
            let candidates: Vec<_> = profiles.iter().filter_map(|profile| counter.count(profile)).collect();
            (profiles.len(), count::best(candidates, PLANNED))
        })
        .collect();
    let tried = counted.iter().map(|(tried, _)| tried).sum();
    let profiles = count::unbeaten(counted.into_iter().map(|(_, best)| best).collect());
    ensure!(!profiles.is_empty(), "{}", nothing(setting, "found no circuit with so many bits", bounds));
    // A ring may lack primes of a size: such a circuit is no point.
    let held = |case: Case| Point::new(&case.with_dial(bounds.dial.clone()), &predictor);
    let point = |profile: &Profile| Some(held(setting.case(Some(profile)).ok()?));
    let mut points =
        profiles.par_iter().filter_map(point).collect::<Result<Vec<_>>>().context("a circuit of the search")?;
    points.retain(|point| point.keeps(bounds));
    front::keep_best(&mut points);
    ensure!(!points.is_empty(), "{}", nothing(setting, "found no circuit within the bounds", bounds));
    front::sort(&mut points, goal);
    let shipped = shipped.map(held).transpose()?;
    Ok(Front { points, shipped, tried, seconds_from: predictor.source() })
}

fn nothing(setting: &Setting, what: &str, bounds: &Bounds) -> String {
    let memory = bounds.dial.limit().map_or(String::new(), |bytes| format!(" in {}", crate::output::bytes(bytes)));
    let limit = Circuit::limit(setting.log_n());
    format!(
        "{what}: wanted {:.1} bits{memory} at --ring-dim {} with --relu {}, below logQP = {limit}; lower --min-bits, raise \
         --max-memory, or take a larger ring or a lower degree",
        bounds.min_bits, setting.ring_dim, setting.relu
    )
}
