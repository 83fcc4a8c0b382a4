//! How many test images the published runs classify correctly, by network and polynomial.
//!
//! `experiments/accuracy.csv` holds the figures. A test compares it with `results/*/cases.csv`, and writes it from them
//! where `CIPHERLAB_BLESS` is set: `CIPHERLAB_BLESS=1 cargo test --release --lib accuracy`.

use std::fmt;
use std::sync::LazyLock;

use fhe_nn::Approximation;
use serde::{Deserialize, Serialize};

const PUBLISHED: &str = include_str!("../../accuracy.csv");

/// A published case with many images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Accuracy {
    /// Name of the shipped network.
    pub network: String,
    /// The polynomial that replaces ReLU.
    pub relu: String,
    /// Ring dimension of the case.
    pub ring_dim: usize,
    /// Its packing.
    pub packing: String,
    /// Test images that it was evaluated on.
    pub images: usize,
    /// Images that got the class of their label.
    pub correct: usize,
    /// `simulated` or `encrypted`.
    pub backend: String,
    /// Folder of the run in `results`.
    pub run: String,
}

static ALL: LazyLock<Vec<Accuracy>> = LazyLock::new(|| {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(PUBLISHED.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().expect("a test compares the file with the published runs")
});

impl Accuracy {
    /// Returns the published figures of a shipped network, the highest share first.
    pub(super) fn of_network(network: &str) -> Vec<&'static Self> {
        let mut found: Vec<&Self> = ALL.iter().filter(|accuracy| accuracy.network == network).collect();
        found.sort_by(|a, b| b.share().total_cmp(&a.share()));
        found
    }

    /// Returns the published figure of a shipped network with this polynomial; `None` if there is none.
    pub(super) fn of(network: &str, relu: &Approximation) -> Option<&'static Self> {
        let relu = relu.to_string();
        ALL.iter().find(|accuracy| accuracy.network == network && accuracy.relu == relu)
    }

    /// Share of the images with the right class.
    pub(super) fn share(&self) -> f64 {
        self.correct as f64 / self.images as f64
    }
}

impl fmt::Display for Accuracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { images, backend, ring_dim, .. } = self;
        let percent = 100.0 * self.share();
        write!(f, "{percent:.2} % of {images} images right, {backend} at N = {ring_dim}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::case::SHIPPED;

    /// Fewer images say little about accuracy.
    const FEWEST: usize = 1000;
    const HEADER: &str = "# Images with the right class in the published runs of at least 1000 images (results/*/cases.csv).\n\
                          # Renew: CIPHERLAB_BLESS=1 cargo test --release --lib accuracy\n";

    #[derive(Deserialize)]
    struct CaseRow {
        relu: String,
        backend: String,
        ring_dim: Option<usize>,
        packing: Option<String>,
        images: usize,
        failed: usize,
        correct: usize,
    }

    /// The cases of a run with a shipped network, in the order of its file.
    fn cases(folder: &Path) -> Vec<Accuracy> {
        let Ok(json) = std::fs::read_to_string(folder.join("run.json")) else { return Vec::new() };
        let run: serde_json::Value = serde_json::from_str(&json).unwrap();
        let Some(network) = SHIPPED.iter().find(|shipped| run["weights_sha256"] == shipped.weights_sha256()) else {
            return Vec::new();
        };
        let mut reader = csv::Reader::from_path(folder.join("cases.csv")).unwrap();
        let rows = reader.deserialize().map(Result::unwrap).filter(|row: &CaseRow| row.images >= FEWEST);
        rows.map(|row| Accuracy {
            network: network.name.to_owned(),
            relu: row.relu,
            ring_dim: row.ring_dim.unwrap(),
            packing: row.packing.unwrap(),
            images: row.images - row.failed,
            correct: row.correct,
            backend: row.backend.split(' ').next().unwrap().to_owned(),
            run: folder.file_name().unwrap().to_str().unwrap().to_owned(),
        })
        .collect()
    }

    #[test]
    fn every_published_accuracy_is_in_the_file_and_no_other() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut runs: Vec<_> =
            std::fs::read_dir(root.join("results")).unwrap().map(|run| run.unwrap().path()).collect();
        runs.sort();
        let mut published: BTreeMap<(String, Approximation), Accuracy> = BTreeMap::new();
        for accuracy in runs.iter().flat_map(|run| cases(run)) {
            let key = (accuracy.network.clone(), accuracy.relu.parse().unwrap());
            published.entry(key).or_insert(accuracy);
        }
        assert!(published.len() >= 10, "found {} published accuracies", published.len());
        let mut writer = csv::Writer::from_writer(Vec::new());
        published.values().for_each(|accuracy| writer.serialize(accuracy).unwrap());
        let wanted = HEADER.to_owned() + &String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let file = root.join("experiments/accuracy.csv");
        if std::env::var_os("CIPHERLAB_BLESS").is_some() {
            std::fs::write(&file, &wanted).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), wanted, "{} differs", file.display());
    }

    #[test]
    fn low_degrees_lose_the_classes_of_a_network_that_was_trained_with_relu() {
        let share = |network: &str, relu: &str| Accuracy::of(network, &relu.parse().unwrap()).unwrap().share();
        assert!(share("resnet20", "chebyshev:3") < 0.2 && share("resnet20", "chebyshev:59") > 0.92);
        assert!(share("resnet20-chebyshev7", "chebyshev:7") > 0.92);
        let best = Accuracy::of_network("resnet20");
        assert!(best.is_sorted_by(|a, b| a.share() >= b.share()) && best.len() > 10);
        assert_eq!(Accuracy::of("resnet20", &"composite:7,7,13".parse().unwrap()), None);
    }
}
