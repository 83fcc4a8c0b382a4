//! Files that are never half written.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
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

/// Writes a file under a temporary name and gives it its own name in one step, in place of a file that is there. Processes that write
/// the same [`Durability::Checked`] file at the same time follow each other.
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
    let mut file = open(&temporary, access, durability).with_context(|| path.display().to_string())?;
    let made = || -> Result<()> {
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

/// Opens an empty temporary file.
fn open(temporary: &Path, access: Access, durability: Durability) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true);
    match access {
        Access::All if durability == Durability::Checked => locked(temporary),
        Access::All => options.create(true).truncate(true).open(temporary),
        Access::Owner => {
            // A file that is there already might be open to others.
            if temporary.exists() {
                std::fs::remove_file(temporary)?;
            }
            #[cfg(unix)]
            {
                use std::os::unix::fs::OpenOptionsExt;
                options.mode(0o600);
            }
            options.create_new(true).open(temporary)
        }
    }
}

/// Opens an empty temporary file, after any other process that writes it.
fn locked(temporary: &Path) -> std::io::Result<File> {
    loop {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(temporary)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                eprintln!("note: {}: another process writes this file; waiting for it", temporary.display());
                if let Err(error) = file.lock()
                    && error.kind() == ErrorKind::Interrupted
                {
                    continue;
                }
            }
            // A file system without locks.
            Err(TryLockError::Error(_)) => {}
        }
        // The other process has given the file its own name, and readers, or has removed it.
        if is_at(&file, temporary) {
            file.set_len(0)?;
            return Ok(file);
        }
    }
}

/// Returns whether a path still names an open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |found: std::fs::Metadata| (found.dev(), found.ino());
    file.metadata().is_ok_and(|own| path.metadata().is_ok_and(|found| identity(found) == identity(own)))
}

/// Other systems do not rename a file that another process has open.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
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

    /// Writers that share a temporary file would write into the file that the first of them has handed to its readers.
    #[test]
    fn writers_of_a_file_follow_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("constants");
        let contents: Vec<Vec<u8>> = (1..=8).map(|k: u8| vec![k; 1000 * usize::from(k)]).collect();
        std::thread::scope(|scope| {
            for content in &contents {
                scope.spawn(|| {
                    for _ in 0..10 {
                        create(&path, Access::All, Durability::Checked, |file| {
                            content.chunks(100).try_for_each(|piece| Ok(file.write_all(piece)?))
                        })
                        .unwrap();
                        assert!(contents.contains(&std::fs::read(&path).unwrap()), "half of one, half of another");
                    }
                });
            }
        });
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
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
