//! The sign function as a composition of odd minimax polynomials (ePrint 2020/834).
//!
//! Stage 1 approximates the sign on [−1, −ε] ∪ [ε, 1] with an error τ. Its values lie in ±[1 − τ, 1 + τ], where the
//! next stage approximates the sign, and so on. No composition of odd polynomials of the same degrees has a smaller
//! error. The error of a stage depends only on the ratio of its interval's ends. So inverting it as a function of that
//! ratio, from the last stage to the first, solves the problem for a given error.

use super::error::ApproximationError;
use super::minimax::{Minimax, minimax};
use crate::chebyshev::ChebyshevSeries;

/// The composition p_k ∘ … ∘ p_1, which approximates the sign of x for threshold ≤ |x| ≤ reach.
///
/// Between −threshold and threshold it rises from −1 to 1. The values of every stage stay within the next stage's
/// interval.
#[derive(Clone, Debug, PartialEq)]
pub struct SignComposite {
    /// The odd polynomials p_1, …, p_k, each on the interval of its input.
    pub stages: Vec<ChebyshevSeries>,
    /// The largest error of each stage as an approximation of the sign on the interval of its input.
    pub errors: Vec<f64>,
    /// ε, the smallest |x| for which the error bound holds.
    pub threshold: f64,
    /// The largest |x|: 1, or the argument of [`over`](Self::over).
    pub reach: f64,
    /// The error that each stage's input may have, relative to its largest value.
    pub margin: f64,
}

/// The smallest error and threshold, 2⁻³⁰. Below it the rounding of f64 dominates.
const SMALLEST: f64 = 1.0 / (1u64 << 30) as f64;
/// Relative tolerance of the inversion.
const CLOSE: f64 = 1e-11;
/// Largest number of steps of the inversion. After this many only rounding is left.
const MAX_STEPS: usize = 60;

impl SignComposite {
    /// Returns the composition with the smallest error for |x| ≥ `threshold`. The input of each stage, including the
    /// first, may have an error of `margin`, such as the noise of encryption.
    ///
    /// # Errors
    /// [`ApproximationError`] if there are no degrees or an even one, the threshold is below 2^−30 or not below 1, the
    /// margin is not within [0, 1) or blurs the signs, or a stage is more precise than f64.
    pub fn with_threshold(degrees: &[usize], threshold: f64, margin: f64) -> Result<Self, ApproximationError> {
        check(degrees, margin)?;
        check_range("threshold", threshold, 1.0, "at least 2^-30 and below 1")?;
        let mut composite = Self { stages: Vec::new(), errors: Vec::new(), threshold, reach: 1.0, margin };
        let (mut lo, mut hi) = (threshold, 1.0 + margin);
        for (i, &degree) in degrees.iter().enumerate() {
            if lo <= 0.0 {
                return Err(ApproximationError::Blurred { stage: i, reach: 1.0 - lo, margin });
            }
            let Minimax { series, error, .. } = stage(degree, lo, hi)?;
            if error < SMALLEST {
                return Err(ApproximationError::Exhausted { stage: i + 1, found: error, wanted: SMALLEST });
            }
            (lo, hi) = (1.0 - error - margin, 1.0 + error + margin);
            composite.stages.push(series);
            composite.errors.push(error);
        }
        Ok(composite)
    }

