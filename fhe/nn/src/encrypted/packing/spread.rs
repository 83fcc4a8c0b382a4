//! A convolution's matrix, spread over copies.
//!
//! A vector of fewer slots than the ring repeats in it, and each copy may compute another share of a product: copy c of
//! the output adds up the inputs that are some distances in grids away, and the sum over copies is the product. That
//! divides diagonals, products and giant steps by the number of copies.
//!
//! Every copy reads its input with the same rotations. So copies of the input have to be *skewed*: each is rotated by
//! another number of grids, by masks. A block is as large as the larger of both layouts, and its slots have one skew. A
//! convolution from more grids to fewer has several copies of its output in a block, and those need no skew.

use fhe_ckks::CkksError;

use super::{Levels, Slots};
use crate::encrypted::layout::{Layout, weights_in_places};
use crate::encrypted::matvec::{ENCODED_BYTES, MatVecPlan};
use crate::encrypted::profile::Masks;
use crate::encrypted::slot_matrix::SlotMatrix;
use crate::encrypted::slots::TargetScale;
use crate::network::Conv;

/// The shares of the copies, in grids.
pub(super) struct Spread {
    from: Layout,
    to: Layout,
    /// The grids of all copies.
    grids: usize,
    /// The distances at which an output reads within a copy: 0 to this number, exclusive.
    near: usize,
}

impl Spread {
    /// The shares among `slots` slots, at least those that both layouts need.
    pub(super) fn new(from: Layout, to: Layout, slots: usize) -> Self {
        let pairs = from.grids() * to.grids();
        let widest = from.grids().max(to.grids());
        let grids = (slots / from.grid()).min(pairs).max(widest);
        Self { from, to, grids, near: pairs / grids }
    }

    /// The slots of all copies.
    pub(super) fn slots(&self) -> usize {
        self.grids * self.from.grid()
    }

    /// The grids of a block.
    fn block(&self) -> usize {
        self.from.grids().max(self.to.grids())
    }

    /// The number of grids that the input is rotated by in a block.
    fn skew(&self, block: usize) -> usize {
        block * self.near % self.from.grids()
    }

    /// The copies of the input, each rotated by its skew. Masks that share the convolution's prime leave their bits in the
    /// scale; masks with a prime of their own spend a level, even if no copy has a skew.
    ///
    /// # Errors
    /// A missing key.
    pub(super) fn skewed<S: Slots>(&self, slots: &mut S, x: S::Vector, levels: Levels) -> Result<S::Vector, CkksError> {
        let (blocks, len) = (self.grids / self.block(), self.block() * self.from.grid());
        if (0..blocks).all(|block| self.skew(block) == 0) {
            return match levels.masks {
                Masks::Own => slots.reshape(&x, levels.convolution - 1, self.slots()),
                _ => Ok(x),
            };
        }
        let steps: Vec<i64> = (0..blocks).map(|block| (self.skew(block) * self.from.grid()) as i64).collect();
        let rotated = slots.rotations(&x, &steps)?;
        let masks = (0..blocks).map(|block| {
            let mut mask = vec![0.0; self.slots()];
            mask[block * len..][..len].fill(1.0);
            mask
        });
        let masks: Vec<Vec<f64>> = masks.collect();
        let terms: Vec<_> = rotated.iter().zip(&masks).map(|(x, mask)| (x, mask.as_slice())).collect();
        match levels.masks {
            Masks::Shared { bits } => slots.weighted_sum(&terms, TargetScale::Raised(bits)),
            _ => {
                let sum = slots.weighted_sum(&terms, TargetScale::Input)?;
                slots.rescale(sum)
            }
        }
    }

    /// For each distance of an input's grid from an output's, the copy of the output and the distance within it.
    fn places(&self, to_grid: usize) -> Vec<(usize, i64)> {
        let inputs = self.from.grids();
        let mut places = vec![None; inputs];
        for copy in 0..self.grids / self.to.grids() {
            for near in 0..self.near {
                let at = (copy * self.to.grids() + to_grid + near) % self.grids;
                let grid = at + self.skew(at / self.block());
                places[(grid + inputs - to_grid % inputs) % inputs] = Some((copy, near as i64));
            }
        }
        places.into_iter().map(|place| place.expect("the shares of the copies cover every distance")).collect()
    }

    /// The matrix of a convolution, every weight times `factor`. Its product with skewed copies has to be summed over
    /// the copies of the output.
    pub(super) fn matrix(&self, conv: &Conv, factor: f64) -> SlotMatrix {
        let places: Vec<Vec<(usize, i64)>> = (0..self.to.grids()).map(|grid| self.places(grid)).collect();
        let inputs = self.from.grids();
        weights_in_places(conv, self.from, self.to, factor, self.slots(), |to_grid, grid| {
            std::iter::once(places[to_grid][(grid + inputs - to_grid % inputs) % inputs])
        })
    }

    /// The plan of the product.
    pub(super) fn plan(&self, matrix: &SlotMatrix) -> MatVecPlan {
        let plan = MatVecPlan::new(matrix, self.from);
        // A spread matrix has fewer and longer diagonals.
        let longer = (self.grids / self.block()).min(2);
        MatVecPlan { encoded_bytes: longer * ENCODED_BYTES, ..plan }
    }

    /// The sum over the copies of the output.
    ///
    /// # Errors
    /// A missing key.
    pub(super) fn sum<S: Slots>(&self, slots: &mut S, product: S::Vector) -> Result<S::Vector, CkksError> {
        slots.sum(product, self.to.slots(), self.grids / self.to.grids())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For every number of grids of input, output and ring: each output grid reads each input grid once. The distances
    /// within a copy are as few as there are copies to share them.
    #[test]
    fn shares_cover_every_distance_once() {
        // Cells of one channel, so that a channel is a grid.
        let layout = |log: u32| Layout::multiplexed(1 << log, 32);
        for (from, to, slots) in (0..=5).flat_map(|i| (0..=5).flat_map(move |o| (0..=6).map(move |s| (i, o, s)))) {
            let (from, to) = (layout(from), layout(to));
            let spread = Spread::new(from, to, from.grid() << slots);
            let copies = spread.grids / to.grids();
            assert_eq!(copies * spread.near, from.grids());
            for grid in 0..to.grids() {
                let mut places = spread.places(grid);
                places.sort_unstable();
                places.dedup();
                assert_eq!(places.len(), from.grids());
            }
        }
    }
}
