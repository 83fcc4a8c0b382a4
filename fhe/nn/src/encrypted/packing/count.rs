//! Slots of which nothing is known but their level: what a convolution takes, before there is a ciphertext.

use fhe_circuits::LinearTransform;
use fhe_circuits::linear::BsgsPlan;
use fhe_ckks::{CkksError, KeyRequest, Parameters};

use super::{Aim, Slots};
use crate::encrypted::layout::{self, Layout};
use crate::encrypted::matvec::{LOT, MatVecPlan};
use crate::encrypted::slot_matrix::SlotMatrix;

/// Asks for keys and counts their uses.
pub struct Count<'a> {
    params: &'a Parameters,
    /// Images in a ciphertext.
    images: usize,
    /// The rotation keys that are used, at their levels.
    pub request: KeyRequest,
    /// Rotations that share a decomposition with others.
    pub hoisted: usize,
    /// Rotations with a decomposition of their own.
    pub full: usize,
    /// The most bytes of ciphertexts that are held at once.
    pub bytes: usize,
    /// The most bytes of encoded diagonals that are held at once.
    pub encoded: usize,
}

impl<'a> Count<'a> {
    /// Nothing yet, for `images` images in a ciphertext.
    pub fn new(params: &'a Parameters, images: usize) -> Self {
        Self { params, images, request: KeyRequest::default(), hoisted: 0, full: 0, bytes: 0, encoded: 0 }
    }

    /// `pairs` of polynomials of a ciphertext's height.
    fn hold(&mut self, pairs: usize, level: usize) {
        self.bytes = self.bytes.max(2 * pairs * (level + 1) * 8 * self.params.n());
    }

    fn encode(&mut self, bytes: usize) {
        self.encoded = self.encoded.max(bytes);
    }
}

impl Slots for Count<'_> {
    /// The level.
    type Vector = usize;

    fn at(&mut self, x: &usize, level: usize, _: usize) -> Result<usize, CkksError> {
        match *x < level {
            true => Err(CkksError::LevelTooLow { operation: "convolution", found: *x, wanted: level }),
            false => Ok(level),
        }
    }

    fn rotate(&mut self, x: &usize, steps: i64) -> Result<usize, CkksError> {
        self.request.rotation(self.params, self.images as i64 * steps, *x);
        self.full += usize::from(steps != 0);
        Ok(*x)
    }

    fn rotations(&mut self, x: &usize, steps: &[i64]) -> Result<Vec<usize>, CkksError> {
        steps.iter().for_each(|&step| self.request.rotation(self.params, self.images as i64 * step, *x));
        self.hoisted += steps.iter().filter(|&&step| step != 0).count();
        // With the vectors that are made of them, about as many again.
        self.hold(2 * steps.len() + 2, *x);
        Ok(vec![*x; steps.len()])
    }

    fn weighted_sum(&mut self, terms: &[(&usize, &[f64])], _: Aim) -> Result<usize, CkksError> {
        Ok(*terms[0].0)
    }

    fn multiply(&mut self, x: &usize, _: &SlotMatrix, plan: &MatVecPlan, _: Aim) -> Result<usize, CkksError> {
        plan.request_keys(self.params, *x, self.images, &mut self.request);
        let (hoisted, full) = plan.rotations();
        self.hoisted += hoisted;
        self.full += full;
        // The baby steps, a sum for each grid, and the input.
        self.hold(plan.baby_steps() + plan.grids.len() + 2, *x);
        self.encode(LOT);
        Ok(*x)
    }

    fn transform(&mut self, x: &usize, matrix: &SlotMatrix, layout: Layout, _: Aim) -> Result<usize, CkksError> {
        let diagonals = layout::diagonals(matrix, layout, self.images);
        LinearTransform::request_keys(self.params, &diagonals, *x, &mut self.request);
        let plan = BsgsPlan::new(diagonals.0.keys().copied());
        self.hoisted += plan.hoisted();
        self.full += plan.rotations() - plan.hoisted();
        // Sums are over main and special primes, and so are the diagonals.
        self.hold(plan.giants + 4, self.params.key_shape(*x).basis().len() - 1);
        self.encode(LinearTransform::bytes_of(self.params, &diagonals, *x));
        Ok(*x)
    }

    fn multiply_constant(&mut self, x: &usize, _: f64) -> Result<usize, CkksError> {
        Ok(*x)
    }

    fn add(&mut self, a: usize, b: &usize) -> Result<usize, CkksError> {
        Ok(a.min(*b))
    }

    fn add_clear(&mut self, a: usize, _: &[f64]) -> Result<usize, CkksError> {
        Ok(a)
    }

    fn sum(&mut self, x: usize, stride: usize, count: usize) -> Result<usize, CkksError> {
        (0..count.trailing_zeros()).try_fold(x, |x, k| self.rotate(&x, (stride << k) as i64))
    }

    fn rescale(&mut self, x: usize) -> Result<usize, CkksError> {
        x.checked_sub(1).ok_or(CkksError::LevelTooLow { operation: "rescaling", found: x, wanted: 1 })
    }
}
