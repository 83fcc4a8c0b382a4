//! Binary batches in the layouts of CIFAR-10 (label, pixels) and CIFAR-100 (coarse label, fine label, pixels).

use std::path::Path;

use super::{PictureSet, refused};
use crate::cifar::{CLASS_NAMES, Image, PIXELS, RECORD, parse_records};
use crate::{Error, kind};

/// Bytes of a record of CIFAR-100.
const RECORD_100: usize = 2 + PIXELS;
/// Coarse and fine classes of CIFAR-100.
const CLASSES_100: [u8; 2] = [20, 100];

/// Reads a batch. Its length tells the layout.
pub(super) fn load(path: &Path, bytes: &[u8]) -> Result<PictureSet, Error> {
    let whole = |record: usize| !bytes.is_empty() && bytes.len().is_multiple_of(record);
    // A length of whole records of both kinds is at least 9 MB; the labels decide then.
    let (images, classes) = match (whole(RECORD), whole(RECORD_100)) {
        (true, false) => (parse_records(bytes).map_err(|error| at(path, &error))?, true),
        (true, true) if parse_records(bytes).is_ok() => (parse_records(bytes)?, true),
        (_, true) => (parse_100(path, bytes)?, false),
        (false, false) => {
            let found = format!("{} bytes ({})", bytes.len(), kind::of(bytes));
            let wanted = format!("whole records of {RECORD} bytes (CIFAR-10) or {RECORD_100} (CIFAR-100)");
            return Err(refused(path, found, wanted));
        }
    };
    let classes = classes.then(|| CLASS_NAMES.map(str::to_owned).to_vec());
    Ok(PictureSet { images, classes, notes: Vec::new() })
}

fn at(path: &Path, error: &Error) -> Error {
    match error {
        Error::BadLabel { record, found } => {
            refused(path, format!("label {found} in record {record}"), "0 to 9, CIFAR-10's labels")
        }
        error => refused(path, error.to_string(), "whole records"),
    }
}

fn parse_100(path: &Path, bytes: &[u8]) -> Result<Vec<Image>, Error> {
    let parse = |(record, bytes): (usize, &[u8; RECORD_100])| {
        let [coarse, fine, pixels @ ..] = bytes;
        for ((label, end), word) in [coarse, fine].into_iter().zip(CLASSES_100).zip(["coarse", "fine"]) {
            if *label >= end {
                let found = format!("{word} label {label} in record {record}");
                return Err(refused(path, found, format!("0 to {}, CIFAR-100's {word} labels", end - 1)));
            }
        }
        Ok(Image { label: Some((*fine).into()), pixels: *pixels })
    };
    bytes.as_chunks::<RECORD_100>().0.iter().enumerate().map(parse).collect()
}
