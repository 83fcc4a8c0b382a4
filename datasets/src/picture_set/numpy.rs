//! Arrays of pictures and of labels in NumPy's file format.

use std::path::{Path, PathBuf};

use npyz::{DType, NpyFile, Order, TypeChar};

use super::{MAX_BYTES, MOST_CLASSES, PictureSet, refused};
use crate::cifar::{Image, PIXELS, SIDE};
use crate::{Error, files, kind};

/// The first bytes of an array.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// Pixels of a plane.
const PLANE: usize = SIDE * SIDE;

/// Reads an array of pictures, with the labels in `labels` or beside it.
pub(super) fn load(path: &Path, bytes: &[u8], labels: Option<&Path>) -> Result<PictureSet, Error> {
    let mut images = pictures(path, bytes)?;
    let mut notes = Vec::new();
    let beside = labels.is_none().then(|| beside(path)).flatten();
    if let Some(file) = labels.or(beside.as_deref()) {
        let found = read_labels(file)?;
        if found.len() != images.len() {
            let wanted = format!("{}, one for each picture of {}", images.len(), path.display());
            return Err(refused(file, format!("{} labels", found.len()), wanted));
        }
        images.iter_mut().zip(found).for_each(|(image, label)| image.label = Some(label));
        if beside.is_some() {
            notes.push(format!("labels are those of {}", file.display()));
        }
    }
    Ok(PictureSet { images, classes: None, notes })
}

/// Returns the file of labels that belongs to an array by its name, if there is one.
fn beside(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let of_name = name.strip_suffix("data.npy").map(|start| format!("{start}labels.npy"));
    let names = of_name.into_iter().chain(["labels.npy".to_owned()]);
    names.map(|name| path.with_file_name(name)).find(|file| file != path && file.is_file())
}

/// The header of an array whose bytes are all there.
struct Array<'a> {
    shape: Vec<usize>,
    kind: TypeChar,
    /// Bytes of an element.
    width: usize,
    big_endian: bool,
    data: &'a [u8],
}

impl<'a> Array<'a> {
    fn parse(path: &Path, bytes: &'a [u8]) -> Result<Self, Error> {
        let mut rest = bytes;
        let file = NpyFile::new(&mut rest)
            .map_err(|error| refused(path, format!("an array that cannot be read ({error})"), "a whole .npy file"))?;
        let header = file.header().clone();
        drop(file);
        let DType::Plain(element) = header.dtype() else {
            return Err(refused(path, "an array of records", "an array of numbers"));
        };
        if header.order() == Order::Fortran && header.shape().len() > 1 {
            let wanted = "C order: save it with `numpy.save(FILE, numpy.ascontiguousarray(array))`";
            return Err(refused(path, "an array in Fortran order", wanted));
        }
        let width = element.num_bytes().unwrap_or(0);
        let sizes = header.shape().iter().map(|&size| usize::try_from(size).ok());
        let shape: Option<Vec<usize>> = sizes.collect();
        let shape = shape.ok_or_else(|| refused(path, format!("shape {:?}", header.shape()), "smaller dimensions"))?;
        let wanted = shape.iter().try_fold(width, |product, &size| product.checked_mul(size));
        if wanted != Some(rest.len()) {
            let found = format!("{} bytes after the header", rest.len());
            let wanted = wanted.map_or("less than 2^64".to_owned(), |wanted| wanted.to_string());
            return Err(refused(path, found, format!("{wanted}, by shape {shape:?}; copy it again")));
        }
        let (kind, big_endian) = (element.type_char(), element.endianness() == npyz::Endianness::Big);
        Ok(Self { shape, kind, width, big_endian, data: rest })
    }

    fn element(&self) -> String {
        format!("elements of type {:?} of {} bytes", self.kind, self.width)
    }
}

/// Returns the pictures of an array, without labels.
fn pictures(path: &Path, bytes: &[u8]) -> Result<Vec<Image>, Error> {
    let array = Array::parse(path, bytes)?;
    if array.kind != TypeChar::Uint || array.width != 1 {
        return Err(refused(path, array.element(), "uint8, pixels from 0 to 255"));
    }
    if array.shape.contains(&0) {
        return Err(refused(path, format!("shape {:?}, which has no picture", array.shape), "one or more"));
    }
    // Channels of a picture, and whether they are the last index.
    let (channels, last) = match array.shape[..] {
        [_, SIDE, SIDE] => (1, true),
        [_, SIDE, SIDE, channels @ 1..=3] => (channels, true),
        [_, channels @ 1..=3, SIDE, SIDE] => (channels, false),
        _ => {
            let wanted = format!("[pictures, {SIDE}, {SIDE}, 3], or 1 or 2 channels in place of 3, or none");
            return Err(refused(path, format!("pictures of shape {:?}", array.shape), wanted));
        }
    };
    let picture = |values: &[u8]| {
        let mut pixels = [0; PIXELS];
        for (channel, plane) in pixels.chunks_exact_mut(PLANE).enumerate() {
            // Grey is equal red, green and blue; of two channels the third stays 0.
            let from = if channels == 1 { 0 } else { channel };
            for (at, pixel) in plane.iter_mut().enumerate().filter(|_| from < channels) {
                *pixel = if last { values[at * channels + from] } else { values[from * PLANE + at] };
            }
        }
        Image { label: None, pixels }
    };
    Ok(array.data.chunks_exact(channels * PLANE).map(picture).collect())
}

/// Returns the labels of an array.
fn read_labels(path: &Path) -> Result<Vec<u16>, Error> {
    let bytes = files::read(path, MAX_BYTES)?;
    if !bytes.starts_with(MAGIC) {
        let (found, wanted) = (kind::of(&bytes).to_owned(), "a .npy array of labels");
        return Err(Error::WrongKind { path: path.to_owned(), found, wanted });
    }
    let array = Array::parse(path, &bytes)?;
    if !matches!(array.kind, TypeChar::Uint | TypeChar::Int) || !(1..=8).contains(&array.width) {
        return Err(refused(path, array.element(), "labels that are whole numbers"));
    }
    if array.shape.len() != 1 {
        return Err(refused(path, format!("labels of shape {:?}", array.shape), "[labels]"));
    }
    let label = |(at, element): (usize, &[u8])| {
        let label = integer(element, array.big_endian, array.kind == TypeChar::Int);
        let fits = u16::try_from(label).ok().filter(|&label| usize::from(label) < MOST_CLASSES);
        fits.ok_or_else(|| {
            refused(path, format!("label {label} at element {at}"), format!("0 to {}", MOST_CLASSES - 1))
        })
    };
    array.data.chunks_exact(array.width).enumerate().map(label).collect()
}

/// Returns the integer of at most 8 bytes.
fn integer(element: &[u8], big_endian: bool, signed: bool) -> i128 {
    let most_significant_first: Vec<u8> =
        if big_endian { element.to_vec() } else { element.iter().rev().copied().collect() };
    let bits = 8 * element.len() as u32;
    let value = most_significant_first.iter().fold(0_i128, |value, &byte| (value << 8) | i128::from(byte));
    if signed && value >> (bits - 1) == 1 { value - (1 << bits) } else { value }
}
