//! The linear parts of layers in the clear, on values at their own size.

use crate::encrypted::layout::Layout;
use crate::encrypted::slots::Operand;
use crate::network::Linear;
use crate::plain::{Buffers, Tensor};

/// Σ convₖ(xₖ) [+ identity].
///
/// # Panics
/// If there is no operand.
pub(super) fn convolve(operands: &[Operand<'_, Tensor>], identity: Option<&Tensor>, buffers: &mut Buffers) -> Tensor {
    let (first, others) = operands.split_first().expect("at least one operand");
    let mut sum = first.conv.apply_with(first.x, buffers);
    for operand in others {
        sum.add(&operand.conv.apply_with(operand.x, buffers));
    }
    if let Some(x) = identity {
        sum.add(x);
    }
    sum
}

/// The average over each channel and the classifier.
pub(super) fn classify(classifier: &Linear, x: &Tensor) -> Tensor {
    classifier.apply(&x.average())
}

/// Values of a layout, planes one after another.
pub(super) fn tensor(at: Layout, values: &[f64]) -> Tensor {
    Tensor { channels: at.channels, height: at.side, width: at.side, data: values.to_vec() }
}
