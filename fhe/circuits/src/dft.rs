//! The homomorphic discrete Fourier transforms of bootstrapping, factored into sparse matrices.
//!
//! They are the butterflies of [`Embedding`] without the bit reversal. CoeffsToSlots produces bit-reversed coefficients
//! and SlotsToCoeffs expects them, so the order between them does not matter (Chen, Chillotti and Song, ePrint
//! 2018/1043).

use fhe_ckks::embedding::Embedding;
use num_complex::Complex64;

use crate::linear::{Diagonals, Shape};

/// Returns the factors of CoeffsToSlots for `slots` slots, to be applied first to last. Their product takes the slots
/// of a message to its coefficients c_j + i·c_(j+n) in bit-reversed order, times `factor`.
///
/// Group k merges `radices[k]` of the log2(slots) butterfly levels, largest blocks first.
///
/// # Panics
/// If the radices do not add up to log2(slots).
pub fn coeffs_to_slots(slots: usize, radices: &[u32], factor: f64) -> Vec<Diagonals> {
    let embedding = Embedding::new(slots);
    let levels = (1..=slots.trailing_zeros()).rev().map(|log_block| {
        butterflies(&embedding, 1 << log_block, |w| [[1.0.into(), 1.0.into()], [w.conj(), -w.conj()]])
    });
    scaled(slots, levels.collect(), radices, factor / slots as f64)
}

/// Returns the shapes of [`coeffs_to_slots`], without its values.
pub(crate) fn shapes_of_coeffs_to_slots(slots: usize, radices: &[u32]) -> Vec<Shape> {
    let levels = (1..=slots.trailing_zeros()).rev().map(|log_block| shape_of_butterflies(1 << log_block));
    grouped(slots, levels.collect(), radices, |_, group| group)
}

/// Returns the factors of SlotsToCoeffs, to be applied first to last. Their product takes bit-reversed coefficients to
/// slots, times `factor`. Group k merges `radices[k]` levels, smallest blocks first.
///
/// # Panics
/// If the radices do not add up to log2(slots).
pub fn slots_to_coeffs(slots: usize, radices: &[u32], factor: f64) -> Vec<Diagonals> {
    let embedding = Embedding::new(slots);
    let levels = (1..=slots.trailing_zeros())
        .map(|log_block| butterflies(&embedding, 1 << log_block, |w| [[1.0.into(), w], [1.0.into(), -w]]));
    scaled(slots, levels.collect(), radices, factor)
}

/// Returns the shapes of [`slots_to_coeffs`], without its values.
pub(crate) fn shapes_of_slots_to_coeffs(slots: usize, radices: &[u32]) -> Vec<Shape> {
    let levels = (1..=slots.trailing_zeros()).map(|log_block| shape_of_butterflies(1 << log_block));
    grouped(slots, levels.collect(), radices, |_, group| group)
}

/// Returns one level as a matrix, which multiplies each pair (x[j], x[j + h]) of a block by a 2 × 2 matrix of its
/// twiddle factor.
fn butterflies(embedding: &Embedding, block: usize, matrix: impl Fn(Complex64) -> [[Complex64; 2]; 2]) -> Diagonals {
    let half = block / 2;
    let mut diagonal = vec![Complex64::default(); block];
    let (mut above, mut below) = (diagonal.clone(), diagonal.clone());
    for j in 0..half {
        let [[a, b], [c, d]] = matrix(embedding.twiddle(block, j));
        (diagonal[j], above[j], below[j + half], diagonal[j + half]) = (a, b, c, d);
    }
    Diagonals([(0, diagonal), (half as i64, above), (-(half as i64), below)].into())
}

/// Returns the shape of one level.
fn shape_of_butterflies(block: usize) -> Shape {
    let half = (block / 2) as i64;
    Shape([0, half, -half].map(|offset| (offset, block)).into())
}

/// Merges neighbouring levels into one matrix for each radix, times `factor` in all.
fn scaled(slots: usize, levels: Vec<Diagonals>, radices: &[u32], factor: f64) -> Vec<Diagonals> {
    // Each group has an equal share of the factor, so all have entries of similar size.
    let share = factor.abs().powf(1.0 / radices.len() as f64);
    let scale = |k, group: Diagonals| group.scaled(if k == 0 { share * factor.signum() } else { share });
    grouped(slots, levels, radices, scale)
}

