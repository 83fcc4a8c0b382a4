//! `model card`: the card of a checkpoint.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use datasets::Cache;

use super::network::{self, NetworkArgs};
use crate::card;
use crate::files::{check_writable, replace};
use crate::output;

/// Arguments of `model card`.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    network: NetworkArgs,
    /// The file for the card. Default: that of the weights, with the ending `.json`. An existing file is not
    /// overwritten.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs `model card`.
pub(super) fn run(args: &Args) -> Result<()> {
    let weights = &args.network.weights;
    let out = args.out.clone().unwrap_or_else(|| weights.with_extension("json"));
    let place = || format!("--out {}", out.display());
    ensure!(!out.exists(), "{}: found a file, wanted none; delete it, or take another --out", place());
    check_writable(&out).with_context(place)?;
    let cache = Cache::open_default()?;
    let mut checkpoint = args.network.read(false)?;
    checkpoint.notes.iter().for_each(|note| eprintln!("note: {}: {note}", weights.display()));
    network::measure_ranges(&mut checkpoint, &card::training_images(None, &cache)?);
    let test = card::test_images(&checkpoint.network, None, &cache)?;
    network::measure_accuracy(&mut checkpoint, test.as_ref());
    let card = &checkpoint.card;
    replace(&out, network::text(card)?.as_bytes()).with_context(place)?;
    output::out(&format!(
        "{}: accuracy {} ({}), activation ranges of {}\ntry: cipherlab classify --weights {} --card {}\n",
        out.display(),
        card.test_accuracy.map_or("unknown".to_owned(), |accuracy| format!("{accuracy:.4}")),
        card.test_accuracy_from,
        card.ranges_from,
        weights.display(),
        out.display()
    ))
}
