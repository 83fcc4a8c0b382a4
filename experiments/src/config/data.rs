//! `[data]`: the images of a run.

use anyhow::{Context, Result, anyhow, bail, ensure};
use datasets::cifar::{BATCH, CLASS_NAMES};
use serde::Deserialize;
use toml::Spanned;

use super::Source;
use crate::images;

/// `[data]` as it is in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct DataKeys {
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
    /// The pool: indices in the test set, in order.
    pub pool: Vec<usize>,
    /// The way to choose from the pool; `None` for all of it.
    pub sample: Option<Sample>,
    /// Seed of the choice.
    pub seed: u64,
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

    pub(super) fn new(source: &Source, data: &Spanned<DataKeys>) -> Result<Self> {
        let DataKeys { images, sample, seed } = data.get_ref();
        let pool = match images {
            None if sample.is_none() => {
                bail!(
                    "{}: found no images, wanted `images = \"0..20\"`, `sample = {{ random = 20 }}`, or both",
                    source.at(data, "data")
                )
            }
            None => (0..BATCH).collect(),
            Some(images) => images::indices(images.get_ref()).with_context(|| source.at(images, "data.images"))?,
        };
        let place = match (images, sample) {
            (Some(images), _) => source.at(images, "data.images"),
            (None, Some(sample)) => source.at(sample, "data.sample"),
            (None, None) => source.at(data, "data"),
        };
        let sample = sample.as_ref().map(|sample| read_sample(source, sample, pool.len())).transpose()?;
        Ok(Self { pool, sample, seed: *seed, place })
    }
}

fn read_sample(source: &Source, sample: &Spanned<SampleKeys>, pool: usize) -> Result<Sample> {
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
    let classes = CLASS_NAMES.len();
    ensure!(
        key != "stratified" || number.is_multiple_of(classes),
        "{}: wanted a multiple of {classes}, the number of classes",
        at()
    );
    Ok(way(number))
}
