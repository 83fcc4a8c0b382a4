//! The product of a layout's matrix and an encrypted vector: baby steps, giant steps, and the keys that they need.

mod multiply;

use std::collections::{BTreeMap, BTreeSet};

use fhe_ckks::{Ciphertext, CkksError, Evaluator, KeyRequest, Parameters};
pub use multiply::multiply;

use super::interleave::Interleave;
use super::layout::Layout;
use super::slot_matrix::{Offset, SlotMatrix};

/// Rows and columns are both baby steps up to this number, that of a 3 × 3 kernel.
const MAX_BABY_STEPS: usize = 9;

/// The plan of a product: y = Σ_giant rotate(Σ_baby diagonal ⊙ rotate(x, shift + baby), giant).
///
/// Baby steps share one decomposition. Giant steps follow Horner's rule from the farthest to the nearest, along rows
/// and then along grids, and need one key for each of the two strides. The shift makes all of them go one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatVecPlan {
    /// The rotation of the input before all others, in slots.
    pub shift: i64,
    /// The baby steps.
    pub baby_steps: BabySteps,
    /// The number of slots of a row.
    pub row: i64,
    /// The distances of giant steps in rows: only 0 if rows are baby steps.
    pub rows: Vec<i64>,
    /// The number of slots of a grid.
    pub grid: i64,
    /// The distances of giant steps in grids.
    pub grids: Vec<i64>,
    /// Bytes of encoded diagonals that are held at a time. Baby steps are read once for each such batch.
    pub encoded_bytes: usize,
}

/// Bytes of encoded diagonals that a plan holds at a time, if it does not say otherwise.
pub(super) const ENCODED_BYTES: usize = 16 << 20;

/// The baby steps of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BabySteps {
    /// Distances in slots. Each has its own key, and all share one decomposition.
    Hoisted(Vec<i64>),
    /// Every distance up to a number of rows up or down and of columns left or right, one row or column at a time, with
    /// four keys.
    Neighbours {
        /// The number of rows.
        rows: i64,
        /// The number of columns.
        columns: i64,
    },
}

impl BabySteps {
    /// The number of rotated ciphertexts, the unrotated one included.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Hoisted(steps) => steps.len(),
            Self::Neighbours { rows, columns } => ((2 * rows + 1) * (2 * columns + 1)) as usize,
        }
    }
}

impl MatVecPlan {
    /// The plan for a matrix between layouts with the rows and grids of `layout`.
    pub fn new(matrix: &SlotMatrix, layout: Layout) -> Self {
        let (row, grid) = (layout.row() as i64, layout.grid() as i64);
        let distinct = |f: &dyn Fn(&Offset) -> i64| matrix.offsets().map(|offset| f(&offset)).collect::<BTreeSet<_>>();
        let grids = (0..=distinct(&|o| o.grids).last().copied().unwrap_or(0)).collect();
        let near = distinct(&|o| row * o.rows + o.columns);
        if near.len() <= MAX_BABY_STEPS {
            let baby_steps = BabySteps::Hoisted(near.into_iter().collect());
            return Self { shift: 0, baby_steps, row, rows: vec![0], grid, grids, encoded_bytes: ENCODED_BYTES };
        }
        let rows = distinct(&|o| o.rows);
        let (first, last) = (rows.first().copied().unwrap_or(0), rows.last().copied().unwrap_or(0));
        let baby_steps = BabySteps::Hoisted(distinct(&|o| o.columns).into_iter().collect());
        Self {
            shift: row * first,
            baby_steps,
            row,
            rows: (0..=last - first).collect(),
            grid,
            grids,
            encoded_bytes: ENCODED_BYTES,
        }
    }

    /// The plan with the fewest keys: rows and columns are steps from neighbour to neighbour, grids are giant steps.
    pub fn with_few_keys(matrix: &SlotMatrix, layout: Layout) -> Self {
        let farthest = |f: fn(Offset) -> i64| matrix.offsets().map(f).max().unwrap_or(0);
        let (rows, columns) = (farthest(|o| o.rows.abs()), farthest(|o| o.columns.abs()));
        Self {
            shift: 0,
            baby_steps: BabySteps::Neighbours { rows, columns },
            row: layout.row() as i64,
            rows: vec![0],
            grid: layout.grid() as i64,
            grids: (0..=farthest(|o| o.grids)).collect(),
            encoded_bytes: ENCODED_BYTES,
        }
    }

    /// The plan for offsets of 0 to `count` − 1 grids of `step` slots beyond `shift` columns: only giant steps.
    pub fn of_steps(shift: i64, step: i64, count: usize) -> Self {
        let baby_steps = BabySteps::Hoisted(vec![0]);
        let grids = (0..count as i64).collect();
        Self { shift, baby_steps, row: 0, rows: vec![0], grid: step, grids, encoded_bytes: ENCODED_BYTES }
    }

