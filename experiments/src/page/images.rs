//! The images of a page, column by column, so that ten thousand of them stay small.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use super::numbers::significant;
use crate::records::ImageRow;
use crate::report::source::Source;

/// The images of a run in ascending order. Texts have a character and lists an entry for each.
#[derive(Serialize)]
pub(super) struct Images {
    /// Numbers in the test set, as ranges: the first, and how many.
    numbers: Vec<[usize; 2]>,
    /// Classes by the data set.
    labels: String,
    /// Classes by the plaintext model with exact ReLUs.
    exact: String,
    margins: Vec<Value>,
    cases: Vec<OfCase>,
    /// The errors that cases name by number.
    errors: Vec<String>,
}

/// What a case has of the images of its run. A list without a value is empty.
#[derive(Serialize)]
struct OfCase {
    /// Number of the case in its run.
    case: usize,
    /// A class; `-` for an image without one, `x` for one that failed, and a space for one without a row.
    classes: String,
    /// Precision of the worst logit, as [`tenths`].
    bits: String,
    seconds: Vec<Value>,
    /// By the place of an image: its values outside their intervals, if there are any.
    overflow: BTreeMap<usize, usize>,
    /// By the place of an image: the number of its error.
    errors: BTreeMap<usize, usize>,
}

/// Returns the names of a run's cases that have rows of images or layers, in order.
pub(super) fn cases(source: &Source) -> Vec<&str> {
    let of_images = source.run.images.iter().map(|row| &row.case[..]);
    let of_layers = source.run.layers.iter().map(|row| &row.case[..]);
    let mut seen = HashSet::new();
    of_images.chain(of_layers).filter(|case| seen.insert(*case)).collect()
}

/// Whether the class is not that of the plaintext model with exact ReLUs. A failed image has no class to compare.
fn changed(row: &ImageRow) -> bool {
    row.evaluated() && row.class != Some(row.exact_class)
}

/// The label of an image that has none.
const UNLABELLED: char = '_';

/// Returns the numbers of all images: first those that failed or changed their class in the most cases, then those of the
/// smallest margin.
pub(super) fn by_interest(sources: &[Source]) -> Vec<usize> {
    let mut found: HashMap<usize, (usize, f64)> = HashMap::new();
    for row in sources.iter().flat_map(|source| &source.run.images) {
        let (count, margin) = found.entry(row.image).or_insert((0, f64::INFINITY));
        *count += usize::from(changed(row) || !row.evaluated());
        *margin = margin.min(row.margin);
    }
    let mut images: Vec<(usize, (usize, f64))> = found.into_iter().collect();
    images.sort_by(|(a, (changes, margin)), (b, (others, further))| {
        others.cmp(changes).then(margin.total_cmp(further)).then(a.cmp(b))
    });
    images.into_iter().map(|(image, _)| image).collect()
}

/// Returns the images of a run whose cases have these names.
pub(super) fn of(source: &Source, names: &[&str]) -> Images {
    let mut rows: BTreeMap<usize, &ImageRow> = BTreeMap::new();
    for row in &source.run.images {
        rows.entry(row.image).or_insert(row);
    }
    let places: HashMap<usize, usize> = rows.keys().enumerate().map(|(place, &image)| (image, place)).collect();
    let mut by_case: HashMap<&str, Vec<(usize, &ImageRow)>> = HashMap::new();
    for row in &source.run.images {
        by_case.entry(&row.case).or_default().push((places[&row.image], row));
    }
    let mut errors = Errors::default();
    let cases = names.iter().enumerate().filter_map(|(case, name)| {
        let rows = by_case.get(name)?;
        Some(of_case(case, rows, places.len(), &mut errors))
    });
    let cases = cases.collect();
    Images {
        numbers: ranges(rows.keys().copied()),
        labels: rows.values().map(|row| row.label.map_or(UNLABELLED, |label| digit(label.into()))).collect(),
        exact: rows.values().map(|row| digit(row.exact_class)).collect(),
        margins: rows.values().map(|row| significant(row.margin, 4)).collect(),
        cases,
        errors: errors.texts,
    }
}

