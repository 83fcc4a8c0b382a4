//! `classify --profile`: where time and memory go, for a small network in an INSECURE ring.
#![allow(missing_docs)]

mod common;
#[path = "common/tiny.rs"]
mod tiny;

use std::collections::BTreeMap;
use std::path::Path;

use common::{Run, cipherlab};
use serde_json::Value;

const THREADS: usize = 2;
const FILES: [&str; 6] = ["flame.png", "flame.svg", "memory.csv", "memory.png", "memory.svg", "time.csv"];

fn classify(weights: &Path, folder: &Path, more: &[&str]) -> Run {
    let [weights, folder] = [weights, folder].map(|path| path.to_str().unwrap());
    let threads = THREADS.to_string();
    let case = ["classify", "--insecure", "--ring-dim", "8192", "--relu", "chebyshev:7", "--threads", &threads];
    let ours = ["--seed", "1", "--weights", weights, "--profile", folder];
    cipherlab(&[&case[..], &ours, more].concat(), None)
}

/// A CSV file as maps from columns to fields.
fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().collect::<Result<_, _>>().unwrap()
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap()
}

/// The seconds of rows of all threads.
fn seconds<'a>(rows: impl Iterator<Item = &'a BTreeMap<String, String>>) -> f64 {
    rows.map(|row| number(row, "seconds")).sum()
}

#[test]
fn seconds_agree_with_the_clock_and_bytes_with_the_kernel() {
    let place = tempfile::tempdir().unwrap();
    let (weights, folder) = (place.path().join("weights"), place.path().join("profile"));
    tiny::write(&weights, [3, 4], 1);
    let run = classify(&weights, &folder, &["--image", "0,1", "--json", "--trace"]);
    assert!(run.code == Some(0) || run.code == Some(1), "a random network may have no class: {}", run.stderr);
    assert_eq!(run.stdout.lines().count(), 2, "an object for each image and nothing else");
    let reports: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, FILES);

    let time = table(&folder.join("time.csv"));
    for (k, report) in reports.iter().enumerate() {
        let number = (k + 1).to_string();
        let of = |layer: &str, op: &str| {
            seconds(time.iter().filter(|row| row["ciphertext"] == number && row["layer"] == layer && row["op"] == op))
        };
        let mut evaluate = 0.0;
        for layer in report["layers"].as_array().unwrap() {
            let (name, op) = (layer["layer"].as_str().unwrap(), layer["op"].as_str().unwrap());
            evaluate += of(name, op) / THREADS as f64;
        }
        let wanted = report["seconds"]["evaluate"].as_f64().unwrap();
        // Idle time is what remains, so that only time counted twice, or in no step, makes a difference.
        assert!((evaluate / wanted - 1.0).abs() < 0.02, "{evaluate} s in rows, {wanted} s by the clock");
        for (phase, wanted) in [("encryption", "encrypt"), ("decryption", "decrypt")] {
            let (found, wanted) = (of("client", phase) / THREADS as f64, report["seconds"][wanted].as_f64().unwrap());
            assert!(
                (found - wanted).abs() < 0.1 * wanted + 1e-2,
                "{phase}: {found} s in rows, {wanted} s by the clock"
            );
        }
    }
    let parts: Vec<&str> = time.iter().map(|row| &*row["part"]).collect();
    for part in ["SlotsToCoeffs 1", "ModRaise", "CoeffsToSlots 1", "EvalMod: series", "EvalMod: double angles"] {
        assert!(parts.contains(&part), "no {part}");
    }
    let sum = |primitive: &str| seconds(time.iter().filter(|row| row["primitive"] == primitive));
    for primitive in ["forward transforms", "base conversion: mod up", "key products", "drawing uniform halves"] {
        assert!(sum(primitive) > 0.0, "{primitive}");
    }
    assert!(time.iter().all(|row| number(row, "seconds") >= 0.0));

    let memory = table(&folder.join("memory.csv"));
    assert!(!memory.is_empty() || cfg!(not(target_os = "linux")));
    for row in &memory {
        let skipped = ["seconds", "ciphertext", "layer", "op", "rss"];
        let held: f64 =
            row.iter().filter(|(name, _)| !skipped.contains(&&***name)).map(|(_, v)| v.parse::<f64>().unwrap()).sum();
        // Memory may be counted a moment before it is resident.
        assert!(held >= number(row, "rss"), "{held} in columns of {row:?}");
    }
    if let (Some(peak), Some(row)) =
        (reports[1]["peak_rss_bytes"].as_f64(), memory.iter().max_by_key(|row| number(row, "rss") as u64))
    {
        assert!((number(row, "rss") / peak - 1.0).abs() < 0.05, "{} sampled, {peak} by the kernel", row["rss"]);
        let unattributed = number(row, "unattributed") / number(row, "rss");
        assert!(unattributed < 0.25, "{unattributed} of a small process");
        let keys = ["rotation_keys", "relinearization_keys", "encapsulation_keys", "client_keys"];
        let keys: f64 = keys.iter().map(|name| number(memory.last().unwrap(), name)).sum();
        assert_eq!(keys, reports[0]["key_bytes"].as_f64().unwrap());
    }
    assert_eq!(memory.first().map(|row| &*row["layer"]), Some("setup"), "the timeline begins before keys are made");

    // A second profile may take the first one's place, and says on a terminal what it found.
    let run = classify(&weights, &folder, &["--image", "0"]);
    let words = ["\nprofile in ", "\ntime: ", " s of evaluation on 2 threads: ", "\nmemory: most ", "rotation keys "];
    words.iter().for_each(|word| assert!(run.stdout.contains(word), "no '{word}' in {}", run.stdout));
}

#[test]
fn a_folder_with_other_files_is_refused_before_keys_are_made() {
    let place = tempfile::tempdir().unwrap();
    let (weights, folder) = (place.path().join("weights"), place.path().join("profile"));
    tiny::write(&weights, [3, 4], 1);
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("thesis.tex"), "mine").unwrap();
    let run = classify(&weights, &folder, &[]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(
        run.stderr.contains("found thesis.tex, which no profile wrote; wanted a new or an empty folder"),
        "{}",
        run.stderr
    );
    assert_eq!(std::fs::read_to_string(folder.join("thesis.tex")).unwrap(), "mine");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
}
