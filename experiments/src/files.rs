//! Files that are never half written.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Puts a file in the place of another, at once.
pub fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let temporary = temporary(path);
    let context = || temporary.display().to_string();
    let mut file = File::create(&temporary).with_context(context)?;
    file.write_all(content).and_then(|()| file.sync_all()).with_context(context)?;
    std::fs::rename(&temporary, path).with_context(|| path.display().to_string())
}

/// Whether [`replace`] could write there, before the long work whose result it is to be.
pub fn check_writable(path: &Path) -> Result<()> {
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
}
