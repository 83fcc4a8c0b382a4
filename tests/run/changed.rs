//! Folders whose files somebody changed.

use std::path::Path;

use cipherlab::records::{CaseRow, ImageRow, LayerRow, Row, RunProvenance};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

use super::place::{Place, ended_well, refused, same_rows, write};
use crate::common::cipherlab;

/// After a change `tables` and `plot` name the file and the line. `run` moves the row aside and evaluates it anew.
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

#[test]
fn a_cut_or_newer_run_json_is_refused() {
    let place = Place::new("0..2", false);
    ended_well(&place.run("out", &[]));
    let wanted = place.read("out");
    let json = place.text("out/run.json");
    place.set("out/run.json", &json[..json.len() / 2]);
    refused(&place.run("out", &[]), &["run.json", "wanted the file as `run` wrote it", "EOF"]);
    place.set("out/run.json", &json.replacen('{', "{\"colour\": 1,", 1));
    refused(&place.run("out", &[]), &["run.json", "unknown field `colour`"]);
    place.set("out/run.json", &json);
    same_rows(&place.read("out"), &wanted);
}

#[test]
fn columns_of_a_newer_program_are_refused() {
    let place = Place::new("0..2", false);
    ended_well(&place.run("out", &[]));
    let column = ["colour", "7"];
    let images = place.text("out/images.csv");
    let newer: String =
        images.lines().enumerate().map(|(at, line)| format!("{line},{}\n", column[at.min(1)])).collect();
    place.set("out/images.csv", &newer);
    refused(&place.run("out", &[]), &["images.csv:1: found the unknown columns colour", "newer program"]);
    assert_eq!(place.text("out/images.csv"), newer);
}

#[test]
fn line_ends_and_a_byte_order_mark_of_an_editor_change_nothing() {
    let place = Place::new("0..2", false);
    ended_well(&place.run("out", &[]));
    let wanted = place.read("out");
    let images = place.text("out/images.csv");
    place.set("out/images.csv", &format!("\u{feff}{}", images.replace('\n', "\r\n")));
    let again = place.run("out", &[]);
    assert_eq!((again.code, again.stderr.as_str()), (Some(0), ""));
    same_rows(&place.read("out"), &wanted);
}

#[test]
fn garbage_after_the_last_row_is_moved_aside() {
    let place = Place::new("0..2", false);
    ended_well(&place.run("out", &[]));
    let images = place.text("out/images.csv");
    place.set("out/images.csv", &format!("{images}\0\0\0garbage\n\"more"));
    let again = place.run("out", &[]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(place.text("out/images.csv.dropped").contains("garbage"), "{}", again.stderr);
    assert_eq!(place.text("out/images.csv"), images);
}

#[test]
fn files_of_another_run_are_refused() {
    let [place, other] = [Place::new("0..2", false), Place::new("2..4", false)];
    ended_well(&place.run("out", &[]));
    ended_well(&other.run("out", &[]));
    let copy = |name: &str| std::fs::copy(other.path(name), place.path(name)).unwrap();
    copy("out/images.csv");
    refused(&place.run("out", &[]), &["images.csv: no row matches its digest", "restore the file"]);
    copy("out/images.csv.digests");
    refused(&place.run("out", &[]), &["images.csv", "image 2 is not one of the run's"]);
}

#[test]
fn two_files_in_each_others_places_are_refused() {
    let place = Place::new("0..2", false);
    ended_well(&place.run("out", &[]));
    let rename = |from: &str, to: &str| std::fs::rename(place.path(from), place.path(to)).unwrap();
    rename("out/images.csv", "aside");
    rename("out/cases.csv", "out/images.csv");
    rename("aside", "out/cases.csv");
    refused(&place.run("out", &[]), &["images.csv:1: found columns case,backend", "wanted case,image"]);
}

#[test]
fn files_of_somebody_else_stay() {
    let place = Place::new("0..2", false);
    ended_well(&place.run("out", &[]));
    place.set("out/notes.txt", "mine");
    ended_well(&place.run("out", &[]));
    assert_eq!(place.text("out/notes.txt"), "mine");
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
