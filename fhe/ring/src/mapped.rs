//! Files in memory without a copy, for keys that are read where they lie.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;

use crate::meter::{Held, Holder};

/// A file that the operating system maps into memory. Clones share the mapping.
///
/// The pages come from the file when they are first read, and the system may drop them again without writing them out.
/// Nobody may change the file while it is mapped: residues that were checked would change under the evaluator, and a
/// file that is cut short ends the process with a bus error.
#[derive(Clone, Debug)]
pub struct MappedFile(Arc<(Mmap, Held)>);

impl MappedFile {
    /// Maps a whole file.
    ///
    /// # Errors
    /// If the file cannot be opened or is not of a kind that can be mapped.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "found something else than a file"));
        }
        // SAFETY: the mapping is read-only, and every bit pattern is a valid byte. That nobody changes the file meanwhile
        // is the user's part, as documented above.
        let map = unsafe { Mmap::map(&file)? };
        let held = Held::new(Holder::Files, map.len());
        Ok(Self(Arc::new((map, held))))
    }

    /// Returns the bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.0.0
    }
}
