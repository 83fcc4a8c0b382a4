//! Wilcoxon's signed-rank test.

use statrs::distribution::{ContinuousCDF, Normal};

/// Up to so many differences, the distribution of the rank sum is exact. It is normal to four digits beyond.
const EXACT: usize = 100;

/// Returns the two-sided p-value of the signed-rank test: the probability of a rank sum at least as far from the middle
/// if each difference were as likely to be negative as positive (Wilcoxon 1945). Differences of 0 are left out, and
/// equal magnitudes share their mean rank. It is 1 without differences.
pub(crate) fn signed_rank(differences: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = differences.iter().copied().filter(|&difference| difference != 0.0).collect();
    sorted.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let groups: Vec<&[f64]> = sorted.chunk_by(|a, b| a.abs() == b.abs()).collect();
    let ranks = doubled_ranks(&groups);
    let positive = sorted.iter().zip(&ranks).filter(|(difference, _)| **difference > 0.0);
    let found: usize = positive.map(|(_, rank)| rank).sum();
    let total: usize = ranks.iter().sum();
    let smaller = found.min(total - found);
    let below = if sorted.len() <= EXACT { exact(&ranks, smaller) } else { normal(&groups, smaller) };
    (2.0 * below).min(1.0)
}

/// Returns twice the rank of each value, which is whole even for values that share their rank.
fn doubled_ranks(groups: &[&[f64]]) -> Vec<usize> {
    let mut ranks = Vec::new();
    for group in groups {
        let before = ranks.len();
        ranks.resize(before + group.len(), 2 * before + group.len() + 1);
    }
    ranks
}

/// Returns the probability that the sum of these ranks, each taken or not with equal odds, is at most `sum`.
fn exact(ranks: &[usize], sum: usize) -> f64 {
    let mut chance = vec![0.0; sum + 1];
    chance[0] = 1.0;
    for &rank in ranks {
        for at in (0..=sum).rev() {
            let taken = at.checked_sub(rank).map_or(0.0, |before| chance[before]);
            chance[at] = 0.5 * (chance[at] + taken);
        }
    }
    chance.iter().sum()
}

/// Returns the same by the normal distribution, with corrections for continuity and for shared ranks.
fn normal(groups: &[&[f64]], sum: usize) -> f64 {
    let n: f64 = groups.iter().map(|group| group.len() as f64).sum();
    let shared: f64 = groups.iter().map(|group| group.len() as f64).map(|t| t * t * t - t).sum();
    let mean = n * (n + 1.0) / 4.0;
    let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - shared / 48.0;
    Normal::standard().cdf((sum as f64 / 2.0 + 0.5 - mean) / variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, wanted: f64, tolerance: f64) {
        assert!((found - wanted).abs() <= tolerance, "found {found}, wanted {wanted}");
    }

    /// Darwin's pairs of maize, in eighths of an inch (Fisher, The Design of Experiments, section 17), and Hollander
    /// and Wolfe's depression scores (Nonparametric Statistical Methods, example 3.1); the values are those of R's
    /// `wilcox.test`.
    #[test]
    #[expect(clippy::approx_constant, reason = "a value that was measured")]
    fn published_examples() {
        let maize = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48].map(f64::from);
        near(signed_rank(&maize), 0.041_26, 5e-6);
        let before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30];
        let after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
        let differences: Vec<f64> = before.iter().zip(after).map(|(before, after)| after - before).collect();
        near(signed_rank(&differences), 2.0 * 10.0 / 512.0, 1e-12);
    }

    /// Every choice of signs is as likely as another.
    fn enumerated(magnitudes: &[f64], differences: &[f64]) -> f64 {
        let sum = |positive: &dyn Fn(usize) -> bool| -> f64 {
            let rank = |at: usize| {
                let smaller = magnitudes.iter().filter(|other| **other < magnitudes[at]).count();
                let equal = magnitudes.iter().filter(|other| **other == magnitudes[at]).count();
                smaller as f64 + (equal as f64 + 1.0) / 2.0
            };
            (0..magnitudes.len()).filter(|&at| positive(at)).map(rank).sum()
        };
        let middle = sum(&|_| true) / 2.0;
        let found = (sum(&|at| differences[at] > 0.0) - middle).abs();
        let all = 1_u32 << magnitudes.len();
        let far = (0..all).filter(|signs| (sum(&|at| (signs >> at) & 1 == 1) - middle).abs() >= found - 1e-9).count();
        far as f64 / f64::from(all)
    }

    #[test]
    fn small_samples_with_shared_ranks_as_enumerated() {
        let samples: [&[f64]; 5] = [
            &[1.0, 1.0, -1.0, 2.0, 2.0, -3.0, 4.0, 4.0],
            &[-0.5, 1.5, 1.5, -1.5, 2.5, 2.5, 2.5, 7.0, 8.0, 9.0],
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            &[-1.0, -1.0, -1.0, 1.0],
            &[3.0],
        ];
        for sample in samples {
            let magnitudes: Vec<f64> = sample.iter().map(|value| value.abs()).collect();
            near(signed_rank(sample), enumerated(&magnitudes, sample), 1e-12);
            let mirrored: Vec<f64> = sample.iter().map(|value| -value).collect();
            near(signed_rank(&mirrored), signed_rank(sample), 1e-12);
        }
    }

    #[test]
    fn differences_of_nothing_count_for_nothing() {
        assert_eq!((signed_rank(&[]), signed_rank(&[0.0, -0.0])), (1.0, 1.0));
        assert_eq!(signed_rank(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), 2.0 / 64.0);
    }

    #[test]
    fn large_samples_are_as_normal_as_the_exact_distribution() {
        let sample: Vec<f64> = (1..=EXACT as i32).map(|k| f64::from(if k % 3 == 0 { -k } else { k })).collect();
        let groups: Vec<&[f64]> = sample.chunks(1).collect();
        let ranks = doubled_ranks(&groups);
        for sum in [3000, 4000, 5000] {
            near(normal(&groups, sum), exact(&ranks, sum), 2e-4);
        }
    }
}
