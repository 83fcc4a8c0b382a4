//! A layout's matrix times an encrypted vector.

use std::collections::{BTreeMap, BTreeSet};

use fhe_circuits::{RotatedSum, sums_of_products};
use fhe_ckks::{Ciphertext, CkksError, Evaluator, KeyRequest, Parameters};
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
    fn split(&self, offset: Offset) -> (i64, (i64, i64)) {
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

/// Bytes of encoded diagonals that are worked on at a time. Baby steps are read once for each such lot.
const LOT: usize = 64 << 20;

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
    let shifted = evaluator.rotate(x, plan.shift)?;
    let babies = evaluator.rotate_hoisted(&shifted, &plan.babies)?;
    let places: BTreeMap<i64, usize> = plan.babies.iter().enumerate().map(|(place, &baby)| (baby, place)).collect();
    let mut giants: BTreeMap<(i64, i64), Vec<(usize, &Vec<f64>)>> = BTreeMap::new();
    for (&offset, diagonal) in matrix {
        let (baby, (grid, row)) = plan.split(offset);
        // The farthest row of each grid comes first.
        giants.entry((-row, grid)).or_default().push((places[&baby], diagonal));
    }
    let giants: Vec<_> = giants.into_iter().collect();
    let encoded_bytes = |terms: usize| terms * x.parts()[0].bytes() * (2 * x.slots()) / evaluator.params().n();
    let widest = giants.iter().map(|(_, terms)| encoded_bytes(terms.len())).max().unwrap_or(1);

    // By Horner's rule along the rows of each grid, then along the grids. Grids are independent until their sums meet:
    // whole chains in parallel keep both ends of a small ciphertext busy.
    let mut chains: Vec<Chain> = plan.grids.iter().map(|_| Chain::default()).collect();
    for lot in giants.chunks((LOT / widest).max(1)) {
        for ((at, _), sum) in lot.iter().zip(inner_sums(evaluator.params(), &babies, lot, scale)?) {
            chains[at.1 as usize].waiting.push((-at.0, sum));
        }
        chains.par_iter_mut().try_for_each(|chain| chain.advance(evaluator))?;
    }
    let mut total: Option<RotatedSum> = None;
    for chain in chains.into_iter().rev() {
        let grid = chain.finish(evaluator)?;
        total = match (total, grid) {
            (None, grid) => grid,
            (Some(total), grid) => Some(total.step(evaluator, GRID, grid)?),
        };
    }
    Ok(total.expect("a matrix has at least one diagonal").finish())
}

/// Row and grid of a giant step (the row negated), with its diagonals by the place of their baby step.
type Giant<'a> = ((i64, i64), Vec<(usize, &'a Vec<f64>)>);

/// The sums of some giant steps, before their rotations.
fn inner_sums(
    params: &Parameters,
    babies: &[Ciphertext],
    giants: &[Giant<'_>],
    scale: f64,
) -> Result<Vec<Ciphertext>, CkksError> {
    let slots = babies[0].slots() as i64;
    let encode = |&(row, grid): &(i64, i64), &(baby, diagonal): &(usize, &Vec<f64>)| {
        let mut rotated = diagonal.clone();
        rotated.rotate_right((GRID * grid - ROW * row).rem_euclid(slots) as usize);
        Ok((baby, params.encode_real(&rotated, scale, babies[0].basis())?))
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
    fn advance(&mut self, evaluator: &Evaluator) -> Result<(), CkksError> {
        for (row, next) in std::mem::take(&mut self.waiting) {
            let sum = match self.sum.take() {
                None => next.into(),
                Some((at, sum)) => go(evaluator, sum, at - row - 1)?.step(evaluator, ROW, Some(next.into()))?,
            };
            self.sum = Some((row, sum));
        }
        Ok(())
    }

    /// The sum at row 0.
    fn finish(self, evaluator: &Evaluator) -> Result<Option<RotatedSum>, CkksError> {
        self.sum.map(|(at, sum)| go(evaluator, sum, at)).transpose()
    }
}

/// `rows` rows on, a row at a time.
fn go(evaluator: &Evaluator, sum: RotatedSum, rows: i64) -> Result<RotatedSum, CkksError> {
    (0..rows).try_fold(sum, |sum, _| sum.step(evaluator, ROW, None))
}
