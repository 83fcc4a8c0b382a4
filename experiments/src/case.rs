//! One case: a network, an activation and parameters, checked before anything runs.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use datasets::cifar::{CLASS_NAMES, Image, Normalisation, embedded_test_sample};
use fhe_ckks::{KeyRequest, Parameters};
use fhe_nn::encrypted::{Circuit, Memory, Program};
use fhe_nn::ranges::{self, ModelCard};
use fhe_nn::{ResNet, plain};
use fhe_ring::Backend;
use serde::Serialize;

use crate::digest::sha256;
use crate::machine;
use crate::output::{bytes, parse_bytes};

/// Degrees that the circuits are meant for.
const DEGREES: std::ops::RangeInclusive<usize> = 2..=1023;

/// The flags that name a case.
#[derive(clap::Args)]
pub struct Args {
    /// Ring dimension N: 32768, 65536 or 131072.
    #[arg(long, default_value_t = 65536, value_name = "N")]
    ring_dim: usize,
    /// Activation: chebyshev:DEGREE, the Chebyshev interpolant of ReLU.
    #[arg(long, default_value = "chebyshev:59")]
    relu: String,
    /// How values stand in the slots; so far `multiplexed` alone.
    #[arg(long, default_value = "multiplexed")]
    packing: String,
    /// How far beyond the ranges seen on training images the activations hold.
    #[arg(long, default_value_t = 1.05)]
    headroom: f64,
    /// Weights of a CIFAR ResNet in safetensors form, with PyTorch's names; the embedded ResNet-20 if not given.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// The weights' model card (JSON) with the ranges of the activations. Without one they are those seen on the
    /// embedded sample.
    #[arg(long, value_name = "FILE", requires = "weights")]
    card: Option<PathBuf>,
    /// Kernels: scalar or avx512ifma; the fastest that the machine has if not given.
    #[arg(long)]
    backend: Option<String>,
    /// Threads; all cores if not given.
    #[arg(long)]
    threads: Option<usize>,
    /// Refuse to start if more memory than this is predicted: bytes, or a number with K, M, G, KiB, MiB, GiB.
    #[arg(long, value_name = "BYTES")]
    max_memory: Option<String>,
}

/// A case that can be run.
pub struct Case {
    /// What is computed.
    pub program: Program,
    /// With which parameters.
    pub params: Parameters,
    /// The keys that it takes.
    pub request: KeyRequest,
    /// The memory that it takes.
    pub memory: Memory,
    /// How it was asked for.
    pub described: Described,
    /// Digest of the weights.
    pub weights_sha256: String,
    normalisation: Normalisation,
    max_memory: Option<u64>,
}

/// A case in words and numbers, for tables and JSON.
#[derive(Clone, Serialize)]
pub struct Described {
    /// N.
    pub ring_dim: usize,
    /// log2 of all main and special primes.
    pub log_qp: f64,
    /// The largest that is secure, by the table that decides.
    pub log_qp_limit: Option<f64>,
    /// Bits of security.
    pub security: u32,
    /// The activation.
    pub relu: String,
    /// The packing.
    pub packing: String,
    /// Threads of the pool.
    pub threads: usize,
    /// Kernels.
    pub backend: &'static str,
}

/// A network and what its card says.
struct Model {
    network: ResNet,
    ranges: Vec<f64>,
    normalisation: Normalisation,
    weights_sha256: String,
}

