//! Others' figures as they report them, embedded with their sources.

use fhe_ckks::SecretDistribution;
use fhe_ckks::security::{self, SecurityReport};
use serde::Deserialize;

const TEXT: &str = include_str!("../../../literature.toml");

/// The content of `literature.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Literature {
    /// The paper.
    pub paper: Paper,
    /// Its parameter sets.
    pub set: Vec<ParameterSet>,
    /// The published program, as we ran it.
    pub measured: Measured,
    /// Other systems.
    pub system: Vec<System>,
}

/// The paper.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paper {
    pub title: String,
    pub source: String,
    pub log_n: u32,
    pub secret_weight: u32,
    pub packing: String,
    pub encrypted_accuracy: f64,
    pub plain_accuracy: f64,
    pub released_weights_accuracy: f64,
    pub released_weights_bare_accuracy: f64,
}

/// A parameter set as published.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParameterSet {
    pub set: u32,
    pub digits: usize,
    pub log_qp: f64,
    pub relu: String,
    pub depth: usize,
    pub bootstraps: usize,
    pub memory_gb: f64,
    pub bootstrap_bits: f64,
    /// Precision after the initial layer, the three stages and the classifier.
    pub precision: [f64; 5],
}

/// The published program, as we ran it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Measured {
    pub set: u32,
    pub what: String,
    pub seconds: f64,
    pub memory_gb: f64,
    pub key_gb: f64,
    pub bootstrap_bits: f64,
}

/// A system as it reports itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct System {
    pub name: String,
    pub year: u32,
    pub source: String,
    pub library: Option<String>,
    pub packing: Option<String>,
    pub activation: Option<String>,
    pub bootstraps: Option<String>,
    pub machine: Option<String>,
    pub seconds: Option<String>,
    pub amortised: Option<String>,
    pub memory_gb: Option<String>,
    pub encrypted: Option<String>,
    pub plain: Option<String>,
}

impl Literature {
    /// Returns the content of the file that the program was built with.
    pub(crate) fn embedded() -> Self {
        toml::from_str(TEXT).expect("literature.toml is tested")
    }
}

impl Paper {
    /// Returns today's limit for a modulus under a uniform ternary secret. The paper's own secret is sparse.
    pub(crate) fn uniform_limit(&self, log_qp: f64) -> Option<SecurityReport> {
        security::assess(self.log_n, SecretDistribution::UniformTernary, log_qp)
    }

    /// Returns today's limit for a modulus under the paper's sparse secret.
    pub(crate) fn sparse_limit(&self, log_qp: f64) -> Option<SecurityReport> {
        security::assess(self.log_n, SecretDistribution::FixedWeight(self.secret_weight), log_qp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_file_is_read_and_its_sets_fall_short() {
        let literature = Literature::embedded();
        assert_eq!(literature.set.iter().map(|set| set.set).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert!(literature.set.iter().any(|set| set.set == literature.measured.set));
        for set in &literature.set {
            assert_eq!(literature.paper.uniform_limit(set.log_qp).unwrap().bits, 0, "set {}", set.set);
            assert!(set.precision.iter().all(|p| (0.5..1.0).contains(p)));
        }
        let years = literature.system.iter().map(|system| system.year);
        assert!(years.clone().min() >= Some(2022) && years.max() <= Some(2026));
    }
}
