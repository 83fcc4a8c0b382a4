//! The stages of a transform, and the levels that they share.

/// The stages of SlotsToCoeffs or of CoeffsToSlots, first to last.
///
/// Stages may be more than the levels that they spend. A ciphertext then keeps the scale of a product through the next
/// product, and is rescaled when the stages so far fill a prime. Weights of 25 bits need no prime of their own: two
/// stages share one of 50. That saves a prime in every key switch above.
///
/// ```
/// use fhe_circuits::Stages;
///
/// let three = Stages { merged: vec![4, 5, 5], levels: 2, giant_step: 1 };
/// assert_eq!([0, 1, 2].map(|stage| three.spent_before(stage)), [0, 0, 1]);
/// assert_eq!([0, 1, 2].map(|stage| three.rescales_after(stage)), [false, true, true]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stages {
    /// Numbers of butterfly levels that the stages merge.
    pub merged: Vec<u32>,
    /// Number of levels that all stages spend together, from 1 to their number.
    pub levels: usize,
    /// Baby steps that a giant step counts as, when the rotations of a stage are split: see [`BsgsPlan::new`]. 1 for the
    /// fewest keys, 3 for the least time.
    ///
    /// [`BsgsPlan::new`]: crate::linear::BsgsPlan::new
    pub giant_step: u32,
}

/// Stages that spend a level each, with the fewest rotations.
impl From<Vec<u32>> for Stages {
    fn from(merged: Vec<u32>) -> Self {
        Self { levels: merged.len(), merged, giant_step: 1 }
    }
}

impl Stages {
    /// The levels that were spent before a stage.
    pub fn spent_before(&self, stage: usize) -> usize {
        stage * self.levels / self.merged.len()
    }

    /// Whether the product of a stage is rescaled. The last is.
    pub fn rescales_after(&self, stage: usize) -> bool {
        self.spent_before(stage + 1) > self.spent_before(stage)
    }
}
