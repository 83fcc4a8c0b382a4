//! A case's row, from those of its images.

use crate::case::Case;
use crate::config::{Cell, Kind};
use crate::prediction;
use crate::records::{CaseRow, ImageRow};
use crate::statistics::{mcnemar, median, spread, wilson};

/// What is known of a case before any image.
pub fn blank(cell: &Cell, kind: Kind, case: Option<&Case>) -> CaseRow {
    let encrypted = case.filter(|_| kind == Kind::Encrypted);
    CaseRow {
        case: cell.id(kind),
        backend: kind.to_string(),
        ring_dim: case.map(|case| case.described.ring_dim),
        log_qp: case.map(|case| case.described.log_qp),
        log_qp_limit: case.and_then(|case| case.described.log_qp_limit),
        security: case.map(|case| case.described.security),
        relu: cell.relu.to_string(),
        packing: case.map(|case| case.described.packing.clone()),
        images: 0,
        failed: 0,
        correct: 0,
        accuracy: None,
        accuracy_lo: None,
        accuracy_hi: None,
        plain_accuracy: None,
        polynomial_accuracy: None,
        agreement: None,
        flips: 0,
        polynomial_flips: 0,
        mcnemar_p: None,
        latency_s: None,
        latency_spread_s: None,
        amortised_s: None,
        overhead: None,
        predicted_latency_s: encrypted.and_then(|case| prediction::of_image(case).ok()),
        keygen_s: None,
        key_bytes: None,
        constant_bytes: None,
        peak_rss_bytes: None,
        predicted_bytes: encrypted.map(|case| case.memory.total() as u64),
        precision_bits: None,
        error: None,
    }
}

/// Fills in what the images say. Nothing is averaged over those that failed.
pub fn summarise(row: CaseRow, images: &[ImageRow]) -> CaseRow {
    let classified: Vec<(&ImageRow, usize)> = images.iter().filter_map(|image| Some((image, image.class?))).collect();
    let count = |f: &dyn Fn(&ImageRow, usize) -> bool| classified.iter().filter(|(row, class)| f(row, *class)).count();
    let trials = classified.len();
    let share = |count: usize| (trials > 0).then(|| count as f64 / trials as f64);
    let right = |class: usize, row: &ImageRow| class == usize::from(row.label);
    let correct = count(&|row, class| right(class, row));
    let flips = count(&|row, class| class != row.exact_class);
    let only_case = count(&|row, class| right(class, row) && !right(row.exact_class, row));
    let only_exact = count(&|row, class| !right(class, row) && right(row.exact_class, row));
    let interval = wilson(correct, trials, 0.95);
    let latencies = latencies(classified.iter().map(|(row, _)| *row));
    let share_of = |(row, _): &(&ImageRow, usize)| Some(row.latency_s? / row.batch? as f64);
    let amortised: Vec<f64> = classified.iter().filter_map(share_of).collect();
    let worst = classified.iter().filter_map(|(row, _)| row.max_abs_error).reduce(f64::max);
    CaseRow {
        images: images.len(),
        failed: images.len() - trials,
        correct,
        accuracy: share(correct),
        accuracy_lo: interval.map(|interval| interval.0),
        accuracy_hi: interval.map(|interval| interval.1),
        plain_accuracy: share(count(&|row, _| right(row.exact_class, row))),
        polynomial_accuracy: share(count(&|row, _| row.plain_class.is_some_and(|class| right(class, row)))),
        agreement: share(trials - flips),
        flips,
        polynomial_flips: count(&|row, class| row.plain_class != Some(class)),
        mcnemar_p: (trials > 0).then(|| mcnemar(only_case, only_exact)),
        latency_s: median(&latencies),
        latency_spread_s: spread(&latencies),
        amortised_s: median(&amortised),
        overhead: overhead(images),
        precision_bits: worst.filter(|&worst| worst > 0.0).map(|worst| -worst.log2()),
        ..row
    }
}

