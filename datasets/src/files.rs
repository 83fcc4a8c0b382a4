//! Opens files that a user names: only regular files, and only up to a stated size.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;

use crate::Error;

/// Opens a regular file.
///
/// # Errors
/// [`Error::NotAFile`] for a folder, pipe, socket or device; [`Error::Io`] if the system refuses.
pub fn open(path: &Path) -> Result<File, Error> {
    // Opening a pipe would wait for its other end, so the kind is asked for first.
    let metadata = std::fs::metadata(path).map_err(Error::io(path))?;
    match other_kind(&metadata) {
        Some(found) => Err(Error::NotAFile { path: path.to_owned(), found }),
        None => File::open(path).map_err(Error::io(path)),
    }
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// [`Error::TooLarge`] for a longer file, and those of [`open`].
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let file = open(path)?;
    let length = file.metadata().map_err(Error::io(path))?.len();
    let too_large = |found: u64| Error::TooLarge { path: path.to_owned(), found, wanted: limit };
    if length > limit {
        return Err(too_large(length));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    // The file may grow while it is read.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(Error::io(path))?;
    let found = bytes.len() as u64;
    if found > limit { Err(too_large(found)) } else { Ok(bytes) }
}

/// Names the kind of anything that is not a regular file; `None` for a regular file.
fn other_kind(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return None;
    }
    if kind.is_dir() {
        return Some("a folder");
    }
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
    Some("a device")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_devices_and_long_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = |path: &Path, limit| read(path, limit).unwrap_err().to_string();
        assert!(error(folder.path(), 9).contains("found a folder, wanted a file"));
        let file = folder.path().join("a");
        std::fs::write(&file, [7; 10]).unwrap();
        assert_eq!(read(&file, 10).unwrap(), [7; 10]);
        assert!(error(&file, 9).contains("found 10 bytes, wanted at most 9"));
        assert!(error(&folder.path().join("b"), 9).contains("No such file"));
        if cfg!(unix) {
            assert!(error(Path::new("/dev/zero"), 9).contains("found a device, wanted a file"));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_refused_without_waiting_for_its_other_end() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        assert!(read(&pipe, 9).unwrap_err().to_string().contains("found a pipe, wanted a file"));
    }
}
