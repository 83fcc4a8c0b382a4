//! Slots of which only the level is known: the keys, rotations and memory of a layer, before there is a ciphertext.

use fhe_ckks::{CkksError, KeyRequest, Parameters};

use super::{Slots, TargetScale};
use crate::encrypted::interleave::Interleave;
use crate::encrypted::layout::{self, Layout};
use crate::encrypted::matvec::MatVecPlan;
use crate::encrypted::slot_matrix::SlotMatrix;

/// Collects the keys and counts the rotations of linear layers.
pub(crate) struct Count<'a> {
    params: &'a Parameters,
    interleave: Interleave,
    /// The rotation keys that are used, at the levels of their use.
    pub request: KeyRequest,
    /// Number of rotations that share a decomposition with others.
    pub hoisted: usize,
    /// Number of rotations with a decomposition of their own.
    pub full: usize,
    /// The most bytes of ciphertexts that are held at once.
    pub bytes: usize,
    /// The most bytes of encoded diagonals that are held at once.
    pub encoded: usize,
    /// The most bytes that are held at once of encoded diagonals whose limbs are shorter than a ciphertext's. The pool of limbs
    /// reuses memory for equal lengths only, so these bytes come beside those of ciphertexts.
    pub short: usize,
}

impl<'a> Count<'a> {
    /// A count of zero.
    pub(crate) fn new(params: &'a Parameters, interleave: Interleave) -> Self {
        Self { params, interleave, request: KeyRequest::default(), hoisted: 0, full: 0, bytes: 0, encoded: 0, short: 0 }
    }

    /// Notes that `pairs` pairs of polynomials of this level are held at once.
    fn hold(&mut self, pairs: usize, level: usize) {
        self.bytes = self.bytes.max(2 * pairs * (level + 1) * 8 * self.params.n());
    }

    /// Notes that `bytes` of encoded diagonals are held at once.
    fn encode(&mut self, bytes: usize) {
        self.encoded = self.encoded.max(bytes);
    }
}

impl Slots for Count<'_> {
    /// The level.
    type Vector = usize;

    const NUMBERS: bool = false;

    fn stride(&self) -> usize {
        self.interleave.stride
    }

    fn reshape(&mut self, x: &usize, level: usize, _: usize) -> Result<usize, CkksError> {
        if *x < level {
            return Err(CkksError::LevelTooLow { operation: "convolution", found: *x, wanted: level });
        }
        Ok(level)
    }

    fn rotate(&mut self, x: &usize, steps: i64) -> Result<usize, CkksError> {
        self.request.rotation(self.params, self.interleave.distance(steps), *x);
        self.full += usize::from(steps != 0);
        Ok(*x)
    }

    fn rotations(&mut self, x: &usize, steps: &[i64]) -> Result<Vec<usize>, CkksError> {
        let mut ask = |&step: &i64| self.request.rotation(self.params, self.interleave.distance(step), *x);
        steps.iter().for_each(&mut ask);
        self.hoisted += steps.iter().filter(|&&step| step != 0).count();
        // The number of vectors made from the rotations is about that of the rotations.
        self.hold(2 * steps.len() + 2, *x);
        Ok(vec![*x; steps.len()])
    }

    fn weighted_sum(&mut self, terms: &[(&usize, &[f64])], _: TargetScale) -> Result<usize, CkksError> {
        Ok(*terms[0].0)
    }

    fn multiply(
        &mut self,
        x: &usize,
        matrix: &SlotMatrix,
        plan: &MatVecPlan,
        _: TargetScale,
    ) -> Result<usize, CkksError> {
        plan.request_keys(self.params, *x, self.interleave, &mut self.request);
        let (hoisted, full) = plan.rotations();
        self.hoisted += hoisted;
        self.full += full;
        // The baby steps, a sum for each grid, and the input.
        self.hold(plan.baby_steps.count() + plan.grids.len() + 2, *x);
        self.encode(plan.encoded_bytes);
        if self.interleave.slots(matrix.slots()) < self.params.max_slots() {
            self.short = self.short.max(plan.encoded_bytes);
        }
        Ok(*x)
    }

    fn transform(
        &mut self,
        x: &usize,
        matrix: &SlotMatrix,
        layout: Layout,
        _: TargetScale,
    ) -> Result<usize, CkksError> {
        let shape = layout::shape(matrix, layout, self.interleave);
        shape.request_keys(self.params, *x, 1, &mut self.request);
        let plan = shape.plan(1);
        self.hoisted += plan.hoisted();
        self.full += plan.rotations() - plan.hoisted();
        // Sums are over main and special primes, and so are the diagonals.
        self.hold(plan.giants + 4, self.params.key_shape(*x).basis().len() - 1);
        self.encode(shape.bytes(self.params, *x));
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
