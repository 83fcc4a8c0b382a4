//! A checkpoint with the conventions that its user states, and the start of its card.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use datasets::cifar::Normalisation;
use datasets::digest::sha256;
use datasets::picture_set::PictureSet;
use fhe_nn::ResNet;
use fhe_nn::ranges::ModelCard;

use crate::card::{self, WrittenCard};
use crate::case::{Model, normalisation};
use crate::images;

/// A checkpoint and its conventions.
#[derive(clap::Args)]
pub(super) struct NetworkArgs {
    /// Weights: a safetensors file with PyTorch's names, or a checkpoint of PyTorch (.pth).
    pub(super) weights: PathBuf,
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
}

/// A checkpoint that was read.
pub(super) struct Checkpoint {
    /// The file's bytes.
    pub(super) bytes: Vec<u8>,
    /// The network.
    pub(super) network: ResNet,
    /// What was assumed and changed.
    pub(super) notes: Vec<String>,
    /// The card, with nothing measured.
    pub(super) card: WrittenCard,
}

impl Checkpoint {
    /// Returns the constants of the card.
    pub(super) fn normalisation(&self) -> Normalisation {
        normalisation(&self.card.mean, &self.card.std)
    }
}

impl NetworkArgs {
    /// Reads the checkpoint. With `assume`, shortcuts without weights are read as those of He et al. if neither the file nor
    /// the card states their form.
    ///
    /// # Errors
    /// A file that holds no network, and constants that no network has.
    pub(super) fn read(&self, assume: bool) -> Result<Checkpoint> {
        let place = || self.weights.display().to_string();
        let bytes = fhe_nn::weights::read(&self.weights).with_context(place)?;
        let mut card = self.card(&bytes);
        // The reader's own checks, before anything is measured.
        let mut loaded = Model::network(&bytes, Some(&stated(&card)?));
        let unstated = |error: &anyhow::Error| {
            matches!(error.downcast_ref(), Some(fhe_nn::Error::MissingShortcut { .. })) && self.shortcut.is_none()
        };
        let mut notes = Vec::new();
        if assume && loaded.as_ref().is_err_and(unstated) {
            card.shortcut = Some("pad-centre".to_owned());
            loaded = Model::network(&bytes, Some(&stated(&card)?));
            notes.push(
                "shortcuts have no weights, and nothing states their form: `pad-centre` was assumed, option A of He et \
                 al.; --shortcut states another"
                    .to_owned(),
            );
        }
        let loaded = loaded.with_context(place)?;
        notes.extend(loaded.notes);
        let network = loaded.network;
        let wanted = network.input_channels();
        for (flag, given, constants) in [("--mean", &self.mean, &mut card.mean), ("--std", &self.std, &mut card.std)] {
            let found = given.as_ref().map_or(wanted, Vec::len);
            ensure!(found == wanted, "{flag}: found {found} numbers, wanted {wanted}, one for each input channel");
            constants.truncate(wanted);
        }
        card.architecture = format!("resnet{}, {} classes", network.depth(), network.classes());
        Ok(Checkpoint { bytes, network, notes, card })
    }

    fn card(&self, bytes: &[u8]) -> WrittenCard {
        let Normalisation { mean, std, .. } = Normalisation::CIFAR10;
        // Where one of them is given, the other is as long. The network tells whether the length is right.
        let default = |own: &[f64], other: &Option<Vec<f64>>| {
            own[..other.as_ref().map_or(own.len(), |other| other.len().min(own.len()))].to_vec()
        };
        WrittenCard {
            architecture: String::new(),
            source: self.weights.display().to_string(),
            weights_sha256: sha256(bytes),
            test_accuracy: None,
            test_accuracy_from: "not measured".to_owned(),
            test_set: None,
            classes: None,
            mean: self.mean.clone().unwrap_or_else(|| default(&mean, &self.std)),
            std: self.std.clone().unwrap_or_else(|| default(&std, &self.mean)),
            range_on_training_images: [].into(),
            ranges_from: String::new(),
            logit_bound: 1.0,
            shortcut: self.shortcut.clone(),
            bn_eps: self.bn_eps,
        }
    }
}

/// Returns the card as the reader of cards sees it.
fn stated(card: &WrittenCard) -> Result<ModelCard> {
    Ok(ModelCard::from_json(&serde_json::to_string(card)?)?)
}

/// Returns the card's text, after the reader's checks.
///
/// # Errors
/// Numbers that no network has, such as a range of 0.
pub(super) fn text(card: &WrittenCard) -> Result<String> {
    let text = serde_json::to_string_pretty(card)? + "\n";
    ModelCard::from_json(&text).context("the card that was measured")?;
    Ok(text)
}

/// Reads a set of pictures that a flag names, with its name. `labels` is the file of its labels, if they are not beside it.
///
/// # Errors
/// Those of [`images::own`].
pub(super) fn pictures(flag: &str, path: Option<&Path>, labels: Option<&Path>) -> Result<Option<(PictureSet, String)>> {
    let read = |path: &Path| {
        let set = images::own(path, labels).with_context(|| flag.to_owned())?;
        anyhow::Ok((set, path.display().to_string()))
    };
    path.map(read).transpose()
}

/// Enters the accuracy on the images, if there are any.
pub(super) fn measure_accuracy(checkpoint: &mut Checkpoint, images: Option<&card::From>) {
    let Some(from) = images else { return };
    let normalisation = checkpoint.normalisation();
    checkpoint.card.test_accuracy = Some(card::accuracy(&checkpoint.network, &normalisation, &from.images));
    checkpoint.card.test_accuracy_from = from.words.clone();
}

/// Enters ranges and the bound on logits.
pub(super) fn measure_ranges(checkpoint: &mut Checkpoint, images: &card::From) {
    let measured = card::ranges(&checkpoint.network, &checkpoint.normalisation(), images);
    let card = &mut checkpoint.card;
    (card.range_on_training_images, card.ranges_from, card.logit_bound) =
        (measured.ranges, measured.from, measured.logit_bound);
}
