//! Slots of ciphertexts.

use fhe_circuits::LinearTransform;
use fhe_ckks::{Ciphertext, CkksError, Evaluator};
use fhe_ring::Poly;
use rayon::prelude::*;

use super::{Aim, Slots};
use crate::encrypted::circuit::Circuit;
use crate::encrypted::layout::{self, Layout, SlotMatrix};
use crate::encrypted::matvec::{self, MatVecPlan};

/// Evaluates on ciphertexts.
pub struct Encrypted<'a> {
    /// With the keys.
    pub evaluator: &'a Evaluator,
    /// Says what scale to aim at.
    pub circuit: &'a Circuit,
}

impl Encrypted<'_> {
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
        let mut x = x.clone();
        self.evaluator.drop_to(&mut x, level);
        let scale = x.scale();
        Ok(Ciphertext::from_parts(x.into_parts(), scale, slots))
    }

    fn rotate(&mut self, x: &Ciphertext, steps: i64) -> Result<Ciphertext, CkksError> {
        self.evaluator.rotate(x, steps)
    }

    fn rotations(&mut self, x: &Ciphertext, steps: &[i64]) -> Result<Vec<Ciphertext>, CkksError> {
        self.evaluator.rotate_hoisted(x, steps)
    }

    fn weighted_sum(&mut self, terms: &[(&Ciphertext, &[f64])], aim: Aim) -> Result<Ciphertext, CkksError> {
        let (params, first) = (self.evaluator.params(), terms[0].0);
        let (basis, scale) = (first.basis(), self.factor_scale(first, aim));
        let encode = |(_, w): &(&Ciphertext, &[f64])| params.encode_real(w, scale, basis);
        let weights = terms.par_iter().map(encode).collect::<Result<Vec<_>, _>>()?;
        let parts = [0, 1].map(|part| {
            let products: Vec<_> = terms.iter().zip(&weights).map(|((x, _), w)| (&x.parts()[part], w.poly())).collect();
            Poly::dot_compact(params.ring(), basis, &products)
        });
        Ok(Ciphertext::from_parts(parts, first.scale() * scale, first.slots()))
    }

    fn multiply(
        &mut self,
        x: &Ciphertext,
        matrix: &SlotMatrix,
        plan: &MatVecPlan,
        aim: Aim,
    ) -> Result<Ciphertext, CkksError> {
        matvec::multiply(self.evaluator, plan, matrix, x, self.factor_scale(x, aim))
    }

    fn transform(
        &mut self,
        x: &Ciphertext,
        matrix: &SlotMatrix,
        layout: Layout,
        aim: Aim,
    ) -> Result<Ciphertext, CkksError> {
        let diagonals = layout::diagonals(matrix, layout);
        let scale = self.factor_scale(x, aim);
        let transform = LinearTransform::new(self.evaluator.params(), &diagonals, x.level(), scale)?;
        transform.apply_unscaled(self.evaluator, x)
    }

    fn multiply_constant(&mut self, x: &Ciphertext, c: f64) -> Result<Ciphertext, CkksError> {
        Ok(self.evaluator.multiply_constant(x, c, self.factor_scale(x, Aim::Linear)))
    }

    fn add(&mut self, mut a: Ciphertext, b: &Ciphertext) -> Result<Ciphertext, CkksError> {
        self.evaluator.add_assign(&mut a, b)?;
        Ok(a)
    }

    fn add_clear(&mut self, a: Ciphertext, numbers: &[f64]) -> Result<Ciphertext, CkksError> {
        let numbers = self.evaluator.params().encode_real(numbers, a.scale(), a.basis())?;
        self.evaluator.add_plain(&a, &numbers)
    }

    fn sum(&mut self, x: Ciphertext, stride: usize, count: usize) -> Result<Ciphertext, CkksError> {
        self.evaluator.inner_sum(&x, stride as i64, count)
    }

    fn rescale(&mut self, x: Ciphertext) -> Result<Ciphertext, CkksError> {
        self.evaluator.rescale(x)
    }
}
