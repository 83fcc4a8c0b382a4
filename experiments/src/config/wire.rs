//! The config as it is in the file: every key with its place. [`super::Config`] is the checked form.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub name: Spanned<String>,
    pub question: Spanned<String>,
    #[serde(default)]
    pub model: Model,
    pub data: Spanned<Data>,
    pub backend: Backend,
    pub sweep: Option<Spanned<Sweep>>,
    #[serde(default)]
    pub exclude: Vec<Spanned<Exclude>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    pub weights: Option<Spanned<PathBuf>>,
    pub card: Option<Spanned<PathBuf>>,
    pub headroom: Option<Spanned<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Data {
    pub images: Option<Spanned<String>>,
    pub sample: Option<Spanned<Sample>>,
    #[serde(default)]
    pub seed: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sample {
    pub random: Option<Spanned<usize>>,
    pub stratified: Option<Spanned<usize>>,
    pub smallest_margin: Option<Spanned<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Backend {
    pub kind: Spanned<String>,
    pub trace: Option<Spanned<bool>>,
    pub threads: Option<Spanned<usize>>,
    pub max_memory: Option<Spanned<String>>,
    pub kernels: Option<Spanned<String>>,
    pub noise: Option<Spanned<PathBuf>>,
    pub insecure: Option<Spanned<bool>>,
    pub seed: Option<Spanned<u64>>,
    pub dir: Option<Spanned<PathBuf>>,
    pub batch: Option<Spanned<usize>>,
    pub label: Option<Spanned<String>>,
    pub stage_limit_s: Option<Spanned<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sweep {
    pub ring_dim: Option<Spanned<Vec<Spanned<usize>>>>,
    pub relu: Spanned<Vec<Spanned<String>>>,
    pub packing: Option<Spanned<Vec<Spanned<String>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exclude {
    pub ring_dim: Option<Spanned<usize>>,
    pub relu: Option<Spanned<String>>,
    pub packing: Option<Spanned<String>>,
}
