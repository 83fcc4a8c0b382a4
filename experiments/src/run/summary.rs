//! Summarises the rows of a case's images in the row of the case.

use crate::case::Case;
use crate::config::{BackendKind, Cell, Network};
use crate::contract::Stage;
use crate::prediction;
use crate::records::{CaseRow, ImageRow, StageRow};
use crate::report::statistics::{mcnemar, median, spread, wilson};

/// The row of a case before its first image.
pub(super) fn blank(cell: &Cell, kind: BackendKind, case: Option<&Case>) -> CaseRow {
    let encrypted = case.filter(|_| kind == BackendKind::Encrypted);
    let (relu, engine) = match &cell.network {
        Network::Own(relu) => (relu.to_string(), None),
        Network::Foreign(label) => (String::new(), Some(label.clone())),
    };
    CaseRow {
        case: cell.id(kind),
        backend: kind.to_string(),
        ring_dim: case.map(|case| case.described.ring_dim),
        log_qp: case.map(|case| case.described.log_qp),
        log_qp_limit: case.and_then(|case| case.described.log_qp_limit),
        security: case.map(|case| case.described.security),
        relu,
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
        engine,
        upload_bytes: None,
        download_bytes: None,
        energy_j: None,
        threads: matches!(cell.network, Network::Own(_)).then(rayon::current_num_threads),
        kernels: encrypted.map(|case| case.described.kernels.to_owned()),
        profile: case.and_then(|case| case.described.profile.clone()),
        memory: encrypted.map(|case| case.dial().to_string()),
        holding: encrypted.map(|case| case.holding().to_string()),
    }
}

/// Enters what the stages of another program tell: seconds and bytes of its keys, and the largest of its processes. A case
/// without stages stays as it is.
pub(super) fn of_stages(row: CaseRow, stages: &[StageRow]) -> CaseRow {
    if stages.is_empty() {
        return row;
    }
    let last = |wanted: &Stage| stages.iter().rfind(|row| row.stage == wanted.name());
    CaseRow {
        keygen_s: Stage::ONCE.iter().map(|stage| Some(last(stage)?.wall_s)).sum(),
        key_bytes: last(&Stage::ClientKeyGeneration).and_then(|row| row.bytes),
        peak_rss_bytes: stages.iter().map(|row| row.peak_rss_bytes).max(),
        ..row
    }
}

