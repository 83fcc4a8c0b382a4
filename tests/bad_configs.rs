//! Checks that every config in `bad_configs` is refused with the line stored beside it, before anything is written.
#![allow(missing_docs)]

mod common;

use std::path::Path;

use common::cipherlab_in;

/// Returns whether `line` is `wanted`, in which each `…` stands for any text.
fn matches(line: &str, wanted: &str) -> bool {
    let mut parts = wanted.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn the_pattern_is_strict() {
    assert!(matches("abc", "abc") && matches("abc", "a…c") && matches("abcd", "a…c…"));
    assert!(!matches("abcd", "abc") && !matches("abc", "a…b") && !matches("abc", "b…c"));
}

#[test]
fn each_bad_config_has_its_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_configs");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    assert!(names.len() >= 40, "found {} configs", names.len());
    let mut wrong = String::new();
    for name in names {
        let out = tempfile::tempdir().unwrap();
        let target = out.path().join("run");
        let run = cipherlab_in(&folder, &["run", &name, "--out", target.to_str().unwrap()], None);
        let stored = std::fs::read_to_string(folder.join(&name).with_extension("txt")).unwrap_or_default();
        let same = matches(run.stderr.trim_end(), stored.trim_end()) && !stored.is_empty();
        if !same || run.code != Some(2) || !run.stdout.is_empty() || target.exists() {
            wrong += &format!("{name}: status {:?}\n  found  {}  wanted {stored}\n", run.code, run.stderr);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
