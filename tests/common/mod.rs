//! Runs the program.
// Not every test takes all of it.
#![allow(dead_code)]

use std::path::Path;
use std::process::Command;

/// How a run ended.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The program on these arguments, with `data` for the data set, or an empty folder.
pub fn cipherlab(arguments: &[&str], data: Option<&Path>) -> Run {
    cipherlab_in(Path::new("."), arguments, data)
}

/// The same in the folder `place`.
pub fn cipherlab_in(place: &Path, arguments: &[&str], data: Option<&Path>) -> Run {
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
