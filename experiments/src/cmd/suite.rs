//! `suite`: a submission to the FHE Benchmarking Suite.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Subcommand;
use fhe_nn::encrypted::Packing;

use crate::case::{Case, CaseSpec, HEADROOM, Named, SHIPPED, Source, check_ring_dim};
use crate::output;
use crate::suite::install::{self, Cases, Model};

/// The folder of the submission, if none is named.
const PLACE: &str = "submissions/cifar10";

/// Arguments of `suite`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Writes a submission into a copy of the suite's workload `ml-inference`: program, model, settings, README, build
    /// scripts.
    Install(Install),
}

/// Arguments of `suite install`.
#[derive(clap::Args)]
struct Install {
    /// The copy of the suite: the folder that holds `harness`.
    #[arg(value_name = "DIR")]
    suite: PathBuf,
    /// The folder of the submission below it. Harnesses differ: some call it by the dataset, some by the model.
    #[arg(long = "as", default_value = PLACE, value_name = "FOLDER")]
    place: PathBuf,
    /// Ring dimension N.
    #[arg(long, default_value_t = 32768, value_name = "N")]
    ring_dim: usize,
    /// The polynomial that replaces ReLU. If not given, the one that the weights were trained with, or chebyshev:59.
    #[arg(long)]
    relu: Option<String>,
    /// How a ciphertext's slots hold the values of a single image.
    #[arg(long, default_value_t = Packing::default())]
    packing: Packing,
    /// How they hold those of several images.
    #[arg(long, default_value_t = Packing::Batch, value_name = "PACKING")]
    batch_packing: Packing,
    /// A file of weights (with --card), or the name of shipped ones.
    #[arg(long, default_value = "resnet20-cosine-square", value_name = "FILE|NAME")]
    weights: PathBuf,
    /// The model card of a file of weights.
    #[arg(long, value_name = "FILE")]
    card: Option<PathBuf>,
    /// Write over a submission that is there.
    #[arg(long)]
    overwrite: bool,
}

/// Runs `suite`.
pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.action {
        Action::Install(install) => install.run(),
    }
}

impl Install {
    fn run(&self) -> Result<()> {
        let cases = Cases { single: self.case(self.packing)?, batch: self.case(self.batch_packing)? };
        let channels = cases.single.normalisation().channels;
        ensure!(
            channels == 3,
            "--weights {}: found a network of {channels} input channels, wanted 3, those of the suite's pictures",
            self.weights.display()
        );
        let folder = install::install(&self.suite, &self.place, &cases, &self.model()?, self.overwrite)?;
        output::out(&format!(
            "{}: a submission at N = {} with {}; the harness builds and runs it\n",
            folder.display(),
            self.ring_dim,
            cases.single.described.relu
        ))
    }

    fn case(&self, packing: Packing) -> Result<Case> {
        let named =
            |flag: &str, path: &Path| Named { place: format!("{flag} {}", path.display()), path: path.to_owned() };
        let source = Source {
            weights: Some(named("--weights", &self.weights)),
            card: self.card.as_deref().map(|card| named("--card", card)),
            headroom: HEADROOM,
            headroom_place: "headroom".to_owned(),
        };
        let model = source.load()?;
        let read = |text: &String| text.parse().with_context(|| format!("--relu {text}"));
        let asked = self.relu.as_ref().map(read).transpose()?;
        let place = || format!("--ring-dim {}", self.ring_dim);
        check_ring_dim(self.ring_dim, model.slots_needed(packing)).with_context(place)?;
        let relu = asked.or(model.trained_with.clone()).unwrap_or_default();
        Case::new(&CaseSpec { ring_dim: self.ring_dim, relu, packing, profile: None }, model, None).with_context(place)
    }

    /// The files of the model, so that the folder stands alone.
    fn model(&self) -> Result<Model> {
        if let Some(model) = Model::shipped(&self.weights) {
            return Ok(model);
        }
        let names = SHIPPED.each_ref().map(|shipped| shipped.name).join(" or ");
        let card = self.card.as_ref().with_context(|| {
            format!("--weights: wanted --card with a file of weights, or a shipped network: {names}")
        })?;
        let read = |path: &Path| std::fs::read(path).with_context(|| path.display().to_string());
        Ok(Model { weights: read(&self.weights)?, card: String::from_utf8(read(card)?).context("--card: not UTF-8")? })
    }
}
