//! The interval of a ratio of medians, by the paired bootstrap.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::report::statistics::quantile;

/// Resamples of an interval.
const RESAMPLES: usize = 2000;
/// Seed of the resamples: the same pairs give the same interval.
const SEED: u64 = 1;

/// Returns the 95 % interval of the second median over the first: the percentiles of that ratio over resamples of the
/// pairs (Efron and Tibshirani 1993, section 13.3). All values are above 0. `None` without pairs.
pub(crate) fn ratio_of_medians(pairs: &[(f64, f64)]) -> Option<(f64, f64)> {
    if pairs.is_empty() {
        return None;
    }
    let order = |value: &dyn Fn(usize) -> f64| {
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        order.sort_by(|&i, &j| value(i).total_cmp(&value(j)));
        order
    };
    let (first, second) = (order(&|at| pairs[at].0), order(&|at| pairs[at].1));
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut drawn = vec![0; pairs.len()];
    let ratios: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            drawn.fill(0);
            // The high half of a product is as even as 32 bits allow.
            let at = |rng: &mut ChaCha8Rng| ((u64::from(rng.next_u32()) * pairs.len() as u64) >> 32) as usize;
            (0..pairs.len()).for_each(|_| drawn[at(&mut rng)] += 1);
            median(&second, &drawn, |at| pairs[at].1) / median(&first, &drawn, |at| pairs[at].0)
        })
        .collect();
    Some((quantile(&ratios, 0.025)?, quantile(&ratios, 0.975)?))
}

/// Returns the median of a resample in which the pair `at` occurs `drawn[at]` times. `order` sorts the values.
fn median(order: &[usize], drawn: &[u32], value: impl Fn(usize) -> f64) -> f64 {
    let count = order.len() as u32;
    let (below, above) = ((count - 1) / 2, count / 2);
    let (mut seen, mut lower) = (0, None);
    for &at in order {
        seen += drawn[at];
        if seen > below {
            lower.get_or_insert(value(at));
        }
        if seen > above {
            let upper = value(at);
            return lower.map_or(upper, |lower| (lower + upper) / 2.0);
        }
    }
    f64::NAN
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{ContinuousCDF, Normal};

    use super::*;
    use crate::report::compare::wilcoxon::signed_rank;
    use crate::report::statistics;

    /// A value of the standard normal distribution.
    fn normal(rng: &mut ChaCha8Rng) -> f64 {
        let uniform = (f64::from(rng.next_u32()) + 0.5) / 2_f64.powi(32);
        Normal::standard().inverse_cdf(uniform)
    }

    /// Pairs of log-normal values whose medians have this ratio. An effect of the image is in both values.
    fn pairs(rng: &mut ChaCha8Rng, count: usize, ratio: f64) -> Vec<(f64, f64)> {
        let pair = |rng: &mut ChaCha8Rng| {
            let image = 0.05 * normal(rng);
            let [first, second] = [1.0, ratio].map(|ratio| ratio * (image + 0.05 * normal(rng)).exp());
            (first, second)
        };
        (0..count).map(|_| pair(rng)).collect()
    }

    #[test]
    fn medians_of_resamples_are_those_of_the_values() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for count in [1, 2, 7, 40] {
            let values: Vec<f64> = (0..count).map(|_| normal(&mut rng)).collect();
            let mut order: Vec<usize> = (0..count).collect();
            order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
            let mut drawn = vec![0; count];
            (0..count).for_each(|_| drawn[rng.next_u32() as usize % count] += 1);
            let resample: Vec<f64> = (0..count).flat_map(|at| vec![values[at]; drawn[at] as usize]).collect();
            let wanted = statistics::median(&resample).unwrap();
            assert!((median(&order, &drawn, |at| values[at]) - wanted).abs() < 1e-12);
        }
    }

    /// 400 simulations: the share of intervals that hold the true ratio is 95 % within three standard deviations, and
    /// so is the share of tests without a finding where there is none to make.
    #[test]
    fn intervals_hold_the_true_ratio_as_often_as_they_say() {
        const SIMULATIONS: usize = 400;
        let spread = 3.0 * (0.95_f64 * 0.05 / SIMULATIONS as f64).sqrt();
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for (count, ratio) in [(20, 1.25), (50, 0.8), (200, 1.0)] {
            let (mut held, mut quiet) = (0, 0);
            for _ in 0..SIMULATIONS {
                let pairs = pairs(&mut rng, count, ratio);
                let (low, high) = ratio_of_medians(&pairs).unwrap();
                held += usize::from((low..=high).contains(&ratio));
                let logs: Vec<f64> = pairs.iter().map(|(first, second)| (second / first / ratio).ln()).collect();
                quiet += usize::from(signed_rank(&logs) >= 0.05);
            }
            for found in [held, quiet].map(|hits| hits as f64 / SIMULATIONS as f64) {
                assert!((found - 0.95).abs() <= spread, "{count} pairs: found {found}, wanted 0.95 ± {spread:.3}");
            }
        }
    }

    #[test]
    fn equal_pairs_have_a_point_and_none_have_nothing() {
        assert_eq!(ratio_of_medians(&[(2.0, 3.0); 9]), Some((1.5, 1.5)));
        assert_eq!(ratio_of_medians(&[]), None);
        let some = [(1.0, 2.0), (1.5, 2.5), (1.2, 2.9), (1.1, 2.2)];
        assert_eq!(ratio_of_medians(&some), ratio_of_medians(&some));
    }
}
