//! The seconds and bytes of a candidate by counts, without a search for its primes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use fhe_circuits::StepWork;
use fhe_ckks::Parameters;
use fhe_nn::encrypted::profile::Masks;
use fhe_nn::encrypted::{Circuit, Op, Profile, Program, ScheduledStep};

use super::{ROUNDS, Setting};
use crate::prediction::Predictor;

/// A profile with its cost by counts.
pub(super) struct Candidate {
    pub profile: Profile,
    /// Predicted seconds.
    seconds: f64,
    /// Limbs of keys, in no unit: they only compare candidates.
    keys: f64,
}

/// The steps of the network with masks of one kind and a number of rounds. Levels of convolutions and activations count from
/// the level of a bootstrap.
struct Steps {
    masks: Masks,
    rounds: usize,
    steps: Vec<ScheduledStep>,
    /// Level of a bootstrap's input.
    lowest: usize,
    /// Rotation keys of convolutions.
    keys: usize,
}

/// Counts are so good: a candidate beats another one if it is below this share of it.
const CLEARLY: f64 = 0.99;

/// Counts candidates.
pub(super) struct Counter<'a> {
    predictor: &'a Predictor,
    /// A circuit of the ring, activation and packing with each message ratio that was asked for.
    circuits: Mutex<Vec<Circuit>>,
    /// The steps with each kind of masks and each number of rounds.
    templates: Vec<Steps>,
    /// The largest secure modulus.
    limit: f64,
    /// Slot counts of bootstraps.
    slots: Vec<usize>,
}

