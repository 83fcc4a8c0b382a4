//! One file: a vector of blocks, each a weight under a mask.

use std::path::{Path, PathBuf};

use crate::{Error, files, kind};

/// Largest number of bytes of a line, on average: a number in scientific notation takes 26.
const LINE: u64 = 64;

/// The mask of a kernel position on a grid of `side` × `side` pixels. A block has its weight at each output pixel whose
/// kernel position is inside the grid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mask {
    /// Height and width of the grid.
    pub(super) side: usize,
    /// The distance between rows, and between columns, that have an output.
    pub(super) stride: usize,
    /// Rows and columns from an output pixel to its kernel position.
    pub(super) look: [i64; 2],
}

impl Mask {
    /// Returns whether pixel `index` of the grid, row by row, carries the weight.
    pub(super) fn holds(self, index: usize) -> bool {
        let at = [index / self.side, index % self.side];
        let inside = |(at, look): (usize, i64)| (0..self.side as i64).contains(&(at as i64 + look));
        at.iter().all(|at| at % self.stride == 0) && at.into_iter().zip(self.look).all(inside)
    }
}

/// Returns the weight of each of the first `wanted` blocks of a file; the blocks after them, up to `blocks`, must be
/// zero.
///
/// # Errors
/// [`Error::PaperWeights`] for a value that does not fit the mask or the block, and those of [`numbers`].
pub(super) fn weights(folder: &Path, file: &str, mask: Mask, blocks: usize, wanted: usize) -> Result<Vec<f32>, Error> {
    let grid = mask.side * mask.side;
    let (path, values) = numbers(folder, file, blocks * grid)?;
    let mut weights = vec![None; wanted];
    for (index, &(value, line)) in values.iter().enumerate() {
        let bad =
            |reason: String| Error::PaperWeights { path: path.clone(), line, found: value.to_string(), wanted: reason };
        match weights.get_mut(index / grid) {
            Some(weight) if mask.holds(index % grid) => {
                let weight: &mut f64 = weight.get_or_insert(value);
                if *weight != value {
                    return Err(bad(format!("{weight}, as in the lines of the same block before it")));
                }
            }
            _ if value == 0.0 => {}
            Some(_) => {
                return Err(bad(
                    "0, since the kernel looks beyond the border there, or the stride passes over".to_owned()
                ));
            }
            None => return Err(bad(format!("0, since the layer has {wanted} input channels"))),
        }
    }
    Ok(weights.into_iter().map(|weight| weight.expect("every mask has a pixel") as f32).collect())
}

/// Returns all `count` numbers of a file, each with its line.
///
/// # Errors
/// * [`Error::Missing`] if the folder lacks the file, [`Error::Io`] and [`Error::NotAFile`] if it cannot be read.
/// * [`Error::TooLarge`] for more than 64 bytes a number, [`Error::WrongKind`] for bytes that are not text.
/// * [`Error::PaperWeights`] for a line that is not a finite number, or another number of lines.
pub(super) fn numbers(folder: &Path, file: &str, count: usize) -> Result<(PathBuf, Vec<(f64, usize)>), Error> {
    let path = folder.join(file);
    let bytes = match files::read(&path, LINE * count as u64) {
        Err(Error::Io { reason, .. }) if reason.kind() == std::io::ErrorKind::NotFound => {
            let advice = "wanted the whole weights folder of a clone of the repository of ePrint 2024/460";
            return Err(Error::Missing { place: folder.to_owned(), file: file.to_owned(), advice });
        }
        read => read?,
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let found = kind::of(error.as_bytes()).to_owned();
        Error::WrongKind { path: path.clone(), found, wanted: "text with one number a line" }
    })?;
    let mut values = Vec::with_capacity(count);
    for (line, text) in text.lines().enumerate().map(|(index, text)| (index + 1, text.trim())) {
        let value = text.parse::<f64>().ok().filter(|&value| (value as f32).is_finite());
        let value = value.ok_or_else(|| {
            let (found, wanted) = (format!("'{text}'"), "a finite number of single precision".to_owned());
            Error::PaperWeights { path: path.clone(), line, found, wanted }
        })?;
        values.push((value, line));
    }
    if values.len() != count {
        let (found, wanted) = (format!("{} numbers", values.len()), format!("{count}, one a line"));
        return Err(Error::PaperWeights { path, line: values.len(), found, wanted });
    }
    Ok((path, values))
}
