//! Leaves in the binary what it was built from: the compiler's version and the revision of the sources.

use std::process::Command;

/// What the binary is made of: whatever makes its revision another one, or dirty.
const SOURCES: [&str; 10] = [
    "experiments/build.rs",
    "experiments/src",
    "experiments/assets",
    "experiments/bench",
    "experiments/noise",
    "experiments/literature.toml",
    "Cargo.toml",
    "Cargo.lock",
    "datasets",
    "fhe",
];

fn main() {
    let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let facts = [("CIPHERLAB_RUSTC", output(&compiler, &["--version"])), ("CIPHERLAB_REVISION", revision())];
    for (name, fact) in facts {
        if let Some(fact) = fact {
            println!("cargo:rustc-env={name}={fact}");
        }
    }
    SOURCES.iter().for_each(|path| println!("cargo:rerun-if-changed={path}"));
    if let Some(log) = output("git", &["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo:rerun-if-changed={log}");
    }
}

/// The commit, marked where a source differs from it; documents and results may.
fn revision() -> Option<String> {
    let commit = output("git", &["describe", "--always", "--abbrev=12", "--exclude=*"])?;
    let differing = [&["status", "--porcelain", "--", ":(top,exclude)*.md"][..], &SOURCES].concat();
    Some(if output("git", &differing).is_some() { commit + "-dirty" } else { commit })
}

/// What a program prints; `None` if it fails or is not there.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned()).filter(|text| !text.is_empty())
}
