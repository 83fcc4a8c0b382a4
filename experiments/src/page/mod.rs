//! The page of runs: one HTML file with tables, figures and thumbnails, which needs no network.

mod cases;
mod data;
mod document;
mod figures;
mod images;
mod layers;
mod numbers;
mod thumbnails;
mod warnings;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::files::replace;
use crate::report::source::{self, Source};
use thumbnails::Thumbnails;

/// The name of the page in the folder of its run.
pub(crate) const FILE: &str = "report.html";

/// The thumbnails of a page if the user does not say how many: those of the whole test set.
pub(crate) const THUMBNAILS: usize = datasets::cifar::BATCH;

/// The beginning of every page, by which it is known.
const BEGIN: &str = "<!DOCTYPE html><!-- cipherlab report -->";

/// Returns the page of these runs, with at most `most` thumbnails.
///
/// # Errors
/// A figure that cannot be drawn.
pub(crate) fn page(sources: &[Source], most: usize) -> Result<String> {
    let thumbnails = if sources.iter().any(Source::has_own_pictures) {
        Thumbnails::none("This page has no thumbnails: a run has other pictures than CIFAR-10's test set.")
    } else {
        Thumbnails::of(&images::by_interest(sources), most)?
    };
    document::document(sources, &thumbnails)
}

/// Writes the page of these runs to a file. It replaces another page, and nothing else.
///
/// # Errors
/// A file that is no page, or a file system that refuses.
pub(crate) fn write(path: &Path, sources: &[Source], most: usize) -> Result<()> {
    check(path)?;
    replace(path, page(sources, most)?.as_bytes())
}

/// Writes the page of a run that has just ended into its folder. Its rows are safe already, so that a page that cannot be
/// written is only a warning.
pub(crate) fn of_run(folder: &Path) {
    let path = folder.join(FILE);
    let written = source::read_idle(folder).and_then(|source| write(&path, &[source], THUMBNAILS));
    if let Err(error) = written {
        eprintln!("warning: the run has no page ({}): {error:#}", path.display());
    }
}

/// Fails if there is a file at this place that is no page.
pub(crate) fn check(path: &Path) -> Result<()> {
    let shown = path.display();
    ensure!(!path.is_dir(), "{shown}: found a folder, wanted the name of a file");
    if path.exists() {
        let mut begin = Vec::new();
        let most = BEGIN.len() as u64;
        File::open(path).and_then(|file| file.take(most).read_to_end(&mut begin)).with_context(|| shown.to_string())?;
        ensure!(
            begin == BEGIN.as_bytes(),
            "{shown}: found a file that is no page of cipherlab; delete it, or take another name"
        );
    }
    Ok(())
}
