//! A network and the contents of its card.

use anyhow::{Context, Result};
use datasets::cifar::{CLASS_NAMES, Image, Normalisation, embedded_test_sample};
use fhe_nn::encrypted::{Packing, Program};
use fhe_nn::plain::{self, Activation, ApproximateRelu};
use fhe_nn::ranges::{self, Interval, ModelCard};
use fhe_nn::weights::{self, Loaded};
use fhe_nn::{Approximation, ResNet};

use datasets::digest::sha256;

use super::{HEADROOM, SHIPPED, Shipped};
use crate::claim;

/// A network with the intervals of its activations.
#[derive(Clone)]
pub(crate) struct Model {
    /// The network itself.
    pub network: ResNet,
    /// The interval on which each activation holds.
    pub intervals: Vec<Interval>,
    /// The activation that replaced ReLU in training; `None` if ReLU stayed.
    pub trained_with: Option<Approximation>,
    /// Mean and deviation that turn pixels into the network's input.
    pub normalisation: Normalisation,
    /// The names of the classes, by label.
    pub classes: Vec<String>,
    /// Share of CIFAR-10's test images with the right class, as the card claims; `None` if it claims none, or one on other
    /// images.
    pub claim: Option<f64>,
    /// The largest magnitude that the card calls possible for a logit; `None` if it names none.
    pub logit_bound: Option<f64>,
    /// Digest of the weights.
    pub weights_sha256: String,
    /// Digest of the card; `None` if there is none.
    pub card_sha256: Option<String>,
    /// The shipped network that this is, if it has the headroom of the published runs.
    pub shipped: Option<&'static Shipped>,
}

/// A model card and the digest of its text.
pub(crate) struct Card {
    /// The card.
    pub parsed: ModelCard,
    sha256: String,
}

impl Card {
    /// Reads a card.
    ///
    /// # Errors
    /// A text that is not a card, or a card that no network can have.
    pub(crate) fn from_json(text: &str) -> Result<Self> {
        Ok(Self { parsed: ModelCard::from_json(text)?, sha256: sha256(text.as_bytes()) })
    }
}

impl Model {
    /// Returns the shipped network that is used where none is named.
    ///
    /// # Errors
    /// Those of [`Model::of_shipped`].
    pub(crate) fn embedded(headroom: f64) -> Result<Self> {
        Self::of_shipped(&SHIPPED[0], headroom)
    }

    /// Returns a shipped network with activations that hold `headroom` times the ranges of its card.
    ///
    /// # Errors
    /// A headroom that is not a finite factor above 0.
    pub(crate) fn of_shipped(shipped: &'static Shipped, headroom: f64) -> Result<Self> {
        let network = ResNet::from_safetensors(shipped.weights)?;
        let model = Self::carded(network, sha256(shipped.weights), &Card::from_json(shipped.card)?, headroom)?;
        Ok(Self { shipped: (headroom == HEADROOM).then_some(shipped), ..model })
    }

    /// Reads a network from the bytes of a safetensors file. `card` may state conventions that the file does not show.
    ///
    /// # Errors
    /// Bytes that do not hold a network.
    pub(crate) fn network(weights: &[u8], card: Option<&ModelCard>) -> Result<Loaded> {
        Ok(weights::load(weights, card)?)
    }

    /// Returns a network with the intervals of its card, `headroom` times as wide as the ranges in it.
    ///
    /// # Errors
    /// A card that cannot be read or is of another network, and a headroom that is not a finite factor above 0.
    pub(crate) fn carded(network: ResNet, weights_sha256: String, card: &Card, headroom: f64) -> Result<Self> {
        let parsed = &card.parsed;
        parsed.check_shape(&network)?;
        let classes = parsed.classes.clone().unwrap_or_else(|| class_names(network.classes()));
        // Ten classes are CIFAR-10's unless the card says otherwise.
        let of_cifar = network.classes() == CLASS_NAMES.len() && parsed.test_set.is_none();
        let trained = parsed.trained_with.as_ref().map(|trained| trained.relu.parse::<Approximation>());
        Ok(Self {
            intervals: parsed.intervals(&network, headroom)?,
            trained_with: trained.transpose().context("model card: trained_with.relu")?,
            normalisation: normalisation(&parsed.mean, &parsed.std),
            classes,
            claim: parsed.test_accuracy.filter(|_| of_cifar),
            logit_bound: parsed.logit_bound,
            weights_sha256,
            card_sha256: Some(card.sha256.clone()),
            shipped: None,
            network,
        })
    }

    /// Returns a network without a card. Its intervals are `headroom` times the ranges seen on the embedded test
    /// sample.
    ///
    /// # Errors
    /// A headroom that is not a finite factor above 0.
    pub(crate) fn observed(network: ResNet, weights_sha256: String, headroom: f64) -> Result<Self> {
        let normalisation = Normalisation { channels: network.input_channels(), ..Normalisation::CIFAR10 };
        let seen =
            ranges::observe(&network, embedded_test_sample(), |image: &Image| image.normalised_by(&normalisation));
        Ok(Self {
            intervals: ranges::intervals(&seen, headroom)?,
            trained_with: None,
            normalisation,
            classes: class_names(network.classes()),
            claim: None,
            logit_bound: None,
            weights_sha256,
            card_sha256: None,
            shipped: None,
            network,
        })
    }

    /// Checks the accuracy on the embedded test images against the one that the card claims.
    ///
    /// # Errors
    /// An accuracy that contradicts the claim.
    pub(crate) fn check_claim(&self) -> Result<()> {
        let Some(claim) = self.claim else { return Ok(()) };
        let images = embedded_test_sample();
        let outcomes = self.network.forward_all(images, |image| self.input(image), self.own_activation().as_ref());
        let right = images.iter().zip(outcomes);
        let right = right.filter(|(image, outcome)| outcome.class() == image.label.map(usize::from)).count();
        claim::check(claim, right, images.len()).map(drop)
    }

    /// Returns the activation that the network was trained with. Other activations approximate it.
    pub(crate) fn own_activation(&self) -> Box<dyn Activation + Send> {
        match &self.trained_with {
            None => Box::new(plain::Relu),
            Some(approximation) => Box::new(ApproximateRelu::new(approximation, &self.intervals)),
        }
    }

    /// Returns the network's input for an image: its pixels, normalised.
    pub(crate) fn input(&self, image: &Image) -> Vec<f64> {
        image.normalised_by(&self.normalisation)
    }

    /// Returns the number of slots that the widest layer fills.
    pub(crate) fn slots_needed(&self, packing: Packing) -> usize {
        Program::slots_needed(&self.network, packing)
    }
}

/// Returns the constants for as many channels as there are means.
pub(crate) fn normalisation(mean: &[f64], std: &[f64]) -> Normalisation {
    let mut of = Normalisation { channels: mean.len(), ..Normalisation::NONE };
    of.mean.iter_mut().zip(mean).for_each(|(of, given)| *of = *given);
    of.std.iter_mut().zip(std).for_each(|(of, given)| *of = *given);
    of
}

/// Returns the names of classes that have none on a card: CIFAR-10's for ten.
fn class_names(classes: usize) -> Vec<String> {
    if classes == CLASS_NAMES.len() {
        return CLASS_NAMES.map(str::to_owned).to_vec();
    }
    (0..classes).map(|class| format!("class {class}")).collect()
}
