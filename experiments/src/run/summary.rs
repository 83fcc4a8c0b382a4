//! Summarises the rows of a case's images in the row of the case.

use crate::case::Case;
use crate::config::{BackendKind, Cell};
use crate::prediction;
use crate::records::{CaseRow, ImageRow};
use crate::report::statistics::{mcnemar, median, spread, wilson};

/// The row of a case before its first image.
pub(super) fn blank(cell: &Cell, kind: BackendKind, case: Option<&Case>) -> CaseRow {
    let encrypted = case.filter(|_| kind == BackendKind::Encrypted);
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
        key_bytes: encrypted.map(|case| case.plan.memory.keys as u64),
        constant_bytes: encrypted.map(|case| case.plan.memory.constants as u64),
        peak_rss_bytes: None,
        predicted_bytes: encrypted.map(|case| case.plan.memory.total() as u64),
        precision_bits: None,
        error: None,
        without_class: None,
    }
}

/// Fills in the counts and averages over the images. An image whose evaluation failed is only counted as failed; an
/// image without a class is wrong.
pub(super) fn summarise(row: CaseRow, images: &[ImageRow]) -> CaseRow {
    let evaluated: Vec<&ImageRow> = images.iter().filter(|image| image.evaluated()).collect();
    let count = |f: &dyn Fn(&ImageRow) -> bool| evaluated.iter().filter(|row| f(row)).count();
    let trials = evaluated.len();
    let share = |count: usize| (trials > 0).then(|| count as f64 / trials as f64);
    let right = |class: Option<usize>, row: &ImageRow| class == Some(usize::from(row.label));
    let exactly_right = |row: &ImageRow| right(Some(row.exact_class), row);
    let correct = count(&|row| right(row.class, row));
    let flips = count(&|row| row.class != Some(row.exact_class));
    let only_case = count(&|row| right(row.class, row) && !exactly_right(row));
    let only_exact = count(&|row| !right(row.class, row) && exactly_right(row));
    let interval = wilson(correct, trials, 0.95);
    let latencies = latencies(evaluated.iter().copied());
    let share_of = |row: &&ImageRow| Some(row.latency_s? / row.batch? as f64);
    let amortised: Vec<f64> = evaluated.iter().filter_map(share_of).collect();
    let without_class = count(&ImageRow::without_class);
    let worst = evaluated.iter().filter_map(|row| row.max_abs_error).reduce(f64::max).filter(|_| without_class == 0);
    CaseRow {
        images: images.len(),
        failed: images.len() - trials,
        correct,
        accuracy: share(correct),
        accuracy_lo: interval.map(|interval| interval.0),
        accuracy_hi: interval.map(|interval| interval.1),
        plain_accuracy: share(count(&exactly_right)),
        polynomial_accuracy: share(count(&|row| right(row.plain_class, row))),
        agreement: share(trials - flips),
        flips,
        polynomial_flips: count(&|row| row.class != row.plain_class),
        mcnemar_p: (trials > 0).then(|| mcnemar(only_case, only_exact)),
        latency_s: median(&latencies),
        latency_spread_s: spread(&latencies),
        amortised_s: median(&amortised),
        overhead: overhead(images),
        precision_bits: worst.filter(|&worst| worst > 0.0).map(|worst| -worst.log2()),
        without_class: Some(without_class),
        ..row
    }
}

/// Seconds of each evaluation. Images that share a ciphertext have equal ones, to the last digit.
fn latencies<'a>(images: impl Iterator<Item = &'a ImageRow> + Clone) -> Vec<f64> {
    let shared = images.clone().any(|row| row.batch > Some(1));
    let mut seconds: Vec<f64> = images.filter_map(|row| row.latency_s).collect();
    if shared {
        seconds.sort_by(f64::total_cmp);
        seconds.dedup();
    }
    seconds
}

