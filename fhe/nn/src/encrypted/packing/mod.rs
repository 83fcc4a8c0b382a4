//! Packings: where values stand among the slots, and how a convolution gets from one layout to the next.
//!
//! A packing is a type with a `Scheme`; it writes its convolution once, over `Slots`, which are ciphertexts for the
//! server, levels and keys for the planner, and numbers for tests. What follows from a scheme, for the schedule, the keys
//! and the memory, is asked of the enum [`Packing`]. A further packing is a file, and a line in `packings!` below.

mod batch;
#[cfg(test)]
mod clear;
mod count;
mod diagonal;
mod encrypted;
mod fused;
mod moves;
mod multiplexed;
#[cfg(test)]
mod tests;
mod vector;

use fhe_ckks::CkksError;

use super::circuit::Circuit;
use super::layout::Layout;
use super::matvec::MatVecPlan;
use super::schedule::Term;
use super::slot_matrix::SlotMatrix;

#[cfg(test)]
pub(super) use clear::{Clear, ClearSlots};
pub(super) use count::Count;
pub(super) use encrypted::Encrypted;

/// What a packing decides.
pub(super) trait Scheme {
    /// As on the command line.
    const NAME: &'static str;

    /// Levels that a convolution spends.
    const LEVELS: usize = 1;

    /// Levels that a convolution with a stride spends, where it needs more than others: its input is bootstrapped once
    /// more.
    const REFRESHED_LEVELS: Option<usize> = None;

    /// Images that a ciphertext of `max_slots` slots holds, where one takes `slots`.
    fn images(max_slots: usize, slots: usize) -> usize {
        let _ = (max_slots, slots);
        1
    }

    /// Where a layer's values stand.
    fn layout(channels: usize, side: usize) -> Layout;

    /// A convolution with every weight times `factor`, without its bias: from [`Circuit::convolution_level`] down to the
    /// level above the next bootstrap, where it is left unscaled for others to be added.
    ///
    /// # Errors
    /// A missing key, or an input below its level.
    fn product<S: Slots>(
        slots: &mut S,
        circuit: &Circuit,
        term: &Term<'_, S::Vector>,
        to: Layout,
        factor: f64,
    ) -> Result<S::Vector, CkksError>;
}

/// The scale of a product after rescaling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aim {
    /// That of the input.
    Keep,
    /// [`Circuit::linear_scale`], which bootstraps take.
    Linear,
}

/// What the circuit of a convolution is made of, whatever a vector of slots is.
pub(super) trait Slots {
    /// A vector of slots.
    type Vector: Clone;

    /// The vector lowered to `level` and read as one of `slots` slots: repeated, or one that repeats.
    fn at(&mut self, x: &Self::Vector, level: usize, slots: usize) -> Result<Self::Vector, CkksError>;

    /// The slots moved to the left by `steps`.
    fn rotate(&mut self, x: &Self::Vector, steps: i64) -> Result<Self::Vector, CkksError>;

    /// The slots moved to the left by each of `steps`, which share a decomposition.
    fn rotations(&mut self, x: &Self::Vector, steps: &[i64]) -> Result<Vec<Self::Vector>, CkksError>;

    /// Σ x ⊙ w over pairs of a vector and as many numbers, to be rescaled. Vectors are of one level and scale.
    fn weighted_sum(&mut self, terms: &[(&Self::Vector, &[f64])], aim: Aim) -> Result<Self::Vector, CkksError>;

    /// The matrix times the vector, to be rescaled.
    fn multiply(
        &mut self,
        x: &Self::Vector,
        matrix: &SlotMatrix,
        plan: &MatVecPlan,
        aim: Aim,
    ) -> Result<Self::Vector, CkksError>;

    /// The same by one transform of all diagonals, whose distances are those between slots of `layout`.
    fn transform(
        &mut self,
        x: &Self::Vector,
        matrix: &SlotMatrix,
        layout: Layout,
        aim: Aim,
    ) -> Result<Self::Vector, CkksError>;

    /// A number times the vector, to be rescaled to [`Aim::Linear`].
    fn multiply_constant(&mut self, x: &Self::Vector, c: f64) -> Result<Self::Vector, CkksError>;

