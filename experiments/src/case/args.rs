//! The flags that name a case.

use std::path::PathBuf;

use anyhow::{Context, Result};
use fhe_nn::Approximation;
use fhe_nn::encrypted::Packing;
use fhe_ring::Kernels;

use super::{AskedProfile, Case, CaseSpec, Dial, HEADROOM, KernelArgs, Model, Named, Shelved, Source, check_ring_dim};

/// The flags that name a case.
// Without a group of its own: commands flatten it into theirs, which has the same name.
#[derive(clap::Args)]
#[group(skip)]
pub(crate) struct Args {
    /// Ring dimension N: 32768, 65536 or 131072.
    #[arg(long, default_value_t = 65536, value_name = "N")]
    ring_dim: usize,
    /// The polynomial that replaces ReLU: chebyshev:DEGREE, the interpolant; minimax:DEGREE, the best approximation;
    /// composite:D1,D2,…, built on a composite of minimax polynomials for the sign; square, cosine or cosine+square, for
    /// networks trained with them (a bootstrap evaluates the cosine by itself). If not given, the activation that the
    /// weights were trained with, or chebyshev:59.
    #[arg(long)]
    relu: Option<String>,
    /// How a ciphertext's slots hold the values of an image: fused, vector (the paper's), multiplexed, diagonal, or
    /// batch (several images in a ciphertext).
    #[arg(long, default_value_t = Packing::default())]
    packing: Packing,
    /// A TOML file with the table [profile]: the primes, transforms and EvalMod of the circuit, in place of the shipped
    /// profile that the ring has room for. `plan --search --write` writes such files.
    #[arg(long, value_name = "FILE")]
    circuit: Option<PathBuf>,
    /// Allow parameters below 128 bits of security; every output then marks the case as insecure.
    #[arg(long)]
    insecure: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// The flags that name a network and the resources of its evaluation: those of a case that keys do not fix.
#[derive(clap::Args)]
#[group(skip)]
pub(crate) struct ServerArgs {
    /// Weights of a CIFAR ResNet: a safetensors file with PyTorch's names, a checkpoint of PyTorch (.pth), or the name of
    /// shipped weights, resnet20, resnet20-chebyshev7, resnet20-wide-ranges, resnet20-cosine or resnet20-cosine-square
    /// (the fastest, at --ring-dim 32768). Default: resnet20.
    #[arg(long, value_name = "FILE|NAME")]
    weights: Option<PathBuf>,
    /// The model card (JSON) of a file of weights, with the ranges of the activations. Without it, the ranges are taken
    /// from the embedded test images. Shipped weights have their own card.
    #[arg(long, value_name = "FILE", requires = "weights")]
    card: Option<PathBuf>,
    /// Factor by which the activations' intervals exceed the ranges seen on training images. Networks trained with a
    /// polynomial keep the intervals that they were trained on.
    #[arg(long, default_value_t = HEADROOM)]
    headroom: f64,
    #[command(flatten)]
    kernels: KernelArgs,
    /// Threads, at most 64 or four for each core; one for each core if not given.
    #[arg(long, allow_negative_numbers = true)]
    threads: Option<usize>,
    /// The memory to use: at most so many bytes (a number, or one with K, M, G, KiB, MiB or GiB), `lean` for as little as
    /// possible, `fast` for as much as saves time. The case then holds its keys and constants in the fastest way that is
    /// predicted to fit, some of them in a file without a name in the folder $TMPDIR or /var/tmp; `plan` lists the ways. Too
    /// little is refused before anything runs. All ways compute the same logits, bit for bit.
    #[arg(long, value_name = "BYTES|lean|fast", default_value_t = Dial::Default, hide_default_value = true)]
    max_memory: Dial,
}

impl Args {
    /// Runs `work` in a pool of as many threads as the flag asks for.
    ///
    /// # Errors
    /// Those of [`super::in_pool`].
    pub(crate) fn in_pool<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        self.server.in_pool(work)
    }

    /// Returns the case. Checks everything that can be checked before keys are made, except for memory (see
    /// [`Args::check_memory`]).
    ///
    /// # Errors
    /// The flag, the value found and the values wanted.
    pub(crate) fn case(&self) -> Result<Case> {
        let (spec, model, kernels) = self.parts()?;
        let case = Case::within(&spec, model, kernels, self.insecure)
            .with_context(|| format!("--ring-dim {} --relu {}", spec.ring_dim, spec.relu))?;
        Ok(case.with_dial(self.server.max_memory.clone()))
    }

