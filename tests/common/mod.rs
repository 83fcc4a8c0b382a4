//! Runs the program.
// Not every test uses all of this module.
#![allow(dead_code)]

pub(crate) mod large;

use std::path::Path;
use std::process::Command;

/// The status and the outputs of a process.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the program with these arguments and the data set in the folder `data`, or in an empty folder.
pub(crate) fn cipherlab(arguments: &[&str], data: Option<&Path>) -> Run {
    cipherlab_in(Path::new("."), arguments, data)
}

/// Runs the program in the folder `place`, with these arguments and the data set in `data` or in an empty folder.
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
    /// Returns standard error without the note that the made-up runs have no digests.
    pub(crate) fn errors(&self) -> String {
        errors(&self.stderr)
    }
}

/// Returns a standard error without the note that the made-up runs have no digests.
pub(crate) fn errors(stderr: &str) -> String {
    let note = "note: runs without digests, as of earlier programs, are read unchecked\n";
    stderr.split_inclusive('\n').filter(|line| *line != note).collect()
}

/// Compares a text with the fixture of this name, or stores it as the fixture if `CIPHERLAB_BLESS` is set.
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

/// Fails unless two texts are equal. The message has the first line that differs, and `place`.
#[track_caller]
pub(crate) fn same(found: &str, wanted: &str, place: &str) {
    if found == wanted {
        return;
    }
    let (mut ours, mut theirs, mut line) = (found.lines(), wanted.lines(), 1);
    loop {
        let (found, wanted) = (ours.next(), theirs.next());
        assert!(found.is_some() || wanted.is_some(), "{place}: the line ends differ");
        let [found, wanted] = [found, wanted].map(|line| line.unwrap_or("no line"));
        assert!(found == wanted, "{place}, line {line}:\nfound  {found}\nwanted {wanted}");
        line += 1;
    }
}
