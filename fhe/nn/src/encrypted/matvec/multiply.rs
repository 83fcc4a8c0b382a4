//! A layout's matrix times an encrypted vector, as its plan says.

use std::collections::BTreeMap;

use fhe_circuits::{RotatedSum, sums_of_products};
use fhe_ckks::{Ciphertext, CkksError, Evaluator, Parameters};
use rayon::prelude::*;

use super::MatVecPlan;
use crate::encrypted::layout::Offset;
use crate::encrypted::slot_matrix::SlotMatrix;

/// Bytes of encoded diagonals that are worked on at a time. Baby steps are read once for each such lot.
pub(crate) const LOT: usize = 16 << 20;

/// The matrix times the slots of each of `images` images that take turns, not rescaled: the scale is multiplied by `scale`.
/// Diagonals are encoded on the way.
///
/// # Errors
/// A missing rotation key.
pub fn multiply(
    evaluator: &Evaluator,
    plan: &MatVecPlan,
    matrix: &SlotMatrix,
    x: &Ciphertext,
    scale: f64,
    images: usize,
) -> Result<Ciphertext, CkksError> {
    let steps = Steps { evaluator, images: images as i64 };
    let shifted = evaluator.rotate(x, steps.images * plan.shift)?;
    let (places, babies): (BTreeMap<i64, usize>, Vec<Ciphertext>) = plan
        .rotate_babies(evaluator, &shifted, steps.images)?
        .into_iter()
        .enumerate()
        .map(|(place, (baby, rotated))| ((baby, place), rotated))
        .unzip();
    let mut giants: BTreeMap<(i64, i64), Terms> = BTreeMap::new();
    for offset in matrix.offsets() {
        let (baby, (grid, row)) = plan.split(offset);
        // The farthest row of each grid comes first.
        giants.entry((-row, grid)).or_default().push((places[&baby], offset));
    }
    let giants: Vec<_> = giants.into_iter().collect();
    let encoded_bytes = |terms: usize| terms * x.parts()[0].bytes() * (2 * x.slots()) / evaluator.params().n();
    let widest = giants.iter().map(|(_, terms)| encoded_bytes(terms.len())).max().unwrap_or(1);

    // By Horner's rule along the rows of each grid, then along the grids. Grids are independent until their sums meet:
    // whole chains in parallel keep both ends of a small ciphertext busy.
    let mut chains: Vec<Chain> = plan.grids.iter().map(|_| Chain::default()).collect();
    for lot in giants.chunks((LOT / widest).max(1)) {
        for ((at, _), sum) in lot.iter().zip(inner_sums(evaluator.params(), plan, matrix, &babies, lot, scale, images)?)
        {
            chains[at.1 as usize].waiting.push((-at.0, sum));
        }
        chains.par_iter_mut().try_for_each(|chain| chain.advance(&steps, plan))?;
    }
    let mut total: Option<RotatedSum> = None;
    for chain in chains.into_iter().rev() {
        let grid = chain.finish(&steps, plan)?;
        total = match (total, grid) {
            (None, grid) => grid,
            (Some(total), grid) => Some(steps.step(total, plan.grid, grid)?),
        };
    }
    Ok(total.expect("a matrix has at least one diagonal").finish())
}

/// Giant steps of images whose slots take turns.
struct Steps<'a> {
    evaluator: &'a Evaluator,
    images: i64,
}

impl Steps<'_> {
    /// `distance` slots of each image on, and what is found there.
    fn step(&self, sum: RotatedSum, distance: i64, next: Option<RotatedSum>) -> Result<RotatedSum, CkksError> {
        sum.step(self.evaluator, self.images * distance, next)
    }
}

/// Offsets of diagonals by the place of their baby step.
type Terms = Vec<(usize, Offset)>;

/// Row and grid of a giant step (the row negated), with its diagonals.
type Giant = ((i64, i64), Terms);

/// The sums of some giant steps, before their rotations.
fn inner_sums(
    params: &Parameters,
    plan: &MatVecPlan,
    matrix: &SlotMatrix,
    babies: &[Ciphertext],
    giants: &[Giant],
    scale: f64,
    images: usize,
) -> Result<Vec<Ciphertext>, CkksError> {
    let encode = |&(row, grid): &(i64, i64), &(baby, offset): &(usize, Offset)| {
        let moved = (plan.grid * grid - plan.row * row).rem_euclid(matrix.slots() as i64);
        let diagonal = matrix.diagonal(offset, moved as usize, images);
        Ok((baby, params.encode_real(&diagonal, scale, babies[0].basis())?))
    };
    let encoded = giants
        .par_iter()
        .map(|(at, terms)| terms.par_iter().map(|term| encode(at, term)).collect())
        .collect::<Result<Vec<_>, CkksError>>()?;
    Ok(sums_of_products(params, babies, &encoded))
}

/// Horner's rule along the rows of one grid, from the farthest to the nearest.
#[derive(Default)]
struct Chain {
    /// The sum so far, and the row that it has come to.
    sum: Option<(i64, RotatedSum)>,
    /// Rows still to be taken in, the farthest first.
    waiting: Vec<(i64, Ciphertext)>,
}

impl Chain {
    fn advance(&mut self, steps: &Steps<'_>, plan: &MatVecPlan) -> Result<(), CkksError> {
        for (row, next) in std::mem::take(&mut self.waiting) {
            let sum = match self.sum.take() {
                None => next.into(),
                Some((at, sum)) => {
                    let sum = go(steps, plan, sum, at - row - 1)?;
                    steps.step(sum, plan.row, Some(next.into()))?
                }
            };
            self.sum = Some((row, sum));
        }
        Ok(())
    }

    /// The sum at row 0.
    fn finish(self, steps: &Steps<'_>, plan: &MatVecPlan) -> Result<Option<RotatedSum>, CkksError> {
        self.sum.map(|(at, sum)| go(steps, plan, sum, at)).transpose()
    }
}

/// `rows` rows on, a row at a time.
fn go(steps: &Steps<'_>, plan: &MatVecPlan, sum: RotatedSum, rows: i64) -> Result<RotatedSum, CkksError> {
    (0..rows).try_fold(sum, |sum, _| steps.step(sum, plan.row, None))
}
