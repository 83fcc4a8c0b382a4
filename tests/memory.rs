//! Tests of `--max-memory`: each setting gives the same logits, hard limits of the kernel hold, and no file is left behind.
#![cfg(target_os = "linux")]
#![allow(missing_docs)]

mod common;
#[path = "common/tiny.rs"]
mod tiny;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Run, cipherlab, cipherlab_in};
use serde_json::Value;

/// A network of few channels in an INSECURE ring of dimension 2^13.
fn tiny_case(weights: &Path) -> Vec<String> {
    let case = [
        "classify",
        "--insecure",
        "--ring-dim",
        "8192",
        "--relu",
        "chebyshev:7",
        "--seed",
        "3",
        "--json",
        "--digits",
        "17",
    ];
    let weights = ["--weights", weights.to_str().unwrap()];
    case.into_iter().chain(weights).map(str::to_owned).collect()
}

fn run_with(case: &[String], more: &[&str]) -> Run {
    let arguments: Vec<&str> = case.iter().map(String::as_str).chain(more.iter().copied()).collect();
    cipherlab(&arguments, None)
}

#[track_caller]
fn reports(run: &Run) -> Vec<Value> {
    let reports: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!reports.is_empty(), "{}", run.stderr);
    reports
}

#[test]
fn every_setting_gives_the_same_logits_and_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("weights");
    tiny::write(&weights, [3, 4], 1);
    let case = tiny_case(&weights);
    let logits = |memory: &str| {
        let run = run_with(&case, &["--image", "0", "--max-memory", memory]);
        reports(&run).into_iter().map(|report| report["logits"].clone()).collect::<Vec<_>>()
    };
    let default = logits("default");
    assert!(default[0].as_array().unwrap().len() >= 2);
    for memory in ["lean", "fast", "4G"] {
        assert_eq!(logits(memory), default, "{memory}");
    }
}

/// The kernel gives the process no more than the limit, whatever the prediction says: `ulimit -d` bounds what is not a file.
#[test]
fn a_lean_image_at_128_bits_runs_under_a_hard_limit_that_stops_the_default() {
    let case = "classify --ring-dim 32768 --weights resnet20-cosine-square --threads 2 --image 0 --seed 1 --json";
    let limited = |more: &str| {
        let script = format!("ulimit -d 330000 && exec \"$0\" {case} {more}");
        let output = Command::new("sh").args(["-c", &script, env!("CARGO_BIN_EXE_cipherlab")]).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    };
    let refused = limited("");
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""));
    for words in ["`ulimit -d`", "--max-memory", "keys in a file"] {
        assert!(refused.stderr.contains(words), "{words}: {}", refused.stderr);
    }
    let lean = limited("--max-memory lean");
    assert_eq!(lean.code, Some(0), "{}", lean.stderr);
    let report = &reports(&lean)[0];
    assert_eq!(report["class"], report["plain_class"]);
    let [peak, predicted] = ["peak_rss_bytes", "predicted_bytes"].map(|key| report[key].as_f64().unwrap());
    assert!((0.9..1.1).contains(&(predicted / peak)), "predicted {predicted}, found {peak}");
    assert!(peak < 300e6, "{peak}");
}

#[test]
fn a_process_that_is_killed_leaves_no_file_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_cipherlab"))
        .args("classify --ring-dim 32768 --weights resnet20-cosine-square --max-memory lean --json".split(' '))
        .env("TMPDIR", folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let place = folder.path().to_str().unwrap().to_owned();
    // The mapping of a file without a name ends in "(deleted)".
    let mapped = || {
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", child.id())).unwrap_or_default();
        maps.lines().any(|line| line.contains(&place) && line.ends_with("(deleted)"))
    };
    let started = Instant::now();
    while !mapped() && started.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(mapped(), "keys are in a file of the folder");
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names(), 0, "the file has no name");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(names(), 0);
}

#[test]
fn a_folder_in_memory_is_no_place_for_the_file() {
    if !Path::new("/dev/shm").is_dir() {
        eprintln!("skipped: there is no /dev/shm");
        return;
    }
    let plan = |memory: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_cipherlab"))
            .args(["classify", "--ring-dim", "32768", "--max-memory", memory])
            .env("TMPDIR", "/dev/shm")
            .output()
            .unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let error = plan("lean");
    assert!(error.contains("/dev/shm: found a folder whose files take memory") && error.contains("TMPDIR"), "{error}");
}

