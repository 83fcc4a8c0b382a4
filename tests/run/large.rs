//! A run of a hundred thousand rows.

use std::process::{Command, Stdio};
use std::time::Duration;

use cipherlab::records::{CaseRow, ImageRow, LayerRow, Run, rows};

use super::place::{Place, write};

/// Resumes a run of a thousand cases over a hundred images that was stopped before it noted its end. It reads and
/// checks a hundred thousand rows of images and a hundred thousand of layers first.
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
    // Once the row of the first case is there, the folder is whole, and the other rows are made from its rows.
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
    write(&folder, &cases);
    write(&folder, &all);
    write(&folder, &all.iter().map(layer_of).collect::<Vec<_>>());
    let flawed = images.iter().any(|row| row.error.is_some());
    // Processor time, since tests share their machine. `times` prints that of the shell, then that of its children.
    let again = Command::new("sh")
        .args(["-c", "\"$@\" >/dev/null; status=$?; times; exit $status", "sh", env!("CARGO_BIN_EXE_cipherlab"), "run"])
        .args([place.path("config").as_os_str(), "--out".as_ref(), place.path("out").as_os_str()])
        .output()
        .unwrap();
    let [stdout, stderr] = [again.stdout, again.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!((again.status.code(), stderr.lines().count()), (Some(i32::from(flawed)), 1), "{stderr}");
    assert!(stderr.contains("taken as they are, unchecked"), "{stderr}");
    let seconds = processor_seconds(stdout.lines().nth(1).unwrap());
    println!("resumed with {} rows of images and as many of layers in {seconds:.2} s", all.len());
    // Some 1.4 s on an idle machine, the page included.
    assert!(seconds < 5.0, "resumed in {seconds} s");
    let run = Run::read(&folder).unwrap();
    assert!(run.complete() && run.images.len() == 100_000 && run.layers.len() == 100_000);
}

/// Returns a row of a layer for a row of an image.
fn layer_of(row: &ImageRow) -> LayerRow {
    LayerRow {
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
    }
}

/// Returns the sum of the times in a line of the shell's `times`, such as `0m0.012s 0m0.003s`.
fn processor_seconds(line: &str) -> f64 {
    let in_seconds = |time: &str| {
        let (minutes, seconds) = time.trim_end_matches('s').split_once('m').unwrap();
        60.0 * minutes.parse::<f64>().unwrap() + seconds.parse::<f64>().unwrap()
    };
    line.split_whitespace().map(in_seconds).sum()
}
