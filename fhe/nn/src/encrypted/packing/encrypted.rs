//! Slots of ciphertexts.

use fhe_circuits::LinearTransform;
use fhe_ckks::{Ciphertext, CkksError, Evaluator};

use super::{Aim, Slots};
use crate::encrypted::circuit::Circuit;
use crate::encrypted::layout::{self, Layout};
use crate::encrypted::matvec::{self, MatVecPlan};
use crate::encrypted::slot_matrix::SlotMatrix;

/// Evaluates on ciphertexts.
pub struct Encrypted<'a> {
    /// With the keys.
    pub evaluator: &'a Evaluator,
    /// Says what scale to aim at.
    pub circuit: &'a Circuit,
}

impl Encrypted<'_> {
    /// Slots of the ciphertext that so many of an image are.
    fn distance(&self, steps: i64) -> i64 {
        self.circuit.images as i64 * steps
    }

    /// Scale of a factor that takes `x` to its aim, after rescaling.
    fn factor_scale(&self, x: &Ciphertext, aim: Aim) -> f64 {
        let prime = self.evaluator.params().prime(x.level());
        match aim {
            Aim::Keep => prime,
            Aim::Linear => prime * self.circuit.linear_scale() / x.scale(),
        }
    }
}

impl Slots for Encrypted<'_> {
    type Vector = Ciphertext;

    fn at(&mut self, x: &Ciphertext, level: usize, slots: usize) -> Result<Ciphertext, CkksError> {
        if x.level() < level {
            return Err(CkksError::LevelTooLow { operation: "convolution", found: x.level(), wanted: level });
        }
        let parts = self.evaluator.lowered(x, level)?.into_parts();
        Ok(Ciphertext::from_parts(parts, x.scale(), self.circuit.images * slots))
    }

    fn rotate(&mut self, x: &Ciphertext, steps: i64) -> Result<Ciphertext, CkksError> {
        self.evaluator.rotate(x, self.distance(steps))
    }

    fn rotations(&mut self, x: &Ciphertext, steps: &[i64]) -> Result<Vec<Ciphertext>, CkksError> {
        let steps: Vec<i64> = steps.iter().map(|&steps| self.distance(steps)).collect();
        self.evaluator.rotate_hoisted(x, &steps)
    }

    fn weighted_sum(&mut self, terms: &[(&Ciphertext, &[f64])], aim: Aim) -> Result<Ciphertext, CkksError> {
        let (params, first) = (self.evaluator.params(), terms[0].0);
        let (basis, scale) = (first.basis(), self.factor_scale(first, aim));
        let images = self.circuit.images;
        let weights = params.encode_real_all(terms.len(), |k| layout::interleaved(terms[k].1, images), scale, basis)?;
        let products: Vec<_> = terms.iter().zip(&weights).map(|((x, _), w)| (*x, w)).collect();
        self.evaluator.dot_plain(&products)
    }

    fn multiply(
        &mut self,
        x: &Ciphertext,
        matrix: &SlotMatrix,
        plan: &MatVecPlan,
        aim: Aim,
    ) -> Result<Ciphertext, CkksError> {
        matvec::multiply(self.evaluator, plan, matrix, x, self.factor_scale(x, aim), self.circuit.images)
    }

    fn transform(
        &mut self,
        x: &Ciphertext,
        matrix: &SlotMatrix,
        layout: Layout,
        aim: Aim,
    ) -> Result<Ciphertext, CkksError> {
        let diagonals = layout::diagonals(matrix, layout, self.circuit.images);
        let scale = self.factor_scale(x, aim);
        let transform = LinearTransform::new(self.evaluator.params(), &diagonals, x.level(), scale)?;
        transform.apply_unscaled(self.evaluator, x)
    }

    fn multiply_constant(&mut self, x: &Ciphertext, c: f64) -> Result<Ciphertext, CkksError> {
        self.evaluator.multiply_constant(x, c, self.factor_scale(x, Aim::Linear))
    }

    fn add(&mut self, mut a: Ciphertext, b: &Ciphertext) -> Result<Ciphertext, CkksError> {
        self.evaluator.add_assign(&mut a, b)?;
        Ok(a)
    }

    fn add_clear(&mut self, a: Ciphertext, numbers: &[f64]) -> Result<Ciphertext, CkksError> {
        let numbers = layout::interleaved(numbers, self.circuit.images);
        let numbers = self.evaluator.params().encode_real(&numbers, a.scale(), a.basis())?;
        self.evaluator.add_plain(&a, &numbers)
    }

    fn sum(&mut self, x: Ciphertext, stride: usize, count: usize) -> Result<Ciphertext, CkksError> {
        self.evaluator.inner_sum(&x, self.distance(stride as i64), count)
    }

    fn rescale(&mut self, x: Ciphertext) -> Result<Ciphertext, CkksError> {
        self.evaluator.rescale(x)
    }
}
