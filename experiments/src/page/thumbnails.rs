//! Small pictures of test images, in sheets of many, so that a page of ten thousand stays small.

use anyhow::{Context, Result};
use image::codecs::jpeg::JpegEncoder;
use image::{GenericImage, Rgb, RgbImage};
use rayon::prelude::*;
use serde::Serialize;

use crate::images::Numbered;
use crate::output::in_one_line;
use datasets::cifar::{Image, SIDE};

/// Images in a row of a sheet.
const COLUMNS: usize = 40;
/// Images of a sheet.
const SHEET: usize = 1000;
/// Quality of the sheets, for JPEG. Ten thousand images take 4 MB in a page.
const QUALITY: u8 = 60;

/// The thumbnails of a page.
#[derive(Serialize)]
pub(super) struct Thumbnails {
    /// Numbers of the images in their order in the sheets.
    images: Vec<usize>,
    columns: usize,
    sheet: usize,
    /// Rows of each sheet.
    rows: Vec<usize>,
    /// Sheets as JPEG.
    #[serde(skip)]
    pub sheets: Vec<Vec<u8>>,
    /// Why images have none, in words.
    pub note: Option<String>,
}

impl Thumbnails {
    /// Returns no thumbnails, and why.
    pub(super) fn none(note: &str) -> Self {
        let (images, rows, sheets) = (Vec::new(), Vec::new(), Vec::new());
        Self { images, columns: COLUMNS, sheet: SHEET, rows, sheets, note: Some(note.to_owned()) }
    }

    /// Returns thumbnails of the first `most` of these images that the data set on this machine has.
    ///
    /// # Errors
    /// A sheet that cannot be made.
    pub(super) fn of(images: &[usize], most: usize) -> Result<Self> {
        let mut test_set = Numbered::new(None);
        let (mut found, mut lost): (Vec<(usize, Image)>, Option<String>) = (Vec::new(), None);
        for &image in images {
            if found.len() == most {
                break;
            }
            // The first failure tells all: only the images of the embedded sample are left.
            if lost.is_some() && image >= datasets::cifar::embedded_test_sample().len() {
                continue;
            }
            match test_set.get(image) {
                Ok(picture) => found.push((image, picture.clone())),
                Err(error) => lost = Some(in_one_line(&error)),
            }
        }
        let (shown, all) = (found.len(), images.len());
        let note = match lost {
            Some(error) => Some(format!(
                "{shown} of {all} images have thumbnails; the data set with the others is not on the machine that made this \
                 page ({error})."
            )),
            None if shown < all && most > 0 => Some(format!(
                "{shown} of {all} images have thumbnails: those that failed or changed their class in the most cases, then \
                 those of the smallest margin."
            )),
            None if shown < all => Some("This page was made without thumbnails.".to_owned()),
            None => None,
        };
        let sheets: Vec<&[(usize, Image)]> = found.chunks(SHEET).collect();
        let rows = sheets.iter().map(|sheet| sheet.len().div_ceil(COLUMNS)).collect();
        let sheets = sheets.par_iter().map(|sheet| jpeg(sheet)).collect::<Result<_>>()?;
        let images = found.iter().map(|(image, _)| *image).collect();
        Ok(Self { images, columns: COLUMNS, sheet: SHEET, rows, sheets, note })
    }
}

/// Returns images side by side as JPEG. Its blocks of 8 × 8 pixels end where the images do.
fn jpeg(images: &[(usize, Image)]) -> Result<Vec<u8>> {
    let side = SIDE as u32;
    let rows = images.len().div_ceil(COLUMNS) as u32;
    let mut sheet = RgbImage::new(COLUMNS as u32 * side, rows * side);
    for (at, (_, image)) in images.iter().enumerate() {
        let plane = |channel: usize, x: u32, y: u32| image.pixels[SIDE * (SIDE * channel + y as usize) + x as usize];
        let picture = RgbImage::from_fn(side, side, |x, y| Rgb([0, 1, 2].map(|channel| plane(channel, x, y))));
        let (column, row) = ((at % COLUMNS) as u32, (at / COLUMNS) as u32);
        sheet.copy_from(&picture, column * side, row * side).context("a sheet of thumbnails")?;
    }
    let mut bytes = Vec::new();
    sheet.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY)).context("a sheet of thumbnails")?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_holds_the_images_in_their_order() {
        let thumbnails = Thumbnails::of(&[7, 3, 99], 2).unwrap();
        assert_eq!((&thumbnails.images[..], &thumbnails.rows[..]), (&[7, 3][..], &[1][..]));
        assert!(thumbnails.note.unwrap().starts_with("2 of 3 images have thumbnails: those that"));
        let sheet = image::load_from_memory(&thumbnails.sheets[0]).unwrap().into_rgb8();
        assert_eq!(sheet.dimensions(), (1280, 32));
        let image = &datasets::cifar::embedded_test_sample()[3];
        let pixels = (0..32 * 32).map(|at| {
            let found = sheet.get_pixel(32 + at % 32, at / 32);
            (0..3).map(|c| found[c].abs_diff(image.pixels[1024 * c + at as usize])).map(u64::from).sum::<u64>()
        });
        let mean = pixels.sum::<u64>() as f64 / (3.0 * 1024.0);
        assert!(mean < 12.0, "the second thumbnail is off by {mean} of 255 on average");
    }
}
