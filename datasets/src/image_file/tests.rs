//! Pictures of every kind, made here or by `tests/pictures/make.py`.

use std::path::PathBuf;

use image::ExtendedColorType;
use image::ImageEncoder;
use image::codecs::png::PngEncoder;

use super::*;

fn stored(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures").join(name)
}

/// Loads a file of these bytes.
fn load_bytes(bytes: &[u8]) -> Result<Loaded, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture");
    std::fs::write(&path, bytes).unwrap();
    load(&path)
}

fn refusal(bytes: &[u8]) -> String {
    load_bytes(bytes).unwrap_err().to_string()
}

fn png(bytes: &[u8], [width, height]: [u32; 2], colour: ExtendedColorType) -> Vec<u8> {
    let mut file = Vec::new();
    PngEncoder::new(&mut file).write_image(bytes, width, height, colour).unwrap();
    file
}

/// Writes a PNG with these bytes of the header chunk and of the image data.
fn chunks(header: &[u8], data: &[u8]) -> Vec<u8> {
    let chunk = |name: &[u8], data: &[u8]| {
        let body = [name, data].concat();
        let mut crc = flate2::Crc::new();
        crc.update(&body);
        [&(data.len() as u32).to_be_bytes()[..], &body, &crc.sum().to_be_bytes()].concat()
    };
    [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", header), &chunk(b"IDAT", data), &chunk(b"IEND", &[])].concat()
}

/// Writes a PNG that has a header with this width and height, and no pixels.
fn bare_png(width: u32, height: u32) -> Vec<u8> {
    chunks(&[&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat(), &[])
}

/// Writes a grey PNG of 32 x 32 pixels in the seven passes of an interlaced one.
fn interlaced(pixel: impl Fn(u8, u8) -> u8) -> Vec<u8> {
    let passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
    let mut lines = Vec::new();
    for (x0, y0, across, down) in passes {
        for y in (y0..32).step_by(down) {
            lines.push(0);
            lines.extend((x0..32).step_by(across).map(|x| pixel(x, y)));
        }
    }
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &lines).unwrap();
    chunks(&[&[0, 0, 0, 32, 0, 0, 0, 32][..], &[8, 0, 0, 0, 1]].concat(), &encoder.finish().unwrap())
}

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
    let clear = fit(&DynamicImage::ImageRgba8(image::RgbaImage::from_pixel(40, 40, image::Rgba([1, 2, 3, 0]))), false);
    assert_eq!(clear.image.pixels, [255; PIXELS]);
    assert!(clear.changes.flattened);
}

#[test]
fn a_text_file_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.png");
    std::fs::write(&path, "not a picture").unwrap();
    let error = load(&path).unwrap_err().to_string();
    assert!(error.contains("notes.png: found text, wanted a PNG or JPEG"), "{error}");
    assert!(matches!(load(&folder.path().join("absent.png")), Err(Error::Io { .. })));
}

#[test]
fn a_jpeg_cut_short_is_refused_with_its_rows() {
    for (name, part) in [("baseline-420.jpg", "rows of pixels, wanted 40 rows"), ("progressive-420.jpg", "wanted")] {
        let whole = std::fs::read(stored(name)).unwrap();
        assert!(load_bytes(&whole).is_ok());
        for percent in [60, 75, 90] {
            let cut = &whole[..whole.len() * percent / 100];
            let error = refusal(cut);
            assert!(error.contains(&format!("found {} bytes with", cut.len())) && error.contains(part), "{error}");
            let closed = refusal(&[cut, &[0xFF, 0xD9]].concat());
            assert!(closed.contains(part), "{closed}");
        }
    }
}

#[test]
fn a_png_cut_anywhere_is_refused() {
    let whole = png(gradient(40, 30).as_raw(), [40, 30], ExtendedColorType::Rgb8);
    // The last chunk, of 12 bytes, only says that the file ends.
    for length in 0..whole.len() - 12 {
        assert!(load_bytes(&whole[..length]).is_err(), "cut to {length}");
    }
}

