//! Made-up runs held against each other: stored text in every format, each verdict, each reason, limits, bad input.
#![allow(missing_docs)]

mod common;
#[path = "compare/made.rs"]
mod made;

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use common::{Run, cipherlab_in, stored};
use made::Case;
use serde_json::{Value, json};

/// Compares the runs `old` and `new` of a folder.
fn compare(place: &Path, arguments: &[&str]) -> Run {
    cipherlab_in(place, &[&["compare", "old", "new"], arguments].concat(), None)
}

/// Returns the quantities of the first pair that `compare` prints as JSON, by name.
fn quantities(place: &Path, arguments: &[&str]) -> impl Fn(&str) -> Value + use<> {
    let run = compare(place, &[&["--format", "json"], arguments].concat());
    assert_eq!((run.code, run.errors().as_str()), (Some(0), ""), "{arguments:?}");
    let found: Value = serde_json::from_str(&run.stdout).unwrap();
    let quantities = found["pairs"][0]["quantities"].as_array().unwrap().clone();
    move |name| quantities.iter().find(|quantity| quantity["quantity"] == name).unwrap_or(&Value::Null).clone()
}

/// Returns a folder with the run `old` of one case and the run `new` of another.
fn runs(old: Case, new: Case, changes: &Value) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    made::write(place.path(), "old", 0, &[old], &json!({}));
    made::write(place.path(), "new", 7, &[new], changes);
    place
}

/// Returns runs whose three cases got better, got worse, and hold other numbers of images in a ciphertext.
fn three_cases() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let vector = Case { packing: "vector", wrong: 40, ..Case::FUSED };
    let batch = Case { packing: "batch", batch: 2, ..Case::FUSED };
    made::write(place.path(), "old", 0, &[Case::FUSED, vector.clone(), batch.clone()], &json!({}));
    let better = Case { seconds: 9.0, megabytes: 1400, error: 5e-6, ..Case::FUSED };
    let worse = Case { seconds: 11.0, megabytes: 1600, error: 2e-5, wrong: 4, ..vector };
    let wider = Case { batch: 4, seconds: 17.0, ..batch };
    made::write(
        place.path(),
        "new",
        7,
        &[better, worse, wider],
        &json!({"reference_ntt_us": 63.0, "revision": "ba9876543210"}),
    );
    place
}

#[test]
fn every_format_is_as_stored() {
    let place = three_cases();
    for (format, extension) in [("text", "txt"), ("markdown", "md"), ("csv", "csv"), ("json", "json")] {
        let run = compare(place.path(), &["--format", format]);
        assert_eq!((run.code, run.errors().as_str()), (Some(0), ""));
        stored(&format!("compare/three-cases.{extension}"), &run.stdout);
    }
}

#[test]
fn every_difference_has_its_verdict() {
    let place = three_cases();
    let verdicts = |case: &str| {
        let of = quantities(place.path(), &["--case", case]);
        ["latency", "memory", "logit-error", "accuracy", "flips"]
            .map(|name| of(name)["verdict"].as_str().unwrap().to_owned())
    };
    let better = verdicts("encrypted-65536-chebyshev:59-fused");
    assert_eq!(better, ["faster", "smaller", "more precise", "no difference seen", "no difference seen"]);
    let worse = verdicts("encrypted-65536-chebyshev:59-vector");
    assert_eq!(worse, ["slower", "larger", "less precise", "less accurate", "more flips"]);
    let batch = quantities(place.path(), &["--case", "encrypted-65536-chebyshev:59-batch"]);
    assert_eq!((&batch("latency")["verdict"], &batch("latency")["pairs"]), (&json!("slower"), &json!(10)));
    assert_eq!(batch("amortised")["verdict"], "faster");
    // The other way round, what was worse is better.
    let other =
        cipherlab_in(place.path(), &["compare", "new", "old", "--case", "encrypted-65536-chebyshev:59-vector"], None);
    for verdict in ["faster", "smaller", "more precise", "more accurate", "fewer flips"] {
        assert!(other.stdout.lines().any(|line| line.ends_with(verdict)), "no {verdict} in {}", other.stdout);
    }
}

#[test]
fn many_tests_find_something_by_chance() {
    let place = tempfile::tempdir().unwrap();
    let packings = ["fused", "vector", "multiplexed", "diagonal", "batch"];
    let cases = packings.map(|packing| Case { packing, ..Case::FUSED });
    made::write(place.path(), "old", 0, &cases, &json!({}));
    made::write(place.path(), "new", 7, &cases, &json!({}));
    let note = "note: of 20 tests at 5 %, about 1 see a difference where there is none\n";
    assert!(compare(place.path(), &[]).stdout.ends_with(note));
    assert!(!compare(place.path(), &["--case", &cases[0].id()]).stdout.contains("tests at 5 %"));
}

