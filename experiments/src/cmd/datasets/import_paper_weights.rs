//! `datasets import-paper-weights`: converts the published implementation's network for `--weights` and `--card`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use datasets::cifar::{Normalisation, embedded_test_sample};
use datasets::{Cache, Split, paper_weights};
use fhe_nn::ResNet;

use crate::card::{self, WrittenCard};
use crate::claim;
use crate::files::replace;
use crate::output;
use datasets::digest::sha256;

/// The accuracy on the card if the test set was not fetched: our measurement over the 10,000 images.
const MEASURED_ACCURACY: f64 = 0.9257;

/// Arguments of `datasets import-paper-weights`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A clone of the repository of ePrint 2024/460, or its folder `weights`.
    dir: PathBuf,
    /// The file for the tensors. The card goes beside it, with the ending `.json`.
    #[arg(long, value_name = "FILE", default_value = "paper-resnet20.safetensors")]
    out: PathBuf,
}

/// Runs `datasets import-paper-weights`.
pub(super) fn run(args: &Args, cache: &Cache) -> Result<()> {
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
    let WrittenCard { test_accuracy, test_accuracy_from, ranges_from, .. } = &card;
    let test_accuracy = test_accuracy.unwrap_or_default();
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

fn card(network: &ResNet, weights_sha256: String, cache: &Cache) -> Result<WrittenCard> {
    let normalisation = Normalisation::CIFAR10;
    let measured = card::ranges(network, &normalisation, &card::training_images(None, cache)?);
    let (test_accuracy, test_accuracy_from) = match card::present(cache, Split::Test)? {
        Some(images) => {
            (card::accuracy(network, &normalisation, &images), format!("measured on the {} test images", images.len()))
        }
        None => {
            let sample = embedded_test_sample();
            let right = (card::accuracy(network, &normalisation, sample) * sample.len() as f64).round() as usize;
            claim::check(MEASURED_ACCURACY, right, sample.len())
                .context("the published weights; for the accuracy of others `datasets fetch` and import again")?;
            (MEASURED_ACCURACY, "measured by the authors of this program on the 10,000 test images".to_owned())
        }
    };
    Ok(WrittenCard {
        architecture: "resnet20-cifar10, projection shortcuts".to_owned(),
        source: "weights/ of the repository of ePrint 2024/460".to_owned(),
        weights_sha256,
        test_accuracy: Some(test_accuracy),
        test_accuracy_from,
        test_set: None,
        classes: None,
        mean: normalisation.mean.to_vec(),
        std: normalisation.std.to_vec(),
        range_on_training_images: measured.ranges,
        ranges_from: measured.from,
        logit_bound: measured.logit_bound,
        shortcut: None,
        bn_eps: None,
    })
}
