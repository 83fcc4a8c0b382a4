//! The homomorphic discrete Fourier transforms of bootstrapping, factored into sparse matrices.
//!
//! They are the butterflies of [`Embedding`] without the bit reversal. CoeffsToSlots produces bit-reversed coefficients
//! and SlotsToCoeffs expects them, so the order between them does not matter (Chen, Chillotti and Song, ePrint
//! 2018/1043).

use fhe_ckks::embedding::Embedding;
use num_complex::Complex64;

use crate::linear::Diagonals;

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
    grouped(slots, levels.collect(), radices, factor / slots as f64)
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
    grouped(slots, levels.collect(), radices, factor)
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

/// Merges neighbouring levels into one matrix for each radix.
fn grouped(slots: usize, levels: Vec<Diagonals>, radices: &[u32], factor: f64) -> Vec<Diagonals> {
    let total: u32 = radices.iter().sum();
    assert!(total as usize == levels.len() && !radices.contains(&0), "radices {radices:?} for {} levels", levels.len());
    // Each group has an equal share of the factor, so all have entries of similar size.
    let share = factor.abs().powf(1.0 / radices.len() as f64);
    let mut levels = levels.into_iter();
    radices
        .iter()
        .enumerate()
        .map(|(k, &radix)| {
            let group = levels.by_ref().take(radix as usize).reduce(|inner, outer| outer.compose(&inner));
            let group = group.expect("no radix is zero").scaled(if k == 0 { share * factor.signum() } else { share });
            // Offsets to the left and to the right coincide only in the largest blocks.
            let reach = group.0.keys().map(|d| d.abs()).max().unwrap_or(0);
            if 2 * reach as usize >= slots { group.wrapped(slots) } else { group }
        })
        .collect()
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
