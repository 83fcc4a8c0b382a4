//! The places of a layer's values among the slots, and convolutions as matrices between two such layouts.
//!
//! Slots are a row of square grids. Each pixel has a cell in a grid, `gap` × `gap` slots large, which holds up to gap²
//! channels. With a gap of 1 channel follows channel in dense blocks (the vector encoding; Rovida and Leporati, ePrint
//! 2024/460). Strides widen the gaps; where channels fill them, grids keep their size and channels move together
//! (multiplexed packing; Lee et al., ePrint 2021/1688).

use std::collections::BTreeMap;

use fhe_circuits::Diagonals;
use fhe_circuits::linear::Shape;
use fhe_ring::meter::{Primitive, scope};
use num_complex::Complex64;

use super::interleave::Interleave;
use super::slot_matrix::{Offset, RepeatedEntry, SlotMatrix};
use crate::network::{Conv, INPUT_SIDE, Linear};

/// The places of `channels` planes of `side` × `side` values among the slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Number of channels.
    pub channels: usize,
    /// Height and width of a plane.
    pub side: usize,
    /// Side of a cell: the slots from a pixel to its neighbour in the row.
    pub gap: usize,
    /// Channels that share a cell, up to gap².
    pub channels_per_cell: usize,
}

impl Layout {
    /// Channel after channel, each in a block of side² slots.
    pub fn dense(channels: usize, side: usize) -> Self {
        Self { channels, side, gap: 1, channels_per_cell: 1 }
    }

    /// Grids as large as the input image, whose cells are filled with channels.
    ///
    /// # Panics
    /// If the side does not divide that of the image.
    pub fn multiplexed(channels: usize, side: usize) -> Self {
        assert!(INPUT_SIDE.is_multiple_of(side), "side {side} of an image of {INPUT_SIDE} rows");
        let gap = INPUT_SIDE / side;
        Self { channels, side, gap, channels_per_cell: gap * gap }
    }

    /// The number of slots of a row.
    pub fn row(self) -> usize {
        self.side * self.gap
    }

    /// The number of slots of a grid.
    pub fn grid(self) -> usize {
        self.row() * self.row()
    }

    /// The number of grids, a power of two.
    pub fn grids(self) -> usize {
        self.channels.div_ceil(self.channels_per_cell).next_power_of_two()
    }

    /// The number of slots of all grids.
    pub fn slots(self) -> usize {
        self.grid() * self.grids()
    }

    /// Grid, row and column of a value.
    pub(super) fn position(self, channel: usize, y: usize, x: usize) -> (usize, usize, usize) {
        let (grid, within) = (channel / self.channels_per_cell, channel % self.channels_per_cell);
        (grid, y * self.gap + within / self.gap, x * self.gap + within % self.gap)
    }

    /// The slot of a value.
    pub fn slot(self, channel: usize, y: usize, x: usize) -> usize {
        let (grid, row, column) = self.position(channel, y, x);
        self.grid() * grid + self.row() * row + column
    }

    /// The slots of planes that are given one after another, row by row. Slots without a value are 0.
    ///
    /// # Panics
    /// If there are not channels·side² values.
    pub fn pack(self, values: &[f64]) -> Vec<f64> {
        assert_eq!(values.len(), self.channels * self.side * self.side);
        let mut slots = vec![0.0; self.slots()];
        self.for_each(|i, slot| slots[slot] = values[i]);
        slots
    }

    /// The planes of slots; the inverse of [`Layout::pack`].
    pub fn unpack(self, slots: &[f64]) -> Vec<f64> {
        let mut values = vec![0.0; self.channels * self.side * self.side];
        self.for_each(|i, slot| values[i] = slots[slot]);
        values
    }

    fn for_each(self, mut f: impl FnMut(usize, usize)) {
        for c in 0..self.channels {
            for y in 0..self.side {
                for x in 0..self.side {
                    f((c * self.side + y) * self.side + x, self.slot(c, y, x));
                }
            }
        }
    }
}

/// The matrix of a convolution, every weight times `factor`.
///
/// # Panics
/// If the layouts do not have the channels of the convolution, their sides are not in the ratio of its stride, or their
/// grids have two sizes.
pub fn convolution(conv: &Conv, input: Layout, output: Layout, factor: f64) -> SlotMatrix {
    assert_eq!((input.channels, output.channels), (conv.in_channels, conv.out_channels));
    assert_eq!(output.side, input.side.div_ceil(conv.stride), "stride {}", conv.stride);
    assert_eq!(input.row(), output.row(), "rows of input and output");
    let (grids, slots) = (input.grids(), input.slots().max(output.slots()));
    let copies = slots / output.slots();
    weights_in_places(conv, input, output, factor, slots, |to_grid, grid| {
        let place = move |copy: usize| {
            let to_grid = to_grid + copy * output.grids();
            (copy, (grid as i64 - to_grid as i64).rem_euclid(grids as i64))
        };
        (0..copies).map(place)
    })
}

