//! `model`: prepares networks of a user.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, ensure};
use datasets::cifar::{Normalisation, embedded_test_sample};
use datasets::digest::sha256;
use datasets::{Cache, Split};
use fhe_nn::ranges::ModelCard;

use crate::card::{self, WrittenCard};
use crate::case::Model;
use crate::files::{check_writable, replace};
use crate::output;

/// Arguments of `model`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Writes the model card of a network trained with ReLU: its normalisation as given, the ranges of its activations,
    /// its accuracy and a bound on its logits as measured.
    ///
    /// Ranges come from the training images and the accuracy from the test images, if `datasets fetch` brought them;
    /// else both come from the 100 embedded test images, and the card says so.
    Card(CardArgs),
}

/// Arguments of `model card`.
#[derive(clap::Args)]
struct CardArgs {
    /// Weights of a CIFAR ResNet: a safetensors file with PyTorch's names.
    weights: PathBuf,
    /// Mean of each channel that training subtracted from pixels in [0, 1]. Default: CIFAR-10's usual.
    #[arg(long, value_name = "R,G,B", value_delimiter = ',', allow_negative_numbers = true)]
    mean: Option<Vec<f64>>,
    /// Standard deviation of each channel by which training divided. Default: CIFAR-10's usual.
    #[arg(long, value_name = "R,G,B", value_delimiter = ',', allow_negative_numbers = true)]
    std: Option<Vec<f64>>,
    /// Form of shortcuts without weights: pad-centre, pad-after, average-pool-pad-centre or average-pool-pad-after.
    #[arg(long, value_name = "FORM")]
    shortcut: Option<String>,
    /// Epsilon of batch norm. Default: PyTorch's 1e-5.
    #[arg(long, value_name = "EPS", allow_negative_numbers = true)]
    bn_eps: Option<f64>,
    /// The file for the card. Default: that of the weights, with the ending `.json`. An existing file is not
    /// overwritten.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs `model`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let Command::Card(args) = &args.command;
    let out = args.out.clone().unwrap_or_else(|| args.weights.with_extension("json"));
    let place = || format!("--out {}", out.display());
    ensure!(!out.exists(), "{}: found a file, wanted none; delete it, or take another --out", place());
    check_writable(&out).with_context(place)?;
    let cache = Cache::open_default()?;
    let card = written(args, &cache)?;
    let text = serde_json::to_string_pretty(&card)? + "\n";
    ModelCard::from_json(&text).context("the card that was measured")?;
    replace(&out, text.as_bytes()).with_context(place)?;
    output::out(&format!(
        "{}: accuracy {:.4} ({}), activation ranges of {}\ntry: cipherlab classify --weights {} --card {}\n",
        out.display(),
        card.test_accuracy,
        card.test_accuracy_from,
        card.ranges_from,
        args.weights.display(),
        out.display()
    ))
}

fn written(args: &CardArgs, cache: &Cache) -> Result<WrittenCard> {
    let place = || args.weights.display().to_string();
    let bytes = fhe_nn::weights::read(&args.weights).with_context(place)?;
    let Normalisation { mean, std } = Normalisation::CIFAR10;
    let channels = |given: &Option<Vec<f64>>, usual| match given {
        None => Ok(usual),
        Some(given) => <[f64; 3]>::try_from(&given[..]).map_err(|_| anyhow!("found {} numbers, wanted 3", given.len())),
    };
    let mut card = WrittenCard {
        architecture: String::new(),
        source: args.weights.display().to_string(),
        weights_sha256: sha256(&bytes),
        test_accuracy: 0.0,
        test_accuracy_from: String::new(),
        mean: channels(&args.mean, mean).context("--mean")?,
        std: channels(&args.std, std).context("--std")?,
        range_on_training_images: [].into(),
        ranges_from: String::new(),
        logit_bound: 1.0,
        shortcut: args.shortcut.clone(),
        bn_eps: args.bn_eps,
    };
    // The reader's own checks, before anything is measured.
    let stated = ModelCard::from_json(&serde_json::to_string(&card)?)?;
    let loaded = Model::network(&bytes, Some(&stated)).with_context(place)?;
    loaded.notes.iter().for_each(|note| eprintln!("note: {}: {note}", place()));
    let network = loaded.network;
    card.architecture = format!("resnet{}-cifar10", network.depth());
    let normalisation = Normalisation { mean: card.mean, std: card.std };
    let measured = card::ranges(&network, &normalisation, cache)?;
    (card.range_on_training_images, card.ranges_from, card.logit_bound) =
        (measured.ranges, measured.from, measured.logit_bound);
    let sample = embedded_test_sample();
    (card.test_accuracy, card.test_accuracy_from) = match card::present(cache, Split::Test)? {
        Some(images) => {
            (card::accuracy(&network, &normalisation, &images), format!("measured on the {} test images", images.len()))
        }
        None => (
            card::accuracy(&network, &normalisation, sample),
            format!("measured on {} embedded test images; `datasets fetch` brings all 10,000", sample.len()),
        ),
    };
    Ok(card)
}
