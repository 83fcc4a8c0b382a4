//! Encoded matrices in a file: written once, then mapped into memory in place of being encoded again.
//!
//! The format is for one machine and one release; whoever keeps such a file has to note what it belongs to, and to find
//! damage by a checksum of its own. Numbers are little-endian and take eight bytes.

use std::io::{self, Write};

use fhe_ring::MappedFile;

/// A mapped file with the place up to which it was read.
#[derive(Debug)]
pub struct Stored {
    file: MappedFile,
    at: usize,
}

impl Stored {
    /// Reads a file from byte `at` on.
    pub fn new(file: &MappedFile, at: usize) -> Self {
        Self { file: file.clone(), at }
    }

    /// Returns the next number.
    ///
    /// # Errors
    /// A file that has ended.
    pub(crate) fn number(&mut self) -> io::Result<u64> {
        let at = self.skip(8)?;
        Ok(u64::from_le_bytes(self.file.bytes()[at..][..8].try_into().expect("eight bytes")))
    }

    /// Returns the next number, which counts or names something below `end`.
    ///
    /// # Errors
    /// A file that has ended, or a larger number.
    pub(crate) fn below(&mut self, end: usize) -> io::Result<usize> {
        let number = self.number()?;
        let too_large = || invalid(&format!("found {number}, wanted a number below {end}"));
        if number < end as u64 { Ok(number as usize) } else { Err(too_large()) }
    }

    /// Passes over the next bytes. Returns where they begin.
    ///
    /// # Errors
    /// A file that ends before them.
    pub(crate) fn skip(&mut self, bytes: usize) -> io::Result<usize> {
        let at = self.at;
        if self.file.bytes().len().saturating_sub(at) < bytes {
            return Err(invalid(&format!("found the end of the file, wanted {bytes} more bytes of constants")));
        }
        self.at += bytes;
        Ok(at)
    }

    /// Returns the file.
    pub(crate) fn file(&self) -> &MappedFile {
        &self.file
    }
}

/// Writes a number.
///
/// # Errors
/// Those of the stream.
pub(crate) fn write(out: &mut impl Write, number: u64) -> io::Result<()> {
    out.write_all(&number.to_le_bytes())
}

/// Returns the error of a file that holds something else.
pub(crate) fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
