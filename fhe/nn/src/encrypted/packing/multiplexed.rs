//! Multiplexed parallel convolutions (Lee et al., ICML 2022, ePrint 2021/1688, algorithm `MultParConv`).
//!
//! Every stage keeps the 32 × 32 grid of the image, and cells that strides widen are filled with channels. Vectors are
//! copied until they fill every slot of the ring, and each copy computes another output channel: the input is
//! rotated to each tap of the kernel, multiplied by the weights, and added up over taps and channels. That leaves as
//! many vectors as there are output channels for a copy, each value surrounded by unfinished sums; a second product
//! selects the values, rotations gather them, and the result is copied again.
//!
//! That spends two levels for any stride. Copies of the input are free: n slots are also 2n slots that repeat. The
//! published algorithm has a rotation key for each output channel. Gathering by Horner's rule takes the same number of
//! rotations, with a key for each direction and each copy.

use std::collections::BTreeMap;

use fhe_circuits::linear::gcd;
use fhe_ckks::CkksError;

use super::{Levels, Operand, Scheme, Slots};
use crate::encrypted::layout::Layout;
use crate::encrypted::slots::TargetScale;
use crate::network::Conv;

/// See the module.
pub(super) struct Multiplexed;

impl Scheme for Multiplexed {
    const NAME: &'static str = "multiplexed";
    const LEVELS: usize = 2;

    fn layout(channels: usize, side: usize) -> Layout {
        Layout::multiplexed(channels, side)
    }

    fn product<S: Slots>(
        slots: &mut S,
        levels: Levels,
        operand: &Operand<'_, S::Vector>,
        to: Layout,
        factor: f64,
    ) -> Result<S::Vector, CkksError> {
        let Operand { conv, x, from, .. } = *operand;
        let all = levels.max_slots;
        let parallel = Parallel { conv, from, to, copies: all / from.slots(), all };
        let x = slots.reshape(x, levels.convolution, all)?;
        let steps: Vec<i64> =
            parallel.taps().map(|(y, x)| parallel.slots_of([0, y, x].map(|k| k * from.gap as i64))).collect();
        let taps = slots.rotations(&x, &steps)?;
        let mut selected: Vec<Vec<Selected<S::Vector>>> = (0..parallel.copies).map(|_| Vec::new()).collect();
        for first in (0..conv.out_channels).step_by(parallel.copies) {
            let weights = if S::NUMBERS { parallel.weights(first, factor) } else { vec![Vec::new(); taps.len()] };
            let terms: Vec<_> = taps.iter().zip(&weights).map(|(x, w)| (x, w.as_slice())).collect();
            let product = slots.weighted_sum(&terms, TargetScale::Input)?;
            let mut sum = slots.rescale(product)?;
            for (stride, count) in [(1, from.gap), (from.row(), from.gap), (from.grid(), from.grids())] {
                sum = slots.sum(sum, stride, count)?;
            }
            for (copy, selected) in selected.iter_mut().enumerate().take(conv.out_channels - first) {
                let mask = parallel.mask(copy);
                let value = slots.weighted_sum(&[(&sum, &mask)], TargetScale::Linear)?;
                selected.push((parallel.direction(first), value));
            }
        }
        let mut total: Option<S::Vector> = None;
        for (copy, selected) in selected.into_iter().enumerate().filter(|(_, selected)| !selected.is_empty()) {
            let gathered = gather(slots, selected, &parallel)?;
            let moved = slots.rotate(&gathered, parallel.step_of_copy(copy))?;
            total = Some(match total {
                None => moved,
                Some(total) => slots.add(total, &moved)?,
            });
        }
        let filled = slots.sum(total.expect("at least one channel"), to.slots(), all / to.slots())?;
        slots.reshape(&filled, levels.end + 1, to.slots())
    }
}

/// The direction in which a value has to move, in grids, rows and columns, and the value.
type Selected<V> = ([i64; 3], V);

/// A convolution on `copies` copies of its input. Output channel c is computed by copy c mod `copies`.
struct Parallel<'a> {
    conv: &'a Conv,
    from: Layout,
    to: Layout,
    copies: usize,
    /// Slots of all copies.
    all: usize,
}

