//! Keys and ciphertexts as bytes.
//!
//! Every object is one frame, all numbers little-endian:
//!
//! | bytes | contents |
//! |---|---|
//! | 8 | magic number `CIPHRLAB` |
//! | 2 | version of the format |
//! | 2 | [`Kind`] of object |
//! | 16 | [`Parameters::digest`] |
//! | 8 | length of the payload |
//! | … | payload |
//! | 16 | checksum: the first half of SHA-256 over everything before it |
//!
//! A polynomial is its limbs in order, each residue in as many bits as its prime has (50 where memory takes 64), the
//! lowest bits first. Payloads:
//!
//! * **ciphertext**: number of main primes and number of slots (4 bytes each), scale (8, binary64), c₀, c₁;
//! * **public key**: the seed of a (32), b;
//! * **switching key**: main primes, special primes and digit size of its shape (4 each), the seed of every aⱼ (32), bⱼ
//!   for each digit;
//! * **evaluation keys**: their number (4), then for each its kind (1), Galois exponent or 0 (8) and switching key, in
//!   ascending order of kind, exponent and height;
//! * **secret key**: two bits a coefficient, 0, 1 or 3 for 0, 1 or −1.
//!
//! An object has one encoding only: what was read is written back to the same bytes. The checksum finds accidents. It
//! is SHA-256 and not a CRC because with some hundred megabytes of keys a 32-bit sum would overlook one damaged set in
//! 2^32, and the processor's SHA instructions keep up with a disk. It is *no signature*: who can alter the file can
//! alter the checksum, so every value is checked as if there were none.
//!
//! Memory grows with the bytes that have arrived, never with a length that is only stated: reading allocates one limb
//! after its residues are there, and for a public key as much again for the regenerated half.

mod digest;
mod error;
mod frame;
mod objects;
mod pack;
mod secret;

use std::io::{Read, Write};

pub(crate) use digest::parameters_digest;
pub use error::SerialError;

use crate::ciphertext::Ciphertext;
use crate::keys::{EvaluationKeys, PublicKey, SwitchingKey};
use crate::params::Parameters;
use frame::{Payload, Writer};

/// The first bytes of every object.
pub const MAGIC: [u8; 8] = *b"CIPHRLAB";

/// The version of the format that this release writes and reads.
pub const VERSION: u16 = 2;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Kind {
    /// A [`SecretKey`](crate::SecretKey).
    SecretKey = 1,
    /// A [`PublicKey`].
    PublicKey = 2,
    /// A [`SwitchingKey`].
    SwitchingKey = 3,
    /// A set of [`EvaluationKeys`].
    EvaluationKeys = 4,
    /// A [`Ciphertext`].
    Ciphertext = 5,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::SecretKey, Self::PublicKey, Self::SwitchingKey, Self::EvaluationKeys, Self::Ciphertext];

    fn describe(code: u16) -> String {
        let known = Self::ALL.into_iter().find(|&kind| kind as u16 == code);
        known.map_or_else(|| format!("the unknown code {code}"), |kind| kind.to_string())
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SecretKey => "secret key",
            Self::PublicKey => "public key",
            Self::SwitchingKey => "switching key",
            Self::EvaluationKeys => "evaluation keys",
            Self::Ciphertext => "ciphertext",
        })
    }
}

/// An object that may leave the machine. Secret keys are not among them: see
/// [`SecretKey::to_bytes_secret`](crate::SecretKey::to_bytes_secret).
///
/// Streams are read and written a limb at a time, so that a key set needs no second copy in memory; a file is best
/// wrapped in neither `BufReader` nor `BufWriter`.
pub trait Serial: Payload {
    /// The exact number of bytes that [`Serial::write_to`] writes.
    fn serialized_len(&self) -> u64 {
        frame::OVERHEAD + self.payload_len()
    }

    /// Writes the object.
    ///
    /// # Errors
    /// The stream's, or the object's if it is none of these parameters.
    fn write_to(&self, params: &Parameters, out: impl Write) -> Result<(), SerialError> {
        self.check(params)?;
        let mut writer = Writer::begin(out, params, Self::KIND, self.payload_len())?;
        self.write(&mut writer)?;
        writer.finish()
    }

    /// Reads one object and leaves the stream behind its end.
    ///
    /// # Errors
    /// [`SerialError`] for whatever is not exactly an object of these parameters.
    fn read_from(params: &Parameters, input: impl Read) -> Result<Self, SerialError> {
        frame::read_from(params, input).map(|(object, _)| object)
    }

    /// Reads a stream that holds one object and nothing else.
    ///
    /// # Errors
    /// As [`Serial::read_from`], and for bytes that follow.
    fn read_whole(params: &Parameters, input: impl Read) -> Result<Self, SerialError> {
        frame::read_whole(params, input)
    }

    /// The object as bytes.
    ///
    /// # Errors
    /// If the object is none of these parameters.
    fn to_bytes(&self, params: &Parameters) -> Result<Vec<u8>, SerialError> {
        let mut bytes = Vec::with_capacity(self.serialized_len() as usize);
        self.write_to(params, &mut bytes)?;
        Ok(bytes)
    }

    /// The object that these bytes are, all of them.
    ///
    /// # Errors
    /// As [`Serial::read_whole`].
    fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, SerialError> {
        Self::read_whole(params, bytes)
    }
}

impl Serial for Ciphertext {}
impl Serial for PublicKey {}
impl Serial for SwitchingKey {}
impl Serial for EvaluationKeys {}
