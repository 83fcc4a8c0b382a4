//! Networks of a user: cards that `model card` writes, cards with wrong claims, weights without a card.
#![allow(missing_docs)]

mod common;
#[path = "common/npy.rs"]
mod npy;
#[path = "common/tiny.rs"]
mod tiny;

use std::path::{Path, PathBuf};

use common::cipherlab;
use datasets::cifar::embedded_test_sample;
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
    assert_eq!(card["architecture"], "resnet20, 10 classes");
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
fn a_checkpoint_is_imported_in_one_command() {
    let folder = tempfile::tempdir().unwrap();
    let (weights, name) = (folder.path().join("theirs.safetensors"), folder.path().join("own.v1"));
    tiny::write(&weights, [3, 4], 3);
    let train = npy::pictures(folder.path().join("a_data.npy"), &embedded_test_sample()[..20]);
    let labels: Vec<u8> = embedded_test_sample()[..20].iter().map(|image| image.label.unwrap() as u8).collect();
    npy::write(&folder.path().join("a_labels.npy"), "(20,)", &labels);
    let import =
        |more: &[&str]| cipherlab(&[&["model", "import", text(&weights), "--out", text(&name)], more].concat(), None);
    let refused = |more: &[&str], words: &str| {
        let run = import(more);
        assert_eq!((run.code, run.stderr.trim_end().lines().count()), (Some(2), 1), "{more:?}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{more:?}: {}", run.stderr);
        assert!(!folder.path().join("own.v1.json").exists() && !folder.path().join("own.v1.safetensors").exists());
    };
    refused(&["--arch", "resnet20"], "found a ResNet-8 in");
    refused(&["--arch", "vgg"], "--arch vgg: wanted auto, or resnet and a depth");
    refused(&["--mean", "0.5", "--std", "0.2"], "--mean: found 1 numbers, wanted 3, one for each input channel");
    refused(&["--test", text(&weights)], "--test: ");
    refused(&["--labels", text(&train)], "--test <PATH>");
    npy::write(&folder.path().join("other.npy"), "(19,)", &labels[1..]);
    let other = folder.path().join("other.npy");
    refused(&["--test", text(&train), "--labels", text(&other)], "found 19 labels, wanted 20, one for each picture");

    let run = import(&["--train", text(&train), "--test", text(&train)]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let words = [
        "ResNet-8: 3 input channels, 10 classes\nstages: 1 blocks of 4 channels, 1 blocks of 8 channels, 1 blocks of 16",
        "shortcuts: 2 convolutions of 1 x 1; identities elsewhere",
        "on the 20 pictures of ",
        "keeps 20 of 20 classes; N = ",
        "try: cipherlab classify --weights ",
    ];
    words.iter().for_each(|word| assert!(run.stdout.contains(word), "no '{word}' in {}", run.stdout));
    assert_eq!(std::fs::read(folder.path().join("own.v1.safetensors")).unwrap(), std::fs::read(&weights).unwrap());
    let card = folder.path().join("own.v1.json");
    let plan = cipherlab(&["plan", "--weights", text(&weights), "--card", text(&card)], None);
    assert_eq!((plan.code, plan.stderr.as_str()), (Some(0), ""), "nothing was assumed");
    assert!(import(&[]).stderr.contains("own.v1.safetensors, wanted no such file"));

    // `model ranges` measures the same ranges as `model import`.
    let other = folder.path().join("other.json");
    let ranges =
        ["model", "ranges", text(&weights), "--card", text(&card), "--train", text(&train), "--out", text(&other)];
    let run = cipherlab(&ranges, None);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let [one, measured] = [&card, &other].map(|file| std::fs::read_to_string(file).unwrap());
    let [one, measured] = [one, measured].map(|text| serde_json::from_str::<Value>(&text).unwrap());
    assert_eq!(one, measured);
    let again = cipherlab(&ranges, None);
    assert!(again.code == Some(2) && again.stderr.contains("other.json: found a file"), "{}", again.stderr);
}

#[test]
fn a_checkpoint_of_pytorch_is_imported_as_its_tensors() {
    let folder = tempfile::tempdir().unwrap();
    let stored = concat!(env!("CARGO_MANIFEST_DIR"), "/fhe/nn/tests/fixtures/checkpoints/net.pth");
    let name = folder.path().join("net");
    // The files of pictures and labels have any names.
    let images = npy::pictures(folder.path().join("images.npy"), &embedded_test_sample()[..10]);
    let classes = folder.path().join("classes.npy");
    npy::write(&classes, "(10,)", &[3, 8, 8, 0, 6, 6, 1, 6, 3, 1]);
    let import = ["model", "import", stored, "--train", text(&images), "--out", text(&name)];
    let run = cipherlab(&[&import[..], &["--test", text(&images), "--labels", text(&classes)]].concat(), None);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("%, measured on the 10 pictures of "), "{}", run.stdout);
    let weights = folder.path().join("net.safetensors");
    let bytes = std::fs::read(&weights).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert!(tensors.names().iter().all(|name| name.starts_with("net.")) && tensors.len() == 20, "{}", tensors.len());
    // The card is of these weights, and of the checkpoint itself.
    for weights in [stored, text(&weights)] {
        let plan = cipherlab(&["plan", "--weights", weights, "--card", text(&folder.path().join("net.json"))], None);
        assert_eq!(plan.code, Some(0), "{}", plan.stderr);
    }
    // A network of other pictures has no accuracy on CIFAR-10's.
    let other = folder.path().join("other");
    let run = cipherlab(&["model", "import", stored, "--train", text(&images), "--out", text(&other)], None);
    assert!(run.stdout.contains("accuracy: unknown: --test names labelled images"), "{}{}", run.stdout, run.stderr);
    let card = std::fs::read_to_string(folder.path().join("other.json")).unwrap();
    assert!(serde_json::from_str::<Value>(&card).unwrap()["test_accuracy"].is_null(), "{card}");
}

#[test]
fn a_checkpoint_that_cannot_be_read_says_what_to_type_in_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let stored = concat!(env!("CARGO_MANIFEST_DIR"), "/fhe/nn/tests/fixtures/checkpoints/bare.pth");
    let cut = folder.path().join("cut.pth");
    std::fs::write(&cut, &std::fs::read(stored).unwrap()[..3000]).unwrap();
    let (cut, out) = (text(&cut), folder.path().join("out"));
    let (card, keys) = (folder.path().join("card.json"), text(&out));
    std::fs::write(&card, datasets::pretrained::RESNET20_CARD).unwrap();
    for command in [
        &["plan", "--weights", cut][..],
        &["classify", "--weights", cut],
        &["keygen", "--weights", cut, "--out", keys],
        &["model", "card", cut],
        &["model", "import", cut, "--out", keys],
        &["model", "ranges", cut, "--card", text(&card), "--out", keys],
    ] {
        let run = cipherlab(command, None);
        assert_eq!((run.code, run.stderr.lines().count()), (Some(2), 1), "{command:?}: {}", run.stderr);
        let typed = format!("+ \".safetensors\")' {cut}\n");
        assert!(run.stderr.contains("python3 -c '") && run.stderr.ends_with(&typed), "{command:?}: {}", run.stderr);
    }
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