/// Seconds of each evaluation. Images that share a ciphertext all say the same, to the last digit.
fn latencies<'a>(images: impl Iterator<Item = &'a ImageRow> + Clone) -> Vec<f64> {
    let shared = images.clone().any(|row| row.batch > Some(1));
    let mut seconds: Vec<f64> = images.filter_map(|row| row.latency_s).collect();
    if shared {
        seconds.sort_by(f64::total_cmp);
        seconds.dedup();
    }
    seconds
}

/// Seconds of the harness over those of encryption, evaluation and decryption.
fn overhead(images: &[ImageRow]) -> Option<f64> {
    let work = |row: &ImageRow| Some((row.encrypt_s? + row.latency_s? + row.decrypt_s?) / row.batch? as f64);
    let parts = |row: &ImageRow| Some((row.overhead_s?, work(row)?));
    let (harness, work) =
        images.iter().filter_map(parts).fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    (work > 0.0).then(|| harness / work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Relu;

    fn image(label: u8, exact_class: usize, class: Option<usize>, error: f64, latency: f64) -> ImageRow {
        ImageRow {
            case: "c".to_owned(),
            image: 0,
            label,
            exact_class,
            plain_class: Some(exact_class),
            class,
            margin: 1.0,
            batch: Some(1),
            encrypt_s: Some(0.5),
            latency_s: Some(latency),
            decrypt_s: Some(0.5),
            trace_s: None,
            overhead_s: Some(0.1 * (latency + 1.0)),
            max_abs_error: Some(error),
            precision_bits: None,
            overflow: Some(0),
            error: class.is_none().then(|| "failed".to_owned()),
        }
    }

    #[test]
    fn an_evaluation_counts_once_however_many_images_share_it() {
        let cell = Cell { relu: Relu::Exact, ring: None, insecure: false, place: String::new() };
        let shared = |batch, latency| ImageRow { batch: Some(batch), ..image(1, 1, Some(1), 0.5, latency) };
        let images = [shared(3, 6.0), shared(3, 6.0), shared(3, 6.0), shared(2, 10.0), shared(2, 10.0)];
        let row = summarise(blank(&cell, Kind::Plain, None), &images);
        assert_eq!((row.latency_s, row.latency_spread_s, row.amortised_s), (Some(8.0), Some(1.0), Some(2.0)));
    }

    #[test]
    fn nothing_is_averaged_over_failures() {
        let cell = Cell { relu: Relu::Exact, ring: None, insecure: false, place: String::new() };
        let blank = blank(&cell, Kind::Plain, None);
        assert_eq!((blank.case.as_str(), blank.relu.as_str(), blank.ring_dim), ("plain-exact", "exact", None));
        let images = [
            image(1, 1, Some(1), 0.125, 1.0),
            image(1, 1, Some(2), 0.25, 2.0),
            image(2, 1, Some(2), 0.0625, 4.0),
            image(3, 3, None, 100.0, 100.0),
        ];
        let row = summarise(blank.clone(), &images);
        assert_eq!((row.images, row.failed, row.correct, row.flips, row.polynomial_flips), (4, 1, 2, 2, 2));
        assert_eq!((row.accuracy, row.plain_accuracy), (Some(2.0 / 3.0), Some(2.0 / 3.0)));
        assert_eq!((row.agreement, row.mcnemar_p), (Some(1.0 / 3.0), Some(1.0)));
        assert_eq!((row.latency_s, row.precision_bits), (Some(2.0), Some(2.0)));
        assert!((row.overhead.unwrap() - 0.1).abs() < 1e-12);
        let nothing = summarise(blank, &images[3..]);
        assert_eq!((nothing.images, nothing.failed), (1, 1));
        assert_eq!(
            (nothing.accuracy, nothing.accuracy_lo, nothing.mcnemar_p, nothing.latency_s),
            (None, None, None, None)
        );
    }
}
