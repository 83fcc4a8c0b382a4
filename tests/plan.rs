//! `plan`: its figures, its limits, its advice.
#![allow(missing_docs)]

mod common;

use std::process::Command;

use common::{Run, cipherlab, cipherlab_in};
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
    // The shipped measurements at this ring are by AVX-512; other kernels have theirs at half the ring, scaled.
    let source = plan["seconds_from"].as_str().unwrap();
    let shipped = if source.contains("avx512ifma") { "bench at N = 65536 of " } else { "bench at N = 32768 of " };
    assert!(source.starts_with(shipped), "the cache is empty: {source}");
    assert_eq!(plan["steps"].as_array().unwrap().len(), 58);
    assert_eq!(sum("keys", "bytes"), plan["key_bytes"].as_u64().unwrap());
    for secret in ["main_secret", "ephemeral_secret", "client_secret"] {
        let number = |key: &str| plan[secret][key].as_f64().unwrap();
        assert!(number("security") >= 128.0 && number("log_qp") <= number("log_qp_limit"), "{secret}");
        assert!(plan[secret]["table"].as_str().unwrap().contains("20"), "a table has a date");
    }
}

#[test]
fn a_plan_that_does_not_fit_says_why() {
    let run = cipherlab(&["plan", "--max-memory", "300M"], None);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let last = run.stdout.lines().last().unwrap();
    assert!(
        last.starts_with("cannot run here: --max-memory 300M: predicted at least") && last.contains("300.0 MB"),
        "{last}"
    );
}

/// The advice names weights that keep the accuracy, and a user can type it as it stands, in any folder.
#[test]
fn advice_keeps_the_classes_and_can_be_typed() {
    let run = cipherlab(&["plan", "--max-memory", "300M"], None);
    let last = run.stdout.lines().last().unwrap();
    assert!(!last.contains("chebyshev:3"), "{last}");
    let (_, advice) = last.split_once("or use ").expect(last);
    let (flags, rest) = advice.split_once(" (209.2 MB; 92.60 % of 10000 images right").expect(last);
    assert!(rest.contains("simulated at N = 32768"), "{last}");
    let typed: Vec<&str> = ["plan", "--max-memory", "300M"].into_iter().chain(flags.split(' ')).collect();
    let elsewhere = tempfile::tempdir().unwrap();
    let run = cipherlab_in(elsewhere.path(), &typed, None);
    assert_eq!((run.code, run.stdout.lines().last()), (Some(0), Some("runs here")), "{}", run.stderr);
    assert!(run.stdout.starts_with("N = 32768, cosine+square, fused packing"), "{}", run.stdout);
}

/// Flags and configs name shipped weights. Their polynomial is that of their card.
#[test]
fn shipped_weights_have_names() {
    let plan = |arguments: &[&str]| {
        let run = cipherlab(&[&["plan", "--json", "--ring-dim", "32768"], arguments].concat(), None);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        serde_json::from_str::<Value>(&run.stdout).unwrap()
    };
    let asset = |name: &str| format!("{}/datasets/assets/resnet20-chebyshev7.{name}", env!("CARGO_MANIFEST_DIR"));
    let [weights, card] = ["safetensors", "json"].map(asset);
    let (named, files) = (plan(&["--weights", "resnet20-chebyshev7"]), plan(&["--weights", &weights, "--card", &card]));
    assert_eq!(named["params"]["relu"], "chebyshev:7");
    assert_eq!((&named["params"], &named["steps"][5]["level"]), (&files["params"], &files["steps"][5]["level"]));
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("named.toml");
    let text = "name = \"named\"\nquestion = \"What runs?\"\n[model]\nweights = \"resnet20-chebyshev7\"\n[data]\n\
                images = \"0\"\n[backend]\nkind = \"encrypted\"\n[sweep]\nring_dim = [32768]\nrelu = [\"chebyshev:7\"]\n";
    std::fs::write(&config, text).unwrap();
    let run = cipherlab(&["plan", config.to_str().unwrap(), "--json"], None);
    let planned: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    assert_eq!(planned["plan"]["params"], named["params"]);
}