#[test]
fn a_header_that_claims_more_than_is_granted_is_refused_before_memory_is_taken() {
    let error = refusal(&bare_png(1_000_000, 1_000_000));
    assert!(error.contains("found 1000000 x 1000000 pixels, which take 4000000000000 bytes"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    gradient(64, 64).save(&path).unwrap();
    assert!(load_within(&path, 64 * 64 * 3).is_ok());
    let error = load_within(&path, 64 * 64 * 3 - 1).unwrap_err().to_string();
    assert!(error.contains("found 64 x 64 pixels, which take 12288 bytes, wanted at most 12287"), "{error}");
    let mut jpeg = std::fs::read(stored("baseline-420.jpg")).unwrap();
    let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].fill(0xFF);
    let error = refusal(&jpeg);
    assert!(error.contains("found 65535 x 65535 pixels, which take 12884508675 bytes"), "{error}");
}

#[test]
fn pictures_without_pixels_are_refused() {
    for bytes in [bare_png(0, 5), bare_png(5, 0), bare_png(5, 5)] {
        assert!(refusal(&bytes).contains("wanted a whole PNG or JPEG"));
    }
    assert!(refusal(b"").contains("found an empty file"));
    assert!(refusal(b"\xFF\xD8\xFF").contains("cannot be read as an image"));
    assert!(refusal(b"\xFF\xD8\xFF\xD9").contains("cannot be read as an image"));
}

#[test]
fn pictures_of_other_formats_are_refused_by_name() {
    for (bytes, name) in [
        (&b"GIF89a\x01\0\x01\0"[..], "found a GIF image"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "found a WebP image"),
        (b"BM\x46\0\0\0\0\0\0\0", "found a BMP image"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "found a HEIC image"),
        (b"II*\0\x08\0\0\0", "found a TIFF image"),
        (b"%PDF-1.7", "found a PDF document"),
        (b"<!DOCTYPE html>", "found an HTML page"),
    ] {
        let error = refusal(bytes);
        assert!(error.contains(name) && error.contains("wanted a PNG or JPEG"), "{error}");
    }
}

#[test]
fn jpegs_of_rare_kinds_are_refused_by_name() {
    let whole = std::fs::read(stored("baseline-420.jpg")).unwrap();
    let frame = whole.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    for (code, name) in
        [(0xC3, "a lossless JPEG"), (0xC9, "arithmetic coding"), (0xC5, "hierarchical"), (0xF7, "JPEG-LS")]
    {
        let mut other = whole.clone();
        other[frame + 1] = code;
        let error = refusal(&other);
        assert!(error.contains(name) && error.contains("wanted a PNG, or a baseline or progressive JPEG"), "{error}");
    }
}

#[test]
fn every_pixel_layout_of_a_png_is_read() {
    let grey16 = png(&[0x80, 0x80].repeat(64 * 32), [64, 32], ExtendedColorType::L16);
    assert_eq!(load_bytes(&grey16).unwrap().image.pixels, [0x80; PIXELS]);
    let grey_alpha = png(&[100, 0].repeat(32 * 32), [32, 32], ExtendedColorType::La8);
    assert_eq!(load_bytes(&grey_alpha).unwrap().image.pixels, [255; PIXELS]);
    let woven = load_bytes(&interlaced(|x, y| 8 * x + y)).unwrap().image.pixels;
    assert!((0..1024).all(|at| woven[at] == (8 * (at % 32) + at / 32) as u8));
    let one = load_bytes(&png(&[9, 9, 9], [1, 1], ExtendedColorType::Rgb8)).unwrap();
    assert_eq!(one.image.pixels, [9; PIXELS]);
    let thin = load_bytes(&png(&[7; 3 * 5000], [5000, 1], ExtendedColorType::Rgb8)).unwrap();
    assert_eq!((thin.image.pixels, thin.changes.crop), ([7; PIXELS], 1));
    let palette = load(&stored("palette.png")).unwrap();
    assert!(palette.changes.flattened);
}

/// Returns the mean difference of the green planes, which are smooth, of a picture and the baseline JPEG of the same.
fn green_distance(name: &str) -> u32 {
    let [found, wanted] = [name, "baseline-420.jpg"].map(|name| load(&stored(name)).unwrap().image.pixels);
    let pairs = found[1024..2048].iter().zip(&wanted[1024..2048]);
    pairs.map(|(&a, &b)| u32::from(a.abs_diff(b))).sum::<u32>() / 1024
}

#[test]
fn an_animation_is_read_as_its_first_picture() {
    assert!(green_distance("animated.png") < 8);
}

#[test]
fn jpegs_of_other_colours_and_turns_are_read() {
    for name in ["cmyk.jpg", "progressive-420.jpg", "progressive-444-restarts.jpg", "baseline-422-restarts.jpg"] {
        assert!(green_distance(name) < 8, "{name}: {}", green_distance(name));
    }
    let [turned, upright] = ["turned.jpg", "baseline-420.jpg"].map(|name| load(&stored(name)).unwrap());
    assert!(turned.changes.turned && !upright.changes.turned);
    assert_eq!((turned.changes.width, turned.changes.height), (40, 56));
    // Column 2 of the upright picture is row 29 of the stored one.
    let at = |loaded: &Loaded, x: usize, y: usize| loaded.image.pixels[1024 + 32 * y + x];
    assert!(at(&turned, 2, 16).abs_diff(at(&upright, 16, 29)) < 12);
}

#[test]
fn no_error_tells_its_cause_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    std::fs::write(&path, bare_png(5, 5)).unwrap();
    for error in [load(&path).unwrap_err(), load(&folder.path().join("absent")).unwrap_err()] {
        assert!(std::error::Error::source(&error).is_none(), "{error}");
    }
}
