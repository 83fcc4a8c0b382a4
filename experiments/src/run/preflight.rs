//! Checks the plaintext model before any case: its accuracy must be the one that its card claims.

use anyhow::{Context, Result, ensure};
use rayon::prelude::*;

use super::selection::Subject;
use crate::case::Model;
use crate::records::ExactRow;
use crate::report::statistics::wilson;

/// The check needs at least this many images.
const FEWEST: usize = 100;
/// The confidence at which a mismatch is refused.
const CONFIDENCE: f64 = 0.9999;

/// The plaintext model's answers with exact ReLUs, or with the activation it was trained with. Calls `done` after each.
pub fn exact(model: &Model, subjects: &[Subject], done: &(dyn Fn() + Sync)) -> Result<Vec<ExactRow>> {
    let activation = model.own_activation();
    let answer = |subject: &Subject| {
        let outcome = model.network.forward(&model.input(&subject.image), activation.as_ref());
        done();
        let class = outcome.class().with_context(|| {
            format!(
                "image {}: found logits that are NaN or infinite with exact ReLUs; the weights are broken",
                subject.index
            )
        })?;
        Ok(ExactRow { image: subject.index, label: subject.label, class, margin: margin(&outcome.logits) })
    };
    subjects.par_iter().map(answer).collect()
}

/// Largest logit minus the second largest.
fn margin(logits: &[f64]) -> f64 {
    let mut sorted = logits.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    sorted[0] - sorted[1]
}

/// Fails if the answers contradict the accuracy that the model's card claims.
pub fn check(model: &Model, exact: &[ExactRow]) -> Result<()> {
    let Some(claim) = model.claim.filter(|_| exact.len() >= FEWEST) else { return Ok(()) };
    let right = exact.iter().filter(|row| row.class == usize::from(row.label)).count();
    let (low, high) = wilson(right, exact.len(), CONFIDENCE).expect("there are images");
    ensure!(
        (low..=high).contains(&claim),
        "preflight: the plaintext model has {right} of {} images right, so between {:.2} and {:.2} % (99.99 % sure), \
         wanted the {:.2} % that its card claims; check the card's mean and std, and that the weights are the card's",
        exact.len(),
        100.0 * low,
        100.0 * high,
        100.0 * claim
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paper's weights: 92.57 % normalised, 32.63 % on bare pixels, measured on all 10,000 test images.
    #[test]
    fn missing_normalisation_is_caught() {
        let mut model = Model::embedded(1.05).unwrap();
        model.claim = Some(0.926);
        let rows = |images: usize, right: usize| -> Vec<ExactRow> {
            (0..images)
                .map(|image| ExactRow { image, label: 1, class: usize::from(image < right), margin: 1.0 })
                .collect()
        };
        check(&model, &rows(10_000, 9257)).unwrap();
        let error = check(&model, &rows(10_000, 3263)).unwrap_err().to_string();
        assert!(error.contains("3263 of 10000 images right") && error.contains("wanted the 92.60 %"), "{error}");
        check(&model, &rows(99, 0)).unwrap();
        check(&model, &rows(100, 0)).unwrap_err();
        model.claim = None;
        check(&model, &rows(10_000, 0)).unwrap();
    }

    #[test]
    fn margins_are_between_the_two_largest() {
        assert_eq!(margin(&[1.0, 5.0, -7.0, 4.5]), 0.5);
    }
}
