//! Submissions to the benchmarking suite as a backend of `run`: made-up engines of shell scripts that keep the contract or
//! break it.
#![cfg(unix)]
#![allow(missing_docs)]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cipherlab::contract::{Stage, pixels};
use cipherlab::records::{ImageRow, Row, Run, StageRow};
use common::cipherlab_in;

/// A folder with a repository, a config, and runs of it.
struct Place {
    folder: tempfile::TempDir,
}

/// What an engine does that keeps the contract, stage by stage. Its class is the last digit of the sum of an image's numbers
/// after the point; `SIZE` becomes the name of the size.
const HONEST: [(Stage, &str); 7] = [
    (
        Stage::ClientKeyGeneration,
        "[ \"$1\" = NUMBER ] || exit 9; [ \"$(ls io/SIZE)\" = '' ] || exit 8; mkdir io/SIZE/public_keys io/SIZE/secret_key; \
         echo k >> calls; head -c 1000 /dev/zero > io/SIZE/public_keys/key",
    ),
    (Stage::ServerPreprocessModel, "[ $# = 0 ] && echo \"$OMP_NUM_THREADS\" > threads"),
    (
        Stage::ClientPreprocessInput,
        "mkdir -p io/SIZE/intermediate; wc -l < datasets/SIZE/intermediate/test_pixels.txt > io/SIZE/intermediate/count",
    ),
    (
        Stage::ClientEncodeEncryptInput,
        "mkdir -p io/SIZE/ciphertexts_upload; cp datasets/SIZE/intermediate/test_pixels.txt io/SIZE/ciphertexts_upload/images",
    ),
    (
        Stage::ServerEncryptedCompute,
        "mkdir -p io/SIZE/ciphertexts_download; echo c >> calls; \
         awk '{ s = 0; for (i = 1; i <= NF; i++) s += substr($i, 3); print s % 10 }' io/SIZE/ciphertexts_upload/images \
         > io/SIZE/ciphertexts_download/classes; echo computed >&2",
    ),
    (Stage::ClientDecryptDecode, "cp io/SIZE/ciphertexts_download/classes io/SIZE/intermediate/classes"),
    (Stage::ClientPostprocess, "cp io/SIZE/intermediate/classes io/SIZE/encrypted_model_predictions.txt"),
];

