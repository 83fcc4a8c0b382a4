//! Leaves in the binary what it was built from: the compiler's version and the revision of the sources.

use std::process::Command;

fn main() {
    let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let facts = [
        ("CIPHERLAB_RUSTC", output(&compiler, &["--version"])),
        ("CIPHERLAB_REVISION", output("git", &["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])),
    ];
    for (name, fact) in facts {
        if let Some(fact) = fact {
            println!("cargo:rustc-env={name}={fact}");
        }
    }
    // Whatever makes the revision another one, or dirty.
    for path in ["build.rs", "src", "Cargo.toml", "../Cargo.toml", "../Cargo.lock", "../datasets", "../fhe"] {
        println!("cargo:rerun-if-changed={path}");
    }
    if let Some(log) = output("git", &["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo:rerun-if-changed={log}");
    }
}

/// What a program prints; `None` if it fails or is not there.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned()).filter(|text| !text.is_empty())
}
