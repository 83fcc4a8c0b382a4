//! What `plan` says of the case that `classify` runs.
#![allow(missing_docs)]

mod common;

use common::cipherlab;
use serde_json::Value;

#[test]
fn the_plan_holds_what_a_run_needs() {
    let run = cipherlab(&["plan", "--json"], None);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let plan: Value = serde_json::from_str(&run.stdout).unwrap();
    let sum = |list: &str, key: &str| -> u64 {
        plan[list].as_array().unwrap().iter().map(|entry| entry[key].as_u64().unwrap()).sum()
    };
    let bits: f64 = plan["chain"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["bits"].as_f64().unwrap() * group["count"].as_f64().unwrap())
        .sum();
    assert!((bits - plan["params"]["log_qp"].as_f64().unwrap()).abs() < 1.0, "{bits} bits");
    assert_eq!(plan["bootstraps"], 19);
    let seconds: f64 = plan["steps"].as_array().unwrap().iter().map(|step| step["seconds"].as_f64().unwrap()).sum();
    assert!((seconds - plan["seconds"].as_f64().unwrap()).abs() < 1e-9 && seconds > 0.0);
    assert!(plan["seconds_from"].as_str().unwrap().starts_with("bench at N = 65536"), "the cache is empty");
    assert_eq!(plan["steps"].as_array().unwrap().len(), 58);
    assert_eq!(sum("keys", "bytes"), plan["key_bytes"].as_u64().unwrap());
    for secret in ["main_secret", "ephemeral_secret"] {
        let number = |key: &str| plan[secret][key].as_f64().unwrap();
        assert!(number("security") >= 128.0 && number("log_qp") <= number("log_qp_limit"), "{secret}");
        assert!(plan[secret]["table"].as_str().unwrap().contains("20"), "a table has a date");
    }
}

#[test]
fn a_plan_that_does_not_fit_says_why() {
    let run = cipherlab(&["plan", "--max-memory", "1G"], None);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let last = run.stdout.lines().last().unwrap();
    assert!(last.starts_with("cannot run here: --max-memory: predicted") && last.contains("1.00 GB"), "{last}");
}

#[test]
fn every_packing_has_a_plan() {
    // The paper's circuit bootstraps once more before each of two strides.
    for (packing, bootstraps) in [("fused", 19), ("vector", 21), ("multiplexed", 19), ("diagonal", 19)] {
        let run = cipherlab(&["plan", "--packing", packing, "--json"], None);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let plan: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(
            (plan["params"]["packing"].as_str(), plan["bootstraps"].as_u64()),
            (Some(packing), Some(bootstraps))
        );
        assert!(plan["params"]["security"].as_u64().unwrap() >= 128, "{packing}");
        assert_eq!(plan["steps"].as_array().unwrap().len() as u64, 2 * 19 + bootstraps + 1, "{packing}");
    }
}

/// A config's cases: each with its cost, and those that cannot run with what would.
#[test]
fn the_cases_of_a_config_are_planned() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("rings.toml");
    let text = |more: &str, rings: &str, degree: usize| {
        format!(
            "name = \"rings\"\nquestion = \"What runs?\"\n[data]\nimages = \"0..3\"\n[backend]\nkind = \"encrypted\"\n{more}\n\
             [sweep]\nring_dim = [{rings}]\nrelu = [\"chebyshev:{degree}\"]\n"
        )
    };
    let plan = |more: &str, rings: &str, degree: usize, flags: &[&str]| {
        std::fs::write(&config, text(more, rings, degree)).unwrap();
        let run = cipherlab(&[&["plan", config.to_str().unwrap()], flags].concat(), None);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        run.stdout
    };
    let found = plan("", "32768, 65536", 511, &[]);
    assert!(found.contains("2 cases, 3 images each, encrypted"), "{found}");
    assert!(found.contains("\nencrypted-65536-chebyshev:511-fused "), "{found}");
    assert!(found.contains("encrypted-32768-chebyshev:511-fused cannot run here: ") && found.contains("hours in all"));
    assert!(
        found.contains(
            "(ring dimension 65536 or chebyshev:255 would run), or --insecure (in a config `insecure = true`)"
        ),
        "{found}"
    );

    let lines = plan("insecure = true", "32768, 65536", 511, &["--json"]);
    let cases: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [small, large] = &cases[..] else { panic!("{lines}") };
    assert_eq!(
        (&small["case"], &small["plan"]["params"]["security"]),
        (&"encrypted-32768-chebyshev:511-fused-insecure".into(), &0.into())
    );
    assert_eq!(
        (&large["case"], &large["plan"]["params"]["security"]),
        (&"encrypted-65536-chebyshev:511-fused".into(), &128.into())
    );
    assert_eq!((small["images"].as_u64(), &small["obstacle"]), (Some(3), &Value::Null));
    let seconds = |case: &Value| case["plan"]["seconds"].as_f64().unwrap();
    assert!(seconds(small) > 0.0 && seconds(small) < seconds(large));

    let found = plan("max_memory = \"1500M\"", "65536", 59, &[]);
    assert!(found.contains("wanted at most 1.50 GB; raise the limit; ") && found.contains(" takes 1."), "{found}");
    // Three images, two to a ciphertext: two ciphertexts.
    let lines = plan("", "65536", 59, &["--json"]);
    assert_eq!(serde_json::from_str::<Value>(&lines).unwrap()["plan"]["batch"], 1);
    std::fs::write(&config, text("", "65536", 59) + "packing = [\"fused\", \"batch\"]\n").unwrap();
    let run = cipherlab(&["plan", config.to_str().unwrap()], None);
    let hours = |packing: &str| {
        let line = run.stdout.lines().find(|line| line.contains(&format!("-{packing} "))).expect(&run.stdout);
        let words: Vec<f64> = line.split_whitespace().rev().take(4).map(|word| word.parse().unwrap()).collect();
        let [hours, images, batch, seconds] = words[..] else { panic!("{line}") };
        assert!((hours - seconds * (images / batch).ceil() / 3600.0).abs() < 0.006, "{line}");
        (images, batch)
    };
    assert_eq!((hours("fused"), hours("batch")), ((3.0, 1.0), (3.0, 2.0)));

    let run = cipherlab(&["plan", config.to_str().unwrap(), "--relu", "chebyshev:27"], None);
    assert_eq!(run.code, Some(2), "flags and a config: {}", run.stderr);
}

#[test]
fn the_kernels_flag_still_has_its_old_name() {
    for (flag, note) in [("--kernels", ""), ("--backend", "note: --backend is now called --kernels\n")] {
        let run = cipherlab(&["plan", flag, "scalar", "--json"], None);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_eq!(run.stderr, note);
        let plan: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(plan["params"]["kernels"], "scalar");
    }
}
