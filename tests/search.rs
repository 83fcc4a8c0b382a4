//! `plan --search`: the front, its bounds, and the files that it writes.
#![allow(missing_docs)]

mod common;

use common::cipherlab;
use serde_json::Value;

const CASE: [&str; 6] = ["--ring-dim", "32768", "--relu", "chebyshev:7", "--weights", "resnet20-chebyshev7"];

fn search(goal: &str, more: &[&str]) -> Value {
    let mut args = vec!["plan", "--search", goal, "--json"];
    args.extend(CASE);
    args.extend(more);
    let run = cipherlab(&args, None);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

/// Seconds, bytes, and bits in the worst slot.
fn costs(point: &Value) -> [f64; 3] {
    ["seconds", "bytes", "worst_bits"].map(|key| point[key].as_f64().unwrap())
}

fn points(front: &Value) -> Vec<[f64; 3]> {
    front["points"].as_array().unwrap().iter().map(costs).collect()
}

/// Checks that a plan predicts the `seconds` that a search predicted. Each of the two processes may scale the seconds of
/// another machine to this one; it says by which factor, with all digits, and the check takes the factor away.
fn check_seconds(plan: &Value, front: &Value, seconds: f64) {
    let unscaled = |seconds: f64, source: &Value| {
        let factor = source["seconds_from"].as_str().unwrap().split_once("scaled by ");
        seconds / factor.map_or(1.0, |(_, rest)| rest.split(' ').next().unwrap().parse::<f64>().unwrap())
    };
    let (found, wanted) = (unscaled(plan["seconds"].as_f64().unwrap(), plan), unscaled(seconds, front));
    assert!((found / wanted - 1.0).abs() < 0.02, "{found} s, wanted {wanted}");
}

#[test]
fn no_point_of_the_front_beats_another_and_none_is_much_worse_than_the_shipped_one() {
    let front = search("fastest", &["--min-bits", "7"]);
    let points = points(&front);
    assert!(points.len() >= 4, "{} points", points.len());
    let beats = |[s, b, w]: [f64; 3], [t, c, x]: [f64; 3]| s <= t && b <= c && w >= x && (s, b, w) != (t, c, x);
    for &point in &points {
        assert!(!points.iter().any(|&other| beats(other, point)), "{point:?}");
    }
    assert!(points.is_sorted_by(|a, b| a[0] <= b[0]), "the fastest first");
    let [seconds, bytes, bits] = costs(&front["shipped"]);
    assert!((8.3..9.3).contains(&bits), "the bootstrap of `bench` has 8.7 bits: {bits}");
    // Predictions are as good as a few percent.
    let as_good = |&[s, b, w]: &[f64; 3]| s <= 1.05 * seconds && b <= 1.05 * bytes && w >= bits - 0.5;
    assert!(points.iter().any(as_good), "{seconds} s, {bytes} B, {bits} bits: {points:?}");
    for point in front["points"].as_array().unwrap() {
        assert!(point["log_qp"].as_f64().unwrap() <= 868.0, "{point}");
        assert!(point["activation_difference"].as_f64().unwrap() <= 1e-4, "{point}");
    }
}

#[test]
fn bounds_are_kept_and_goals_sort() {
    let all = points(&search("smallest", &["--min-bits", "8"]));
    assert!(all.is_sorted_by(|a, b| a[1] <= b[1]) && all.iter().all(|point| point[2] >= 8.0), "{all:?}");
    let most = (all[0][1] * 1.1) as u64;
    let bound = most.to_string();
    let few = points(&search("precise", &["--min-bits", "8", "--max-memory", &bound]));
    assert!(!few.is_empty() && few.iter().all(|point| point[1] <= most as f64), "{few:?}");
    assert!(few.is_sorted_by(|a, b| a[2] >= b[2]), "the most precise first: {few:?}");
}

/// The fewest bytes by the default way of holding are no bound: a circuit that needs more is held in a way that fits.
#[test]
fn each_circuit_is_held_in_the_fastest_way_that_fits_the_limit() {
    let ways = |front: &Value| -> Vec<String> {
        front["points"].as_array().unwrap().iter().map(|point| point["holding"].as_str().unwrap().to_owned()).collect()
    };
    let default = search("smallest", &["--min-bits", "8"]);
    assert!(ways(&default).iter().all(|way| way == "packed keys, constants in memory"), "{default}");
    let lean = search("smallest", &["--min-bits", "8", "--max-memory", "lean"]);
    assert!(ways(&lean).iter().all(|way| way == "keys in a file, constants in a file"), "{lean}");
    let [least, leanest] = [&default, &lean].map(|front| points(front)[0][1]);
    assert!(leanest < 0.6 * least, "{leanest} of {least} bytes");

    let bound = (0.8 * least).floor().to_string();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("front");
    let front = search("fastest", &["--min-bits", "8", "--max-memory", &bound, "--write", out.to_str().unwrap()]);
    let (found, ways) = (points(&front), ways(&front));
    assert!(found.iter().all(|point| point[1] <= 0.8 * least), "{found:?}");
    // Leaner ways than necessary take longer.
    assert!(ways.iter().any(|way| way != "keys in a file, constants in a file"), "{ways:?}");
    let mut files: Vec<_> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let text = std::fs::read_to_string(&files[0]).unwrap();
    let wanted = format!("{}: use it with --max-memory {bound}\n", ways[0]);
    assert!(text.contains(&wanted), "{text}");
    let mut args = vec!["plan", "--json", "--circuit", files[0].to_str().unwrap(), "--max-memory", &bound];
    args.extend(CASE);
    let run = cipherlab(&args, None);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let plan: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(plan["predicted_bytes"].as_f64(), Some(found[0][1]));
    check_seconds(&plan, &front, found[0][0]);
    let chosen = plan["settings"].as_array().unwrap().iter().find(|way| way["chosen"] == true).unwrap();
    assert_eq!(chosen["holding"], ways[0].as_str());
}

#[test]
fn bounds_that_nothing_keeps_are_refused_with_what_was_wanted() {
    let refused = |more: &[&str]| {
        let args: Vec<&str> =
            ["plan", "--search", "fastest"].into_iter().chain(CASE).chain(more.iter().copied()).collect();
        let run = cipherlab(&args, None);
        assert_eq!(run.code, Some(2), "{}", run.stderr);
        run.stderr
    };
    let error = refused(&["--min-bits", "9", "--max-memory", "10M"]);
    assert!(error.contains("wanted 9.0 bits in 10.0 MB at --ring-dim 32768"), "{error}");
    assert!(refused(&["--min-bits", "2"]).contains("--min-bits 2: wanted 6 to 24"));
    assert!(refused(&["--insecure"]).contains("cannot be used with"));
}

#[test]
fn written_circuits_are_taken_as_they_were_planned() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("front");
    let front = search("fastest", &["--min-bits", "9", "--write", out.to_str().unwrap()]);
    let mut files: Vec<_> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), front["points"].as_array().unwrap().len());
    let again = ["plan", "--search", "fastest", "--min-bits", "12", "--write", out.to_str().unwrap()];
    let again = cipherlab(&[&again[..], &CASE[..]].concat(), None);
    assert!(again.code == Some(2) && again.stderr.contains("the circuit of another search"), "{}", again.stderr);
    let mut args = vec!["plan", "--json", "--circuit", files[0].to_str().unwrap()];
    args.extend(CASE);
    let run = cipherlab(&args, None);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let plan: Value = serde_json::from_str(&run.stdout).unwrap();
    let [seconds, bytes, _] = costs(&front["points"][0]);
    assert_eq!(plan["predicted_bytes"].as_f64(), Some(bytes));
    check_seconds(&plan, &front, seconds);
    assert!(plan["params"]["profile"].as_str().unwrap().starts_with("search-"));
    assert_eq!(plan["params"]["security"], 128);
}

