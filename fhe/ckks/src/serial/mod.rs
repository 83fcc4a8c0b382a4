//! Keys and ciphertexts as bytes.
//!
//! Every object is one frame, with all numbers little-endian:
//!
//! | bytes | contents |
//! |---|---|
//! | 8 | magic number `CIPHRLAB` |
//! | 2 | version of the format |
//! | 2 | [`Kind`] of object |
//! | 16 | [`Parameters::digest`] |
//! | 8 | length of the payload |
//! | … | payload |
//! | 16 | checksum: the first half of SHA-256 over all bytes before it |
//!
//! A polynomial is written limb by limb. Each residue has as many bits as its prime (at most 50, where memory holds
//! 64), the lowest bits first. The payloads are:
//!
//! * **ciphertext**: number of main primes and number of slots (4 bytes each), scale (8, binary64), c₀, c₁;
//! * **seeded ciphertext**: the same three numbers, the seed of c₁ (32), c₀;
//! * **public key**: the seed of a (32), b;
//! * **switching key**: number of main primes, number of special primes and digit length of its shape (4 each), the
//!   seed of every aⱼ (32), bⱼ for each digit;
//! * **evaluation keys**: their number (4), then for each key its kind (1), Galois exponent or 0 (8) and switching key,
//!   in ascending order of kind, exponent and height;
//! * **secret key**: two bits a coefficient, 0, 1 or 3 for 0, 1 or −1.
//!
//! An object has exactly one encoding: reading and writing it gives the same bytes. The checksum detects accidents. It
//! is SHA-256 instead of a CRC because a 32-bit sum would miss one damaged set in 2^32 among some hundred megabytes of
//! keys, and the processor's SHA instructions keep up with a disk. It is *not a signature*: whoever can change the file
//! can change the checksum. So every value is checked as if there were no checksum, and an object that was read never
//! makes the evaluator panic.
//!
//! Memory grows with the bytes that have arrived, not with a length that a header states: reading allocates a limb when
//! its turn comes, and for a public key as much again for the regenerated half.

mod error;
mod frame;
mod kind;
mod objects;
mod pack;
mod secret;
mod source;

use std::io::{Read, Write};

use fhe_ring::MappedFile;

pub use error::SerialError;
pub use kind::{Kind, MAGIC, VERSION};

use crate::ciphertext::{Ciphertext, SeededCiphertext};
use crate::keys::{EvaluationKeys, PublicKey, SwitchingKey};
use crate::params::Parameters;
use frame::{Payload, Writer};
use source::{Mapped, Stream};

/// An object that may leave the machine. Secret keys are not among them: see
/// [`SecretKey::to_bytes_secret`](crate::SecretKey::to_bytes_secret).
///
/// Streams are read and written a limb at a time, so a key set needs no second copy in memory. A file needs neither
/// `BufReader` nor `BufWriter`.
pub trait Serial: Payload {
    /// The exact number of bytes that [`Serial::write_to`] writes.
    fn serialized_len(&self) -> u64 {
        frame::OVERHEAD + self.payload_len()
    }

    /// Writes the object.
    ///
    /// # Errors
    /// [`SerialError::Io`] if the stream fails; another [`SerialError`] if the object does not belong to these
    /// parameters or could not be read again.
    fn write_to(&self, params: &Parameters, out: impl Write) -> Result<(), SerialError> {
        self.check(params)?;
        let mut writer = Writer::begin(out, params, Self::KIND, self.payload_len())?;
        self.write(&mut writer)?;
        writer.finish()
    }

    /// Reads one object and leaves the stream behind its end.
    ///
    /// # Errors
    /// [`SerialError`] for anything but an object of these parameters.
    fn read_from(params: &Parameters, input: impl Read) -> Result<Self, SerialError> {
        frame::read_from(params, Stream(input)).map(|(object, _)| object)
    }

    /// Reads a stream that holds one object and nothing else.
    ///
    /// # Errors
    /// Those of [`Serial::read_from`]; [`SerialError::Trailing`] for bytes that follow.
    fn read_whole(params: &Parameters, input: impl Read) -> Result<Self, SerialError> {
        frame::read_whole(params, Stream(input))
    }

    /// Returns the object as bytes.
    ///
    /// # Errors
    /// [`SerialError`] if the object does not belong to these parameters or could not be read again.
    fn to_bytes(&self, params: &Parameters) -> Result<Vec<u8>, SerialError> {
        let mut bytes = Vec::with_capacity(self.serialized_len() as usize);
        self.write_to(params, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads the object that these bytes are, all of them.
    ///
    /// # Errors
    /// Those of [`Serial::read_whole`].
    fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, SerialError> {
        Self::read_whole(params, bytes)
    }
}

impl Serial for Ciphertext {}
impl Serial for SeededCiphertext {}
impl Serial for PublicKey {}
impl Serial for SwitchingKey {}
impl Serial for EvaluationKeys {}

impl EvaluationKeys {
    /// Reads the keys that a mapped file is. They stay in the file: the system reads their pages when they are needed,
    /// and may drop them. Every value is checked here, once.
    ///
    /// # Errors
    /// Those of [`Serial::read_whole`].
    pub fn from_mapped(params: &Parameters, file: &MappedFile) -> Result<Self, SerialError> {
        frame::read_whole(params, Mapped::new(file))
    }
}
