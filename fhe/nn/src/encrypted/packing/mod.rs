//! Packings: the places of values among the slots, and convolutions from one layout to the next.
//!
//! A packing is a type that implements `Scheme`. It writes its convolution once, over `Slots`, which are ciphertexts
//! for the server, levels for the planner and numbers for tests. The enum [`Packing`] answers what follows from a
//! scheme for the schedule, the keys and the memory. A further packing is a file, and a line in `packings!` below.

mod batch;
mod diagonal;
mod fused;
mod moves;
mod multiplexed;
mod spread;
#[cfg(test)]
mod tests;
mod vector;

use fhe_ckks::CkksError;

use super::interleave::Interleave;
use super::layout::Layout;
use super::profile::Masks;
use super::slots::{Operand, Slots};

/// The levels and slots of a circuit that a convolution depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Levels {
    /// Level at which the convolution starts.
    pub convolution: usize,
    /// Level of the result.
    pub end: usize,
    /// The slots of the ring.
    pub max_slots: usize,
    /// The room for masks before the product.
    pub masks: Masks,
}

/// The decisions of a packing.
pub(super) trait Scheme {
    /// The name on the command line and in configs.
    const NAME: &'static str;

    /// Number of levels that a convolution spends.
    const LEVELS: usize = 1;

    /// Number of levels that a convolution with a stride spends, if its input has to be bootstrapped once more for
    /// them.
    const REFRESHED_LEVELS: Option<usize> = None;

    /// Whether convolutions share their work among copies of their input, with masks.
    const SPREADS: bool = false;

    /// Whether the imaginary parts of slots hold images of their own.
    const COMPLEX: bool = false;

    /// Number of images in the real parts of `max_slots` slots, if one image needs `slots`.
    fn stride(max_slots: usize, slots: usize) -> usize {
        let _ = (max_slots, slots);
        1
    }

    /// The layout of a layer's values.
    fn layout(channels: usize, side: usize) -> Layout;

    /// The convolution of an operand, every weight times `factor`, without its bias. It starts at
    /// [`Levels::convolution`] and ends one level above [`Levels::end`], before the rescaling, so that other products can
    /// be added.
    ///
    /// # Errors
    /// A missing key, or an input below its level.
    fn product<S: Slots>(
        slots: &mut S,
        levels: Levels,
        operand: &Operand<'_, S::Vector>,
        to: Layout,
        factor: f64,
    ) -> Result<S::Vector, CkksError>;
}

/// The enum of all packings, and its methods that ask the variant's scheme.
macro_rules! packings {
    ($($(#[$doc:meta])* $variant:ident = $scheme:ty,)*) => {
        /// The arrangement of values in the slots, and the way in which convolutions are evaluated there.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Packing {
            $($(#[$doc])* $variant,)*
        }

        impl Packing {
            /// Every packing.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name on the command line and in configs.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => <$scheme>::NAME,)* }
            }

            /// The layout of a layer's values.
            pub fn layout(self, channels: usize, side: usize) -> Layout {
                match self { $(Self::$variant => <$scheme>::layout(channels, side),)* }
            }

            /// Whether the imaginary parts of slots hold images of their own.
            pub fn complex(self) -> bool {
                match self { $(Self::$variant => <$scheme>::COMPLEX,)* }
            }

            /// The images in a ciphertext of `max_slots` slots, if one image needs `slots`.
            pub fn interleave(self, max_slots: usize, slots: usize) -> Interleave {
                let stride = match self { $(Self::$variant => <$scheme>::stride(max_slots, slots),)* };
                Interleave { stride, complex: self.complex() }
            }

            /// Number of levels that a convolution spends.
            pub fn levels(self) -> usize {
                match self { $(Self::$variant => <$scheme>::LEVELS,)* }
            }

            /// Number of levels that a convolution with a stride spends, if its input is bootstrapped once more for
            /// them.
            pub fn refreshed_levels(self) -> Option<usize> {
                match self { $(Self::$variant => <$scheme>::REFRESHED_LEVELS,)* }
            }

            /// Whether convolutions share their work among copies of their input, with masks.
            pub fn spreads(self) -> bool {
                match self { $(Self::$variant => <$scheme>::SPREADS,)* }
            }

            /// The product of [`Scheme::product`].
            pub(super) fn product<S: Slots>(
                self,
                slots: &mut S,
                levels: Levels,
                operand: &Operand<'_, S::Vector>,
                to: Layout,
                factor: f64,
            ) -> Result<S::Vector, CkksError> {
                match self { $(Self::$variant => <$scheme>::product(slots, levels, operand, to, factor),)* }
            }
        }
    };
}

packings! {
    /// Channels fill the gaps that strides leave. A convolution of any stride is one matrix in one level, split into
    /// steps that need few keys.
    Fused = fused::Fused,
    /// The packing of ePrint 2024/460: channel after channel in dense blocks, five rotation keys for a layer, strides
    /// by masks and rotations.
    Vector = vector::Vector,
    /// Multiplexed parallel convolutions (ePrint 2021/1688): copies fill all slots, and each computes its own output
    /// channels, in two levels.
    Multiplexed = multiplexed::Multiplexed,
    /// The layout of `Fused`; each convolution is one double-hoisted product with the diagonals of a matrix.
    Diagonal = diagonal::Diagonal,
    /// `Fused` with as many images in a ciphertext as the ring has room for: two at N = 2^15, four at 2^16.
    Batch = batch::Batch,
}

impl Packing {
    /// Whether the input of a convolution with this stride is bootstrapped once more.
    pub fn refreshes(self, stride: usize) -> bool {
        stride > 1 && self.refreshed_levels().is_some()
    }

    /// Number of levels that a convolution with this stride spends.
    pub fn levels_of(self, stride: usize) -> usize {
        self.refreshed_levels().filter(|_| stride > 1).unwrap_or(self.levels())
    }
}

/// The fastest packing for one image.
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

/// The error for a name that belongs to no packing.
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
