//! How a layout's matrix is multiplied by an encrypted vector: baby steps, giant steps, and the keys they take.

mod multiply;

use std::collections::{BTreeMap, BTreeSet};

use fhe_ckks::{Ciphertext, CkksError, Evaluator, KeyRequest, Parameters};
pub(super) use multiply::LOT;
pub use multiply::multiply;

use super::layout::{Layout, Offset};
use super::slot_matrix::SlotMatrix;

/// Rows and columns are both baby steps up to this many: those of a 3 × 3 kernel.
const MAX_BABIES: usize = 9;

/// How a matrix is evaluated: y = Σ_giant rotate(Σ_baby diagonal ⊙ rotate(x, shift + baby), giant).
///
/// Baby steps share one decomposition. Giant steps share one key a stride, as they are taken by Horner's rule from the
/// farthest to the nearest, along rows and then along grids; the shift makes all of them go one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatVecPlan {
    /// Distance that the input is rotated by before all else, in slots.
    pub shift: i64,
    /// Distances of the baby steps, in slots.
    pub babies: Babies,
    /// Slots of a row.
    pub row: i64,
    /// Numbers of rows that giant steps go: 0 alone where rows are baby steps.
    pub rows: Vec<i64>,
    /// Slots of a grid.
    pub grid: i64,
    /// Numbers of grids that giant steps go.
    pub grids: Vec<i64>,
}

/// Baby steps by how their rotations are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Babies {
    /// Distances in slots, each with a key of its own, that share one decomposition.
    Hoisted(Vec<i64>),
    /// Everything up to so many rows up or down and so many columns left or right, one step at a time: four keys.
    Neighbours {
        /// Rows.
        rows: i64,
        /// Columns.
        columns: i64,
    },
}

impl MatVecPlan {
    /// The plan for a matrix between layouts with the rows and grids of `layout`.
    pub fn new(matrix: &SlotMatrix, layout: Layout) -> Self {
        let (row, grid) = (layout.row() as i64, layout.grid() as i64);
        let distinct = |f: &dyn Fn(&Offset) -> i64| matrix.offsets().map(|offset| f(&offset)).collect::<BTreeSet<_>>();
        let grids = (0..=distinct(&|o| o.grids).last().copied().unwrap_or(0)).collect();
        let near = distinct(&|o| row * o.rows + o.columns);
        if near.len() <= MAX_BABIES {
            let babies = Babies::Hoisted(near.into_iter().collect());
            return Self { shift: 0, babies, row, rows: vec![0], grid, grids };
        }
        let rows = distinct(&|o| o.rows);
        let (first, last) = (rows.first().copied().unwrap_or(0), rows.last().copied().unwrap_or(0));
        let babies = Babies::Hoisted(distinct(&|o| o.columns).into_iter().collect());
        Self { shift: row * first, babies, row, rows: (0..=last - first).collect(), grid, grids }
    }

    /// The plan that takes the fewest keys: rows and columns are neighbours of neighbours, grids giant steps.
    pub fn with_few_keys(matrix: &SlotMatrix, layout: Layout) -> Self {
        let farthest = |f: fn(Offset) -> i64| matrix.offsets().map(f).max().unwrap_or(0);
        let (rows, columns) = (farthest(|o| o.rows.abs()), farthest(|o| o.columns.abs()));
        Self {
            shift: 0,
            babies: Babies::Neighbours { rows, columns },
            row: layout.row() as i64,

            rows: vec![0],
            grid: layout.grid() as i64,
            grids: (0..=farthest(|o| o.grids)).collect(),
        }
    }

    /// The plan for offsets of 0 to `count` − 1 grids of `step` slots beyond `shift` columns: giant steps alone.
    pub fn of_steps(shift: i64, step: i64, count: usize) -> Self {
        let babies = Babies::Hoisted(vec![0]);
        Self { shift, babies, row: 0, rows: vec![0], grid: step, grids: (0..count as i64).collect() }
    }

