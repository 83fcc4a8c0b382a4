//! File systems: where a large file may lie, and how much room there is.

use std::path::{Path, PathBuf};

/// Returns the folder for large temporary files. That is the folder that the variable `TMPDIR` names, or `/var/tmp`: many
/// systems keep `/tmp` in memory. A system without `/var/tmp` has a folder of its own for temporary files.
pub(crate) fn scratch() -> PathBuf {
    let named = std::env::var_os("TMPDIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let default = Path::new("/var/tmp");
    named.unwrap_or_else(|| if default.is_dir() { default.to_owned() } else { std::env::temp_dir() })
}

/// Returns whether files in a folder take memory (tmpfs, ramfs).
#[cfg(target_os = "linux")]
#[allow(clippy::unnecessary_cast)]
pub(crate) fn is_in_memory(folder: &Path) -> bool {
    const TMPFS: i64 = 0x0102_1994;
    const RAMFS: i64 = 0x8584_58f6;
    // The width of the field differs between architectures.
    rustix::fs::statfs(folder).is_ok_and(|found| [TMPFS, RAMFS].contains(&(found.f_type as i64 & 0xffff_ffff)))
}

/// Other systems keep files on disks.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_in_memory(_: &Path) -> bool {
    false
}

/// Returns the bytes that a user can still write in a folder; `None` if the system does not say.
#[cfg(unix)]
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail * found.f_frsize)
}

/// Other systems are not asked.
#[cfg(not(unix))]
pub(crate) fn free_bytes(_: &Path) -> Option<u64> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn files_in_memory_are_told_from_files_on_a_disk() {
        if Path::new("/dev/shm").is_dir() {
            assert!(is_in_memory(Path::new("/dev/shm")));
        }
        assert!(!is_in_memory(Path::new("/proc")), "no file there takes room");
        assert!(free_bytes(&std::env::temp_dir()).is_some_and(|bytes| bytes > 0));
        assert_eq!(free_bytes(Path::new("/no such folder")), None);
    }
}
