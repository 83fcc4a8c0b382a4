//! How raised coefficients are distributed, and how large the largest of many errors is.

/// Points of the grid between two integers.
const GRID: usize = 32;

/// Returns the integer parts of raised coefficients over q₀ under a secret of `weight`, each with its probability: the
/// rounded sums of `weight` + 1 uniform residues. Those that almost never occur are left out.
pub(super) fn integers(weight: u32) -> Vec<(i32, f64)> {
    // The density of the sum on a grid, by repeated convolution with that of one residue.
    let mut density = vec![1.0];
    for _ in 0..=weight {
        let mut next = vec![0.0; density.len() + GRID - 1];
        for (shift, p) in density.iter().enumerate() {
            next[shift..shift + GRID].iter_mut().for_each(|sum| *sum += p / GRID as f64);
        }
        density = next;
    }
    let middle = (density.len() - 1) as f64 / 2.0;
    let mut found = std::collections::BTreeMap::new();
    for (k, p) in density.into_iter().enumerate() {
        *found.entry(((k as f64 - middle) / GRID as f64).round() as i32).or_insert(0.0) += p;
    }
    found.into_iter().filter(|(_, p)| *p > 1e-12).collect()
}

/// A part of all errors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    /// Its share, as a probability.
    pub probability: f64,
    /// Its fixed error.
    pub bias: f64,
    /// The standard deviation around that.
    pub deviation: f64,
}

/// Returns the median of the largest of `count` errors. Each is the mean of that of `copies` slots of the ring.
///
/// The noise of a slot ζ is a sum r₀(ζ) + r₁(ζ)·s(ζ). Both factors of the product are nearly normal, so its real part
/// has Laplace's distribution, with longer tails than the normal one. The mean of several copies comes nearer to that.
pub(super) fn largest(shares: &[Share], count: usize, copies: usize) -> f64 {
    let beyond = |x: f64| -> f64 {
        let of = |share: &Share| {
            let tails = [x - share.bias.abs(), x + share.bias.abs()].map(|far| tail(far / share.deviation, copies));
            share.probability * (tails[0] + tails[1])
        };
        shares.iter().map(of).sum()
    };
    let wanted = std::f64::consts::LN_2 / count as f64;
    let most = shares.iter().map(|share| share.bias.abs() + 64.0 * share.deviation).fold(0.0, f64::max);
    let (mut low, mut high) = (0.0, most);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if beyond(middle) > wanted { low = middle } else { high = middle }
    }
    high
}

/// Returns the probability that the mean of `copies` independent Laplace variables exceeds its expected value by more than
/// `deviations` standard deviations of that mean. More than eight copies count as eight.
fn tail(deviations: f64, copies: usize) -> f64 {
    if deviations < 0.0 {
        return 1.0 - tail(-deviations, copies);
    }
    // The sum of c such numbers is the difference of two sums of c exponential ones; integrating it by parts gives
    // e^(−y) times a polynomial.
    let y = deviations * (2.0 * copies.min(8) as f64).sqrt();
    let polynomial: &[f64] = match copies {
        0 | 1 => &[1.0],
        2 => &[1.0, 0.5],
        3..=4 => &[1.0, 11.0 / 16.0, 3.0 / 16.0, 1.0 / 48.0],
        _ => return (1..=8).rev().map(|k| gamma_tail(k, y) * choose(k)).sum::<f64>() / 2f64.powi(8),
    };
    (-y).exp() / 2.0 * polynomial.iter().rev().fold(0.0, |sum, c| sum * y + c)
}

/// Returns the probability that a sum of `terms` exponential numbers exceeds y.
fn gamma_tail(terms: i32, y: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..terms {
        term *= y / f64::from(k);
        sum += term;
    }
    (-y).exp() * sum
}

/// Returns the weight of a sum of `terms` exponential numbers among the positive values of a difference of two sums of
/// eight: C(15 − k, 8 − k)/2^(8 − k).
fn choose(terms: i32) -> f64 {
    let below = 8 - terms;
    (1..=below).fold(1.0, |product, i| product * f64::from(7 + i) / f64::from(i)) / 2f64.powi(below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha20Rng;

    #[test]
    fn integers_are_distributed_like_rounded_sums() {
        let found = integers(32);
        assert!((found.iter().map(|(_, p)| p).sum::<f64>() - 1.0).abs() < 1e-9);
        let variance: f64 = found.iter().map(|&(k, p)| p * f64::from(k * k)).sum();
        // Rounding adds 1/12.
        assert!((variance - 34.0 / 12.0).abs() < 0.01, "{variance}");
        assert!(found.len() < 40);
    }

    #[test]
    fn tails_are_those_of_means_of_laplace_numbers() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        for copies in [1, 2, 4, 8] {
            assert!((tail(0.0, copies) - 0.5).abs() < 1e-12, "{copies}: {}", tail(0.0, copies));
            let trials = 1 << 17;
            let mut laplace = || -rng.random_range(f64::EPSILON..1.0).ln() * if rng.random() { 1.0 } else { -1.0 };
            let mut number = || (0..copies).map(|_| laplace()).sum::<f64>() / (2.0 * copies as f64).sqrt();
            let numbers: Vec<f64> = (0..trials).map(|_| number()).collect();
            for far in [0.5, 1.5, 3.0] {
                let seen = numbers.iter().filter(|&&x| x > far).count() as f64 / f64::from(trials);
                let expected = tail(far, copies);
                assert!((seen / expected - 1.0).abs() < 0.15, "{copies} copies beyond {far}: {seen}, {expected}");
            }
        }
    }

    #[test]
    fn the_largest_of_many_grows_with_their_number_and_counts_rare_shares() {
        let one = Share { probability: 1.0, bias: 0.0, deviation: 1.0 };
        let [few, many] = [1 << 10, 1 << 14].map(|count| largest(&[one], count, 1));
        assert!(few < many && (4.0..9.0).contains(&many), "{few}, {many}");
        let rare = Share { probability: 1e-3, bias: 100.0, deviation: 1.0 };
        assert!(largest(&[one, rare], 1 << 14, 1) > 99.0);
    }
}
