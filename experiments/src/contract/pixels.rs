//! The file of images: one a line, 3072 decimals in [0, 1] with a space between them, not normalised.

use std::fmt::Write;

use anyhow::{Context, Result, bail, ensure};
use datasets::cifar::{Image, PIXELS};

/// The largest difference of a decimal from the pixel that it stands for: half of the last digit, and the rounding of the
/// reader.
const ROUNDING: f64 = 0.6e-6;

/// Returns the text of these images as the harness writes it: six digits after the point, channel after channel, row by
/// row.
pub fn write<'a>(images: impl IntoIterator<Item = &'a Image>) -> String {
    let mut text = String::new();
    for image in images {
        for (at, pixel) in image.pixels.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            write!(text, "{space}{:.6}", f64::from(*pixel) / 255.0).expect("a string takes all text");
        }
        text.push('\n');
    }
    text
}

/// Reads images: for each the 3072 numbers of its line. Lines may end in CRLF, and empty lines may follow the last image.
///
/// # Errors
/// No image; a line with another number of values; a value that is no number or not in [0, 1]. The error names the line,
/// and the place of the value in it.
pub fn read(text: &str) -> Result<Vec<Vec<f64>>> {
    let text = text.trim_end_matches(['\n', '\r']);
    ensure!(!text.is_empty(), "found no image, wanted a line of {PIXELS} numbers for each");
    text.lines().enumerate().map(|(at, line)| numbers(line).with_context(|| format!("line {}", at + 1))).collect()
}

/// The numbers of a line.
fn numbers(line: &str) -> Result<Vec<f64>> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    ensure!(words.len() == PIXELS, "found {} numbers, wanted {PIXELS}: three planes of 32 x 32", words.len());
    words.iter().enumerate().map(|(at, word)| number(word).with_context(|| format!("number {}", at + 1))).collect()
}

fn number(word: &str) -> Result<f64> {
    match word.parse::<f64>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        Ok(value) if value > 1.0 && value <= 255.0 => bail!("found {word}, wanted 0 to 1: divide pixels by 255"),
        _ => bail!("found {:?}, wanted a number from 0 to 1", word.chars().take(24).collect::<String>()),
    }
}

/// Returns the image of the 3072 numbers of a line, if each is a pixel over 255 with six digits; `None` for a picture
/// of other values, such as one that was scaled.
pub fn image(numbers: &[f64]) -> Option<Image> {
    let pixel = |number: &f64| {
        let pixel = (255.0 * number).round();
        ((0.0..=255.0).contains(&pixel) && (pixel / 255.0 - number).abs() <= ROUNDING).then_some(pixel as u8)
    };
    let pixels: Vec<u8> = numbers.iter().map(pixel).collect::<Option<_>>()?;
    Some(Image { label: None, pixels: pixels.try_into().ok()? })
}

#[cfg(test)]
mod tests {
    use datasets::cifar::embedded_test_sample;

    use super::*;

    /// A line of as many zeros as asked for, after these words.
    fn line(first: &[&str], count: usize) -> String {
        let zeros = std::iter::repeat_n("0.000000", count - first.len());
        first.iter().copied().chain(zeros).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_pixel_survives_six_digits() {
        let mut image_of_all = embedded_test_sample()[0].clone();
        (0..PIXELS).for_each(|at| image_of_all.pixels[at] = at as u8);
        let text = write([&image_of_all, &embedded_test_sample()[1]]);
        assert!(text.starts_with("0.000000 0.003922 0.007843 ") && text.ends_with('\n'));
        let read = read(&text).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(image(&read[0]).unwrap().pixels, image_of_all.pixels);
        assert_eq!(image(&read[1]).unwrap().pixels, embedded_test_sample()[1].pixels);
    }

    #[test]
    fn line_ends_of_either_kind_are_read() {
        let text = line(&["1", "0.5"], PIXELS);
        for text in [
            text.clone(),
            format!("{text}\n"),
            format!("{text}\r\n"),
            format!("{text}\n\n"),
            format!(" {text} \r\n\r\n"),
        ] {
            let read = read(&text).unwrap();
            assert_eq!((read.len(), read[0][0], read[0][1], read[0][2]), (1, 1.0, 0.5, 0.0));
            assert_eq!(image(&read[0]), None, "0.5 is no pixel over 255");
        }
    }

    #[test]
    fn what_is_no_image_is_refused_by_line_and_number() {
        let good = line(&[], PIXELS);
        let refused = |text: &str, wanted: &str| {
            let error = format!("{:#}", read(text).unwrap_err());
            assert_eq!(error, wanted);
        };
        refused("", "found no image, wanted a line of 3072 numbers for each");
        refused("\r\n\n", "found no image, wanted a line of 3072 numbers for each");
        let count = |found: usize| format!("found {found} numbers, wanted 3072: three planes of 32 x 32");
        refused(&format!("{good}\n{}", line(&[], 3071)), &format!("line 2: {}", count(3071)));
        refused(&line(&[], 3073), &format!("line 1: {}", count(3073)));
        refused(&format!("{good}\n\n{good}"), &format!("line 2: {}", count(0)));
        refused(&line(&["0", "255"], PIXELS), "line 1: number 2: found 255, wanted 0 to 1: divide pixels by 255");
        for word in ["NaN", "inf", "256", "-0.1", "x", "0,5"] {
            let wanted = format!("line 1: number 1: found \"{word}\", wanted a number from 0 to 1");
            refused(&line(&[word], PIXELS), &wanted);
        }
    }
}
