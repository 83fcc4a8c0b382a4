//! Baby steps and giant steps.

use std::collections::BTreeSet;

/// A split of the offsets of a matrix into baby steps, which rotate the input, and giant steps, which rotate sums.
///
/// An offset is one of `babies` plus k·`giant_step` with k below `giants`. Horner's rule applies the giant steps, so
/// one key serves all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BsgsPlan {
    /// Offsets of the baby steps.
    pub babies: Vec<i64>,
    /// Distance between giant steps.
    pub giant_step: i64,
    /// Number of sums. There is one giant step fewer.
    pub giants: usize,
}

impl BsgsPlan {
    /// Splits `offsets` for the least work, where a giant step counts as `weight` baby steps, and among equals for the
    /// fewest giant steps. Baby steps share one decomposition and have a key each; every giant step has its own
    /// decomposition, and all share a key. With weight 1 the rotations are the fewest. By the count of transforms and
    /// products a giant step takes the time of about three baby steps.
    ///
    /// ```
    /// use fhe_circuits::linear::BsgsPlan;
    ///
    /// let [few_keys, fast] = [1, 3].map(|weight| BsgsPlan::new(-7..8, weight));
    /// assert_eq!((few_keys.hoisted(), few_keys.giants), (4, 4));
    /// assert_eq!((fast.hoisted(), fast.giants), (7, 2));
    /// ```
    pub fn new(offsets: impl Iterator<Item = i64> + Clone, weight: u32) -> Self {
        let first = offsets.clone().min().unwrap_or(0);
        let stride = offsets.clone().fold(0, |g, d| gcd(g, d - first)).max(1);
        let span = offsets.clone().map(|d| (d - first) / stride).max().unwrap_or(0) + 1;
        let split = |width: i64| {
            let babies: BTreeSet<i64> = offsets.clone().map(|d| first + (d - first) % (width * stride)).collect();
            let giants = (span - 1) / width + 1;
            Self { babies: babies.into_iter().collect(), giant_step: width * stride, giants: giants as usize }
        };
        let widths = std::iter::successors(Some(1), |&w| Some(2 * w)).take_while(|&w| w < 2 * span);
        widths.map(split).min_by_key(|plan| (plan.work(weight), plan.giants)).expect("width 1 is always tried")
    }

    /// Time of all rotations in baby steps.
    fn work(&self, weight: u32) -> usize {
        self.hoisted() + weight as usize * (self.giants - 1)
    }

    /// Number of key switches.
    pub fn rotations(&self) -> usize {
        self.hoisted() + self.giants - 1
    }

    /// Number of key switches that share one decomposition.
    pub fn hoisted(&self) -> usize {
        self.babies.iter().filter(|&&baby| baby != 0).count()
    }

    /// Returns the index of an offset's baby step and the number of its giant steps.
    pub(crate) fn place(&self, offset: i64) -> (usize, usize) {
        let giant = (offset - self.babies[0]) / self.giant_step;
        let baby = offset - giant * self.giant_step;
        (self.babies.binary_search(&baby).expect("an offset of the matrix"), giant as usize)
    }
}

/// Returns the greatest common divisor of two integers, with the sign of the last nonzero remainder.
pub fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