impl<'a> Counter<'a> {
    /// Plans the network once for each kind of masks and each number of rounds for which any ring has room.
    ///
    /// # Errors
    /// An activation that no ring has a circuit for.
    pub(super) fn new(setting: &Setting, predictor: &'a Predictor) -> Result<Self> {
        let (log_n, relu, packing) = (setting.log_n(), &setting.relu, setting.packing);
        let [_, shipped] = if relu.is_wave() { Profile::wave() } else { Profile::polynomial() };
        let (kinds, rounds) = if relu.is_wave() {
            (vec![shipped.masks], vec![1])
        } else {
            (vec![Masks::None, Masks::Own, Masks::Shared { bits: 10 }], ROUNDS.to_vec())
        };
        let ranges: Vec<f64> = setting.model.intervals.iter().map(|interval| interval.hi).collect();
        let (mut slots, mut base) = (BTreeSet::new(), None);
        let mut template = |(masks, rounds)| {
            let profile = Profile { masks, rounds, ..shipped.clone() };
            let circuit = match Circuit::secure_or_not(log_n, relu, packing, Some(&profile)) {
                Ok(circuit) => circuit.in_ring(log_n),
                Err(_) if rounds > 1 => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let params = Parameters::try_from(circuit.parameters().clone())?;
            let program = Program::new(setting.model.network.clone(), circuit.clone(), ranges.clone())?;
            let own_slots = program.slot_counts();
            slots.extend(&own_slots);
            base.get_or_insert_with(|| circuit.clone());
            let plan = program.plan(&params)?;
            let own = circuit.bootstrap(own_slots[0]).request_keys(&params)?;
            let keys = plan.request.iter().count().saturating_sub(own.iter().count());
            Ok(Some(Steps { masks, rounds, steps: plan.steps, lowest: circuit.bootstrap_level(), keys }))
        };
        let all = rounds.into_iter().flat_map(|rounds| kinds.iter().map(move |&masks| (masks, rounds)));
        let templates = all.filter_map(|one| template(one).transpose()).collect::<Result<_>>()?;
        let circuits = Mutex::new(base.into_iter().collect());
        let slots = slots.into_iter().collect();
        Ok(Self { predictor, circuits, templates, slots, limit: Circuit::limit(log_n) })
    }

    /// Slot counts of bootstraps, in order.
    pub(super) fn slots(&self) -> &[usize] {
        &self.slots
    }

    /// Returns the circuit of the ring, activation and packing in a profile, secure or not. The activation of each message
    /// ratio is made once.
    ///
    /// # Errors
    /// A profile without a circuit.
    pub(super) fn circuit(&self, profile: &Profile) -> Result<Circuit> {
        let known = || self.circuits.lock().unwrap_or_else(PoisonError::into_inner);
        let same = known().iter().find(|circuit| circuit.profile.message_ratio == profile.message_ratio).cloned();
        if let Some(circuit) = same {
            return Ok(circuit.with_profile(profile)?);
        }
        let other = known().first().context("found no circuit")?.clone();
        let circuit = other.with_profile(profile)?;
        known().push(circuit.clone());
        Ok(circuit)
    }

    /// Returns a profile's cost; `None` for one without a secure circuit.
    pub(super) fn count(&self, profile: &Profile) -> Option<Candidate> {
        let kind = |masks: Masks| std::mem::discriminant(&masks);
        let same = |known: &&Steps| kind(known.masks) == kind(profile.masks) && known.rounds == profile.rounds;
        let known = self.templates.iter().find(same)?;
        let circuit = self.circuit(profile).ok()?;
        let literal = circuit.parameters();
        let log_qp: u32 = literal.main_bits.iter().chain(&literal.special_bits).sum();
        if f64::from(log_qp) >= self.limit {
            return None;
        }
        let main = circuit.parameters().main_bits.len();
        let work = |&slots: &usize| Some((slots, circuit.bootstrap(slots).work(circuit.max_slots(), main).ok()?));
        let works: BTreeMap<usize, Vec<StepWork>> = self.slots.iter().map(work).collect::<Option<_>>()?;
        let moved = |step: &ScheduledStep| {
            let level = match step.op {
                Op::Bootstrap => step.level,
                Op::Convolution | Op::Activation | Op::Classifier => {
                    step.level + circuit.bootstrap_level() - known.lowest.min(step.level)
                }
            };
            ScheduledStep { level, ..step.clone() }
        };
        let steps: Vec<_> = known.steps.iter().map(moved).collect();
        let seconds = self.predictor.steps_by_work(&circuit, &works, &steps).ok()?.iter().sum();
        let limbs = |limbs: usize| {
            let shape = circuit.parameters().key_shape(limbs - 1)?;
            Some((shape.digits() * (limbs + shape.special)) as f64)
        };
        let largest = works.into_values().next_back()?;
        let mut keys = known.keys as f64 * limbs(circuit.linear_level + 1)?;
        for step in largest {
            keys += step.keys as f64 * limbs(step.limbs)?;
        }
        Some(Candidate { profile: profile.clone(), seconds, keys })
    }
}

/// Returns the best candidates of each number of rounds: so many by seconds, and so many others by keys.
pub(super) fn best(candidates: Vec<Candidate>, wanted: [usize; 2]) -> Vec<Candidate> {
    let mut by_rounds: BTreeMap<usize, Vec<Candidate>> = BTreeMap::new();
    for candidate in candidates {
        by_rounds.entry(candidate.profile.rounds).or_default().push(candidate);
    }
    by_rounds.into_values().flat_map(|candidates| best_of_rounds(candidates, wanted)).collect()
}

fn best_of_rounds(mut candidates: Vec<Candidate>, [fast, small]: [usize; 2]) -> Vec<Candidate> {
    candidates.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let mut rest = candidates.split_off(fast.min(candidates.len()));
    rest.sort_by(|a, b| a.keys.total_cmp(&b.keys));
    rest.truncate(small);
    candidates.extend(rest);
    candidates
}

/// Returns the profiles of candidates, precision after precision in rising order, without those that a candidate of more
/// precision clearly beats in seconds and keys.
pub(super) fn unbeaten(precisions: Vec<Vec<Candidate>>) -> Vec<Profile> {
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in precisions.into_iter().rev().flatten() {
        let beats =
            |other: &Candidate| other.seconds < CLEARLY * candidate.seconds && other.keys < CLEARLY * candidate.keys;
        let known = |other: &Candidate| other.profile == candidate.profile;
        if !kept.iter().any(|other| beats(other) || known(other)) {
            kept.push(candidate);
        }
    }
    kept.into_iter().map(|candidate| candidate.profile).collect()
}
