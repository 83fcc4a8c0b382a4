//! Why bytes are refused, each with the value found and the value wanted.

use super::{Kind, VERSION};

/// Bytes that are no object of these parameters, or an object that cannot be written for them.
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
        /// Bytes of it that were there.
        found: u64,
        /// Bytes that it has.
        wanted: u64,
    },
    /// Not a file of this library.
    #[error("magic number: found {}, wanted {}", hex(found), hex(&super::MAGIC))]
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
    /// A bit has changed on the way.
    #[error("checksum: found {}, wanted {}; the data is damaged", hex(found), hex(wanted))]
    Checksum {
        /// The checksum stated.
        found: [u8; 16],
        /// The checksum of what was read.
        wanted: [u8; 16],
    },
    /// Bytes after the end of the object.
    #[error("trailing bytes: found at least {found} after the object, wanted none")]
    Trailing {
        /// How many were seen.
        found: u64,
    },
    /// A number outside its range.
    #[error("{what}: found {found}, wanted {least} to {most}")]
    Range {
        /// Which number.
        what: &'static str,
        /// Its value.
        found: u64,
        /// The smallest that can be.
        least: u64,
        /// The largest that can be.
        most: u64,
    },
    /// A residue that is not reduced.
    #[error("residue {index} of limb {limb}: found {found}, wanted less than the prime {modulus}")]
    Residue {
        /// Which limb of its polynomial.
        limb: usize,
        /// Its place in the limb.
        index: usize,
        /// Its value.
        found: u64,
        /// The limb's prime.
        modulus: u64,
    },
    /// A scale by which nothing can be divided.
    #[error("scale: found {found}, wanted a positive normal number")]
    Scale {
        /// The scale stated.
        found: f64,
    },
    /// A number of slots that no ciphertext has.
    #[error("slots: found {found}, wanted a power of two up to {max}")]
    Slots {
        /// The number stated.
        found: u64,
        /// N/2.
        max: u64,
    },
    /// An even exponent X ↦ X^g, which is no automorphism.
    #[error("Galois exponent: found {found}, wanted an odd number")]
    EvenGalois {
        /// The exponent stated.
        found: u64,
    },
    /// A kind of evaluation key that has no exponent, with one.
    #[error("exponent of a key that is no Galois key: found {found}, wanted 0")]
    StrayExponent {
        /// The exponent stated.
        found: u64,
    },
    /// Keys out of order or twice.
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
        /// Its place.
        index: usize,
    },
    /// A secret of a weight that the parameters do not name.
    #[error("weight of the secret: found {found}, wanted {wanted}")]
    Weight {
        /// Number of nonzero coefficients.
        found: usize,
        /// The weights that the parameters name.
        wanted: String,
    },
    /// An object to be written that lives in another ring.
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
