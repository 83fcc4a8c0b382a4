//! The network and what its card says of it.

use anyhow::{Context, Result, ensure};
use datasets::cifar::{CLASS_NAMES, Image, Normalisation, embedded_test_sample};
use fhe_nn::encrypted::{Packing, Program};
use fhe_nn::plain::{self, Activation, ApproximateRelu};
use fhe_nn::ranges::{self, Interval, ModelCard};
use fhe_nn::{Approximation, ResNet};

use datasets::digest::sha256;
use datasets::pretrained;

/// A network with the intervals of its activations.
#[derive(Clone)]
pub struct Model {
    /// The network.
    pub network: ResNet,
    /// On which interval each activation holds.
    pub intervals: Vec<Interval>,
    /// What stood for ReLU in training; `None` for ReLU itself.
    pub trained_with: Option<Approximation>,
    /// What is done to an image before the network sees it.
    pub normalisation: Normalisation,
    /// Share of the test images that the card says are classified rightly.
    pub claim: Option<f64>,
    /// The largest magnitude that the card calls possible for a logit; `None` where it names none.
    pub logit_bound: Option<f64>,
    /// Digest of the weights.
    pub weights_sha256: String,
    /// Digest of the card; `None` where there is none.
    pub card_sha256: Option<String>,
}

impl Model {
    /// The embedded network.
    pub fn embedded(headroom: f64) -> Result<Self> {
        let weights = pretrained::RESNET20;
        Self::carded(ResNet::from_safetensors(weights)?, sha256(weights), pretrained::RESNET20_CARD, headroom)
    }

    /// Returns whether this is the embedded network.
    pub fn is_embedded(&self) -> bool {
        self.weights_sha256 == sha256(pretrained::RESNET20)
    }

    /// The network in a safetensors file's bytes.
    pub fn network(weights: &[u8]) -> Result<ResNet> {
        let network = ResNet::from_safetensors(weights)?;
        let classes = network.classifier.out_features;
        ensure!(classes == CLASS_NAMES.len(), "found {classes} classes, wanted CIFAR-10's 10");
        Ok(network)
    }

    /// A network with its card.
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
            logit_bound: None,
            weights_sha256,
            card_sha256: Some(sha256(card.as_bytes())),
            network,
        })
    }

    /// A network without a card: activations hold where the embedded sample has values.
    pub fn observed(network: ResNet, weights_sha256: String, headroom: f64) -> Result<Self> {
        let seen = ranges::observe(&network, embedded_test_sample(), Image::normalised);
        Ok(Self {
            intervals: ranges::intervals(&seen, headroom)?,
            trained_with: None,
            normalisation: Normalisation::CIFAR10,
            claim: None,
            logit_bound: None,
            weights_sha256,
            card_sha256: None,
            network,
        })
    }

    /// The activation that the network was trained with: what is exact, where others approximate.
    pub fn own_activation(&self) -> Box<dyn Activation + Send> {
        match &self.trained_with {
            None => Box::new(plain::Relu),
            Some(approximation) => Box::new(ApproximateRelu::new(approximation, &self.intervals)),
        }
    }

    /// What the network takes of an image.
    pub fn input(&self, image: &Image) -> Vec<f64> {
        image.normalised_by(&self.normalisation)
    }

    /// The slots of the widest layer.
    pub fn slots_needed(&self, packing: Packing) -> usize {
        Program::slots_needed(&self.network, packing)
    }
}
