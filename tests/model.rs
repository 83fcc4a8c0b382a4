//! Networks of a user: cards that `model card` writes, cards with wrong claims, weights without a card.
#![allow(missing_docs)]

mod common;

use std::path::{Path, PathBuf};

use common::cipherlab;
use serde_json::{Value, json};

/// Returns a folder with the shipped weights as a user's file.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("mine.safetensors");
    std::fs::write(&weights, datasets::pretrained::RESNET20).unwrap();
    (folder, weights)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_card_is_measured_and_goes_with_its_weights() {
    let (folder, weights) = place();
    let run = cipherlab(&["model", "card", text(&weights)], None);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("accuracy 0.9") && run.stdout.contains("100 embedded test images"), "{}", run.stdout);
    let file = folder.path().join("mine.json");
    let card: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(card["architecture"], "resnet20-cifar10");
    assert_eq!(card["range_on_training_images"].as_object().unwrap().len(), 19);
    let bound = card["logit_bound"].as_f64().unwrap();
    assert!((10.0..100.0).contains(&bound), "{bound}");
    let plan = cipherlab(&["plan", "--weights", text(&weights), "--card", text(&file)], None);
    assert_eq!((plan.code, plan.stderr.as_str()), (Some(0), ""), "nothing was assumed");
    // An existing file is not overwritten.
    let again = cipherlab(&["model", "card", text(&weights)], None);
    assert_eq!(again.code, Some(2));
    assert!(again.stderr.contains("mine.json: found a file, wanted none"), "{}", again.stderr);
}

#[test]
fn a_card_that_no_network_can_have_is_not_written() {
    let (folder, weights) = place();
    for (flags, words) in [
        (["--mean", "125.3,123,114"], "divide by 255"),
        (["--std", "0.2,0,0.2"], "std"),
        (["--shortcut", "sideways"], "pad-centre"),
        (["--bn-eps", "-1"], "bn_eps"),
    ] {
        let run = cipherlab(&["model", "card", text(&weights), flags[0], flags[1]], None);
        assert_eq!(run.code, Some(2), "{flags:?}: {}", run.stdout);
        assert!(run.stderr.contains(words), "{flags:?}: {}", run.stderr);
        assert!(!folder.path().join("mine.json").exists());
    }
}

#[test]
fn a_card_that_its_network_belies_is_refused_before_anything_starts() {
    let (folder, weights) = place();
    let mut card: Value = serde_json::from_str(datasets::pretrained::RESNET20_CARD).unwrap();
    (card["mean"], card["std"]) = (json!([0.0, 0.0, 0.0]), json!([1.0, 1.0, 1.0]));
    let file = folder.path().join("bare.json");
    std::fs::write(&file, card.to_string()).unwrap();
    for command in ["plan", "classify"] {
        let run = cipherlab(&[command, "--weights", text(&weights), "--card", text(&file)], None);
        assert_eq!(run.code, Some(2), "{}", run.stdout);
        assert!(run.stderr.contains("of 100 images right"), "{}", run.stderr);
        assert!(run.stderr.contains("that its card claims; check the card's mean and std"), "{}", run.stderr);
    }
}

#[test]
fn weights_without_a_card_say_what_was_assumed() {
    let (_folder, weights) = place();
    let run = cipherlab(&["plan", "--weights", text(&weights)], None);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    for word in ["note: --weights", "no card given; assumed pixels normalised with mean [0.4914,", "model card"] {
        assert!(run.stderr.contains(word), "no '{word}' in {}", run.stderr);
    }
}
