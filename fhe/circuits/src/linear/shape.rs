//! Matrices without their values.

use std::collections::BTreeMap;

use fhe_ckks::{KeyRequest, Parameters};
use fhe_ring::ntt::MIN_NTT;

use super::diagonals::reduced;
use super::{BsgsPlan, Diagonals};
use crate::diagonal::EncodedDiagonal;

/// The period of each diagonal of a matrix, by offset: all that its keys, its rotations and its bytes depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape(pub BTreeMap<i64, usize>);

impl Shape {
    /// Returns the shape of [`Diagonals::compose`].
    pub(crate) fn compose(&self, inner: &Self, slots: Option<usize>) -> Self {
        let mut product = Self::default();
        for (&a, &outer) in &self.0 {
            inner.0.iter().for_each(|(&b, &inner)| product.add(reduced(a + b, slots), outer.max(inner)));
        }
        product
    }

    /// Returns the shape of [`Diagonals::wrapped`].
    pub(crate) fn wrapped(&self, slots: usize) -> Self {
        let mut wrapped = Self::default();
        self.0.iter().for_each(|(&d, &period)| wrapped.add(reduced(d, Some(slots)), period));
        wrapped
    }

    /// Adds a diagonal.
    fn add(&mut self, offset: i64, period: usize) {
        let sum = self.0.entry(offset).or_insert(period);
        *sum = period.max(*sum);
    }

    /// Returns the split of its offsets, where a giant step counts as `weight` baby steps.
    pub fn plan(&self, weight: u32) -> BsgsPlan {
        BsgsPlan::new(self.0.keys().copied(), weight)
    }

    /// Asks for the rotation keys of a matrix of this shape, applied at `level` by [`Shape::plan`] with this weight.
    pub fn request_keys(&self, params: &Parameters, level: usize, weight: u32, request: &mut KeyRequest) {
        let plan = self.plan(weight);
        plan.babies.iter().for_each(|&step| request.rotation(params, step, level));
        if plan.giants > 1 {
            request.rotation(params, plan.giant_step, level);
        }
    }

    /// Returns the number of values of all diagonals.
    pub fn values(&self) -> usize {
        self.0.values().sum()
    }

    /// Returns the bytes of a matrix of this shape, encoded for ciphertexts at `level`: [`LinearTransform::bytes`]
    /// without encoding it.
    ///
    /// [`LinearTransform::bytes`]: super::LinearTransform::bytes
    pub fn bytes(&self, params: &Parameters, level: usize) -> usize {
        let (ring, basis) = (params.ring(), params.key_shape(level).basis());
        self.encoded_values().map(|values| EncodedDiagonal::bytes_of(ring, basis, values)).sum()
    }

    /// Returns the bytes of [`Shape::bytes`] that are not packed.
    pub(crate) fn unpacked_bytes(&self, params: &Parameters, level: usize) -> usize {
        let (ring, basis) = (params.ring(), params.key_shape(level).basis());
        let unpacked = self.encoded_values().filter(|&values| !EncodedDiagonal::is_packed(ring, values));
        unpacked.map(|values| EncodedDiagonal::bytes_of(ring, basis, values)).sum()
    }

    /// Returns for each diagonal the number of residues over a prime.
    fn encoded_values(&self) -> impl Iterator<Item = usize> {
        self.0.values().map(|period| (2 * period).max(MIN_NTT))
    }
}

impl From<&Diagonals> for Shape {
    fn from(matrix: &Diagonals) -> Self {
        Self(matrix.0.iter().map(|(&offset, diagonal)| (offset, diagonal.len())).collect())
    }
}