/// Keys that a server reads stay in the client's file, and constants may have a file of their own: neither takes room in the folder
/// for the file without a name.
#[test]
fn a_server_asks_for_room_for_what_it_puts_into_the_file_alone() {
    if !Path::new("/dev/shm").is_dir() {
        eprintln!("skipped: there is no /dev/shm");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    tiny::write(&folder.path().join("weights"), [3, 4], 1);
    let in_folder = |scratch: &str, arguments: &str| {
        let (names, mut command) =
            (["weights", "keys", "up", "many", "down", "constants"], Command::new(env!("CARGO_BIN_EXE_cipherlab")));
        let arguments =
            arguments.split(' ').map(|word| if names.contains(&word) { path(word) } else { word.to_owned() });
        let output = command.args(arguments).env("TMPDIR", scratch).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let disk = folder.path().to_str().unwrap();
    let keygen = "keygen --insecure --ring-dim 8192 --relu chebyshev:7 --weights weights --out keys";
    let (code, error) = in_folder("/dev/shm", &format!("{keygen} --max-memory lean"));
    assert!(code == Some(2) && error.contains("of keys; name one in TMPDIR"), "{error}");
    let (code, error) = in_folder("/nowhere", &format!("{keygen} --max-memory lean"));
    assert!(code == Some(2) && error.contains("/nowhere: found no folder, wanted one on a disk for "), "{error}");
    assert_eq!(in_folder(disk, keygen).0, Some(0));
    assert_eq!(in_folder(disk, "encrypt --keys keys --image 3 --out up").0, Some(0));
    let evaluate = "evaluate --max-memory lean --keys keys --weights weights --in up --out down";
    let (code, error) = in_folder("/dev/shm", evaluate);
    assert!(code == Some(2) && error.contains("of constants; name one in TMPDIR"), "{error}");
    assert_eq!(in_folder(disk, "encrypt --keys keys --image 0..40 --out many").0, Some(0));
    let many = evaluate.replace("lean", "1G").replace("--in up", "--in many");
    let (code, error) = in_folder(disk, &format!("{many} --at-once 40"));
    assert!(
        code == Some(2) && error.contains("--at-once 40: predicted ") && error.contains("at most 1.00 GB"),
        "{error}"
    );
    let refused = format!("{many} --at-once 40 --constants constants");
    assert!(in_folder(disk, &refused).0 == Some(2) && !folder.path().join("constants").exists(), "nothing is encoded");
    let (code, error) = in_folder("/dev/shm", &format!("{evaluate} --constants constants --at-once 40"));
    assert_eq!(code, Some(0), "one ciphertext is never more at once: {error}");
    let (code, error) = in_folder(disk, &format!("{evaluate} --constants weights"));
    assert!(code == Some(2) && error.contains("found a file of something else"), "{error}");
}

/// Constants in a file of their own are encoded and read piece by piece, also by the start that writes the file.
#[test]
fn a_lean_server_with_constants_in_a_file_holds_as_little_at_its_first_start_as_at_its_next() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &str| {
        let run = cipherlab_in(folder.path(), &arguments.split(' ').collect::<Vec<_>>(), None);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        run
    };
    run("keygen --ring-dim 32768 --weights resnet20-cosine-square --out keys");
    run("encrypt --keys keys --image 0 --out up");
    for out in ["first", "next"] {
        let run = run(&format!(
            "evaluate --keys keys/public --weights resnet20-cosine-square --in up --out {out} --max-memory lean --threads 2 \
             --constants constants --json"
        ));
        let peak = reports(&run)[0]["peak_rss_bytes"].as_f64().unwrap();
        // 209 MB are predicted; the constants alone take 283 MB.
        assert!(peak < 250e6, "{out}: {peak}");
    }
}

#[test]
fn images_in_a_row_take_no_more_memory_than_the_second() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("weights");
    tiny::write(&weights, [3, 4], 1);
    let case = tiny_case(&weights);
    for memory in ["lean", "default"] {
        let run = run_with(&case, &["--image", "0..10", "--max-memory", memory]);
        let peaks: Vec<f64> = reports(&run).iter().map(|report| report["peak_rss_bytes"].as_f64().unwrap()).collect();
        assert_eq!(peaks.len(), 10);
        // Threads that run in another order hold a few limbs more.
        assert!(peaks[9] <= peaks[1] + 4e6, "{memory}: {peaks:?}");
    }
}