/// Merges neighbouring levels into one matrix for each radix. `finish` takes the index of a group and its matrix.
fn grouped<M: Factor>(slots: usize, levels: Vec<M>, radices: &[u32], finish: impl Fn(usize, M) -> M) -> Vec<M> {
    let total: u32 = radices.iter().sum();
    assert!(total as usize == levels.len() && !radices.contains(&0), "radices {radices:?} for {} levels", levels.len());
    let mut levels = levels.into_iter();
    radices
        .iter()
        .enumerate()
        .map(|(k, &radix)| {
            let group: Vec<M> = levels.by_ref().take(radix as usize).collect();
            // Offsets to the left and to the right coincide only in the largest blocks.
            let furthest = |level: &M| level.offsets().map(i64::unsigned_abs).max().unwrap_or(0);
            let reach: u64 = group.iter().map(furthest).sum();
            let around = (2 * reach >= slots as u64).then_some(slots);
            let mut group = group.into_iter();
            let first = group.next().expect("no radix is zero");
            let first = if let Some(slots) = around { first.wrapped(slots) } else { first };
            finish(k, group.fold(first, |inner, outer| outer.compose(&inner, around)))
        })
        .collect()
}

/// A matrix with its values or without.
trait Factor {
    /// Returns the product self·inner, with offsets in [0, slots) if `slots` is given.
    fn compose(&self, inner: &Self, slots: Option<usize>) -> Self;
    /// Returns the matrix over `slots` slots with offsets in [0, slots).
    fn wrapped(&self, slots: usize) -> Self;
    /// Returns the offsets of its diagonals.
    fn offsets(&self) -> impl Iterator<Item = i64>;
}

impl Factor for Diagonals {
    fn compose(&self, inner: &Self, slots: Option<usize>) -> Self {
        self.compose(inner, slots)
    }

    fn wrapped(&self, slots: usize) -> Self {
        self.wrapped(slots)
    }

    fn offsets(&self) -> impl Iterator<Item = i64> {
        self.0.keys().copied()
    }
}

impl Factor for Shape {
    fn compose(&self, inner: &Self, slots: Option<usize>) -> Self {
        self.compose(inner, slots)
    }

    fn wrapped(&self, slots: usize) -> Self {
        self.wrapped(slots)
    }

    fn offsets(&self) -> impl Iterator<Item = i64> {
        self.0.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhe_ckks::embedding::bit_reverse;

    fn values(slots: usize) -> Vec<Complex64> {
        (0..slots).map(|i| Complex64::new((i * i % 7) as f64 - 3.0, (i * 5 % 11) as f64 - 5.0)).collect()
    }

    #[test]
    fn the_factors_multiply_to_the_embedding() {
        for (slots, radices) in [(8, &[3][..]), (16, &[2, 2]), (64, &[2, 1, 3]), (64, &[1, 1, 1, 1, 1, 1])] {
            let embedding = Embedding::new(slots);
            let apply = |factors: Vec<Diagonals>, x| factors.iter().fold(x, |x: Vec<_>, f| f.apply(&x));
            let near = |a: &[Complex64], b: &[Complex64]| a.iter().zip(b).all(|(a, b)| (a - b).norm() < 1e-9);

            let mut coefficients = values(slots);
            embedding.to_coefficients(&mut coefficients);
            bit_reverse(&mut coefficients);
            coefficients.iter_mut().for_each(|c| *c *= -0.25);
            assert!(near(&apply(coeffs_to_slots(slots, radices, -0.25), values(slots)), &coefficients));

            let mut slots_of = values(slots);
            bit_reverse(&mut slots_of);
            embedding.to_slots(&mut slots_of);
            slots_of.iter_mut().for_each(|c| *c *= 3.0);
            assert!(near(&apply(slots_to_coeffs(slots, radices, 3.0), values(slots)), &slots_of));
        }
    }

    #[test]
    fn small_blocks_keep_small_periods_and_few_diagonals() {
        let factors = coeffs_to_slots(1 << 8, &[3, 3, 2], 1.0);
        let shape: Vec<_> = factors.iter().map(|f| (f.0.len(), f.0.values().map(Vec::len).max())).collect();
        assert_eq!(shape, [(8, Some(256)), (15, Some(32)), (7, Some(4))]);
    }
}
