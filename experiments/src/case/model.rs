//! A network and the contents of its card.

use anyhow::{Context, Result, ensure};
use datasets::cifar::{CLASS_NAMES, Image, Normalisation, embedded_test_sample};
use fhe_nn::encrypted::{Packing, Program};
use fhe_nn::plain::{self, Activation, ApproximateRelu};
use fhe_nn::ranges::{self, Interval, ModelCard};
use fhe_nn::{Approximation, ResNet};

use datasets::digest::sha256;

use super::{SHIPPED, Shipped};

/// A network with the intervals of its activations.
#[derive(Clone)]
pub struct Model {
    /// The network itself.
    pub network: ResNet,
    /// The interval on which each activation holds.
    pub intervals: Vec<Interval>,
    /// The activation that replaced ReLU in training; `None` if ReLU stayed.
    pub trained_with: Option<Approximation>,
    /// Mean and deviation that turn pixels into the network's input.
    pub normalisation: Normalisation,
    /// Share of the test images with the right class, as the card claims.
    pub claim: Option<f64>,
    /// Digest of the weights.
    pub weights_sha256: String,
    /// Digest of the card; `None` where there is none.
    pub card_sha256: Option<String>,
    /// The shipped network that this is, if it has the headroom of the published runs.
    pub shipped: Option<&'static Shipped>,
}

impl Model {
    /// Returns the shipped network that is used where none is named.
    ///
    /// # Errors
    /// Those of [`Shipped::model`].
    pub fn embedded(headroom: f64) -> Result<Self> {
        SHIPPED[0].model(headroom)
    }

    /// Reads a network with the classes of CIFAR-10 from the bytes of a safetensors file.
    ///
    /// # Errors
    /// Bytes that do not hold such a network.
    pub fn network(weights: &[u8]) -> Result<ResNet> {
        let network = ResNet::from_safetensors(weights)?;
        let classes = network.classifier.out_features;
        ensure!(classes == CLASS_NAMES.len(), "found {classes} classes, wanted CIFAR-10's 10");
        Ok(network)
    }

    /// Returns a network with the intervals of its card, `headroom` times as wide as the ranges in it.
    ///
    /// # Errors
    /// A card that cannot be read or is of another network, and a headroom that is not a finite factor above 0.
    pub fn carded(network: ResNet, weights_sha256: String, card: &str, headroom: f64) -> Result<Self> {
        let parsed = ModelCard::from_json(card)?;
        let claim = parsed.test_accuracy;
        ensure!((0.0..=1.0).contains(&claim), "model card: found test_accuracy {claim}, wanted a share from 0 to 1");
        let trained = parsed.trained_with.as_ref().map(|trained| trained.relu.parse::<Approximation>());
        Ok(Self {
            intervals: parsed.intervals(&network, headroom)?,
            trained_with: trained.transpose().context("model card: trained_with.relu")?,
            normalisation: Normalisation { mean: parsed.mean, std: parsed.std },
            claim: Some(claim),
            weights_sha256,
            card_sha256: Some(sha256(card.as_bytes())),
            shipped: None,
            network,
        })
    }

    /// Returns a network without a card. Its intervals are `headroom` times the ranges seen on the embedded test sample.
    ///
    /// # Errors
    /// A headroom that is not a finite factor above 0.
    pub fn observed(network: ResNet, weights_sha256: String, headroom: f64) -> Result<Self> {
        let seen = ranges::observe(&network, embedded_test_sample(), Image::normalised);
        Ok(Self {
            intervals: ranges::intervals(&seen, headroom)?,
            trained_with: None,
            normalisation: Normalisation::CIFAR10,
            claim: None,
            weights_sha256,
            card_sha256: None,
            shipped: None,
            network,
        })
    }

    /// Returns the activation that the network was trained with. Other activations approximate it.
    pub fn own_activation(&self) -> Box<dyn Activation + Send> {
        match &self.trained_with {
            None => Box::new(plain::Relu),
            Some(approximation) => Box::new(ApproximateRelu::new(approximation, &self.intervals)),
        }
    }

    /// Returns the network's input for an image: its pixels, normalised.
    pub fn input(&self, image: &Image) -> Vec<f64> {
        image.normalised_by(&self.normalisation)
    }

    /// Returns the number of slots that the widest layer fills.
    pub fn slots_needed(&self, packing: Packing) -> usize {
        Program::slots_needed(&self.network, packing)
    }
}
