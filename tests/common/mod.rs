//! Runs the program.
// Not every test takes all of it.
#![allow(dead_code)]

use std::path::Path;
use std::process::Command;

/// How a run ended.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program on these arguments, with `data` for the data set, or an empty folder.
pub(crate) fn cipherlab(arguments: &[&str], data: Option<&Path>) -> Run {
    cipherlab_in(Path::new("."), arguments, data)
}

/// The same in the folder `place`.
pub(crate) fn cipherlab_in(place: &Path, arguments: &[&str], data: Option<&Path>) -> Run {
    let empty = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_cipherlab"))
        .args(arguments)
        .current_dir(place)
        .env("CIPHERLAB_DATA", data.unwrap_or(empty.path()))
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Run {
    /// Standard error without the note that the made-up runs have no digests.
    pub(crate) fn errors(&self) -> String {
        errors(&self.stderr)
    }
}

/// A standard error without the note that the made-up runs have no digests.
pub(crate) fn errors(stderr: &str) -> String {
    let note = "note: runs without digests, as of earlier programs, are read unchecked\n";
    stderr.split_inclusive('\n').filter(|line| *line != note).collect()
}

/// Compares with the text of this name among the fixtures, or stores it where `CIPHERLAB_BLESS` is set.
#[track_caller]
pub(crate) fn stored(name: &str, found: &str) {
    let fixtures = format!("{}/tests", env!("CARGO_MANIFEST_DIR"));
    let path = format!("{fixtures}/fixtures/{name}");
    let found = found.replace(&fixtures, "tests");
    if std::env::var_os("CIPHERLAB_BLESS").is_some() {
        std::fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
        std::fs::write(&path, &found).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "{path} differs; found:\n{found}");
}
