//! Measures a network for its model card: accuracy, ranges of activations, bound on logits.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use datasets::cifar::{CLASS_NAMES, Image, Normalisation, embedded_test_sample};
use datasets::picture_set::PictureSet;
use datasets::{Cache, Split};
use fhe_nn::plain::Relu;
use fhe_nn::{ResNet, ranges};
use serde::Serialize;

/// Logits of other images may be this many times as large as those that were measured.
const LOGIT_MARGIN: f64 = 2.0;

/// A card as it is written. [`fhe_nn::ranges::ModelCard`] reads it; the fields that end in `_from` are for people.
#[derive(Serialize)]
pub(crate) struct WrittenCard {
    /// The architecture, in words.
    pub architecture: String,
    /// The source of the weights, in words.
    pub source: String,
    /// Digest of the weights.
    pub weights_sha256: String,
    /// Share of the test images that are classified rightly; `None` if there are no images with labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_accuracy: Option<f64>,
    /// The images of the accuracy.
    pub test_accuracy_from: String,
    /// The test set, if it is not CIFAR-10's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_set: Option<String>,
    /// The names of the classes, if they are known and not CIFAR-10's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
    /// Mean of each channel as a fraction of full scale.
    pub mean: Vec<f64>,
    /// Standard deviation of each channel as a fraction of full scale.
    pub std: Vec<f64>,
    /// For each activation, by name, the largest magnitude before it.
    pub range_on_training_images: BTreeMap<String, f64>,
    /// The images of the ranges and of the bound on logits.
    pub ranges_from: String,
    /// The bound on the magnitude of logits: twice the largest that was measured.
    pub logit_bound: f64,
    /// The form of shortcuts without weights, if the user named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortcut: Option<String>,
    /// The epsilon of batch norm, if the user named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bn_eps: Option<f64>,
}

/// Images, and where they are from in words.
pub(crate) struct From {
    /// The images.
    pub images: Vec<Image>,
    /// Their origin.
    pub words: String,
}

/// Ranges of activations and the bound on logits.
pub(crate) struct Ranges {
    /// For each activation, by name, the largest magnitude before it.
    pub ranges: BTreeMap<String, f64>,
    /// Twice the largest magnitude of a logit.
    pub logit_bound: f64,
    /// The images, in words.
    pub from: String,
}

/// Returns the images to measure ranges on: the user's own, or CIFAR-10's training images, or the embedded test images if
/// the training set was not fetched.
///
/// # Errors
/// Training images that differ from the official ones.
pub(crate) fn training_images(own: Option<(PictureSet, String)>, cache: &Cache) -> Result<From> {
    if let Some((set, name)) = own {
        return Ok(From { words: format!("the {} pictures of {name}", set.images.len()), images: set.images });
    }
    let sample = embedded_test_sample();
    Ok(match present(cache, Split::Train)? {
        Some(images) => From { images, words: "the 50,000 training images".to_owned() },
        None => {
            let advice = "`datasets fetch` and do it again for those of the training images";
            let words = format!("{} embedded test images, for want of the training set: {advice}", sample.len());
            From { images: sample.to_vec(), words }
        }
    })
}

/// Returns the images to measure the accuracy on: the user's own, or CIFAR-10's test images for a network of ten classes;
/// all that were fetched, or the embedded ones. `None` if there are none with labels.
///
/// # Errors
/// A label that the network has no class for, and test images that differ from the official ones.
pub(crate) fn test_images(network: &ResNet, own: Option<(PictureSet, String)>, cache: &Cache) -> Result<Option<From>> {
    let classes = network.classes();
    if let Some((set, name)) = own {
        let end = set.labels_end();
        ensure!(
            end <= classes,
            "{name}: found label {}, wanted 0 to {}, the classes of the network",
            end.max(1) - 1,
            classes - 1
        );
        let words = format!("measured on the {} pictures of {name}", set.images.len());
        return Ok((end > 0).then_some(From { images: set.images, words }));
    }
    if classes != CLASS_NAMES.len() {
        return Ok(None);
    }
    let sample = embedded_test_sample();
    Ok(Some(match present(cache, Split::Test)? {
        Some(images) => From { words: format!("measured on the {} test images", images.len()), images },
        None => {
            let words =
                format!("measured on {} embedded test images; `datasets fetch` brings all 10,000", sample.len());
            From { images: sample.to_vec(), words }
        }
    }))
}

/// Measures ranges and logits.
pub(crate) fn ranges(network: &ResNet, normalisation: &Normalisation, from: &From) -> Ranges {
    let images = &from.images;
    let input = |image: &Image| image.normalised_by(normalisation);
    let seen = ranges::observe(network, images, input);
    // The first images are enough for the size of logits, and the margin covers the rest.
    let logits = network.forward_all(&images[..images.len().min(1000)], input, &Relu);
    let largest = logits.iter().flat_map(|outcome| &outcome.logits).fold(0.0, |largest: f64, x| largest.max(x.abs()));
    let ranges = network.activation_names().into_iter().zip(seen).collect();
    Ranges { ranges, logit_bound: LOGIT_MARGIN * largest, from: from.words.clone() }
}

/// Returns the images of a split; `None` if they were never fetched.
///
/// # Errors
/// Files that differ from the official ones.
pub(crate) fn present(cache: &Cache, split: Split) -> Result<Option<Vec<Image>>> {
    match cache.read(split) {
        Ok(images) => Ok(Some(images)),
        Err(datasets::Error::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns the share of images that the network classifies rightly, with exact ReLUs. Images without a label do not
/// count.
pub(crate) fn accuracy(network: &ResNet, normalisation: &Normalisation, images: &[Image]) -> f64 {
    let outcomes = network.forward_all(images, |image: &Image| image.normalised_by(normalisation), &Relu);
    let labelled = images.iter().zip(outcomes).filter_map(|(image, outcome)| Some((image.label?, outcome)));
    let right: Vec<bool> = labelled.map(|(label, outcome)| outcome.class() == Some(usize::from(label))).collect();
    right.iter().filter(|&&right| right).count() as f64 / right.len() as f64
}
