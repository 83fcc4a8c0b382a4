//! Slots moved about: each value by a multiple of one step, with one mask for each multiple.

use crate::encrypted::layout::Offset;
use crate::encrypted::matvec::MatVecPlan;
use crate::encrypted::slot_matrix::{SlotMatrix, Stroke};

/// A matrix of zeros and ones that takes values from one slot to another, and how it is evaluated.
pub struct Moves {
    /// The masks, by distance.
    pub matrix: SlotMatrix,
    /// Giant steps alone, with one key, and another for what lies before the nearest.
    pub plan: MatVecPlan,
}

impl Moves {
    /// Moves from one slot to another, among `slots`; slots that nothing is moved to become 0.
    pub fn new(moves: &[(usize, usize)], slots: usize) -> Self {
        // The shorter way round.
        let half = slots as i64 / 2;
        let distance = |&(from, to): &(usize, usize)| (from as i64 - to as i64 + half).rem_euclid(slots as i64) - half;
        let nearest = moves.iter().map(distance).min().unwrap_or(0);
        let step = moves.iter().fold(0, |step, m| gcd(step, distance(m) - nearest)).max(1);
        let mut matrix = SlotMatrix::new(slots);
        for m in moves {
            let offset = Offset { grids: (distance(m) - nearest) / step, rows: 0, columns: nearest };
            matrix.add(offset, Stroke { value: 1.0, first: m.1, rows: (1, 0), columns: (1, 0) });
        }
        let count = matrix.offsets().map(|offset| offset.grids).max().unwrap_or(0) + 1;
        Self { plan: MatVecPlan::of_steps(nearest, step, count as usize), matrix }
    }

    /// Rotations that it takes.
    pub fn rotations(&self) -> usize {
        let (hoisted, full) = self.plan.rotations();
        hoisted + full
    }
}

pub(super) fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
