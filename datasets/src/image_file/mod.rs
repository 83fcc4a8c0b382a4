//! Reads a user's own picture and brings it to the size that the network takes.

mod changes;
mod jpeg;
#[cfg(test)]
mod tests;

use std::io::Cursor;
use std::path::Path;

use image::imageops::{self, FilterType};
use image::{DynamicImage, GenericImageView, ImageDecoder, ImageFormat, ImageReader, RgbImage};

use crate::cifar::{Image, PIXELS, SIDE};
use crate::{Error, files, kind};

pub use changes::Changes;

/// Limit of [`load`] on the bytes of a file and on those of its decoded pixels: 89 megapixels of 8-bit RGB.
pub const MAX_BYTES: u64 = 256 << 20;

/// A picture brought to 32 x 32 pixels.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The picture, without a label.
    pub image: Image,
    /// The changes made to it, for the user to read.
    pub changes: Changes,
}

/// Reads a PNG or JPEG file of at most [`MAX_BYTES`]; see [`load_within`].
///
/// # Errors
/// Those of [`load_within`].
pub fn load(path: &Path) -> Result<Loaded, Error> {
    load_within(path, MAX_BYTES)
}

/// Reads a PNG or JPEG file: turns it upright by its orientation tag, lays transparency over white, cuts out the centre
/// square and resizes that to 32 x 32 pixels (Lanczos, 3 lobes). A picture of 32 x 32 pixels keeps its pixels exactly.
/// Of an animation the first picture is read.
///
/// # Errors
/// * [`Error::Io`] and [`Error::NotAFile`] if the file cannot be read.
/// * [`Error::TooLarge`] if the file has more than `max_bytes` bytes.
/// * [`Error::WrongKind`] if its first bytes are not those of a PNG or JPEG.
/// * [`Error::PictureTooLarge`] if its header states a size whose pixels take more than `max_bytes`. No pixel is
///   decoded then.
/// * [`Error::CutPicture`] if a JPEG ends early.
/// * [`Error::Decode`] if the decoder refuses it, as it does a PNG that ends early.
pub fn load_within(path: &Path, max_bytes: u64) -> Result<Loaded, Error> {
    let bytes = files::read(path, max_bytes)?;
    let format = match image::guess_format(&bytes) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) => format,
        _ => {
            return Err(Error::WrongKind {
                path: path.to_owned(),
                found: kind::of(&bytes).to_owned(),
                wanted: "a PNG or JPEG",
            });
        }
    };
    if let Some(found) = jpeg::unknown_kind(&bytes).filter(|_| format == ImageFormat::Jpeg) {
        let wanted = "a PNG, or a baseline or progressive JPEG";
        return Err(Error::WrongKind { path: path.to_owned(), found: found.to_owned(), wanted });
    }
    let decode = |reason| Error::Decode { path: path.to_owned(), reason };
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(max_bytes);
    let mut reader = ImageReader::with_format(Cursor::new(&bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(decode)?;
    let ((width, height), found) = (decoder.dimensions(), decoder.total_bytes());
    if found > max_bytes {
        return Err(Error::PictureTooLarge { path: path.to_owned(), width, height, found, wanted: max_bytes });
    }
    if format == ImageFormat::Jpeg {
        let cut = |jpeg::Fault { found, wanted }| Error::CutPicture { path: path.to_owned(), found, wanted };
        jpeg::check(&bytes).map_err(cut)?;
    }
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
    let square = picture.crop_imm((width - crop) / 2, (height - crop) / 2, crop, crop);
    let square = if flattened { over_white(&square) } else { square.into_rgb8() };
    let small = if crop as usize == SIDE {
        square
    } else {
        imageops::resize(&square, SIDE as u32, SIDE as u32, FilterType::Lanczos3)
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
