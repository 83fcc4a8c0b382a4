//! `datasets import-paper-weights`: converts the published implementation's network for `--weights` and `--card`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use datasets::cifar::{Image, Normalisation, embedded_test_sample};
use datasets::{Cache, Split, paper_weights};
use fhe_nn::plain::Relu;
use fhe_nn::{ResNet, ranges};
use serde::Serialize;

use crate::files::replace;
use crate::output;
use crate::report::statistics::wilson;
use datasets::digest::sha256;

/// The accuracy on the card if the test set was not fetched: our measurement over the 10,000 images.
const MEASURED_ACCURACY: f64 = 0.9257;

/// Arguments of `datasets import-paper-weights`.
#[derive(clap::Args)]
pub struct Args {
    /// A clone of the repository of ePrint 2024/460, or its folder `weights`.
    dir: PathBuf,
    /// The file for the tensors. The card goes beside it, with the ending `.json`.
    #[arg(long, value_name = "FILE", default_value = "paper-resnet20.safetensors")]
    out: PathBuf,
}

/// The card: the fields that [`fhe_nn::ranges::ModelCard`] reads, and their sources.
#[derive(Serialize)]
struct Card {
    architecture: &'static str,
    source: &'static str,
    weights_sha256: String,
    test_accuracy: f64,
    test_accuracy_from: String,
    mean: [f64; 3],
    std: [f64; 3],
    range_on_training_images: BTreeMap<String, f64>,
    ranges_from: String,
}

/// Runs `datasets import-paper-weights`.
pub fn run(args: &Args, cache: &Cache) -> Result<()> {
    let card_file = args.out.with_extension("json");
    ensure!(card_file != args.out, "--out {}: wanted another ending than that of its card, .json", args.out.display());
    let inner = args.dir.join("weights");
    let folder = if inner.is_dir() { inner.as_path() } else { args.dir.as_path() };
    ensure!(
        folder.is_dir(),
        "{}: no such folder; wanted a clone of the repository of ePrint 2024/460",
        folder.display()
    );
    let bytes = paper_weights::to_safetensors(&paper_weights::import(folder)?)?;
    let network = ResNet::from_safetensors(&bytes)?;
    let card = card(&network, sha256(&bytes), cache)?;
    write(&args.out, &bytes)?;
    write(&card_file, (serde_json::to_string_pretty(&card)? + "\n").as_bytes())?;
    let Card { test_accuracy, test_accuracy_from, ranges_from, .. } = &card;
    let [weights, card] = [&args.out, &card_file].map(|path| path.display());
    output::out(&format!(
        "{weights}: ResNet-{}, batch norm folded in\n{card}: accuracy {test_accuracy} ({test_accuracy_from}), activation \
         ranges of {ranges_from}\ntry: cipherlab classify --weights {weights} --card {card}\n",
        network.depth(),
    ))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, bytes).with_context(|| format!("--out {}", path.display()))
}

fn card(network: &ResNet, weights_sha256: String, cache: &Cache) -> Result<Card> {
    let (images, ranges_from) = match present(cache, Split::Train)? {
        Some(images) => (images, "the 50,000 training images".to_owned()),
        None => {
            let sample = embedded_test_sample();
            let advice = "`datasets fetch` and import again for those of the training images";
            (sample.to_vec(), format!("{} embedded test images, for want of the training set: {advice}", sample.len()))
        }
    };
    let seen = ranges::observe(network, &images, Image::normalised);
    let (test_accuracy, test_accuracy_from) = match present(cache, Split::Test)? {
        Some(images) => (accuracy(network, &images), format!("measured on the {} test images", images.len())),
        None => {
            let sample = embedded_test_sample();
            let right = (accuracy(network, sample) * sample.len() as f64).round() as usize;
            let (low, high) = wilson(right, sample.len(), 0.9999).expect("there are images");
            ensure!(
                (low..=high).contains(&MEASURED_ACCURACY),
                "found {right} of {} embedded test images right, wanted about {:.0} %, as of the published weights; for the \
                 accuracy of others `datasets fetch` and import again",
                sample.len(),
                100.0 * MEASURED_ACCURACY
            );
            (MEASURED_ACCURACY, "measured by the authors of this program on the 10,000 test images".to_owned())
        }
    };
    Ok(Card {
        architecture: "resnet20-cifar10, projection shortcuts",
        source: "weights/ of the repository of ePrint 2024/460",
        weights_sha256,
        test_accuracy,
        test_accuracy_from,
        mean: Normalisation::CIFAR10.mean,
        std: Normalisation::CIFAR10.std,
        range_on_training_images: network.activation_names().into_iter().zip(seen).collect(),
        ranges_from,
    })
}

/// Returns the images of a split; `None` if they were never fetched.
///
/// # Errors
/// Files that differ from the official ones.
fn present(cache: &Cache, split: Split) -> Result<Option<Vec<Image>>> {
    match cache.read(split) {
        Ok(images) => Ok(Some(images)),
        Err(datasets::Error::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn accuracy(network: &ResNet, images: &[Image]) -> f64 {
    let outcomes = network.forward_all(images, Image::normalised, &Relu);
    let right = |(image, outcome): &(&Image, fhe_nn::plain::Outcome)| outcome.class() == image.label.map(usize::from);
    images.iter().zip(outcomes).filter(right).count() as f64 / images.len() as f64
}
