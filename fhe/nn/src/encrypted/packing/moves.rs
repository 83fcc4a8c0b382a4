//! Permutations of slots that move each value by a multiple of one step, with one mask for each multiple.

use fhe_circuits::linear::gcd;

use crate::encrypted::matvec::MatVecPlan;
use crate::encrypted::slot_matrix::{Offset, RepeatedEntry, SlotMatrix};

/// A matrix of zeros and ones that moves values from slot to slot, and the plan of its evaluation.
pub(super) struct Moves {
    /// The masks, by distance.
    pub matrix: SlotMatrix,
    /// Giant steps only, with one key, and another key for the shift to the nearest distance.
    pub plan: MatVecPlan,
}

impl Moves {
    /// The moves from each first slot to its second, among `slots` slots. Slots that receive no value become 0.
    pub(super) fn new(moves: &[(usize, usize)], slots: usize) -> Self {
        // The shorter way round.
        let half = slots as i64 / 2;
        let distance = |&(from, to): &(usize, usize)| (from as i64 - to as i64 + half).rem_euclid(slots as i64) - half;
        let nearest = moves.iter().map(distance).min().unwrap_or(0);
        let step = moves.iter().fold(0, |step, m| gcd(step, distance(m) - nearest)).max(1);
        let mut matrix = SlotMatrix::new(slots);
        for m in moves {
            let offset = Offset { grids: (distance(m) - nearest) / step, rows: 0, columns: nearest };
            matrix.add(offset, RepeatedEntry::single(1.0, m.1));
        }
        let count = matrix.offsets().map(|offset| offset.grids).max().unwrap_or(0) + 1;
        Self { plan: MatVecPlan::of_steps(nearest, step, count as usize), matrix }
    }

    /// The number of rotations.
    pub(super) fn rotations(&self) -> usize {
        let (hoisted, full) = self.plan.rotations();
        hoisted + full
    }
}
