//! A layout's matrix times an encrypted vector.

use std::collections::{BTreeMap, BTreeSet};

use fhe_ckks::{Ciphertext, CkksError, Evaluator, KeyRequest, Parameters};
use fhe_ring::Poly;
use rayon::prelude::*;

use super::layout::{Offset, SlotMatrix};

/// More baby steps than this are not worth their keys: rows then become giant steps too.
const MAX_BABIES: usize = 16;

/// How a matrix is evaluated: y = Σ_giant rotate(Σ_baby diagonal ⊙ rotate(x, baby), giant).
///
/// Baby steps share one decomposition, giant steps one key a stride: they are taken by Horner's rule, from the farthest
/// to the nearest, along rows and then along grids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatVecPlan {
    /// Distances of the baby steps, in slots.
    pub babies: Vec<i64>,
    /// Numbers of giant steps along grids and along rows.
    pub grids: Vec<i64>,
    /// Rows of the giant steps, counted from the first; `[0]` where rows are baby steps.
    pub rows: Vec<i64>,
    /// First row of all: added to every baby step.
    first_row: i64,
    rows_are_babies: bool,
}

const GRID: i64 = 1024;
const ROW: i64 = 32;

impl MatVecPlan {
    /// The plan for a matrix.
    pub fn new(matrix: &SlotMatrix) -> Self {
        let distinct = |f: fn(&Offset) -> (i64, i64)| matrix.keys().map(f).collect::<BTreeSet<_>>();
        let within = distinct(|o| (o.rows, o.columns));
        let range = |values: BTreeSet<i64>| match (values.first(), values.last()) {
            (Some(&lo), Some(&hi)) => (lo, (0..=hi - lo).collect()),
            _ => (0, vec![0]),
        };
        let grids = matrix.keys().map(|o| o.grids).collect::<BTreeSet<_>>();
        let grids = (0..=grids.last().copied().unwrap_or(0)).collect();
        let rows_are_babies = within.len() <= MAX_BABIES;
        if rows_are_babies {
            let babies = within.into_iter().map(|(row, column)| ROW * row + column).collect();
            return Self { babies, grids, rows: vec![0], first_row: 0, rows_are_babies };
        }
        let (first_row, rows) = range(matrix.keys().map(|o| o.rows).collect());
        let columns: BTreeSet<i64> = matrix.keys().map(|o| o.columns).collect();
        let babies = columns.into_iter().map(|column| ROW * first_row + column).collect();
        Self { babies, grids, rows, first_row, rows_are_babies }
    }

    /// Baby step and giant step (grids, rows) of an offset.
    fn split(&self, offset: Offset) -> (i64, (i64, i64)) {
        match self.rows_are_babies {
            true => (ROW * offset.rows + offset.columns, (offset.grids, 0)),
            false => (ROW * self.first_row + offset.columns, (offset.grids, offset.rows - self.first_row)),
        }
    }

    /// Asks for the rotation keys.
    pub fn request_keys(&self, params: &Parameters, level: usize, request: &mut KeyRequest) {
        self.babies.iter().for_each(|&step| request.rotation(params, step, level));
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
        (hoisted, self.grids.len() * self.rows.len() - 1)
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
    let babies: BTreeMap<i64, Ciphertext> =
        plan.babies.iter().copied().zip(evaluator.rotate_hoisted(x, &plan.babies)?).collect();
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
    let mut total = None;
    for &grid in plan.grids.iter().rev() {
        let mut rows = None;
        for &row in plan.rows.iter().rev() {
            rows = horner(ROW, rows, inner((grid, row))?)?;
        }
        total = horner(GRID, total, rows)?;
    }
    Ok(total.expect("a matrix has at least one diagonal"))
}
