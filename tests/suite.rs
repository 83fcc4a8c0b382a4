//! A submission as the suite's harness drives it: installed, built, and run stage by stage by the contract.
#![allow(missing_docs)]
#![cfg(unix)]

mod common;
#[path = "common/tiny.rs"]
mod tiny;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{Run, cipherlab};
use datasets::cifar::embedded_test_sample;
use serde_json::Value;

const STAGES: [&str; 7] = [
    "client_key_generation",
    "server_preprocess_model",
    "client_preprocess_input",
    "client_encode_encrypt_input",
    "server_encrypted_compute",
    "client_decrypt_decode",
    "client_postprocess",
];

/// A copy of the suite with nothing but a harness that is never run.
struct Suite(tempfile::TempDir);

impl Suite {
    fn new() -> Self {
        let suite = Self(tempfile::tempdir().unwrap());
        suite.write("harness/run_submission.py", "");
        suite
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn install(&self, more: &[&str]) -> Run {
        cipherlab(&[&["suite", "install", self.0.path().to_str().unwrap()], more].concat(), None)
    }

    fn build(&self) -> Output {
        let build =
            Command::new("bash").args(["scripts/build_task.sh", "./submissions/cifar10"]).current_dir(&self.0).output();
        build.unwrap()
    }

    fn stage(&self, name: &str, size: &str) -> Output {
        let mut command = Command::new(self.path("submissions/cifar10/build").join(name));
        if name != "server_preprocess_model" {
            command.arg(size);
        }
        command.current_dir(&self.0).output().unwrap()
    }

    #[track_caller]
    fn passes(&self, name: &str, size: &str) {
        let output = self.stage(name, size);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// One line on standard error with the stage and these words, and status 2.
    #[track_caller]
    fn refuses(&self, name: &str, size: &str, words: &str) {
        let output = self.stage(name, size);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), text.lines().count()), (Some(2), 1), "{name}: {text}");
        assert!(text.starts_with(&format!("error: {name}: ")) && text.contains(words), "wanted '{words}' in: {text}");
    }
}

/// A line of the harness's file of images.
fn line(image: usize) -> String {
    let numbers = embedded_test_sample()[image].pixels.iter().map(|pixel| format!("{:.6}", f64::from(*pixel) / 255.0));
    numbers.collect::<Vec<_>>().join(" ")
}

/// Each bad file of images is refused by its line.
fn refuse_bad_images(suite: &Suite, pixels: &str) {
    let good = line(3);
    let (short, rest) = (good.rsplit_once(' ').unwrap().0, good.split_once(' ').unwrap().1);
    for (text, words) in [
        (short.to_owned(), "line 1: found 3071 numbers, wanted 3072"),
        (format!("NaN {rest}"), "line 1: number 1: found \"NaN\""),
        (format!("256 {rest}"), "line 1: number 1: found \"256\""),
        (format!("{good}\n\n{good}"), "line 2: found 0 numbers"),
        (String::new(), "found no image"),
    ] {
        suite.write(pixels, &text);
        suite.refuses("client_preprocess_input", "0", words);
        assert!(!suite.path("io/single/intermediate/inputs.f32").exists(), "nothing is left behind");
    }
}

