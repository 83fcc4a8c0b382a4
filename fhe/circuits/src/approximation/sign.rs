//! The sign function as a composition of odd minimax polynomials (ePrint 2020/834).
//!
//! Stage 1 approximates the sign on [−1, −ε] ∪ [ε, 1] with an error τ; what it leaves lies in ±[1 − τ, 1 + τ], and there
//! the next stage approximates it, and so on. Among compositions of odd polynomials of given degrees none has a smaller
//! error. Everything depends on the ratio of an interval's ends alone, so that one inversion, of the
//! error as a function of that ratio, solves the problem for a given error from the last stage to the first.

use super::error::ApproximationError;
use super::minimax::{Minimax, minimax};
use crate::chebyshev::ChebyshevSeries;

/// p_k ∘ … ∘ p_1, close to the sign of x for threshold ≤ |x| ≤ reach.
///
/// Between −threshold and threshold it rises from −1 to 1, within the intervals of all stages.
#[derive(Clone, Debug, PartialEq)]
pub struct SignComposite {
    /// p_1, …, p_k, all odd, each on the interval that its input lies in.
    pub stages: Vec<ChebyshevSeries>,
    /// Largest error of each stage alone, as an approximation of the sign where its input lies.
    pub errors: Vec<f64>,
    /// The smallest |x| whose sign it tells, ε.
    pub threshold: f64,
    /// The largest |x|: 1, or what [`over`](Self::over) made of it.
    pub reach: f64,
    /// What each stage's input may be off by, relative to its largest.
    pub margin: f64,
}

/// Errors and thresholds below this, 2⁻³⁰, drown in the rounding of f64.
const SMALLEST: f64 = 1.0 / (1u64 << 30) as f64;
/// How closely an error is met, relative to it.
const CLOSE: f64 = 1e-11;
/// A few steps double the digits; this many show that rounding is all that is left.
const MAX_STEPS: usize = 60;

impl SignComposite {
    /// The composition for |x| ≥ `threshold`: the smallest error that these degrees allow. Inputs of each stage, the first
    /// one's included, may be off by `margin`, as by the noise of encryption.
    ///
    /// # Errors
    /// A degree that is not odd, a threshold not within (0, 1), a margin that is negative or blurs the signs.
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

    /// The composition with an error of at most 2^−`alpha`: the smallest threshold that these degrees allow.
    ///
    /// # Errors
    /// As [`with_threshold`](Self::with_threshold); an alpha that is not positive or above 30, or that asks for a threshold below 2^-30.
    pub fn with_precision(degrees: &[usize], alpha: f64, margin: f64) -> Result<Self, ApproximationError> {
        check(degrees, margin)?;
        let wanted = (-alpha).exp2();
        check_range("error 2^-alpha", wanted, 1.0, "at least 2^-30 and below 1")?;
        let mut error = wanted;
        for &degree in degrees[1..].iter().rev() {
            // [1 − r, 1 + r] is what this stage can take; the stage before may use all of it but the margin.
            let ratio = ratio_for_error(degree, error)?;
            let reach = (1.0 - ratio) / (1.0 + ratio);
            error = reach - margin;
            if error <= 0.0 {
                return Err(ApproximationError::OutOfRange {
                    what: "margin",
                    found: margin,
                    wanted: "less than what the last stages can take about 1: higher degrees or a smaller alpha",
                });
            }
        }
        let mut threshold = ratio_for_error(degrees[0], error)? * (1.0 + margin);
        // The inversions are exact up to CLOSE, so that the error may be so much too large.
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

    /// Largest error for threshold ≤ |x| ≤ reach.
    pub fn error(&self) -> f64 {
        *self.errors.last().expect("at least one stage")
    }

    /// The value at `x` in [−reach, reach].
    pub fn evaluate(&self, x: f64) -> f64 {
        self.stages.iter().fold(x, |x, stage| stage.evaluate(x))
    }

    /// The same for values `reach` times as large: an affine change of the first stage's interval.
    pub fn over(mut self, reach: f64) -> Self {
        self.stages[0].lo *= reach;
        self.stages[0].hi *= reach;
        self.threshold *= reach;
        self.reach *= reach;
        self
    }
}

/// The best odd approximation of the sign on [−hi, −lo] ∪ [lo, hi].
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

/// The ratio lo/hi at which the best approximation of this degree has this error.
///
/// The logit of the error falls almost linearly with that of the ratio: regula falsi (Illinois) between them.
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