    /// Returns the composition with the smallest threshold whose error is at most 2^−`alpha`.
    ///
    /// # Errors
    /// Those of [`with_threshold`](Self::with_threshold); [`ApproximationError::OutOfRange`] if `alpha` is not within
    /// (0, 30].
    pub fn with_precision(degrees: &[usize], alpha: f64, margin: f64) -> Result<Self, ApproximationError> {
        check(degrees, margin)?;
        let wanted = (-alpha).exp2();
        check_range("error 2^-alpha", wanted, 1.0, "at least 2^-30 and below 1")?;
        let mut error = wanted;
        for &degree in degrees[1..].iter().rev() {
            // This stage's input may be in [1 − r, 1 + r]. The stage before may use all of it except the margin.
            let ratio = ratio_for_error(degree, error)?;
            let reach = (1.0 - ratio) / (1.0 + ratio);
            error = reach - margin;
            if error <= 0.0 {
                return Err(ApproximationError::OutOfRange {
                    what: "margin",
                    found: margin,
                    wanted: "less than the reach of the last stages about 1: use higher degrees or a smaller alpha",
                });
            }
        }
        let mut threshold = ratio_for_error(degrees[0], error)? * (1.0 + margin);
        // The inversions are exact up to CLOSE, so the error may be too large by that.
        let mut nudge = CLOSE;
        loop {
            let composite = Self::with_threshold(degrees, threshold, margin)?;
            if composite.error() <= wanted {
                return Ok(composite);
            }
            threshold *= 1.0 + nudge;
            nudge *= 4.0;
        }
    }

    /// The largest error for threshold ≤ |x| ≤ reach.
    pub fn error(&self) -> f64 {
        *self.errors.last().expect("at least one stage")
    }

    /// Returns the value at `x` in [−reach, reach].
    pub fn evaluate(&self, x: f64) -> f64 {
        self.stages.iter().fold(x, |x, stage| stage.evaluate(x))
    }

    /// Returns the composition for values `reach` times as large: the first stage's interval grows.
    pub fn over(mut self, reach: f64) -> Self {
        self.stages[0].lo *= reach;
        self.stages[0].hi *= reach;
        self.threshold *= reach;
        self.reach *= reach;
        self
    }
}

/// Returns the best odd approximation of the sign on [−hi, −lo] ∪ [lo, hi].
fn stage(degree: usize, lo: f64, hi: f64) -> Result<Minimax, ApproximationError> {
    minimax(f64::signum, degree, &[(-hi, -lo), (lo, hi)])
}

fn check(degrees: &[usize], margin: f64) -> Result<(), ApproximationError> {
    if degrees.is_empty() {
        return Err(ApproximationError::NoDegrees);
    }
    if let Some(i) = degrees.iter().position(|d| d % 2 == 0) {
        return Err(ApproximationError::EvenDegree { stage: i + 1, found: degrees[i] });
    }
    if !(0.0..1.0).contains(&margin) {
        return Err(ApproximationError::OutOfRange { what: "margin", found: margin, wanted: "at least 0 and below 1" });
    }
    Ok(())
}

fn check_range(what: &'static str, found: f64, below: f64, wanted: &'static str) -> Result<(), ApproximationError> {
    if (SMALLEST..below).contains(&found) {
        return Ok(());
    }
    Err(ApproximationError::OutOfRange { what, found, wanted })
}

/// Returns the ratio lo/hi at which the best approximation of this degree has this error.
///
/// The logit of the error falls almost linearly with the logit of the ratio, so the Illinois variant of regula falsi
/// converges fast.
fn ratio_for_error(degree: usize, wanted: f64) -> Result<f64, ApproximationError> {
    let logit = |p: f64| (p / (1.0 - p).max(f64::EPSILON)).ln();
    let ratio = |z: f64| 1.0 / (1.0 + (-z).exp());
    let wanted_logit = logit(wanted);
    let excess = |z: f64| Ok(logit(stage(degree, ratio(z), 1.0)?.error) - wanted_logit);
    let (mut a, mut f_a) = (0.0, excess(0.0)?);
    let step = f_a.signum();
    let (mut b, mut f_b) = (step, excess(step)?);
    while f_a * f_b > 0.0 {
        (a, f_a) = (b, f_b);
        b *= 2.0;
        f_b = excess(b)?;
    }
    let mut last = 0.0;
    for _ in 0..MAX_STEPS {
        let c = (a * f_b - b * f_a) / (f_b - f_a);
        let f_c = excess(c)?;
        if f_c.abs() <= CLOSE || c == last {
            return Ok(ratio(c));
        }
        if f_c * f_b < 0.0 {
            (a, f_a) = (b, f_b);
        } else {
            f_a /= 2.0;
        }
        (b, f_b, last) = (c, f_c, c);
    }
    Ok(ratio(b))
}
