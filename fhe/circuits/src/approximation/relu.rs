//! ReLU from the sign function.

use super::error::ApproximationError;
use super::extrema::climb;
use super::sign::SignComposite;

/// The approximation x·(1 + s(x))/2 of ReLU on [−reach, reach], where s is a [`SignComposite`] (ePrint 2021/1688).
#[derive(Clone, Debug, PartialEq)]
pub struct ReluComposite {
    /// s.
    pub sign: SignComposite,
    /// The largest error on [−reach, reach].
    pub error: f64,
}

/// Bisections of the threshold's logarithm, from 2⁻³⁰ to 1: exact to eight digits.
const BISECTIONS: usize = 35;
/// Number of points between 0 and the threshold at which the error is sampled before its maximum is refined.
const PROBES: usize = 64;

impl ReluComposite {
    /// Returns the ReLU made of a sign.
    pub fn new(sign: SignComposite) -> Self {
        let error = below_threshold(&sign).max(above_threshold(&sign));
        Self { sign, error }
    }

    /// Returns the ReLU on [−1, 1] with the smallest error that these degrees and f64 allow. Its largest errors below
    /// and above the sign's threshold are equal, since one rises and the other falls with the threshold.
    ///
    /// # Errors
    /// Those of [`SignComposite::with_threshold`]; [`ApproximationError::OutOfRange`] if every threshold blurs the
    /// signs.
    pub fn best(degrees: &[usize], margin: f64) -> Result<Self, ApproximationError> {
        let (mut low, mut high) = (-30.0, -1e-3);
        let mut best: Option<Self> = None;
        for _ in 0..BISECTIONS {
            let middle: f64 = (low + high) / 2.0;
            let sign = match SignComposite::with_threshold(degrees, middle.exp2(), margin) {
                // If the threshold is too small, the margin blurs the signs.
                Err(ApproximationError::Blurred { .. }) => {
                    low = middle;
                    continue;
                }
                // If it is too large, a stage is more precise than f64.
                Err(ApproximationError::Exhausted { .. }) => {
                    high = middle;
                    continue;
                }
                sign => sign?,
            };
            if below_threshold(&sign) > above_threshold(&sign) {
                high = middle;
            } else {
                low = middle;
            }
            let found = Self::new(sign);
            if best.as_ref().is_none_or(|best| found.error < best.error) {
                best = Some(found);
            }
        }
        best.ok_or(ApproximationError::OutOfRange {
            what: "margin",
            found: margin,
            wanted: "less than these stages have room for: use fewer stages or lower degrees",
        })
    }

    /// Returns the value at `x` in [−reach, reach].
    pub fn evaluate(&self, x: f64) -> f64 {
        x * (1.0 + self.sign.evaluate(x)) / 2.0
    }

    /// Returns the approximation for values `reach` times as large: reach·ReLU(x/reach).
    pub fn over(self, reach: f64) -> Self {
        Self { sign: self.sign.over(reach), error: self.error * reach }
    }

    /// −log2 of the largest error, relative to the largest value.
    pub fn precision(&self) -> f64 {
        (self.sign.reach / self.error).log2()
    }
}

/// Returns the largest error of the ReLU for |x| < threshold, where the sign rises from −1 to 1.
fn below_threshold(sign: &SignComposite) -> f64 {
    let error = |x: f64| x * (1.0 - sign.evaluate(x)).abs() / 2.0;
    let step = sign.threshold / PROBES as f64;
    let peak = (0..=PROBES).map(|k| k as f64 * step).max_by(|&x, &y| error(x).total_cmp(&error(y))).unwrap_or(0.0);
    climb(error, (peak - step).max(0.0), (peak + step).min(sign.threshold)).1.max(error(peak))
}

/// Returns the largest error of the ReLU for |x| ≥ threshold: half the sign's error at the end of the interval.
fn above_threshold(sign: &SignComposite) -> f64 {
    sign.reach * sign.error() / 2.0
}
