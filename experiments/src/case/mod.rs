//! One case: a network, an activation and parameters, checked before anything runs.

mod accuracy;
mod advice;
mod args;
mod dial;
mod kernels;
mod model;
mod pool;
mod prices;
mod profile;
mod shelf;
mod shipped;
mod source;
mod spec;

use anyhow::{Result, anyhow, bail, ensure};
use datasets::cifar::{Image, Normalisation};
use datasets::digest::sha256;
use fhe_ckks::Parameters;
use fhe_nn::encrypted::{Holding, Memory, Needs, Plan, Program};
use fhe_nn::plain;
use fhe_ring::Kernels;
use serde::Serialize;

use crate::machine::{self, Available, Limit};
use crate::output::bytes;
use prices::Prices;

pub(crate) use args::{Args, ServerArgs};
pub(crate) use dial::{Choice, Dial};
pub(crate) use kernels::KernelArgs;
pub(crate) use model::{Card, Model, normalisation};
pub(crate) use pool::{check_threads, in_pool, on_threads};
pub(crate) use profile::{AskedProfile, text as profile_text};
pub(crate) use shelf::Shelved;
pub(crate) use shipped::{SHIPPED, Shipped};
pub(crate) use source::{Claim, Named, Source, check_headroom};
pub(crate) use spec::{CaseSpec, RINGS, check_ring, check_ring_dim};

/// The default headroom: the factor by which intervals of activations exceed the ranges that were seen.
pub(crate) const HEADROOM: f64 = 1.05;

/// A case that can be run encrypted.
pub(crate) struct Case {
    /// The program to evaluate.
    pub program: Program,
    /// Its parameters.
    pub params: Parameters,
    /// The steps, keys and memory that it takes.
    pub plan: Plan,
    /// Its settings in words.
    pub described: Described,
    /// How it holds keys and constants.
    holding: Holding,
    /// What was said of its memory.
    dial: Dial,
    /// What other ways of holding cost.
    prices: Prices,
    spec: CaseSpec,
    model: Model,
}

/// A case in words and numbers, for tables and JSON.
#[derive(Clone, Serialize)]
pub(crate) struct Described {
    /// N.
    pub ring_dim: usize,
    /// log2 of all main and special primes.
    pub log_qp: f64,
    /// The largest that is secure, by the table that decides.
    pub log_qp_limit: Option<f64>,
    /// Bits of security; 0 below 128, which only `insecure` allows.
    pub security: u32,
    /// The activation.
    pub relu: String,
    /// The packing.
    pub packing: String,
    /// Name and digest of the profile that was asked for; `None` for a shipped one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Threads of the pool.
    pub threads: usize,
    /// Kernels.
    pub kernels: &'static str,
}

impl Case {
    /// Returns the case at 128 bits of security, with these kernels or the fastest of the machine. [`check_ring_dim`]
    /// has accepted its ring.
    ///
    /// # Errors
    /// Parameters that cannot be secure, or cannot hold the circuit.
    pub(crate) fn new(spec: &CaseSpec, model: Model, kernels: Option<Kernels>) -> Result<Self> {
        Self::within(spec, model, kernels, false)
    }

    /// Returns the case, with these kernels or the fastest of the machine. If `insecure`, a case that cannot have 128
    /// bits of security goes without.
    ///
    /// # Errors
    /// Those of [`Case::new`].
    pub(crate) fn within(spec: &CaseSpec, model: Model, kernels: Option<Kernels>, insecure: bool) -> Result<Self> {
        let circuit = spec.circuit(insecure).map_err(|error| {
            let ways = advice::secure(spec, &model).map_or(String::new(), |ways| format!("; would run: {ways}"));
            let allowed = !insecure && spec.is_insecure();
            let insecure = if allowed { "; or --insecure (in a config `insecure = true`)" } else { "" };
            anyhow!("{error}{ways}{insecure}")
        })?;
        let circuit = circuit.with_kernels(kernels);
        let params = Parameters::try_from(circuit.parameters().clone())?;
        let ranges = model.intervals.iter().map(|interval| interval.hi).collect();
        let program = Program::new(model.network.clone(), circuit, ranges)?;
        check_classes(&program)?;
        let plan = program.plan(&params)?;
        let described = Described {
            ring_dim: params.n(),
            log_qp: params.log_qp(),
            log_qp_limit: params.security().map(|report| report.limit),
            security: params.security_bits(),
            relu: spec.relu.to_string(),
            packing: spec.packing.to_string(),
            profile: spec.profile.as_ref().map(ToString::to_string),
            threads: rayon::current_num_threads(),
            kernels: params.ring().kernels().name(),
        };
        let (holding, dial) = (Holding::DEFAULT, Dial::Default);
        let prices = Prices::load(params.n(), params.ring().kernels());
        Ok(Self { program, params, plan, described, holding, dial, prices, spec: spec.clone(), model })
    }

