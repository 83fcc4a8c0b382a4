//! Turns the evaluation of an image into its rows.

use anyhow::Result;

use super::engine::{Evaluated, StepMeasured};
use crate::layers::Deviation;
use crate::output::in_one_line;
use crate::records::{ExactRow, ImageRow, LayerRow};
use crate::verdict;

/// Returns the rows of an image of a case. An image that failed, or whose logits have no class, says why in its
/// `error`. `bound` is the largest magnitude that a logit can have.
pub(super) fn of(
    case: &str,
    exact: &ExactRow,
    bound: Option<f64>,
    evaluated: Result<Evaluated>,
) -> (ImageRow, Vec<LayerRow>) {
    let blank = blank(case, exact);
    let Evaluated { logits, polynomial, seconds, steps } = match evaluated {
        Ok(evaluated) => evaluated,
        Err(error) => return (ImageRow { error: Some(in_one_line(&error)), ..blank }, Vec::new()),
    };
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
    let image = ImageRow {
        plain_class,
        class,
        batch: seconds.map(|seconds| seconds.images),
        encrypt_s: seconds.map(|seconds| seconds.encrypt),
        latency_s: seconds.map(|seconds| seconds.evaluate),
        decrypt_s: seconds.map(|seconds| seconds.decrypt),
        trace_s: seconds.and_then(|seconds| seconds.look),
        max_abs_error,
        precision_bits,
        overflow: Some(overflow),
        error,
        ..blank
    };
    let layers = steps.into_iter().map(|step| layer(case, exact.image, step)).collect();
    (image, layers)
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

    const EXACT: ExactRow = ExactRow { image: 7, label: 2, class: 1, margin: 0.5 };

    fn evaluated(logits: Option<Vec<f64>>, polynomial: &[f64]) -> Evaluated {
        let polynomial = fhe_nn::plain::Outcome { logits: polynomial.to_vec(), overflow: vec![1, 2] };
        Evaluated { logits, polynomial, seconds: None, steps: Vec::new() }
    }

    #[test]
    fn classes_and_errors() {
        let (row, _) = of("c", &EXACT, None, Ok(evaluated(Some(vec![0.0, 1.0, 2.25]), &[0.0, 1.0, 2.0])));
        assert_eq!((row.image, row.class, row.plain_class, row.exact_class), (7, Some(2), Some(2), 1));
        assert_eq!((row.max_abs_error, row.precision_bits, row.overflow), (Some(0.25), Some(2.0), Some(3)));
        let (row, _) = of("c", &EXACT, None, Ok(evaluated(None, &[3.0, 1.0])));
        assert_eq!((row.class, row.max_abs_error, row.error), (Some(0), None, None));
    }

    #[test]
    fn what_failed_says_so_in_one_line() {
        let (row, layers) = of("c", &EXACT, None, Err(anyhow::anyhow!("a\nb").context("while")));
        assert_eq!((row.class, row.error.as_deref(), layers.len()), (None, Some("while: a b"), 0));
        assert_eq!(row.overflow, None, "nothing was counted");
        let (row, _) = of("c", &EXACT, None, Ok(evaluated(None, &[f64::NAN, 1.0])));
        assert_eq!((row.class, row.plain_class), (None, None));
        assert!(row.error.unwrap().contains("3 values left their intervals"));
        let (row, _) = of("c", &EXACT, None, Ok(evaluated(Some(vec![0.0, 1.0]), &[f64::INFINITY, 1.0])));
        assert_eq!((row.class, row.plain_class, row.max_abs_error, row.overflow), (None, None, None, Some(3)));
        assert!(row.error.unwrap().contains("the plaintext model with the same polynomials"));
    }
}
