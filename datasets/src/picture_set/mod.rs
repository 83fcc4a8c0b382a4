//! Reads a set of pictures that a user brings, with or without labels.
//!
//! A set is one of: a binary batch in CIFAR-10's or CIFAR-100's layout; a NumPy array of pictures (`.npy`) with an array
//! of labels beside it, as CIFAR-10.1 and CIFAR-10-C have them; a folder with a folder of pictures for each class; a
//! folder of pictures without labels.

mod folder;
mod numpy;
mod records;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::cifar::Image;
use crate::{Error, files, kind};

/// The most classes of a set.
pub const MOST_CLASSES: usize = 1000;

/// The longest file of pictures that is read, in bytes: twice an array of CIFAR-10-C would be 307 MB.
const MAX_BYTES: u64 = 1 << 30;

/// A set of pictures, each brought to 32 x 32 pixels.
#[derive(Clone, Debug)]
pub struct PictureSet {
    /// The pictures, in the order of their file, or by class and name.
    pub images: Vec<Image>,
    /// The names of the classes, by label; `None` if the set has no names.
    pub classes: Option<Vec<String>>,
    /// One sentence for each assumption or change, for the user to read.
    pub notes: Vec<String>,
}

impl PictureSet {
    /// Returns the least number of classes that has every label; 0 if no picture has a label.
    pub fn labels_end(&self) -> usize {
        self.images.iter().filter_map(|image| image.label).max().map_or(0, |label| usize::from(label) + 1)
    }
}

/// Reads a set. `labels` names the array of the labels of an array of pictures. Without it, those of `NAME_data.npy` are
/// `NAME_labels.npy`, those of any other array are `labels.npy` beside it, and without such a file there are none.
///
/// # Errors
/// * [`Error::Io`], [`Error::NotAFile`] and [`Error::TooLarge`] if a file cannot be read.
/// * [`Error::WrongKind`] for a file of another kind.
/// * [`Error::Truncated`], [`Error::BadLabel`] and [`Error::PictureSet`] for content that is not whole, or that a set
///   cannot have: other shapes, other element types, labels without pictures, pictures of mixed sizes.
/// * Those of [`image_file::load`](crate::image_file::load) for a picture of a folder.
pub fn load(path: &Path, labels: Option<&Path>) -> Result<PictureSet, Error> {
    let is_folder = std::fs::metadata(path).map_err(Error::io(path))?.is_dir();
    let bytes = if is_folder { Vec::new() } else { files::read(path, MAX_BYTES)? };
    let array = bytes.starts_with(numpy::MAGIC);
    if let Some(labels) = labels.filter(|_| !array) {
        let (found, wanted) = ("labels of pictures that are no NumPy array", "none: such pictures have their own");
        return Err(refused(labels, found, wanted));
    }
    if is_folder {
        folder::load(path)
    } else if array {
        numpy::load(path, &bytes, labels)
    } else if path.extension().is_some_and(|ending| ending == "bin") {
        records::load(path, &bytes)
    } else {
        let wanted = "a .npy array of pictures, a .bin batch of CIFAR-10 or CIFAR-100, or a folder of pictures";
        Err(Error::WrongKind { path: path.to_owned(), found: kind::of(&bytes).to_owned(), wanted })
    }
}

/// Returns the refusal of a set.
fn refused(path: &Path, found: impl Into<String>, wanted: impl Into<String>) -> Error {
    Error::PictureSet { path: path.to_owned(), found: found.into(), wanted: wanted.into() }
}
