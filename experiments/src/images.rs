//! The images that arguments name: numbers, ranges, lists of them, and files.

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use datasets::cifar::{BATCH, Image, embedded_test_sample};
use datasets::picture_set::PictureSet;
use datasets::{Cache, Split};

/// Arguments that name a set of pictures other than the test set.
#[derive(clap::Args)]
pub(crate) struct SetArgs {
    /// The set that numbers of images refer to, in place of CIFAR-10's test set: a .npy array of pictures, a .bin batch in
    /// CIFAR-10's or CIFAR-100's layout, or a folder of pictures or of class folders.
    #[arg(long, value_name = "PATH")]
    set: Option<PathBuf>,
    /// The .npy array of the set's labels. Default: NAME_labels.npy of NAME_data.npy, else labels.npy beside the pictures.
    #[arg(long, value_name = "FILE", requires = "set")]
    labels: Option<PathBuf>,
}

impl SetArgs {
    /// Reads the set; `None` if the test set is meant.
    ///
    /// # Errors
    /// Those of [`own`].
    pub(crate) fn load(&self) -> Result<Option<PictureSet>> {
        let read = |path: &PathBuf| own(path, self.labels.as_deref()).context("--set");
        self.set.as_ref().map(read).transpose()
    }
}

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

/// Loads every image that the arguments of --image name, in their order. Numbers are those of the images of `own`, or of
/// the test set.
///
/// # Errors
/// An argument that names no image, or a file that is not one.
pub(crate) fn load(arguments: &[String], own: Option<&PictureSet>) -> Result<Vec<Named>> {
    let mut numbered = Numbered::new(own);
    let word = if own.is_some() { "image" } else { "test image" };
    let mut images = Vec::new();
    for argument in arguments {
        for wanted in parse(argument, |file| Path::new(file).exists()).with_context(|| format!("--image {argument}"))? {
            match wanted {
                Wanted::File(file) => images.push(from_file(&file)?),
                Wanted::Indices(range) => {
                    for index in range {
                        let image = numbered.get(index).with_context(|| format!("--image {argument}"))?.clone();
                        images.push(Named { name: format!("{word} {index}"), image });
                    }
                }
            }
        }
    }
    ensure!(!images.is_empty(), "--image: found no image, wanted at least one");
    Ok(images)
}

/// Reads the set of pictures that a user brings, and notes on standard error what was assumed. See
/// [`datasets::picture_set::load`].
///
/// # Errors
/// A file or folder that is no set of pictures.
pub(crate) fn own(path: &Path, labels: Option<&Path>) -> Result<PictureSet> {
    let set = datasets::picture_set::load(path, labels)?;
    set.notes.iter().for_each(|note| eprintln!("note: {}: {note}", path.display()));
    Ok(set)
}

/// Returns the numbers that `text` lists, of a set of `count` images.
///
/// # Errors
/// A text that is not such a list, a number beyond the set, or a number that occurs twice.
pub(crate) fn indices(text: &str, count: usize) -> Result<Vec<usize>> {
    let mut indices = Vec::new();
    for wanted in parse(text, |_| false)? {
        match wanted {
            Wanted::File(file) => bail!("found '{file}', wanted numbers of images, such as 7, 0..20 or 1,4,9"),
            Wanted::Indices(range) => {
                check_index(range.end - 1, count)?;
                indices.extend(range);
            }
        }
    }
    let mut seen = vec![false; count];
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

fn check_index(index: usize, count: usize) -> Result<()> {
    ensure!(index < count, "found index {index}, wanted 0 to {}, the set's", count - 1);
    Ok(())
}

/// Images by number: a user's own, or the test set. Of that the sample is embedded, and the whole set is read from the
/// cache once an image beyond the sample is wanted.
pub(crate) struct Numbered<'a> {
    own: Option<&'a PictureSet>,
    fetched: Option<Vec<Image>>,
}

impl<'a> Numbered<'a> {
    /// Returns the images of `own`, or the test set.
    pub(crate) fn new(own: Option<&'a PictureSet>) -> Self {
        Self { own, fetched: None }
    }

    /// Returns the image of this number.
    ///
    /// # Errors
    /// A number beyond the set, or a test set that was not fetched.
    pub(crate) fn get(&mut self, index: usize) -> Result<&Image> {
        check_index(index, self.own.map_or(BATCH, |own| own.images.len()))?;
        if let Some(own) = self.own {
            return Ok(&own.images[index]);
        }
        let sample = embedded_test_sample();
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
        assert_eq!(indices("3, 5..7,0-1", BATCH).unwrap(), [3, 5, 6, 0, 1]);
        for text in ["a.png", "0..3,2", "9999..10001", "10000"] {
            assert!(indices(text, BATCH).is_err(), "{text}");
        }
    }

    #[test]
    fn empty_ranges_are_refused() {
        for text in ["5..5", "9-3", "1,,2", ""] {
            assert!(parse(text, |_| false).is_err(), "{text}");
        }
    }
}
