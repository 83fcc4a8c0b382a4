//! The images that two cases have in common, and the evaluations behind their seconds.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Result, ensure};

use crate::records::ImageRow;
use crate::report::source::Source;

/// The images of two cases, paired by number.
pub(crate) struct Images<'a> {
    /// Images that were evaluated in both, by number: the rows of A and B.
    pub both: Vec<(&'a ImageRow, &'a ImageRow)>,
    /// Images of A that B lacks.
    pub only_a: usize,
    /// Images of B that A lacks.
    pub only_b: usize,
    /// Images whose evaluation failed in A or in B. They are in no other count.
    pub failed: usize,
}

impl<'a> Images<'a> {
    /// Pairs the images of two cases.
    ///
    /// # Errors
    /// If a case has two rows of an image.
    pub(crate) fn of([a, b]: [&'a Source; 2], cases: [&str; 2]) -> Result<Self> {
        let (rows_a, mut rows_b) = (rows(a, cases[0])?, rows(b, cases[1])?);
        let mut images = Self { both: Vec::new(), only_a: 0, only_b: 0, failed: 0 };
        for (number, a) in rows_a {
            match rows_b.remove(&number) {
                Some(b) if a.evaluated() && b.evaluated() => images.both.push((a, b)),
                Some(_) => images.failed += 1,
                None => images.only_a += 1,
            }
        }
        images.only_b = rows_b.len();
        Ok(images)
    }

    /// Returns in words why an image of one number is not the same image in both; `None` if all are. `same_model` says
    /// that both runs have the same weights, so that their plaintext models agree.
    pub(crate) fn clash(&self, same_model: bool) -> Option<String> {
        self.both.iter().find_map(|(a, b)| {
            let number = a.image;
            if a.label != b.label {
                let [a, b] = [a.label, b.label].map(|label| label.map_or("none".to_owned(), |label| label.to_string()));
                return Some(format!("image {number} has the label {a} in A and {b} in B"));
            }
            let apart = (a.margin - b.margin).abs() > 1e-6 * (1.0 + a.margin.abs());
            (same_model && apart).then(|| {
                format!("image {number} has the plaintext margin {:.6} in A and {:.6} in B", a.margin, b.margin)
            })
        })
    }

    /// Returns a value of the evaluations in A and B. Images that share a ciphertext share an evaluation; where the
    /// ciphertexts of A and B hold different images, the smallest sets of images that both divide into whole
    /// ciphertexts have the means of their values.
    pub(crate) fn evaluations(&self, value: impl Fn(&ImageRow) -> Option<f64>) -> Vec<(f64, f64)> {
        let sets = self.sets();
        let mut sums: BTreeMap<usize, (f64, f64, f64)> = BTreeMap::new();
        for ((a, b), set) in self.both.iter().zip(sets) {
            if let Some((a, b)) = value(a).zip(value(b)).filter(|(a, b)| *a > 0.0 && *b > 0.0) {
                let sum = sums.entry(set).or_default();
                *sum = (sum.0 + a, sum.1 + b, sum.2 + 1.0);
            }
        }
        sums.into_values().map(|(a, b, count)| (a / count, b / count)).collect()
    }

    /// Returns the set of each image: the number of the set's first image in `both`.
    fn sets(&self) -> Vec<usize> {
        let mut set: Vec<usize> = (0..self.both.len()).collect();
        let first = |set: &[usize], mut at: usize| {
            while set[at] != at {
                at = set[at];
            }
            at
        };
        let ciphertext = |row: &ImageRow| (row.batch > Some(1)).then(|| row.latency_s.map(f64::to_bits)).flatten();
        for side in [|pair: &(&'a ImageRow, &'a ImageRow)| pair.0, |pair: &(&'a ImageRow, &'a ImageRow)| pair.1] {
            let mut seen: HashMap<u64, usize> = HashMap::new();
            for (at, pair) in self.both.iter().enumerate() {
                // Images of a ciphertext have equal seconds, to the last digit.
                let Some(seconds) = ciphertext(side(pair)) else { continue };
                let other = *seen.entry(seconds).or_insert(at);
                let (one, other) = (first(&set, at), first(&set, other));
                set[one.max(other)] = one.min(other);
            }
        }
        (0..set.len()).map(|at| first(&set, at)).collect()
    }
}

/// Returns the rows of a case by number.
fn rows<'a>(source: &'a Source, case: &str) -> Result<BTreeMap<usize, &'a ImageRow>> {
    let mut rows = BTreeMap::new();
    for row in source.run.images.iter().filter(|row| row.case == case) {
        let again = rows.insert(row.image, row).is_some();
        let folder = source.run.folder.display();
        ensure!(!again, "{folder}: found two rows of case {case}, image {}, wanted one; delete one", row.image);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(image: usize, batch: usize, seconds: f64) -> ImageRow {
        serde_json::from_value(serde_json::json!({
            "case": "c", "image": image, "label": 1, "exact_class": 1, "margin": 0.5, "batch": batch,
            "latency_s": seconds, "overflow": 0,
        }))
        .unwrap()
    }

    #[test]
    fn images_of_a_ciphertext_are_one_evaluation() {
        let alone: Vec<ImageRow> = (0..5).map(|k| row(k, 1, 2.0 + k as f64)).collect();
        let shared: Vec<ImageRow> = [(2, 7.0), (2, 7.0), (2, 8.0), (2, 8.0), (1, 9.0)]
            .iter()
            .zip(0..)
            .map(|(&(n, s), k)| row(k, n, s))
            .collect();
        let four: Vec<ImageRow> = (0..5).map(|k| if k < 4 { row(k, 4, 20.0) } else { row(k, 1, 6.0) }).collect();
        let of = |a: &[ImageRow], b: &[ImageRow]| {
            let both = a.iter().zip(b).collect();
            Images { both, only_a: 0, only_b: 0, failed: 0 }.evaluations(|row| row.latency_s)
        };
        assert_eq!(of(&alone, &shared), [(2.5, 7.0), (4.5, 8.0), (6.0, 9.0)]);
        assert_eq!(of(&shared, &shared), [(7.0, 7.0), (8.0, 8.0), (9.0, 9.0)]);
        assert_eq!(of(&shared, &four), [(7.5, 20.0), (9.0, 6.0)]);
        assert_eq!(of(&alone, &alone).len(), 5);
    }

    #[test]
    fn numbers_that_mean_other_images_are_noticed() {
        let (one, other) = (row(0, 1, 1.0), ImageRow { label: Some(2), ..row(0, 1, 1.0) });
        let moved = ImageRow { margin: 0.75, ..one.clone() };
        let clash = |b: &ImageRow, same| {
            Images { both: vec![(&one, b)], only_a: 0, only_b: 0, failed: 0 }.clash(same).unwrap_or_default()
        };
        assert_eq!(clash(&one, true), "");
        assert_eq!(clash(&other, false), "image 0 has the label 1 in A and 2 in B");
        assert_eq!(clash(&moved, true), "image 0 has the plaintext margin 0.500000 in A and 0.750000 in B");
        assert_eq!(clash(&moved, false), "", "other weights have other margins");
    }
}
