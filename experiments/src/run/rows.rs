//! Turns the evaluation of an image into its rows.

use anyhow::Result;
use fhe_nn::plain::Outcome;

use super::engine::{Answer, Evaluated, StageMeasured, StepMeasured};
use crate::layers::Deviation;
use crate::output::in_one_line;
use crate::records::{ExactRow, ImageRow, LayerRow, StageRow};
use crate::verdict;

/// An image with the rows that belong to it.
pub(crate) struct ImageRows {
    /// The image.
    pub image: ImageRow,
    /// Its layers.
    pub layers: Vec<LayerRow>,
    /// The stages of the call that was made for it and for the images after it; empty for all but the first of a call.
    pub stages: Vec<StageRow>,
}

/// Returns the rows of an image of a case, without stages. An image that failed, or whose logits have no class, says why
/// in its `error`. `bound` is the largest magnitude that a logit can have.
pub(super) fn of(case: &str, exact: &ExactRow, bound: Option<f64>, evaluated: Result<Evaluated>) -> ImageRows {
    let blank = blank(case, exact);
    let alone = |image| ImageRows { image, layers: Vec::new(), stages: Vec::new() };
    let Evaluated { answer, cost, steps } = match evaluated {
        Ok(evaluated) => evaluated,
        Err(error) => return alone(ImageRow { error: Some(in_one_line(&error)), ..blank }),
    };
    let answered = match answer {
        Answer::Class(class) => {
            let error = class.is_none().then(|| "no class: the engine wrote -1".to_owned());
            ImageRow { class, error, ..blank }
        }
        Answer::Logits { logits, polynomial } => compared(blank, bound, logits, &polynomial),
    };
    let image = ImageRow {
        batch: cost.map(|cost| cost.images),
        encrypt_s: cost.map(|cost| cost.encrypt),
        latency_s: cost.map(|cost| cost.evaluate),
        decrypt_s: cost.map(|cost| cost.decrypt),
        trace_s: cost.and_then(|cost| cost.look),
        upload_bytes: cost.and_then(|cost| cost.upload_bytes),
        download_bytes: cost.and_then(|cost| cost.download_bytes),
        energy_j: cost.and_then(|cost| cost.energy_j),
        ..answered
    };
    let layers = steps.into_iter().map(|step| layer(case, exact.image, step)).collect();
    ImageRows { layers, ..alone(image) }
}

/// Enters the classes of logits, and how they differ from those of the polynomial model, which are also the case's if it
/// has none of its own.
fn compared(row: ImageRow, bound: Option<f64>, logits: Option<Vec<f64>>, polynomial: &Outcome) -> ImageRow {
    let (overflow, plain_class) = (polynomial.overflows(), verdict::class(&polynomial.logits, bound));
    let deviation = logits.as_ref().map(|logits| Deviation::between(logits, &polynomial.logits));
    let class = logits.map_or(plain_class.clone(), |logits| verdict::class(&logits, bound));
    // If the same polynomials have no class in cleartext, the decrypted logits are noise, even if they are finite.
    let culprit = match (&plain_class, &class) {
        (Ok(_), Ok(_)) => None,
        (Err(reason), Ok(_)) => Some(format!("the plaintext model with the same polynomials: {reason}")),
        (_, Err(reason)) => Some(reason.to_string()),
    };
    let error = culprit.map(|reason| {
        format!(
            "no class: {reason}; {overflow} values left their intervals; a larger headroom may help a network that was \
             trained with ReLUs"
        )
    });
    let (plain_class, class) = (plain_class.ok(), class.ok().filter(|_| error.is_none()));
    let max_abs_error = deviation.map(|deviation| deviation.max).filter(|max| max.is_finite());
    let precision_bits = deviation.and_then(Deviation::bits);
    ImageRow { plain_class, class, max_abs_error, precision_bits, overflow: Some(overflow), error, ..row }
}

/// Returns the row of a stage of a case. `image` is the first image that the call was made for.
pub(super) fn stage(case: &str, image: Option<usize>, stage: &StageMeasured) -> StageRow {
    let StageMeasured { stage, images, report, bytes } = stage;
    StageRow {
        case: case.to_owned(),
        image,
        batch: *images,
        stage: stage.name().to_owned(),
        wall_s: report.wall_s,
        user_s: report.user_s,
        system_s: report.system_s,
        peak_rss_bytes: report.peak_rss_bytes,
        bytes: *bytes,
        energy_j: report.energy_j,
    }
}

