//! Chebyshev series, by which circuits evaluate functions that are not polynomials.

use std::f64::consts::PI;

/// The series Σ cₖ·Tₖ(u), where u is the affine image in [−1, 1] of x in [lo, hi].
#[derive(Clone, Debug, PartialEq)]
pub struct ChebyshevSeries {
    /// Coefficient of each Tₖ.
    pub coefficients: Vec<f64>,
    /// Lower end of the interval.
    pub lo: f64,
    /// Upper end of the interval.
    pub hi: f64,
}

/// Coefficients smaller than the largest by this factor are rounding noise of the interpolation, and below any
/// encryption.
const NEGLIGIBLE: f64 = 2e-14;

impl ChebyshevSeries {
    /// Interpolates `f` by the given degree at the Chebyshev nodes of the first kind on [lo, hi].
    ///
    /// # Panics
    /// If the interval is empty.
    pub fn interpolate(f: impl Fn(f64) -> f64, degree: usize, lo: f64, hi: f64) -> Self {
        assert!(lo < hi, "empty interval [{lo}, {hi}]");
        let n = degree + 1;
        let angle = |k: usize| PI * (k as f64 + 0.5) / n as f64;
        let values: Vec<f64> = (0..n).map(|k| f((hi - lo) / 2.0 * angle(k).cos() + (hi + lo) / 2.0)).collect();
        let mut coefficients: Vec<f64> = (0..n)
            .map(|j| {
                let sum: f64 = values.iter().enumerate().map(|(k, v)| v * (j as f64 * angle(k)).cos()).sum();
                sum * if j == 0 { 1.0 } else { 2.0 } / n as f64
            })
            .collect();
        // Coefficients that vanish by symmetry are rounding noise. Zeroing them shows the parity.
        let largest = coefficients.iter().fold(0.0, |m: f64, c| m.max(c.abs()));
        coefficients.iter_mut().filter(|c| c.abs() <= NEGLIGIBLE * largest).for_each(|c| *c = 0.0);
        Self { coefficients, lo, hi }
    }

    /// Degree of the last nonzero term.
    pub fn degree(&self) -> usize {
        self.coefficients.iter().rposition(|&c| c != 0.0).unwrap_or(0)
    }

    /// Returns the value at `x`, by Clenshaw's recurrence. Outside the interval it grows like |u|^degree.
    pub fn evaluate(&self, x: f64) -> f64 {
        let u = (2.0 * x - self.lo - self.hi) / (self.hi - self.lo);
        let (mut b1, mut b2) = (0.0, 0.0);
        for &c in self.coefficients.iter().skip(1).rev() {
            (b1, b2) = (2.0 * u * b1 - b2 + c, b1);
        }
        u * b1 - b2 + self.coefficients.first().unwrap_or(&0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolates_at_its_nodes_and_converges() {
        let f = |x: f64| (3.0 * x).sin() + x;
        let series = ChebyshevSeries::interpolate(f, 25, -1.0, 2.0);
        for k in 0..=100 {
            let x = -1.0 + 3.0 * k as f64 / 100.0;
            assert!((series.evaluate(x) - f(x)).abs() < 1e-12);
        }
        let relu = ChebyshevSeries::interpolate(|x| x.max(0.0), 59, -4.0, 4.0);
        assert!(relu.coefficients.iter().skip(3).step_by(2).all(|&c| c == 0.0), "x/2 + |x|/2 has one odd term");
        assert!((relu.coefficients[1] - 2.0).abs() < 1e-12);
    }
}
