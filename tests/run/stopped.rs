//! Runs that were stopped: by a kill, a cut file, a full disk.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use cipherlab::records::{CaseRow, ExactRow, ImageRow, LayerRow, Row};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

use super::place::{Place, digests, ended_well, same_rows};

/// Kills the program again and again, each time after it has written a few more bytes, until the run ends.
#[test]
fn killed_and_resumed_gives_the_same_rows() {
    let place = Place::new("0..40", true);
    // More threads would evaluate more images between two writes.
    place.edit("config", "[sweep]", "threads = 1\n[sweep]");
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

/// Cuts each file at random bytes. After `run` the files are those of an uninterrupted run.
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

/// Simulates a full disk by a limit on the size of files. The run ends with one line, and goes on when there is room.
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
