//! The domain of an approximation: a union of intervals.

use std::f64::consts::PI;

use super::error::ApproximationError;

/// Disjoint intervals in ascending order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Domain(Vec<(f64, f64)>);

impl Domain {
    pub(super) fn new(intervals: &[(f64, f64)]) -> Result<Self, ApproximationError> {
        if intervals.is_empty() {
            return Err(ApproximationError::NoInterval);
        }
        if let Some(&(lo, hi)) = intervals.iter().find(|(lo, hi)| !(lo.is_finite() && hi.is_finite() && lo < hi)) {
            return Err(ApproximationError::BadInterval { lo, hi });
        }
        match intervals.windows(2).find(|pair| pair[0].1 >= pair[1].0) {
            Some(pair) => Err(ApproximationError::Overlap { hi: pair[0].1, lo: pair[1].0 }),
            None => Ok(Self(intervals.to_vec())),
        }
    }

    pub(super) fn intervals(&self) -> &[(f64, f64)] {
        &self.0
    }

    /// Returns the smallest interval that contains the domain.
    pub(super) fn hull(&self) -> (f64, f64) {
        (self.0[0].0, self.0[self.0.len() - 1].1)
    }

    /// Returns the part at and above zero, if the other part is its mirror image.
    pub(super) fn symmetric_half(&self) -> Option<Self> {
        let mirrored = self.0.iter().rev().map(|&(lo, hi)| (-hi, -lo));
        self.0.iter().copied().eq(mirrored).then(|| {
            let half = self.0.iter().filter(|(_, hi)| *hi > 0.0);
            Self(half.map(|&(lo, hi)| (lo.max(0.0), hi)).collect())
        })
    }

    /// Returns `count` ascending points, dense at both ends: the extrema of a Chebyshev polynomial over the intervals
    /// joined end to end.
    pub(super) fn spread(&self, count: usize) -> Vec<f64> {
        let total: f64 = self.0.iter().map(|(lo, hi)| hi - lo).sum();
        let last = count.saturating_sub(1).max(1);
        let place = |k: usize| {
            let mut ahead = total * (1.0 - (PI * k as f64 / last as f64).cos()) / 2.0;
            for &(lo, hi) in &self.0 {
                if ahead <= hi - lo {
                    return lo + ahead;
                }
                ahead -= hi - lo;
            }
            self.hull().1
        };
        (0..count).map(place).collect()
    }

    /// Returns the image under x ↦ x² of a domain at or above zero.
    pub(super) fn squared(&self) -> Self {
        Self(self.0.iter().map(|&(lo, hi)| (lo * lo, hi * hi)).collect())
    }
}
