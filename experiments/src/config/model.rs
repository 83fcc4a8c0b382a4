//! `[model]`: the network of all cases.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use toml::Spanned;

use super::Source;
use crate::case::{HEADROOM, Named, Shipped, Source as ModelSource, check_headroom};

/// `[model]` as it is in the file.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct ModelKeys {
    weights: Option<Spanned<PathBuf>>,
    card: Option<Spanned<PathBuf>>,
    headroom: Option<Spanned<f64>>,
}

/// Checks the keys. Paths are relative to `folder`, that of the config.
///
/// # Errors
/// A card without weights, or a headroom out of range.
pub(super) fn model(source: &Source, keys: &ModelKeys, folder: &Path) -> Result<ModelSource> {
    if let (Some(card), None) = (&keys.card, &keys.weights) {
        bail!("{}: found a card without weights, wanted both or neither", source.at(card, "model.card"));
    }
    let headroom = keys.headroom.as_ref().map_or(HEADROOM, |headroom| *headroom.get_ref());
    let headroom_place = match &keys.headroom {
        Some(headroom) => source.at(headroom, "model.headroom"),
        None => format!("{}: model.headroom", source.name),
    };
    check_headroom(headroom).with_context(|| headroom_place.clone())?;
    let named = |path: &Option<Spanned<PathBuf>>, key: &str| {
        let path = path.as_ref()?;
        let given = path.get_ref();
        let file = if Shipped::named(given).is_some() { given.clone() } else { folder.join(given) };
        Some(Named { path: file, place: source.at(path, key) })
    };
    let (weights, card) = (named(&keys.weights, "model.weights"), named(&keys.card, "model.card"));
    Ok(ModelSource { weights, card, headroom, headroom_place })
}
