//! Samplers. Randomness is passed in: a seeded generator in tests and experiments, one seeded by the operating system for
//! keys. What is drawn on the way is wiped; the states of generators are not.

use std::sync::LazyLock;

use rand::{CryptoRng, Rng};
use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::secret_rng::SecretRng;
use crate::uniform::Seed;

/// Standard deviation of every error polynomial (Homomorphic Encryption Standard, ePrint 2019/939).
pub const ERROR_STD_DEV: f64 = 3.2;

/// `n` coefficients, each −1, 0 or 1 with probability 1/3.
pub fn ternary(n: usize, rng: &mut impl CryptoRng) -> Vec<i64> {
    (0..n).map(|_| rng.random_range(-1..=1)).collect()
}

/// `n` coefficients of which `weight` at uniform places are ±1 and the others 0.
///
/// # Panics
/// If `weight` exceeds `n`.
pub fn ternary_of_weight(n: usize, weight: usize, rng: &mut impl CryptoRng) -> Vec<i64> {
    assert!(weight <= n, "weight {weight} among {n} coefficients");
    let mut coefficients = vec![0; n];
    // The first steps of a Fisher–Yates shuffle choose the places.
    let mut places = Zeroizing::new((0..n).collect::<Vec<usize>>());
    for i in 0..weight {
        let j = rng.random_range(i..n);
        places.swap(i, j);
        coefficients[places[i]] = if rng.random() { 1 } else { -1 };
    }
    coefficients
}

/// `thresholds[k]` = ⌊2^63·P(|X| ≤ k)⌋ for the discrete Gaussian X of [`ERROR_STD_DEV`], cut where the tail is below 2^−63
/// and exact to the rounding of doubles, 2^−52.
static GAUSSIAN: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let weight = |k: i32| (-f64::from(k * k) / (2.0 * ERROR_STD_DEV * ERROR_STD_DEV)).exp();
    let total = 1.0 + 2.0 * (1..64).map(weight).sum::<f64>();
    let mut cumulative = 0.0;
    (0..30)
        .map(|k| {
            cumulative += if k == 0 { 1.0 } else { 2.0 * weight(k) };
            (cumulative / total * 2f64.powi(63)) as u64
        })
        .collect()
});

/// `n` coefficients of the discrete Gaussian with standard deviation [`ERROR_STD_DEV`], by inversion over the whole
/// table: the time taken does not depend on the values.
pub fn gaussian(n: usize, rng: &mut impl CryptoRng) -> Vec<i64> {
    let thresholds = &*GAUSSIAN;
    (0..n)
        .map(|_| {
            let word = rng.next_u64();
            let magnitude: i64 = thresholds.iter().map(|&t| i64::from(word >> 1 >= t)).sum();
            // The lowest bit is the sign: 1 - 2b.
            magnitude * (1 - 2 * (word & 1) as i64)
        })
        .collect()
}

/// Runs `f` for 0..`count` in parallel, each with a generator of its own drawn from `rng`, so that the result does not
/// depend on the number of threads.
pub fn with_generators<T: Send>(
    count: usize,
    rng: &mut impl CryptoRng,
    f: impl Fn(usize, &mut SecretRng) -> T + Sync,
) -> Vec<T> {
    let mut seeds = Zeroizing::new(vec![Seed::default(); count]);
    // Byte by byte, so that none is copied.
    seeds.iter_mut().flatten().for_each(|byte| *byte = rng.random());
    seeds.par_iter().enumerate().map(|(i, seed)| f(i, &mut SecretRng::from_seed(seed))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    fn rng() -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(5)
    }

    /// Pearson's statistic against expected probabilities.
    fn chi_squared(counts: &[f64], probabilities: &[f64]) -> f64 {
        let total: f64 = counts.iter().sum();
        counts.iter().zip(probabilities).map(|(c, p)| (c - total * p).powi(2) / (total * p)).sum()
    }

    #[test]
    fn ternary_is_uniform_on_three_values() {
        let sample = ternary(30_000, &mut rng());
        let counts: Vec<f64> = (-1..=1).map(|v| sample.iter().filter(|&&x| x == v).count() as f64).collect();
        let statistic = chi_squared(&counts, &[1.0 / 3.0; 3]);
        assert!(statistic < 13.8, "two degrees of freedom, p = 0.001: {statistic}");
    }

    #[test]
    fn fixed_weight_is_exact_and_spread() {
        let (n, weight) = (256, 32);
        let mut hits = vec![0.0; n];
        let mut signs = 0;
        for seed in 0..500 {
            let sample = ternary_of_weight(n, weight, &mut ChaCha20Rng::seed_from_u64(seed));
            assert_eq!(sample.iter().filter(|&&x| x != 0).count(), weight);
            assert!(sample.iter().all(|x| x.abs() <= 1));
            signs += sample.iter().sum::<i64>();
            hits.iter_mut().zip(&sample).for_each(|(h, x)| *h += x.abs() as f64);
        }
        assert!(signs.abs() < 4 * 127, "16,000 signs add up to {signs}, standard deviation 127");
        // Sampled without replacement, so that the statistic falls below the chi-squared one by the factor 1 − w/n.
        let statistic = chi_squared(&hits, &vec![1.0 / n as f64; n]) / (1.0 - weight as f64 / n as f64);
        assert!((170.0..=350.0).contains(&statistic), "255 degrees of freedom: {statistic}");
    }

    #[test]
    fn gaussian_has_its_moments_and_shape() {
        let n = 200_000;
        let sample = gaussian(n, &mut rng());
        let mean = sample.iter().sum::<i64>() as f64 / n as f64;
        let variance = sample.iter().map(|x| (x * x) as f64).sum::<f64>() / n as f64;
        assert!(mean.abs() < 4.0 * ERROR_STD_DEV / (n as f64).sqrt(), "mean {mean}");
        let expected = ERROR_STD_DEV.powi(2);
        assert!((variance / expected - 1.0).abs() < 4.0 * (2.0 / n as f64).sqrt(), "variance {variance}");
        let weight = |k: i64| (-((k * k) as f64) / (2.0 * expected)).exp();
        let total: f64 = (-40..=40).map(weight).sum();
        let bins: Vec<i64> = (-8..=8).collect();
        let mut counts: Vec<f64> = bins.iter().map(|&v| sample.iter().filter(|&&x| x == v).count() as f64).collect();
        let mut probabilities: Vec<f64> = bins.iter().map(|&v| weight(v) / total).collect();
        counts.push(n as f64 - counts.iter().sum::<f64>());
        probabilities.push(1.0 - probabilities.iter().sum::<f64>());
        let statistic = chi_squared(&counts, &probabilities);
        assert!(statistic < 40.8, "17 degrees of freedom, p = 0.001: {statistic}");
    }

    #[test]
    fn known_answers_by_seed() {
        assert_eq!(ternary(8, &mut rng()), [0, 1, 1, 1, 1, 1, -1, 1]);
        assert_eq!(gaussian(8, &mut rng()), [3, 10, -4, 4, 4, -6, -1, -4]);
    }
}
