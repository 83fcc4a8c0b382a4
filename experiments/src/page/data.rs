//! The data of a page as JSON that an HTML file can hold.

use serde::Serialize;

use super::thumbnails::Thumbnails;
use super::{cases, images, layers};
use crate::report::source::Source;
use datasets::cifar::CLASS_NAMES;

/// What the page's script reads.
#[derive(Serialize)]
struct Data<'a> {
    /// Names of the classes; none where a run has a user's own pictures, whose classes may be others.
    classes: &'static [&'static str],
    cases: cases::Table,
    runs: Vec<Run<'a>>,
    thumbnails: &'a Thumbnails,
}

/// A run.
#[derive(Serialize)]
struct Run<'a> {
    name: &'a str,
    /// Names of the cases with rows of images or layers, which refer to them by number.
    cases: Vec<&'a str>,
    images: images::Images,
    layers: Vec<layers::Steps>,
}

/// Returns the data of a page.
pub(super) fn json(sources: &[Source], thumbnails: &Thumbnails) -> String {
    let run = |source| {
        let cases = images::cases(source);
        Run { name: source.name(), images: images::of(source, &cases), layers: layers::of(source, &cases), cases }
    };
    let runs = sources.iter().map(run).collect();
    let own = sources.iter().any(Source::has_own_pictures);
    let classes = if own { &[][..] } else { &CLASS_NAMES[..] };
    let data = Data { classes, cases: cases::table(sources), runs, thumbnails };
    // Without a `<`, nothing in it can end the element that holds it.
    serde_json::to_string(&data).expect("texts, numbers and lists are JSON").replace('<', "\\u003c")
}
