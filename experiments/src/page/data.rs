//! The data of a page as JSON that an HTML file can hold.

use serde::Serialize;
use serde_json::Value;

use super::thumbnails::Thumbnails;
use super::{cases, images, layers};
use crate::report::source::Source;
use datasets::cifar::CLASS_NAMES;

/// What the page's script reads.
#[derive(Serialize)]
struct Data<'a> {
    classes: [&'static str; 10],
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
    let data = Data { classes: CLASS_NAMES, cases: cases::table(sources), runs, thumbnails };
    // Without a `<`, nothing in it can end the element that holds it.
    serde_json::to_string(&data).expect("texts, numbers and lists are JSON").replace('<', "\\u003c")
}

/// Returns a number with so many significant digits; null if it is NaN or infinite.
pub(super) fn significant(number: f64, digits: usize) -> Value {
    let rounded = format!("{number:.*e}", digits - 1).parse::<f64>().expect("a printed number");
    // Whole numbers are shorter without a fraction.
    if rounded.fract() == 0.0 && rounded.abs() < 1e9 { Value::from(rounded as i64) } else { Value::from(rounded) }
}

/// Returns a number with so many significant digits; null if there is none.
pub(super) fn perhaps(number: Option<f64>, digits: usize) -> Value {
    number.map_or(Value::Null, |number| significant(number, digits))
}

/// Returns a text.
pub(super) fn text_of(text: &str) -> Value {
    Value::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_invalid() {
        let shown = |number| significant(number, 3).to_string();
        assert_eq!([1234.5, 0.012345, 2.0, -17.26].map(shown), ["1230", "0.0123", "2", "-17.3"]);
        assert_eq!([f64::NAN, f64::INFINITY].map(shown), ["null", "null"]);
        assert_eq!(significant(1.5e12, 3).as_f64(), Some(1.5e12));
    }
}