impl Place {
    /// An honest engine that gets `batch` images in a call, in a run over `images`.
    fn new(images: &str, batch: usize) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        for (stage, script) in HONEST {
            let [size, number] = if batch == 1 { ["single", "0"] } else { ["small", "1"] };
            place.build(stage, &script.replace("SIZE", size).replace("NUMBER", number));
        }
        place.configure(images, &format!("batch = {batch}\nthreads = 2\n"));
        place
    }

    fn configure(&self, images: &str, keys: &str) {
        let text = format!(
            "name = \"fixture\"\nquestion = \"Does another engine run?\"\n[data]\nimages = \"{images}\"\n[backend]\n\
             kind = \"suite\"\ndir = \"fork\"\nlabel = \"made up\"\n{keys}"
        );
        std::fs::write(self.path("config.toml"), text).unwrap();
    }

    /// Makes a shell script the program of a stage.
    fn build(&self, stage: Stage, script: &str) {
        let folder = self.path("fork/submissions/cifar10/build");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(stage.name());
        std::fs::write(&file, format!("#!/bin/sh\nset -e\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, out: &str, more: &[&str]) -> common::Run {
        cipherlab_in(self.folder.path(), &[&["run", "config.toml", "--out", out], more].concat(), None)
    }

    fn read(&self, out: &str) -> Run {
        Run::read(&self.path(out)).unwrap()
    }

    /// Times that a line is in the engine's diary: `k` for keys, `c` for a call.
    fn calls(&self, line: &str) -> usize {
        std::fs::read_to_string(self.path("fork/calls")).unwrap().lines().filter(|found| *found == line).count()
    }

    /// Waits until the process ended whose number is in a file. The one that inherits a killed process need not ask for its status.
    #[track_caller]
    fn wait_for_the_end(&self, file: &str) {
        let status = format!("/proc/{}/stat", std::fs::read_to_string(self.path(file)).unwrap().trim());
        let runs = || std::fs::read_to_string(&status).is_ok_and(|text| !text.contains(") Z "));
        let started = Instant::now();
        while runs() {
            assert!(started.elapsed() < Duration::from_secs(300), "{file}: the process lives on");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Runs an engine whose `stage` is `script`, and returns the errors of its images or of its case.
    fn errors(&self, stage: Stage, script: &str) -> Vec<String> {
        self.build(stage, script);
        let _ = std::fs::remove_dir_all(self.path("bad"));
        let run = self.run("bad", &[]);
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        let run = self.read("bad");
        let rows = run.images.iter().filter_map(|row| row.error.clone());
        rows.chain(run.cases.iter().filter_map(|row| row.error.clone())).collect()
    }
}

/// The class that the honest engine gives each of the first images.
fn classes(count: usize) -> Vec<usize> {
    let text = pixels::write(&datasets::cifar::embedded_test_sample()[..count]);
    let sum = |line: &str| line.split(' ').map(|word| word[2..].parse::<usize>().unwrap()).sum::<usize>();
    text.lines().map(|line| sum(line) % 10).collect()
}

/// A row without what no two runs have alike.
fn timeless(row: &ImageRow) -> ImageRow {
    ImageRow { encrypt_s: None, latency_s: None, decrypt_s: None, overhead_s: None, energy_j: None, ..row.clone() }
}

#[test]
fn every_stage_is_measured_and_every_class_is_read() {
    let place = Place::new("0..5", 2);
    std::fs::create_dir_all(place.path("fork/io/small/left/over")).unwrap();
    let output = place.run("out", &[]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let run = place.read("out");
    assert!(run.complete() && run.unchecked.is_empty());
    let found: Vec<usize> = run.images.iter().map(|row| row.class.unwrap()).collect();
    assert_eq!(found, classes(5));
    assert_eq!(run.images.iter().map(|row| row.batch).collect::<Vec<_>>(), [2, 2, 2, 2, 1].map(Some));
    assert!(run.images.iter().all(|row| row.plain_class.is_none() && row.latency_s > Some(0.0) && row.error.is_none()));
    assert_eq!((place.calls("k"), place.calls("c")), (1, 3));
    assert_eq!(std::fs::read_to_string(place.path("fork/threads")).unwrap().trim(), "2");

    let case = &run.cases[0];
    assert_eq!(
        (case.case.as_str(), case.backend.as_str(), case.engine.as_deref()),
        ("suite-made up", "suite", Some("made up"))
    );
    assert_eq!((case.images, case.failed, case.relu.as_str(), case.ring_dim), (5, 0, "", None));
    let right = run.images.iter().filter(|row| row.is_right(row.class) == Some(true)).count();
    assert_eq!((case.correct, case.polynomial_flips, case.polynomial_accuracy), (right, 0, None));
    assert!(case.key_bytes > Some(1000) && case.upload_bytes > Some(2 * 3072 * 9) && case.download_bytes > Some(2));
    assert!(case.peak_rss_bytes > Some(0) && case.keygen_s > Some(0.0) && case.amortised_s < case.latency_s);

    // Two stages once, five for each of three calls.
    assert_eq!(run.stages.len(), 2 + 3 * 5);
    let owners: Vec<_> = run.stages.iter().map(|row| row.image).collect();
    assert_eq!(owners, [vec![None; 2], vec![Some(0); 5], vec![Some(2); 5], vec![Some(4); 5]].concat());
    let names: Vec<_> = run.stages[..7].iter().map(|row| row.stage.as_str()).collect();
    assert_eq!(names, Stage::ALL.map(Stage::name));
    assert!(run.stages.iter().all(|row| row.wall_s > 0.0 && row.peak_rss_bytes > 100_000));
    let counted = run.stages.iter().filter(|row| row.bytes.is_some()).count();
    assert_eq!(counted, 1 + 3 * 2);

    let again = place.run("out", &[]);
    assert!(again.code == Some(0) && again.stdout.contains("finished before"), "{}", again.stdout);
    assert_eq!(place.calls("k"), 1, "a finished run is only shown");
}

#[test]
fn tables_figures_and_plans_show_the_engine() {
    let place = Place::new("0..3", 1);
    let plan = cipherlab_in(place.folder.path(), &["plan", "config.toml"], None);
    assert!(plan.stdout.contains("3 calls of at most 1 image, size 0 (single)"), "{}", plan.stdout);
    assert!(plan.stdout.contains("submissions/cifar10/build/server_encrypted_compute"), "{}", plan.stdout);
    assert_eq!(place.run("out", &[]).code, Some(0));
    let table = |name: &str| {
        let run = cipherlab_in(place.folder.path(), &["tables", "out", "--table", name, "--format", "csv"], None);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        run.stdout
    };
    assert!(table("accuracy").contains("fixture,suite: made up,"), "{}", table("accuracy"));
    assert!(table("engines").contains("\nfixture,made up,3,0,"), "{}", table("engines"));
    let plot = cipherlab_in(place.folder.path(), &["plot", "out", "--figure", "engines", "--out", "figures"], None);
    assert_eq!(plot.code, Some(0), "{}", plot.stderr);
    let svg = std::fs::read_to_string(place.path("figures/fixture-engines.svg")).unwrap();
    assert!(svg.contains("made up") && svg.contains("Keys and ciphertexts of a call"));
    std::fs::remove_file(place.path("fork/submissions/cifar10/build/client_postprocess")).unwrap();
    let plan = cipherlab_in(place.folder.path(), &["plan", "config.toml"], None);
    assert!(plan.stdout.contains("cannot run here: found no program of client_postprocess"), "{}", plan.stdout);
}

#[test]
fn a_stage_that_breaks_the_contract_is_named_with_its_last_line() {
    let place = Place::new("0..2", 1);
    let postprocess = |place: &Place, text: &str| {
        place.errors(
            Stage::ClientPostprocess,
            &format!("echo done; printf '{text}' > io/single/encrypted_model_predictions.txt"),
        )
    };
    let of_each = |errors: Vec<String>, wanted: &[&str]| {
        assert_eq!(errors.len(), 2, "{errors:?}");
        let good = |error: &String| wanted.iter().all(|words| error.contains(words));
        assert!(errors.iter().all(good), "{errors:?}, wanted {wanted:?}");
    };
    let file = "encrypted_model_predictions.txt";
    of_each(
        postprocess(&place, "3\\n4\\n"),
        &["stage client_postprocess", "last line: done", file, "found 2 lines, wanted 1"],
    );
    of_each(postprocess(&place, ""), &["stage client_postprocess", file, "found 0 lines, wanted 1"]);
    of_each(
        postprocess(&place, "cat\\n"),
        &["stage client_postprocess", file, "line 1: found \"cat\", wanted a class from 0 to 9"],
    );
    of_each(postprocess(&place, "10\\n"), &["line 1: found \"10\""]);
    of_each(
        place.errors(Stage::ClientPostprocess, "true"),
        &["stage client_postprocess (it printed nothing)", file, "No such file"],
    );

    let compute = Stage::ServerEncryptedCompute;
    of_each(
        place.errors(compute, "echo one; echo 'out of levels' >&2; echo; exit 3"),
        &["stage server_encrypted_compute: ended with status 3; its last line: out of levels"],
    );
    of_each(
        place.errors(compute, "kill -SEGV $$"),
        &["stage server_encrypted_compute: was ended by signal 11; it printed nothing"],
    );
    of_each(
        place.errors(compute, "rm -rf io/single/ciphertexts_download"),
        &["stage server_encrypted_compute: left no folder"],
    );

    let keys = place.errors(Stage::ClientKeyGeneration, "echo 'no entropy'; exit 1");
    assert_eq!(keys.len(), 1, "{keys:?}");
    assert_eq!(keys[0], "stage client_key_generation: ended with status 1; its last line: no entropy");
    let script = place.path("fork/submissions/cifar10/client_key_generation.py");
    std::fs::write(script, "raise SystemExit('from Python')").unwrap();
    let keys = place.errors(Stage::ClientKeyGeneration, "exit 1");
    assert_eq!(keys, ["stage client_key_generation: ended with status 1; its last line: from Python"]);
    std::fs::remove_file(place.path("fork/submissions/cifar10/build/server_encrypted_compute")).unwrap();
    let missing = place.errors(Stage::ClientPostprocess, "true");
    assert!(missing[0].starts_with("stage server_encrypted_compute: found neither "), "{missing:?}");
}

/// The images beside it in its call keep their classes.
#[test]
fn an_image_without_a_class_is_alone_in_that() {
    let place = Place::new("0..2", 2);
    place.build(Stage::ClientPostprocess, "printf '3\\n-1\\n' > io/small/encrypted_model_predictions.txt");
    assert_eq!(place.run("out", &[]).code, Some(1));
    let run = place.read("out");
    assert_eq!(run.images.iter().map(|row| row.class).collect::<Vec<_>>(), [Some(3), None]);
    let errors: Vec<_> = run.images.iter().map(|row| row.error.as_deref()).collect();
    assert_eq!(errors, [None, Some("no class: the engine wrote -1")]);
    assert!(run.images.iter().all(|row| row.latency_s > Some(0.0)) && run.stages.len() == 2 + 5);
    assert_eq!((run.cases[0].failed, run.cases[0].without_class), (0, Some(1)));
    let again = place.run("out", &[]);
    assert!(again.code == Some(1) && again.stdout.contains("finished before"), "{}", again.stdout);
}

#[test]
fn a_stage_that_hangs_is_killed_at_its_limit() {
    let place = Place::new("0..1", 1);
    place.configure("0", "stage_limit_s = 5\n");
    let started = Instant::now();
    let errors = place.errors(Stage::ClientDecryptDecode, "echo waiting; sleep 3000 & echo $! > child; sleep 3000");
    assert!(started.elapsed() < Duration::from_secs(600));
    let wanted = "stage client_decrypt_decode: was killed at its limit of 5 s (stage_limit_s); its last line: waiting";
    assert_eq!(errors, [wanted]);
    place.wait_for_the_end("fork/child");
}

/// Kills the program in the middle of a call. The stage goes with it, and the next process goes on.
#[test]
fn a_run_that_was_killed_goes_on_and_leaves_no_stage_behind() {
    let place = Place::new("0..4", 2);
    assert_eq!(place.run("whole", &[]).code, Some(0));
    let wanted: Vec<_> = place.read("whole").images.iter().map(timeless).collect();
    std::fs::remove_file(place.path("fork/calls")).unwrap();

    // The second call never ends where a file is there.
    let decrypt = "n=$(grep -c c calls); if [ $n = 2 ] && [ -e wait ]; then echo $$ > stage; touch waiting; \
                   while :; do sleep 1; done; fi; \
                   cp io/small/ciphertexts_download/classes io/small/intermediate/classes";
    place.build(Stage::ClientDecryptDecode, decrypt);
    std::fs::write(place.path("fork/wait"), "").unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_cipherlab"))
        .args(["run", "config.toml", "--out", "cut"])
        .current_dir(place.folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !place.path("fork/waiting").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
        std::thread::sleep(Duration::from_millis(20));
    }
    let second = place.run("other", &[]);
    assert_eq!(second.code, Some(1), "two runs at once in one repository");
    assert!(second.stderr.contains("another run calls this submission"), "{}", second.stderr);
    child.kill().unwrap();
    child.wait().unwrap();
    place.wait_for_the_end("fork/stage");
    std::fs::remove_file(place.path("fork/wait")).unwrap();

    let resumed = place.run("cut", &[]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    let run = place.read("cut");
    assert_eq!(run.images.iter().map(timeless).collect::<Vec<_>>(), wanted);
    assert_eq!((place.calls("k"), place.calls("c")), (2, 3), "keys of each process, and the second call twice");
    // Keys were made twice; each call that gave classes has its stages once.
    let owners: Vec<_> = run.stages.iter().map(|row| row.image).collect();
    assert_eq!(owners, [vec![None; 2], vec![Some(0); 5], vec![None; 2], vec![Some(2); 5]].concat());

    // A stage's row that is lost costs the images of its call.
    let file = place.path("cut").join(StageRow::FILE);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, &text[..text.len() - 10]).unwrap();
    let mended = place.run("cut", &[]);
    assert_eq!(mended.code, Some(0), "{}", mended.stderr);
    assert!(mended.stderr.contains("images without all their stages are evaluated anew: 1"), "{}", mended.stderr);
    let run = place.read("cut");
    assert_eq!(run.images.iter().map(timeless).collect::<Vec<_>>(), wanted);
    assert!(run.stages.is_sorted_by_key(|row| row.image), "stages before images come first after a repair");
}

#[test]
fn shards_join_with_their_stages() {
    let place = Place::new("0..4", 1);
    for shard in ["1/2", "2/2"] {
        assert_eq!(place.run("parts", &["--shard", shard]).code, Some(0));
    }
    let merge = cipherlab_in(place.folder.path(), &["run", "--merge", "parts", "--out", "whole"], None);
    assert_eq!(merge.code, Some(0), "{}", merge.stderr);
    let run = place.read("whole");
    assert_eq!(run.images.iter().map(|row| row.class.unwrap()).collect::<Vec<_>>(), classes(4));
    let owners: Vec<_> = run.stages.iter().map(|row| row.image).collect();
    let images = (0..4).flat_map(|image| [Some(image); 5]);
    assert_eq!(owners, [None; 4].into_iter().chain(images).collect::<Vec<_>>());
    assert!(run.complete() && run.cases[0].keygen_s > Some(0.0));
}

/// The rows of one engine do not go with those of another.
#[test]
fn another_program_of_a_stage_is_another_run() {
    let place = Place::new("0..1", 1);
    assert_eq!(place.run("out", &[]).code, Some(0));
    place.build(Stage::ClientPostprocess, "echo 1 > io/single/encrypted_model_predictions.txt");
    let refused = place.run("out", &[]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("programs of the engine (SHA-256): found "), "{}", refused.stderr);
}