/// Runs the program under limits that the shell sets.
fn limited(limits: &str, arguments: &str) -> Run {
    let empty = tempfile::tempdir().unwrap();
    let script = format!("{limits} && exec \"$0\" {arguments}");
    let output = Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_cipherlab")])
        .env("CIPHERLAB_DATA", empty.path())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

const FASTEST: &str = "--ring-dim 32768 --weights resnet20-chebyshev7 --threads 2";

/// The fastest case really runs from 1,000,000 KiB of address space on; see the table in tests/README.md.
#[cfg(target_os = "linux")]
#[test]
fn limits_of_the_shell_count() {
    for (limit, named) in [("ulimit -v 700000", "`ulimit -v`"), ("ulimit -d 700000", "`ulimit -d`")] {
        let run = limited(limit, &format!("plan {FASTEST}"));
        let last = run.stdout.lines().last().unwrap_or_default();
        assert_eq!(run.code, Some(0), "{limit}: {}", run.stderr);
        assert!(last.starts_with("cannot run here: not enough memory: found "), "{limit}: {last}");
        assert!(last.contains(named) && last.contains("raise that limit"), "{limit}: {last}");
        let run = limited(limit, &format!("classify {FASTEST}"));
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{limit}");
        assert!(run.stderr.contains(named), "{limit}: {}", run.stderr);
    }
    let run = limited("ulimit -v 1400000 && ulimit -d 1400000", &format!("plan {FASTEST}"));
    assert_eq!(run.stdout.lines().last(), Some("runs here"), "{}", run.stdout);
}

/// Limits too tight for the preparation of a case end in one line before an allocation fails.
#[cfg(target_os = "linux")]
#[test]
fn limits_too_tight_to_say_anything_are_an_error() {
    for (limit, threads) in
        [("ulimit -v 100000", 2), ("ulimit -v 250000", 2), ("ulimit -v 350000", 64), ("ulimit -d 90000", 1)]
    {
        let run = limited(limit, &format!("plan --threads {threads}"));
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{limit}: {}", run.stderr);
        let wanted = format!("to prepare a case with {threads} threads; raise that limit\n");
        assert!(run.stderr.starts_with("error: found ") && run.stderr.ends_with(&wanted), "{limit}: {}", run.stderr);
    }
}

/// The variable `RAYON_NUM_THREADS` has the bound of `--threads`.
#[test]
fn threads_from_the_environment_are_bounded() {
    let run = limited("export RAYON_NUM_THREADS=40000", "plan");
    assert_eq!(run.code, Some(2), "{}", run.stdout);
    assert!(run.stderr.starts_with("error: RAYON_NUM_THREADS 40000: wanted 1 to "), "{}", run.stderr);
    let run = limited("export RAYON_NUM_THREADS=3", "plan --json");
    assert_eq!(serde_json::from_str::<Value>(&run.stdout).unwrap()["params"]["threads"], 3);
}

/// Seconds come from measurements of the chosen kernels. If another machine made them, the plan says so.
#[test]
fn kernels_are_predicted_from_their_own_measurements() {
    let mut seconds = Vec::new();
    for kernels in ["fma", "scalar"] {
        let run =
            cipherlab(&["plan", "--json", "--kernels", kernels, "--ring-dim", "32768", "--relu", "chebyshev:15"], None);
        let plan: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
        let from = plan["seconds_from"].as_str().unwrap();
        assert!(from.starts_with("bench at N = 32768") && from.contains(&format!(" threads, {kernels}")), "{from}");
        seconds.push(plan["seconds"].as_f64().unwrap());
    }
    assert!(seconds[0] < seconds[1], "scalar kernels are the slowest: {seconds:?}");
}

/// `bench --save` stores what each way of holding costs; without it, or by an earlier version, the prices are the shipped ones.
#[test]
fn the_ways_of_holding_cost_what_bench_stored() {
    let folder = tempfile::tempdir().unwrap();
    let plan = |memory: &str| -> Value {
        let case = ["plan", "--json", "--kernels", "scalar", "--ring-dim", "32768", "--relu", "chebyshev:7"];
        let run = cipherlab(&[&case[..], &["--max-memory", memory]].concat(), Some(folder.path()));
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        serde_json::from_str(&run.stdout).unwrap()
    };
    let over_default = |plan: &Value, holding: &str| {
        let ways = plan["settings"].as_array().unwrap();
        let seconds =
            |way: &str| ways.iter().find(|known| known["holding"] == way).map(|way| way["seconds"].as_f64().unwrap());
        seconds(holding).map(|found| found / seconds("packed keys, constants in memory").unwrap())
    };
    let file = folder.path().join("bench-32768-scalar.jsonl");
    let shipped = include_str!("../experiments/bench/32768-scalar.jsonl");
    let old: String =
        shipped.lines().filter(|line| !line.contains("\"held_")).map(|line| format!("{line}\n")).collect();
    let (words, lean) = ("keys in words, constants in memory", "keys in a file, constants in a file");
    for stored in [None, Some(&old)] {
        stored.iter().for_each(|text| std::fs::write(&file, text).unwrap());
        let plan = plan("default");
        assert!(plan["settings_from"].as_str().unwrap().contains("Zen 4"), "{}", plan["settings_from"]);
        assert!((over_default(&plan, words).unwrap() - 0.87).abs() < 1e-9);
    }
    let held = [
        ("packed", 1.0),
        ("words", 1.1),
        ("keys_in_file", 1.5),
        ("constants_in_file", 1.0),
        ("constants_when_used", 1.2),
    ];
    let rows = held.map(|(way, s)| format!("{{\"op\":\"held_{way}\",\"seconds\":{s},\"seconds_min\":{s}}}\n"));
    std::fs::write(&file, old + &rows.concat()).unwrap();
    let stored = plan("fast");
    assert!(
        stored["settings_from"].as_str().unwrap().starts_with("bench at N = 32768 of "),
        "{}",
        stored["settings_from"]
    );
    assert!((over_default(&stored, lean).unwrap() - 1.5).abs() < 1e-9, "{stored}");
    assert_eq!(over_default(&stored, words), None, "they take more memory and more time");
    // Constants in a file cost nothing by these measurements, and take less memory.
    let chosen = stored["settings"].as_array().unwrap().iter().find(|way| way["chosen"] == true).unwrap();
    assert_eq!(chosen["holding"], "packed keys, constants in a file");
}

/// With more threads than the measurements had, the plan treats them as those of another machine.
#[test]
fn a_prediction_for_another_machine_names_its_factor() {
    let run = cipherlab(&["plan", "--threads", "7"], None);
    let line = run.stdout.lines().find(|line| line.starts_with("seconds predicted from bench at ")).unwrap();
    let (_, scaled) = line.split_once("; scaled by ").expect(line);
    let (factor, rest) = scaled.split_once(' ').unwrap();
    assert!(factor.parse::<f64>().unwrap() > 0.0 && rest.starts_with("by this machine's yardstick"), "{line}");
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

/// The plan of a config lists the cost of each case. For a case that cannot run it names cases that can.
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
    let found = plan("", "32768, 65536", 1023, &[]);
    assert!(found.contains("2 cases, 3 images each, encrypted"), "{found}");
    assert!(found.contains("\nencrypted-65536-chebyshev:1023-fused "), "{found}");
    assert!(found.contains("encrypted-32768-chebyshev:1023-fused cannot run here: ") && found.contains("hours in all"));
    assert!(found.contains("; would run: --ring-dim 65536 (same weights and polynomials), or "), "{found}");
    assert!(found.contains("; or --insecure (in a config `insecure = true`)"), "{found}");

    let lines = plan("insecure = true", "32768, 65536", 1023, &["--json"]);
    let cases: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [small, large] = &cases[..] else { panic!("{lines}") };
    assert_eq!(
        (&small["case"], &small["plan"]["params"]["security"]),
        (&"encrypted-32768-chebyshev:1023-fused-insecure".into(), &0.into())
    );
    assert_eq!(
        (&large["case"], &large["plan"]["params"]["security"]),
        (&"encrypted-65536-chebyshev:1023-fused".into(), &128.into())
    );
    assert_eq!((small["images"].as_u64(), &small["obstacle"]), (Some(3), &Value::Null));
    let seconds = |case: &Value| case["plan"]["seconds"].as_f64().unwrap();
    assert!(seconds(small) > 0.0 && seconds(small) < seconds(large));

    let found = plan("max_memory = \"300M\"", "65536", 59, &[]);
    assert!(found.contains("wanted at most 300.0 MB; raise the limit; or use --ring-dim 32768 "), "{found}");
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
    assert_eq!((hours("fused"), hours("batch")), ((3.0, 1.0), (3.0, 4.0)));

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
