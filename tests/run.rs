//! `run` as a whole, on the plaintext backend and the embedded images: its files, and that no row is lost or mixed in.
#![allow(missing_docs)]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use cipherlab::records::{CaseRow, ExactRow, ImageRow, LayerRow, Row, Run, RunProvenance, rows};
use common::cipherlab;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// A folder with a config, and runs of it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// Three cases, `images` images.
    fn new(images: &str, trace: bool) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.configure(&format!(
            "name = \"fixture\"\nquestion = \"Is nothing lost?\"\n[data]\nimages = \"{images}\"\n[backend]\n\
             kind = \"plain\"\ntrace = {trace}\n[sweep]\nrelu = [\"exact\", \"chebyshev:13\", \"chebyshev:27\"]\n"
        ));
        place
    }

    fn configure(&self, text: &str) {
        std::fs::write(self.path("config"), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the config into the folder `out`.
    fn run(&self, out: &str, more: &[&str]) -> common::Run {
        let (config, out) = (self.path("config"), self.path(out));
        let arguments = ["run", config.to_str().unwrap(), "--out", out.to_str().unwrap()];
        cipherlab(&[&arguments, more].concat(), None)
    }

    fn merge(&self, folders: &[&str], out: &str) -> common::Run {
        let folders: Vec<String> = folders.iter().map(|name| self.path(name).to_str().unwrap().to_owned()).collect();
        let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
        cipherlab(&[&["run", "--merge"], &folders[..], &["--out", self.path(out).to_str().unwrap()]].concat(), None)
    }

    /// What a run left, by the strict readers; memory, which no two runs have alike, is blanked.
    fn read(&self, out: &str) -> Run {
        let mut run = Run::read(&self.path(out)).unwrap();
        run.cases.iter_mut().for_each(|row| row.peak_rss_bytes = None);
        run
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(file)).unwrap();
        assert!(text.contains(from), "{file}: no '{from}'");
        std::fs::write(self.path(file), text.replacen(from, to, 1)).unwrap();
    }
}

/// Replaces the rows of a file, as an edit that is meant: its digests are deleted.
fn write<R: Row>(folder: &Path, rows: &[R]) {
    let _ = std::fs::remove_file(digests::<R>(folder));
    let mut writer = csv::Writer::from_path(folder.join(R::FILE)).unwrap();
    rows.iter().for_each(|row| writer.serialize(row).unwrap());
    writer.flush().unwrap();
}

fn digests<R: Row>(folder: &Path) -> PathBuf {
    folder.join(format!("{}.digests", R::FILE))
}

