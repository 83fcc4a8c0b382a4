//! The plaintext model's answers on the images of a run. Parts of one run share them.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::rewrite::rewrite;
use super::selection::{self, Subject};
use super::shard::Shard;
use super::{preflight, progress::Progress};
use crate::case::Model;
use crate::config::Config;
use crate::files::replace;
use crate::records::{ExactRow, rows};

/// The name of the file that says what shared answers are of.
const FILE: &str = "answers.json";

/// What answers are of.
#[derive(PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Origin {
    /// SHA-256 of the weights.
    weights_sha256: String,
    /// SHA-256 of the model's card; `None` if there is none.
    card_sha256: Option<String>,
    /// SHA-256 of the images, as in `run.json`.
    data_sha256: String,
}

/// Writes the answers on the images of a config into a folder, for all parts of its run.
///
/// # Errors
/// Images that are not there, answers that contradict the model's card, or a file system that refuses.
pub(crate) fn share(config: &Config, model: &Model, folder: &Path) -> Result<()> {
    let pool = selection::pool(&config.data, model.network.classifier.out_features)?;
    let exact = choose(config, model, &pool, None)?;
    rewrite(folder, &exact, |_| None)?;
    let origin = Origin {
        weights_sha256: model.weights_sha256.clone(),
        card_sha256: model.card_sha256.clone(),
        data_sha256: selection::digest(&subjects(&pool, &exact)?),
    };
    // Last: with this file, the answers are whole.
    replace(&folder.join(FILE), format!("{}\n", serde_json::to_string_pretty(&origin)?).as_bytes())
}

/// Returns the answers that [`share`] wrote into a folder, unless they are missing, damaged, or of another model or other
/// images.
pub(super) fn shared(folder: &Path, model: &Model, pool: &[Subject]) -> Option<Vec<ExactRow>> {
    let text = std::fs::read_to_string(folder.join(FILE)).ok()?;
    let origin: Origin = serde_json::from_str(&text).ok()?;
    let own = origin.weights_sha256 == model.weights_sha256 && origin.card_sha256 == model.card_sha256;
    of_images(folder, pool, &origin.data_sha256).filter(|_| own)
}

/// Returns the answers in a folder, if they are as they were written and of the images with this digest.
pub(super) fn of_images(folder: &Path, pool: &[Subject], data_sha256: &str) -> Option<Vec<ExactRow>> {
    let exact = rows(folder).ok()?;
    let subjects = subjects(pool, &exact).ok()?;
    (selection::digest(&subjects) == data_sha256).then_some(exact)
}

/// Chooses the images of a run. Returns the plaintext model's answers on them, after the preflight check.
///
/// # Errors
/// Fewer images than shards, and answers that contradict the model's card.
pub(super) fn choose(config: &Config, model: &Model, pool: &[Subject], shard: Option<Shard>) -> Result<Vec<ExactRow>> {
    let answers = |subjects: &[Subject]| {
        let progress = Progress::new(subjects.len());
        progress.at("plaintext model".to_owned());
        let answers = preflight::exact(model, subjects, &|| progress.image_done())?;
        // A claim is about the test set. Other pictures are there to find out what the accuracy is on them.
        let claim = if config.data.set.is_none() { preflight::check(model, &answers)? } else { None };
        if let Some(found) = claim.filter(|_| model.shipped.is_none()) {
            eprintln!("preflight: {found}");
        }
        Ok(answers)
    };
    // Only a choice by margin needs the answers on the whole pool. The check is on the pool then, which is no
    // selection.
    let mut whole: Option<Vec<ExactRow>> = None;
    let chosen = selection::choose(&config.data, pool, || Ok(whole.insert(answers(pool)?).clone()))?;
    if let Some(Shard { count, .. }) = shard {
        let found = chosen.len();
        ensure!(count <= found, "--shard: found {found} images for {count} shards, wanted at least one image for each");
    }
    match whole {
        Some(whole) => Ok(chosen.iter().map(|&at| whole[at].clone()).collect()),
        None => answers(&chosen.iter().map(|&at| pool[at].clone()).collect::<Vec<_>>()),
    }
}

/// Returns the images of answers.
///
/// # Errors
/// An image that is not in the pool.
pub(super) fn subjects(pool: &[Subject], exact: &[ExactRow]) -> Result<Vec<Subject>> {
    let known: HashMap<usize, &Subject> = pool.iter().map(|subject| (subject.index, subject)).collect();
    let find = |row: &ExactRow| {
        let subject = known.get(&row.image).map(|&subject| subject.clone());
        subject.with_context(|| format!("holds image {}, which the config does not choose from", row.image))
    };
    exact.iter().map(find).collect()
}
