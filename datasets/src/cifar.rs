//! CIFAR-10 images and the official binary layout (<https://www.cs.toronto.edu/~kriz/cifar.html>).
//!
//! A record is a label byte followed by 3072 pixel bytes: the red plane, the green plane, the blue plane, each 32 rows
//! of 32 pixels from the top left. A batch is 10,000 records with nothing between them.

use std::fmt;
use std::sync::LazyLock;

use crate::Error;

/// Width and height of an image, in pixels.
pub const SIDE: usize = 32;
/// Bytes of an image: three planes of 32 x 32.
pub const PIXELS: usize = 3 * SIDE * SIDE;
/// Bytes of a record: a label and an image.
pub const RECORD: usize = 1 + PIXELS;
/// Records in an official batch.
pub const BATCH: usize = 10_000;

/// The ten classes, by label.
pub const CLASS_NAMES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Maps a pixel p to `(p / 255 - mean) / std`, channel by channel (red, green, blue), as a network's training did.
///
/// A network of one channel takes grey, by the weights of ITU-R BT.601 as Pillow and torchvision round them; one of two
/// channels takes the first two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalisation {
    /// Channels that the network takes: one to three. Further means and deviations are not used.
    pub channels: usize,
    /// Subtracted from the pixel in [0, 1].
    pub mean: [f64; 3],
    /// Divides the difference.
    pub std: [f64; 3],
}

impl Normalisation {
    /// The constants that our weights and the paper's were trained with.
    pub const CIFAR10: Self = Self { channels: 3, mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.2010] };
    /// Pixels in [0, 1] without normalisation, as the published C++ code uses them.
    pub const NONE: Self = Self { channels: 3, mean: [0.0; 3], std: [1.0; 3] };
}

/// An image of 32 x 32 pixels, with its label if it is known.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    /// Class, from 0 (see [`CLASS_NAMES`] for CIFAR-10's); `None` for a picture without a label.
    pub label: Option<u16>,
    /// Planar: `pixels[1024 * channel + 32 * row + column]`, channels red, green, blue.
    pub pixels: [u8; PIXELS],
}

impl fmt::Debug for Image {
    // Without the 3072 pixels.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image").field("label", &self.label).finish_non_exhaustive()
    }
}

impl Image {
    /// The 3 * 32 * 32 values the network takes, in the order of [`Image::pixels`], by [`Normalisation::CIFAR10`].
    pub fn normalised(&self) -> Vec<f64> {
        self.normalised_by(&Normalisation::CIFAR10)
    }

    /// The values the network takes, in the order of [`Image::pixels`], by these constants.
    pub fn normalised_by(&self, by: &Normalisation) -> Vec<f64> {
        let grey = (by.channels == 1).then(|| self.grey());
        let planes = grey.as_ref().map_or(&self.pixels[..by.channels.min(3) * PLANE], |grey| grey).chunks_exact(PLANE);
        let constants = by.mean.iter().zip(by.std);
        planes
            .zip(constants)
            .flat_map(|(plane, (mean, std))| plane.iter().map(move |&p| (f64::from(p) / 255.0 - mean) / std))
            .collect()
    }
}

/// Bytes of a plane.
const PLANE: usize = SIDE * SIDE;

impl Image {
    /// The grey of each pixel.
    fn grey(&self) -> Vec<u8> {
        let [red, green, blue] = [0, 1, 2].map(|channel| &self.pixels[channel * PLANE..][..PLANE]);
        let weighted = red.iter().zip(green).zip(blue).map(|((&r, &g), &b)| {
            // Sixteen bits of fraction, rounded.
            (19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b) + 0x8000) >> 16
        });
        weighted.map(|grey| grey as u8).collect()
    }
}

/// Reads any whole number of records.
///
/// # Errors
/// [`Error::Truncated`] where the last record is not whole, [`Error::BadLabel`] for a label above 9.
pub fn parse_records(bytes: &[u8]) -> Result<Vec<Image>, Error> {
    let (records, rest) = bytes.as_chunks::<RECORD>();
    if !rest.is_empty() {
        return Err(Error::Truncated { found: bytes.len(), records: records.len(), rest: rest.len(), wanted: RECORD });
    }
    let parse = |(record, bytes): (usize, &[u8; RECORD])| {
        let [label, pixels @ ..] = bytes;
        if usize::from(*label) >= CLASS_NAMES.len() {
            return Err(Error::BadLabel { record, found: *label });
        }
        Ok(Image { label: Some((*label).into()), pixels: *pixels })
    };
    records.iter().enumerate().map(parse).collect()
}