    /// Returns the case with its keys and constants held as the dial means it. If nothing fits the limit of the dial, it is the
    /// way that takes the least: [`Case::check_memory_limit`] then fails.
    #[must_use]
    pub(crate) fn with_dial(mut self, dial: Dial) -> Self {
        self.holding = dial.choose(&self.plan.needs, &self.prices);
        self.plan = self.plan.holding(self.holding);
        self.dial = dial;
        self
    }

    /// Returns the case on this many threads, with its keys and constants held as before.
    #[must_use]
    pub(crate) fn with_threads(mut self, threads: usize) -> Self {
        self.plan.needs = self.plan.needs.with_threads(threads);
        self.plan = self.plan.holding(self.holding);
        self.described.threads = threads;
        self
    }

    /// Returns how the case holds its keys and constants.
    pub(crate) fn holding(&self) -> Holding {
        self.holding
    }

    /// Returns what was said of its memory.
    pub(crate) fn dial(&self) -> &Dial {
        &self.dial
    }

    /// Returns the seconds of a ciphertext over those with the default way of holding.
    pub(crate) fn time_factor(&self) -> f64 {
        self.prices.time(self.holding)
    }

    /// Returns the origin of the prices of other ways of holding, in words.
    pub(crate) fn prices_from(&self) -> &str {
        &self.prices.source
    }

    /// Returns the ways of holding that are worth taking. The case takes `seconds` for a ciphertext.
    pub(crate) fn choices(&self, seconds: f64) -> Vec<Choice> {
        Choice::list(&self.plan.needs, &self.prices, self.holding, seconds / self.time_factor())
    }

    /// Fails if the case takes more memory than the dial grants in whatever way it holds keys and constants.
    ///
    /// # Errors
    /// The least prediction by its parts, and the cases nearest to this one that fit.
    pub(crate) fn check_memory_limit(&self) -> Result<()> {
        match self.dial.limit() {
            Some(limit) if limit < self.plan.memory.total() as u64 => {
                let (parts, advice) = (self.memory_in_words(), self.advice(limit, &|_, _| 0));
                bail!("predicted at least {parts}, wanted at most {}; raise the limit{advice}", bytes(limit))
            }
            _ => Ok(()),
        }
    }

    /// Fails if the case is predicted to take more memory than this process can still have.
    ///
    /// # Errors
    /// The tightest limit, the prediction by its parts, and the cases nearest to this one that fit.
    pub(crate) fn check_memory_available(&self) -> Result<()> {
        self.check_memory_beside(0, Shelved::BOTH)
    }

    /// Returns the bytes of the case that mapped files back: of its keys, and of its constants where those are `stored` too.
    pub(crate) fn mapped(&self, stored: bool) -> u64 {
        let needs = &self.plan.needs;
        let constants = if stored { needs.mapped_constants(self.holding) } else { 0 };
        (needs.mapped_keys(self.holding) + constants) as u64
    }

