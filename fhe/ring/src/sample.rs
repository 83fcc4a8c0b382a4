//! Samplers of secret and error polynomials.
//!
//! The caller passes the generator in: [`SecretRng::from_os`] for real keys, [`SecretRng::seeded`] in tests and
//! experiments. Intermediate values are wiped. The caller wipes the coefficients that a sampler returns.
//!
//! # Timing
//!
//! No sampler lets its result decide which instruction runs next or which address is accessed.
//!
//! - [`ternary`] maps each random word to three values by a multiplication. The `rand` crate draws a second word if the
//!   low half of the product exceeds 2^64 − 3. That happens with probability below 2^−62 for each of the three values.
//! - [`ternary_of_weight`] sorts random keys that carry the coefficients in their two lowest bits, with a network whose
//!   comparisons are fixed by the length. Distinct random keys are in each order equally often, so the vector is
//!   uniform. If two keys are equal, which has probability below 2^−28, all are drawn again. This reveals nothing,
//!   because whether keys are equal does not depend on the coefficients or on the order.
//! - [`gaussian`] compares each random word with every threshold and adds up the results.
//!
//! Rust gives no guarantee that a comparison compiles to straight-line code. The sorting network hides its comparisons
//! from the optimiser. The other samplers use a comparison as a number only, for which x86-64 and ARM have
//! instructions.

use std::sync::LazyLock;

use rand::{CryptoRng, Rng};
use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::meter::{Primitive, scope};
use crate::secret_rng::SecretRng;
use crate::uniform::Seed;

/// Standard deviation of every error polynomial (Homomorphic Encryption Standard, ePrint 2019/939).
pub const ERROR_STD_DEV: f64 = 3.2;

/// Returns `n` independent coefficients, each −1, 0 or 1 with probability 1/3.
pub fn ternary(n: usize, rng: &mut impl CryptoRng) -> Vec<i64> {
    let _scope = scope(Primitive::Sample);
    (0..n).map(|_| rng.random_range(-1..=1)).collect()
}

/// Returns `n` coefficients of which `weight` are ±1 and all others 0, uniform among all such vectors.
///
/// Time and memory accesses depend on `n` and `weight` only (see the module's documentation).
///
/// # Panics
/// If `weight` exceeds `n`.
pub fn ternary_of_weight(n: usize, weight: usize, rng: &mut impl CryptoRng) -> Vec<i64> {
    assert!(weight <= n, "weight {weight} among {n} coefficients");
    let _scope = scope(Primitive::Sample);
    // A word is a random key above the two lowest bits of a coefficient: the first `weight` are ±1, the others 0.
    let mut words = Zeroizing::new(vec![0u64; n]);
    loop {
        for (i, word) in words.iter_mut().enumerate() {
            let random = rng.next_u64();
            let nonzero = u64::from(i < weight);
            *word = random & !3 | random & (nonzero << 1) | nonzero;
        }
        sort(&mut words);
        let keys_repeat = words.windows(2).fold(0, |repeat, pair| repeat | u64::from(pair[0] ^ pair[1] < 4));
        if keys_repeat == 0 {
            return words.iter().map(|&word| (word << 62) as i64 >> 62).collect();
        }
    }
}

/// Sorts `words` in ascending order by Batcher's merge exchange (Knuth, The Art of Computer Programming, volume 3,
/// algorithm 5.2.2M). The sequence of comparisons depends on the length only.
fn sort(words: &mut [u64]) {
    let len = words.len();
    let top = len.next_power_of_two() / 2;
    let mut p = top;
    while p > 0 {
        let (mut q, mut r, mut distance) = (top, 0, p);
        loop {
            for i in (0..len - distance).filter(|i| i & p == r) {
                compare_exchange(words, i, i + distance);
            }
            if q == p {
                break;
            }
            (distance, r) = (q - p, p);
            q /= 2;
        }
        p /= 2;
    }
}

/// Puts the smaller of two words first.
///
/// A mask exchanges the words. `black_box` hides from the compiler that the mask comes from a comparison, so the
/// compiler does not turn the exchange into a branch.
#[inline]
fn compare_exchange(words: &mut [u64], i: usize, j: usize) {
    let (a, b) = (words[i], words[j]);
    let exchange = std::hint::black_box(u64::from(b < a).wrapping_neg());
    let difference = (a ^ b) & exchange;
    (words[i], words[j]) = (a ^ difference, b ^ difference);
}

