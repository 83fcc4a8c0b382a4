//! `model import`: from a checkpoint to weights and a card, and to what it would cost.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use datasets::Cache;
use datasets::cifar::Image;
use fhe_nn::ResNet;
use fhe_nn::network::Block;

use super::network::{self, Checkpoint, NetworkArgs, pictures};
use crate::card::{self, From};
use crate::case::{Card, HEADROOM, Model};
use crate::files::{check_writable, replace};
use crate::{outlook, output};

/// Images of the sweep in cleartext.
const SWEPT: usize = 100;

/// Arguments of `model import`.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    network: NetworkArgs,
    /// The architecture that the file must have, such as resnet20 or resnet56; auto takes what there is.
    #[arg(long, value_name = "auto|resnetN", default_value = "auto")]
    arch: String,
    /// Training images for the ranges of activations: a .npy array, a .bin batch, or a folder of pictures or of class
    /// folders.
    #[arg(long, value_name = "PATH")]
    train: Option<PathBuf>,
    /// Labelled images for the accuracy, of the same kinds. Default: CIFAR-10's test images for ten classes, unless
    /// --train names other images.
    #[arg(long, value_name = "PATH")]
    test: Option<PathBuf>,
    /// The .npy array of the labels of --test. Default: NAME_labels.npy of NAME_data.npy, else labels.npy beside it.
    #[arg(long, value_name = "FILE", requires = "test")]
    labels: Option<PathBuf>,
    /// The name of the new files NAME.safetensors and NAME.json. Existing files are not overwritten.
    #[arg(long, value_name = "NAME")]
    out: PathBuf,
}

/// Runs `model import`.
pub(super) fn run(args: &Args) -> Result<()> {
    let [weights, card] = ["safetensors", "json"].map(|ending| named(&args.out, ending));
    for file in [&weights, &card] {
        let place = || format!("--out {}", args.out.display());
        ensure!(!file.exists(), "{}: found {}, wanted no such file; take another --out", place(), file.display());
        check_writable(file).with_context(place)?;
    }
    let wanted = depth(&args.arch)?;
    let mut checkpoint = args.network.read(true)?;
    let found = checkpoint.network.depth();
    ensure!(
        wanted.is_none_or(|wanted| wanted == found),
        "--arch {}: found a ResNet-{found} in {}, wanted that depth; --arch auto takes it",
        args.arch,
        args.network.weights.display()
    );
    output::out(&described(&checkpoint))?;
    let train = pictures("--train", args.train.as_deref(), None)?;
    let test = pictures("--test", args.test.as_deref(), args.labels.as_deref())?;
    // A network of other images than CIFAR-10's has no accuracy on those.
    let may_be_cifar = train.is_none() || test.is_some();
    let own = test.as_ref().or(train.as_ref()).map(|(set, name)| (set.classes.clone(), name.clone()));
    let classes = own.as_ref().and_then(|(classes, _)| classes.clone());
    checkpoint.card.classes = classes.filter(|classes| classes.len() == checkpoint.network.classes());
    checkpoint.card.test_set = test.as_ref().map(|(_, name)| name.clone());
    let cache = Cache::open_default()?;
    let test = if may_be_cifar { card::test_images(&checkpoint.network, test, &cache)? } else { None };
    let train = card::training_images(train, &cache)?;
    network::measure_ranges(&mut checkpoint, &train);
    network::measure_accuracy(&mut checkpoint, test.as_ref());
    let text = network::text(&checkpoint.card)?;
    let model = Model::carded(
        checkpoint.network.clone(),
        checkpoint.card.weights_sha256.clone(),
        &Card::from_json(&text)?,
        HEADROOM,
    )?;
    replace(&weights, &checkpoint.bytes).with_context(|| weights.display().to_string())?;
    replace(&card, text.as_bytes()).with_context(|| card.display().to_string())?;
    output::out(&measured(&checkpoint, &weights, &card))?;
    output::out(&prospects(&model, test.as_ref().unwrap_or(&train), &weights, &card)?)
}

