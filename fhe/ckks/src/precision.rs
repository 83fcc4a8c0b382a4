//! Measured precision: the deviation of found values from expected ones.

use num_complex::Complex64;

/// The deviation of a vector of found values from the expected values.
///
/// A measure that does not exist is `None`: the bits of an error of zero, and the relative measure if all expected
/// values are zero.
///
/// ```
/// use fhe_ckks::Precision;
///
/// let precision = Precision::between(&[1.25, -2.0], &[1.0, -2.0]).expect("two values");
/// assert_eq!((precision.max_error, precision.worst_bits), (0.25, Some(2.0)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Precision {
    /// max |e|; infinite if a found value is NaN or infinite.
    pub max_error: f64,
    /// Mean of |e|.
    pub mean_error: f64,
    /// Standard deviation of e about its own mean: the error without a constant bias.
    pub std: f64,
    /// −log2(max |e|).
    pub worst_bits: Option<f64>,
    /// −log2(mean |e|).
    pub mean_bits: Option<f64>,
    /// 1 − Σ|v − v′|/Σ|v|, the measure of ePrint 2024/460: below 0 where the error outweighs the values.
    pub paper_precision: Option<f64>,
}

impl Precision {
    /// Returns the precision of real values; `None` if there are none.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn between(found: &[f64], expected: &[f64]) -> Option<Self> {
        assert_eq!(expected.len(), found.len(), "as many values found as expected");
        Self::of_pairs(found.iter().zip(expected).map(|(&f, &e)| (f.into(), e.into())))
    }

    /// Returns the precision of complex values, whose errors count by modulus; `None` if there are none.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn between_complex(found: &[Complex64], expected: &[Complex64]) -> Option<Self> {
        assert_eq!(expected.len(), found.len(), "as many values found as expected");
        Self::of_pairs(found.iter().copied().zip(expected.iter().copied()))
    }

    /// Returns the precision of pairs of a found and an expected value.
    fn of_pairs(pairs: impl ExactSizeIterator<Item = (Complex64, Complex64)> + Clone) -> Option<Self> {
        if pairs.len() == 0 {
            return None;
        }
        let count = pairs.len() as f64;
        // NaN counts as the largest error. `f64::max` would ignore it.
        let size = |error: Complex64| if error.is_nan() { f64::INFINITY } else { error.norm() };
        let errors = pairs.clone().map(|(found, expected)| found - expected);
        let total: f64 = errors.clone().map(size).sum();
        let max_error = errors.clone().map(size).fold(0.0, f64::max);
        let mean = errors.clone().sum::<Complex64>() / count;
        let std = (errors.map(|error| size(error - mean).powi(2)).sum::<f64>() / count).sqrt();
        let magnitude: f64 = pairs.map(|(_, expected)| expected.norm()).sum();
        let bits = |error: f64| (error > 0.0).then(|| -error.log2());
        Some(Self {
            max_error,
            mean_error: total / count,
            std,
            worst_bits: bits(max_error),
            mean_bits: bits(total / count),
            paper_precision: (magnitude > 0.0).then(|| 1.0 - total / magnitude),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_by_hand() {
        let precision = Precision::between(&[1.25, -2.0, -0.125, 1.125], &[1.0, -2.0, 0.0, 1.0]).unwrap();
        assert_eq!(precision.max_error, 0.25);
        assert_eq!(precision.mean_error, 0.125);
        assert_eq!(precision.worst_bits, Some(2.0));
        assert_eq!(precision.mean_bits, Some(3.0));
        assert_eq!(precision.paper_precision, Some(1.0 - 0.5 / 4.0));
        // Errors 1/4, 0, −1/8, 1/8 with mean 1/16: squares 9, 1, 9, 1 of sixteenths.
        assert_eq!(precision.std, (20.0f64 / 4.0).sqrt() / 16.0);
    }

    #[test]
    fn complex_errors_count_by_modulus() {
        let precision = Precision::between_complex(&[Complex64::new(6.0, 8.0)], &[Complex64::new(3.0, 4.0)]).unwrap();
        assert_eq!((precision.max_error, precision.paper_precision), (5.0, Some(0.0)));
        assert_eq!(precision.std, 0.0);
    }

    #[test]
    fn what_cannot_be_measured_is_none() {
        assert_eq!(Precision::between(&[], &[]), None);
        let exact = Precision::between(&[1.0, 2.0], &[1.0, 2.0]).unwrap();
        assert_eq!((exact.max_error, exact.worst_bits, exact.mean_bits), (0.0, None, None));
        assert_eq!(exact.paper_precision, Some(1.0));
        let zero = Precision::between(&[0.5, 0.0], &[0.0, 0.0]).unwrap();
        assert_eq!((zero.paper_precision, zero.worst_bits), (None, Some(1.0)));
    }

    #[test]
    fn nan_and_infinity_are_infinite_errors() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let precision = Precision::between(&[bad, 1.0], &[1.0, 1.0]).unwrap();
            assert_eq!((precision.max_error, precision.mean_error), (f64::INFINITY, f64::INFINITY));
            assert_eq!((precision.std, precision.worst_bits), (f64::INFINITY, Some(f64::NEG_INFINITY)));
            assert_eq!(precision.paper_precision, Some(f64::NEG_INFINITY));
        }
    }

    #[test]
    #[should_panic(expected = "as many values")]
    fn lengths_must_agree() {
        Precision::between(&[1.0], &[]);
    }
}
