//! Where the bytes of a frame come from: a stream, or a file that is mapped into memory.

use std::io::Read;

use fhe_ring::MappedFile;
use fhe_ring::packed::{PackedLimb, packed_len};

use super::error::SerialError;

/// A source of bytes and of packed residues.
pub trait Source: Read {
    /// Returns the next `count` packed residues of `bits` bits each. `what` names them in errors.
    ///
    /// # Errors
    /// [`SerialError::Truncated`] if the source ends before them, [`SerialError::Io`] if it fails.
    fn packed(&mut self, what: &'static str, count: usize, bits: u32) -> Result<PackedLimb, SerialError>;
}

/// A stream, whose packed residues are copied into memory.
pub(crate) struct Stream<R>(pub R);

impl<R: Read> Read for Stream<R> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(bytes)
    }
}

impl<R: Read> Source for Stream<R> {
    fn packed(&mut self, what: &'static str, count: usize, bits: u32) -> Result<PackedLimb, SerialError> {
        PackedLimb::read(count, bits, |bytes| read_fully(&mut self.0, what, bytes))
    }
}

/// A mapped file, whose packed residues stay where they are.
pub(crate) struct Mapped {
    file: MappedFile,
    /// Number of bytes that were read.
    at: usize,
}

impl Mapped {
    pub(crate) fn new(file: &MappedFile) -> Self {
        Self { file: file.clone(), at: 0 }
    }

    fn rest(&self) -> &[u8] {
        &self.file.bytes()[self.at..]
    }
}

impl Read for Mapped {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let count = self.rest().read(bytes)?;
        self.at += count;
        Ok(count)
    }
}

impl Source for Mapped {
    fn packed(&mut self, what: &'static str, count: usize, bits: u32) -> Result<PackedLimb, SerialError> {
        let (found, wanted) = (self.rest().len(), packed_len(count, bits));
        if found < wanted {
            return Err(SerialError::Truncated { what, found: found as u64, wanted: wanted as u64 });
        }
        let limb = PackedLimb::mapped(&self.file, self.at, count, bits);
        self.at += wanted;
        Ok(limb)
    }
}

/// Reads until `bytes` is full or the stream ends. Returns the number of bytes read.
pub(super) fn read_up_to(input: &mut impl Read, bytes: &mut [u8]) -> Result<usize, SerialError> {
    let mut filled = 0;
    while filled < bytes.len() {
        match input.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(filled)
}

/// Fills `bytes`, or fails because the stream ends early.
pub(super) fn read_fully(input: &mut impl Read, what: &'static str, bytes: &mut [u8]) -> Result<(), SerialError> {
    let (found, wanted) = (read_up_to(input, bytes)? as u64, bytes.len() as u64);
    if found == wanted { Ok(()) } else { Err(SerialError::Truncated { what, found, wanted }) }
}