/// Returns the file of this ending beside a name, which may have dots.
fn named(name: &Path, ending: &str) -> PathBuf {
    let mut file = name.as_os_str().to_owned();
    file.push(".");
    file.push(ending);
    file.into()
}

/// Returns the depth that `--arch` asks for.
fn depth(arch: &str) -> Result<Option<usize>> {
    if arch == "auto" {
        return Ok(None);
    }
    let depth = arch.strip_prefix("resnet").and_then(|depth| depth.parse().ok());
    depth.map(Some).with_context(|| format!("--arch {arch}: wanted auto, or resnet and a depth, such as resnet20"))
}

/// Returns what the checkpoint has, a line each.
fn described(checkpoint: &Checkpoint) -> String {
    let Checkpoint { network, notes, card, .. } = checkpoint;
    let stages = stages(network);
    let mut text = format!(
        "ResNet-{}: {} input channels, {} classes\nstages: {}\nshortcuts: {}\n",
        network.depth(),
        network.input_channels(),
        network.classes(),
        stages.join(", "),
        shortcuts(&network.blocks, card.shortcut.as_deref())
    );
    let line = |text: &mut String, note: &str| writeln!(text, "note: {note}").expect("strings take all text");
    notes.iter().for_each(|note| line(&mut text, note));
    text
}

fn stages(network: &ResNet) -> Vec<String> {
    let mut stages: Vec<(usize, usize)> = Vec::new();
    for (index, block) in network.blocks.iter().enumerate() {
        if index == 0 || block.stride > 1 {
            stages.push((0, block.conv2.out_channels));
        }
        stages.last_mut().expect("the first block begins a stage").0 += 1;
    }
    stages.iter().map(|(blocks, width)| format!("{blocks} blocks of {width} channels")).collect()
}

fn shortcuts(blocks: &[Block], padded: Option<&str>) -> String {
    let changed = blocks.iter().filter(|block| block.shortcut.is_some()).count();
    match (changed, padded) {
        (0, _) => "identities only".to_owned(),
        (count, Some(form)) => format!("{count} without weights, {form}; identities elsewhere"),
        (count, None) => format!("{count} convolutions of 1 x 1; identities elsewhere"),
    }
}

/// Returns what was measured and written.
fn measured(checkpoint: &Checkpoint, weights: &Path, card: &Path) -> String {
    let measured = &checkpoint.card;
    let widest = measured.range_on_training_images.values().copied().fold(0.0, f64::max);
    let accuracy = match measured.test_accuracy {
        Some(accuracy) => format!("{:.2} %, {}", 100.0 * accuracy, measured.test_accuracy_from),
        None => "unknown: --test names labelled images, such as CIFAR-10's test_batch.bin".to_owned(),
    };
    format!(
        "wrote {} (the tensors as they were: batch norm is folded when they are read) and {}\nranges: up to {widest:.2}, on {}\naccuracy: {accuracy}\n",
        weights.display(),
        card.display(),
        measured.ranges_from,
    )
}

/// Returns a line for each polynomial, and the command of the cheapest that keeps the classes.
fn prospects(model: &Model, from: &From, weights: &Path, card: &Path) -> Result<String> {
    let images: &[Image] = &from.images[..from.images.len().min(SWEPT)];
    let found = outlook::prospects(model, images)?;
    let mut text = format!("in cleartext, on {} images, against the network's own activation:\n", images.len());
    for prospect in &found {
        writeln!(text, "  {}", prospect.in_words())?;
    }
    let cheapest = found.iter().filter(|prospect| prospect.keeps()).filter_map(|prospect| prospect.cheapest.as_ref());
    match cheapest.min_by(|a, b| a.seconds.total_cmp(&b.seconds)) {
        Some(cost) => writeln!(
            text,
            "try: cipherlab classify --weights {} --card {} --ring-dim {} --relu {} --packing {}",
            weights.display(),
            card.display(),
            cost.spec.ring_dim,
            cost.spec.relu,
            cost.spec.packing
        )?,
        None => writeln!(text, "none keeps 99 of 100 classes; train with a polynomial (datasets/training)")?,
    }
    Ok(text)
}
