//! Layers as circuits over slots: the same for every packing, and for ciphertexts, counts and numbers.

use fhe_ckks::CkksError;

use super::circuit::Circuit;
use super::layout::{self, Layout, Offset};
use super::matvec::MatVecPlan;
use super::packing::{Aim, Slots};
use super::schedule::Term;
use super::slot_matrix::SlotMatrix;
use crate::network::Linear;

/// Σ convₖ(xₖ) [+ identity times its factor], divided by `range`, at the level that bootstraps take.
///
/// # Errors
/// A missing key, or an input below its level.
pub fn convolve<S: Slots>(
    slots: &mut S,
    circuit: &Circuit,
    terms: &[Term<'_, S::Vector>],
    identity: Option<(&S::Vector, f64)>,
    to: Layout,
    range: f64,
) -> Result<S::Vector, CkksError> {
    let mut sum: Option<S::Vector> = None;
    let mut bias = vec![0.0; to.slots()];
    for term in terms {
        layout::bias(term.conv, to, 1.0 / range).iter().zip(&mut bias).for_each(|(b, sum)| *sum += b);
        let product = circuit.packing.product(slots, circuit, term, to, term.range / range)?;
        sum = Some(match sum {
            None => product,
            Some(sum) => slots.add(sum, &product)?,
        });
    }
    let mut sum = sum.expect("at least one term");
    if let Some((x, range_in)) = identity {
        let x = slots.at(x, circuit.bootstrap_level() + 1, to.slots())?;
        let same = slots.multiply_constant(&x, range_in / range)?;
        sum = slots.add(sum, &same)?;
    }
    let sum = slots.rescale(sum)?;
    slots.add_clear(sum, &bias)
}

/// The average over each channel and the classifier, on values that were divided by `range`: output k in slot k, at
/// the level that bootstraps take.
///
/// # Errors
/// A missing key, or an input below its level.
pub fn classify<S: Slots>(
    slots: &mut S,
    circuit: &Circuit,
    classifier: &Linear,
    x: &S::Vector,
    from: Layout,
    range: f64,
) -> Result<S::Vector, CkksError> {
    let diagonals = layout::pooled_classifier(classifier, from, range);
    let width = diagonals.len();
    let mut matrix = SlotMatrix::new(from.slots());
    for (step, diagonal) in diagonals.iter().enumerate() {
        matrix.add_numbers(Offset { grids: step as i64, rows: 0, columns: 0 }, diagonal);
    }
    let x = slots.at(x, circuit.bootstrap_level() + 1, from.slots())?;
    let products = slots.multiply(&x, &matrix, &MatVecPlan::of_steps(0, 1, width), Aim::Keep)?;
    let products = slots.rescale(products)?;
    let sums = slots.sum(products, width, from.slots() / width)?;
    let mut bias = classifier.bias.clone();
    bias.resize(width, 0.0);
    slots.add_clear(sums, &bias)
}
