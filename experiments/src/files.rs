//! Files that are never half written.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Whoever the user's mask lets.
    All,
    /// The file's owner only.
    Owner,
}

/// What becomes of a file after a loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The file is whole as soon as it has its name.
    Whole,
    /// The file may be cut. Its readers notice by a checksum, and it can be made again.
    Checked,
}

/// Replaces the content of a file in one step: a reader sees the old content or the new one, even after a power loss.
///
/// # Errors
/// If the file system refuses; the old file then stays, and nothing else is left behind.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<()> {
    create(path, Access::All, Durability::Whole, |file| Ok(file.write_all(content)?))
}

/// Writes a file under a temporary name and gives it its own name in one step, in place of a file that is there.
///
/// # Errors
/// If the file system refuses, or those of `write`; nothing is left behind then.
pub(crate) fn create(
    path: &Path,
    access: Access,
    durability: Durability,
    write: impl FnOnce(&mut File) -> Result<()>,
) -> Result<()> {
    let temporary = temporary(path);
    let made = || -> Result<()> {
        if access == Access::Owner && temporary.exists() {
            std::fs::remove_file(&temporary)?;
        }
        let mut file = options(access).open(&temporary)?;
        write(&mut file)?;
        if durability == Durability::Whole {
            file.sync_all()?;
        }
        Ok(std::fs::rename(&temporary, path)?)
    };
    if let Err(error) = made() {
        let _ = std::fs::remove_file(&temporary);
        return Err(error).with_context(|| path.display().to_string());
    }
    sync_folder_of(path);
    Ok(())
}

fn options(access: Access) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    match access {
        Access::All => options.create(true).truncate(true),
        // A file that is there already might be open to others.
        Access::Owner => options.create_new(true),
    };
    #[cfg(unix)]
    if access == Access::Owner {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

/// Fails if others than the owner may read or change a file.
///
/// # Errors
/// The permissions found, and the command that mends them.
pub(crate) fn check_private(file: &File) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata()?.permissions().mode() & 0o777;
        anyhow::ensure!(
            mode & 0o077 == 0,
            "found permissions {mode:03o}, wanted 600: a secret that others can read is none; run chmod 600 on it"
        );
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

/// Returns the bytes of all files of a folder.
///
/// # Errors
/// If the file system refuses.
pub(crate) fn bytes_of_folder(folder: &Path) -> Result<u64> {
    let sum = || -> std::io::Result<u64> { std::fs::read_dir(folder)?.map(|entry| Ok(entry?.metadata()?.len())).sum() };
    sum().with_context(|| folder.display().to_string())
}

/// Reads a text file of at most `limit` bytes.
///
/// # Errors
/// A file that is missing, longer, or no text.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<String> {
    let bytes = datasets::files::read(path, limit)?;
    String::from_utf8(bytes).with_context(|| format!("{}: found bytes that are no text, wanted UTF-8", path.display()))
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