    /// The baby step and the giant step (grids, rows) of an offset.
    fn split(&self, offset: Offset) -> (i64, (i64, i64)) {
        let row = if self.rows.len() > 1 { offset.rows - self.shift / self.row } else { 0 };
        (self.row * (offset.rows - row) + offset.columns - self.shift, (offset.grids, row))
    }

    /// The distance of an offset in slots, as the plan reaches it.
    ///
    /// # Panics
    /// If the plan does not reach it.
    #[cfg(test)]
    pub(super) fn distance(&self, offset: Offset) -> i64 {
        let (baby, (grids, rows)) = self.split(offset);
        if let BabySteps::Hoisted(steps) = &self.baby_steps {
            assert!(steps.contains(&baby), "baby step {baby} of {offset:?} among {steps:?}");
        }
        assert!(self.grids.contains(&grids) && self.rows.contains(&rows), "giant step of {offset:?}");
        self.shift + baby + self.grid * grids + self.row * rows
    }

    /// Adds the rotation keys of the plan to `request`, for an input at `level`.
    pub fn request_keys(&self, params: &Parameters, level: usize, interleave: Interleave, request: &mut KeyRequest) {
        let mut ask = |step: i64| request.rotation(params, interleave.distance(step), level);
        ask(self.shift);
        match &self.baby_steps {
            BabySteps::Hoisted(steps) => steps.iter().for_each(|&step| ask(step)),
            BabySteps::Neighbours { rows, columns } => {
                let steps = [(self.row, rows), (1, columns)].into_iter().filter(|&(_, &reach)| reach > 0);
                steps.flat_map(|(step, _)| [step, -step]).for_each(&mut ask);
            }
        }
        if self.grids.len() > 1 {
            ask(self.grid);
        }
        if self.rows.len() > 1 {
            ask(self.row);
        }
    }

    /// The number of rotations that share a decomposition, and the number of others.
    pub fn rotations(&self) -> (usize, usize) {
        let (hoisted, more) = match &self.baby_steps {
            BabySteps::Hoisted(steps) => (steps.iter().filter(|&&b| b != 0).count(), 0),
            BabySteps::Neighbours { rows, columns } => {
                // The two neighbours of a centre share a decomposition; each rotation beyond them has its own.
                let (lines, near) = (2 * rows + 1, |reach: i64| if reach > 0 { 2 } else { 0 });
                let beyond = |reach: i64| 2 * (reach - 1).max(0);
                let hoisted = near(*rows) + lines * near(*columns);
                (hoisted as usize, (beyond(*rows) + lines * beyond(*columns)) as usize)
            }
        };
        (hoisted, more + self.grids.len() * self.rows.len() - 1 + usize::from(self.shift != 0))
    }

    /// The rotations of `x` by each baby step.
    fn rotate_by_baby_steps(
        &self,
        evaluator: &Evaluator,
        x: &Ciphertext,
        interleave: Interleave,
    ) -> Result<BTreeMap<i64, Ciphertext>, CkksError> {
        match &self.baby_steps {
            BabySteps::Hoisted(steps) => {
                let distances: Vec<i64> = steps.iter().map(|&step| interleave.distance(step)).collect();
                Ok(steps.iter().copied().zip(evaluator.rotate_hoisted(x, &distances)?).collect())
            }
            BabySteps::Neighbours { rows, columns } => {
                let mut all = BTreeMap::new();
                for (row, line) in neighbours(evaluator, x, self.row, *rows, interleave)? {
                    let near = neighbours(evaluator, &line, 1, *columns, interleave)?;
                    all.extend(near.into_iter().map(|(column, x)| (row + column, x)));
                }
                Ok(all)
            }
        }
    }
}

/// The rotations of `x` by up to `reach` steps either way, with the keys of one step.
fn neighbours(
    evaluator: &Evaluator,
    x: &Ciphertext,
    step: i64,
    reach: i64,
    interleave: Interleave,
) -> Result<Vec<(i64, Ciphertext)>, CkksError> {
    let mut all = vec![(0, x.clone())];
    if reach > 0 {
        let both = evaluator.rotate_hoisted(x, &[step, -step].map(|step| interleave.distance(step)))?;
        for (step, mut at) in [step, -step].into_iter().zip(both) {
            for k in 2..=reach {
                let next = evaluator.rotate(&at, interleave.distance(step))?;
                all.push(((k - 1) * step, std::mem::replace(&mut at, next)));
            }
            all.push((reach * step, at));
        }
    }
    Ok(all)
}