#[test]
fn equal_runs_show_no_difference() {
    let place = runs(Case::FUSED, Case::FUSED, &json!({}));
    let of = quantities(place.path(), &[]);
    for name in ["latency", "memory", "logit-error", "accuracy", "flips"] {
        assert_eq!(of(name)["verdict"], "no difference seen", "{name}: {}", of(name));
    }
}

/// Returns the quantities that are not comparable, after a check that each has this reason.
fn not_comparable(place: &Path, arguments: &[&str], reason: &str) -> Vec<&'static str> {
    let of = quantities(place, arguments);
    let names = ["latency", "memory", "logit-error", "accuracy", "flips"];
    let refused = names.into_iter().filter(|name| of(name)["verdict"] == "not comparable");
    refused
        .inspect(|name| {
            let found = &of(name)["reason"];
            assert!(found.as_str().is_some_and(|found| found.contains(reason)), "{name}: no '{reason}' in {found}");
        })
        .collect()
}

/// The new case, the changes of its run, the reason, the quantities that are not comparable, and what to accept.
type Refusal<'a> = (Case, Value, &'a str, &'a [&'a str], Option<&'a str>);

#[test]
fn what_cannot_be_compared_says_why() {
    let all = ["latency", "memory", "logit-error", "accuracy", "flips"];
    let insecure = Case { insecure: true, ..Case::FUSED };
    let simulated = Case { backend: "simulated", ..Case::FUSED };
    let apart = Case { images: 40..80, ..Case::FUSED };
    // Five images of A are left.
    let few = Case { images: 0..5, ..Case::FUSED };
    let fused = || Case::FUSED;
    let none = json!({});
    let table: [Refusal<'_>; 10] = [
        (fused(), json!({"threads": 4}), "other threads: 2 against 4", &all[..2], Some("threads")),
        (fused(), json!({"kernels": "scalar"}), "other kernels: avx512ifma against scalar", &all[..2], Some("kernels")),
        (fused(), json!({"revision": "ab-dirty"}), "B: revision ab-dirty", &all, Some("dirty")),
        (fused(), json!({"revision": null}), "B: revision unknown", &all, Some("dirty")),
        (fused(), json!({"ended": null}), "B: partial: stopped before its end", &all, Some("partial")),
        (fused(), json!({"shard": "1/2"}), "B: partial: shard 1/2, not merged", &all, Some("partial")),
        (insecure, none.clone(), "other security: 128 bits against below 128 bits", &all[..3], Some("security")),
        (simulated, none.clone(), "encrypted against simulated", &all, None),
        (apart, none.clone(), "no image in common", &["latency", "logit-error", "accuracy", "flips"], None),
        (few, none, "5 pairs of measurements are too few, 6 are the fewest", &["latency", "logit-error"], None),
    ];
    for (new, changes, reason, refused, accept) in table {
        let place = runs(Case::FUSED, new, &changes);
        assert_eq!(not_comparable(place.path(), &[], reason), refused, "{reason}");
        if let Some(doubt) = accept {
            assert!(not_comparable(place.path(), &["--accept", doubt], "").is_empty(), "{reason}");
        }
    }
}