/// The first 100 images of the test set, in order.
pub fn embedded_test_sample() -> &'static [Image] {
    static SAMPLE: LazyLock<Vec<Image>> = LazyLock::new(|| {
        parse_records(include_bytes!("../assets/cifar10-test-first-100.bin")).expect("the embedded sample is whole")
    });
    &SAMPLE
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Images in the official layout.
    fn official(images: &[Image]) -> Vec<u8> {
        let label = |image: &Image| u8::try_from(image.label.unwrap()).unwrap();
        images.iter().flat_map(|image| std::iter::once(label(image)).chain(image.pixels)).collect()
    }

    #[test]
    fn the_sample_is_the_start_of_the_test_set() {
        let sample = embedded_test_sample();
        assert_eq!(sample.len(), 100);
        let names: Vec<_> = sample[..5].iter().map(|i| CLASS_NAMES[usize::from(i.label.unwrap())]).collect();
        assert_eq!(names, ["cat", "ship", "ship", "airplane", "frog"]);
        let bytes = official(sample);
        // of the first 307,300 bytes of a test batch whose own digest is the official one
        let wanted = "440e5480f4f4a46030e496053a7f3d793d4bd5e284f762e076c2ee22afe98666";
        assert_eq!(crate::digest::sha256(&bytes), wanted);
    }

    #[test]
    fn a_record_cut_short_is_named() {
        let error = parse_records(&[0; RECORD + 7]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "truncated CIFAR-10 data: found 3080 bytes, which is 1 whole records and 7 bytes; wanted a multiple of 3073"
        );
    }

    #[test]
    fn a_label_above_nine_is_named() {
        let mut bytes = vec![0; 3 * RECORD];
        bytes[2 * RECORD] = 10;
        let error = parse_records(&bytes).unwrap_err();
        assert_eq!(error.to_string(), "record 2: found label 10, wanted 0 to 9");
    }

    #[test]
    fn normalisation_maps_each_channel_by_its_own_constants() {
        let mut image = Image { label: None, pixels: [0; PIXELS] };
        image.pixels[1024] = 255; // first green pixel
        let values = image.normalised();
        assert_eq!(values.len(), PIXELS);
        assert_eq!(values[0], (0.0 - 0.4914) / 0.2023);
        assert_eq!(values[1024], (1.0 - 0.4822) / 0.1994);
        assert_eq!(values[3071], (0.0 - 0.4465) / 0.2010);
        assert_eq!(image.normalised_by(&Normalisation::NONE)[1024], 1.0);
    }

    #[test]
    fn networks_of_fewer_channels_take_grey_or_the_first_two() {
        let mut image = Image { label: None, pixels: [0; PIXELS] };
        (image.pixels[5], image.pixels[1024 + 5], image.pixels[2048 + 5]) = (200, 100, 50);
        image.pixels[7..].iter_mut().step_by(1024).for_each(|pixel| *pixel = 93);
        let grey = image.normalised_by(&Normalisation { channels: 1, ..Normalisation::NONE });
        // 0.299 · 200 + 0.587 · 100 + 0.114 · 50 = 124.2
        assert_eq!((grey.len(), grey[5] * 255.0, grey[7] * 255.0), (1024, 124.0, 93.0));
        let two = image.normalised_by(&Normalisation { channels: 2, ..Normalisation::NONE });
        assert_eq!((two.len(), two[1024 + 5] * 255.0), (2048, 100.0));
    }

    proptest! {
        #[test]
        fn records_survive_a_round_trip(labels in prop::collection::vec(0u8..10, 0..4), fill: u8) {
            let bytes: Vec<u8> = labels.iter().flat_map(|&l| std::iter::once(l).chain((0..PIXELS).map(move |i| fill.wrapping_add(i as u8)))).collect();
            let images = parse_records(&bytes).unwrap();
            prop_assert_eq!(official(&images), bytes);
        }
    }
}
