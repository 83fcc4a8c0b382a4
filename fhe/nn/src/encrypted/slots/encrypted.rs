//! Slots of ciphertexts.

use fhe_circuits::LinearTransform;
use fhe_ckks::{Ciphertext, CkksError, Evaluator, Plaintext};
use fhe_ring::meter::{Held, Holder};

use super::{Slots, TargetScale};
use crate::encrypted::interleave::Interleave;
use crate::encrypted::layout::{self, Layout};
use crate::encrypted::matvec::{self, MatVecPlan};
use crate::encrypted::slot_matrix::SlotMatrix;

/// Evaluates on ciphertexts.
pub(crate) struct Encrypted<'a> {
    /// The evaluator, with the keys.
    pub evaluator: &'a Evaluator,
    /// The scale of results.
    pub linear_scale: f64,
    /// The images of a ciphertext.
    pub interleave: Interleave,
}

impl Encrypted<'_> {
    /// The scale of a factor whose product with `x` has the target scale after rescaling.
    fn factor_scale(&self, x: &Ciphertext, target: TargetScale) -> f64 {
        let prime = self.evaluator.params().prime(x.level());
        match target {
            TargetScale::Input => prime,
            TargetScale::Linear => prime * self.linear_scale / x.scale(),
            TargetScale::Raised(bits) => f64::from(bits).exp2(),
        }
    }
}

impl Slots for Encrypted<'_> {
    type Vector = Ciphertext;

    fn stride(&self) -> usize {
        self.interleave.stride
    }

    fn reshape(&mut self, x: &Ciphertext, level: usize, slots: usize) -> Result<Ciphertext, CkksError> {
        if x.level() < level {
            return Err(CkksError::LevelTooLow { operation: "convolution", found: x.level(), wanted: level });
        }
        let parts = self.evaluator.lowered(x, level)?.into_parts();
        Ok(Ciphertext::from_parts(parts, x.scale(), self.interleave.slots(slots)))
    }

    fn rotate(&mut self, x: &Ciphertext, steps: i64) -> Result<Ciphertext, CkksError> {
        self.evaluator.rotate(x, self.interleave.distance(steps))
    }

    fn rotations(&mut self, x: &Ciphertext, steps: &[i64]) -> Result<Vec<Ciphertext>, CkksError> {
        let steps: Vec<i64> = steps.iter().map(|&steps| self.interleave.distance(steps)).collect();
        self.evaluator.rotate_hoisted(x, &steps)
    }

    fn weighted_sum(&mut self, terms: &[(&Ciphertext, &[f64])], target: TargetScale) -> Result<Ciphertext, CkksError> {
        let (params, first) = (self.evaluator.params(), terms[0].0);
        let (basis, scale) = (first.basis(), self.factor_scale(first, target));
        let weights = params.encode_real_all(terms.len(), |k| self.interleave.repeat(terms[k].1), scale, basis)?;
        let _held = Held::new(Holder::Weights, weights.iter().map(Plaintext::bytes).sum());
        let products: Vec<_> = terms.iter().zip(&weights).map(|((x, _), w)| (*x, w)).collect();
        self.evaluator.dot_plain(&products)
    }

    fn multiply(
        &mut self,
        x: &Ciphertext,
        matrix: &SlotMatrix,
        plan: &MatVecPlan,
        target: TargetScale,
    ) -> Result<Ciphertext, CkksError> {
        matvec::multiply(self.evaluator, plan, matrix, x, self.factor_scale(x, target), self.interleave)
    }

    fn transform(
        &mut self,
        x: &Ciphertext,
        matrix: &SlotMatrix,
        layout: Layout,
        target: TargetScale,
    ) -> Result<Ciphertext, CkksError> {
        let diagonals = layout::diagonals(matrix, layout, self.interleave);
        let scale = self.factor_scale(x, target);
        let transform = LinearTransform::new(self.evaluator.params(), &diagonals, x.level(), scale)?;
        transform.apply_unscaled(self.evaluator, x)
    }

    fn multiply_constant(&mut self, x: &Ciphertext, c: f64) -> Result<Ciphertext, CkksError> {
        self.evaluator.multiply_constant(x, c, self.factor_scale(x, TargetScale::Linear))
    }

    fn add(&mut self, mut a: Ciphertext, b: &Ciphertext) -> Result<Ciphertext, CkksError> {
        self.evaluator.add_assign(&mut a, b)?;
        Ok(a)
    }

    fn add_clear(&mut self, a: Ciphertext, numbers: &[f64]) -> Result<Ciphertext, CkksError> {
        let numbers = self.interleave.repeat_in_parts(numbers);
        let numbers = self.evaluator.params().encode(&numbers, a.scale(), a.basis())?;
        self.evaluator.add_plain(&a, &numbers)
    }

    fn sum(&mut self, x: Ciphertext, stride: usize, count: usize) -> Result<Ciphertext, CkksError> {
        self.evaluator.inner_sum(&x, self.interleave.distance(stride as i64), count)
    }

    fn rescale(&mut self, x: Ciphertext) -> Result<Ciphertext, CkksError> {
        self.evaluator.rescale(x)
    }
}