    /// Fails if the case is predicted to take more memory than this process can still have, beside `mapped` bytes of it
    /// that stay in files. The system drops those where memory is short and reads them again, which takes time: a note
    /// says so. What is `shelved` needs room on a disk.
    ///
    /// # Errors
    /// Those of [`Case::check_memory_available`].
    pub(crate) fn check_memory_beside(&self, mapped: u64, shelved: Shelved) -> Result<()> {
        self.check_shelf(shelved)?;
        let total = self.plan.memory.total() as u64;
        let file = |needs: &Needs, holding, limit: &Limit| {
            in_address_space(needs.file(holding) as u64 + shelved.mapped_twice(needs, holding), limit)
        };
        let own = |limit: &Limit| file(&self.plan.needs, self.holding, limit);
        let Some(Available { bytes: left, limit }) =
            machine::available().filter(|found| found.bytes < total + own(&found.limit))
        else {
            return Ok(());
        };
        let needed = needed_beside(total, mapped, &limit) + own(&limit);
        if left < needed {
            let advice = self.advice(left, &|needs, holding| file(needs, holding, &limit));
            let (parts, remedy) = (self.memory_in_words(), limit.remedy());
            let beside = if needed > total {
                format!("{} with the file of keys and constants, ", bytes(needed))
            } else if needed < total {
                format!("{} beside files, of ", bytes(needed))
            } else {
                String::new()
            };
            bail!("not enough memory: found {} {limit}, wanted {beside}{parts}; {remedy}{advice}", bytes(left));
        }
        eprintln!(
            "note: found {} {limit}, wanted {}; parts of the files of keys and constants will be read again and again, which \
             takes longer",
            bytes(left),
            bytes(total)
        );
        Ok(())
    }

    /// Returns the cases that take at most `limit` bytes, in words that continue a list of remedies. A way of holding takes
    /// what `beside` says in addition to its memory.
    fn advice(&self, limit: u64, beside: Beside<'_>) -> String {
        let leaner = Dial::AtMost(limit, String::new()).choose(&self.plan.needs, &self.prices);
        let least = self.plan.needs.memory(leaner).total() as u64;
        let turned = (leaner != self.holding && least + beside(&self.plan.needs, leaner) <= limit)
            // The flag rounds the prediction up, because a lower limit would be refused.
            .then(|| format!("; or use --max-memory {}M ({leaner})", least.div_ceil(1_000_000)));
        let smaller = advice::smaller(self, limit, beside).map(|ways| format!("; {ways}"));
        [turned, smaller].into_iter().flatten().collect()
    }

    fn memory_in_words(&self) -> String {
        let Memory { keys, constants, working } = self.plan.memory;
        let [total, keys, constants, working] =
            [self.plan.memory.total(), keys, constants, working].map(|count| bytes(count as u64));
        format!("{total} (keys {keys}, bootstrapping constants {constants}, working set {working})")
    }

    /// Returns the profile that was asked for; `None` for a shipped one.
    pub(crate) fn asked_profile(&self) -> Option<&AskedProfile> {
        self.spec.profile.as_ref()
    }

    /// Returns the digest of the weights.
    pub(crate) fn weights_sha256(&self) -> &str {
        &self.model.weights_sha256
    }

    /// Returns a digest of what decides the logits beside the circuit: weights, intervals of activations, and normalisation.
    pub(crate) fn model_sha256(&self) -> String {
        let Model { weights_sha256, intervals, normalisation, .. } = &self.model;
        sha256(format!("{weights_sha256} {intervals:?} {normalisation:?}").as_bytes())
    }

    /// Returns the largest magnitude that the model's card calls possible for a logit, if it names one.
    pub(crate) fn logit_bound(&self) -> Option<f64> {
        self.model.logit_bound
    }

    /// Returns the name of the polynomial that the network was trained with; `None` for ReLU.
    pub(crate) fn trained_with(&self) -> Option<String> {
        self.model.trained_with.as_ref().map(ToString::to_string)
    }

    /// Returns the mean and deviation that turn pixels into the network's input.
    pub(crate) fn normalisation(&self) -> Normalisation {
        self.model.normalisation
    }

    /// Returns the names of the classes, by label.
    pub(crate) fn classes(&self) -> &[String] {
        &self.model.classes
    }

    /// Returns the network's input for an image.
    pub(crate) fn input(&self, image: &Image) -> Vec<f64> {
        self.model.input(image)
    }

    /// Returns the activation that the network was trained with.
    pub(crate) fn own_activation(&self) -> Box<dyn plain::Activation + Send> {
        self.model.own_activation()
    }

