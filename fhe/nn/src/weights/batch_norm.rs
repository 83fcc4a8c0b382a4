//! Batch norm with frozen statistics is an affine map of each channel, so it folds into the convolution before it.

use super::tensors::Tensors;
use crate::Error;
use crate::network::Conv;

/// Added to the variance unless a file or card states another value; PyTorch's default.
pub(super) const EPSILON: f64 = 1e-5;

/// `gamma * (x - mean) / sqrt(variance + epsilon) + beta`, with one value of each for every channel.
pub(super) struct BatchNorm {
    gamma: Vec<f64>,
    beta: Vec<f64>,
    mean: Vec<f64>,
    variance: Vec<f64>,
    epsilon: f64,
}

impl BatchNorm {
    /// Takes the tensors of the norm `name`. Without weight and bias, gamma is 1 and beta 0; the second result is then
    /// false.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] if only one of weight and bias is there, or no statistics are;
    /// [`Error::NegativeVariance`]; and those of [`Tensors::take`].
    pub(super) fn take(
        tensors: &mut Tensors,
        name: &str,
        channels: usize,
        epsilon: f64,
    ) -> Result<(Self, bool), Error> {
        let affine = ["weight", "bias"].iter().any(|part| tensors.shape(&format!("{name}.{part}")).is_some());
        let mut take = |part: &str| tensors.take(&format!("{name}.{part}"), &[channels]);
        let (gamma, beta) =
            if affine { (take("weight")?, take("bias")?) } else { (vec![1.0; channels], vec![0.0; channels]) };
        let norm = Self { gamma, beta, mean: take("running_mean")?, variance: take("running_var")?, epsilon };
        match norm.variance.iter().position(|&v| v < 0.0) {
            Some(index) => {
                let (name, found) = (format!("{name}.running_var"), norm.variance[index]);
                Err(Error::NegativeVariance { name, index, found })
            }
            None => Ok((norm, affine)),
        }
    }

    /// Returns the convolution whose output is this norm of the output of `conv`.
    pub(super) fn fold(&self, mut conv: Conv) -> Conv {
        let filter = conv.in_channels * conv.kernel * conv.kernel;
        for (channel, weights) in conv.weight.chunks_exact_mut(filter).enumerate() {
            let scale = self.gamma[channel] / (self.variance[channel] + self.epsilon).sqrt();
            weights.iter_mut().for_each(|w| *w *= scale);
            conv.bias[channel] = (conv.bias[channel] - self.mean[channel]) * scale + self.beta[channel];
        }
        conv
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plain::Tensor;

    fn values(n: usize) -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(-2.0..2.0f64, n)
    }

    proptest! {
        #[test]
        fn folding_equals_norm_after_convolution(
            (weight, bias, input) in (values(3 * 2 * 9), values(3), values(2 * 20)),
            (gamma, beta, mean) in (values(3), values(3), values(3)),
            variance in prop::collection::vec(0.0..4.0f64, 3), epsilon in prop::sample::select(vec![EPSILON, 1e-3]),
        ) {
            let conv = Conv { out_channels: 3, in_channels: 2, kernel: 3, stride: 1, weight, bias };
            let norm = BatchNorm { gamma, beta, mean, variance, epsilon };
            let input = Tensor { channels: 2, height: 4, width: 5, data: input };
            let mut wanted = conv.apply(&input);
            for (c, plane) in wanted.data.chunks_exact_mut(20).enumerate() {
                for x in plane {
                    *x = norm.gamma[c] * (*x - norm.mean[c]) / (norm.variance[c] + epsilon).sqrt() + norm.beta[c];
                }
            }
            let found = norm.fold(conv).apply(&input);
            for (c, (found, wanted)) in found.data.iter().zip(&wanted.data).enumerate() {
                let scale = norm.gamma[c / 20].abs() / (norm.variance[c / 20] + epsilon).sqrt();
                // sums of 19 products below 4, so at most 80 times the scale
                prop_assert!((found - wanted).abs() <= 80.0 * (1.0 + scale) * 64.0 * f64::EPSILON, "{found} {wanted}");
            }
        }
    }
}
