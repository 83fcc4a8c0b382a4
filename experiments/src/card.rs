//! Measures a network for its model card: accuracy, ranges of activations, bound on logits.

use std::collections::BTreeMap;

use anyhow::Result;
use datasets::cifar::{Image, Normalisation, embedded_test_sample};
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
    /// Share of the test images that are classified rightly.
    pub test_accuracy: f64,
    /// The images of the accuracy.
    pub test_accuracy_from: String,
    /// Mean of each channel as a fraction of full scale.
    pub mean: [f64; 3],
    /// Standard deviation of each channel as a fraction of full scale.
    pub std: [f64; 3],
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

/// Ranges of activations and the bound on logits.
pub(crate) struct Ranges {
    /// For each activation, by name, the largest magnitude before it.
    pub ranges: BTreeMap<String, f64>,
    /// Twice the largest magnitude of a logit.
    pub logit_bound: f64,
    /// The images, in words.
    pub from: String,
}

/// Measures ranges and logits over the training images, or over the embedded test images if the training set was not
/// fetched.
///
/// # Errors
/// Training images that differ from the official ones.
pub(crate) fn ranges(network: &ResNet, normalisation: &Normalisation, cache: &Cache) -> Result<Ranges> {
    let sample = embedded_test_sample();
    let (images, from) = match present(cache, Split::Train)? {
        Some(images) => (images, "the 50,000 training images".to_owned()),
        None => {
            let advice = "`datasets fetch` and do it again for those of the training images";
            (sample.to_vec(), format!("{} embedded test images, for want of the training set: {advice}", sample.len()))
        }
    };
    let input = |image: &Image| image.normalised_by(normalisation);
    let seen = ranges::observe(network, &images, input);
    // The first images are enough for the size of logits, and the margin covers the rest.
    let logits = network.forward_all(&images[..images.len().min(1000)], input, &Relu);
    let largest = logits.iter().flat_map(|outcome| &outcome.logits).fold(0.0, |largest: f64, x| largest.max(x.abs()));
    let ranges = network.activation_names().into_iter().zip(seen).collect();
    Ok(Ranges { ranges, logit_bound: LOGIT_MARGIN * largest, from })
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

/// Returns the share of images that the network classifies rightly, with exact ReLUs.
pub(crate) fn accuracy(network: &ResNet, normalisation: &Normalisation, images: &[Image]) -> f64 {
    let outcomes = network.forward_all(images, |image: &Image| image.normalised_by(normalisation), &Relu);
    let right = images.iter().zip(outcomes);
    let right = right.filter(|(image, outcome)| outcome.class() == image.label.map(usize::from)).count();
    right as f64 / images.len() as f64
}