fn of_case(case: usize, rows: &[(usize, &ImageRow)], count: usize, known: &mut Errors) -> OfCase {
    let mut classes = vec![' '; count];
    let (mut bits, mut seconds) = (vec![None; count], vec![Value::Null; count]);
    let (mut overflow, mut errors) = (BTreeMap::new(), BTreeMap::new());
    for &(place, row) in rows {
        classes[place] = match row.class {
            Some(class) => digit(class),
            None if row.evaluated() => '-',
            None => 'x',
        };
        bits[place] = row.precision_bits;
        seconds[place] = row.latency_s.map_or(Value::Null, |seconds| significant(seconds, 4));
        overflow.extend(row.overflow.filter(|&values| values > 0).map(|values| (place, values)));
        errors.extend(row.error.as_ref().map(|error| (place, known.number(error))));
    }
    let timed = seconds.iter().any(|seconds| !seconds.is_null());
    let bits = if bits.iter().any(Option::is_some) { bits.into_iter().map(tenths).collect() } else { String::new() };
    let seconds = if timed { seconds } else { Vec::new() };
    OfCase { case, classes: classes.into_iter().collect(), bits, seconds, overflow, errors }
}

/// Returns bits as two digits of base 36: tenths above −40, which no value in use leaves. Two spaces are no value.
fn tenths(bits: Option<f64>) -> String {
    let Some(bits) = bits.filter(|bits| !bits.is_nan()) else { return "  ".to_owned() };
    let tenths = (10.0 * (bits + 40.0)).round().clamp(0.0, 1295.0) as u32;
    [tenths / 36, tenths % 36].map(|digit| char::from_digit(digit, 36).expect("below 36")).iter().collect()
}

/// Errors, each once.
#[derive(Default)]
struct Errors {
    texts: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Errors {
    fn number(&mut self, text: &str) -> usize {
        *self.numbers.entry(text.to_owned()).or_insert_with(|| {
            self.texts.push(text.to_owned());
            self.texts.len() - 1
        })
    }
}

/// Returns a class as a character: a digit, or from class 10 on the character that many after U+0100.
fn digit(class: usize) -> char {
    let class = u32::try_from(class).unwrap_or(u32::MAX);
    char::from_digit(class, 10).or_else(|| char::from_u32(0x100_u32.checked_add(class)?)).unwrap_or('?')
}

/// Returns ascending numbers as ranges.
fn ranges(numbers: impl Iterator<Item = usize>) -> Vec<[usize; 2]> {
    let mut found: Vec<[usize; 2]> = Vec::new();
    for number in numbers {
        match found.last_mut() {
            Some([first, count]) if *first + *count == number => *count += 1,
            _ => found.push([number, 1]),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_ranges() {
        assert_eq!(ranges([3, 4, 5, 9, 11, 12].into_iter()), [[3, 3], [9, 1], [11, 2]]);
        assert!(ranges(std::iter::empty()).is_empty());
    }

    #[test]
    fn bits_take_two_characters() {
        let back = |text: String| f64::from(u32::from_str_radix(&text, 36).unwrap()) / 10.0 - 40.0;
        for bits in [17.739, 0.0, -3.26, 60.0] {
            assert!((back(tenths(Some(bits))) - bits).abs() < 0.0501, "{bits}");
        }
        assert_eq!([tenths(None), tenths(Some(f64::NAN)), tenths(Some(f64::INFINITY))], ["  ", "  ", "zz"]);
    }

    #[test]
    fn an_error_is_stored_once() {
        let mut errors = Errors::default();
        assert_eq!(["a", "b", "a"].map(|text| errors.number(text)), [0, 1, 0]);
        assert_eq!((digit(7), digit(12), digit(usize::MAX)), ('7', '\u{10c}', '?'));
    }
}
