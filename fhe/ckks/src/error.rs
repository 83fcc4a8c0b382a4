//! What can go wrong, each with the value found and the value wanted.

use crate::keys::KeyKind;
use crate::params::KeyShape;
use crate::security::SecurityError;
use fhe_ring::primes::PrimeError;

/// Scales closer than this ratio are the same: far below the noise, far above rounding in the scale's own arithmetic.
const SCALE_TOLERANCE: f64 = 1e-9;

/// An operation or a set of parameters that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum CkksError {
    /// Parameters below 128 bits of security that did not say so.
    #[error(transparent)]
    Insecure(#[from] SecurityError),
    /// No such primes.
    #[error(transparent)]
    Primes(#[from] PrimeError),
    /// Parameters that contradict themselves.
    #[error("{what}: found {found}, wanted {wanted}")]
    Parameters {
        /// Which property.
        what: &'static str,
        /// Its value.
        found: String,
        /// What it must be.
        wanted: String,
    },
    /// Not enough levels are left.
    #[error(
        "{operation} needs level {wanted}, the ciphertext is at level {found}; bootstrap it or raise the level count"
    )]
    LevelTooLow {
        /// What was asked for.
        operation: &'static str,
        /// Level of the operand.
        found: usize,
        /// Lowest level that does.
        wanted: usize,
    },
    /// Operands that stand for their values at different scales.
    #[error("{operation}: scales 2^{:.6} and 2^{:.6} differ; bring the second to the first", found.log2(), wanted.log2())]
    ScaleMismatch {
        /// What was asked for.
        operation: &'static str,
        /// Scale of the second operand.
        found: f64,
        /// Scale of the first operand.
        wanted: f64,
    },
    /// Operands of different slot counts.
    #[error("{operation}: operands have {found} and {wanted} slots; encode both for the same number")]
    SlotMismatch {
        /// What was asked for.
        operation: &'static str,
        /// Slots of the second operand.
        found: usize,
        /// Slots of the first operand.
        wanted: usize,
    },
    /// A vector that does not fit, or is no power of two long.
    #[error("{found} slots: wanted a power of two up to {max}, half the ring dimension")]
    Slots {
        /// Number of slots asked for.
        found: usize,
        /// N/2.
        max: usize,
    },
    /// A value too large for its scale.
    #[error(
        "a coefficient of 2^{found:.1} exceeds the 2^{limit:.1} that encoding carries at this level; lower the scale or the values"
    )]
    EncodingOverflow {
        /// log2 of the largest scaled coefficient.
        found: f64,
        /// log2 of what fits: half the modulus of the level, and at most 2^62.
        limit: f64,
    },
    /// A value that is no number.
    #[error("value {index} to encode is {value}; wanted a finite number")]
    NotFinite {
        /// Its place.
        index: usize,
        /// What stands there.
        value: f64,
    },
    /// No such evaluation key, or only one for lower levels.
    #[error("no {kind} key for level {wanted} ({}); generate it", match found {
        Some(level) => format!("the tallest one reaches level {level}"),
        None => "there is none".to_owned(),
    })]
    MissingKey {
        /// Which key.
        kind: KeyKind,
        /// Level of the operand.
        wanted: usize,
        /// Level of the tallest such key.
        found: Option<usize>,
    },
    /// An evaluation key that decomposes otherwise than what it is used with was made for.
    #[error("{kind} key: found one of {found:?}, wanted {wanted:?}; request it for the level of its use")]
    KeyShape {
        /// Which key.
        kind: KeyKind,
        /// Its shape.
        found: KeyShape,
        /// The shape that the operation takes.
        wanted: KeyShape,
    },
}

impl CkksError {
    /// Whether an operand has the slots of the first one.
    ///
    /// # Errors
    /// Both counts.
    pub fn check_slots(operation: &'static str, wanted: usize, found: usize) -> Result<(), Self> {
        if wanted == found { Ok(()) } else { Err(Self::SlotMismatch { operation, found, wanted }) }
    }

    /// Whether an operand has the scale of the first one, but for rounding.
    ///
    /// # Errors
    /// Both scales.
    pub fn check_scales(operation: &'static str, wanted: f64, found: f64) -> Result<(), Self> {
        match (found / wanted - 1.0).abs() < SCALE_TOLERANCE {
            true => Ok(()),
            false => Err(Self::ScaleMismatch { operation, found, wanted }),
        }
    }
}
