//! Convolution as a matrix product: each column holds the inputs one output pixel sees.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

use super::Tensor;
use crate::network::Conv;

impl Conv {
    /// The convolution of `input`.
    ///
    /// # Panics
    /// Where `input` has another number of channels than [`Conv::in_channels`].
    pub fn apply(&self, input: &Tensor) -> Tensor {
        self.apply_with(input, &mut Vec::new())
    }

    /// The same, with a buffer that a caller keeps from one convolution to the next.
    pub(super) fn apply_with(&self, input: &Tensor, columns: &mut Vec<f64>) -> Tensor {
        assert_eq!(input.channels, self.in_channels, "channels: found {}, wanted {}", input.channels, self.in_channels);
        let (height, width) = (input.height.div_ceil(self.stride), input.width.div_ceil(self.stride));
        let (seen, pixels) = (self.in_channels * self.kernel * self.kernel, height * width);
        self.fill_columns(input, height, width, columns);
        let mut data: Vec<f64> = self.bias.iter().flat_map(|&bias| std::iter::repeat_n(bias, pixels)).collect();
        let fits = "the lengths follow from the fields of the convolution";
        let weight = ArrayView2::from_shape((self.out_channels, seen), &self.weight).expect(fits);
        let columns = ArrayView2::from_shape((seen, pixels), columns.as_slice()).expect(fits);
        let mut output = ArrayViewMut2::from_shape((self.out_channels, pixels), &mut data).expect(fits);
        // The same product transposed: the larger operand comes first, where it is packed in wider panels.
        general_mat_mul(1.0, &columns.t(), &weight.t(), 1.0, &mut output.view_mut().reversed_axes());
        Tensor { channels: self.out_channels, height, width, data }
    }

    /// Row `(channel, ky, kx)`, column `(y, x)`: the input at `(y * stride + ky - pad, x * stride + kx - pad)`, 0 outside.
    fn fill_columns(&self, input: &Tensor, height: usize, width: usize, columns: &mut Vec<f64>) {
        let pad = self.kernel / 2;
        // Every row is written below, so that what an earlier convolution left need not be erased.
        columns.resize(self.in_channels * self.kernel * self.kernel * height * width, 0.0);
        let mut rows = columns.chunks_exact_mut(width);
        for plane in input.data.chunks_exact(input.height * input.width) {
            for ky in 0..self.kernel {
                for kx in 0..self.kernel {
                    for y in 0..height {
                        let row = rows.next().expect("as many rows as were made room for");
                        match (y * self.stride + ky).checked_sub(pad).filter(|&y| y < input.height) {
                            Some(from) => {
                                fill_row(row, &plane[from * input.width..][..input.width], kx, pad, self.stride);
                            }
                            None => row.fill(0.0),
                        }
                    }
                }
            }
        }
    }
}

/// `row[x] = from[x * stride + kx - pad]` wherever that lies inside, 0 elsewhere.
fn fill_row(row: &mut [f64], from: &[f64], kx: usize, pad: usize, stride: usize) {
    let first = pad.saturating_sub(kx).div_ceil(stride).min(row.len());
    let start = (first * stride + kx).saturating_sub(pad).min(from.len());
    let (before, row) = row.split_at_mut(first);
    let from = &from[start..];
    let (inside, after) = row.split_at_mut(from.len().div_ceil(stride).min(row.len()));
    before.fill(0.0);
    match stride {
        1 => inside.copy_from_slice(&from[..inside.len()]),
        _ => inside.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, from)| *to = *from),
    }
    after.fill(0.0);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, six loops deep.
    fn naive(conv: &Conv, input: &Tensor) -> Tensor {
        let (height, width) = (input.height.div_ceil(conv.stride), input.width.div_ceil(conv.stride));
        let (k, pad) = (conv.kernel, conv.kernel as isize / 2);
        let mut data = Vec::new();
        for out in 0..conv.out_channels {
            for y in 0..height {
                for x in 0..width {
                    let mut sum = conv.bias[out];
                    for inp in 0..conv.in_channels {
                        for ky in 0..k {
                            for kx in 0..k {
                                let iy = (y * conv.stride + ky) as isize - pad;
                                let ix = (x * conv.stride + kx) as isize - pad;
                                if (0..input.height as isize).contains(&iy) && (0..input.width as isize).contains(&ix) {
                                    let pixel = (inp * input.height + iy as usize) * input.width + ix as usize;
                                    sum += conv.weight[((out * conv.in_channels + inp) * k + ky) * k + kx]
                                        * input.data[pixel];
                                }
                            }
                        }
                    }
                    data.push(sum);
                }
            }
        }
        Tensor { channels: conv.out_channels, height, width, data }
    }

    fn case() -> impl Strategy<Value = (Conv, Tensor)> {
        let shape = (1..5usize, 1..5usize, 0..3usize, 1..4usize, 1..12usize, 1..12usize);
        shape.prop_flat_map(|(out, inp, half, stride, height, width)| {
            let kernel = 2 * half + 1;
            // small whole numbers, so that sums are exact in any order and equality can be asked for
            let whole = |n| prop::collection::vec((-9i8..10).prop_map(f64::from), n);
            (whole(out * inp * kernel * kernel), whole(out), whole(inp * height * width)).prop_map(
                move |(weight, bias, data)| {
                    let conv = Conv { out_channels: out, in_channels: inp, kernel, stride, weight, bias };
                    (conv, Tensor { channels: inp, height, width, data })
                },
            )
        })
    }

    proptest! {
        #[test]
        fn equals_the_definition((conv, input) in case()) {
            prop_assert_eq!(conv.apply(&input), naive(&conv, &input));
        }
    }
}
