//! The model card: the claims that go with a set of weights, in JSON.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::field::{self, Field};
use super::{Interval, symmetric};
use crate::file;
use crate::network::ResNet;
use crate::shortcut::PaddedShortcut;
use crate::{Approximation, Error};

/// Largest model card that is read, in bytes.
pub const MAX_CARD_BYTES: u64 = 1 << 20;

/// The claims that go with a set of weights. Other fields of the JSON object are ignored.
#[derive(Clone, Debug)]
pub struct ModelCard {
    /// The architecture, in words.
    pub architecture: String,
    /// Share of the test images that are classified rightly, from 0 to 1; `None` if not stated.
    pub test_accuracy: Option<f64>,
    /// The test set of that accuracy; `None` for the 10,000 test images of CIFAR-10.
    pub test_set: Option<String>,
    /// The names of the classes, by label; `None` if not stated.
    pub classes: Option<Vec<String>>,
    /// Mean of each channel as a fraction of full scale; subtracted from the pixel in [0, 1].
    pub mean: Vec<f64>,
    /// Standard deviation of each channel as a fraction of full scale; divides the difference. As many as means.
    pub std: Vec<f64>,
    /// For each activation, by name, the largest magnitude before it over the training images.
    pub range_on_training_images: BTreeMap<String, f64>,
    /// For each activation, by name, the largest magnitude before it over pictures other than photographs (plain
    /// colours, checkers, noise and so on); empty if that was not measured.
    pub range_on_odd_pictures: BTreeMap<String, f64>,
    /// The activation that the weights were trained with; `None` for ReLU.
    pub trained_with: Option<TrainedActivation>,
    /// The form of shortcuts without weights; `None` if not stated.
    pub shortcut: Option<PaddedShortcut>,
    /// The number added to the variance in batch norm; `None` if not stated.
    pub bn_eps: Option<f64>,
    /// An upper bound on the magnitude of logits; `None` if not stated.
    pub logit_bound: Option<f64>,
    /// For each kind of odd picture, the number of values outside the intervals of their activations.
    pub odd_pictures: BTreeMap<String, u64>,
}

/// The activation that weights were trained with, if the network computes it in place of ReLU.
#[derive(Clone, Debug)]
pub struct TrainedActivation {
    /// An [`Approximation`], as it is written.
    pub relu: String,
    /// For each activation, by name, the half-width of the interval that it was trained on.
    pub half_widths: BTreeMap<String, f64>,
}

/// The fields of a card. Their values are read one by one, for errors that name the field.
#[derive(Deserialize)]
struct Fields {
    architecture: Option<Value>,
    test_accuracy: Option<Value>,
    test_set: Option<Value>,
    classes: Option<Value>,
    mean: Option<Value>,
    std: Option<Value>,
    range_on_training_images: Option<Value>,
    range_on_odd_pictures: Option<Value>,
    trained_with: Option<Value>,
    shortcut: Option<Value>,
    bn_eps: Option<Value>,
    logit_bound: Option<Value>,
    odd_pictures: Option<Value>,
}

