//! A layout's matrix times an encrypted vector.

use std::collections::{BTreeMap, BTreeSet};

use fhe_ckks::{Ciphertext, CkksError, Evaluator, KeyRequest, Parameters};
use fhe_ring::Poly;
use rayon::prelude::*;

use super::layout::{Offset, SlotMatrix};

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
    pub babies: Vec<i64>,
    /// Numbers of rows that giant steps go: 0 alone where rows are baby steps.
    pub rows: Vec<i64>,
    /// Numbers of grids that giant steps go.
    pub grids: Vec<i64>,
}

const GRID: i64 = 1024;
const ROW: i64 = 32;

impl MatVecPlan {
    /// The plan for a matrix.
    pub fn new(matrix: &SlotMatrix) -> Self {
        let distinct = |f: fn(&Offset) -> i64| matrix.keys().map(f).collect::<BTreeSet<_>>();
        let grids = (0..=distinct(|o| o.grids).last().copied().unwrap_or(0)).collect();
        let near = distinct(|o| ROW * o.rows + o.columns);
        if near.len() <= MAX_BABIES {
            return Self { shift: 0, babies: near.into_iter().collect(), rows: vec![0], grids };
        }
        let rows = distinct(|o| o.rows);
        let (first, last) = (rows.first().copied().unwrap_or(0), rows.last().copied().unwrap_or(0));
        let babies = distinct(|o| o.columns).into_iter().collect();
        Self { shift: ROW * first, babies, rows: (0..=last - first).collect(), grids }
    }

    /// Baby step and giant step (grids, rows) of an offset.
    pub(super) fn split(&self, offset: Offset) -> (i64, (i64, i64)) {
        let row = if self.rows.len() > 1 { offset.rows - self.shift / ROW } else { 0 };
        (ROW * (offset.rows - row) + offset.columns - self.shift, (offset.grids, row))
    }

    /// Asks for the rotation keys.
    pub fn request_keys(&self, params: &Parameters, level: usize, request: &mut KeyRequest) {
        self.babies.iter().chain([&self.shift]).for_each(|&step| request.rotation(params, step, level));
        if self.grids.len() > 1 {
            request.rotation(params, GRID, level);
        }
        if self.rows.len() > 1 {
            request.rotation(params, ROW, level);
        }
    }

    /// Key switches: hoisted ones (a shared decomposition) and others.
    pub fn rotations(&self) -> (usize, usize) {
        let hoisted = self.babies.iter().filter(|&&b| b != 0).count();
        (hoisted, self.grids.len() * self.rows.len() - 1 + usize::from(self.shift != 0))
    }
}

/// A baby step with the diagonal that its rotation is multiplied by.
type BabyTerm<'a> = (i64, &'a Vec<f64>);

/// The matrix times the slots, not rescaled: the scale is multiplied by `scale`. Diagonals are encoded on the way.
///
/// # Errors
/// A missing rotation key.
pub fn multiply(
    evaluator: &Evaluator,
    plan: &MatVecPlan,
    matrix: &SlotMatrix,
    x: &Ciphertext,
    scale: f64,
) -> Result<Ciphertext, CkksError> {
    let params = evaluator.params();
    let slots = x.slots();
    let shifted = evaluator.rotate(x, plan.shift)?;
    let babies: BTreeMap<i64, Ciphertext> =
        plan.babies.iter().copied().zip(evaluator.rotate_hoisted(&shifted, &plan.babies)?).collect();
    let mut by_giant: BTreeMap<(i64, i64), Vec<BabyTerm<'_>>> = BTreeMap::new();
    for (&offset, diagonal) in matrix {
        let (baby, giant) = plan.split(offset);
        by_giant.entry(giant).or_default().push((baby, diagonal));
    }
    // The sum of a giant step, before its rotation.
    let inner = |giant: (i64, i64)| -> Result<Option<Ciphertext>, CkksError> {
        let Some(terms) = by_giant.get(&giant) else { return Ok(None) };
        let back = (GRID * giant.0 + ROW * giant.1).rem_euclid(slots as i64) as usize;
        let encoded = terms
            .par_iter()
            .map(|(_, diagonal)| {
                let mut rotated = diagonal.to_vec();
                rotated.rotate_right(back);
                params.encode_real(&rotated, scale, x.basis())
            })
            .collect::<Result<Vec<_>, _>>()?;
        let parts = [0, 1].map(|part| {
            let products: Vec<_> =
                terms.iter().zip(&encoded).map(|((b, _), w)| (&babies[b].parts()[part], w.poly())).collect();
            Poly::dot_compact(params.ring(), x.basis(), &products)
        });
        Ok(Some(Ciphertext::from_parts(parts, x.scale() * scale, slots)))
    };
    let horner = |step: i64, sum: Option<Ciphertext>, next: Option<Ciphertext>| match (sum, next) {
        (None, next) => Ok(next),
        (Some(sum), None) => evaluator.rotate(&sum, step).map(Some),
        (Some(sum), Some(next)) => {
            let mut sum = evaluator.rotate(&sum, step)?;
            evaluator.add_assign(&mut sum, &next)?;
            Ok(Some(sum))
        }
    };
    // Grids are independent until their sums meet: whole chains in parallel keep both ends of a small ciphertext busy.
    let grids = plan
        .grids
        .par_iter()
        .map(|&grid| plan.rows.iter().rev().try_fold(None, |rows, &row| horner(ROW, rows, inner((grid, row))?)))
        .collect::<Result<Vec<_>, _>>()?;
    let total = grids.into_iter().rev().try_fold(None, |total, grid| horner(GRID, total, grid))?;
    Ok(total.expect("a matrix has at least one diagonal"))
}