/// Fills in the counts and averages over the images. An image whose evaluation failed is only counted as failed; an
/// image without a class is wrong.
pub(super) fn summarise(row: CaseRow, images: &[ImageRow]) -> CaseRow {
    let evaluated: Vec<&ImageRow> = images.iter().filter(|image| image.evaluated()).collect();
    let count = |f: &dyn Fn(&ImageRow) -> bool| evaluated.iter().filter(|row| f(row)).count();
    let trials = evaluated.len();
    let share = |count: usize| (trials > 0).then(|| count as f64 / trials as f64);
    let labelled = count(&|row| row.label.is_some());
    let share_right = |count: usize| (labelled > 0).then(|| count as f64 / labelled as f64);
    let right = |class: Option<usize>, row: &ImageRow| row.is_right(class) == Some(true);
    let exactly_right = |row: &ImageRow| right(Some(row.exact_class), row);
    let correct = count(&|row| right(row.class, row));
    let flips = count(&|row| row.class != Some(row.exact_class));
    let only_case = count(&|row| right(row.class, row) && !exactly_right(row));
    let only_exact = count(&|row| !right(row.class, row) && exactly_right(row));
    let interval = wilson(correct, labelled, 0.95);
    let latencies = latencies(evaluated.iter().copied());
    let shares = |of: fn(&ImageRow) -> Option<f64>| -> Vec<f64> {
        evaluated.iter().filter_map(|row| Some(of(row)? / row.batch? as f64)).collect()
    };
    // An engine that is not this program has polynomials of its own, if any.
    let own = row.engine.is_none();
    let without_class = count(&ImageRow::without_class);
    let worst = evaluated.iter().filter_map(|row| row.max_abs_error).reduce(f64::max).filter(|_| without_class == 0);
    CaseRow {
        images: images.len(),
        failed: images.len() - trials,
        correct,
        accuracy: share_right(correct),
        accuracy_lo: interval.map(|interval| interval.0),
        accuracy_hi: interval.map(|interval| interval.1),
        plain_accuracy: share_right(count(&exactly_right)),
        polynomial_accuracy: share_right(count(&|row| right(row.plain_class, row))).filter(|_| own),
        agreement: share(trials - flips),
        flips,
        polynomial_flips: count(&|row| own && row.class != row.plain_class),
        mcnemar_p: (labelled > 0).then(|| mcnemar(only_case, only_exact)),
        latency_s: median(&latencies),
        latency_spread_s: spread(&latencies),
        amortised_s: median(&shares(|row| row.latency_s)),
        overhead: overhead(images),
        precision_bits: worst.filter(|&worst| worst > 0.0).map(|worst| -worst.log2()),
        without_class: Some(without_class),
        upload_bytes: evaluated.iter().filter_map(|row| row.upload_bytes).max(),
        download_bytes: evaluated.iter().filter_map(|row| row.download_bytes).max(),
        energy_j: median(&shares(|row| row.energy_j)),
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
    use crate::config::{Relu, Resources};
    use crate::records::Run;

    fn image(label: u16, exact_class: usize, class: Option<usize>, error: f64, latency: f64) -> ImageRow {
        ImageRow {
            case: "c".to_owned(),
            image: 0,
            label: Some(label),
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
            upload_bytes: Some(100),
            download_bytes: None,
            energy_j: None,
        }
    }

    fn own(relu: Relu) -> Cell {
        Cell {
            network: Network::Own(relu),
            ring: None,
            profile: None,
            resources: Resources::default(),
            insecure: false,
            place: String::new(),
        }
    }

    fn failed(image: ImageRow) -> ImageRow {
        let error = Some("failed".to_owned());
        ImageRow { plain_class: None, class: None, overflow: None, latency_s: None, error, ..image }
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
        let cell = own(Relu::Exact);
        let shared = |batch, latency| ImageRow { batch: Some(batch), ..image(1, 1, Some(1), 0.5, latency) };
        let images = [shared(3, 6.0), shared(3, 6.0), shared(3, 6.0), shared(2, 10.0), shared(2, 10.0)];
        let row = summarise(blank(&cell, BackendKind::Plain, None), &images);
        assert_eq!((row.latency_s, row.latency_spread_s, row.amortised_s), (Some(8.0), Some(1.0), Some(2.0)));
    }

    #[test]
    fn failures_count_for_nothing() {
        let cell = own(Relu::Exact);
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
        let cell = own(Relu::Exact);
        let nothing = ImageRow { max_abs_error: None, ..image(3, 3, None, 0.0, 4.0) };
        let beyond = ImageRow { plain_class: None, ..nothing.clone() };
        let images = [image(1, 1, Some(1), 0.125, 1.0), image(2, 1, Some(2), 0.25, 2.0), nothing, beyond];
        let row = summarise(blank(&cell, BackendKind::Plain, None), &images);
        assert_eq!((row.images, row.failed, row.without_class, row.correct, row.flips), (4, 0, Some(2), 2, 3));
        assert_eq!(row.polynomial_flips, 2, "a class that the polynomials lose in plaintext is not among them");
        assert_eq!((row.accuracy, row.plain_accuracy, row.polynomial_accuracy), (Some(0.5), Some(0.75), Some(0.5)));
        assert_eq!((row.latency_s, row.precision_bits), (Some(3.0), None));
    }

    #[test]
    fn an_engine_that_is_not_ours_has_no_polynomials_and_its_stages_tell_its_keys() {
        let network = Network::Foreign("their engine".to_owned());
        let cell = Cell {
            network,
            ring: None,
            profile: None,
            resources: Resources::default(),
            insecure: false,
            place: String::new(),
        };
        let alone =
            |class| ImageRow { plain_class: None, overflow: None, energy_j: Some(6.0), ..image(1, 1, class, 0.0, 4.0) };
        let images = [alone(Some(1)), ImageRow { batch: Some(3), ..alone(Some(2)) }];
        let stage = |stage: Stage, wall_s: f64, peak_rss_bytes: u64| StageRow {
            case: "suite-their engine".to_owned(),
            image: None,
            batch: None,
            stage: stage.name().to_owned(),
            wall_s,
            user_s: 0.0,
            system_s: 0.0,
            peak_rss_bytes,
            bytes: (stage == Stage::ClientKeyGeneration).then_some(900),
            energy_j: None,
        };
        let keys = |wall_s| stage(Stage::ClientKeyGeneration, wall_s, 10);
        let model = stage(Stage::ServerPreprocessModel, 0.25, 20);
        let stages = [keys(7.0), model.clone(), keys(1.0), model, stage(Stage::ServerEncryptedCompute, 9.0, 30)];
        let row = summarise(of_stages(blank(&cell, BackendKind::Suite, None), &stages), &images);
        assert_eq!(
            (row.case.as_str(), row.relu.as_str(), row.engine.as_deref()),
            ("suite-their engine", "", Some("their engine"))
        );
        assert_eq!(
            (row.correct, row.flips, row.failed, row.polynomial_flips, row.polynomial_accuracy),
            (1, 1, 0, 0, None)
        );
        assert_eq!(
            (row.keygen_s, row.key_bytes, row.peak_rss_bytes),
            (Some(1.25), Some(900), Some(30)),
            "the last keys"
        );
        assert_eq!((row.upload_bytes, row.download_bytes, row.energy_j), (Some(100), None, Some(4.0)));
    }
}
