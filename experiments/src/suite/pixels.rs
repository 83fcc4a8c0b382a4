//! Normalised images between the client's stages, as 32-bit numbers.

use std::path::Path;

use anyhow::{Result, ensure};
use datasets::cifar::{Normalisation, PIXELS};

use crate::files;

/// Bytes of an image.
const IMAGE: usize = 4 * PIXELS;

/// Returns the network's input for values in [0, 1], planes one after another.
pub(super) fn normalise(values: &[f64], by: &Normalisation) -> Vec<f64> {
    let plane = PIXELS / 3;
    values.iter().enumerate().map(|(at, value)| (value - by.mean[at / plane]) / by.std[at / plane]).collect()
}

/// Writes images.
///
/// # Errors
/// If the file system refuses.
pub(super) fn write(path: &Path, images: &[Vec<f64>]) -> Result<()> {
    let bytes: Vec<u8> = images.iter().flatten().flat_map(|&value| (value as f32).to_le_bytes()).collect();
    files::replace(path, &bytes)
}

/// Reads images.
///
/// # Errors
/// A file that is missing or is not as long as images are.
pub(super) fn read(path: &Path) -> Result<Vec<Vec<f64>>> {
    let bytes = datasets::files::read(path, u64::MAX)?;
    ensure!(
        !bytes.is_empty() && bytes.len().is_multiple_of(IMAGE),
        "{}: found {} bytes, wanted {IMAGE} for each image",
        path.display(),
        bytes.len()
    );
    let number = |four: &[u8]| f64::from(f32::from_le_bytes(four.try_into().expect("four bytes")));
    Ok(bytes.chunks(IMAGE).map(|image| image.chunks(4).map(number).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use datasets::cifar::embedded_test_sample;

    #[test]
    fn images_come_back_normalised() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("images");
        let (image, by) = (&embedded_test_sample()[5], Normalisation::CIFAR10);
        let values: Vec<f64> = image.pixels.iter().map(|&pixel| f64::from(pixel) / 255.0).collect();
        write(&path, &[normalise(&values, &by), vec![0.0; PIXELS]]).unwrap();
        let read_back = read(&path).unwrap();
        let apart = read_back[0].iter().zip(image.normalised_by(&by)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(read_back.len() == 2 && apart < 1e-6, "{apart}");
        std::fs::write(&path, [0; 7]).unwrap();
        assert!(read(&path).is_err());
    }
}