/// `GAUSSIAN[k]` = ⌊2^63·P(|X| ≤ k)⌋ for the discrete Gaussian X of standard deviation [`ERROR_STD_DEV`].
///
/// The table ends where the tail is below 2^−63. Its entries are exact to the rounding of doubles, 2^−52.
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

/// Returns `n` independent coefficients of the discrete Gaussian with standard deviation [`ERROR_STD_DEV`].
///
/// It inverts the cumulative distribution by comparing with the whole table, so the time does not depend on the values.
pub fn gaussian(n: usize, rng: &mut impl CryptoRng) -> Vec<i64> {
    let _scope = scope(Primitive::Sample);
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

/// Runs `f` for each index in 0..`count` in parallel and returns the results in order.
///
/// Each call gets a generator of its own, seeded from `rng`, so the results do not depend on the number of threads.
pub fn with_generators<T: Send>(
    count: usize,
    rng: &mut impl CryptoRng,
    f: impl Fn(usize, &mut SecretRng) -> T + Sync,
) -> Vec<T> {
    let mut seeds = Zeroizing::new(vec![Seed::default(); count]);
    // Each byte is drawn in place, so that no copy of a seed remains.
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

    /// Returns Pearson's statistic of counts against expected probabilities.
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
        // Sampling without replacement lowers the statistic by the factor 1 − w/n.
        let statistic = chi_squared(&hits, &vec![1.0 / n as f64; n]) / (1.0 - weight as f64 / n as f64);
        assert!((170.0..=350.0).contains(&statistic), "255 degrees of freedom: {statistic}");
    }

    /// All vectors of length 4 and weight 2: 6 choices of places and 4 of signs.
    #[test]
    fn every_vector_of_a_fixed_weight_is_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        let mut rng = rng();
        for _ in 0..24_000 {
            *counts.entry(ternary_of_weight(4, 2, &mut rng)).or_insert(0.0) += 1.0;
        }
        assert_eq!(counts.len(), 24);
        let statistic = chi_squared(&counts.into_values().collect::<Vec<f64>>(), &[1.0 / 24.0; 24]);
        assert!(statistic < 49.7, "23 degrees of freedom, p = 0.001: {statistic}");
    }

    #[test]
    fn fixed_weight_reaches_both_ends() {
        assert_eq!(ternary_of_weight(33, 0, &mut rng()), [0; 33]);
        assert!(ternary_of_weight(33, 33, &mut rng()).iter().all(|x| x.abs() == 1));
        assert_eq!(ternary_of_weight(0, 0, &mut rng()), []);
    }

    /// A network that sorts all vectors of zeros and ones sorts everything (the zero-one principle).
    #[test]
    fn the_network_sorts_at_any_length() {
        for len in 0..=14 {
            for bits in 0..1u64 << len {
                let mut words: Vec<u64> = (0..len).map(|i| bits >> i & 1).collect();
                sort(&mut words);
                assert!(words.is_sorted(), "{len} words, {bits:b}");
                assert_eq!(words.iter().sum::<u64>(), u64::from(bits.count_ones()));
            }
        }
        let mut rng = rng();
        for len in [100, 1000, 1 << 12] {
            let mut words: Vec<u64> = (0..len).map(|_| rng.random()).collect();
            let mut expected = words.clone();
            expected.sort_unstable();
            sort(&mut words);
            assert_eq!(words, expected);
        }
    }

    /// A generator whose first words repeat: keys that are equal are all drawn again.
    #[test]
    fn equal_keys_are_drawn_again() {
        struct Repeating(u64);
        impl rand::RngCore for Repeating {
            fn next_u32(&mut self) -> u32 {
                self.next_u64() as u32
            }
            fn next_u64(&mut self) -> u64 {
                self.0 += 1;
                // Eight words with two equal keys, then eight with different ones.
                if self.0 <= 8 { self.0 / 2 * 4 } else { (100 - self.0) * 4 + 2 }
            }
            fn fill_bytes(&mut self, _: &mut [u8]) {
                unreachable!("words are drawn")
            }
        }
        impl CryptoRng for Repeating {}
        let mut rng = Repeating(0);
        // Keys descend, so the nonzero coefficients come last. A sign bit of 1 is −1.
        assert_eq!(ternary_of_weight(8, 3, &mut rng), [0, 0, 0, 0, 0, -1, -1, -1]);
        assert_eq!(rng.0, 16);
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
        assert_eq!(ternary_of_weight(8, 4, &mut rng()), [0, 1, 0, 0, 1, 1, 0, -1]);
        assert_eq!(gaussian(8, &mut rng()), [3, 10, -4, 4, 4, -6, -1, -4]);
    }
}
