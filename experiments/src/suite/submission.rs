//! The folder of a submission: its settings and its model.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fhe_nn::encrypted::Packing;
use serde::{Deserialize, Serialize};

use crate::case::{Case, CaseSpec, Claim, Named, Source, check_ring_dim};
use crate::contract::Size;
use crate::files;

const NAME: &str = "submission.json";
const LONGEST: u64 = 1 << 16;

/// The settings of a submission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Ring dimension N.
    pub ring_dim: usize,
    /// The polynomial in place of ReLU.
    pub relu: String,
    /// The packing of a single image.
    pub packing: String,
    /// The packing of several images.
    pub batch_packing: String,
    /// Factor by which intervals exceed ranges.
    pub headroom: f64,
    /// The weights, below the folder.
    pub weights: PathBuf,
    /// Their card, below the folder.
    pub card: PathBuf,
}

/// A submission on disk.
pub(super) struct Submission {
    folder: PathBuf,
    settings: Settings,
}

impl Submission {
    /// Reads the settings of the submission in a folder.
    ///
    /// # Errors
    /// A file that is missing or holds other settings.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(NAME);
        let text = files::read_text(&path, LONGEST)
            .context("wanted the settings of a submission, as `cipherlab suite install` writes them")?;
        let settings = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        Ok(Self { folder: folder.to_owned(), settings })
    }

    /// Returns the packing for a number of images.
    ///
    /// # Errors
    /// Settings with a word that is none.
    pub(super) fn packing(&self, size: Size) -> Result<Packing> {
        let (name, word) = match size {
            Size::Single => ("packing", &self.settings.packing),
            _ => ("batch_packing", &self.settings.batch_packing),
        };
        word.parse().context(name).with_context(|| self.place())
    }

    /// Returns the packings for every number of images.
    ///
    /// # Errors
    /// Settings with a word that is none.
    pub(super) fn packings(&self) -> Result<Vec<Packing>> {
        let mut packings = vec![self.packing(Size::Single)?, self.packing(Size::Small)?];
        packings.dedup();
        Ok(packings)
    }

    fn place(&self) -> String {
        self.folder.join(NAME).display().to_string()
    }

    /// Returns the case with a packing.
    ///
    /// # Errors
    /// Settings that no case has, a model that cannot be read, and parameters that are not secure.
    pub(super) fn case(&self, packing: Packing, claim: Claim) -> Result<Case> {
        let Settings { ring_dim, relu, headroom, weights, card, .. } = &self.settings;
        let place = || self.place();
        let named = |path: &Path| {
            let path = self.folder.join(path);
            Some(Named { place: path.display().to_string(), path })
        };
        let headroom_place = format!("{}: headroom", place());
        let source = Source { weights: named(weights), card: named(card), headroom: *headroom, headroom_place };
        let model = source.load_with(claim)?;
        let relu = relu.parse().context("relu").with_context(place)?;
        check_ring_dim(*ring_dim, model.slots_needed(packing)).context("ring_dim").with_context(place)?;
        let spec = CaseSpec { ring_dim: *ring_dim, relu, packing, profile: None };
        Case::new(&spec, model, None).with_context(place)
    }
}

impl Settings {
    /// Writes the settings to the folder of a submission.
    ///
    /// # Errors
    /// If the file system refuses.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        files::replace(&folder.join(NAME), (serde_json::to_string_pretty(self)? + "\n").as_bytes())
    }
}