    /// Fails if the case is predicted to take more memory than `--max-memory` grants or than this process can still
    /// have, or if there is no room for what is `shelved`.
    ///
    /// # Errors
    /// Those of [`ServerArgs::check_memory_beside`].
    pub(crate) fn check_memory(&self, case: &Case, shelved: Shelved) -> Result<()> {
        self.server.check_memory_beside(case, 0, shelved)
    }

    /// Returns the settings, the network and the kernels that the flags name, for circuits that are not chosen yet.
    ///
    /// # Errors
    /// Those of [`Args::case`].
    pub(crate) fn parts(&self) -> Result<(CaseSpec, Model, Option<Kernels>)> {
        let Self { ring_dim, packing, circuit, .. } = self;
        let read = |text: &String| text.parse::<Approximation>().with_context(|| format!("--relu {text}"));
        let asked = self.relu.as_ref().map(read).transpose()?;
        let read = |path: &PathBuf| AskedProfile::read(path).with_context(|| format!("--circuit {}", path.display()));
        let profile = circuit.as_ref().map(read).transpose()?;
        let kernels = self.server.kernels.choose()?;
        let model = self.server.model()?;
        check_ring_dim(*ring_dim, model.slots_needed(*packing)).with_context(|| format!("--ring-dim {ring_dim}"))?;
        let relu = asked.or(model.trained_with.clone()).unwrap_or_default();
        Ok((CaseSpec { ring_dim: *ring_dim, relu, packing: *packing, profile }, model, kernels))
    }

    /// Returns what the user says of memory.
    pub(crate) fn dial(&self) -> &Dial {
        &self.server.max_memory
    }

    /// Returns the flags that make this case, as a user would type them. Threads and memory limits do not change the
    /// case, so they are left out.
    pub(crate) fn flags_of(&self, case: &Case) -> String {
        let described = &case.described;
        [
            flag("ring-dim", Some(described.ring_dim.to_string())),
            flag("relu", Some(described.relu.clone())),
            flag("packing", Some(described.packing.clone())),
            flag("circuit", self.circuit.as_ref().map(|path| path.display().to_string())),
            self.server.flags(),
            if self.insecure { " --insecure".to_owned() } else { String::new() },
        ]
        .concat()
    }
}

impl ServerArgs {
    /// Runs `work` in a pool of as many threads as the flag asks for.
    ///
    /// # Errors
    /// Those of [`super::in_pool`].
    pub(crate) fn in_pool<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        super::in_pool(self.threads, "--threads", work)
    }

    /// Returns the case of these settings with the network that the flags name.
    ///
    /// # Errors
    /// The flag, the value found and the values wanted; settings that have no parameters.
    pub(crate) fn case(&self, spec: &CaseSpec, insecure: bool) -> Result<Case> {
        let kernels = self.kernels.choose()?;
        let model = self.model()?;
        check_ring_dim(spec.ring_dim, model.slots_needed(spec.packing))?;
        Ok(Case::within(spec, model, kernels, insecure)?.with_dial(self.max_memory.clone()))
    }

    /// Fails if the case is predicted to take more memory than `--max-memory` grants or than this process can still
    /// have, while `mapped` bytes of the case stay in files. `--max-memory` counts these bytes; what the process can still have
    /// need not hold them. What is `shelved` needs room on a disk.
    ///
    /// # Errors
    /// Those of [`Case::check_memory_limit`] and [`Case::check_memory_beside`].
    pub(crate) fn check_memory_beside(&self, case: &Case, mapped: u64, shelved: Shelved) -> Result<()> {
        case.check_memory_limit().with_context(|| format!("--max-memory {}", self.max_memory))?;
        case.check_memory_beside(mapped, shelved)
    }

    fn flags(&self) -> String {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        [
            flag("weights", path(&self.weights)),
            flag("card", path(&self.card)),
            flag("headroom", (self.headroom != HEADROOM).then(|| self.headroom.to_string())),
            flag("kernels", self.kernels.name().map(str::to_owned)),
        ]
        .concat()
    }

    fn model(&self) -> Result<Model> {
        let named = |flag: &str, path: &Option<PathBuf>| {
            path.as_ref().map(|path| Named { path: path.clone(), place: format!("{flag} {}", path.display()) })
        };
        let (weights, card) = (named("--weights", &self.weights), named("--card", &self.card));
        Source { weights, card, headroom: self.headroom, headroom_place: "--headroom".to_owned() }.load()
    }
}

/// Returns a flag with its value, after a space; nothing without a value.
fn flag(name: &str, value: Option<String>) -> String {
    value.map_or(String::new(), |value| format!(" --{name} {value}"))
}