/// Returns a row with the facts that are known before an image is evaluated.
fn blank(case: &str, exact: &ExactRow) -> ImageRow {
    ImageRow {
        case: case.to_owned(),
        image: exact.image,
        label: exact.label,
        exact_class: exact.class,
        plain_class: None,
        class: None,
        margin: exact.margin,
        batch: None,
        encrypt_s: None,
        latency_s: None,
        decrypt_s: None,
        trace_s: None,
        overhead_s: None,
        max_abs_error: None,
        precision_bits: None,
        overflow: None,
        error: None,
        upload_bytes: None,
        download_bytes: None,
        energy_j: None,
    }
}

fn layer(case: &str, image: usize, step: StepMeasured) -> LayerRow {
    let StepMeasured { layer, op, level, latency_s, rss_bytes, errors } = step;
    LayerRow {
        case: case.to_owned(),
        image,
        layer,
        op: op.to_owned(),
        level,
        latency_s,
        rss_bytes,
        max_abs_error: errors.max_abs_error,
        mean_abs_error: errors.mean_abs_error,
        precision_bits: errors.precision_bits,
        paper_precision: errors.paper_precision,
        approximation_max_error: errors.approximation_max_error,
        approximation_mean_error: errors.approximation_mean_error,
        overflow: errors.overflow,
        own_precision_bits: errors.own_precision_bits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::engine::Cost;

    const EXACT: ExactRow = ExactRow { image: 7, label: Some(2), class: 1, margin: 0.5 };

    fn evaluated(logits: Option<Vec<f64>>, polynomial: &[f64]) -> Evaluated {
        let polynomial = Outcome { logits: polynomial.to_vec(), overflow: vec![1, 2] };
        Evaluated { answer: Answer::Logits { logits, polynomial }, cost: None, steps: Vec::new() }
    }

    fn row(evaluated: Result<Evaluated>) -> ImageRow {
        let rows = of("c", &EXACT, None, evaluated);
        assert!(rows.layers.is_empty() && rows.stages.is_empty());
        rows.image
    }

    #[test]
    fn classes_and_errors() {
        let logits = row(Ok(evaluated(Some(vec![0.0, 1.0, 2.25]), &[0.0, 1.0, 2.0])));
        assert_eq!((logits.image, logits.class, logits.plain_class, logits.exact_class), (7, Some(2), Some(2), 1));
        assert_eq!((logits.max_abs_error, logits.precision_bits, logits.overflow), (Some(0.25), Some(2.0), Some(3)));
        let plain = row(Ok(evaluated(None, &[3.0, 1.0])));
        assert_eq!((plain.class, plain.max_abs_error, plain.error), (Some(0), None, None));
    }

    #[test]
    fn a_class_alone_has_nothing_to_compare() {
        let class = row(Ok(Evaluated { answer: Answer::Class(Some(4)), cost: None, steps: Vec::new() }));
        assert!(class.evaluated() && !class.without_class());
        assert_eq!((class.class, class.plain_class, class.overflow, class.error), (Some(4), None, None, None));
    }

    #[test]
    fn an_engine_may_have_no_class_for_an_image() {
        let cost = Cost {
            images: 1,
            encrypt: 1.0,
            evaluate: 2.0,
            decrypt: 1.0,
            look: None,
            upload_bytes: None,
            download_bytes: None,
            energy_j: None,
        };
        let none = row(Ok(Evaluated { answer: Answer::Class(None), cost: Some(cost), steps: Vec::new() }));
        assert!(none.evaluated() && none.without_class());
        assert_eq!(
            (none.class, none.latency_s, none.error.as_deref()),
            (None, Some(2.0), Some("no class: the engine wrote -1"))
        );
    }

    #[test]
    fn what_failed_says_so_in_one_line() {
        let failed = row(Err(anyhow::anyhow!("a\nb").context("while")));
        assert_eq!((failed.class, failed.error.as_deref()), (None, Some("while: a b")));
        assert!(!failed.evaluated(), "nothing was counted");
        let infinite = row(Ok(evaluated(None, &[f64::NAN, 1.0])));
        assert_eq!((infinite.class, infinite.plain_class), (None, None));
        assert!(infinite.error.unwrap().contains("3 values left their intervals"));
        let noise = row(Ok(evaluated(Some(vec![0.0, 1.0]), &[f64::INFINITY, 1.0])));
        assert_eq!((noise.class, noise.plain_class, noise.max_abs_error, noise.overflow), (None, None, None, Some(3)));
        assert!(noise.error.unwrap().contains("the plaintext model with the same polynomials"));
    }
}
