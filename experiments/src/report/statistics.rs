//! The statistics of a case, each with its source.

use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, Normal};

/// Returns Wilson's score interval for a share of `hits` in `trials`, at `confidence` from 0 to 1 (Wilson 1927); `None`
/// without trials.
pub(crate) fn wilson(hits: usize, trials: usize, confidence: f64) -> Option<(f64, f64)> {
    if trials == 0 {
        return None;
    }
    let z = Normal::standard().inverse_cdf(0.5 + confidence / 2.0);
    let (n, share) = (trials as f64, hits as f64 / trials as f64);
    let z2n = z * z / n;
    let centre = (share + z2n / 2.0) / (1.0 + z2n);
    let half = z / (1.0 + z2n) * (share * (1.0 - share) / n + z2n / (4.0 * n)).sqrt();
    // Rounding must not push an end beyond the share itself.
    Some(((centre - half).clamp(0.0, share), (centre + half).clamp(share, 1.0)))
}

/// Returns the p-value of the exact two-sided McNemar test on paired outcomes. In `first` pairs only the one is right,
/// in `second` pairs only the other. The value is the probability of a split at least as uneven if both were equally
/// good (McNemar 1947, binomial form).
pub(crate) fn mcnemar(first: usize, second: usize) -> f64 {
    let pairs = (first + second) as u64;
    if pairs == 0 {
        return 1.0;
    }
    let fair = Binomial::new(0.5, pairs).expect("a half is a probability");
    (2.0 * fair.cdf(first.min(second) as u64)).min(1.0)
}

/// Returns the quantile `q` of `values`, interpolated between neighbours (Hyndman and Fan's type 7); `None` without
/// values, or if one is NaN.
pub(crate) fn quantile(values: &[f64], q: f64) -> Option<f64> {
    if values.is_empty() || values.iter().any(|value| value.is_nan()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = q.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    Some(if below == above { below } else { below + (above - below) * at.fract() })
}

/// Returns the median; `None` without values, or if one is NaN.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// Returns half the distance between the quartiles; `None` for fewer than two values.
pub(crate) fn spread(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    Some((quantile(values, 0.75)? - quantile(values, 0.25)?) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, wanted: f64, tolerance: f64) {
        assert!((found - wanted).abs() <= tolerance, "found {found}, wanted {wanted}");
    }

    /// Newcombe, Statistics in Medicine 17 (1998), table I, method 3 (score, without continuity correction).
    #[test]
    fn wilson_as_published() {
        for (hits, trials, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let (lo, hi) = wilson(hits, trials, 0.95).unwrap();
            near(lo, low, 5e-5);
            near(hi, high, 5e-5);
        }
        assert_eq!(wilson(20, 20, 0.95).unwrap().1, 1.0);
        assert_eq!(wilson(0, 0, 0.95), None);
    }

    /// By the definition: 2·Σ C(n, k) / 2ⁿ.
    #[test]
    fn mcnemar_is_a_binomial_sum() {
        near(mcnemar(1, 9), 2.0 * (1.0 + 10.0) / 1024.0, 1e-12);
        near(mcnemar(9, 1), 2.0 * (1.0 + 10.0) / 1024.0, 1e-12);
        near(mcnemar(0, 5), 2.0 / 32.0, 1e-12);
        near(mcnemar(2, 3), 1.0, 1e-12);
        assert_eq!((mcnemar(0, 0), mcnemar(4, 4)), (1.0, 1.0));
        // Agresti, Categorical Data Analysis, table 10.1: 150 against 86, a clear difference.
        near(mcnemar(86, 150), 3.715_936_1e-5, 1e-11);
    }

    /// R's default, `quantile(c(1, 2, 4, 8, 16))`.
    #[test]
    fn quantiles_interpolate() {
        let values = [8.0, 1.0, 16.0, 2.0, 4.0];
        assert_eq!([0.0, 0.25, 0.5, 0.75, 1.0].map(|q| quantile(&values, q).unwrap()), [1.0, 2.0, 4.0, 8.0, 16.0]);
        assert_eq!((quantile(&values, 0.1), median(&values), spread(&values)), (Some(1.4), Some(4.0), Some(3.0)));
        assert_eq!((median(&[1.0, 2.0]), median(&[]), spread(&[3.0])), (Some(1.5), None, None));
        assert_eq!(median(&[1.0, f64::NAN]), None);
        assert_eq!(median(&[f64::INFINITY, f64::INFINITY]), Some(f64::INFINITY));
    }
}
