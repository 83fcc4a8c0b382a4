//! Evaluates the plaintext model before any case, and checks its accuracy against its card.

use anyhow::{Context, Result};
use rayon::prelude::*;

use super::selection::Subject;
use crate::case::Model;
use crate::claim;
use crate::records::ExactRow;

/// Returns the plaintext model's answers with the activation that it was trained with. Calls `done` after each image.
///
/// # Errors
/// An image with infinite or NaN logits.
pub(super) fn exact(model: &Model, subjects: &[Subject], done: &(dyn Fn() + Sync)) -> Result<Vec<ExactRow>> {
    let activation = model.own_activation();
    let answer = |subject: &Subject| {
        let outcome = model.network.forward(&model.input(&subject.image), activation.as_ref());
        done();
        let class = outcome.class().with_context(|| {
            format!(
                "image {}: found infinite or NaN logits in the plaintext model with the activation that it was trained \
                 with, wanted numbers; the weights are broken, or the image leaves the intervals of a trained polynomial",
                subject.index
            )
        })?;
        Ok(ExactRow { image: subject.index, label: subject.label, class, margin: margin(&outcome.logits) })
    };
    subjects.par_iter().map(answer).collect()
}

/// Returns the largest logit minus the second largest.
fn margin(logits: &[f64]) -> f64 {
    let mut sorted = logits.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    sorted[0] - sorted[1]
}

/// Checks the answers against the accuracy that the model's card claims. Returns a sentence about the comparison;
/// `None` if the card claims no accuracy. Answers on images without labels tell nothing.
///
/// # Errors
/// Answers that contradict the claim.
pub(super) fn check(model: &Model, exact: &[ExactRow]) -> Result<Option<String>> {
    let labelled = exact.iter().any(|row| row.label.is_some());
    let Some(claim) = model.claim.filter(|_| labelled) else { return Ok(None) };
    let right = exact.iter().filter(|row| row.label.is_some_and(|label| row.class == usize::from(label))).count();
    claim::check(claim, right, exact.len()).map(Some).context("preflight")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_claim_is_checked() {
        let mut model = Model::embedded(1.05).unwrap();
        let wrong: Vec<_> = (0..20).map(|image| ExactRow { image, label: Some(1), class: 0, margin: 1.0 }).collect();
        assert!(
            format!("{:#}", check(&model, &wrong).unwrap_err())
                .starts_with("preflight: the plaintext model has 0 of 20")
        );
        model.claim = None;
        assert_eq!(check(&model, &wrong).unwrap(), None);
    }

    #[test]
    fn margins_are_between_the_two_largest() {
        assert_eq!(margin(&[1.0, 5.0, -7.0, 4.5]), 0.5);
    }
}
