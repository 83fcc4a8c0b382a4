//! `model ranges`: a card with ranges measured anew.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use datasets::Cache;
use fhe_nn::ranges::ModelCard;
use serde_json::{Map, Value, json};

use super::network::pictures;
use crate::card;
use crate::case::{Model, normalisation};
use crate::files::{check_writable, replace};
use crate::output;

/// Arguments of `model ranges`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Weights: a safetensors file with PyTorch's names, or a checkpoint of PyTorch (.pth).
    weights: PathBuf,
    /// Their card.
    #[arg(long, value_name = "FILE")]
    card: PathBuf,
    /// Training images: a .npy array, a .bin batch, or a folder of pictures or of class folders. Default: CIFAR-10's, if
    /// `datasets fetch` brought them.
    #[arg(long, value_name = "PATH")]
    train: Option<PathBuf>,
    /// The file for the new card. An existing file is not overwritten.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs `model ranges`.
pub(super) fn run(args: &Args) -> Result<()> {
    let out_place = || format!("--out {}", args.out.display());
    ensure!(!args.out.exists(), "{}: found a file, wanted none; delete it, or take another --out", out_place());
    check_writable(&args.out).with_context(out_place)?;
    let place = || format!("--card {}", args.card.display());
    let text = ModelCard::read(&args.card).with_context(place)?;
    let parsed = ModelCard::from_json(&text).with_context(place)?;
    if let Some(trained) = &parsed.trained_with {
        anyhow::bail!(
            "{}: found a network trained with {}, wanted one trained with ReLU: other intervals would make another network",
            place(),
            trained.relu
        );
    }
    let weights_place = || args.weights.display().to_string();
    let bytes = fhe_nn::weights::read(&args.weights).with_context(weights_place)?;
    let loaded = Model::network(&bytes, Some(&parsed)).with_context(weights_place)?;
    parsed.check_shape(&loaded.network).with_context(place)?;
    let images = card::training_images(pictures("--train", args.train.as_deref(), None)?, &Cache::open_default()?)?;
    let measured = card::ranges(&loaded.network, &normalisation(&parsed.mean, &parsed.std), &images);
    let mut card: Map<String, Value> = serde_json::from_str(text.trim_start_matches('\u{feff}')).with_context(place)?;
    let widest = |ranges: &std::collections::BTreeMap<String, f64>| ranges.values().copied().fold(0.0, f64::max);
    let (before, now) = (widest(&parsed.range_on_training_images), widest(&measured.ranges));
    card.insert("range_on_training_images".to_owned(), json!(measured.ranges));
    card.insert("ranges_from".to_owned(), json!(measured.from));
    card.insert("logit_bound".to_owned(), json!(measured.logit_bound));
    let text = serde_json::to_string_pretty(&card)? + "\n";
    ModelCard::from_json(&text).context("the card that was measured")?;
    replace(&args.out, text.as_bytes()).with_context(out_place)?;
    output::out(&format!(
        "{}: ranges of {} activations on {}; the widest is {now:.2}, before {before:.2}\n",
        args.out.display(),
        measured.ranges.len(),
        measured.from
    ))
}
