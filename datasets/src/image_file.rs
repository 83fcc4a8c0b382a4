//! A user's own picture, made into what the network takes.

use std::fmt;
use std::path::Path;

use image::imageops::{self, FilterType};
use image::{DynamicImage, GenericImageView, ImageDecoder, ImageReader, RgbImage};

use crate::Error;
use crate::cifar::{Image, PIXELS, SIDE};

/// A picture brought to 32 x 32, and what that took.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The picture, without a label.
    pub image: Image,
    /// What was done to it, to be told to the user.
    pub changes: Changes,
}

/// What was done to a picture; its `Display` is one line for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changes {
    /// Width of the picture upright, in pixels.
    pub width: u32,
    /// Height of the picture upright, in pixels.
    pub height: u32,
    /// Whether the camera's orientation tag turned or mirrored it.
    pub turned: bool,
    /// Whether an alpha channel was laid over white.
    pub flattened: bool,
    /// Side of the centre square that was kept, in pixels.
    pub crop: u32,
}

impl Changes {
    /// Whether the centre square is less than the whole picture.
    pub fn cropped(&self) -> bool {
        self.width != self.height
    }

    /// Whether the square had another side than 32.
    pub fn resized(&self) -> bool {
        self.crop as usize != SIDE
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {} pixels", self.width, self.height)?;
        let mut steps = Vec::new();
        if self.turned {
            steps.push("turned upright".to_owned());
        }
        if self.flattened {
            steps.push("transparency laid over white".to_owned());
        }
        if self.cropped() {
            steps.push(format!("cropped to the centre {0} x {0}", self.crop));
        }
        if self.resized() {
            steps.push(format!("resized to {SIDE} x {SIDE}"));
        }
        match steps.is_empty() {
            true => write!(f, ", taken as it is"),
            false => write!(f, ": {}", steps.join(", ")),
        }
    }
}

/// Reads a PNG or JPEG of any size: turned upright, centre square, resized to 32 x 32 (Lanczos, 3 lobes). A picture that is
/// already 32 x 32 keeps its pixels exactly.
///
/// # Errors
/// [`Error::Io`] where the file cannot be read, [`Error::Decode`] where it is no PNG or JPEG, or too large to decode.
pub fn load(path: &Path) -> Result<Loaded, Error> {
    let decode = |source| Error::Decode { path: path.to_owned(), source };
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format).map_err(Error::io(path))?;
    let mut decoder = reader.into_decoder().map_err(decode)?;
    let orientation = decoder.orientation().map_err(decode)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(decode)?;
    picture.apply_orientation(orientation);
    let turned = orientation != image::metadata::Orientation::NoTransforms;
    Ok(fit(&picture, turned))
}

fn fit(picture: &DynamicImage, turned: bool) -> Loaded {
    let (width, height) = picture.dimensions();
    let crop = width.min(height);
    let flattened = picture.color().has_alpha();
    let rgb = if flattened { over_white(picture) } else { picture.to_rgb8() };
    let square = imageops::crop_imm(&rgb, (width - crop) / 2, (height - crop) / 2, crop, crop).to_image();
    let small = match crop as usize {
        SIDE => square,
        _ => imageops::resize(&square, SIDE as u32, SIDE as u32, FilterType::Lanczos3),
    };
    Loaded {
        image: Image { label: None, pixels: planar(&small) },
        changes: Changes { width, height, turned, flattened, crop },
    }
}

fn over_white(picture: &DynamicImage) -> RgbImage {
    let rgba = picture.to_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, alpha] = rgba.get_pixel(x, y).0;
        let blend = |c: u8| ((u32::from(c) * u32::from(alpha) + 255 * (255 - u32::from(alpha)) + 127) / 255) as u8;
        image::Rgb([blend(r), blend(g), blend(b)])
    })
}

fn planar(picture: &RgbImage) -> [u8; PIXELS] {
    let mut planes = [0; PIXELS];
    for (i, pixel) in picture.pixels().enumerate() {
        for (channel, &value) in pixel.0.iter().enumerate() {
            planes[channel * SIDE * SIDE + i] = value;
        }
    }
    planes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradient(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| image::Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, 7]))
    }

    #[test]
    fn a_picture_of_the_right_size_keeps_its_pixels() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let picture = gradient(32, 32);
        picture.save(&path).unwrap();
        let loaded = load(&path).unwrap();
        assert_eq!(loaded.image.pixels, planar(&picture));
        assert_eq!(loaded.image.pixels[1], picture.get_pixel(1, 0).0[0]);
        assert_eq!(loaded.image.pixels[1024 + 32], picture.get_pixel(0, 1).0[1]);
        assert_eq!(loaded.changes.to_string(), "32 x 32 pixels, taken as it is");
    }

    #[test]
    fn a_wide_jpeg_is_cropped_and_resized() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        gradient(320, 64).save(&path).unwrap();
        let loaded = load(&path).unwrap();
        assert_eq!(loaded.changes.to_string(), "320 x 64 pixels: cropped to the centre 64 x 64, resized to 32 x 32");
        // the centre spans columns 128 to 192 of 320: red runs from 102 to 153
        let red = &loaded.image.pixels[16 * 32..17 * 32];
        assert!(red[0].abs_diff(102) < 6 && red[31].abs_diff(153) < 6, "red from {} to {}", red[0], red[31]);
    }

    #[test]
    fn tiny_grey_and_transparent_pictures_are_taken() {
        let grey = fit(&DynamicImage::ImageLuma8(image::GrayImage::from_pixel(1, 1, image::Luma([9]))), false);
        assert_eq!(grey.image.pixels, [9; PIXELS]);
        let clear =
            fit(&DynamicImage::ImageRgba8(image::RgbaImage::from_pixel(40, 40, image::Rgba([1, 2, 3, 0]))), false);
        assert_eq!(clear.image.pixels, [255; PIXELS]);
        assert!(clear.changes.flattened);
    }

    #[test]
    fn a_text_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.png");
        std::fs::write(&path, "not a picture").unwrap();
        let error = load(&path).unwrap_err().to_string();
        assert!(error.contains("notes.png") && error.contains("wanted a PNG or JPEG"), "{error}");
        assert!(matches!(load(&folder.path().join("absent.png")), Err(Error::Io { .. })));
    }
}
