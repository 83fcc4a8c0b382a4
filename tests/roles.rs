//! Client and server as programs: what each gets, what comes back, and every file that does not belong.
#![allow(missing_docs)]

mod common;
#[path = "common/tiny.rs"]
mod tiny;

use std::path::{Path, PathBuf};

use common::{Run, cipherlab};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with the weights of a small network, for an INSECURE ring of dimension 2^13.
struct Place {
    folder: TempDir,
}

const CASE: [&str; 5] = ["--insecure", "--ring-dim", "8192", "--relu", "chebyshev:7"];

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        tiny::write(&place.path("weights"), [3, 4], 1);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn keygen(&self, keys: &str) {
        let (weights, keys) = (self.text("weights"), self.text(keys));
        let run = cipherlab(&[&["keygen", "--weights", &weights, "--out", &keys][..], &CASE].concat(), None);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
    }

    fn encrypt(&self, keys: &str, images: &str, out: &str) -> Run {
        cipherlab(&["encrypt", "--keys", &self.text(keys), "--image", images, "--out", &self.text(out)], None)
    }

    fn evaluate(&self, keys: &str, weights: &str, from: &str, out: &str) -> Run {
        let [keys, weights, from, out] = [keys, weights, from, out].map(|name| self.text(name));
        cipherlab(&["evaluate", "--json", "--keys", &keys, "--weights", &weights, "--in", &from, "--out", &out], None)
    }

    fn decrypt(&self, keys: &str, from: &str) -> Run {
        cipherlab(&["decrypt", "--json", "--digits", "9", "--keys", &self.text(keys), "--in", &self.text(from)], None)
    }

    fn move_file(&self, from: &str, to: &str) {
        std::fs::rename(self.path(from), self.path(to)).unwrap();
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// The half-widths of the activations of the small network, by name, for its card.
fn half_widths() -> serde_json::Map<String, Value> {
    let blocks = (1..=3).flat_map(|stage| [1, 2].map(|k| format!("layer{stage}.0.act{k}")));
    std::iter::once("act".to_owned()).chain(blocks).map(|name| (name, 4.0.into())).collect()
}

#[track_caller]
fn fine(run: &Run) {
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
}

/// One line on standard error beside notes, with these words, and status 2.
#[track_caller]
fn refused(run: &Run, words: &str) {
    let errors: Vec<_> = run.stderr.lines().filter(|line| !line.starts_with("note: ")).collect();
    let [error] = errors[..] else { panic!("wanted one line, found {:?}", run.stderr) };
    assert_eq!(run.code, Some(2), "{error}");
    assert!(error.starts_with("error: ") && error.contains(words), "wanted '{words}' in: {error}");
    assert_eq!(run.stdout, "");
}

fn logits(run: &Run) -> Vec<Vec<f64>> {
    let numbers = |line: &str| {
        let report: Value = serde_json::from_str(line).unwrap();
        report["logits"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    };
    run.stdout.lines().map(numbers).collect()
}

/// The logits of the plaintext model with the same polynomials.
fn plain(place: &Place, images: &str) -> Vec<Vec<f64>> {
    let weights = place.text("weights");
    let case = [&["classify", "--json", "--seed", "1", "--image", images, "--weights", &weights][..], &CASE].concat();
    let run = cipherlab(&case, None);
    fine(&run);
    let numbers = |line: &str| {
        let report: Value = serde_json::from_str(line).unwrap();
        report["plain_logits"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    };
    run.stdout.lines().map(numbers).collect()
}

fn worst(found: &[Vec<f64>], wanted: &[Vec<f64>]) -> f64 {
    assert_eq!(found.len(), wanted.len());
    let pairs = found.iter().flatten().zip(wanted.iter().flatten());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// The server works with the public folder and the upload only: the client's files are elsewhere meanwhile.
#[test]
fn a_server_without_the_secret_computes_what_the_client_reads() {
    let place = Place::new();
    place.keygen("keys");
    fine(&place.encrypt("keys", "3,7", "up"));
    assert_eq!(place.names("up"), ["000000.images", "000001.images", "parcel.json"]);
    place.move_file("keys/public", "public");
    place.move_file("keys", "elsewhere");
    let run = place.evaluate("public", "weights", "up", "down");
    fine(&run);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (report["images"].as_u64(), report["evaluated"].as_u64(), report["kept"].as_u64()),
        (Some(2), Some(2), Some(0))
    );
    let of = |folder: &str, ending: &str| -> u64 {
        let names = place.names(folder).into_iter().filter(|name| name.ends_with(ending));
        names.map(|name| std::fs::metadata(place.path(folder).join(name)).unwrap().len()).sum()
    };
    assert_eq!(report["upload_bytes"], of("up", "images"));
    assert_eq!(report["download_bytes"], of("down", "logits"));
    assert_eq!(report["evaluation_key_bytes"], of("public", "evaluation.keys"));
    place.move_file("elsewhere", "keys");
    place.move_file("public", "keys/public");
    let run = place.decrypt("keys", "down");
    fine(&run);
    let (found, wanted) = (logits(&run), plain(&place, "3,7"));
    let error = worst(&found, &wanted);
    assert!((1e-9..0.1).contains(&error), "logits err by {error}");

    // A killed evaluation: the logits that are there stay, the others are computed.
    std::fs::remove_file(place.path("down/000001.logits")).unwrap();
    refused(&place.decrypt("keys", "down"), "found 1 of 2 ciphertexts of logits");
    let before = std::fs::read(place.path("down/000000.logits")).unwrap();
    let run = place.evaluate("keys/public", "weights", "up", "down");
    fine(&run);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((report["evaluated"].as_u64(), report["kept"].as_u64()), (Some(1), Some(1)));
    assert!(std::fs::read(place.path("down/000000.logits")).unwrap() == before);
    assert!(worst(&logits(&place.decrypt("keys", "down")), &wanted) < 0.1);
    // Another upload has another folder.
    fine(&place.encrypt("keys", "1", "other"));
    refused(&place.evaluate("keys/public", "weights", "other", "down"), "found results of the upload");
}

/// Somebody who holds the public folder only encrypts for the client.
#[test]
fn a_stranger_encrypts_under_the_public_key() {
    let place = Place::new();
    place.keygen("keys");
    let run = place.encrypt("keys/public", "3", "up");
    fine(&run);
    assert!(run.stdout.contains("encrypted under the public key"), "{}", run.stdout);
    let run = place.encrypt("keys", "3", "half");
    assert!(run.stdout.contains("encrypted under the secret key"), "{}", run.stdout);
    let bytes = |name: &str| std::fs::metadata(place.path(name)).unwrap().len() as f64;
    let ratio = bytes("up/000000.images") / bytes("half/000000.images");
    assert!((1.98..2.0).contains(&ratio), "{ratio}");
    fine(&place.evaluate("keys/public", "weights", "up", "down"));
    let found = logits(&place.decrypt("keys", "down"));
    assert!(worst(&found, &plain(&place, "3")) < 0.1);
}

#[test]
fn files_that_do_not_go_together_are_refused() {
    let place = Place::new();
    for keys in ["keys", "others"] {
        place.keygen(keys);
    }
    fine(&place.encrypt("keys", "3", "up"));
    // Two clients.
    refused(&place.evaluate("others/public", "weights", "up", "down"), "two clients' files were mixed");
    assert!(!place.path("down").exists(), "nothing is left behind");
    std::fs::create_dir(place.path("mixed")).unwrap();
    for (from, to) in [("keys/public", "mixed/public"), ("others/secret.key", "mixed/secret.key")] {
        place.move_file(from, to);
    }
    refused(&place.encrypt("mixed", "3", "out"), "found the secret of another client");
    place.move_file("mixed/public", "keys/public");
    for file in ["evaluation.keys", "public.key"] {
        let [own, aside, foreign] =
            [format!("keys/public/{file}"), format!("keys/{file}"), format!("others/public/{file}")];
        place.move_file(&own, &aside);
        std::fs::copy(place.path(&foreign), place.path(&own)).unwrap();
        let run = match file {
            "public.key" => place.encrypt("keys/public", "3", "out"),
            _ => place.evaluate("keys/public", "weights", "up", "down"),
        };
        refused(&run, "take both from one `cipherlab keygen`");
        place.move_file(&aside, &own);
    }
    // Keys and uploads are never overwritten.
    let run = cipherlab(
        &[&["keygen", "--weights", &place.text("weights"), "--out", &place.text("keys")][..], &CASE].concat(),
        None,
    );
    refused(&run, "keys are never overwritten");
    refused(&place.encrypt("keys", "3", "up"), "uploads are never overwritten");
}

#[test]
fn weights_that_the_keys_were_not_made_for_are_refused() {
    let place = Place::new();
    tiny::write(&place.path("wider"), [3, 8], 1);
    place.keygen("keys");
    fine(&place.encrypt("keys", "3", "up"));
    // Another model.
    refused(&place.evaluate("keys/public", "wider", "up", "down"), "slots");
    let run = cipherlab(
        &[
            "evaluate",
            "--keys",
            &place.text("keys/public"),
            "--weights",
            "resnet20",
            "--in",
            &place.text("up"),
            "--out",
            &place.text("down"),
        ],
        None,
    );
    refused(&run, "slots");
    // The same architecture, trained with another activation.
    let weights = std::fs::read(place.path("weights")).unwrap();
    let half_widths = half_widths();
    let card = serde_json::json!({
        "architecture": "tiny", "test_accuracy": 0.1, "mean": [0.4914, 0.4822, 0.4465], "std": [0.2023, 0.1994, 0.201],
        "range_on_training_images": half_widths, "trained_with": { "relu": "chebyshev:7", "half_widths": half_widths },
    });
    std::fs::write(place.path("weights-too"), weights).unwrap();
    std::fs::write(place.path("card.json"), card.to_string()).unwrap();
    let [keys, weights, card, up, down] =
        ["keys/public", "weights-too", "card.json", "up", "down"].map(|name| place.text(name));
    let run = cipherlab(
        &["evaluate", "--keys", &keys, "--weights", &weights, "--card", &card, "--in", &up, "--out", &down],
        None,
    );
    refused(&run, "the keys are for a model trained with ReLU, the weights were trained with chebyshev:7");
}

#[test]
fn results_of_two_models_never_share_a_folder() {
    let place = Place::new();
    tiny::write(&place.path("other"), [3, 4], 2);
    place.keygen("keys");
    fine(&place.encrypt("keys", "3", "up"));
    fine(&place.evaluate("keys/public", "weights", "up", "down"));
    let before = std::fs::read(place.path("down/000000.logits")).unwrap();
    refused(&place.evaluate("keys/public", "other", "up", "down"), "found results of another model for this upload");
    assert_eq!(std::fs::read(place.path("down/000000.logits")).unwrap(), before);
    fine(&place.evaluate("keys/public", "other", "up", "down-too"));
}

/// The client names classes by the keys.
#[test]
fn weights_of_other_classes_or_larger_logits_need_keys_of_their_own() {
    let place = Place::new();
    let half_widths = half_widths();
    let card = |name: &str, first: &str, logit_bound: f64| {
        let classes: Vec<String> =
            (0..10).map(|k| if k == 0 { first.to_owned() } else { format!("class {k}") }).collect();
        let card = serde_json::json!({
            "architecture": "tiny", "mean": [0.4914, 0.4822, 0.4465], "std": [0.2023, 0.1994, 0.201],
            "range_on_training_images": half_widths, "classes": classes, "logit_bound": logit_bound,
        });
        std::fs::write(place.path(name), card.to_string()).unwrap();
    };
    card("card", "ship", 20.0);
    card("other", "cup", 20.0);
    card("larger", "ship", 30.0);
    card("smaller", "ship", 10.0);
    let [weights, keys, card] = ["weights", "keys", "card"].map(|name| place.text(name));
    let made = ["keygen", "--weights", &weights, "--card", &card, "--out", &keys];
    fine(&cipherlab(&[&made[..], &CASE].concat(), None));
    fine(&place.encrypt("keys", "3", "up"));
    let evaluate = |card: &str, out: &str| {
        let [public, up, card, out] = ["keys/public", "up", card, out].map(|name| place.text(name));
        let arguments =
            ["evaluate", "--keys", &public, "--weights", &weights, "--card", &card, "--in", &up, "--out", &out];
        cipherlab(&arguments, None)
    };
    refused(&evaluate("other", "down"), "the weights' card names [\"cup\"");
    refused(&evaluate("larger", "down"), "clients refuse logits above 20, the weights' card allows 30");
    fine(&evaluate("card", "down"));
    fine(&evaluate("smaller", "down-too"));
}

/// A secret key in place of each file that the server reads.
#[test]
fn the_server_reads_no_secret_key() {
    let place = Place::new();
    place.keygen("keys");
    fine(&place.encrypt("keys", "3", "up"));
    let secret = std::fs::read(place.path("keys/secret.key")).unwrap();
    let inputs =
        ["keys/public/evaluation.keys", "keys/public/manifest.json", "up/000000.images", "up/parcel.json", "weights"];
    for input in inputs {
        let own = std::fs::read(place.path(input)).unwrap();
        std::fs::write(place.path(input), &secret).unwrap();
        let run = place.evaluate("keys/public", "weights", "up", "down");
        assert_eq!(run.code, Some(2), "{input}: {}", run.stdout);
        assert!(
            run.stderr.contains("error: ") && run.stderr.contains(input.rsplit('/').next().unwrap()),
            "{}",
            run.stderr
        );
        std::fs::write(place.path(input), own).unwrap();
    }
    fine(&place.evaluate("keys/public", "weights", "up", "down"));
}

/// What becomes of a file's bytes.
type Damage = fn(&[u8]) -> Vec<u8>;

#[test]
fn damaged_files_are_refused_and_leave_nothing_behind() {
    let place = Place::new();
    place.keygen("keys");
    fine(&place.encrypt("keys", "3", "up"));
    let damages: [(&str, Damage); 5] = [
        ("truncated", |bytes| bytes[..bytes.len() / 2].to_vec()),
        ("empty", |_| Vec::new()),
        ("foreign", |_| b"PK\x03\x04 something else entirely, of another program".to_vec()),
        ("longer", |bytes| [bytes, b"x"].concat()),
        ("flipped", |bytes| {
            let mut bytes = bytes.to_vec();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            bytes
        }),
    ];
    for input in ["keys/public/evaluation.keys", "up/000000.images", "up/parcel.json", "keys/public/manifest.json"] {
        let own = std::fs::read(place.path(input)).unwrap();
        for (name, damage) in damages {
            // A list with a byte flipped may be another right list: its keys or its upload differ then, or its numbers.
            if input.ends_with(".json") && name == "flipped" {
                continue;
            }
            std::fs::write(place.path(input), damage(&own)).unwrap();
            let run = place.evaluate("keys/public", "weights", "up", "down");
            assert_eq!(run.code, Some(2), "{input} {name}: {}", run.stdout);
            let left = if place.path("down").exists() { place.names("down") } else { Vec::new() };
            assert!(left.iter().all(|name| name == "parcel.json"), "{input} {name}: {left:?}");
        }
        std::fs::write(place.path(input), own).unwrap();
        let _ = std::fs::remove_dir_all(place.path("down"));
    }
    fine(&place.evaluate("keys/public", "weights", "up", "down"));
    for (name, damage) in damages {
        let own = std::fs::read(place.path("down/000000.logits")).unwrap();
        std::fs::write(place.path("down/000000.logits"), damage(&own)).unwrap();
        refused(&place.decrypt("keys", "down"), "000000.logits");
        std::fs::write(place.path("down/000000.logits"), own).unwrap();
        let own = std::fs::read(place.path("keys/secret.key")).unwrap();
        let other: &Path = &place.path("keys/secret.key");
        std::fs::write(other, damage(&own)).unwrap();
        assert_eq!(place.decrypt("keys", "down").code, Some(2), "secret key {name}");
        std::fs::write(other, own).unwrap();
    }
    fine(&place.decrypt("keys", "down"));
    for (run, words) in [
        (place.evaluate("nothing", "weights", "up", "down"), "wanted the manifest"),
        (
            place.evaluate("keys/public", "weights", "nothing", "down"),
            "wanted a folder that `cipherlab encrypt` has written",
        ),
        (place.decrypt("keys", "nothing"), "wanted a folder that `cipherlab evaluate` has written"),
        (place.encrypt("nothing", "3", "out"), "wanted the manifest"),
        (place.decrypt("keys/public", "down"), "secret.key"),
    ] {
        refused(&run, words);
    }
}

#[test]
#[cfg(unix)]
fn a_secret_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    place.keygen("keys");
    let mode = || std::fs::metadata(place.path("keys/secret.key")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(place.path("keys/secret.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    refused(&place.encrypt("keys", "3", "up"), "found permissions 644, wanted 600");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_leaves_no_file_under_its_name() {
    let place = Place::new();
    let (program, weights) = (env!("CARGO_BIN_EXE_cipherlab"), place.text("weights"));
    let keys = place.text("keys");
    // A limit on the length of files stands for a full disk: the evaluation keys are longer.
    let command = format!(
        "ulimit -f 2000; trap '' XFSZ; exec {program} keygen --weights {weights} --out {keys} {}",
        CASE.join(" ")
    );
    let output = std::process::Command::new("bash").args(["-c", &command]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!place.path("keys/secret.key").exists());
    assert!(place.names("keys/public").iter().all(|name| name == "public.key"), "{:?}", place.names("keys/public"));
    std::fs::remove_dir_all(place.path("keys")).unwrap();
    place.keygen("keys");
}
