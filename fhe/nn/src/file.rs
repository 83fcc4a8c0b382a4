//! Reads files that a user names: only regular files, and only up to a stated size.

use std::fs::{File, FileType};
use std::io::Read;
use std::path::Path;

use crate::Error;

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// [`Error::NotAFile`] for a folder, pipe, socket or device, [`Error::TooLarge`] for a longer file, [`Error::Io`] if
/// the system refuses.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let io = |reason| Error::Io { path: path.to_owned(), reason };
    // Opening a pipe would wait for its other end, so the kind is asked for first.
    let metadata = std::fs::metadata(path).map_err(io)?;
    if let Some(found) = other_kind(metadata.file_type()) {
        return Err(Error::NotAFile { path: path.to_owned(), found });
    }
    let too_large = |found| Err(Error::TooLarge { path: path.to_owned(), found, wanted: limit });
    if metadata.len() > limit {
        return too_large(metadata.len());
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    // The file may grow while it is read.
    File::open(path).and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes)).map_err(io)?;
    if bytes.len() as u64 > limit { too_large(bytes.len() as u64) } else { Ok(bytes) }
}

/// Names the kind of anything that is not a regular file; `None` for a regular file.
fn other_kind(kind: FileType) -> Option<&'static str> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return Some("a pipe");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
    }
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a folder")
    } else {
        Some("a device")
    }
}
