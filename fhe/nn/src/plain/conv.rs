//! Convolutions in the clear, a strip of a row of some output channels at a time.

use multiversion::multiversion;

use super::Tensor;
use crate::network::Conv;

/// Neighbouring outputs of a row.
const STRIP: usize = 8;
/// Output channels of which a strip is summed up at once. STRIP · GROUP sums stay in registers.
const GROUP: usize = 8;

/// Memory that a caller keeps from one convolution to the next.
#[derive(Default)]
pub(crate) struct Buffers {
    /// The input with zeros around it, see [`Padded`].
    input: Vec<f64>,
    /// Weights by group of output channels, input channel, kernel row and column, output channel in the group.
    weight: Vec<f64>,
}

impl Conv {
    /// The convolution of `input`. Sums are taken in one order everywhere, so that every machine returns the same bits.
    ///
    /// # Panics
    /// If `input` has another number of channels than [`Conv::in_channels`].
    pub fn apply(&self, input: &Tensor) -> Tensor {
        self.apply_with(input, &mut Buffers::default())
    }

    /// The convolution of `input`, as [`Conv::apply`] returns it, with buffers that the caller keeps.
    pub(crate) fn apply_with(&self, input: &Tensor, buffers: &mut Buffers) -> Tensor {
        assert_eq!(input.channels, self.in_channels, "channels: found {}, wanted {}", input.channels, self.in_channels);
        let (height, width) = (input.height.div_ceil(self.stride), input.width.div_ceil(self.stride));
        let padded = Padded::new(self, input, &mut buffers.input);
        let taps = self.in_channels * self.kernel * self.kernel;
        grouped(&self.weight, taps, &mut buffers.weight);
        let mut data = vec![0.0; self.out_channels * height * width];
        let planes = data.chunks_mut(GROUP * height * width);
        for ((planes, weight), bias) in
            planes.zip(buffers.weight.chunks_exact(GROUP * taps)).zip(self.bias.chunks(GROUP))
        {
            let mut start = [0.0; GROUP];
            start[..bias.len()].copy_from_slice(bias);
            for y in 0..height {
                for x in (0..width).step_by(STRIP) {
                    let sums = strip(&padded, weight.as_chunks().0, &start, y, x);
                    let inside = STRIP.min(width - x);
                    for (plane, sums) in planes.chunks_exact_mut(height * width).zip(&sums) {
                        plane[y * width + x..][..inside].copy_from_slice(&sums[..inside]);
                    }
                }
            }
        }
        Tensor { channels: self.out_channels, height, width, data }
    }
}

/// An input with zeros around it, its columns sorted by their remainder modulo the stride: then the inputs that
/// neighbouring outputs of a row meet at one place of the kernel are neighbours too.
struct Padded<'a> {
    values: &'a [f64],
    kernel: usize,
    stride: usize,
    /// Rows of a channel.
    rows: usize,
    /// Values of a row that share a remainder.
    part: usize,
}

impl<'a> Padded<'a> {
    fn new(conv: &Conv, input: &Tensor, values: &'a mut Vec<f64>) -> Self {
        let (kernel, stride, pad) = (conv.kernel, conv.stride, conv.kernel / 2);
        // The last strip may reach beyond the last output.
        let part = input.width.div_ceil(stride).next_multiple_of(STRIP) + kernel.div_ceil(stride);
        let rows = input.height + kernel;
        values.clear();
        values.resize(input.channels * rows * stride * part, 0.0);
        let to = values.chunks_exact_mut(rows * stride * part);
        for (to, plane) in to.zip(input.data.chunks_exact(input.height * input.width)) {
            for (to, row) in to.chunks_exact_mut(stride * part).skip(pad).zip(plane.chunks_exact(input.width)) {
                match stride {
                    1 => to[pad..][..row.len()].copy_from_slice(row),
                    _ => row.iter().zip(pad..).for_each(|(&value, x)| to[x % stride * part + x / stride] = value),
                }
            }
        }
        Self { values, kernel, stride, rows, part }
    }
}

/// The weights of each group side by side; the last group is filled up with zeros.
fn grouped(weight: &[f64], taps: usize, to: &mut Vec<f64>) {
    to.clear();
    to.resize((weight.len() / taps).div_ceil(GROUP) * GROUP * taps, 0.0);
    for (to, group) in to.chunks_exact_mut(GROUP * taps).zip(weight.chunks(GROUP * taps)) {
        for (channel, weight) in group.chunks_exact(taps).enumerate() {
            to.iter_mut().skip(channel).step_by(GROUP).zip(weight).for_each(|(to, weight)| *to = *weight);
        }
    }
}

/// Outputs (y, x) to (y, x + STRIP − 1) of a group of channels, for its bias and weights.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2", "aarch64+neon"))]
fn strip(input: &Padded, weight: &[[f64; GROUP]], bias: &[f64; GROUP], y: usize, x: usize) -> [[f64; STRIP]; GROUP] {
    let mut sums = bias.map(|bias| [bias; STRIP]);
    let mut weight = weight.iter();
    let row_length = input.stride * input.part;
    for channel in input.values.chunks_exact(input.rows * row_length) {
        for row in channel.chunks_exact(row_length).skip(y * input.stride).take(input.kernel) {
            for kx in 0..input.kernel {
                let from = kx % input.stride * input.part + kx / input.stride + x;
                let (Some(&values), Some(weight)) = (row[from..].first_chunk::<STRIP>(), weight.next()) else {
                    unreachable!("a row reaches one strip beyond, and each place of the kernel has its weights");
                };
                for (sums, &weight) in sums.iter_mut().zip(weight) {
                    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
                }
            }
        }
    }
    sums
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
