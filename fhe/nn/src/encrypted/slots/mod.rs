//! Vectors of slots: the operations that layers consist of, written once for everything that a vector can be.
//!
//! [`Slots`] has three interpreters: [`Encrypted`] evaluates on ciphertexts for the server, [`Count`] follows levels
//! and collects keys for the planner, and `Clear` evaluates on numbers for tests.

#[cfg(test)]
mod clear;
mod count;
mod encrypted;

use fhe_ckks::CkksError;

use super::layout::Layout;
use super::matvec::MatVecPlan;
use super::slot_matrix::SlotMatrix;
use crate::network::Conv;

#[cfg(test)]
pub(super) use clear::{Clear, ClearSlots};
pub(super) use count::Count;
pub(super) use encrypted::Encrypted;

/// A convolution and the vector that it is applied to.
pub(crate) struct Operand<'a, V> {
    pub conv: &'a Conv,
    pub x: &'a V,
    /// The layout of the vector.
    pub from: Layout,
    /// The divisor of its values.
    pub range: f64,
}

/// The scale of a product after rescaling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TargetScale {
    /// The scale of the input.
    Input,
    /// The scale of linear layers, which bootstraps expect.
    Linear,
    /// 2 to this power times the scale of the input, without rescaling: the next product's prime takes both away.
    Raised(u32),
}

/// The operations on vectors of slots. Every method that takes a [`TargetScale`] leaves a product that has to be
/// rescaled, but for [`TargetScale::Raised`].
///
/// # Errors
/// Every method fails on a missing key and on an input below the level that it needs.
pub(super) trait Slots {
    /// A vector of slots.
    type Vector: Clone;

    /// Whether the numbers matter that vectors are multiplied by. Where they do not, a layer need not make them.
    const NUMBERS: bool = true;

    /// The slots of a vector for each slot of an image.
    fn stride(&self) -> usize;

    /// The vector lowered to `level` and read as one of `slots` slots, which repeats or consists of repetitions.
    fn reshape(&mut self, x: &Self::Vector, level: usize, slots: usize) -> Result<Self::Vector, CkksError>;

    /// The slots rotated to the left by `steps`.
    fn rotate(&mut self, x: &Self::Vector, steps: i64) -> Result<Self::Vector, CkksError>;

    /// The slots rotated to the left by each of `steps`; the rotations share a decomposition.
    fn rotations(&mut self, x: &Self::Vector, steps: &[i64]) -> Result<Vec<Self::Vector>, CkksError>;

    /// Σ x ⊙ w over pairs of a vector and numbers. Vectors have one level and one scale.
    fn weighted_sum(
        &mut self,
        terms: &[(&Self::Vector, &[f64])],
        target: TargetScale,
    ) -> Result<Self::Vector, CkksError>;

    /// The matrix times the vector, by the baby and giant steps of `plan`.
    fn multiply(
        &mut self,
        x: &Self::Vector,
        matrix: &SlotMatrix,
        plan: &MatVecPlan,
        target: TargetScale,
    ) -> Result<Self::Vector, CkksError>;

    /// The matrix times the vector, by one double-hoisted transform of all diagonals. Distances are those of `layout`.
    fn transform(
        &mut self,
        x: &Self::Vector,
        matrix: &SlotMatrix,
        layout: Layout,
        target: TargetScale,
    ) -> Result<Self::Vector, CkksError>;

    /// A number times the vector, to be rescaled to [`TargetScale::Linear`].
    fn multiply_constant(&mut self, x: &Self::Vector, c: f64) -> Result<Self::Vector, CkksError>;

    /// The sum of two vectors.
    fn add(&mut self, a: Self::Vector, b: &Self::Vector) -> Result<Self::Vector, CkksError>;

    /// The sum of a vector and numbers.
    fn add_clear(&mut self, a: Self::Vector, numbers: &[f64]) -> Result<Self::Vector, CkksError>;

    /// The vector whose every slot is the sum of `count` slots `stride` apart; `count` is a power of two.
    fn sum(&mut self, x: Self::Vector, stride: usize, count: usize) -> Result<Self::Vector, CkksError>;

    /// The vector rescaled: one level lower.
    fn rescale(&mut self, x: Self::Vector) -> Result<Self::Vector, CkksError>;
}
