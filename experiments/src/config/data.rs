//! `[data]`: the images of a run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use datasets::cifar::{BATCH, CLASS_NAMES};
use datasets::picture_set::PictureSet;
use serde::Deserialize;
use toml::Spanned;

use super::Source;
use crate::images;

/// `[data]` as it is in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct DataKeys {
    set: Option<Spanned<PathBuf>>,
    labels: Option<Spanned<PathBuf>>,
    images: Option<Spanned<String>>,
    sample: Option<Spanned<SampleKeys>>,
    #[serde(default)]
    seed: u64,
}

/// `data.sample` as it is in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct SampleKeys {
    random: Option<Spanned<usize>>,
    stratified: Option<Spanned<usize>>,
    smallest_margin: Option<Spanned<usize>>,
}

/// The images of a run.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    /// The user's own pictures; `None` for the test set.
    pub set: Option<OwnSet>,
    /// The pool: indices in the set, in order.
    pub pool: Vec<usize>,
    /// The way to choose from the pool; `None` for all of it.
    pub sample: Option<Sample>,
    /// Seed of the choice.
    pub seed: u64,
    /// The place in the config, for errors.
    pub place: String,
}

/// Pictures that the user brings.
#[derive(Clone, Debug)]
pub(crate) struct OwnSet {
    /// The pictures.
    pub pictures: Arc<PictureSet>,
    /// The place in the config, for errors.
    pub place: String,
}

/// The ways to choose images from the pool. They keep their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sample {
    /// This many at random.
    Random(usize),
    /// This many at random, equally many of each class.
    Stratified(usize),
    /// This many of the smallest margin between the two largest logits of the plaintext model. Flips are likeliest
    /// there.
    SmallestMargin(usize),
}

impl Data {
    /// Returns the number of chosen images.
    pub(crate) fn count(&self) -> usize {
        match self.sample {
            None => self.pool.len(),
            Some(Sample::Random(count) | Sample::Stratified(count) | Sample::SmallestMargin(count)) => count,
        }
    }

    /// Checks that a network of this number of classes has each label of the user's own pictures.
    ///
    /// # Errors
    /// A label that the network has no class for.
    pub(super) fn check_labels(&self, classes: usize) -> Result<()> {
        let Some(OwnSet { pictures, place }) = &self.set else { return Ok(()) };
        let labels = self.pool.iter().filter_map(|&index| Some((index, pictures.images[index].label?)));
        let beyond = labels.into_iter().find(|&(_, label)| usize::from(label) >= classes);
        if let Some((index, label)) = beyond {
            let wanted = format!("wanted 0 to {}, the classes of the network", classes - 1);
            bail!("{place}: found label {label} of image {index}, {wanted}");
        }
        Ok(())
    }

    /// Checks the keys, and reads the user's own pictures. Paths are relative to `folder`, that of the config.
    pub(super) fn new(source: &Source, data: &Spanned<DataKeys>, folder: &Path) -> Result<Self> {
        let DataKeys { images, sample, seed, .. } = data.get_ref();
        let set = read_set(source, data.get_ref(), folder)?;
        let count = set.as_ref().map_or(BATCH, |set| set.pictures.images.len());
        let pool = match images {
            None if sample.is_none() && set.is_none() => {
                bail!(
                    "{}: found no images, wanted `images = \"0..20\"`, `sample = {{ random = 20 }}`, or both",
                    source.at(data, "data")
                )
            }
            None => (0..count).collect(),
            Some(images) => {
                images::indices(images.get_ref(), count).with_context(|| source.at(images, "data.images"))?
            }
        };
        let place = match (images, sample) {
            (Some(images), _) => source.at(images, "data.images"),
            (None, Some(sample)) => source.at(sample, "data.sample"),
            (None, None) => source.at(data, "data"),
        };
        let classes = set.as_ref().map_or(CLASS_NAMES.len(), |set| set.pictures.labels_end());
        let sample = sample.as_ref().map(|sample| read_sample(source, sample, pool.len(), classes)).transpose()?;
        Ok(Self { set, pool, sample, seed: *seed, place })
    }
}

fn read_set(source: &Source, keys: &DataKeys, folder: &Path) -> Result<Option<OwnSet>> {
    let Some(set) = &keys.set else {
        if let Some(labels) = &keys.labels {
            let place = source.at(labels, "data.labels");
            bail!("{place}: found labels without data.set, wanted both or neither: the test set has its own");
        }
        return Ok(None);
    };
    let labels = keys.labels.as_ref().map(|labels| folder.join(labels.get_ref()));
    let place = source.at(set, "data.set");
    let pictures = images::own(&folder.join(set.get_ref()), labels.as_deref()).with_context(|| place.clone())?;
    Ok(Some(OwnSet { pictures: Arc::new(pictures), place }))
}

fn read_sample(source: &Source, sample: &Spanned<SampleKeys>, pool: usize, classes: usize) -> Result<Sample> {
    let SampleKeys { random, stratified, smallest_margin } = sample.get_ref();
    let ways = [
        ("random", random, Sample::Random as fn(usize) -> Sample),
        ("stratified", stratified, Sample::Stratified),
        ("smallest_margin", smallest_margin, Sample::SmallestMargin),
    ];
    let mut given = ways.into_iter().filter_map(|(key, count, way)| Some((key, count.as_ref()?, way)));
    let place = || source.at(sample, "data.sample");
    let wanted = "wanted exactly one of random, stratified and smallest_margin";
    let (key, count, way) = given.next().ok_or_else(|| anyhow!("{}: found none, {wanted}", place()))?;
    if let Some((other, ..)) = given.next() {
        bail!("{}: found {key} and {other}, {wanted}", place());
    }
    let at = || source.at(count, &format!("data.sample.{key}"));
    let number = *count.get_ref();
    ensure!((1..=pool).contains(&number), "{}: wanted 1 to {pool}, the images to choose from", at());
    ensure!(key != "stratified" || classes > 0, "{}: found images without labels, wanted random", at());
    ensure!(
        key != "stratified" || number.is_multiple_of(classes),
        "{}: wanted a multiple of {classes}, the number of classes",
        at()
    );
    Ok(way(number))
}
