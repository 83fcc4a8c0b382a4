//! Reasons to refuse bytes. Each names the value found and the value wanted.

use super::kind::{Kind, MAGIC, VERSION};

/// Bytes that are not an object of these parameters, or an object that cannot be written for them.
#[derive(Debug, thiserror::Error)]
pub enum SerialError {
    /// The stream itself failed.
    #[error("stream: {0}")]
    Io(#[from] std::io::Error),
    /// The stream ended early.
    #[error("truncated: {what} has {found} of its {wanted} bytes")]
    Truncated {
        /// The part that is cut off.
        what: &'static str,
        /// Number of its bytes that were there.
        found: u64,
        /// Number of bytes that it has in full.
        wanted: u64,
    },
    /// Not a file of this library.
    #[error("magic number: found {}, wanted {}", hex(found), hex(&MAGIC))]
    Magic {
        /// The first bytes.
        found: [u8; 8],
    },
    /// Another version of the format.
    #[error("format version: found {found}, wanted {VERSION}")]
    Version {
        /// The version stated.
        found: u16,
    },
    /// Another kind of object.
    #[error("kind of object: found {}, wanted {wanted}", Kind::describe(*found))]
    Kind {
        /// The kind stated.
        found: u16,
        /// The kind asked for.
        wanted: Kind,
    },
    /// Made under other parameters, or by a release with another transform or seed expansion.
    #[error(
        "parameters: found digest {}, wanted {}; load it with the parameters it was made under",
        hex(found),
        hex(wanted)
    )]
    Parameters {
        /// The digest stated.
        found: [u8; 16],
        /// [`Parameters::digest`](crate::Parameters::digest) of the parameters at hand.
        wanted: [u8; 16],
    },
    /// The stated length contradicts the contents.
    #[error("length: {what} takes {wanted} bytes, the header leaves {found}")]
    Length {
        /// The part concerned.
        what: &'static str,
        /// Bytes that the header's length leaves for it.
        found: u64,
        /// Bytes that it takes.
        wanted: u64,
    },
    /// The data was damaged on the way.
    #[error("checksum: found {}, wanted {}; the data is damaged", hex(found), hex(wanted))]
    Checksum {
        /// The checksum stated.
        found: [u8; 16],
        /// The checksum of the bytes that were read.
        wanted: [u8; 16],
    },
    /// Bytes after the end of the object.
    #[error("trailing bytes: found at least {found} after the object, wanted none")]
    Trailing {
        /// Number of bytes seen.
        found: u64,
    },
    /// A number outside its range.
    #[error("{what}: found {found}, wanted {least} to {most}")]
    Range {
        /// The number's name.
        what: &'static str,
        /// Its value.
        found: u64,
        /// The smallest allowed value.
        least: u64,
        /// The largest allowed value.
        most: u64,
    },
    /// A residue that is not reduced.
    #[error("residue {index} of limb {limb}: found {found}, wanted less than the prime {modulus}")]
    Residue {
        /// Index of the limb in its polynomial.
        limb: usize,
        /// Index of the residue in the limb.
        index: usize,
        /// Its value.
        found: u64,
        /// The limb's prime.
        modulus: u64,
    },
    /// A scale that no ciphertext of its level has: NaN, below 1, or at least the modulus, in which a slot of 1 must
    /// fit.
    #[error("scale: found {found:e}, wanted 1 to 2^{most_log2:.1}, the bound of this level")]
    Scale {
        /// The scale stated.
        found: f64,
        /// log2 of the bound: the modulus of the level, and at most 2^126.
        most_log2: f64,
    },
    /// A number of slots that no ciphertext has.
    #[error("slots: found {found}, wanted a power of two up to {max}")]
    Slots {
        /// The number stated.
        found: u64,
        /// N/2.
        max: u64,
    },
    /// An even exponent g: X ↦ X^g is not an automorphism then.
    #[error("Galois exponent: found {found}, wanted an odd number")]
    EvenGalois {
        /// The exponent stated.
        found: u64,
    },
    /// An exponent for a kind of evaluation key that has none.
    #[error("exponent of a key that is not a Galois key: found {found}, wanted 0")]
    StrayExponent {
        /// The exponent stated.
        found: u64,
    },
    /// Keys in the wrong order, or one key twice.
    #[error("order of keys: found {found} after {previous}; wanted each kind and height once, in ascending order")]
    KeyOrder {
        /// The later key.
        found: String,
        /// The key before it.
        previous: String,
    },
    /// A secret coefficient outside {−1, 0, 1}.
    #[error("secret coefficient {index}: found code 2, wanted 0 (zero), 1 (one) or 3 (minus one)")]
    Coefficient {
        /// Index of the coefficient.
        index: usize,
    },
    /// A secret whose weight does not fit the distribution of the parameters.
    #[error("weight of the secret: found {found}, wanted {wanted}")]
    Weight {
        /// Number of nonzero coefficients.
        found: usize,
        /// The weights that fit.
        wanted: String,
    },
    /// An object to be written that belongs to another ring.
    #[error("ring: the object is held modulo {found}, the parameters have {wanted}")]
    Ring {
        /// The object's ring.
        found: String,
        /// The parameters' ring.
        wanted: String,
    },
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
