//! On which interval each activation must hold.
//!
//! A polynomial that stands for a ReLU is right on an interval and merciless beyond it. The model card holds, for each
//! activation, the largest magnitude before it over the training images; the headroom widens that for images not seen.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::Deserialize;

use crate::Error;
use crate::network::ResNet;
pub use crate::plain::Interval;
use crate::plain::{Activation, Relu};

/// What is claimed of a set of weights; fields it has beside these are passed over.
#[derive(Clone, Debug, Deserialize)]
pub struct ModelCard {
    /// In words.
    pub architecture: String,
    /// Share of the 10,000 test images classified rightly, from 0 to 1.
    pub test_accuracy: f64,
    /// Normalisation: subtracted from the pixel in [0, 1], by channel.
    pub mean: [f64; 3],
    /// Normalisation: divides the difference, by channel.
    pub std: [f64; 3],
    /// For each activation, by name, the largest magnitude before it over the training images.
    pub range_on_training_images: BTreeMap<String, f64>,
    /// What stood for ReLU in training, where that was no ReLU.
    pub trained_with: Option<TrainedActivation>,
}

/// The activation that weights were trained with: theirs, rather than ReLU, is what the network computes.
#[derive(Clone, Debug, Deserialize)]
pub struct TrainedActivation {
    /// An [`crate::Approximation`], as it is written.
    pub relu: String,
    /// For each activation, by name, the half-width of the interval that it was trained on.
    pub half_widths: BTreeMap<String, f64>,
}

impl ModelCard {
    /// Reads a card.
    ///
    /// # Errors
    /// [`Error::Card`] where a field is missing or of another type.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        Ok(serde_json::from_str(json)?)
    }

    /// `[-r * headroom, r * headroom]` for each activation of `network` in order of evaluation, `r` being the card's range;
    /// or the very intervals that an activation was trained on.
    ///
    /// # Errors
    /// [`Error::BadHeadroom`], or [`Error::BadRange`] for an activation that the card has no usable range for.
    pub fn intervals(&self, network: &ResNet, headroom: f64) -> Result<Vec<Interval>, Error> {
        let names = network.activation_names();
        let (known, headroom) = match &self.trained_with {
            None => (&self.range_on_training_images, headroom),
            Some(trained) => (&trained.half_widths, 1.0),
        };
        let ranges = names.into_iter().map(|activation| match known.get(&activation).copied() {
            Some(range) if range.is_finite() && range > 0.0 => Ok(range),
            found => Err(Error::BadRange { activation, found }),
        });
        symmetric(ranges, headroom)
    }
}

/// The same from [`observe`]d ranges, for weights that have no card.
///
/// # Errors
/// [`Error::BadHeadroom`].
pub fn intervals(ranges: &[f64], headroom: f64) -> Result<Vec<Interval>, Error> {
    symmetric(ranges.iter().copied().map(Ok), headroom)
}

fn symmetric(ranges: impl Iterator<Item = Result<f64, Error>>, headroom: f64) -> Result<Vec<Interval>, Error> {
    if !(headroom.is_finite() && headroom > 0.0) {
        return Err(Error::BadHeadroom { found: headroom });
    }
    ranges.map(|range| range.map(|r| Interval { lo: -r * headroom, hi: r * headroom })).collect()
}

/// The largest magnitude before each activation over `items`, with exact ReLUs; `input` turns an item into the network's
/// input.
///
/// # Panics
/// Where an input has another length than 3 * 32 * 32.
pub fn observe<T: Sync>(network: &ResNet, items: &[T], input: impl Fn(&T) -> Vec<f64> + Sync) -> Vec<f64> {
    let ranges = Mutex::new(vec![0.0_f64; network.activations()]);
    let record = |index: usize, values: &mut [f64]| {
        let largest = values.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
        {
            let range = &mut ranges.lock().expect("no thread panics while it holds the ranges")[index];
            *range = range.max(largest);
        }
        Relu.apply(index, values)
    };
    network.forward_all(items, input, &record);
    ranges.into_inner().expect("no thread panics while it holds the ranges")
}