#[test]
fn images_of_one_number_must_be_one_image() {
    let place = runs(Case::FUSED, Case::FUSED, &json!({}));
    let path = place.path().join("new/images.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("fused,3,3,", "fused,3,4,", 1)).unwrap();
    let refused = not_comparable(place.path(), &[], "other images: image 3 has the label 3 in A and 4 in B");
    assert_eq!(refused, ["latency", "logit-error", "accuracy", "flips"]);
}

#[test]
fn seconds_of_two_machines_compare_by_the_yardstick_only() {
    let twice = Case { seconds: 20.0, ..Case::FUSED };
    let place = runs(Case::FUSED, twice.clone(), &json!({"cpu": "Example 1", "reference_ntt_us": 120.0}));
    let reason = "another machine: Example 9000 against Example 1; both runs have the yardstick";
    assert_eq!(not_comparable(place.path(), &[], reason), ["latency"]);
    assert!(quantities(place.path(), &[])("latency")["ratio"].is_null());
    assert_eq!(not_comparable(place.path(), &["--in-yardsticks"], ""), [""; 0]);
    let latency = quantities(place.path(), &["--in-yardsticks"])("latency");
    assert_eq!((&latency["verdict"], &latency["unit"]), (&json!("no difference seen"), &json!("transforms")));
    assert!((latency["a"].as_f64().unwrap() / (10.0 / 60e-6) - 1.0).abs() < 0.02, "{latency}");
    let place = runs(Case::FUSED, twice, &json!({"cpu": "Example 1", "reference_ntt_us": null}));
    assert_eq!(not_comparable(place.path(), &[], "the runs have no yardstick in common"), ["latency"]);
    refused(&compare(place.path(), &["--in-yardsticks"]), &["--in-yardsticks: found no yardstick in common"]);
}

#[test]
fn limits_end_with_status_1_and_name_what_broke_them() {
    let place = three_cases();
    let vector = "encrypted-65536-chebyshev:59-vector";
    let of = |limits: &[&str]| {
        let flags: Vec<&str> = limits.iter().flat_map(|limit| ["--fail-if", limit]).collect();
        let run = compare(place.path(), &[&["--case", vector], &flags[..]].concat());
        (run.code, run.errors())
    };
    let kept = ["slower:15%", "larger:10%", "less-precise:2bits", "less-accurate:40%", "more-flips:40%"];
    assert_eq!(of(&kept), (Some(0), String::new()));
    for (limit, quantity) in [
        ("slower:5%", "latency: found ×1.095 (×1.077 to ×1.115), wanted at most ×1.050"),
        ("larger:5%", "memory: found ×1.067, wanted at most ×1.050"),
        ("less-precise:0.5bits", "logit-error: found ×2.059"),
        ("less-accurate:2%", "accuracy: found -22.50 points"),
        ("more-flips:2%", "flips: found +22.50 points"),
    ] {
        let (code, errors) = of(&[limit, "slower:50%"]);
        assert_eq!((code, errors.lines().count()), (Some(1), 1), "{errors}");
        assert!(errors.starts_with(&format!("--fail-if {limit}: {vector}, {quantity}")), "{errors}");
    }
    assert_eq!(of(&["slower:5%", "larger:5%"]).1.lines().count(), 2);
}

#[test]
fn a_limit_that_cannot_be_checked_is_an_error() {
    let place = runs(Case::FUSED, Case::FUSED, &json!({"cpu": "Example 1"}));
    let run = compare(place.path(), &["--fail-if", "slower:5%"]);
    assert_eq!((run.code, run.errors().lines().count()), (Some(2), 1));
    assert!(run.errors().starts_with("error: not checked: --fail-if slower:5%: encrypted-"), "{}", run.errors());
    assert!(run.errors().contains("latency: another machine"), "{}", run.errors());
    assert_eq!(compare(place.path(), &["--fail-if", "less-accurate:5%"]).code, Some(0));
}

/// Asserts that a comparison was refused in one line that holds each of `words`.
fn refused(run: &Run, words: &[&str]) {
    let errors = run.errors();
    let line = errors.trim_end();
    assert_eq!((run.code, run.stdout.as_str(), line.lines().count()), (Some(2), "", 1), "{line}");
    words.iter().for_each(|word| assert!(line.contains(word), "no '{word}' in '{line}'"));
}

#[test]
fn bad_input_is_refused_in_a_line() {
    let other = Case { packing: "vector", ..Case::FUSED };
    let place = tempfile::tempdir().unwrap();
    made::write(place.path(), "old", 0, &[Case::FUSED, Case { packing: "batch", ..Case::FUSED }], &json!({}));
    made::write(place.path(), "new", 7, &[other], &json!({}));
    made::write(
        place.path(),
        "weights",
        7,
        &[Case::FUSED, Case { packing: "batch", ..Case::FUSED }],
        &json!({"weights_sha256": "a2"}),
    );
    std::fs::create_dir(place.path().join("empty")).unwrap();
    let run = |arguments: &[&str]| cipherlab_in(place.path(), &[&["compare"], arguments].concat(), None);
    refused(&run(&["old", "empty"]), &["empty/run.json: found no such file, wanted the folder of a run"]);
    refused(&run(&["nowhere", "new"]), &["nowhere/run.json"]);
    refused(&run(&["old"]), &["required arguments", "<B>"]);
    refused(&run(&["old", "old"]), &["old: found one folder twice", "--case-a and --case-b"]);
    refused(
        &run(&["old", "new"]),
        &["old has encrypted-65536-chebyshev:59-fused, ", "found no case in common", "--case-a"],
    );
    refused(&run(&["old", "weights"]), &["with other weights: found no case in common"]);
    refused(
        &run(&["old", "new", "--case", "absent"]),
        &["old: found no case absent", "wanted one of: encrypted-65536"],
    );
    refused(&run(&["old", "new", "--fail-if", "slower:5"]), &["found slower:5, wanted slower:5%"]);
    refused(&run(&["old", "new", "--accept", "machine"]), &["'machine'", "threads"]);
    let path = place.path().join("old/images.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    let again = text.lines().nth(1).unwrap();
    std::fs::write(&path, format!("{text}{again}\n")).unwrap();
    let named = ["--case-a", "encrypted-65536-chebyshev:59-fused"];
    refused(&run(&[&["old", "new"], &named[..]].concat()), &["old: found two rows of case", "image 0, wanted one"]);
}

#[test]
fn cases_of_one_run_compare_if_both_are_named() {
    let place = three_cases();
    let id = |packing| format!("encrypted-65536-chebyshev:59-{packing}");
    let arguments = ["compare", "old", "old", "--case-a", &id("fused"), "--case-b", &id("vector")];
    let run = cipherlab_in(place.path(), &arguments, None);
    assert_eq!((run.code, run.errors().as_str()), (Some(0), ""));
    for part in ["fused against encrypted", "A and B differ in packing (fused against vector)"] {
        assert!(run.stdout.contains(part), "no '{part}' in {}", run.stdout);
    }
}

#[test]
fn a_run_in_progress_is_not_compared() {
    let place = runs(Case::FUSED, Case::FUSED, &json!({"ended": null}));
    let config = File::open(place.path().join("new/config.toml")).unwrap();
    config.lock().unwrap();
    refused(&compare(place.path(), &[]), &["new: found a run in progress, wanted one that ended"]);
    config.unlock().unwrap();
    assert_eq!(compare(place.path(), &[]).code, Some(0));
}

/// A row that is not as it was written is found by its digest.
#[test]
fn changed_rows_are_refused() {
    let place = runs(Case::FUSED, Case::FUSED, &json!({}));
    let digest = format!("{:016x}\n", 1);
    std::fs::write(place.path().join("new/images.csv.digests"), digest).unwrap();
    refused(&compare(place.path(), &[]), &["images.csv:2: the row does not match its digest"]);
}

#[test]
fn ten_thousand_images_take_less_than_two_seconds() {
    let many = Case { images: 0..10_000, ..Case::FUSED };
    let place = runs(many.clone(), Case { error: 1.1e-5, ..many }, &json!({}));
    let run = || {
        let started = Instant::now();
        let errors = quantities(place.path(), &[])("logit-error");
        assert_eq!((&errors["pairs"], &errors["verdict"]), (&json!(10_000), &json!("less precise")));
        started.elapsed().as_secs_f64()
    };
    // The least of three, since tests share their machine.
    let seconds = (0..3).map(|_| run()).fold(f64::INFINITY, f64::min);
    println!("compared 10,000 images in {seconds:.2} s");
    assert!(seconds < 2.0, "compared in {seconds} s");
}

#[test]
fn published_runs_compare() {
    let results = |name: &str| format!("{}/results/{name}", env!("CARGO_MANIFEST_DIR"));
    let run = cipherlab_in(Path::new("."), &["compare", &results("paper"), &results("fastest")], None);
    assert_eq!((run.code, run.errors().as_str()), (Some(0), ""));
    for verdict in ["faster", "smaller", "less precise", "no difference seen"] {
        assert!(run.stdout.lines().any(|line| line.ends_with(verdict)), "no {verdict} in {}", run.stdout);
    }
}

/// Cases that differ in their setting of memory alone are held against the same setting.
#[test]
fn settings_of_memory_are_held_against_themselves() {
    let curve = format!("{}/results/memory-curve", env!("CARGO_MANIFEST_DIR"));
    let place = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(&curve).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), place.path().join(entry.file_name())).unwrap();
    }
    let run = cipherlab_in(place.path(), &["compare", &curve, ".", "--format", "json"], None);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let found: Value = serde_json::from_str(&run.stdout).unwrap();
    let pairs = found["pairs"].as_array().unwrap();
    assert!(pairs.len() >= 6, "{} pairs", pairs.len());
    assert!(pairs.iter().all(|pair| pair["case_a"] == pair["case_b"]), "{pairs:?}");
}