/// Seconds of the harness over the seconds of encryption, evaluation and decryption.
fn overhead(images: &[ImageRow]) -> Option<f64> {
    let work = |row: &ImageRow| Some((row.encrypt_s? + row.latency_s? + row.decrypt_s?) / row.batch? as f64);
    let parts = |row: &ImageRow| Some((row.overhead_s?, work(row)?));
    let (harness, work) =
        images.iter().filter_map(parts).fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    (work > 0.0).then(|| harness / work)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::rewrite::rewrite;
    use super::*;
    use crate::config::Relu;
    use crate::records::Run;

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
            error: None,
        }
    }

    fn failed(image: ImageRow) -> ImageRow {
        ImageRow { plain_class: None, class: None, overflow: None, error: Some("failed".to_owned()), ..image }
    }

    /// `CIPHERLAB_BLESS=1` computes them anew, after a change of the rules.
    #[test]
    fn published_cases_follow_from_their_images() {
        let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
        let folders = std::fs::read_dir(results).unwrap().map(|entry| entry.unwrap().path());
        let mut checked = 0;
        for folder in folders.filter(|folder| folder.join("run.json").exists()) {
            let run = Run::read(&folder).unwrap();
            let again = run.cases.iter().map(|case| {
                let images: Vec<ImageRow> = run.images.iter().filter(|row| row.case == case.case).cloned().collect();
                summarise(case.clone(), &images)
            });
            let again: Vec<CaseRow> = again.collect();
            if std::env::var_os("CIPHERLAB_BLESS").is_some() && again != run.cases {
                rewrite(&folder, &again, |_| None).unwrap();
                continue;
            }
            for (again, case) in again.iter().zip(&run.cases) {
                // Runs of earlier programs do not tell it.
                let again = CaseRow { without_class: case.without_class.and(again.without_class), ..again.clone() };
                assert_eq!(again, *case, "{}", folder.display());
            }
            checked += again.len();
        }
        assert!(checked > 0, "results are published");
    }

    #[test]
    fn an_evaluation_counts_once_however_many_images_share_it() {
        let cell = Cell { relu: Relu::Exact, ring: None, insecure: false, place: String::new() };
        let shared = |batch, latency| ImageRow { batch: Some(batch), ..image(1, 1, Some(1), 0.5, latency) };
        let images = [shared(3, 6.0), shared(3, 6.0), shared(3, 6.0), shared(2, 10.0), shared(2, 10.0)];
        let row = summarise(blank(&cell, BackendKind::Plain, None), &images);
        assert_eq!((row.latency_s, row.latency_spread_s, row.amortised_s), (Some(8.0), Some(1.0), Some(2.0)));
    }

    #[test]
    fn failures_count_for_nothing() {
        let cell = Cell { relu: Relu::Exact, ring: None, insecure: false, place: String::new() };
        let blank = blank(&cell, BackendKind::Plain, None);
        assert_eq!((blank.case.as_str(), blank.relu.as_str(), blank.ring_dim), ("plain-exact", "exact", None));
        let images = [
            image(1, 1, Some(1), 0.125, 1.0),
            image(1, 1, Some(2), 0.25, 2.0),
            image(2, 1, Some(2), 0.0625, 4.0),
            failed(image(3, 3, None, 100.0, 100.0)),
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

    #[test]
    fn images_without_a_class_are_wrong_and_leave_no_precision() {
        let cell = Cell { relu: Relu::Exact, ring: None, insecure: false, place: String::new() };
        let nothing = ImageRow { max_abs_error: None, ..image(3, 3, None, 0.0, 4.0) };
        let beyond = ImageRow { plain_class: None, ..nothing.clone() };
        let images = [image(1, 1, Some(1), 0.125, 1.0), image(2, 1, Some(2), 0.25, 2.0), nothing, beyond];
        let row = summarise(blank(&cell, BackendKind::Plain, None), &images);
        assert_eq!((row.images, row.failed, row.without_class, row.correct, row.flips), (4, 0, Some(2), 2, 3));
        assert_eq!(row.polynomial_flips, 2, "a class that the polynomials lose in plaintext is not among them");
        assert_eq!((row.accuracy, row.plain_accuracy, row.polynomial_accuracy), (Some(0.5), Some(0.75), Some(0.5)));
        assert_eq!((row.latency_s, row.precision_bits), (Some(3.0), None));
    }
}
