//! A run's folder, kept to one process.

use std::fs::{File, TryLockError};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::rewrite::rewrite;
use crate::files::replace;
use crate::records::{CaseRow, Digests, ExactRow, ImageRow, LayerRow, Row, RunProvenance, StageRow, file, schema};

/// A folder that no other process writes to.
pub(crate) struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// The copy of the config; locked.
    config: File,
    made: Made,
}

/// The files and folders that this process made, outermost first. They are removed unless a run begins.
struct Made(Vec<PathBuf>);

impl Folder {
    /// Makes the folder if it is not there, and keeps other processes out.
    ///
    /// # Errors
    /// If another process has the folder, or if the file system refuses.
    pub(crate) fn lock(path: &Path) -> Result<Self> {
        Self::lock_by(path, File::try_lock)
    }

    /// [`Folder::lock`] with another way to lock a file.
    fn lock_by(path: &Path, try_lock: impl Fn(&File) -> Result<(), TryLockError>) -> Result<Self> {
        let copy = path.join(file::CONFIG);
        let mut made: Vec<PathBuf> =
            path.ancestors().take_while(|folder| !exists(folder)).map(Path::to_owned).collect();
        made.reverse();
        let mut made = Made(made);
        std::fs::create_dir_all(path).with_context(|| path.display().to_string())?;
        made.add(&copy);
        let open = File::options().read(true).write(true).create(true).truncate(false).open(&copy);
        let config = open.with_context(|| copy.display().to_string())?;
        match try_lock(&config) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                // The other process needs them, whoever made them.
                made.0.clear();
                bail!("{}: another process is running there; wait for it to end, or take another --out", path.display())
            }
            // Network file systems may have no locks. They can hold a run all the same.
            Err(TryLockError::Error(error)) => eprintln!(
                "warning: {}: the file system cannot lock files ({error}); do not start a second run in this folder",
                path.display()
            ),
        }
        Ok(Self { path: path.to_owned(), config, made })
    }

    /// Reads `run.json`; `None` in a folder without a run.
    pub(crate) fn provenance(&self) -> Result<Option<RunProvenance>> {
        RunProvenance::read(&self.path)
    }

    /// Writes the files that come before the first row. It overwrites nothing.
    pub(crate) fn begin(&mut self, config: &str, exact: &[ExactRow]) -> Result<()> {
        let name = self.path.display().to_string();
        for present in [CaseRow::FILE, ImageRow::FILE, LayerRow::FILE, StageRow::FILE] {
            let found =
                [present.to_owned(), format!("{present}.gz")].into_iter().find(|file| exists(&self.path.join(file)));
            let advice = "delete them, or take another --out";
            ensure!(found.is_none(), "{name}: found {present} but no {}; {advice}", file::RUN);
        }
        let copy = self.path.join(file::CONFIG);
        let found = self.copied().with_context(|| copy.display().to_string())?;
        ensure!(config.starts_with(&found), "{}: found another config; take another --out", copy.display());
        let columns = self.path.join(file::SCHEMA);
        let own = !exists(&columns) || std::fs::read_to_string(&columns).is_ok_and(|found| found == schema());
        ensure!(own, "{}: found a file that is not of this program; take another --out", columns.display());
        self.keep(config)?;
        self.made.add(&self.path.join(ExactRow::FILE));
        self.made.add(&Digests::path::<ExactRow>(&self.path));
        rewrite(&self.path, exact, |_| None)?;
        self.made.add(&columns);
        replace(&columns, schema().as_bytes())
    }

    /// Makes the copy of the config equal to the config.
    pub(crate) fn keep(&mut self, config: &str) -> Result<()> {
        let copy = self.path.join(file::CONFIG);
        if self.copied().is_ok_and(|found| found == config) {
            return Ok(());
        }
        // In place: a new file would not have the lock.
        let write = |file: &mut File| -> std::io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(config.as_bytes())?;
            file.sync_all()
        };
        write(&mut self.config).with_context(|| copy.display().to_string())
    }

    /// Returns the text of the copy. It reads through the locked file, since Windows refuses any other way.
    fn copied(&mut self) -> std::io::Result<String> {
        self.config.rewind()?;
        std::io::read_to_string(&self.config)
    }

    /// Writes `run.json`. From then on the folder is that of a run, and stays.
    pub(crate) fn write(&mut self, provenance: &RunProvenance) -> Result<()> {
        let text = format!("{}\n", serde_json::to_string_pretty(provenance)?);
        replace(&self.path.join(file::RUN), text.as_bytes())?;
        self.made.0.clear();
        Ok(())
    }
}

