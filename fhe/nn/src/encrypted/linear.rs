//! The linear part of a layer as a circuit over slots, for every packing and for every interpreter of [`Slots`].

use fhe_ckks::CkksError;

use super::circuit::{Circuit, Target};
use super::layout::{self, Layout};
use super::matvec::MatVecPlan;
use super::slot_matrix::{Offset, SlotMatrix};
use super::slots::{Operand, Slots, TargetScale};
use crate::network::Linear;

/// Σ convₖ(xₖ) [+ identity], divided by `range`, at level `end` and the scale of linear layers. The identity comes with
/// the divisor of its values.
///
/// # Errors
/// A missing key, or an input below its level.
pub(super) fn convolve<S: Slots>(
    slots: &mut S,
    circuit: &Circuit,
    operands: &[Operand<'_, S::Vector>],
    identity: Option<(&S::Vector, f64)>,
    to: Layout,
    Target { range, end }: Target,
) -> Result<S::Vector, CkksError> {
    let mut sum: Option<S::Vector> = None;
    let mut bias = vec![0.0; to.slots()];
    for operand in operands {
        layout::bias(operand.conv, to, 1.0 / range).iter().zip(&mut bias).for_each(|(b, sum)| *sum += b);
        let levels = circuit.levels(operand.conv.stride, end);
        let product = circuit.packing.product(slots, levels, operand, to, operand.range / range)?;
        sum = Some(match sum {
            None => product,
            Some(sum) => slots.add(sum, &product)?,
        });
    }
    let mut sum = sum.expect("at least one operand");
    if let Some((x, range_in)) = identity {
        let x = slots.reshape(x, end + 1, to.slots())?;
        let same = slots.multiply_constant(&x, range_in / range)?;
        sum = slots.add(sum, &same)?;
    }
    let sum = slots.rescale(sum)?;
    slots.add_clear(sum, &bias)
}

/// The average over each channel and the classifier, on values that were divided by `range`. Output k is in slot k, at
/// the level of a bootstrap's input and at the scale of `x`.
///
/// # Errors
/// A missing key, or an input below its level.
pub(super) fn classify<S: Slots>(
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
    let x = slots.reshape(x, circuit.bootstrap_level() + 1, from.slots())?;
    let products = slots.multiply(&x, &matrix, &MatVecPlan::of_steps(0, 1, width), TargetScale::Input)?;
    let products = slots.rescale(products)?;
    let sums = slots.sum(products, width, from.slots() / width)?;
    let mut bias = classifier.bias.clone();
    bias.resize(width, 0.0);
    slots.add_clear(sums, &bias)
}