#[test]
fn a_circuit_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.toml");
    std::fs::write(&path, "[profile]\nname = 3\n").unwrap();
    for file in [path.to_str().unwrap(), "absent.toml"] {
        let run = cipherlab(&["plan", "--circuit", file], None);
        assert_eq!(run.code, Some(2));
        assert!(run.stderr.contains("--circuit") && run.stderr.contains("[profile]"), "{}", run.stderr);
    }
}

/// A ring of 2^16 has room for two layers to a bootstrap of `chebyshev:7`, and that is predicted to be the fastest.
#[test]
fn two_rounds_to_a_bootstrap_are_found_and_planned_as_they_were_counted() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("front");
    let case = ["--ring-dim", "65536", "--relu", "chebyshev:7", "--weights", "resnet20-chebyshev7", "--json"];
    let all = ["plan", "--search", "fastest", "--min-bits", "12", "--write", out.to_str().unwrap()];
    let run = cipherlab(&[&all[..], &case].concat(), None);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let front: Value = serde_json::from_str(&run.stdout).unwrap();
    let points = front["points"].as_array().unwrap();
    let fastest_of = |rounds: u64| {
        let found = points.iter().filter(|point| point["profile"]["rounds"].as_u64().unwrap_or(1) == rounds);
        found.map(costs).next().unwrap_or_else(|| panic!("no circuit of {rounds} rounds"))
    };
    let [one, two] = [1, 2].map(fastest_of);
    assert!(two[0] < one[0] && two[1] > one[1], "two rounds take less time and more memory: {two:?}, {one:?}");
    assert_eq!(points[0]["profile"]["rounds"], 2);
    let mut files: Vec<_> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let run = cipherlab(&[&["plan", "--circuit", files[0].to_str().unwrap()], &case[..]].concat(), None);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let plan: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((plan["bootstraps"].as_u64(), plan["params"]["security"].as_u64()), (Some(10), Some(128)));
    check_seconds(&plan, &front, two[0]);
}
