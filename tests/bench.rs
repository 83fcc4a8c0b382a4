//! `cipherlab bench` as a user runs it, on rings small enough for a test.

use std::process::{Command, Output};

use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_cipherlab");
    Command::new(program).arg("bench").args(arguments).output().expect("the program starts")
}

/// Returns the JSON objects of a successful run: provenance, then the operations.
fn objects(arguments: &[&str]) -> (Value, Vec<Value>) {
    let output = bench(&[arguments, &["--json", "--repeat", "2", "--seed", "7"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line"));
    (lines.next().expect("provenance"), lines.collect())
}

fn named<'a>(rows: &'a [Value], op: &str) -> Vec<&'a Value> {
    rows.iter().filter(|row| row["op"] == op).collect()
}

fn names(rows: &[Value]) -> Vec<&str> {
    let mut names: Vec<_> = rows.iter().map(|row| row["op"].as_str().unwrap()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

const FIELDS: [&str; 15] = [
    "bits",
    "bytes",
    "limbs",
    "log_n",
    "mean_bits",
    "ntts",
    "op",
    "own_ntts",
    "repeats",
    "result_limbs",
    "seconds",
    "seconds_max",
    "seconds_min",
    "slots",
    "threads",
];

/// Each operation, the number of its rows, and the least correct bits of its worst slot.
const OPERATIONS: [(&str, usize, Option<f64>); 28] = [
    ("add", 2, Some(25.0)),
    ("bootstrap", 3, Some(18.0)),
    ("bootstrap_arcsine", 3, Some(16.0)),
    ("bootstrap_constants", 3, None),
    ("circuit_keys", 1, None),
    ("encode", 2, None),
    ("held_constants_in_file", 1, None),
    ("held_constants_when_used", 1, None),
    ("held_keys_in_file", 1, None),
    ("held_packed", 1, None),
    ("held_words", 1, None),
    ("inverse_ntt", 1, None),
    ("inverse_ntt_every_prime", 1, None),
    ("key_switch", 2, None),
    ("mod_up", 2, None),
    ("multiply", 2, Some(25.0)),
    ("multiply_plain", 2, Some(25.0)),
    ("multiply_rescale", 2, Some(22.0)),
    ("ntt", 1, None),
    ("ntt_all_threads", 1, None),
    ("ntt_every_prime", 1, None),
    ("ntt_reference", 1, None),
    ("peak_memory", 1, None),
    ("relu", 1, Some(20.0)),
    ("rescale", 2, Some(22.0)),
    ("rotate", 2, Some(22.0)),
    ("rotate_hoisted", 2, Some(22.0)),
    ("rotation_key", 2, None),
];

#[test]
fn every_operation_is_measured_and_right() {
    let (provenance, rows) = objects(&["--ring-dim", "2048", "--insecure", "--threads", "2"]);
    for known in ["version", "date", "threads", "kernels", "ring_dim", "log_qp", "yardstick", "yardstick_seconds"] {
        assert!(!provenance[known].is_null(), "{known} of {provenance}");
    }
    assert_eq!((&provenance["ring_dim"], &provenance["security"]), (&2048.into(), &0.into()), "stamped as insecure");
    assert_eq!((&provenance["threads"], &provenance["left_out"]), (&2.into(), &Value::Array(Vec::new())));

    assert_eq!(names(&rows), OPERATIONS.map(|(op, ..)| op));
    for (op, count, floor) in OPERATIONS {
        let rows = named(&rows, op);
        assert_eq!(rows.len(), count, "{op}");
        for row in rows {
            let mut fields: Vec<_> = row.as_object().unwrap().keys().collect();
            fields.sort_unstable();
            assert_eq!(fields, FIELDS, "{op}");
            assert_eq!(row["log_n"], 11);
            for (field, value) in row.as_object().unwrap() {
                assert!(
                    field == "op" || value.is_null() || value.as_f64().is_some_and(|v| v > 0.0),
                    "{field} of {row}"
                );
            }
            let number = |field: &str| row[field].as_f64();
            if op != "peak_memory" {
                let [min, median, max] = ["seconds_min", "seconds", "seconds_max"].map(|f| number(f).expect("a time"));
                assert!(min <= median && median <= max, "{row}");
                let ntts = median / provenance["yardstick_seconds"].as_f64().unwrap();
                assert!((ntts / number("ntts").unwrap() - 1.0).abs() < 1e-9, "{row}");
            }
            assert_eq!(number("bits").is_some(), floor.is_some(), "{row}");
            if let (Some(bits), Some(floor)) = (number("bits"), floor) {
                assert!(bits > floor && number("mean_bits").unwrap() > bits, "wanted {floor} bits: {row}");
            }
            let sized = ["encode", "rotation_key", "circuit_keys", "bootstrap_constants"].contains(&op);
            assert!(number("bytes").is_some() == sized || op == "peak_memory", "{row}");
        }
    }
    assert_eq!(named(&rows, "ntt_reference")[0]["ntts"], 1.0);
    assert_eq!(named(&rows, "ntt")[0]["own_ntts"], 1.0);
}

#[test]
fn a_small_ring_measures_what_fits_and_says_what_it_left_out() {
    let (provenance, rows) = objects(&["--ring-dim", "8192"]);
    assert!(provenance["security"].as_u64().unwrap() >= 128);
    let left_out = provenance["left_out"].as_array().unwrap();
    assert_eq!(names(left_out), ["bootstrap", "bootstrap_arcsine", "relu"]);
    assert!(left_out.iter().all(|left| left["why"].as_str().unwrap().contains("128")), "{left_out:?}");
    assert!(names(&rows).contains(&"multiply_rescale") && named(&rows, "bootstrap").is_empty());

    let (provenance, rows) = objects(&["--ring-dim", "4096"]);
    let left_out = names(provenance["left_out"].as_array().unwrap());
    assert!(left_out.contains(&"multiply_rescale") && named(&rows, "multiply_rescale").is_empty(), "{left_out:?}");
    assert!(!named(&rows, "rotate").is_empty());
}

#[test]
fn the_table_names_its_units() {
    let output = bench(&["--ring-dim", "4096", "--repeat", "1"]);
    let table = String::from_utf8(output.stdout).unwrap();
    let unit = "multiples of reference, forward, 50-bit prime, N = 4096";
    for text in [unit, "own: multiples", "rotate", "left out: relu"] {
        assert!(table.contains(text), "'{text}' in\n{table}");
    }
}

#[test]
fn the_manual_explains_every_operation() {
    let manual = String::from_utf8(bench(&["--help"]).stdout).unwrap();
    for (op, ..) in OPERATIONS.iter().filter(|(op, ..)| !op.ends_with("_every_prime")) {
        assert!(manual.contains(op), "'{op}' in\n{manual}");
    }
    assert!(!manual.contains("--insecure"));
}

/// Predictions accept a file of measurements by an earlier version, whose unit was a transform of another library.
#[test]
fn measurements_of_earlier_versions_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let shipped = include_str!("fixtures/bench/earlier-65536.jsonl");
    assert!(shipped.contains("\"op\":\"ntt_tfhe\"") && shipped.contains("\"backend\":\"avx512ifma\""));
    let scalar = shipped.replace("\"backend\":\"avx512ifma\"", "\"backend\":\"scalar\"");
    let marked = scalar.replace("2026-11-26", "2020-01-01");
    std::fs::write(folder.path().join("bench-65536.jsonl"), marked).unwrap();
    let plan = |kernels: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cipherlab"));
        command.args(["plan", "--json", "--kernels", kernels]).env("CIPHERLAB_DATA", folder.path());
        let plan: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        plan["seconds_from"].as_str().unwrap().to_owned()
    };
    assert!(plan("scalar").starts_with("bench at N = 65536 of 2020-01-01"), "{}", plan("scalar"));
    std::fs::rename(folder.path().join("bench-65536.jsonl"), folder.path().join("bench-65536-scalar.jsonl")).unwrap();
    assert!(plan("scalar").contains(" of 2020-01-01"));
    std::fs::write(folder.path().join("bench-65536.jsonl"), shipped.replace("2026-11-26", "2020-02-02")).unwrap();
    assert!(plan("scalar").contains(" of 2020-01-01"), "other kernels are no better");
    std::fs::write(folder.path().join("bench-65536-scalar.jsonl"), "{}").unwrap();
    let broken = Command::new(env!("CARGO_BIN_EXE_cipherlab"))
        .args(["plan", "--kernels", "scalar"])
        .env("CIPHERLAB_DATA", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&broken.stderr).into_owned();
    assert!(broken.status.code() == Some(2) && said.contains("bench-65536-scalar.jsonl: wanted the lines"), "{said}");
}

#[test]
fn what_cannot_be_measured_is_refused_with_the_reason() {
    for (arguments, reason) in [
        (["--ring-dim", "2048"], "128 bits of security"),
        (["--ring-dim", "1000"], "wanted a power of two"),
        (["--ring-dim", "262144"], "wanted a power of two from 1024 to 131072"),
        (["--repeat", "0"], "--repeat"),
        (["--threads", "0"], "--threads 0: wanted 1 to"),
        (["--threads", "40000"], "--threads 40000: wanted 1 to"),
    ] {
        let output = bench(&arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(reason), "{arguments:?}: {said}");
    }
}