    /// The sum of two vectors.
    fn add(&mut self, a: Self::Vector, b: &Self::Vector) -> Result<Self::Vector, CkksError>;

    /// A vector plus numbers.
    fn add_clear(&mut self, a: Self::Vector, numbers: &[f64]) -> Result<Self::Vector, CkksError>;

    /// Every slot the sum of `count` slots `stride` apart; `count` is a power of two.
    fn sum(&mut self, x: Self::Vector, stride: usize, count: usize) -> Result<Self::Vector, CkksError>;

    /// One level lower.
    fn rescale(&mut self, x: Self::Vector) -> Result<Self::Vector, CkksError>;
}

/// The enum of all packings, and its methods that ask the variant's scheme.
macro_rules! packings {
    ($($(#[$doc:meta])* $variant:ident = $scheme:ty,)*) => {
        /// How values stand in the slots, and how convolutions are evaluated there.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Packing {
            $($(#[$doc])* $variant,)*
        }

        impl Packing {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => <$scheme>::NAME,)* }
            }

            /// Where a layer's values stand.
            pub fn layout(self, channels: usize, side: usize) -> Layout {
                match self { $(Self::$variant => <$scheme>::layout(channels, side),)* }
            }

            /// Images that a ciphertext of `max_slots` slots holds, where one takes `slots`.
            pub fn images(self, max_slots: usize, slots: usize) -> usize {
                match self { $(Self::$variant => <$scheme>::images(max_slots, slots),)* }
            }

            /// Levels that a convolution spends.
            pub fn levels(self) -> usize {
                match self { $(Self::$variant => <$scheme>::LEVELS,)* }
            }

            /// Levels that a convolution with a stride spends whose input is bootstrapped once more; `None` if none is.
            pub fn refreshed_levels(self) -> Option<usize> {
                match self { $(Self::$variant => <$scheme>::REFRESHED_LEVELS,)* }
            }

            /// See [`Scheme::product`].
            pub(super) fn product<S: Slots>(
                self,
                slots: &mut S,
                circuit: &Circuit,
                term: &Term<'_, S::Vector>,
                to: Layout,
                factor: f64,
            ) -> Result<S::Vector, CkksError> {
                match self { $(Self::$variant => <$scheme>::product(slots, circuit, term, to, factor),)* }
            }
        }
    };
}

packings! {
    /// Channels fill the gaps that strides leave, and a convolution of any stride is one matrix in one level, with a
    /// split into steps that takes few keys.
    Fused = fused::Fused,
    /// The paper's: channel after channel in dense blocks, five rotation keys a layer, strides by masks and rotations.
    Vector = vector::Vector,
    /// Multiplexed parallel convolutions: copies take all slots, each for an output channel of its own; two levels.
    Multiplexed = multiplexed::Multiplexed,
    /// The layout of the first, each convolution one double-hoisted product with a matrix's diagonals.
    Diagonal = diagonal::Diagonal,
    /// The first, with as many images in a ciphertext as the ring has slots for: two at N = 2^16, four at 2^17.
    Batch = batch::Batch,
}

impl Packing {
    /// Whether the input of a block with this stride is bootstrapped once more.
    pub fn refreshes(self, stride: usize) -> bool {
        stride > 1 && self.refreshed_levels().is_some()
    }

    /// Levels that a convolution with this stride spends.
    pub fn levels_of(self, stride: usize) -> usize {
        self.refreshed_levels().filter(|_| stride > 1).unwrap_or(self.levels())
    }
}

/// The fastest.
impl Default for Packing {
    fn default() -> Self {
        Self::Fused
    }
}

impl std::fmt::Display for Packing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no packing's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown packing '{found}'; wanted {}", Packing::ALL.iter().map(|p| p.name()).collect::<Vec<_>>().join(", "))]
pub struct UnknownPacking {
    found: String,
}

impl std::str::FromStr for Packing {
    type Err = UnknownPacking;

    fn from_str(name: &str) -> Result<Self, UnknownPacking> {
        let known = Self::ALL.iter().copied().find(|packing| packing.name() == name);
        known.ok_or_else(|| UnknownPacking { found: name.to_owned() })
    }
}