/// The matrix of entries for every weight: one for each place, a copy of the output and a distance in grids, that
/// `places` returns for a grid of the output and one of the input.
pub(super) fn weights_in_places<I: Iterator<Item = (usize, i64)>>(
    conv: &Conv,
    input: Layout,
    output: Layout,
    factor: f64,
    slots: usize,
    places: impl Fn(usize, usize) -> I,
) -> SlotMatrix {
    let reach = (conv.kernel / 2) as i64;
    // A step of one output pixel is a step of `stride` input pixels, and both are equally many slots: the distance
    // between the two ends of a weight is the same at every pixel.
    let from = |at: usize, k: i64| (at * conv.stride) as i64 + k - reach;
    // The first output pixel whose tap is inside the input, and how many are.
    let reached = |k: i64| {
        let inside = |&at: &usize| (0..input.side as i64).contains(&from(at, k));
        let first = (0..output.side).find(inside).unwrap_or(0);
        (first, (first..output.side).take_while(inside).count())
    };
    let taps: Vec<_> = taps(conv.kernel).map(|tap| (tap, reached(tap.0), reached(tap.1))).collect();
    let gap = input.gap as i64;
    let _scope = scope(Primitive::ArrangeWeights);
    let mut matrix = SlotMatrix::new(slots);
    for o in 0..conv.out_channels {
        for i in 0..conv.in_channels {
            let (to_grid, to_row, to_column) = output.position(o, 0, 0);
            let (grid, row, column) = input.position(i, 0, 0);
            let weights = &conv.weight[(o * conv.in_channels + i) * taps.len()..][..taps.len()];
            for (&((ky, kx), (y, rows), (x, columns)), weight) in taps.iter().zip(weights) {
                for (copy, grids) in places(to_grid, grid) {
                    let offset = Offset {
                        grids,
                        rows: from(0, ky) * gap + row as i64 - to_row as i64,
                        columns: from(0, kx) * gap + column as i64 - to_column as i64,
                    };
                    let entry = RepeatedEntry {
                        value: factor * weight,
                        first: copy * output.slots() + output.slot(o, y, x),
                        rows: (rows, output.gap * output.row()),
                        columns: (columns, output.gap),
                    };
                    matrix.add(offset, entry);
                }
            }
        }
    }
    matrix
}

/// The diagonals of a matrix by distance in slots, for interleaved images whose rows and grids are those of `layout`.
pub fn diagonals(matrix: &SlotMatrix, layout: Layout, interleave: Interleave) -> Diagonals {
    let mut diagonals = BTreeMap::new();
    for (distance, offset) in distances(matrix, layout, interleave) {
        let sum: &mut Vec<Complex64> = diagonals.entry(distance).or_default();
        let values = matrix.diagonal(offset, 0, interleave);
        sum.resize(values.len(), Complex64::default());
        sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }
    Diagonals(diagonals)
}

/// Returns the shape of [`diagonals`], without its values.
pub fn shape(matrix: &SlotMatrix, layout: Layout, interleave: Interleave) -> Shape {
    let slots = interleave.slots(matrix.slots());
    Shape(distances(matrix, layout, interleave).map(|(distance, _)| (distance, slots)).collect())
}

/// The offsets of a matrix, each with its distance in slots.
fn distances(matrix: &SlotMatrix, layout: Layout, interleave: Interleave) -> impl Iterator<Item = (i64, Offset)> {
    let slots_of = move |d: Offset| layout.grid() as i64 * d.grids + layout.row() as i64 * d.rows + d.columns;
    matrix.offsets().map(move |offset| (interleave.distance(slots_of(offset)), offset))
}

fn taps(kernel: usize) -> impl Iterator<Item = (i64, i64)> {
    (0..kernel as i64).flat_map(move |ky| (0..kernel as i64).map(move |kx| (ky, kx)))
}

/// The bias of each output channel times `factor`, by slot.
pub fn bias(conv: &Conv, output: Layout, factor: f64) -> Vec<f64> {
    let plane = output.side * output.side;
    let values: Vec<f64> = conv.bias.iter().flat_map(|&b| std::iter::repeat_n(b * factor, plane)).collect();
    output.pack(&values)
}

