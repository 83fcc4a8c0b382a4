//! `classify` end to end: one image of the embedded sample at N = 2^16.
#![allow(missing_docs)]

mod common;

use common::cipherlab;
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

#[test]
fn an_encrypted_image_is_classified_as_in_plaintext() {
    let run = cipherlab(&["classify", "--image", "0", "--json", "--seed", "1", "--digits", "17"], None);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.stderr, "", "nothing to say beside the result");
    assert_eq!(run.stdout.lines().count(), 1, "one object an image");
    let report: Value = serde_json::from_str(&run.stdout).unwrap();

    // The first test image is a cat, and the model says so.
    for key in ["class", "label", "plain_class"] {
        assert_eq!(report[key], 3, "{key}");
    }
    let [logits, plain] = ["logits", "plain_logits"].map(|key| numbers(&report[key]));
    assert_eq!((logits.len(), plain.len()), (10, 10));
    let worst = logits.iter().zip(&plain).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst <= 0.05, "logits err by {worst}");
    // Two-sided: an encryption without noise would be a fault.
    assert!(worst > 0.0);
    assert_eq!(report["max_abs_error"].as_f64().unwrap(), worst);
    assert!((report["precision_bits"].as_f64().unwrap() + worst.log2()).abs() < 1e-9);

    for key in ["keygen", "encrypt", "evaluate", "decrypt"] {
        assert!(report["seconds"][key].as_f64().unwrap() > 0.0, "{key}");
    }
    let layers = report["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 3 * 19 + 1);
    let seconds: f64 = layers.iter().map(|layer| layer["seconds"].as_f64().unwrap()).sum();
    assert!((seconds - report["seconds"]["evaluate"].as_f64().unwrap()).abs() < 1e-6);
    assert!(layers.iter().all(|layer| layer["max_abs_error"].is_null()), "nobody looked");
    let steps = |layer: &Value| [&layer["layer"], &layer["op"]].map(|v| v.as_str().unwrap().to_owned());
    assert_eq!(steps(&layers[0]), ["conv1", "convolution"]);
    assert_eq!(steps(&layers[57]), ["fc", "classifier"]);

    let params = &report["params"];
    assert_eq!(params["ring_dim"], 65536);
    assert!(params["log_qp"].as_f64().unwrap() <= params["log_qp_limit"].as_f64().unwrap());
    assert!(params["security"].as_u64().unwrap() >= 128);
    assert_eq!((params["relu"].as_str(), params["packing"].as_str()), (Some("chebyshev:59"), Some("fused")));
    assert!(params["threads"].as_u64().unwrap() >= 1 && params["kernels"].is_string());
    let bytes = |key: &str| report[key].as_u64().unwrap() as f64;
    assert!((0.893e9..0.901e9).contains(&bytes("key_bytes")), "{}", bytes("key_bytes"));
    if report["peak_rss_bytes"].is_u64() {
        let ratio = bytes("predicted_bytes") / bytes("peak_rss_bytes");
        assert!((0.8..1.25).contains(&ratio), "predicted {ratio:.3} times the peak memory");
    }
}

/// Runs the fastest cell: weights trained with a polynomial of degree 7, at N = 2^15.
#[test]
fn weights_of_low_degree_need_half_the_ring() {
    let assets = concat!(env!("CARGO_MANIFEST_DIR"), "/datasets/assets/resnet20-chebyshev7");
    let [weights, card] = ["safetensors", "json"].map(|suffix| format!("{assets}.{suffix}"));
    let model = ["--weights", &weights, "--card", &card];
    let run = ["classify", "--image", "0", "--json", "--seed", "1", "--ring-dim", "32768"];
    let run = cipherlab(&[&run[..], &model].concat(), None);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    for key in ["class", "label", "plain_class", "exact_class"] {
        assert_eq!(report[key], 3, "{key}");
    }
    assert!(report["max_abs_error"].as_f64().unwrap() <= 0.1, "logits err by {}", report["max_abs_error"]);
    assert_eq!(report["params"]["relu"], "chebyshev:7", "what the card says");
    assert!(report["params"]["security"].as_u64().unwrap() >= 128);
}

/// With intervals of two fifths of the ranges, values leave them and the polynomial grows without bound.
#[test]
fn an_image_whose_values_leave_their_intervals_has_no_class() {
    let case = ["--ring-dim", "32768", "--relu", "chebyshev:7", "--headroom", "0.4"];
    let run = cipherlab(&[&["classify", "--image", "0,1", "--json", "--seed", "1"][..], &case].concat(), None);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    for line in run.stdout.lines() {
        let report: Value = serde_json::from_str(line).unwrap();
        for key in ["class", "class_name", "plain_class"] {
            assert!(report[key].is_null(), "{key}: {}", report[key]);
        }
        let reason = report["no_class"].as_str().unwrap();
        assert!(reason.contains("values left their intervals (layer1."), "{reason}");
        let outside = report["outside_intervals"].as_array().unwrap();
        assert!(outside.iter().all(|layer| layer["layer"].is_string() && layer["values"].as_u64().unwrap() > 0));
        assert!(!report["exact_class"].is_null(), "ReLU itself has no interval");
    }
    let run = cipherlab(&[&["classify", "--image", "0,1", "--seed", "1"][..], &case].concat(), None);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stdout.contains("test image 0: no class: ") && !run.stdout.contains("largest error"), "{}", run.stdout);
    assert!(
        run.stdout.ends_with("2 images: 0 of 2 as labelled, 0 as in plaintext, 2 without a class\n"),
        "{}",
        run.stdout
    );
}

/// A process that holds a secret key sets its limit for core files to 0, though the shell allows more.
#[test]
#[cfg(target_os = "linux")]
fn a_process_that_holds_a_secret_writes_no_core_file() {
    use std::time::Duration;
    let core_limit = |process: &str| {
        let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap_or_default();
        limits.lines().find_map(|line| line.strip_prefix("Max core file size")).map(|rest| rest.trim().to_owned())
    };
    if core_limit("self").is_none_or(|limit| limit.split_whitespace().nth(1) == Some("0")) {
        eprintln!("skipped: no process may write core files here");
        return;
    }
    let program = format!("ulimit -c unlimited; exec {} classify", env!("CARGO_BIN_EXE_cipherlab"));
    let mut child = std::process::Command::new("sh")
        .args(["-c", &program])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let id = child.id().to_string();
    // Both limits: the soft one of this process may be 0 already, and the shell raises it.
    let forbidden =
        |found: &Option<String>| found.as_ref().is_some_and(|limit| limit.split_whitespace().take(2).eq(["0", "0"]));
    let mut found = core_limit(&id);
    while !forbidden(&found) && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(20));
        found = core_limit(&id);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(forbidden(&found), "the limit stays {found:?}");
}
