//! Slots of numbers: the circuit replayed in the clear.

use fhe_ckks::CkksError;

use super::{Slots, TargetScale};
use crate::encrypted::interleave::Interleave;
use crate::encrypted::layout::{self, Layout};
use crate::encrypted::matvec::MatVecPlan;
use crate::encrypted::slot_matrix::SlotMatrix;

/// Evaluates on numbers and asserts that levels are spent as on ciphertexts.
pub(crate) struct Clear;

/// Slots with the level of the ciphertext that they stand for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClearSlots {
    /// The numbers.
    pub slots: Vec<f64>,
    /// The level.
    pub level: usize,
    /// Number of products since the last rescaling, at most one.
    pub products: usize,
}

impl ClearSlots {
    fn map(&self, slots: impl Iterator<Item = f64>) -> Self {
        Self { slots: slots.collect(), ..*self }
    }

    fn product(&self, slots: impl Iterator<Item = f64>) -> Self {
        assert_eq!(self.products, 0, "a product of slots that were not rescaled");
        Self { products: 1, ..self.map(slots) }
    }
}

fn rotated(slots: &[f64], steps: i64) -> impl Iterator<Item = f64> {
    let n = slots.len();
    slots.iter().copied().cycle().skip(steps.rem_euclid(n as i64) as usize).take(n)
}

impl Slots for Clear {
    type Vector = ClearSlots;

    fn stride(&self) -> usize {
        1
    }

    fn reshape(&mut self, x: &ClearSlots, level: usize, slots: usize) -> Result<ClearSlots, CkksError> {
        assert!(x.level >= level, "level {} for {level}", x.level);
        // The values must repeat after the slots that are kept.
        let period = slots.min(x.slots.len());
        let repeats = x.slots.iter().zip(x.slots.iter().skip(period)).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(repeats, "{} slots do not repeat after {slots}", x.slots.len());
        Ok(ClearSlots { level, ..x.map(x.slots.iter().copied().cycle().take(slots)) })
    }

    fn rotate(&mut self, x: &ClearSlots, steps: i64) -> Result<ClearSlots, CkksError> {
        Ok(x.map(rotated(&x.slots, steps)))
    }

    fn rotations(&mut self, x: &ClearSlots, steps: &[i64]) -> Result<Vec<ClearSlots>, CkksError> {
        steps.iter().map(|&step| self.rotate(x, step)).collect()
    }

    fn weighted_sum(&mut self, terms: &[(&ClearSlots, &[f64])], target: TargetScale) -> Result<ClearSlots, CkksError> {
        let first = terms[0].0;
        let sum = |i: usize| terms.iter().map(|(x, w)| x.slots[i] * w[i % w.len()]).sum();
        assert!(terms.iter().all(|(x, _)| (x.level, x.products) == (first.level, 0)), "levels of a sum");
        let product = first.product((0..first.slots.len()).map(sum));
        let products = usize::from(!matches!(target, TargetScale::Raised(_)));
        Ok(ClearSlots { products, ..product })
    }

    fn multiply(
        &mut self,
        x: &ClearSlots,
        matrix: &SlotMatrix,
        plan: &MatVecPlan,
        _: TargetScale,
    ) -> Result<ClearSlots, CkksError> {
        // `distance` asserts that the plan reaches every diagonal.
        let mut sum = vec![0.0; x.slots.len()];
        for (offset, diagonal) in matrix.diagonals() {
            let x = rotated(&x.slots, plan.distance(offset));
            sum.iter_mut().zip(diagonal.iter().cycle().zip(x)).for_each(|(sum, (w, x))| *sum += w * x);
        }
        Ok(x.product(sum.into_iter()))
    }

    fn transform(
        &mut self,
        x: &ClearSlots,
        matrix: &SlotMatrix,
        layout: Layout,
        _: TargetScale,
    ) -> Result<ClearSlots, CkksError> {
        let complex: Vec<_> = x.slots.iter().map(|&v| v.into()).collect();
        Ok(x.product(layout::diagonals(matrix, layout, Interleave::NONE).apply(&complex).into_iter().map(|v| v.re)))
    }

    fn multiply_constant(&mut self, x: &ClearSlots, c: f64) -> Result<ClearSlots, CkksError> {
        Ok(x.product(x.slots.iter().map(|v| v * c)))
    }

    fn add(&mut self, a: ClearSlots, b: &ClearSlots) -> Result<ClearSlots, CkksError> {
        let shape = |x: &ClearSlots| (x.slots.len(), x.level, x.products);
        assert_eq!(shape(&a), shape(b), "slots, level and products of summands");
        Ok(a.map(a.slots.iter().zip(&b.slots).map(|(a, b)| a + b)))
    }

    fn add_clear(&mut self, a: ClearSlots, numbers: &[f64]) -> Result<ClearSlots, CkksError> {
        Ok(a.map(a.slots.iter().zip(numbers.iter().cycle()).map(|(a, b)| a + b)))
    }

    fn sum(&mut self, mut x: ClearSlots, stride: usize, count: usize) -> Result<ClearSlots, CkksError> {
        for k in 0..count.trailing_zeros() {
            x = x.map(x.slots.iter().zip(rotated(&x.slots, (stride << k) as i64)).map(|(a, b)| a + b));
        }
        Ok(x)
    }

    fn rescale(&mut self, x: ClearSlots) -> Result<ClearSlots, CkksError> {
        assert_eq!(x.products, 1, "rescaling without a product");
        Ok(ClearSlots { level: x.level - 1, products: 0, ..x })
    }
}
