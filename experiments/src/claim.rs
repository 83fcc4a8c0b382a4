//! Compares a plaintext model's accuracy with the one that its card claims.

use anyhow::{Result, ensure};

use crate::report::statistics::wilson;

/// The confidence of the interval that a claim must lie in.
const CONFIDENCE: f64 = 0.9999;
/// An interval wider than this shows gross faults only.
const WIDE: f64 = 0.2;

/// Checks that `right` of `total` images agree with the claimed share `claim`. Returns a sentence that says what these
/// images can tell.
///
/// # Errors
/// A claim outside Wilson's interval at 99.99 %.
///
/// # Panics
/// If there are no images.
pub(crate) fn check(claim: f64, right: usize, total: usize) -> Result<String> {
    let (low, high) = wilson(right, total, CONFIDENCE).expect("there are images");
    let found = format!(
        "the plaintext model has {right} of {total} images right, so between {:.2} and {:.2} % (99.99 % sure)",
        100.0 * low,
        100.0 * high
    );
    ensure!(
        (low..=high).contains(&claim),
        "{found}, wanted the {:.2} % that its card claims; check the card's mean and std, the weights' shortcuts and \
         batch-norm epsilon, and that the weights are the card's",
        100.0 * claim
    );
    let limit = if high - low > WIDE { "; so few images show gross faults only" } else { "" };
    Ok(format!("{found}; its card claims {:.2} %{limit}", 100.0 * claim))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paper's weights: 92.57 % normalised, 32.63 % on bare pixels, measured on all 10,000 test images.
    #[test]
    fn a_wrong_normalisation_is_caught_at_any_number_of_images() {
        check(0.926, 9257, 10_000).unwrap();
        let error = check(0.926, 3263, 10_000).unwrap_err().to_string();
        assert!(error.contains("3263 of 10000 images right") && error.contains("wanted the 92.60 %"), "{error}");
        check(0.926, 2, 20).unwrap_err();
        check(0.926, 0, 5).unwrap_err();
    }

    #[test]
    fn a_few_images_say_that_they_tell_little() {
        assert!(check(0.926, 19, 20).unwrap().ends_with("so few images show gross faults only"));
        assert!(!check(0.926, 926, 1000).unwrap().contains("so few"));
        check(0.926, 0, 1).unwrap();
        check(0.926, 1, 1).unwrap();
    }
}