/// The diagonals of one matrix that averages over each channel and applies the classifier: after Σ_j diagonal_j ⊙
/// rotation_j and the sum over slots `width` apart, slot k holds output k. `width` is the number of diagonals, the
/// first power of two that is at least the number of outputs.
pub fn pooled_classifier(linear: &Linear, input: Layout, factor: f64) -> Vec<Vec<f64>> {
    let width = linear.out_features.next_power_of_two();
    let slots = input.slots();
    // The channel of each slot.
    let mut channel = vec![None; slots];
    let plane = input.side * input.side;
    input.for_each(|i, slot| channel[slot] = Some(i / plane));
    (0..width)
        .map(|j| {
            (0..slots)
                .map(|slot| match (slot % width, channel[(slot + j) % slots]) {
                    (k, Some(c)) if k < linear.out_features => {
                        linear.weight[k * linear.in_features + c] * factor / plane as f64
                    }
                    _ => 0.0,
                })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plain::Tensor;
    use proptest::prelude::*;

    fn apply(matrix: &SlotMatrix, input: Layout, x: &[f64]) -> Vec<f64> {
        let n = x.len() as i64;
        let distance = |d: Offset| input.grid() as i64 * d.grids + input.row() as i64 * d.rows + d.columns;
        let at = |i: usize, d: Offset| x[(i as i64 + distance(d)).rem_euclid(n) as usize];
        let diagonals: Vec<_> = matrix.diagonals().collect();
        (0..matrix.slots()).map(|i| diagonals.iter().map(|(d, w)| w[i] * at(i, *d)).sum()).collect()
    }

    fn numbers(count: usize, seed: usize) -> Vec<f64> {
        (0..count).map(|i| ((i * 7919 + seed * 104_729) % 201) as f64 / 100.0 - 1.0).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_matrix_is_the_convolution(
            log_side in 2u32..=5, in_channels in 1usize..=20, out_channels in 1usize..=20,
            kernel in prop::sample::select(vec![1usize, 3, 5]), stride in 1usize..=2, shared_cells: bool, seed in 0usize..100,
        ) {
            let side = 1 << log_side;
            let (input, output) = if shared_cells {
                (Layout::multiplexed(in_channels, side), Layout::multiplexed(out_channels, side / stride))
            } else {
                (Layout::dense(in_channels, side), Layout { gap: stride, ..Layout::dense(out_channels, side / stride) })
            };
            let conv = Conv {
                out_channels, in_channels, kernel, stride,
                weight: numbers(out_channels * in_channels * kernel * kernel, seed),
                bias: numbers(out_channels, seed + 1),
            };
            let data = numbers(in_channels * side * side, seed + 2);
            let expected = conv.apply(&Tensor { channels: in_channels, height: side, width: side, data: data.clone() }).data;
            let mut found = apply(&convolution(&conv, input, output, 0.5), input, &input.pack(&data));
            let copies: Vec<_> = found.chunks(output.slots()).map(<[f64]>::to_vec).collect();
            prop_assert!(copies.iter().all(|copy| copy.iter().zip(&copies[0]).all(|(a, b)| (a - b).abs() < 1e-9)));
            found.truncate(output.slots());
            let bias = bias(&conv, output, 0.5);
            let found: Vec<f64> = found.iter().zip(&bias).map(|(y, b)| y + b).collect();
            for (f, e) in output.unpack(&found).iter().zip(&expected) {
                prop_assert!((f - e / 2.0).abs() < 1e-9, "{f} for {}", e / 2.0);
            }
        }
    }

    #[test]
    fn pooling_and_classifier_are_a_few_diagonals() {
        let input = Layout::multiplexed(20, 8);
        let linear = Linear { out_features: 10, in_features: 20, weight: numbers(200, 1), bias: numbers(10, 2) };
        let x = numbers(20 * 64, 3);
        let slots = input.pack(&x);
        let n = slots.len();
        let diagonals = pooled_classifier(&linear, input, 3.0);
        let products: Vec<f64> =
            (0..n).map(|i| diagonals.iter().enumerate().map(|(j, d)| d[i] * slots[(i + j) % n]).sum()).collect();
        for k in 0..10 {
            let found: f64 = products.iter().skip(k).step_by(16).sum();
            let expected: f64 =
                (0..20).map(|c| linear.weight[k * 20 + c] * x[c * 64..][..64].iter().sum::<f64>() / 64.0).sum();
            assert!((found - 3.0 * expected).abs() < 1e-9);
        }
    }

    #[test]
    fn the_network_fills_its_slots() {
        for (channels, side, slots) in [(16, 32, 1 << 14), (32, 16, 1 << 13), (64, 8, 1 << 12)] {
            assert_eq!(Layout::multiplexed(channels, side).slots(), slots);
            assert_eq!(Layout::dense(channels, side).slots(), slots);
        }
    }
}