#[track_caller]
fn ended_well(run: &common::Run) {
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

#[track_caller]
fn refused(run: &common::Run, words: &[&str]) {
    let line = run.stderr.trim_end();
    assert_eq!((run.code, line.lines().count()), (Some(2), 1), "{line}");
    words.iter().for_each(|word| assert!(line.contains(word), "no '{word}' in '{line}'"));
}

#[track_caller]
fn same_rows(found: &Run, wanted: &Run) {
    assert_eq!(found.cases, wanted.cases);
    assert_eq!(found.images, wanted.images);
    assert_eq!(found.layers, wanted.layers);
}

#[test]
fn every_file_is_written() {
    let place = Place::new("0..4", true);
    let output = place.run("out", &[]);
    ended_well(&output);
    assert_eq!(output.stderr.lines().count(), 3, "a line a case: {}", output.stderr);
    assert!(output.stderr.starts_with("case 1/3 plain-exact: 4 of 4 right"), "{}", output.stderr);
    assert!(output.stdout.starts_with("fixture: Is nothing lost?\n"), "{}", output.stdout);

    let run = place.read("out");
    assert_eq!(run.config, std::fs::read_to_string(place.path("config")).unwrap());
    assert!(run.complete() && run.provenance.ended.is_some());
    assert_eq!((run.provenance.planned_images, run.provenance.name.as_str()), (12, "fixture"));
    let ids: Vec<&str> = run.cases.iter().map(|row| row.case.as_str()).collect();
    assert_eq!(ids, ["plain-exact", "plain-chebyshev:13", "plain-chebyshev:27"]);
    assert!(run.cases.iter().all(|row| row.images == 4 && row.plain_accuracy == Some(1.0) && row.ring_dim.is_none()));
    assert_eq!((run.cases[0].accuracy, run.cases[0].flips, run.cases[0].mcnemar_p), (Some(1.0), 0, Some(1.0)));
    assert!(run.cases[1].flips > 0, "degree 13 is too low for this network");
    let exact: Vec<ExactRow> = rows(&place.path("out")).unwrap();
    assert_eq!(exact.iter().map(|row| row.image).collect::<Vec<_>>(), [0, 1, 2, 3]);

    // 19 convolutions, 19 activations, a classifier.
    assert_eq!(run.layers.len(), 12 * 39);
    let of = |case: &'static str| run.layers.iter().filter(move |row| row.case == case);
    assert!(of("plain-exact").all(|row| row.approximation_max_error == Some(0.0) && row.max_abs_error.is_none()));
    let mean = |case: &'static str| of(case).map(|row| row.approximation_mean_error.unwrap()).sum::<f64>();
    assert!(mean("plain-chebyshev:13") > 2.0 * mean("plain-chebyshev:27"));
    assert!(mean("plain-chebyshev:27") > 0.0);
    assert!(of("plain-exact").all(|row| row.overflow.is_some() == (row.op == "activation")));
}

/// Kills the program after it has written a few bytes more, again and again until the run ends.
#[test]
fn killed_and_resumed_gives_the_same_rows() {
    let place = Place::new("0..40", true);
    ended_well(&place.run("whole", &[]));
    let wanted = place.read("whole");
    let size = |out: &str| -> u64 {
        let files = [ImageRow::FILE, LayerRow::FILE, CaseRow::FILE];
        files.iter().filter_map(|file| Some(std::fs::metadata(place.path(out).join(file)).ok()?.len())).sum()
    };
    let (total, mut kills, mut target) = (size("whole"), 0, 0);
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let data = tempfile::tempdir().unwrap();
    let status = loop {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cipherlab"))
            .args(["run".as_ref(), place.path("config").as_os_str(), "--out".as_ref(), place.path("cut").as_os_str()])
            .env("CIPHERLAB_DATA", data.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        target += rng.random_range(0..total / 6);
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if size("cut") > target {
                child.kill().unwrap();
                child.wait().unwrap();
                break None;
            }
            std::thread::sleep(Duration::from_micros(200));
        };
        match status {
            Some(status) => break status,
            None => kills += 1,
        }
        target = size("cut").max(target);
    };
    assert!(status.success());
    assert!(kills >= 3, "killed {kills} times only");
    same_rows(&place.read("cut"), &wanted);
}

/// Any byte may be the last that reached the disk, in any file. At the end the files are those of an uninterrupted run.
#[test]
fn files_cut_anywhere_are_mended() {
    let place = Place::new("0..3", true);
    ended_well(&place.run("out", &[]));
    let (wanted, out) = (place.read("out"), place.path("out"));
    let mut files = [ImageRow::FILE, LayerRow::FILE, CaseRow::FILE, ExactRow::FILE].map(|file| out.join(file)).to_vec();
    files.extend([digests::<ImageRow>(&out), digests::<LayerRow>(&out), digests::<CaseRow>(&out)]);
    let bytes = |name: &str| std::fs::read(out.join(name)).unwrap();
    let before = [ImageRow::FILE, LayerRow::FILE].map(bytes);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for round in 0..28 {
        let file = &files[round % files.len()];
        let whole = std::fs::read(file).unwrap();
        let length = rng.random_range(0..whole.len());
        std::fs::write(file, &whole[..length]).unwrap();
        let again = place.run("out", &[]);
        ended_well(&again);
        let name = file.display();
        assert!(again.stderr.contains("anew") || again.stderr.contains("unchecked"), "{name}: {}", again.stderr);
        same_rows(&place.read("out"), &wanted);
        assert!(
            [ImageRow::FILE, LayerRow::FILE].map(bytes) == before,
            "{name} cut to {length} bytes: {}",
            again.stderr
        );
    }
}

/// `tables` and `plot` name the file and the line; `run` moves the row aside and evaluates it anew.
#[test]
fn a_row_that_was_changed_is_noticed() {
    let place = Place::new("0..3", true);
    ended_well(&place.run("out", &[]));
    let (wanted, out) = (place.read("out"), place.path("out"));
    let text_of = |path: &Path| std::fs::read_to_string(path).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    for round in 0..9 {
        let name = [ImageRow::FILE, LayerRow::FILE, CaseRow::FILE][round % 3];
        let path = out.join(name);
        let text = text_of(&path);
        let start = text.find('\n').unwrap();
        let digits: Vec<usize> = (start..text.len()).filter(|&at| text.as_bytes()[at].is_ascii_digit()).collect();
        let at = digits[rng.random_range(0..digits.len())];
        let mut changed = text.clone().into_bytes();
        changed[at] = b'0' + (changed[at] - b'0' + 1 + rng.random_range(0..9)) % 10;
        std::fs::write(&path, &changed).unwrap();
        let line = 1 + text[..at].matches('\n').count();
        let folder = out.to_str().unwrap();
        let words =
            [&format!("{name}:{line}: "), "not match its digest", "run the config again", "digests if the change"];
        for arguments in [&["tables", folder][..], &["plot", folder, "--out", folder]] {
            refused(&cipherlab(arguments, None), &words);
        }
        let again = place.run("out", &[]);
        ended_well(&again);
        assert!(again.stderr.contains(&format!("{name}.dropped")), "{}", again.stderr);
        same_rows(&place.read("out"), &wanted);
        let aside = text_of(&out.join(format!("{name}.dropped")));
        assert!(aside.contains(std::str::from_utf8(&changed).unwrap().lines().nth(line - 1).unwrap()));
    }
}

/// A disk that is full, by the limit on the size of files: the run ends in one line, and goes on when there is room.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_nothing() {
    let place = Place::new("0..6", true);
    ended_well(&place.run("whole", &[]));
    let wanted = place.read("whole");
    let mut stopped = 0;
    for kilobytes in [1, 2, 8, 17, 30, 64] {
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", 2 * kilobytes);
        let output = Command::new("sh")
            .args(["-c", &script, "sh", env!("CARGO_BIN_EXE_cipherlab"), "run"])
            .args([place.path("config").as_os_str(), "--out".as_ref(), place.path("out").as_os_str()])
            .output()
            .unwrap();
        let line = String::from_utf8(output.stderr).unwrap();
        if output.status.code() == Some(0) {
            continue;
        }
        stopped += 1;
        let last = line.lines().last().unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(last.starts_with("error: ") && last.contains("File too large"), "{kilobytes} kB: {line}");
        let left = |name: &std::ffi::OsStr| Path::new(name).extension() == Some("tmp".as_ref());
        let names = std::fs::read_dir(place.path("out")).into_iter().flatten().map(|entry| entry.unwrap().file_name());
        assert!(!names.into_iter().any(|name| left(&name)), "{kilobytes} kB: a temporary file is left");
    }
    assert!(stopped >= 3, "stopped {stopped} times only");
    ended_well(&place.run("out", &[]));
    same_rows(&place.read("out"), &wanted);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_named() {
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    for arguments in [&["run", "--columns"][..], &["plan"]] {
        let program = Command::new(env!("CARGO_BIN_EXE_cipherlab")).args(arguments).stdout(full()).output().unwrap();
        let line = String::from_utf8(program.stderr).unwrap();
        assert_eq!(program.status.code(), Some(2), "{line}");
        assert!(line.starts_with("error: standard output: No space left on device"), "{arguments:?}: {line}");
    }
}

/// What else may be found in a folder: one clear line each, and nothing is lost.
#[test]
fn folders_in_other_states_are_told_in_one_line() {
    let place = Place::new("0..2", false);
    let out = place.path("out");
    let remake = || {
        let _ = std::fs::remove_dir_all(&out);
        ended_well(&place.run("out", &[]));
    };
    remake();
    let wanted = place.read("out");
    let text_of = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let write_text = |name: &str, text: &str| std::fs::write(out.join(name), text).unwrap();

    // A run.json that is cut, or of a newer program.
    let json = text_of("run.json");
    write_text("run.json", &json[..json.len() / 2]);
    refused(&place.run("out", &[]), &["run.json", "wanted the file as `run` wrote it", "EOF"]);
    write_text("run.json", &json.replacen('{', "{\"colour\": 1,", 1));
    refused(&place.run("out", &[]), &["run.json", "unknown field `colour`"]);
    write_text("run.json", &json);
    same_rows(&place.read("out"), &wanted);

    // Columns of a newer program.
    let images = text_of(ImageRow::FILE);
    let newer: String =
        images.lines().enumerate().map(|(at, line)| format!("{line},{}\n", ["colour", "7"][at.min(1)])).collect();
    write_text(ImageRow::FILE, &newer);
    refused(&place.run("out", &[]), &["images.csv:1: found the unknown columns colour", "newer program"]);
    assert_eq!(text_of(ImageRow::FILE), newer);

    // Line ends and a mark of another editor change nothing.
    write_text(ImageRow::FILE, &format!("\u{feff}{}", images.replace('\n', "\r\n")));
    let again = place.run("out", &[]);
    assert_eq!((again.code, again.stderr.as_str()), (Some(0), ""));
    same_rows(&place.read("out"), &wanted);

    // Garbage after the last row.
    write_text(ImageRow::FILE, &format!("{images}\0\0\0garbage\n\"more"));
    let again = place.run("out", &[]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(text_of("images.csv.dropped").contains("garbage"), "{}", again.stderr);
    assert_eq!(text_of(ImageRow::FILE), images);

    // The file of another run.
    let other = Place::new("2..4", false);
    ended_well(&other.run("out", &[]));
    std::fs::copy(other.path("out/images.csv"), out.join(ImageRow::FILE)).unwrap();
    refused(&place.run("out", &[]), &["images.csv: no row matches its digest", "restore the file"]);
    std::fs::copy(other.path("out/images.csv.digests"), out.join("images.csv.digests")).unwrap();
    refused(&place.run("out", &[]), &["images.csv", "image 2 is not one of the run's"]);

    // Files in each other's places.
    remake();
    std::fs::rename(out.join(ImageRow::FILE), out.join("x")).unwrap();
    std::fs::rename(out.join(CaseRow::FILE), out.join(ImageRow::FILE)).unwrap();
    std::fs::rename(out.join("x"), out.join(CaseRow::FILE)).unwrap();
    refused(&place.run("out", &[]), &["images.csv:1: found columns case,backend", "wanted case,image"]);

    // Files of somebody else stay.
    remake();
    write_text("notes.txt", "mine");
    ended_well(&place.run("out", &[]));
    assert_eq!(text_of("notes.txt"), "mine");
}

#[cfg(unix)]
#[test]
fn links_that_lead_nowhere_and_folders_in_the_place_of_files_are_refused() {
    let place = Place::new("0..2", false);
    for name in [ImageRow::FILE, "run.json"] {
        ended_well(&place.run(name, &[]));
        let path = place.path(name).join(name);
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(name, &path).unwrap();
        refused(&place.run(name, &[]), &[name, "Too many levels of symbolic links"]);
        assert!(path.symlink_metadata().unwrap().is_symlink(), "the link stays");
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        refused(&place.run(name, &[]), &[name, "Is a directory"]);
    }
    std::fs::write(place.path("file"), "").unwrap();
    refused(&place.run("file", &[]), &["file", "Not a directory"]);
}

#[test]
fn a_compressed_run_is_shown_and_not_extended() {
    let place = Place::new("0..2", true);
    ended_well(&place.run("out", &[]));
    let (wanted, out) = (place.read("out"), place.path("out"));
    for name in [ImageRow::FILE, LayerRow::FILE] {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &std::fs::read(out.join(name)).unwrap()).unwrap();
        std::fs::write(out.join(format!("{name}.gz")), encoder.finish().unwrap()).unwrap();
        refused(&cipherlab(&["tables", out.to_str().unwrap()], None), &[name, "compressed beside it", "delete one"]);
        std::fs::remove_file(out.join(name)).unwrap();
    }
    same_rows(&place.read("out"), &wanted);
    let again = place.run("out", &[]);
    assert_eq!((again.code, again.stderr.as_str()), (Some(0), ""));
    let names = || std::fs::read_dir(&out).unwrap().count();
    let before = names();
    write(&out, &wanted.cases[..2]);
    refused(&place.run("out", &[]), &["images.csv.gz", "not finished", "gunzip"]);
    assert_eq!(names(), before - 1, "nothing but the digests that the edit deleted is gone");
}

#[test]
fn a_complete_run_stays_as_it_is() {
    let place = Place::new("0..2", false);
    ended_well(&place.run("out", &[]));
    let before = std::fs::read(place.path("out/run.json")).unwrap();
    let again = place.run("out", &[]);
    ended_well(&again);
    assert_eq!(again.stderr, "", "no case was run");
    assert!(again.stdout.contains("case 1/3 plain-exact: 2 of 2 right"), "{}", again.stdout);
    assert!(again.stdout.ends_with("finished before; 3 cases, 6 evaluations\n"), "{}", again.stdout);
    assert_eq!(std::fs::read(place.path("out/run.json")).unwrap(), before);
    // Stopped after the last row, before the end was noted.
    let ended = format!("{:?}", place.read("out").provenance.ended.unwrap());
    place.edit("out/run.json", &format!("\"ended\": {ended}"), "\"ended\": null");
    std::fs::write(place.path("out/config.toml"), "").unwrap();
    ended_well(&place.run("out", &[]));
    let run = place.read("out");
    assert!(run.provenance.ended.is_some());
    assert_eq!(run.config, std::fs::read_to_string(place.path("config")).unwrap());
}

#[test]
fn shards_merge_to_the_run_without_shards() {
    let place = Place::new("0..7", true);
    ended_well(&place.run("whole", &[]));
    for shard in ["2/3", "1/3", "3/3"] {
        ended_well(&place.run("shards", &["--shard", shard]));
    }
    assert_eq!(place.read("shards/shard-1-of-3").images.len(), 9);
    ended_well(&place.merge(&["shards"], "merged"));
    let (merged, whole) = (place.read("merged"), place.read("whole"));
    same_rows(&merged, &whole);
    assert!(merged.complete() && merged.provenance.shard.is_none());
    assert_eq!(merged.provenance.data_sha256, whole.provenance.data_sha256);
    let exact = |out: &str| rows::<ExactRow>(&place.path(out)).unwrap();
    assert_eq!(exact("merged"), exact("whole"));

    let [one, two, three] = [1, 2, 3].map(|index| format!("shards/shard-{index}-of-3"));
    let (one, two, three) = (one.as_str(), two.as_str(), three.as_str());
    refused(&place.merge(&[one, three], "m"), &["shard 2/3 is missing", "wanted all 3"]);
    refused(&place.merge(&[one, two, three, two], "m"), &["both are shard 2/3"]);
    refused(&place.merge(&["whole"], "m"), &["without shards"]);
    refused(&place.merge(&["shards"], "whole"), &["found a run", "another --out"]);
    refused(&place.run("shards", &["--shard", "8/8"]), &["found 7 images for 8 shards"]);
    refused(&place.run("shards", &["--shard", "4/3"]), &["--shard 4/3", "wanted I/N"]);

    place.edit(&format!("{three}/run.json"), "\"binary_sha256\": \"", "\"binary_sha256\": \"0");
    refused(&place.merge(&["shards"], "m"), &["shard-3-of-3", "does not go with", "program (SHA-256)"]);
    place.edit(&format!("{three}/run.json"), "\"binary_sha256\": \"0", "\"binary_sha256\": \"");
    let images = std::fs::read_to_string(place.path(two).join(ImageRow::FILE)).unwrap();
    let cut = images.trim_end().rfind('\n').unwrap() + 1;
    std::fs::write(place.path(two).join(ImageRow::FILE), &images[..cut]).unwrap();
    refused(&place.merge(&["shards"], "m"), &["shard-2-of-3", "images.csv: found 5 of 6 rows", "run the config again"]);
    assert!(!place.path("m").exists());
    ended_well(&place.run("shards", &["--shard", "2/3"]));
    ended_well(&place.merge(&["shards"], "m"));
}

/// As if memory had run out when the case was to start: `error` says so, and there are no images.
#[test]
fn a_case_that_could_not_start_does_not_keep_a_run_from_its_end() {
    let place = Place::new("0..4", false);
    for shard in ["1/2", "2/2"] {
        ended_well(&place.run("shards", &["--shard", shard]));
    }
    let shard = "shards/shard-2-of-2";
    let mut run = Run::read(&place.path(shard)).unwrap();
    let failed = "plain-chebyshev:27";
    run.images.retain(|row| row.case != failed);
    write(&place.path(shard), &run.images);
    assert!(!place.read(shard).complete(), "images are missing and nothing says why");
    refused(&place.merge(&["shards"], "m"), &["shard-2-of-2", "partial, found 4 of 6 evaluations and 3 of 3 cases"]);
    let row = run.cases.iter_mut().find(|row| row.case == failed).unwrap();
    let blank = CaseRow { images: 0, correct: 0, flips: 0, accuracy: None, agreement: None, ..row.clone() };
    *row = CaseRow { error: Some("no memory".to_owned()), ..blank };
    write(&place.path(shard), &run.cases);
    assert!(place.read(shard).complete());
    ended_well(&place.merge(&["shards"], "merged"));
    let merged = place.read("merged");
    assert!(merged.complete());
    assert_eq!((merged.cases.len(), merged.images.len(), merged.provenance.planned_images), (3, 4 + 4 + 2, 12));
    assert_eq!((merged.cases[1].images, merged.cases[1].error.as_deref()), (4, None));
    assert_eq!((merged.cases[2].images, merged.cases[2].error.as_deref()), (0, Some("no memory")));
    // What could not start is tried again.
    ended_well(&place.run("shards", &["--shard", "2/2"]));
    ended_well(&place.merge(&["shards"], "again"));
    assert_eq!(place.read("again").cases[2].images, 4);
}

/// Whatever is missing at the end, a row or the note of the end, the run is not a result yet.
#[test]
fn a_run_is_complete_when_it_has_ended() {
    let place = Place::new("0..2", false);
    ended_well(&place.run("out", &[]));
    let whole = place.read("out");
    assert_eq!((whole.complete(), whole.provenance.planned_cases), (true, 3));
    write(&place.path("out"), &whole.cases[..2]);
    assert!(!place.read("out").complete(), "all images, but a case without its row");
    ended_well(&place.run("out", &[]));
    let mut run = place.read("out");
    same_rows(&run, &whole);
    assert!(run.complete());
    run.provenance.ended = None;
    assert!(!run.complete());
}

#[test]
fn rows_of_another_run_are_not_mixed_in() {
    let place = Place::new("0..2", false);
    ended_well(&place.run("out", &[]));
    let before = place.read("out");
    place.edit("out/run.json", "\"weights_sha256\": \"", "\"weights_sha256\": \"0");
    refused(&place.run("out", &[]), &["holds rows of another run", "weights (SHA-256)", "another --out, or delete"]);
    place.edit("out/run.json", "\"weights_sha256\": \"0", "\"weights_sha256\": \"");
    let mut provenance = before.provenance.clone();
    provenance.cpu = Some("Made-up CPU".to_owned());
    let text = |provenance: &RunProvenance| serde_json::to_string(provenance).unwrap();
    std::fs::write(place.path("out/run.json"), text(&provenance)).unwrap();
    refused(&place.run("out", &[]), &["holds rows of another run", "processor: found Made-up CPU", "another --out"]);
    std::fs::write(place.path("out/run.json"), text(&before.provenance)).unwrap();
    place.edit("config", "0..2", "0..3");
    refused(&place.run("out", &[]), &["config (SHA-256)", "another --out, or delete"]);
    same_rows(&place.read("out"), &before);
    std::fs::remove_file(place.path("out/run.json")).unwrap();
    refused(&place.run("out", &[]), &["found cases.csv but no run.json"]);
}

/// A run of a thousand cases over a hundred images that was stopped before it noted its end: a hundred thousand rows of
/// images, and as many of layers, are read and checked before it goes on.
#[test]
fn a_hundred_thousand_rows_are_resumed_at_once() {
    let place = Place::new("0..100", false);
    let degrees = 2..=1001;
    let relus: Vec<String> = degrees.map(|degree| format!("\"chebyshev:{degree}\"")).collect();
    place.edit("config", "\"exact\", \"chebyshev:13\", \"chebyshev:27\"", &relus.join(", "));
    let mut child = Command::new(env!("CARGO_BIN_EXE_cipherlab"))
        .args(["run".as_ref(), place.path("config").as_os_str(), "--out".as_ref(), place.path("out").as_os_str()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The first case's row: the folder is whole, and there is a row to make the others of.
    let cases = || rows::<CaseRow>(&place.path("out")).is_ok_and(|rows| !rows.is_empty());
    while !cases() {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let folder = place.path("out");
    let first = |case: &str| case == "plain-chebyshev:2";
    let images: Vec<ImageRow> = rows(&folder).unwrap();
    let images: Vec<ImageRow> = images.into_iter().filter(|row| first(&row.case)).collect();
    let [case] = &rows::<CaseRow>(&folder).unwrap()[..1] else { unreachable!() };
    assert_eq!((images.len(), case.images), (100, 100));
    let id = |degree: usize| format!("plain-chebyshev:{degree}");
    let cases: Vec<CaseRow> = (2..=1001).map(|degree| CaseRow { case: id(degree), ..case.clone() }).collect();
    let all: Vec<ImageRow> = (2..=1001)
        .flat_map(|degree| images.iter().map(move |row| ImageRow { case: id(degree), ..row.clone() }))
        .collect();
    let layer = |row: &ImageRow| LayerRow {
        case: row.case.clone(),
        image: row.image,
        layer: "conv1".to_owned(),
        op: "convolution".to_owned(),
        level: None,
        latency_s: None,
        rss_bytes: None,
        max_abs_error: Some(1.0 / 3.0),
        mean_abs_error: None,
        precision_bits: None,
        paper_precision: None,
        approximation_max_error: None,
        approximation_mean_error: None,
        overflow: None,
        own_precision_bits: None,
    };
    write(&folder, &cases);
    write(&folder, &all);
    write(&folder, &all.iter().map(layer).collect::<Vec<_>>());
    let flawed = images.iter().any(|row| row.error.is_some());
    // Seconds of the processor, since tests share their machine: `times` prints those of the shell, then of its children.
    let again = Command::new("sh")
        .args(["-c", "\"$@\" >/dev/null; status=$?; times; exit $status", "sh", env!("CARGO_BIN_EXE_cipherlab"), "run"])
        .args([place.path("config").as_os_str(), "--out".as_ref(), place.path("out").as_os_str()])
        .output()
        .unwrap();
    let [stdout, stderr] = [again.stdout, again.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!((again.status.code(), stderr.lines().count()), (Some(i32::from(flawed)), 1), "{stderr}");
    assert!(stderr.contains("taken as they are, unchecked"), "{stderr}");
    let in_seconds = |time: &str| {
        let (minutes, seconds) = time.trim_end_matches('s').split_once('m').unwrap();
        60.0 * minutes.parse::<f64>().unwrap() + seconds.parse::<f64>().unwrap()
    };
    let seconds: f64 = stdout.lines().nth(1).unwrap().split_whitespace().map(in_seconds).sum();
    println!("resumed with {} rows of images and as many of layers in {seconds:.2} s", all.len());
    // Less than 1 s on an idle machine.
    assert!(seconds < 5.0, "resumed in {seconds} s");
    let run = Run::read(&folder).unwrap();
    assert!(run.complete() && run.images.len() == 100_000 && run.layers.len() == 100_000);
}

/// An encrypted image in a ring that is too small to be secure, which the config says: every row is stamped, bootstraps
/// are looked at by themselves, and the harness takes next to nothing.
#[test]
fn an_insecure_run_says_so_in_every_row() {
    let place = Place::new("0", true);
    place.configure(
        "name = \"fixture\"\nquestion = \"What does security cost?\"\n[data]\nimages = \"0\"\n[backend]\n\
         kind = \"encrypted\"\ninsecure = true\ntrace = true\nseed = 1\n[sweep]\nring_dim = [32768]\n\
         relu = [\"chebyshev:511\"]\n",
    );
    ended_well(&place.run("out", &[]));
    let run = Run::read(&place.path("out")).unwrap();
    let [case] = &run.cases[..] else { panic!("one case") };
    assert_eq!((case.ring_dim, case.security), (Some(32768), Some(0)));
    assert!(case.log_qp.unwrap() > case.log_qp_limit.unwrap());
    let stamped = |case: &str| case.ends_with("-insecure");
    assert!(stamped(&case.case) && run.images.iter().all(|row| stamped(&row.case)));
    assert!(run.layers.len() == 58 && run.layers.iter().all(|row| stamped(&row.case)));
    assert_eq!((run.images[0].class, run.images[0].error.as_deref()), (run.images[0].plain_class, None));

    let own: Vec<f64> = run.layers.iter().filter_map(|row| row.own_precision_bits).collect();
    assert_eq!(own.len(), 19, "only bootstraps have it");
    // Two-sided: an error of nothing would be none.
    assert!(own.iter().all(|bits| (14.0..26.0).contains(bits)), "{own:?}");
    assert!(run.layers.iter().all(|row| row.own_precision_bits.is_none() || row.op == "bootstrap"));

    let image = &run.images[0];
    let parts =
        [image.encrypt_s, image.latency_s, image.decrypt_s, image.trace_s, image.overhead_s].map(Option::unwrap);
    assert!(parts.iter().all(|&seconds| seconds > 0.0), "{parts:?}");
    let overhead = case.overhead.unwrap();
    println!("harness: {:.3} % of an encrypted image; {parts:?} s", 100.0 * overhead);
    assert!(overhead < 0.01, "the harness takes {overhead} of an image");
}

#[test]
fn one_process_at_a_time() {
    let place = Place::new("0..2", false);
    ended_well(&place.run("out", &[]));
    let copy = std::fs::File::open(place.path("out/config.toml")).unwrap();
    copy.lock().unwrap();
    // A finished run is read only: no lock is needed.
    ended_well(&place.run("out", &[]));
    write(&place.path("out"), &place.read("out").cases[..2]);
    refused(&place.run("out", &[]), &["another process is running there"]);
}

/// With intervals far too narrow the polynomials leave all bounds.
#[test]
fn failures_are_rows_and_the_sweep_goes_on() {
    let place = Place::new("0..3", false);
    place.edit("config", "[data]", "[model]\nheadroom = 0.1\n[data]");
    let output = place.run("out", &[]);
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    let run = place.read("out");
    assert!(run.complete());
    let classless: Vec<_> = run.images.iter().filter(|row| row.class.is_none()).collect();
    assert!(
        !classless.is_empty()
            && classless.iter().all(|row| row.error.as_ref().unwrap().contains("left their intervals"))
    );
    let case = &run.cases[2];
    assert_eq!((case.images, case.failed, case.correct, case.accuracy), (3, 0, 0, Some(0.0)));
    // One word, one meaning: in the row of the case, in its line and in the last line.
    assert_eq!(case.without_class, Some(3));
    let without_class = run.images.iter().filter(|row| row.class.is_none()).count();
    assert!(output.stderr.contains(", 3 without a class\n") && !output.stderr.contains("failed"), "{}", output.stderr);
    let last = format!("3 cases, 9 evaluations, {without_class} without a class\n");
    assert!(output.stdout.ends_with(&last), "{}", output.stdout);
    assert_eq!(run.cases[0].accuracy, Some(1.0), "the exact case has no interval");
    // An image without a class is done: it is not evaluated again.
    let again = place.run("out", &[]);
    assert_eq!((again.code, again.stderr.as_str()), (Some(1), ""));
}

#[test]
fn a_model_that_belies_its_card_is_refused() {
    let place = Place::new("0..100", false);
    std::fs::write(place.path("w.safetensors"), datasets::pretrained::RESNET20).unwrap();
    std::fs::write(place.path("card.json"), datasets::pretrained::RESNET20_CARD).unwrap();
    // Without the normalisation that it was trained with.
    let mut card: serde_json::Value = serde_json::from_str(datasets::pretrained::RESNET20_CARD).unwrap();
    let claimed = format!("wanted the {:.2} %", 100.0 * card["test_accuracy"].as_f64().unwrap());
    card["mean"] = serde_json::json!([0.0, 0.0, 0.0]);
    card["std"] = serde_json::json!([1.0, 1.0, 1.0]);
    std::fs::write(place.path("bare.json"), card.to_string()).unwrap();
    place.edit("config", "[data]", "[model]\nweights = \"w.safetensors\"\ncard = \"bare.json\"\n[data]");
    refused(&place.run("out", &[]), &["model.card", "of 100 images right", &claimed, "mean and std"]);
    assert!(!Path::new(&place.path("out")).exists());
    place.edit("config", "bare.json", "card.json");
    place.edit("config", "\"exact\", \"chebyshev:13\", \"chebyshev:27\"", "\"exact\"");
    ended_well(&place.run("out", &[]));
}

#[test]
fn samples_are_runs_too() {
    let place = Place::new("0..100", false);
    place.edit("config", "images = \"0..100\"", "images = \"0..60\"\nsample = { smallest_margin = 5 }");
    ended_well(&place.run("out", &[]));
    let run = place.read("out");
    let margin = |row: &&ImageRow| row.margin;
    let largest = run.images.iter().map(|row| margin(&row)).fold(0.0, f64::max);
    let all = Place::new("0..60", false);
    ended_well(&all.run("out", &[]));
    let smaller = rows::<ExactRow>(&all.path("out")).unwrap().iter().filter(|row| row.margin <= largest).count();
    assert_eq!((run.images.len(), smaller), (15, 5));
    // The choice is not made again.
    ended_well(&place.run("out", &[]));
}
