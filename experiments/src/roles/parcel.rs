//! Folders of ciphertexts that travel between client and server, each with a list.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use fhe_ring::SecretRng;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use super::codes::hex;
use super::manifest::Manifest;
use crate::files;

const NAME: &str = "parcel.json";
const FORMAT: u32 = 1;
const LONGEST: u64 = 1 << 16;

/// The list of a folder. It names no image: the server learns their number only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parcel {
    format: u32,
    /// Identity of the keys that the ciphertexts are under.
    pub key: String,
    /// Identity of the upload. A download has that of the upload it answers.
    pub upload: String,
    /// Number of images.
    pub images: usize,
    /// Images of a ciphertext; the last one may hold fewer.
    pub batch: usize,
    /// Identity of the model that computed the logits of a download. An upload has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// The direction of a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Images to the server.
    Up,
    /// Logits to the client.
    Down,
}

impl Parcel {
    /// Returns the list of a new upload.
    pub(super) fn new(key: &str, images: usize, batch: usize) -> Self {
        let mut upload = [0; 16];
        SecretRng::from_os().fill_bytes(&mut upload);
        Self { format: FORMAT, key: key.to_owned(), upload: hex(&upload), images, batch, model: None }
    }

    /// Returns the list of the download in which this model answers the upload.
    pub(super) fn answered_by(&self, model: String) -> Self {
        Self { model: Some(model), ..self.clone() }
    }

    /// Number of ciphertexts.
    pub fn ciphertexts(&self) -> usize {
        self.images.div_ceil(self.batch)
    }

    /// Number of images of a ciphertext.
    pub fn images_of(&self, ciphertext: usize) -> usize {
        self.batch.min(self.images - ciphertext * self.batch)
    }

    /// Reads the list of a folder; `None` if there is none.
    ///
    /// # Errors
    /// A file that is no list, or lists nothing.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(NAME);
        if !path.exists() {
            return Ok(None);
        }
        let text = files::read_text(&path, LONGEST)?;
        Self::parse(&text).with_context(|| path.display().to_string()).map(Some)
    }

    /// Reads a list.
    ///
    /// # Errors
    /// A text that is no list, or lists nothing.
    pub fn parse(text: &str) -> Result<Self> {
        let found: Self = serde_json::from_str(text).context("not a list of ciphertexts")?;
        let Self { format, images, batch, .. } = &found;
        ensure!(*format == FORMAT, "format: found {format}, wanted {FORMAT}, that of this version");
        ensure!((1..=1 << 24).contains(images), "images: found {images}, wanted 1 to {}", 1 << 24);
        ensure!((1..=1 << 10).contains(batch), "batch: found {batch}, wanted 1 to 1024");
        Ok(found)
    }

    /// Reads the list of a folder that must have one.
    ///
    /// # Errors
    /// Those of [`Parcel::read`]; a folder without a list.
    pub(crate) fn expect(folder: &Path, direction: Direction) -> Result<Self> {
        let writer = match direction {
            Direction::Up => "encrypt",
            Direction::Down => "evaluate",
        };
        let missing =
            || format!("{}: found no {NAME}, wanted a folder that `cipherlab {writer}` has written", folder.display());
        Self::read(folder)?.with_context(missing)
    }

    /// Writes the list.
    ///
    /// # Errors
    /// If the file system refuses.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        files::replace(&folder.join(NAME), text.as_bytes())
    }

    /// Fails if the ciphertexts are under other keys, or hold another number of images than those keys say.
    ///
    /// # Errors
    /// What was found, and what the keys say.
    pub(super) fn check_keys(&self, folder: &Path, manifest: &Manifest) -> Result<()> {
        let (folder, wanted) = (folder.display(), &manifest.key);
        ensure!(
            self.key == *wanted,
            "{folder}: found ciphertexts under the keys {}, wanted those under {wanted}, the keys named; two clients' files were mixed",
            self.key
        );
        let (found, wanted) = (self.batch, manifest.input.images);
        ensure!(found == wanted, "{folder}: found {found} images in a ciphertext, wanted {wanted}, as the keys say");
        Ok(())
    }
}

/// Returns the path of a ciphertext.
pub(super) fn path(folder: &Path, direction: Direction, ciphertext: usize) -> PathBuf {
    let ending = match direction {
        Direction::Up => "images",
        Direction::Down => "logits",
    };
    folder.join(format!("{ciphertext:06}.{ending}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ciphertext_holds_the_rest() {
        let parcel = Parcel::new("k", 7, 3);
        assert_eq!((parcel.ciphertexts(), [0, 1, 2].map(|k| parcel.images_of(k))), (3, [3, 3, 1]));
        let text = serde_json::to_string(&parcel).unwrap();
        assert_eq!(Parcel::parse(&text).unwrap(), parcel);
        for (from, to) in
            [("\"images\":7", "\"images\":0"), ("\"batch\":3", "\"batch\":0"), ("\"format\":1", "\"format\":2")]
        {
            assert!(Parcel::parse(&text.replace(from, to)).is_err(), "{to}");
        }
    }
}