    /// Returns the encrypted network's activation in cleartext.
    pub(crate) fn activation(&self) -> impl plain::Activation + use<> {
        self.program.clear_activation()
    }
}

/// Fails if the last layer has fewer slots than the classifier needs.
fn check_classes(program: &Program) -> Result<()> {
    let (found, classes) =
        (program.layers().last().map_or(0, |layer| layer.layout.slots()), program.network().classes());
    let wanted = classes.next_power_of_two();
    ensure!(
        found >= wanted,
        "found {found} slots in the last layer, wanted {wanted} for {classes} classes; use a wider network or fewer stages"
    );
    Ok(())
}

/// The bytes that a case with these needs takes beside its memory, if it holds keys and constants in this way.
type Beside<'a> = &'a dyn Fn(&Needs, Holding) -> u64;

/// Returns the bytes that a mapped file of the case takes under a limit. Only one on address space counts it.
fn in_address_space(file: u64, limit: &Limit) -> u64 {
    if *limit == Limit::AddressSpace { file } else { 0 }
}

/// Returns the bytes that a case must be able to have under a limit, if it takes `total` and `mapped` of them stay in
/// files. A limit on address space counts mapped files like any memory.
fn needed_beside(total: u64, mapped: u64, limit: &Limit) -> u64 {
    if *limit == Limit::AddressSpace { total } else { total.saturating_sub(mapped) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhe_nn::encrypted::Packing;

    #[test]
    fn mapped_files_count_under_a_limit_on_address_space_only() {
        assert_eq!(needed_beside(900, 600, &Limit::AddressSpace), 900);
        for limit in [Limit::Machine, Limit::Data, Limit::Group("/g".to_owned())] {
            assert_eq!((needed_beside(900, 600, &limit), needed_beside(900, 0, &limit)), (300, 900), "{limit}");
        }
    }

    #[test]
    fn a_dial_that_is_advised_is_granted_and_keeps_its_file_within_the_limit() {
        let spec = CaseSpec {
            ring_dim: 1 << 15,
            relu: "chebyshev:7".parse().unwrap(),
            packing: Packing::Fused,
            profile: None,
        };
        let case = |dial| Case::new(&spec, Model::embedded(HEADROOM).unwrap(), None).unwrap().with_dial(dial);
        let (default, lean) = (case(Dial::Default), case(Dial::Lean));
        let total = |case: &Case| case.plan.memory.total() as u64;
        for limit in [total(&lean), total(&lean) + 1, total(&default) - 1] {
            let advice = default.advice(limit, &|_, _| 0);
            let flag = advice.split_once("--max-memory ").expect("lean fits").1.split_once(' ').unwrap().0;
            let advised = case(flag.parse().unwrap());
            advised.check_memory_limit().unwrap();
            assert!(total(&advised) <= limit, "{advice}");
        }
        let file = |needs: &Needs, holding| needs.file(holding) as u64;
        assert!(!default.advice(total(&lean), &file).contains("--max-memory"), "its file has no room");
    }

    #[test]
    fn a_smaller_case_that_is_advised_fits_with_its_file() {
        let case = |ring_dim, relu: &str| {
            let spec = CaseSpec { ring_dim, relu: relu.parse().unwrap(), packing: Packing::Fused, profile: None };
            Case::new(&spec, Model::embedded(HEADROOM).unwrap(), None).unwrap().with_dial(Dial::Lean)
        };
        let (large, small) = (case(1 << 16, "chebyshev:59"), case(1 << 15, "chebyshev:59"));
        let file = |needs: &Needs, holding| needs.file(holding) as u64;
        let total = small.plan.memory.total() as u64;
        let with_file = total + file(&small.plan.needs, small.holding);
        let advised =
            |limit, beside| large.advice(limit, beside).contains(&format!("--ring-dim 32768 ({};", bytes(limit)));
        assert!(advised(total, &|_, _| 0) && advised(with_file, &file));
        let advice = large.advice(with_file - 1, &file);
        assert!(!advice.contains("--ring-dim 32768 ("), "{advice}");
    }
}
