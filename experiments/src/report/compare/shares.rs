//! Two shares of the same images: how many are so in one run, in the other, in both.

use crate::report::statistics::wilson;

/// The images of a pair by a property that each has or lacks in each run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shares {
    /// Images that have it in both runs.
    pub both: usize,
    /// Images that have it only in the first run.
    pub only_first: usize,
    /// Images that have it only in the second run.
    pub only_second: usize,
    /// Images that lack it in both runs.
    pub neither: usize,
}

impl Shares {
    /// Counts the outcomes of images in both runs.
    pub(crate) fn of(outcomes: impl Iterator<Item = (bool, bool)>) -> Self {
        outcomes.fold(Self::default(), |mut shares, outcome| {
            let count = match outcome {
                (true, true) => &mut shares.both,
                (true, false) => &mut shares.only_first,
                (false, true) => &mut shares.only_second,
                (false, false) => &mut shares.neither,
            };
            *count += 1;
            shares
        })
    }

    /// Returns the number of images.
    pub(crate) fn images(self) -> usize {
        self.both + self.only_first + self.only_second + self.neither
    }

    /// Returns the share in the first run and in the second; NaN without images.
    pub(crate) fn values(self) -> (f64, f64) {
        let share = |hits: usize| hits as f64 / self.images() as f64;
        (share(self.both + self.only_first), share(self.both + self.only_second))
    }

    /// Returns the 95 % interval of the second share less the first, for paired shares (Newcombe, Statistics in
    /// Medicine 17 (1998) 2635, method 10); `None` without images.
    pub(crate) fn difference(self) -> Option<(f64, f64)> {
        let n = self.images();
        let (first, second) = self.values();
        let (first_low, first_high) = wilson(self.both + self.only_first, n, 0.95)?;
        let (second_low, second_high) = wilson(self.both + self.only_second, n, 0.95)?;
        let phi = self.correlation();
        let distance = |x: f64, y: f64| (x * x - 2.0 * phi * x * y + y * y).max(0.0).sqrt();
        let below = distance(second - second_low, first_high - first);
        let above = distance(second_high - second, first - first_low);
        Some((second - first - below, second - first + above))
    }

    /// Returns the correlation of the two outcomes, moved towards 0 if it is positive.
    fn correlation(self) -> f64 {
        let [both, first, second, neither] =
            [self.both, self.only_first, self.only_second, self.neither].map(|count| count as f64);
        let product = (both + first) * (second + neither) * (both + second) * (first + neither);
        let excess = both * neither - first * second;
        let half = self.images() as f64 / 2.0;
        let moved = if excess > 0.0 { (excess - half).max(0.0) } else { excess };
        if product == 0.0 { 0.0 } else { moved / product.sqrt() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factorial(n: usize) -> f64 {
        (1..=n).map(|k| k as f64).product()
    }

    /// Adds up the probability of every table whose interval holds the true difference.
    fn coverage(n: usize, [both, first, second]: [f64; 3]) -> f64 {
        let neither = 1.0 - both - first - second;
        let truth = second - first;
        let mut held = 0.0;
        for a in 0..=n {
            for b in 0..=n - a {
                for c in 0..=n - a - b {
                    let d = n - a - b - c;
                    let ways = factorial(n) / (factorial(a) * factorial(b) * factorial(c) * factorial(d));
                    let chance = ways
                        * both.powi(a as i32)
                        * first.powi(b as i32)
                        * second.powi(c as i32)
                        * neither.powi(d as i32);
                    let shares = Shares { both: a, only_first: b, only_second: c, neither: d };
                    let (low, high) = shares.difference().unwrap();
                    held += if (low..=high).contains(&truth) { chance } else { 0.0 };
                }
            }
        }
        held
    }

    /// By enumeration of all tables: at least 93 %, and more where nearly all images agree.
    #[test]
    fn intervals_hold_the_true_difference() {
        for (n, shares) in
            [(20, [0.7, 0.1, 0.05]), (30, [0.5, 0.2, 0.1]), (30, [0.9, 0.01, 0.02]), (40, [0.3, 0.1, 0.2])]
        {
            let found = coverage(n, shares);
            assert!((0.93..=1.0).contains(&found), "{n} images, {shares:?}: found {found}");
        }
    }

    /// Without an image that differs, the interval is as wide as Wilson's on one side, in both directions.
    #[test]
    fn equal_outcomes_leave_the_difference_open() {
        let shares = Shares { both: 20, ..Shares::default() };
        let (low, high) = shares.difference().unwrap();
        let wilson = 1.0 - wilson(20, 20, 0.95).unwrap().0;
        assert!((low + wilson).abs() < 1e-12 && (high - wilson).abs() < 1e-12, "{low} {high}");
        assert_eq!(Shares::default().difference(), None);
    }

    #[test]
    fn a_table_and_its_mirror_have_mirrored_intervals() {
        let shares = Shares { both: 794, only_first: 150, only_second: 86, neither: 570 };
        let mirrored = Shares { only_first: 86, only_second: 150, ..shares };
        let ((low, high), (mirrored_low, mirrored_high)) =
            (shares.difference().unwrap(), mirrored.difference().unwrap());
        assert!((low + mirrored_high).abs() < 1e-12 && (high + mirrored_low).abs() < 1e-12);
        // Agresti, Categorical Data Analysis, section 10.1.1: 0.04 within 0.019, by the large-sample formula.
        assert!((low + 0.0587).abs() < 1e-3 && (high + 0.0213).abs() < 1e-3, "{low} {high}");
    }

    #[test]
    fn outcomes_are_counted() {
        let shares =
            Shares::of([(true, true), (true, false), (false, true), (false, true), (false, false)].into_iter());
        assert_eq!(shares, Shares { both: 1, only_first: 1, only_second: 2, neither: 1 });
        assert_eq!((shares.images(), shares.values()), (5, (0.4, 0.6)));
    }
}
