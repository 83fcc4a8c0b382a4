//! Puts the compiler's version and the revision of the sources into the binary.

use std::process::Command;

/// The sources of the binary. A difference in one of them marks the revision as dirty.
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

/// Returns the commit. Marks it as dirty if a source differs; documents and results may differ.
fn revision() -> Option<String> {
    let commit = output("git", &["describe", "--always", "--abbrev=12", "--exclude=*"])?;
    let differing = [&["status", "--porcelain", "--", ":(top,exclude)*.md"][..], &SOURCES].concat();
    Some(if output("git", &differing).is_some() { commit + "-dirty" } else { commit })
}

/// Returns the output of a program; `None` if the program fails or is missing.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned()).filter(|text| !text.is_empty())
}