impl Args {
    /// Makes the pool of as many threads as asked for, and runs `work` inside of it: the main thread, which is none of
    /// them, would only hand its work over piece by piece.
    pub fn in_pool<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        if let Some(threads) = self.threads {
            ensure!(threads > 0, "--threads 0: wanted 1 or more");
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build_global()
                .with_context(|| format!("--threads {threads}"))?;
        }
        rayon::scope(|_| work())
    }

    /// Checks everything that can be checked before keys are made, memory apart (see [`Case::check_memory`]).
    pub fn case(&self) -> Result<Case> {
        let degree = self.degree()?;
        ensure!(
            self.packing == "multiplexed",
            "--packing {}: not implemented; wanted multiplexed, the only packing so far",
            self.packing
        );
        let max_memory = self.max_memory.as_deref().map(|text| {
            parse_bytes(text).with_context(|| format!("--max-memory {text}: wanted bytes, or a number such as 4G"))
        });
        let max_memory = max_memory.transpose()?;
        let backend = self.backend.as_deref().map(|name| Backend::forced(name).context("--backend")).transpose()?;
        let model = self.model()?;
        self.check_ring_dim(Program::slots_needed(&model.network))?;
        let circuit = Circuit::chebyshev_relu(self.ring_dim.trailing_zeros(), degree)
            .with_context(|| format!("--ring-dim {} --relu {}", self.ring_dim, self.relu));
        let mut circuit = circuit?;
        circuit.parameters.backend = backend;
        let params = Parameters::try_from(circuit.parameters.clone())?;
        let weights_sha256 = model.weights_sha256;
        let program = Program::new(model.network, circuit, model.ranges);
        let request = program.request_keys(&params)?;
        let memory = program.memory(&params, &request)?;
        let described = Described {
            ring_dim: params.n(),
            log_qp: params.log_qp(),
            log_qp_limit: params.security().map(|report| report.limit),
            security: params.security_bits(),
            relu: self.relu.clone(),
            packing: self.packing.clone(),
            threads: rayon::current_num_threads(),
            backend: params.ring().backend().name(),
        };
        let normalisation = model.normalisation;
        Ok(Case { program, params, request, memory, described, weights_sha256, normalisation, max_memory })
    }

    fn degree(&self) -> Result<usize> {
        let relu = &self.relu;
        let Some(("chebyshev", degree)) = relu.split_once(':') else {
            bail!("--relu {relu}: unknown activation; wanted chebyshev:DEGREE, such as chebyshev:59");
        };
        let known = degree.parse().ok().filter(|degree| DEGREES.contains(degree));
        let (least, most) = (DEGREES.start(), DEGREES.end());
        known.with_context(|| {
            format!("--relu {relu}: found degree '{degree}', wanted a whole number from {least} to {most}")
        })
    }

    fn check_ring_dim(&self, slots: usize) -> Result<()> {
        let n = self.ring_dim;
        ensure!(n.is_power_of_two(), "--ring-dim {n}: not a power of two; wanted 32768, 65536 or 131072");
        ensure!(
            n >= 2 * slots,
            "--ring-dim {n}: too small, found {} slots, wanted the {slots} of the widest layer; use {} or more",
            n / 2,
            2 * slots
        );
        ensure!(n <= 1 << 17, "--ring-dim {n}: too large; wanted 32768, 65536 or 131072");
        Ok(())
    }

    fn model(&self) -> Result<Model> {
        let Some(path) = &self.weights else {
            let network = ResNet::from_safetensors(datasets::pretrained::RESNET20)?;
            let card = ModelCard::from_json(datasets::pretrained::RESNET20_CARD)?;
            let digest = sha256(datasets::pretrained::RESNET20);
            return self.with_card(network, digest, &card).context("--headroom");
        };
        let flag = || format!("--weights {}", path.display());
        let bytes = std::fs::read(path).with_context(flag)?;
        let network = ResNet::from_safetensors(&bytes).with_context(flag)?;
        let classes = network.classifier.out_features;
        ensure!(classes == CLASS_NAMES.len(), "{}: found {classes} classes, wanted CIFAR-10's 10", flag());
        match &self.card {
            Some(card) => {
                let flag = || format!("--card {}", card.display());
                let json = std::fs::read_to_string(card).with_context(flag)?;
                let card = ModelCard::from_json(&json).with_context(flag)?;
                self.with_card(network, sha256(&bytes), &card).with_context(flag)
            }
            None => {
                let seen = ranges::observe(&network, embedded_test_sample(), Image::normalised);
                eprintln!(
                    "{}: without --card, activations get the ranges seen on {} images",
                    flag(),
                    embedded_test_sample().len()
                );
                let intervals = ranges::intervals(&seen, self.headroom)?;
                let ranges = intervals.iter().map(|interval| interval.hi).collect();
                let weights_sha256 = sha256(&bytes);
                Ok(Model { network, ranges, normalisation: Normalisation::CIFAR10, weights_sha256 })
            }
        }
    }

    fn with_card(&self, network: ResNet, weights_sha256: String, card: &ModelCard) -> Result<Model> {
        let ranges = card.intervals(&network, self.headroom)?.iter().map(|interval| interval.hi).collect();
        let normalisation = Normalisation { mean: card.mean, std: card.std };
        Ok(Model { network, ranges, normalisation, weights_sha256 })
    }
}

impl Case {
    /// Fails if more memory is predicted than was granted, or than the machine has left.
    pub fn check_memory(&self) -> Result<()> {
        let Memory { keys, constants, working } = self.memory;
        let [total, keys, constants, working] =
            [self.memory.total(), keys, constants, working].map(|count| bytes(count as u64));
        let parts = format!("{total} (keys {keys}, bootstrapping constants {constants}, working set {working})");
        let advice = "use a lower degree of --relu or a smaller --ring-dim";
        if let Some(limit) = self.max_memory.filter(|&limit| limit < self.memory.total() as u64) {
            bail!("--max-memory: predicted {parts}, wanted at most {}; raise the limit, or {advice}", bytes(limit));
        }
        if let Some(available) = machine::available_bytes().filter(|&bytes| bytes < self.memory.total() as u64) {
            bail!("not enough memory: found {} available, wanted {parts}; free some, or {advice}", bytes(available));
        }
        Ok(())
    }

    /// What the network takes of an image.
    pub fn input(&self, image: &Image) -> Vec<f64> {
        image.normalised_by(&self.normalisation)
    }

    /// The encrypted network's activation, in the clear.
    pub fn activation(&self) -> impl plain::Activation + use<> {
        let series = self.program.circuit().activation.clone();
        let ranges = self.program.ranges().to_vec();
        move |index: usize, values: &mut [f64]| {
            let range = ranges[index];
            let mut overflow = 0;
            for value in values {
                let u = *value / range;
                overflow += usize::from(u.abs() > 1.0);
                *value = range * series.evaluate(fhe_nn::encrypted::circuit::straighten_inverse(u));
            }
            overflow
        }
    }
}
