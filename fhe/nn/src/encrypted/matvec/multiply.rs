//! The product of a layout's matrix and an encrypted vector, by its plan.

use std::collections::BTreeMap;

use fhe_circuits::products::Term;
use fhe_circuits::{RotatedSum, sums_of_products};
use fhe_ckks::{Ciphertext, CkksError, Evaluator, Parameters, Plaintext};
use fhe_ring::meter::{Held, Holder};
use rayon::prelude::*;

use super::MatVecPlan;
use crate::encrypted::interleave::Interleave;
use crate::encrypted::slot_matrix::{Offset, SlotMatrix};

/// The matrix times the slots of each image, at the level of `x` and at its scale times `scale`: the product is not
/// rescaled. Diagonals are encoded on the way.
///
/// # Errors
/// A missing rotation key.
///
/// # Panics
/// If the matrix has no diagonal.
pub fn multiply(
    evaluator: &Evaluator,
    plan: &MatVecPlan,
    matrix: &SlotMatrix,
    x: &Ciphertext,
    scale: f64,
    interleave: Interleave,
) -> Result<Ciphertext, CkksError> {
    let steps = Steps { evaluator, interleave };
    let shifted = evaluator.rotate(x, interleave.distance(plan.shift))?;
    let (places, rotated): (BTreeMap<i64, usize>, Vec<Ciphertext>) = plan
        .rotate_by_baby_steps(evaluator, &shifted, interleave)?
        .into_iter()
        .enumerate()
        .map(|(place, (baby, rotated))| ((baby, place), rotated))
        .unzip();
    // By Horner's rule along the rows of each grid, then along the grids; only along the grids if all are in row 0.
    let along_rows = plan.rows.len() > 1;
    let mut giants: BTreeMap<(i64, i64), Giant> = BTreeMap::new();
    for offset in matrix.offsets() {
        let (baby, (grid, row)) = plan.split(offset);
        // Chains are independent until their sums meet, and each begins with its farthest link.
        let (chain, link) = if along_rows { (grid, row) } else { (0, grid) };
        let moved = (plan.grid * grid + plan.row * row).rem_euclid(matrix.slots() as i64) as usize;
        let giant = giants.entry((-link, chain)).or_insert_with(|| Giant { chain, link, moved, terms: Vec::new() });
        giant.terms.push((places[&baby], offset));
    }
    let giants: Vec<Giant> = giants.into_values().collect();
    let encoded_bytes = |terms: usize| terms * x.parts()[0].bytes() * (2 * x.slots()) / evaluator.params().n();
    let widest = giants.iter().map(|giant| encoded_bytes(giant.terms.len())).max().unwrap_or(1);

    let stride = if along_rows { plan.row } else { plan.grid };
    let mut chains: Vec<Chain> = plan.grids.iter().map(|_| Chain::default()).collect();
    // The chains advance while the next sums are made: many small loops beside a few large ones keep all threads busy.
    for batch in giants.chunks((plan.encoded_bytes / widest).max(1)) {
        let advance = || chains.par_iter_mut().try_for_each(|chain| chain.advance(&steps, stride));
        let sums = || inner_sums(evaluator.params(), matrix, &rotated, batch, scale, interleave);
        let (advanced, sums) = rayon::join(advance, sums);
        advanced?;
        for (giant, sum) in batch.iter().zip(sums?) {
            chains[giant.chain as usize].waiting.push((giant.link, sum));
        }
    }
    chains.par_iter_mut().try_for_each(|chain| chain.advance(&steps, stride))?;
    let mut total: Option<RotatedSum> = None;
    for chain in chains.into_iter().rev() {
        let sum = chain.finish(&steps, stride)?;
        total = match (total, sum) {
            (None, sum) => sum,
            (Some(total), sum) => Some(steps.step(total, plan.grid, sum)?),
        };
    }
    Ok(total.expect("a matrix has at least one diagonal").finish())
}

/// The rotations of giant steps.
struct Steps<'a> {
    evaluator: &'a Evaluator,
    interleave: Interleave,
}

impl Steps<'_> {
    /// `sum` rotated by `distance` slots of each image, plus `next`.
    fn step(&self, sum: RotatedSum, distance: i64, next: Option<RotatedSum>) -> Result<RotatedSum, CkksError> {
        sum.step(self.evaluator, self.interleave.distance(distance), next)
    }

    /// `sum` rotated by `count` strides, one at a time.
    fn go(&self, sum: RotatedSum, stride: i64, count: i64) -> Result<RotatedSum, CkksError> {
        (0..count).try_fold(sum, |sum, _| self.step(sum, stride, None))
    }
}

/// A giant step.
struct Giant {
    /// The chain that it belongs to.
    chain: i64,
    /// Its place in the chain, 0 at the end.
    link: i64,
    /// The rotation of its diagonals to the right, in slots: its own rotation comes after the product.
    moved: usize,
    /// The place of the baby step and the offset of each of its diagonals.
    terms: Vec<(usize, Offset)>,
}

/// The sums of some giant steps, before their rotations.
fn inner_sums(
    params: &Parameters,
    matrix: &SlotMatrix,
    rotated: &[Ciphertext],
    giants: &[Giant],
    scale: f64,
    interleave: Interleave,
) -> Result<Vec<Ciphertext>, CkksError> {
    let all = || giants.iter().flat_map(|giant| giant.terms.iter().map(|(_, offset)| (*offset, giant.moved)));
    let diagonals: Vec<(Offset, usize)> = all().collect();
    let diagonal = |k: usize| matrix.diagonal(diagonals[k].0, diagonals[k].1, interleave);
    let mut encoded = params.encode_real_all(diagonals.len(), diagonal, scale, rotated[0].basis())?.into_iter();
    let encoded_bytes = encoded.as_slice().iter().map(Plaintext::bytes).sum();
    let _held = Held::new(Holder::Weights, encoded_bytes);
    let mut terms = |giant: &Giant| giant.terms.iter().map(|(place, _)| *place).zip(encoded.by_ref()).collect();
    let sums: Vec<Vec<Term>> = giants.iter().map(&mut terms).collect();
    sums_of_products(params, rotated, &sums)
}

/// Horner's rule along equal strides, from the farthest link to the nearest.
#[derive(Default)]
struct Chain {
    /// The link that has been reached, and the sum there.
    sum: Option<(i64, RotatedSum)>,
    /// Links still to be added, the farthest first.
    waiting: Vec<(i64, Ciphertext)>,
}

impl Chain {
    fn advance(&mut self, steps: &Steps<'_>, stride: i64) -> Result<(), CkksError> {
        for (link, next) in std::mem::take(&mut self.waiting) {
            let sum = match self.sum.take() {
                None => next.into(),
                Some((at, sum)) => {
                    let sum = steps.go(sum, stride, at - link - 1)?;
                    steps.step(sum, stride, Some(next.into()))?
                }
            };
            self.sum = Some((link, sum));
        }
        Ok(())
    }

    /// The sum at link 0.
    fn finish(self, steps: &Steps<'_>, stride: i64) -> Result<Option<RotatedSum>, CkksError> {
        self.sum.map(|(at, sum)| steps.go(sum, stride, at)).transpose()
    }
}