impl ModelCard {
    /// Reads the text of a card of at most [`MAX_CARD_BYTES`].
    ///
    /// # Errors
    /// [`Error::NotAFile`] for a folder, pipe or device, [`Error::TooLarge`] for a longer file, [`Error::Io`], and
    /// [`Error::Card`] for bytes that are not UTF-8 text.
    pub fn read(path: &Path) -> Result<String, Error> {
        let bytes = file::read(path, MAX_CARD_BYTES)?;
        String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Error::Card(format!("found a byte at offset {at} that is no UTF-8 text, wanted JSON in UTF-8"))
        })
    }

    /// Reads a card. A byte order mark before it is skipped.
    ///
    /// # Errors
    /// [`Error::Card`] for text that is not a JSON object, for a field that is missing or twice there, and for a value
    /// that no network can have.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let json = json.strip_prefix('\u{feff}').unwrap_or(json);
        let fields: Fields = field::object(json)?;
        let required = |name, value: &Option<Value>| Field::required(name, value.clone());
        let optional = |name, value: Option<Value>| value.map(|value| Field { name, value });
        let trained = |field: Field| {
            let relu = field.member("relu", "trained_with.relu")?.text()?;
            if let Err(error) = relu.parse::<Approximation>() {
                return Err(Error::Card(format!("`trained_with.relu`: {error}")));
            }
            let half_widths = field.member("half_widths", "trained_with.half_widths")?.numbers(field::magnitude)?;
            Ok(TrainedActivation { relu, half_widths })
        };
        let architecture = required("architecture", &fields.architecture)?.text()?;
        let mean = required("mean", &fields.mean)?.channels(field::mean)?;
        let std = required("std", &fields.std)?.channels(field::deviation)?;
        if mean.len() != std.len() {
            let (found, wanted) = (std.len(), mean.len());
            return Err(Error::Card(format!("`std`: found {found} numbers, wanted {wanted}, as many as in `mean`")));
        }
        Ok(Self {
            architecture,
            test_accuracy: optional("test_accuracy", fields.test_accuracy)
                .map(|field| field.number(field::share))
                .transpose()?,
            test_set: optional("test_set", fields.test_set).map(|field| field.text()).transpose()?,
            classes: optional("classes", fields.classes).map(|field| field.texts()).transpose()?,
            mean,
            std,
            range_on_training_images: required("range_on_training_images", &fields.range_on_training_images)?
                .numbers(field::magnitude)?,
            range_on_odd_pictures: optional("range_on_odd_pictures", fields.range_on_odd_pictures)
                .map(|field| field.numbers(field::magnitude))
                .transpose()?
                .unwrap_or_default(),
            trained_with: optional("trained_with", fields.trained_with).map(trained).transpose()?,
            shortcut: optional("shortcut", fields.shortcut).map(|field| field.convention()).transpose()?,
            bn_eps: optional("bn_eps", fields.bn_eps).map(|field| field.number(field::epsilon)).transpose()?,
            logit_bound: optional("logit_bound", fields.logit_bound)
                .map(|field| field.number(field::magnitude))
                .transpose()?,
            odd_pictures: optional("odd_pictures", fields.odd_pictures)
                .map(|field| field.counts())
                .transpose()?
                .unwrap_or_default(),
        })
    }

    /// Fails for a card of a network of other classes or channels.
    ///
    /// # Errors
    /// [`Error::Card`] with both numbers.
    pub fn check_shape(&self, network: &ResNet) -> Result<(), Error> {
        let channels = (self.mean.len(), network.input_channels());
        if channels.0 != channels.1 {
            let reason = format!("`mean`: found {} numbers, wanted {}, the network's channels", channels.0, channels.1);
            return Err(Error::Card(reason));
        }
        match self.classes.as_ref().map(Vec::len).filter(|&found| found != network.classes()) {
            Some(found) => {
                let wanted = network.classes();
                Err(Error::Card(format!("`classes`: found {found} names, wanted the {wanted} of the network")))
            }
            None => Ok(()),
        }
    }

    /// Returns `[-r * headroom, r * headroom]` for each activation of `network` in order of evaluation, where `r` is
    /// the larger of the card's ranges on training images and on odd pictures; or the intervals that the activations
    /// were trained on, without headroom.
    ///
    /// # Errors
    /// * [`Error::BadHeadroom`] for a headroom that makes no interval.
    /// * [`Error::BadRange`] for an activation without a range in the card.
    /// * [`Error::ExtraRange`] for a range of an activation that the network lacks.
    pub fn intervals(&self, network: &ResNet, headroom: f64) -> Result<Vec<Interval>, Error> {
        let names = network.activation_names();
        let (known, headroom) = match &self.trained_with {
            None => (&self.range_on_training_images, headroom),
            Some(trained) => (&trained.half_widths, 1.0),
        };
        let odd = &self.range_on_odd_pictures;
        if let Some(activation) = known.keys().chain(odd.keys()).find(|name| !names.contains(name)) {
            let (activation, found, wanted) = (activation.clone(), known.len(), names.len());
            return Err(Error::ExtraRange { activation, found, wanted });
        }
        let ranges = names.into_iter().map(|activation| match known.get(&activation).copied() {
            Some(range) if range.is_finite() && range > 0.0 && self.trained_with.is_none() => {
                Ok(range.max(odd.get(&activation).copied().unwrap_or(0.0)))
            }
            Some(range) if range.is_finite() && range > 0.0 => Ok(range),
            found => Err(Error::BadRange { activation, found }),
        });
        symmetric(ranges, headroom)
    }
}
