//! The probability that the integer part of a raised coefficient leaves the range of EvalMod.
//!
//! For a secret of h coefficients ±1, a coefficient of c₀ + c₁·s is a sum of h + 1 residues modulo q₀; divided by q₀, a
//! sum of h + 1 numbers uniform on [−1/2, 1/2]. Its integer part I exceeds K only if the sum exceeds K + 1/2.
//! Sparse-secret encapsulation (Bossuat, Troncoso-Pastoriza and Hubaux, ePrint 2022/024) makes that probability
//! negligible.

use std::f64::consts::LN_2;

/// Returns log2 of Chernoff's bound on the probability that one of `coefficients` integer parts is beyond ±`range`,
/// under a secret of this weight; −∞ if that cannot happen.
pub(super) fn log2_failure(weight: u32, range: u32, coefficients: usize) -> f64 {
    let terms = f64::from(weight) + 1.0;
    let beyond = f64::from(range) + 0.5;
    if 2.0 * beyond >= terms {
        return f64::NEG_INFINITY;
    }
    // E[e^(tU)] = sinh(t/2)/(t/2) for each term. The exponent is convex in t, so a grid comes close to its minimum.
    let exponent = |t: f64| terms * ((t / 2.0).sinh() / (t / 2.0)).ln() - t * beyond;
    let least = (1..2000).map(|k| exponent(0.05 * f64::from(k))).fold(0.0, f64::min);
    1.0 + (coefficients as f64).log2() + least / LN_2
}

/// Returns the smallest range whose probability of failure is at most 2^`log2`.
pub(super) fn sufficient_range(weight: u32, coefficients: usize, log2: f64) -> u32 {
    (1..=weight.div_ceil(2)).find(|&range| log2_failure(weight, range, coefficients) <= log2).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha20Rng;

    #[test]
    fn the_bound_holds_and_is_not_far_from_what_is_seen() {
        let mut rng = ChaCha20Rng::seed_from_u64(8);
        let (weight, trials) = (32, 1 << 18);
        let sum = |rng: &mut ChaCha20Rng| (0..=weight).map(|_| rng.random_range(-0.5..0.5)).sum::<f64>();
        let sums: Vec<f64> = (0..trials).map(|_| sum(&mut rng)).collect();
        for range in [2, 3, 4, 5] {
            let seen = sums.iter().filter(|sum| sum.abs() > f64::from(range) + 0.5).count();
            let log2 = (seen as f64 / f64::from(trials)).log2();
            let bound = log2_failure(weight, range, 1);
            assert!(log2 < bound && bound < log2 + 4.0, "beyond {range}: seen 2^{log2:.1}, bound 2^{bound:.1}");
        }
    }

    #[test]
    fn half_the_weight_always_suffices_and_sparser_ranges_do_by_chance() {
        assert_eq!(log2_failure(32, 16, 1 << 16), f64::NEG_INFINITY);
        assert!(log2_failure(192, 16, 1 << 15) > -1.0, "half of all bootstraps fail");
        let range = sufficient_range(192, 1 << 16, -40.0);
        assert!(log2_failure(192, range, 1 << 16) <= -40.0 && log2_failure(192, range - 1, 1 << 16) > -40.0);
        assert!((25..40).contains(&range), "{range}");
        assert_eq!(sufficient_range(1, 1 << 16, -40.0), 1);
    }
}
