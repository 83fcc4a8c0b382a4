//! The images that arguments name: numbers, ranges, lists of them, and files.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use datasets::cifar::{BATCH, Image, embedded_test_sample};
use datasets::{Cache, Split};

/// An image with a name for reports.
pub(crate) struct Named {
    /// `test image 3`, or the file's name.
    pub name: String,
    /// The image.
    pub image: Image,
}

/// The meaning of an argument.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Indices(Range<usize>),
    File(String),
}

/// Loads every image that the arguments of --image name, in their order.
///
/// # Errors
/// An argument that names no image, or a file that is not one.
pub(crate) fn load(arguments: &[String]) -> Result<Vec<Named>> {
    let mut test_set = TestSet::default();
    let mut images = Vec::new();
    for argument in arguments {
        for wanted in parse(argument, |file| Path::new(file).exists()).with_context(|| format!("--image {argument}"))? {
            match wanted {
                Wanted::File(file) => images.push(from_file(&file)?),
                Wanted::Indices(range) => {
                    for index in range {
                        let image = test_set.get(index).with_context(|| format!("--image {argument}"))?.clone();
                        images.push(Named { name: format!("test image {index}"), image });
                    }
                }
            }
        }
    }
    ensure!(!images.is_empty(), "--image: found no image, wanted at least one");
    Ok(images)
}

/// Returns the numbers of test images that `text` lists.
///
/// # Errors
/// A text that is not such a list, a number beyond the test set, or a number that occurs twice.
pub(crate) fn indices(text: &str) -> Result<Vec<usize>> {
    let mut indices = Vec::new();
    for wanted in parse(text, |_| false)? {
        match wanted {
            Wanted::File(file) => bail!("found '{file}', wanted numbers of test images, such as 7, 0..20 or 1,4,9"),
            Wanted::Indices(range) => {
                ensure!(range.end <= BATCH, "found index {}, wanted 0 to {}, the test set's", range.end - 1, BATCH - 1);
                indices.extend(range);
            }
        }
    }
    let mut seen = vec![false; BATCH];
    match indices.iter().find(|&&index| std::mem::replace(&mut seen[index], true)) {
        Some(index) => bail!("found image {index} twice, wanted each image once"),
        None => Ok(indices),
    }
}

/// Reads `7`, `0..20` (without 20), `0-19` (with 19), a file, or a list of these with commas.
fn parse(argument: &str, exists: impl Fn(&str) -> bool) -> Result<Vec<Wanted>> {
    if exists(argument) {
        return Ok(vec![Wanted::File(argument.to_owned())]);
    }
    argument.split(',').map(|part| part_of(part.trim())).collect()
}

fn part_of(part: &str) -> Result<Wanted> {
    let number = |text: &str| text.trim().parse::<usize>().ok();
    let (first, end) = if let Some((first, end)) = part.split_once("..") {
        (number(first), number(end))
    } else if let Some((first, last)) = part.split_once('-') {
        (number(first), number(last).and_then(|last| last.checked_add(1)))
    } else {
        (number(part), number(part).and_then(|index| index.checked_add(1)))
    };
    match (first, end) {
        (Some(first), Some(end)) if first < end => Ok(Wanted::Indices(first..end)),
        (Some(_), Some(_)) => bail!("found the empty range '{part}', wanted one such as 0..20 or 0-19"),
        _ if part.is_empty() => bail!("found nothing between commas, wanted a number, a range or a file"),
        _ => Ok(Wanted::File(part.to_owned())),
    }
}

fn from_file(file: &str) -> Result<Named> {
    let loaded = datasets::image_file::load(Path::new(file))
        .with_context(|| "--image: wanted the number of a test image, a range such as 0..20, or a PNG or JPEG file")?;
    let changes = loaded.changes;
    if changes.cropped() || changes.resized() || changes.turned || changes.flattened {
        eprintln!("{file}: {changes}");
    }
    Ok(Named { name: file.to_owned(), image: loaded.image })
}

/// The test set: the embedded sample, and the whole set from the cache once an image beyond the sample is wanted.
#[derive(Default)]
pub(crate) struct TestSet {
    fetched: Option<Vec<Image>>,
}

impl TestSet {
    /// Returns the image of this number.
    ///
    /// # Errors
    /// A number beyond the test set, or a set that was not fetched.
    pub(crate) fn get(&mut self, index: usize) -> Result<&Image> {
        let sample = embedded_test_sample();
        ensure!(index < BATCH, "found index {index}, wanted 0 to {}, the test set's", BATCH - 1);
        if let Some(image) = sample.get(index) {
            return Ok(image);
        }
        if self.fetched.is_none() {
            let fetched = Cache::open_default().and_then(|cache| cache.read(Split::Test));
            let embedded = || format!("found index {index}, wanted 0 to {} of the embedded sample", sample.len() - 1);
            self.fetched = Some(fetched.with_context(embedded)?);
        }
        Ok(&self.fetched.as_ref().expect("read above")[index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ranges_lists_and_files() {
        let parse = |text: &str| parse(text, |file| file == "a,b.png").unwrap();
        let file = |name: &str| Wanted::File(name.to_owned());
        assert_eq!(parse("7"), [Wanted::Indices(7..8)]);
        assert_eq!(parse("0..20"), [Wanted::Indices(0..20)]);
        assert_eq!(parse("0-19"), [Wanted::Indices(0..20)]);
        assert_eq!(parse("3, 5..7,a.png"), [Wanted::Indices(3..4), Wanted::Indices(5..7), file("a.png")]);
        assert_eq!(parse("a,b.png"), [file("a,b.png")]);
        assert_eq!(parse("my-cat.png"), [file("my-cat.png")]);
        assert_eq!(parse("../cat.png"), [file("../cat.png")]);
    }

    #[test]
    fn numbers_alone_are_listed_once() {
        assert_eq!(indices("3, 5..7,0-1").unwrap(), [3, 5, 6, 0, 1]);
        for text in ["a.png", "0..3,2", "9999..10001", "10000"] {
            assert!(indices(text).is_err(), "{text}");
        }
    }

    #[test]
    fn empty_ranges_are_refused() {
        for text in ["5..5", "9-3", "1,,2", ""] {
            assert!(parse(text, |_| false).is_err(), "{text}");
        }
    }
}
