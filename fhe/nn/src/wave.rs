//! The cosine in place of ReLU: the activation that a bootstrap leaves by itself.

use std::f64::consts::PI;

/// The activation a + b·cos(πx − φ) of messages x.
///
/// EvalMod evaluates a cosine of its message anyway. A network that was trained with this cosine as its activation needs
/// no polynomial after a bootstrap and no levels for it. The messages fill the modulus: 1 is half of it. No value is
/// outside, as a larger message is the same point of the wave as its remainder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wave {
    /// a.
    pub(crate) mean: f64,
    /// b.
    pub(crate) amplitude: f64,
    /// φ.
    pub(crate) phase: f64,
}

impl Wave {
    /// The cosine that is nearest to ReLU(x), in the mean square, for normal x of deviation 1/2π.
    pub(crate) const RELU: Self = Self { mean: 0.3215, amplitude: 0.3425, phase: 2.594 };

    /// The activation of a message.
    pub(crate) fn of(self, x: f64) -> f64 {
        self.mean + self.amplitude * (PI * x - self.phase).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least squares of a + c·cos(πx) + s·sin(πx) under the normal weight, by the moments E[cos kx] = e^(−k²σ²/2).
    #[test]
    fn the_constants_are_those_of_the_nearest_cosine() {
        let sigma = 1.0 / (2.0 * PI);
        let grid = (-60_000..=60_000).map(|k| f64::from(k) / 10_000.0 * sigma);
        let (mut normal, mut moments) = ([[0.0f64; 3]; 3], [0.0f64; 3]);
        for x in grid {
            let weight = (-(x / sigma).powi(2) / 2.0).exp();
            let basis = [1.0, (PI * x).cos(), (PI * x).sin()];
            for i in 0..3 {
                (0..3).for_each(|j| normal[i][j] += weight * basis[i] * basis[j]);
                moments[i] += weight * basis[i] * x.max(0.0);
            }
        }
        let Wave { mean, amplitude, phase } = Wave::RELU;
        let found = [mean, amplitude * phase.cos(), amplitude * phase.sin()];
        for (row, moment) in normal.iter().zip(moments) {
            let left: f64 = row.iter().zip(found).map(|(a, x)| a * x).sum();
            assert!((left - moment).abs() < 2e-4 * normal[0][0], "{left} and {moment}");
        }
    }
}
