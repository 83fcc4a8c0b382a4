//! A set in miniature (3 images a batch), as archives, as folders and behind a server on 127.0.0.1.

mod local;
mod remote;
mod server;

use std::io::Cursor;

use flate2::Compression;
use flate2::write::GzEncoder;
use image::{ImageFormat, RgbImage};
use tempfile::TempDir;

use super::manifest::{BatchFile, Split};
use super::*;
use crate::cifar::{PIXELS, RECORD};

const RECORDS: usize = 3;

/// Content of the miniature batch `index` (0 is the test batch).
fn batch(index: usize) -> Vec<u8> {
    let label = |record: usize| ((index + 3 * record) % 10) as u8;
    let pixel = move |record: usize, p: usize| (p * 31 + record * 7 + index * 101) as u8;
    (0..RECORDS).flat_map(|r| std::iter::once(label(r)).chain((0..PIXELS).map(move |p| pixel(r, p)))).collect()
}

fn name(index: usize) -> &'static str {
    super::manifest::OFFICIAL[index].name
}

/// The miniature manifest; leaked, since the real one is static.
fn files() -> &'static [BatchFile] {
    let file = |index| BatchFile {
        records: RECORDS,
        sha256: digest::sha256(&batch(index)).leak(),
        ..super::manifest::OFFICIAL[index]
    };
    (0..6).map(file).collect::<Vec<_>>().leak()
}

fn cache() -> (TempDir, Cache) {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache { folder: folder.path().join("cache"), files: files() };
    (folder, cache)
}

/// A batch as the npm package holds it.
fn strip(batch: &[u8]) -> Vec<u8> {
    let at = |x: u32, y: u32, c: usize| batch[y as usize * RECORD + 1 + 1024 * c + x as usize];
    let picture = RgbImage::from_fn(1024, RECORDS as u32, |x, y| image::Rgb([at(x, y, 0), at(x, y, 1), at(x, y, 2)]));
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png).unwrap();
    png.into_inner()
}

type Entries = Vec<(String, Vec<u8>)>;

fn official() -> Entries {
    let mut entries: Entries = (0..6).map(|i| (format!("cifar-10-batches-bin/{}", name(i)), batch(i))).collect();
    entries.push(("cifar-10-batches-bin/readme.html".into(), b"<html>".to_vec()));
    entries
}

fn npm() -> Entries {
    let labels = |batches: std::ops::Range<usize>| {
        let all: Vec<u8> = batches.flat_map(|i| batch(i).chunks(RECORD).map(|r| r[0]).collect::<Vec<_>>()).collect();
        serde_json::to_vec(&all).unwrap()
    };
    let mut entries: Entries =
        (0..6).map(|i| (format!("package/{}.png", name(i).trim_end_matches(".bin")), strip(&batch(i)))).collect();
    entries.push(("package/test_lables.json".into(), labels(0..1)));
    entries.push(("package/train_lables.json".into(), labels(1..6)));
    entries
}

fn archive(entries: &Entries) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, bytes.as_slice()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

fn assert_whole(cache: &Cache) {
    for (index, report) in cache.verify().unwrap().into_iter().enumerate() {
        assert_eq!(report.state, State::Verified, "{}", report.file.name);
        assert_eq!(std::fs::read(report.path).unwrap(), batch(index));
    }
    let entries = std::fs::read_dir(cache.folder()).unwrap().count();
    assert_eq!(entries, 6, "nothing but the batches stays in the cache");
}
