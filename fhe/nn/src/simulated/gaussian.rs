//! Normal deviates that depend only on the seed and the image, not on threads or order.

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The deviates of one image. No secret depends on them, so they come from a fast generator that is not cryptographic.
pub(super) struct Gaussian(Xoshiro256PlusPlus);

impl Gaussian {
    /// The stream of image `image` in a run of seed `seed`.
    pub(super) fn new(seed: u64, image: u64) -> Self {
        let mut state = [0; 32];
        state[..8].copy_from_slice(&seed.to_le_bytes());
        state[8..16].copy_from_slice(&image.to_le_bytes());
        // Seeds and images that differ in one bit give similar first outputs; the jump leads far past them.
        state[16] = 1;
        let mut rng = Xoshiro256PlusPlus::from_seed(state);
        rng.jump();
        Self(rng)
    }

    /// Adds to each value `gain` times the value, and an independent deviate of this mean and standard deviation.
    pub(super) fn add_to(&mut self, values: &mut [f64], gain: f64, mean: f64, deviation: f64) {
        for value in values {
            let drawn: f64 = StandardNormal.sample(&mut self.0);
            *value += gain * *value + mean + deviation * drawn;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(seed: u64, image: u64) -> Vec<f64> {
        let mut values = vec![4.0; 40_000];
        Gaussian::new(seed, image).add_to(&mut values, -0.5, 5.0, 3.0);
        values
    }

    /// Sums of n independent deviates over their own standard deviations, each within 5 of its mean: one chance in a
    /// million.
    #[test]
    fn moments_and_correlations_are_those_of_independent_deviates() {
        for (seed, image) in [(0, 0), (0, 1), (1, 0), (u64::MAX, 9999)] {
            let (x, next) = (draws(seed, image), draws(seed, image + 1));
            let n = x.len() as f64;
            let mean = |f: &dyn Fn(usize) -> f64| (0..x.len()).map(f).sum::<f64>() / n;
            let unit = |i: usize| (x[i] - 7.0) / 3.0;
            assert!(mean(&|i| unit(i)).abs() < 5.0 / n.sqrt());
            assert!((mean(&|i| unit(i).powi(2)) - 1.0).abs() < 5.0 * (2.0 / n).sqrt());
            assert!((mean(&|i| unit(i).powi(4)) - 3.0).abs() < 5.0 * (96.0 / n).sqrt());
            assert!(mean(&|i| unit(i) * (next[i] - 7.0) / 3.0).abs() < 5.0 / n.sqrt());
        }
    }

    #[test]
    fn a_stream_is_its_seed_and_image() {
        assert_eq!(draws(3, 4), draws(3, 4));
        assert_ne!(draws(3, 4), draws(4, 3));
        assert_ne!(draws(3, 4), draws(3, 5));
    }
}
