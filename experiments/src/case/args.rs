//! The flags that name a case.

use std::path::PathBuf;

use anyhow::{Context, Result};
use datasets::cifar::embedded_test_sample;

use fhe_nn::encrypted::Packing;

use super::{Case, CaseSpec, HEADROOM, KernelArgs, Model, Relu, check_ring_dim};
use crate::output::parse_bytes;
use datasets::digest::sha256;

/// The flags that name a case.
// Without a group of its own: commands flatten it into theirs, which has the same name.
#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// Ring dimension N: 32768, 65536 or 131072.
    #[arg(long, default_value_t = 65536, value_name = "N")]
    ring_dim: usize,
    /// What stands for ReLU: chebyshev:DEGREE, its interpolant; minimax:DEGREE, its best approximation; composite:D1,D2,…,
    /// from a composite of minimax polynomials for the sign; or square, for networks trained with it.
    /// If not given, what the weights were trained with, or chebyshev:59.
    #[arg(long)]
    relu: Option<String>,
    /// How values stand in the slots: fused, vector (the paper's), multiplexed, diagonal, or batch (several images).
    #[arg(long, default_value_t = Packing::default())]
    packing: Packing,
    /// How far beyond the ranges seen on training images the activations hold. Networks trained with a polynomial keep the
    /// intervals that they were trained on.
    #[arg(long, default_value_t = HEADROOM)]
    headroom: f64,
    /// Weights of a CIFAR ResNet in safetensors form, with PyTorch's names; the embedded ResNet-20 if not given.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// The weights' model card (JSON) with the ranges of the activations. Without one they are those seen on the
    /// embedded sample.
    #[arg(long, value_name = "FILE", requires = "weights")]
    card: Option<PathBuf>,
    /// Allow parameters below 128 bits of security; every output then marks the case as insecure.
    #[arg(long)]
    insecure: bool,
    #[command(flatten)]
    kernels: KernelArgs,
    /// Threads; all cores if not given.
    #[arg(long)]
    threads: Option<usize>,
    /// Refuse to start if more memory than this is predicted: bytes, or a number with K, M, G, KiB, MiB, GiB.
    #[arg(long, value_name = "BYTES")]
    max_memory: Option<String>,
}

impl Args {
    /// Runs `work` in a pool of as many threads as asked for.
    pub fn in_pool<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        super::in_pool(self.threads, "--threads", work)
    }

    /// Checks everything that can be checked before keys are made, memory apart (see [`Args::check_memory`]).
    pub fn case(&self) -> Result<Case> {
        let Self { ring_dim, packing, .. } = self;
        let read =
            |text: &String| text.parse::<Relu>().and_then(Relu::encryptable).with_context(|| format!("--relu {text}"));
        let asked = self.relu.as_ref().map(read).transpose()?;
        self.max_memory()?;
        let kernels = self.kernels.choose()?;
        let model = self.model()?;
        check_ring_dim(*ring_dim, model.slots_needed(*packing)).with_context(|| format!("--ring-dim {ring_dim}"))?;
        let relu = asked.or(model.trained_with.clone()).unwrap_or_default();
        let spec = CaseSpec { ring_dim: *ring_dim, relu, packing: *packing };
        Case::within(&spec, model, kernels, self.insecure)
            .with_context(|| format!("--ring-dim {ring_dim} --relu {}", spec.relu))
    }

    /// Fails if more memory is predicted than was granted, or than the machine has left.
    pub fn check_memory(&self, case: &Case) -> Result<()> {
        if let Some(limit) = self.max_memory()? {
            case.check_memory_limit(limit).context("--max-memory")?;
        }
        case.check_memory_available()
    }

    /// The flags that make this case, as they would be typed; how many threads and how much memory it may take are none of
    /// them.
    pub fn flags_of(&self, case: &Case) -> String {
        let flag =
            |name: &str, value: Option<String>| value.map_or(String::new(), |value| format!(" --{name} {value}"));
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let described = &case.described;
        [
            flag("ring-dim", Some(described.ring_dim.to_string())),
            flag("relu", Some(described.relu.clone())),
            flag("packing", Some(described.packing.clone())),
            flag("weights", path(&self.weights)),
            flag("card", path(&self.card)),
            flag("headroom", (self.headroom != HEADROOM).then(|| self.headroom.to_string())),
            flag("kernels", self.kernels.name().map(str::to_owned)),
            if self.insecure { " --insecure".to_owned() } else { String::new() },
        ]
        .concat()
    }

    fn max_memory(&self) -> Result<Option<u64>> {
        let read = |text: &str| {
            parse_bytes(text).with_context(|| format!("--max-memory {text}: wanted bytes, or a number such as 4G"))
        };
        self.max_memory.as_deref().map(read).transpose()
    }

    fn model(&self) -> Result<Model> {
        let Some(path) = &self.weights else {
            return Model::embedded(self.headroom).context("--headroom");
        };
        let flag = || format!("--weights {}", path.display());
        let bytes = std::fs::read(path).with_context(flag)?;
        let network = Model::network(&bytes).with_context(flag)?;
        let Some(card) = &self.card else {
            let count = embedded_test_sample().len();
            eprintln!("{}: without --card, activations get the ranges seen on {count} images", flag());
            return Model::observed(network, sha256(&bytes), self.headroom);
        };
        let flag = || format!("--card {}", card.display());
        let json = std::fs::read_to_string(card).with_context(flag)?;
        Model::carded(network, sha256(&bytes), &json, self.headroom).with_context(flag)
    }
}
