//! Runs the program.

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
    let empty = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_cipherlab"))
        .args(arguments)
        .env("CIPHERLAB_DATA", data.unwrap_or(empty.path()))
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}
