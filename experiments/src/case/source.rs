//! Where a network comes from: a name of the shipped ones, or files. The one place that loads models.

use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, ensure};
use datasets::cifar::{Normalisation, embedded_test_sample};
use datasets::digest::sha256;
use fhe_nn::ranges::ModelCard;

use super::{Card, HEADROOM, Model, SHIPPED, Shipped};

/// The largest headroom.
const WIDEST: f64 = 100.0;

/// A file, or the name of a shipped network, as a user named it.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// Path of the file, or the name.
    pub path: PathBuf,
    /// Flag or key with its value, for errors.
    pub place: String,
}

/// The model that a user asked for.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Weights; the first of [`SHIPPED`] if `None`.
    pub weights: Option<Named>,
    /// Their card.
    pub card: Option<Named>,
    /// How far beyond the ranges of the card the activations hold.
    pub headroom: f64,
    /// Flag or key of the headroom, for errors.
    pub headroom_place: String,
}

/// Whether the accuracy that a card claims was checked before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Not yet: the check takes part of a second.
    ToCheck,
    /// Another process checked it.
    Checked,
}

/// Fails for a factor that no headroom has: wider intervals leave a polynomial nothing to approximate.
///
/// # Errors
/// The factors wanted.
pub(crate) fn check_headroom(headroom: f64) -> Result<()> {
    let fits = headroom > 0.0 && headroom <= WIDEST;
    ensure!(fits, "found {headroom}, wanted a factor above 0 and at most {WIDEST}, such as {HEADROOM}");
    Ok(())
}

impl Source {
    /// Loads the model. Notes on standard error what was assumed, and a missing card. Checks the accuracy that a card
    /// claims on the embedded test images.
    ///
    /// # Errors
    /// Files that cannot be read or do not hold a model, a card for weights that have their own, a wrong headroom, and
    /// a claim that the network does not keep.
    pub(crate) fn load(&self) -> Result<Model> {
        self.load_with(Claim::ToCheck)
    }

    /// Loads the model, and checks the accuracy that a card claims if that was not done before.
    ///
    /// # Errors
    /// Those of [`Source::load`].
    pub(crate) fn load_with(&self, claim: Claim) -> Result<Model> {
        let Self { weights, card, headroom, headroom_place } = self;
        check_headroom(*headroom).with_context(|| headroom_place.clone())?;
        let shipped = weights.as_ref().map_or(Some(&SHIPPED[0]), |named| Shipped::named(&named.path));
        if let Some(shipped) = shipped {
            let name = shipped.name;
            let card = card.as_ref().map_or("", |card| &card.place);
            ensure!(card.is_empty(), "{card}: found a card, wanted none: the shipped weights {name} have their own");
            return Model::of_shipped(shipped, *headroom).with_context(|| headroom_place.clone());
        }
        let weights = weights.as_ref().expect("the shipped network stands in for none");
        let place = &weights.place;
        let bytes = weights.read(fhe_nn::weights::read)?;
        let card =
            card.as_ref().map(|card| Ok::<_, Error>((Card::from_json(&card.read(ModelCard::read)?), &card.place)));
        let card = card.transpose()?.map(|(card, place)| card.with_context(|| place.clone()).map(|card| (card, place)));
        let card = card.transpose()?;
        let loaded =
            Model::network(&bytes, card.as_ref().map(|(card, _)| &card.parsed)).with_context(|| place.clone())?;
        loaded.notes.iter().for_each(|note| eprintln!("note: {place}: {note}"));
        let Some((card, card_place)) = card else {
            let model = Model::observed(loaded.network, sha256(&bytes), *headroom);
            eprintln!("note: {place}: {}", without_card());
            return model.with_context(|| headroom_place.clone());
        };
        let model =
            Model::carded(loaded.network, sha256(&bytes), &card, *headroom).with_context(|| card_place.clone())?;
        if claim == Claim::ToCheck {
            model.check_claim().with_context(|| card_place.clone())?;
        }
        Ok(model)
    }
}

/// The assumptions about weights without a card.
fn without_card() -> String {
    let Normalisation { mean, std, .. } = Normalisation::CIFAR10;
    format!(
        "no card given; assumed pixels normalised with mean {mean:?} and deviation {std:?}, and for each activation the range \
         seen on {} test images; `cipherlab model card` writes a card",
        embedded_test_sample().len()
    )
}

impl Named {
    /// Reads the file by `read`.
    fn read<T>(&self, read: impl Fn(&Path) -> Result<T, fhe_nn::Error>) -> Result<T> {
        let found = read(&self.path).map_err(|error| match error {
            // These have found a file.
            fhe_nn::Error::Checkpoint { .. } | fhe_nn::Error::TwoNetworks { .. } => error.into(),
            error => {
                let names = SHIPPED.each_ref().map(|shipped| shipped.name).join(" or ");
                Error::from(error).context(format!("wanted a file, or a shipped network: {names}"))
            }
        });
        found.context(self.place.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(weights: Option<&str>, card: Option<&str>) -> Source {
        let named = |path: &str| Named { path: path.into(), place: format!("--file {path}") };
        let (weights, card) = (weights.map(named), card.map(named));
        Source { weights, card, headroom: HEADROOM, headroom_place: "--headroom".to_owned() }
    }

    #[test]
    fn shipped_networks_have_names_and_their_own_cards() {
        for shipped in &SHIPPED {
            let model = source(Some(shipped.name), None).load().unwrap();
            assert_eq!((model.shipped, model.weights_sha256), (Some(shipped), shipped.weights_sha256()));
            let error = source(Some(shipped.name), Some("card.json")).load().err().unwrap().to_string();
            assert!(error.contains("--file card.json: found a card, wanted none"), "{error}");
        }
        assert_eq!(source(None, None).load().unwrap().shipped, Some(&SHIPPED[0]));
        let other = Source { headroom: 2.0, ..source(None, None) };
        assert_eq!(other.load().unwrap().shipped, None, "published figures are of the default headroom");
    }

    #[test]
    fn an_unknown_name_is_told_those_that_there_are() {
        let error = format!("{:#}", source(Some("resnet21"), None).load().err().unwrap());
        assert!(error.contains("--file resnet21: wanted a file, or a shipped network: resnet20 or "), "{error}");
    }
}