impl Parallel<'_> {
    /// Taps of the kernel, from its centre.
    fn taps(&self) -> impl Iterator<Item = (i64, i64)> + use<> {
        let reach = self.conv.kernel as i64 / 2;
        (-reach..=reach).flat_map(move |y| (-reach..=reach).map(move |x| (y, x)))
    }

    /// Slots of a distance in grids, rows and columns.
    fn slots_of(&self, [grids, rows, columns]: [i64; 3]) -> i64 {
        self.from.grid() as i64 * grids + self.from.row() as i64 * rows + columns
    }

    /// Grids, rows and columns from the first channel's place to another's.
    fn direction(&self, channel: usize) -> [i64; 3] {
        let (grid, row, column) = self.to.position(channel, 0, 0);
        [grid, row, column].map(|k| k as i64)
    }

    /// The rotation that brings the values of a copy, gathered as if they were those of the first, to their place.
    fn step_of_copy(&self, copy: usize) -> i64 {
        // No carries: copies and the channels of a cell are powers of two.
        (copy * self.from.slots()) as i64 - self.slots_of(self.direction(copy))
    }

    /// For each tap the numbers that multiply the input there: the weights of output channel `first` in the first copy,
    /// of `first` + 1 in the second, and so on.
    fn weights(&self, first: usize, factor: f64) -> Vec<Vec<f64>> {
        let (conv, side) = (self.conv, self.from.side as i64);
        let weights = |(tap, (dy, dx)): (usize, (i64, i64))| {
            let mut slots = vec![0.0; self.all];
            for copy in 0..self.copies.min(conv.out_channels - first) {
                for channel in 0..conv.in_channels {
                    let place = (first + copy) * conv.in_channels + channel;
                    let weight = factor * conv.weight[place * conv.kernel * conv.kernel + tap];
                    for (y, x) in self.pixels() {
                        let inside = |k: usize, d: i64| (0..side).contains(&(k as i64 + d));
                        if inside(y, dy) && inside(x, dx) {
                            slots[copy * self.from.slots() + self.from.slot(channel, y, x)] = weight;
                        }
                    }
                }
            }
            slots
        };
        self.taps().enumerate().map(weights).collect()
    }

    /// The mask that is 1 where a copy holds finished sums.
    fn mask(&self, copy: usize) -> Vec<f64> {
        let mut slots = vec![0.0; self.all];
        self.pixels().for_each(|(y, x)| slots[copy * self.from.slots() + self.from.slot(0, y, x)] = 1.0);
        slots
    }

    /// The pixels of the input at the places of the output's pixels.
    fn pixels(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (side, stride) = (self.to.side, self.conv.stride);
        (0..side).flat_map(move |y| (0..side).map(move |x| (stride * y, stride * x)))
    }
}

/// The sum of all values, each moved in its direction, by Horner's rule along columns, rows and grids.
fn gather<S: Slots>(
    slots: &mut S,
    mut values: Vec<Selected<S::Vector>>,
    parallel: &Parallel<'_>,
) -> Result<S::Vector, CkksError> {
    for axis in (0..3).rev() {
        let one = std::array::from_fn(|k| i64::from(k == axis));
        let stride = values.iter().fold(0, |stride, (direction, _)| gcd(stride, direction[axis])).max(1);
        let step = -stride * parallel.slots_of(one);
        let mut lines: BTreeMap<[i64; 3], BTreeMap<i64, S::Vector>> = BTreeMap::new();
        for (mut direction, value) in values {
            let along = std::mem::take(&mut direction[axis]) / stride;
            lines.entry(direction).or_default().insert(along, value);
        }
        values = Vec::with_capacity(lines.len());
        for (direction, mut line) in lines {
            let (farthest, mut sum) = line.pop_last().expect("no line without a value");
            for along in (0..farthest).rev() {
                sum = slots.rotate(&sum, step)?;
                if let Some(value) = line.remove(&along) {
                    sum = slots.add(sum, &value)?;
                }
            }
            values.push((direction, sum));
        }
    }
    Ok(values.pop().expect("at least one value").1)
}
