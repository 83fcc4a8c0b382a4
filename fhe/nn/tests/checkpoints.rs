//! Checkpoints that `torch.save` wrote: the forms that are read, and the refusals of others.
//!
//! `fixtures/checkpoints/make.py` wrote the files with PyTorch.

use std::path::{Path, PathBuf};

use fhe_nn::weights::{self, Loaded};
use fhe_nn::{Error, ResNet};

fn stored(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoints").join(name)
}

fn loaded(name: &str) -> Loaded {
    let bytes = weights::read(&stored(name)).unwrap_or_else(|error| panic!("{error}"));
    weights::load(&bytes, None).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn refusal(path: &Path) -> String {
    let error = weights::read(path).unwrap_err().to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.starts_with(&path.display().to_string()), "{error}");
    error
}

#[test]
fn every_form_of_a_checkpoint_is_the_same_network() {
    let wanted = ResNet::from_file(&stored("bare.safetensors")).unwrap();
    for (name, notes) in [
        ("bare.pth", &[][..]),
        ("strides.pth", &[]),
        ("legacy.pth", &[]),
        ("whole.pth", &[]),
        ("net.pth", &["the names of all tensors begin with `net.`, which was left out"]),
        (
            "wrapped.pth",
            &[
                "the names of all tensors begin with `state_dict.module.`, which was left out",
                "11 tensors outside of `state_dict.module.…` were left out",
            ],
        ),
    ] {
        let found = loaded(name);
        assert_eq!(found.network, wanted, "{name}");
        let notes: Vec<_> = notes
            .iter()
            .copied()
            .chain(["no `bn_eps` is stated; 1e-5, PyTorch's default, was assumed for batch norm"])
            .collect();
        assert_eq!(found.notes, notes, "{name}");
    }
}

#[test]
fn a_checkpoint_has_the_same_bytes_each_time() {
    let read = || weights::read(&stored("wrapped.pth")).unwrap();
    assert_eq!(read(), read());
}

#[test]
fn checkpoints_of_no_network_or_of_two_are_refused_in_a_line() {
    let two = refusal(&stored("two.pth"));
    assert!(
        two.contains(
            "found two networks, `ema` and `model`, wanted one; save it alone: python3 -c 'import sys, torch;"
        ),
        "{two}"
    );
    let none = weights::read(&stored("none.pth")).unwrap_err().to_string();
    let words = ["found a checkpoint of PyTorch without tensors", "`torch.save(model.state_dict(), \"FILE.pth\")`"];
    assert!(words.iter().all(|word| none.contains(word)) && none.lines().count() == 1, "{none}");
}

#[test]
fn a_checkpoint_cut_anywhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cut.pth");
    for name in ["bare.pth", "legacy.pth"] {
        let whole = std::fs::read(stored(name)).unwrap();
        for length in (64..whole.len()).step_by(97).chain([whole.len() - 1]) {
            std::fs::write(&file, &whole[..length]).unwrap();
            let error = refusal(&file);
            assert!(error.contains("found a checkpoint of PyTorch that cannot be read ("), "{name}, {length}: {error}");
        }
    }
}

#[test]
fn a_changed_byte_is_refused_or_another_network() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("changed.pth");
    let whole = std::fs::read(stored("bare.pth")).unwrap();
    for at in (64..whole.len()).step_by(31) {
        let mut changed = whole.clone();
        changed[at] ^= 0x55;
        std::fs::write(&file, &changed).unwrap();
        // Neither a panic nor much memory; padding of the archive may change freely.
        match weights::read(&file) {
            Ok(bytes) => assert!(bytes.len() < 2 * whole.len()),
            Err(Error::Checkpoint { reason, .. }) => assert!(!reason.is_empty()),
            Err(error) => panic!("{at}: {error}"),
        }
    }
}