impl Made {
    /// Adds a file that is to be made, if it is not there.
    fn add(&mut self, path: &Path) {
        if !exists(path) {
            self.0.push(path.to_owned());
        }
    }
}

impl Drop for Made {
    /// Removes the files, and the folders that are empty then.
    fn drop(&mut self) {
        for path in self.0.iter().rev() {
            let _ = std::fs::remove_dir(path).or_else(|_| std::fs::remove_file(path));
        }
    }
}

/// Whether something is there, be it a link that leads nowhere.
fn exists(path: &Path) -> bool {
    path.as_os_str().is_empty() || path.symlink_metadata().is_ok()
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn a_file_system_without_locks_can_hold_a_run() {
        let place = tempfile::tempdir().unwrap();
        // The error codes of Lustre without its option `flock`, and of NFS without its lock service.
        for (code, name) in [(38, "lustre"), (37, "nfs")] {
            let refuse = |_: &File| Err(TryLockError::Error(Error::from_raw_os_error(code)));
            let mut folder = Folder::lock_by(&place.path().join(name), refuse).unwrap();
            folder.begin("a = 1", &[]).unwrap();
            assert_eq!(std::fs::read_to_string(place.path().join(name).join(file::CONFIG)).unwrap(), "a = 1");
        }
    }

    #[test]
    fn nothing_stays_of_a_run_that_did_not_begin() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("a/b");
        drop(Folder::lock(&out).unwrap());
        assert!(!place.path().join("a").exists());
        // After the answers of the plaintext model, and with a file of somebody else.
        let mut folder = Folder::lock(&out).unwrap();
        folder.begin("a = 1", &[ExactRow { image: 1, label: Some(1), class: 1, margin: 1.0 }]).unwrap();
        std::fs::write(out.join("notes.txt"), "mine").unwrap();
        drop(folder);
        let left: Vec<_> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["notes.txt"]);
        // Rows without their run.json, whose answers stay too.
        let files = [CaseRow::FILE, ExactRow::FILE].map(|file| out.join(file));
        files.iter().for_each(|file| std::fs::write(file, "").unwrap());
        let error = Folder::lock(&out).unwrap().begin("a = 1", &[]).unwrap_err().to_string();
        assert!(error.contains("found cases.csv but no run.json"), "{error}");
        assert!(files.iter().all(|file| file.exists()) && !out.join(file::CONFIG).exists());
        // A schema of somebody else.
        std::fs::remove_file(&files[0]).unwrap();
        std::fs::write(out.join(file::SCHEMA), "{}").unwrap();
        let error = Folder::lock(&out).unwrap().begin("a = 1", &[]).unwrap_err().to_string();
        assert!(error.contains("schema.json: found a file that is not of this program"), "{error}");
        assert_eq!(std::fs::read_to_string(out.join(file::SCHEMA)).unwrap(), "{}");
    }

    #[test]
    fn a_folder_that_another_process_has_stays_as_it_is() {
        let place = tempfile::tempdir().unwrap();
        let first = Folder::lock(place.path()).unwrap();
        let error = Folder::lock(place.path()).err().unwrap().to_string();
        assert!(error.contains("another process is running there"), "{error}");
        assert!(place.path().join(file::CONFIG).exists());
        drop(first);
    }

    /// As on a read-only file system: the copy of the config cannot be opened.
    #[test]
    fn a_folder_that_cannot_be_written_to_stays_as_it_is() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join(file::CONFIG)).unwrap();
        let error = Folder::lock(place.path()).err().unwrap();
        assert!(error.to_string().ends_with("config.toml"), "{error}");
        assert_eq!(error.downcast::<Error>().unwrap().kind(), ErrorKind::IsADirectory);
        assert!(place.path().join(file::CONFIG).is_dir());
    }
}