#[test]
fn a_single_image_passes_all_stages_and_the_server_never_sees_the_secret() {
    let suite = Suite::new();
    let run = suite.install(&[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let built = suite.build();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let fetched = Command::new(suite.path("scripts/get_openfhe.sh")).output().unwrap();
    assert!(fetched.status.success());

    suite.passes("client_key_generation", "0");
    let (secret, aside) = (suite.path("io/single/secret_key"), suite.path("aside"));
    let as_server = |stage: &str| {
        std::fs::rename(&secret, &aside).unwrap();
        suite.passes(stage, "0");
        std::fs::rename(&aside, &secret).unwrap();
    };
    as_server("server_preprocess_model");
    let pixels = "datasets/single/intermediate/test_pixels.txt";
    refuse_bad_images(&suite, pixels);
    // Twice, as with --num_runs 2: the second time with another line end, and an empty last line.
    for (image, ending) in [(3, "\n"), (7, "\r\n\r\n")] {
        suite.write(pixels, &format!("{}{ending}", line(image)));
        suite.passes("client_preprocess_input", "0");
        suite.passes("client_encode_encrypt_input", "0");
        as_server("server_encrypted_compute");
        suite.passes("client_decrypt_decode", "0");
        suite.passes("client_postprocess", "0");
        let classes = std::fs::read_to_string(suite.path("io/single/encrypted_model_predictions.txt")).unwrap();
        assert_eq!(classes, format!("{}\n", embedded_test_sample()[image].label.unwrap()));
    }
    let text = std::fs::read_to_string(suite.path("io/single/server_reported_steps.json")).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    let report = report.as_object().unwrap();
    assert!(report.values().all(Value::is_number), "a flat object of numbers: {text}");
    assert!(report["encrypted computation"].as_f64().unwrap() > 0.1);

    let bytes = |folder: &str, name: &str| suite.path(folder).join(name).metadata().unwrap().len();
    assert!(bytes("io/single/public_keys", "evaluation.keys") <= 400_000_000);
    assert!(bytes("io/single/ciphertexts_upload", "000000.images") <= 200_000);
    assert!(bytes("io/single/ciphertexts_download", "000000.logits") <= 100_000);
    let names = |folder: &str| std::fs::read_dir(suite.path(folder)).unwrap().count();
    assert_eq!(
        ["public_keys", "ciphertexts_upload", "ciphertexts_download"]
            .map(|folder| names(&format!("io/single/{folder}"))),
        [3, 2, 2]
    );
    // A second client's keys would not go with the first one's.
    suite.refuses("client_key_generation", "0", "keys are never overwritten");
}

/// Three images of the size `small`: the second ciphertext is not full.
#[test]
fn two_images_share_a_ciphertext() {
    let suite = Suite::new();
    assert_eq!(suite.install(&[]).code, Some(0));
    assert!(suite.build().status.success());
    let images = [3, 7, 11];
    suite.write("datasets/small/intermediate/test_pixels.txt", &(images.map(line).join("\n") + "\n"));
    for stage in STAGES {
        suite.passes(stage, "1");
    }
    let classes = std::fs::read_to_string(suite.path("io/small/encrypted_model_predictions.txt")).unwrap();
    let labels = images.map(|image| format!("{}\n", embedded_test_sample()[image].label.unwrap()));
    assert_eq!(classes, labels.concat());
    let uploads = std::fs::read_dir(suite.path("io/small/ciphertexts_upload")).unwrap().count();
    assert_eq!(uploads, 3, "two ciphertexts and what they are");
}

#[test]
fn a_submission_that_is_not_whole_says_so() {
    let suite = Suite::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let run = cipherlab(&["suite", "install", elsewhere.path().to_str().unwrap()], None);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("found no harness/run_submission.py"), "{}", run.stderr);
    let run = suite.install(&["--as", "../elsewhere"]);
    assert!(run.code == Some(2) && run.stderr.contains("wanted a folder below the suite"), "{}", run.stderr);
    let run = suite.install(&["--ring-dim", "32768", "--relu", "composite:7,7,13"]);
    assert!(run.code == Some(2) && run.stderr.contains("--ring-dim 32768"), "{}", run.stderr);
    let grey = elsewhere.path().join("grey.safetensors");
    tiny::write(&grey, [1, 4], 1);
    let run = suite.install(&["--weights", grey.to_str().unwrap()]);
    assert!(run.code == Some(2) && run.stderr.contains("found a network of 1 input channels"), "{}", run.stderr);
    assert!(!suite.path("submissions").exists(), "nothing is left behind");

    assert_eq!(suite.install(&[]).code, Some(0));
    let run = suite.install(&[]);
    assert!(run.code == Some(2) && run.stderr.contains("--overwrite"), "{}", run.stderr);
    assert_eq!(suite.install(&["--overwrite"]).code, Some(0));
    let readme = std::fs::read_to_string(suite.path("submissions/cifar10/README.md")).unwrap();
    assert!(!readme.contains('@') && readme.contains("N = 32768") && readme.contains("Why 128 bits"), "{readme}");

    // The harness skips a stage that is missing; the build does not.
    std::fs::create_dir_all(suite.path("submissions/cifar10/build/client_postprocess")).unwrap();
    std::fs::remove_file(suite.path("submissions/cifar10/bin/cipherlab")).unwrap();
    let built = suite.build();
    assert_eq!(built.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&built.stderr).contains("does not run here"));

    std::fs::remove_dir_all(suite.path("submissions/cifar10")).unwrap();
    assert_eq!(suite.install(&[]).code, Some(0));
    assert!(suite.build().status.success());
    for stage in STAGES {
        let link = suite.path("submissions/cifar10/build").join(stage);
        assert_eq!(std::fs::read_link(link).unwrap(), Path::new("../bin/cipherlab"));
    }
    for size in ["4", "x", "-1"] {
        suite.refuses("client_key_generation", size, "wanted a size: 0 single, 1 small, 2 medium or 3 large");
    }
    suite.refuses("client_preprocess_input", "1", "test_pixels.txt");
    suite.refuses("client_encode_encrypt_input", "1", "inputs.f32");
    suite.refuses("server_encrypted_compute", "1", "manifest.json");
    suite.refuses("client_decrypt_decode", "1", "manifest.json");
    suite.refuses("client_postprocess", "1", "logits.json");
    // A model file that is gone, and settings that nobody wrote.
    std::fs::remove_file(suite.path("submissions/cifar10/model/weights.safetensors")).unwrap();
    suite.refuses("server_preprocess_model", "", "model/weights.safetensors");
    suite.write("submissions/cifar10/submission.json", "{\"ring_dim\": 32768}");
    suite.refuses("server_preprocess_model", "", "submission.json");
}