    /// Baby step and giant step (grids, rows) of an offset.
    fn split(&self, offset: Offset) -> (i64, (i64, i64)) {
        let row = if self.rows.len() > 1 { offset.rows - self.shift / self.row } else { 0 };
        (self.row * (offset.rows - row) + offset.columns - self.shift, (offset.grids, row))
    }

    /// Slots that an offset goes.
    #[cfg(test)]
    pub(super) fn distance(&self, offset: Offset) -> i64 {
        let (baby, (grids, rows)) = self.split(offset);
        if let Babies::Hoisted(babies) = &self.babies {
            assert!(babies.contains(&baby), "baby step {baby} of {offset:?} among {babies:?}");
        }
        assert!(self.grids.contains(&grids) && self.rows.contains(&rows), "giant step of {offset:?}");
        self.shift + baby + self.grid * grids + self.row * rows
    }

    /// Ciphertexts that the baby steps make.
    pub(super) fn baby_steps(&self) -> usize {
        match &self.babies {
            Babies::Hoisted(steps) => steps.len(),
            Babies::Neighbours { rows, columns } => ((2 * rows + 1) * (2 * columns + 1)) as usize,
        }
    }

    /// Asks for the rotation keys, for `images` images whose slots take turns.
    pub fn request_keys(&self, params: &Parameters, level: usize, images: usize, request: &mut KeyRequest) {
        let mut ask = |step: i64| request.rotation(params, images as i64 * step, level);
        ask(self.shift);
        match &self.babies {
            Babies::Hoisted(steps) => steps.iter().for_each(|&step| ask(step)),
            Babies::Neighbours { rows, columns } => {
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

    /// Key switches: hoisted ones (a shared decomposition) and others.
    pub fn rotations(&self) -> (usize, usize) {
        let (hoisted, more) = match &self.babies {
            Babies::Hoisted(steps) => (steps.iter().filter(|&&b| b != 0).count(), 0),
            Babies::Neighbours { rows, columns } => {
                // Both ways from each centre share a decomposition, what lies beyond has one of its own.
                let (lines, near) = (2 * rows + 1, |reach: i64| if reach > 0 { 2 } else { 0 });
                let beyond = |reach: i64| 2 * (reach - 1).max(0);
                let hoisted = near(*rows) + lines * near(*columns);
                (hoisted as usize, (beyond(*rows) + lines * beyond(*columns)) as usize)
            }
        };
        (hoisted, more + self.grids.len() * self.rows.len() - 1 + usize::from(self.shift != 0))
    }

    /// The rotations of `x` by each baby step of `images` images whose slots take turns.
    fn rotate_babies(
        &self,
        evaluator: &Evaluator,
        x: &Ciphertext,
        images: i64,
    ) -> Result<BTreeMap<i64, Ciphertext>, CkksError> {
        match &self.babies {
            Babies::Hoisted(steps) => {
                let distances: Vec<i64> = steps.iter().map(|step| images * step).collect();
                Ok(steps.iter().copied().zip(evaluator.rotate_hoisted(x, &distances)?).collect())
            }
            Babies::Neighbours { rows, columns } => {
                let mut all = BTreeMap::new();
                for (row, line) in neighbours(evaluator, x, self.row, *rows, images)? {
                    let near = neighbours(evaluator, &line, 1, *columns, images)?;
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
    images: i64,
) -> Result<Vec<(i64, Ciphertext)>, CkksError> {
    let mut all = vec![(0, x.clone())];
    if reach > 0 {
        let both = evaluator.rotate_hoisted(x, &[images * step, -images * step])?;
        for (step, mut at) in [step, -step].into_iter().zip(both) {
            for k in 2..=reach {
                let next = evaluator.rotate(&at, images * step)?;
                all.push(((k - 1) * step, std::mem::replace(&mut at, next)));
            }
            all.push((reach * step, at));
        }
    }
    Ok(all)
}
