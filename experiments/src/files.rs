//! Files that are never half written.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Replaces the content of a file in one step: a reader sees the old content or the new one, even after a power loss.
///
/// # Errors
/// If the file system refuses; the old file then stays, and nothing else is left behind.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let temporary = temporary(path);
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    };
    if let Err(error) = write() {
        let _ = std::fs::remove_file(&temporary);
        return Err(error).with_context(|| path.display().to_string());
    }
    sync_folder_of(path);
    Ok(())
}

/// Makes the names in a file's folder outlast a power loss, on file systems that can. No reader depends on it.
fn sync_folder_of(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

/// Fails if [`replace`] could not write there. Long work asks before it starts.
///
/// # Errors
/// If the file system refuses a new file in the same folder.
pub(crate) fn check_writable(path: &Path) -> Result<()> {
    let temporary = temporary(path);
    let made = File::create(&temporary).and_then(|_| std::fs::remove_file(&temporary));
    made.with_context(|| path.display().to_string())
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_tried_without_a_trace() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.json");
        check_writable(&path).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        replace(&path, b"old").unwrap();
        check_writable(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        replace(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert!(check_writable(&folder.path().join("no/such/folder.json")).is_err());
    }

    #[test]
    fn a_file_that_cannot_be_replaced_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.json");
        std::fs::create_dir(&path).unwrap();
        assert!(replace(&path, b"new").unwrap_err().to_string().ends_with("model.json"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
