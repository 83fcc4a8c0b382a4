//! Errors of the scheme. Each names the value found, the value wanted and what to do.

use fhe_ring::primes::PrimeError;

use crate::security::SecurityError;
use crate::shape::{KeyKind, KeyShape};

/// Scales whose ratio is closer to 1 than this count as equal: far below the noise, far above rounding of the scales.
const SCALE_TOLERANCE: f64 = 1e-9;

/// An operation that its operands do not allow, or a set of parameters that cannot exist.
#[derive(Debug, thiserror::Error)]
pub enum CkksError {
    /// Parameters below 128 bits of security whose literal does not accept that.
    #[error(transparent)]
    Insecure(#[from] SecurityError),
    /// There are no primes of these sizes.
    #[error(transparent)]
    Primes(#[from] PrimeError),
    /// Parameters that contradict themselves.
    #[error("{what}: found {found}, wanted {wanted}")]
    Parameters {
        /// The property concerned.
        what: &'static str,
        /// Its value.
        found: String,
        /// The values it may have.
        wanted: String,
    },
    /// An operand has too few levels.
    #[error(
        "{operation} needs level {wanted}, the ciphertext is at level {found}; bootstrap it or raise the level count"
    )]
    LevelTooLow {
        /// The operation.
        operation: &'static str,
        /// Level of the operand.
        found: usize,
        /// The lowest level that suffices.
        wanted: usize,
    },
    /// Operands of different scales.
    #[error("{operation}: scales 2^{:.6} and 2^{:.6} differ; bring the second to the first", found.log2(), wanted.log2())]
    ScaleMismatch {
        /// The operation.
        operation: &'static str,
        /// Scale of the second operand.
        found: f64,
        /// Scale of the first operand.
        wanted: f64,
    },
    /// A scale by which no value can be divided.
    #[error("{operation}: found scale {found:e}, wanted a positive normal number; rescale between multiplications")]
    Scale {
        /// The operation.
        operation: &'static str,
        /// The scale.
        found: f64,
    },
    /// Operands of different slot counts.
    #[error("{operation}: operands have {found} and {wanted} slots; encode both for the same number")]
    SlotMismatch {
        /// The operation.
        operation: &'static str,
        /// Slots of the second operand.
        found: usize,
        /// Slots of the first operand.
        wanted: usize,
    },
    /// A vector whose length is not a power of two or exceeds N/2.
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
        /// log2 of the bound: half the modulus of the level, and at most what an integer of the encoder holds.
        limit: f64,
    },
    /// A value that is NaN or infinite.
    #[error("value {index} to encode is {value}; wanted a finite number")]
    NotFinite {
        /// Index of the value.
        index: usize,
        /// The value.
        value: f64,
    },
    /// There is no such evaluation key, or only one for lower levels.
    #[error("no {kind} key for level {wanted} ({}); generate it", match found {
        Some(level) => format!("the tallest one reaches level {level}"),
        None => "there is none".to_owned(),
    })]
    MissingKey {
        /// The kind of key.
        kind: KeyKind,
        /// Level of the operand.
        wanted: usize,
        /// Level of the tallest key of this kind.
        found: Option<usize>,
    },
    /// A switching key that reaches only lower levels than the ciphertext's.
    #[error(
        "switching key: found one up to level {found}, wanted level {wanted}; lower the ciphertext or generate the key for its level"
    )]
    ShortKey {
        /// The highest level that the key serves.
        found: usize,
        /// Level of the operand.
        wanted: usize,
    },
    /// An evaluation key of another shape than the operation was prepared for.
    #[error("{kind} key: found one of {found:?}, wanted {wanted:?}; request it for the level of its use")]
    KeyShape {
        /// The kind of key.
        kind: KeyKind,
        /// Its shape.
        found: KeyShape,
        /// The shape that the operation needs.
        wanted: KeyShape,
    },
    /// A file without a name, for keys and constants, in which the file system stores nothing more.
    #[error(
        "file for keys and constants: {0}; make room on that file system, name another folder, or hold them in memory"
    )]
    Shelf(#[source] std::io::Error),
}

/// A file for keys and constants that the file system refused.
impl From<std::io::Error> for CkksError {
    fn from(error: std::io::Error) -> Self {
        Self::Shelf(error)
    }
}

impl CkksError {
    /// Checks that an operand has the slots of the first one.
    ///
    /// # Errors
    /// [`CkksError::SlotMismatch`] with both counts.
    pub fn check_slots(operation: &'static str, wanted: usize, found: usize) -> Result<(), Self> {
        if wanted == found { Ok(()) } else { Err(Self::SlotMismatch { operation, found, wanted }) }
    }

    /// Checks that an operand has the scale of the first one, up to rounding.
    ///
    /// # Errors
    /// [`CkksError::ScaleMismatch`] with both scales.
    pub fn check_scales(operation: &'static str, wanted: f64, found: f64) -> Result<(), Self> {
        let equal = (found / wanted - 1.0).abs() < SCALE_TOLERANCE;
        if equal { Ok(()) } else { Err(Self::ScaleMismatch { operation, found, wanted }) }
    }
}
