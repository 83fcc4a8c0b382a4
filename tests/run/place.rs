//! A folder with a config and its runs, and the ways in which a run may end.

use std::path::{Path, PathBuf};

use cipherlab::records::{Row, Run};

use crate::common::{self, cipherlab};

/// A temporary folder with a config and the folders of its runs.
pub(super) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// A folder with a config of three cases and these images.
    pub(super) fn new(images: &str, trace: bool) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.configure(&format!(
            "name = \"fixture\"\nquestion = \"Is nothing lost?\"\n[data]\nimages = \"{images}\"\n[backend]\n\
             kind = \"plain\"\ntrace = {trace}\n[sweep]\nrelu = [\"exact\", \"chebyshev:13\", \"chebyshev:27\"]\n"
        ));
        place
    }

    /// Replaces the config.
    pub(super) fn configure(&self, text: &str) {
        self.set("config", text);
    }

    /// Returns the path of a file of the folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the config into the folder `out`.
    pub(super) fn run(&self, out: &str, more: &[&str]) -> common::Run {
        let (config, out) = (self.path("config"), self.path(out));
        let arguments = ["run", config.to_str().unwrap(), "--out", out.to_str().unwrap()];
        cipherlab(&[&arguments, more].concat(), None)
    }

    /// Merges the shards in these folders into the folder `out`.
    pub(super) fn merge(&self, folders: &[&str], out: &str) -> common::Run {
        let folders: Vec<String> = folders.iter().map(|name| self.path(name).to_str().unwrap().to_owned()).collect();
        let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
        cipherlab(&[&["run", "--merge"], &folders[..], &["--out", self.path(out).to_str().unwrap()]].concat(), None)
    }

    /// Reads the files of a run with the program's strict readers. Clears the peak memory, which differs between runs.
    pub(super) fn read(&self, out: &str) -> Run {
        let mut run = Run::read(&self.path(out)).unwrap();
        run.cases.iter_mut().for_each(|row| row.peak_rss_bytes = None);
        run
    }

    /// Returns the text of a file.
    pub(super) fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.path(file)).unwrap()
    }

    /// Writes a file.
    pub(super) fn set(&self, file: &str, text: &str) {
        std::fs::write(self.path(file), text).unwrap();
    }

    /// Replaces the first `from` in a file.
    pub(super) fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.text(file);
        assert!(text.contains(from), "{file}: no '{from}'");
        self.set(file, &text.replacen(from, to, 1));
    }
}

/// Replaces the rows of a file and deletes its digests, as a user does who means the change.
pub(super) fn write<R: Row>(folder: &Path, rows: &[R]) {
    let _ = std::fs::remove_file(digests::<R>(folder));
    let mut writer = csv::Writer::from_path(folder.join(R::FILE)).unwrap();
    rows.iter().for_each(|row| writer.serialize(row).unwrap());
    writer.flush().unwrap();
}

/// Returns the path of the digests of a file of rows.
pub(super) fn digests<R: Row>(folder: &Path) -> PathBuf {
    folder.join(format!("{}.digests", R::FILE))
}

/// Fails unless the run ended with status 0.
#[track_caller]
pub(super) fn ended_well(run: &common::Run) {
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

/// Fails unless the run ended with status 2 and one line on standard error that contains these words.
#[track_caller]
pub(super) fn refused(run: &common::Run, words: &[&str]) {
    let line = run.stderr.trim_end();
    assert_eq!((run.code, line.lines().count()), (Some(2), 1), "{line}");
    words.iter().for_each(|word| assert!(line.contains(word), "no '{word}' in '{line}'"));
}

/// Fails unless two runs have equal rows.
#[track_caller]
pub(super) fn same_rows(found: &Run, wanted: &Run) {
    assert_eq!(found.cases, wanted.cases);
    assert_eq!(found.images, wanted.images);
    assert_eq!(found.layers, wanted.layers);
}
