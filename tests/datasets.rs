//! The `datasets` commands without network access.
#![allow(missing_docs)]

mod common;

use common::cipherlab;

#[test]
fn an_empty_cache_is_listed_and_does_not_verify() {
    let folder = tempfile::tempdir().unwrap();
    let list = cipherlab(&["datasets", "list"], Some(folder.path()));
    assert_eq!((list.code, list.stderr.as_str()), (Some(0), ""));
    assert_eq!(list.stdout.matches("missing").count(), 6, "{}", list.stdout);
    let verify = cipherlab(&["datasets", "verify"], Some(folder.path()));
    assert_eq!(verify.code, Some(2));
    assert_eq!(verify.stdout, list.stdout);
    assert!(verify.stderr.contains("found 0 of 6 batches verified"), "{}", verify.stderr);
}

#[test]
fn a_wrong_batch_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("test_batch.bin"), "no batch").unwrap();
    let verify = cipherlab(&["datasets", "verify"], Some(folder.path()));
    assert_eq!(verify.code, Some(2));
    assert!(verify.stdout.contains("wrong length: found 8 bytes"), "{}", verify.stdout);
}

#[test]
fn sources_without_batches_are_refused() {
    let cache = tempfile::tempdir().unwrap();
    let source = tempfile::tempdir().unwrap();
    let empty = source.path().to_str().unwrap();
    for (source, wanted) in [(empty, "`test_batch.bin` not found"), ("/no/such/archive", "no such file or folder")] {
        let fetch = cipherlab(&["datasets", "fetch", source], Some(cache.path()));
        assert_eq!((fetch.code, fetch.stderr.lines().count()), (Some(2), 1), "{}", fetch.stderr);
        assert!(fetch.stderr.contains(wanted), "{}", fetch.stderr);
    }
}

#[test]
fn a_folder_without_the_published_weights_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.safetensors");
    let import = |dir: &str, out: &str| cipherlab(&["datasets", "import-paper-weights", dir, "--out", out], None);
    let [empty, file] = [folder.path(), &out].map(|path| path.to_str().unwrap());
    for (run, wanted) in [
        (import(empty, file), "`conv1bn1-ch0-k1.bin` not found"),
        (import("/no/such/folder", file), "no such folder"),
        (import(empty, "card.json"), "wanted another ending"),
    ] {
        assert_eq!((run.code, run.stderr.lines().count()), (Some(2), 1), "{}", run.stderr);
        assert!(run.stderr.contains(wanted), "{}", run.stderr);
    }
    assert!(!out.exists());
}
