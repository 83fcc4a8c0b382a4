//! The optimized vector encoding (Rovida and Leporati, ePrint 2024/460).
//!
//! Channel follows channel in dense blocks. A convolution rotates its input to each tap of the kernel, multiplies by
//! constants that are 0 beyond the border, adds up over the taps, and does so for each distance between blocks by
//! Horner's rule: five rotation keys a layer, four for the neighbours of a pixel and one from block to block.
//!
//! After a stride the remaining pixels lie apart, which this layout does not allow. So the input of a block with a
//! stride is bootstrapped once more to gain levels. Convolution and shortcut run at full resolution, with constants
//! that are 0 at the pixels to be dropped, in parts of as many channels as the input has; then masks and rotations
//! bring the remaining pixels together. The published circuit puts two parts beside each other under masks and moves
//! columns by doubling steps, in six levels. Here the second part falls into rows that the first left empty, which
//! needs no mask, and columns, rows and channels spend one level each.

use fhe_ckks::CkksError;

use super::moves::Moves;
use super::{Levels, Operand, Scheme, Slots};
use crate::encrypted::layout::{self, Layout};
use crate::encrypted::matvec::MatVecPlan;
use crate::encrypted::slots::TargetScale;
use crate::network::Conv;

/// See the module.
pub(super) struct Vector;

/// Levels that bring pixels together after a stride: columns, rows, channels.
const DOWNSAMPLING_LEVELS: usize = 3;

impl Scheme for Vector {
    const NAME: &'static str = "vector";
    const REFRESHED_LEVELS: Option<usize> = Some(1 + DOWNSAMPLING_LEVELS);

    fn layout(channels: usize, side: usize) -> Layout {
        Layout::dense(channels, side)
    }

    fn product<S: Slots>(
        slots: &mut S,
        levels: Levels,
        operand: &Operand<'_, S::Vector>,
        to: Layout,
        factor: f64,
    ) -> Result<S::Vector, CkksError> {
        let Operand { conv, x, from, .. } = *operand;
        let level = levels.convolution;
        if conv.stride == 1 {
            let matrix = layout::convolution(conv, from, to, factor);
            let plan = MatVecPlan::with_few_keys(&matrix, from);
            let x = slots.reshape(x, level, from.slots().max(to.slots()))?;
            let product = slots.multiply(&x, &matrix, &plan, TargetScale::Linear)?;
            return slots.reshape(&product, level, to.slots());
        }
        let downsampling = Downsampling::new(conv, from, to);
        let x = slots.reshape(x, level, downsampling.slots)?;
        let mut sum: Option<S::Vector> = None;
        for part in 0..downsampling.parts {
            let (conv, sparse) = downsampling.part(conv, part);
            let matrix = layout::convolution(&conv, from, sparse, factor);
            let product = slots.multiply(&x, &matrix, &MatVecPlan::with_few_keys(&matrix, from), TargetScale::Input)?;
            sum = Some(match sum {
                None => product,
                Some(sum) => {
                    let moved = slots.rotate(&product, -downsampling.displacement(part))?;
                    slots.add(sum, &moved)?
                }
            });
        }
        let mut x = slots.rescale(sum.expect("at least one part"))?;
        let [columns, rows, channels] = &downsampling.stages;
        for stage in [columns, rows] {
            let moved = slots.multiply(&x, &stage.matrix, &stage.plan, TargetScale::Input)?;
            x = slots.rescale(moved)?;
        }
        let moved = slots.multiply(&x, &channels.matrix, &channels.plan, TargetScale::Linear)?;
        // The rest of the slots is 0: copies fill it.
        let filled = slots.sum(moved, to.slots(), downsampling.slots / to.slots())?;
        slots.reshape(&filled, levels.end + 1, to.slots())
    }
}

/// The moves that make the output of a convolution at full resolution dense.
struct Downsampling {
    stride: usize,
    /// The number of slots of every vector on the way.
    slots: usize,
    /// Output channels c with c mod `parts` = p are part p.
    parts: usize,
    /// The number of slots of a row at full resolution.
    row: usize,
    /// Columns, rows, channels.
    stages: [Moves; DOWNSAMPLING_LEVELS],
}

impl Downsampling {
    fn new(conv: &Conv, from: Layout, to: Layout) -> Self {
        let (stride, side, row) = (conv.stride, to.side, from.side);
        assert_eq!(row, side * stride, "a stride that divides the side");
        let slots = from.slots().max(to.slots());
        let grid = row * row;
        // The output has at most `slots` slots, so there are at most stride² parts.
        let parts = conv.out_channels.div_ceil(slots / grid);
        let values = || {
            let pixels = (0..side).flat_map(|y| (0..side).map(move |x| (y, x)));
            pixels.flat_map(|(y, x)| (0..conv.out_channels).map(move |c| (c, y, x)))
        };
        let moves = |from: &dyn Fn(usize, usize, usize) -> usize, to: &dyn Fn(usize, usize, usize) -> usize| {
            let moves: Vec<_> = values().map(|(c, y, x)| (from(c, y, x) % slots, to(c, y, x) % slots)).collect();
            Moves::new(&moves, slots)
        };
        // The place of channel c of part p = c mod parts in block c / parts: at full resolution, after its columns have
        // been brought together, after its rows have, and in the end. Parts fill rows first, then columns.
        let place = |c: usize| (c / parts * grid, c % parts % stride, c % parts / stride);
        let spread = move |c: usize, y: usize, x: usize| {
            let (block, below, beside) = place(c);
            block + (stride * y + below) * row + stride * x + beside
        };
        let gathered_columns = move |c: usize, y: usize, x: usize| {
            let (block, below, beside) = place(c);
            block + (stride * y + below) * row + side * beside + x
        };
        let quarter = move |apart: usize, c: usize, y: usize, x: usize| {
            c / parts * grid + (c % parts * apart) % (stride * stride) * side * side + side * y + x
        };
        let dense = move |c: usize, y: usize, x: usize| to.slot(c, y, x);
        // Parts lie as many quarters of a block apart as make the fewest distances.
        let injective = |apart: &usize| (1..parts).all(|p| !(p * apart).is_multiple_of(stride * stride));
        let [rows, channels] = (1..stride * stride)
            .filter(injective)
            .map(|apart| {
                let between = move |c: usize, y: usize, x: usize| quarter(apart, c, y, x);
                [moves(&gathered_columns, &between), moves(&between, &dense)]
            })
            .min_by_key(|stages| stages.iter().map(Moves::rotations).sum::<usize>())
            .expect("quarters one apart never coincide");
        Self { stride, slots, parts, row, stages: [moves(&spread, &gathered_columns), rows, channels] }
    }

    /// The convolution that computes the channels of a part, and the layout of its result: pixels as far apart as
    /// before.
    fn part(&self, conv: &Conv, part: usize) -> (Conv, Layout) {
        let channels = || (part..conv.out_channels).step_by(self.parts);
        let size = conv.in_channels * conv.kernel * conv.kernel;
        let own = Conv {
            out_channels: channels().count(),
            weight: channels().flat_map(|c| &conv.weight[c * size..(c + 1) * size]).copied().collect(),
            bias: channels().map(|c| conv.bias[c]).collect(),
            ..*conv
        };
        let side = self.row / self.stride;
        let layout = Layout { channels: own.out_channels, side, gap: self.stride, channels_per_cell: 1 };
        (own, layout)
    }

    /// The number of slots by which a part is moved to the right.
    fn displacement(&self, part: usize) -> i64 {
        (part % self.stride * self.row + part / self.stride) as i64
    }
}
