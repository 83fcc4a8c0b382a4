//! Figures of made-up runs: their contents, their specs, and the figures that are skipped.
#![allow(missing_docs)]

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use common::{Run, cipherlab, stored};

/// Returns the folder of a made-up run.
fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/runs/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Returns a copy of a made-up run in which one file is changed.
fn changed(name: &str, to: &Path, file: &str, change: impl Fn(&str) -> String) -> PathBuf {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(fixture(name)).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
    let path = to.join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, change(&text)).unwrap();
    to.to_owned()
}

/// Returns the first lines of a text.
fn head(text: &str, lines: usize) -> String {
    text.lines().take(lines).map(|line| format!("{line}\n")).collect()
}

/// Runs `plot` into a folder.
fn plot(out: &Path, arguments: &[&str]) -> Run {
    cipherlab(&[&["plot", "--out", out.to_str().unwrap()], arguments].concat(), None)
}

/// Returns the texts of an SVG, in order.
fn texts(svg: &str) -> Vec<&str> {
    svg.lines().zip(svg.lines().skip(1)).filter(|(tag, _)| tag.starts_with("<text")).map(|(_, text)| text).collect()
}

fn read(out: &Path, name: &str) -> String {
    std::fs::read_to_string(out.join(name)).unwrap()
}

#[test]
fn every_figure_says_what_it_shows() {
    let out = tempfile::tempdir().unwrap();
    let out = out.path();
    let run = plot(out, &[&fixture("sweep"), &fixture("curve")]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let wanted: [(&str, &[&str]); 7] = [
        (
            "sweep-precision",
            &["Precision against the degree of the ReLU · sweep", "degree of the ReLU&apos;s polynomial"],
        ),
        ("sweep-layers", &["Errors along the layers · sweep", "absolute error", "chebyshev:59", "stage 3", "fc"]),
        (
            "sweep-ring",
            &["Cost against the ring dimension · sweep", "ring dimension N", "peak memory, GB", "2¹⁶", "2¹⁷"],
        ),
        (
            "sweep-pareto",
            &["Memory, latency and precision · sweep", "median seconds of an evaluation", "peak memory, GB"],
        ),
        ("curve-precision", &["simulated", "exact ReLU, cleartext", "13", "119", "precision, bits"]),
        ("curve-layers", &["simulated, largest", "polynomial against exact, largest", "10⁻²"]),
        ("curve-flips", &["Images that change their class · curve", "plaintext margin, logits", "images"]),
    ];
    for (name, words) in wanted {
        let svg = read(out, &format!("{name}.svg"));
        let texts = texts(&svg);
        words.iter().for_each(|word| assert!(texts.contains(word), "{name}: no '{word}' in {texts:?}"));
        assert!(texts.iter().any(|text| text.starts_with("A made-up fixture for tests")), "{name}: {texts:?}");
        assert!(svg.starts_with("<svg width=\"920\""), "{name}");
        let png = image::open(out.join(format!("{name}.png"))).unwrap().into_rgb8();
        assert_eq!(png.width(), 1840);
        let colours: BTreeSet<_> = png.pixels().map(|pixel| pixel.0).collect();
        assert!(colours.contains(&[0, 114, 178]) || colours.contains(&[0, 0, 0]), "{name} is empty");
    }
    for (line, why) in [
        ("skipped sweep-flips: ", "changed its class"),
        ("skipped curve-ring: ", "found 0 ring dimensions with latency or memory, wanted two or more"),
        ("skipped curve-pareto: ", "found 0 cases with latency, memory and precision"),
    ] {
        let found = run.stderr.lines().find(|found| found.starts_with(line)).unwrap_or_default();
        assert!(found.contains(why), "{}", run.stderr);
    }
    assert_eq!(run.stdout.lines().count(), 3 * wanted.len(), "{}", run.stdout);
}

/// Compares one figure of each kind with its stored file, mark by mark.
#[test]
fn every_kind_of_figure_is_as_stored() {
    let out = tempfile::tempdir().unwrap();
    for (run, kind) in
        [("rings", "precision"), ("partial", "layers"), ("rings", "ring"), ("sweep", "pareto"), ("rings", "flips")]
    {
        let drawn = plot(out.path(), &["--figure", kind, &fixture(run)]);
        assert_eq!(drawn.code, Some(0), "{}", drawn.stderr);
        let name = format!("{run}-{kind}.svg");
        stored(&format!("plots/{name}"), &read(out.path(), &name));
    }
}

/// Series differ by more than their colour.
#[test]
fn series_can_be_told_apart_without_colour() {
    let out = tempfile::tempdir().unwrap();
    let run = plot(out.path(), &["--figure", "ring", &fixture("rings")]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let svg = read(out.path(), "rings-ring.svg");
    let shapes =
        |tag: &str, colour: &str| svg.lines().filter(|line| line.starts_with(tag) && line.contains(colour)).count();
    assert!(
        shapes("<circle", "#0072B2") >= 5 && shapes("<circle", "#D55E00") == 0,
        "circles are the first series' alone"
    );
    assert!(shapes("<polygon", "#D55E00") >= 5, "squares are the second's");
    assert!(shapes("<polyline", "#D55E00") > 2 * shapes("<polyline", "#0072B2"), "its line is dashed");
}

#[test]
fn a_spec_draws_the_same_figure_again() {
    let out = tempfile::tempdir().unwrap();
    let out = out.path();
    assert_eq!(plot(out, &["--figure", "pareto", &fixture("sweep")]).code, Some(0));
    let names = ["sweep-pareto.svg", "sweep-pareto.toml"];
    let first = names.map(|name| read(out, name));
    assert!(first[1].contains("kind = \"pareto\"") && first[1].contains("config_sha256 = \""), "{}", first[1]);
    std::fs::remove_file(out.join(names[0])).unwrap();
    let spec = out.join(names[1]);
    let again = cipherlab(&["plot", "--spec", spec.to_str().unwrap()], None);
    assert_eq!((again.code, again.errors().as_str()), (Some(0), ""));
    assert_eq!(names.map(|name| read(out, name)), first);
    // If the spec names other runs, a note says so.
    std::fs::write(&spec, first[1].replacen("images = 16", "images = 15", 1)).unwrap();
    let again = cipherlab(&["plot", "--spec", spec.to_str().unwrap()], None);
    assert!(again.code == Some(0) && again.stderr.contains("not those that it was drawn from"), "{}", again.stderr);
    assert_eq!(names.map(|name| read(out, name)), first);
}

#[test]
fn several_runs_in_one_figure_are_named() {
    let out = tempfile::tempdir().unwrap();
    let run = plot(out.path(), &["--together", "both", "--figure", "layers", &fixture("sweep"), &fixture("curve")]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let svg = read(out.path(), "both-layers.svg");
    let texts = texts(&svg);
    for backend in ["encrypted", "simulated"] {
        assert!(texts.iter().any(|text| text.starts_with(backend)), "no {backend} in {texts:?}");
    }
}

/// Degrees with calibrated noise and with noise of another case are one curve. The caption names the case of the noise.
#[test]
fn borrowed_noise_does_not_divide_a_curve() {
    let out = tempfile::tempdir().unwrap();
    let run = changed("curve", &out.path().join("run"), "cases.csv", |text| {
        text.replacen("fused,simulated,", "fused,simulated with noise of 65536-chebyshev:59-fused,", 2)
    });
    let run = plot(out.path(), &["--figure", "precision", run.to_str().unwrap()]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let svg = read(out.path(), "curve-precision.svg");
    let texts = texts(&svg);
    assert_eq!(texts.iter().filter(|text| text.starts_with("simulated")).count(), 1, "{texts:?}");
    assert!(texts.iter().any(|text| text.contains("draw that of 65536-chebyshev:59-fused")), "{texts:?}");
}

/// Two runs keep their own rows: the copy has half the images, of the first case only.
#[test]
fn runs_of_one_name_are_told_apart_by_their_folders() {
    let out = tempfile::tempdir().unwrap();
    let copy = changed("curve", &out.path().join("copy"), "images.csv", |text| head(text, 31));
    let (whole, copy) = (fixture("curve"), copy.to_str().unwrap());
    let run = plot(out.path(), &["--together", "both", "--figure", "flips", &whole, copy]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let svg = read(out.path(), "both-flips.svg");
    let texts = texts(&svg);
    for (folder, images) in [(whole.as_str(), 60), (copy, 30)] {
        let wanted = [format!("curve in {folder}: "), format!(" of {images}, ")];
        let found = texts.iter().any(|text| wanted.iter().all(|part| text.contains(part)));
        assert!(found, "no {wanted:?} in {texts:?}");
    }
}

#[test]
fn errors_of_the_approximation_alone_are_drawn() {
    let out = tempfile::tempdir().unwrap();
    let out = out.path();
    // A traced run in cleartext has only errors of approximation.
    let plain = changed("curve", &out.join("plain"), "layers.csv", |text| {
        let erased = |line: &str| {
            let cells: Vec<_> = line.split(',').collect();
            let kept = |at: usize| if (7..11).contains(&at) { "" } else { cells[at] };
            (0..cells.len()).map(kept).collect::<Vec<_>>().join(",")
        };
        head(text, 1) + &text.lines().skip(1).map(|line| erased(line) + "\n").collect::<String>()
    });
    let untraced = changed("curve", &out.join("untraced"), "layers.csv", |text| head(text, 1));
    let [plain, untraced] = [&plain, &untraced].map(|folder| folder.to_str().unwrap());
    let traced = fixture("sweep");
    for (name, runs) in [("plain", &[plain][..]), ("later", &[untraced, &traced])] {
        let run = plot(out, &[&["--together", name, "--figure", "layers"], runs].concat());
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let svg = read(out, &format!("{name}-layers.svg"));
        let texts = texts(&svg);
        assert!(texts.contains(&"polynomial against exact, largest"), "{name}: {texts:?}");
        assert!(!texts.contains(&"simulated, curve, largest"), "{name}: {texts:?}");
    }
}

#[test]
fn a_partial_run_is_labelled() {
    let out = tempfile::tempdir().unwrap();
    let run = plot(out.path(), &["--figure", "layers", &fixture("partial")]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let svg = read(out.path(), "partial-layers.svg");
    assert!(texts(&svg).contains(&"partial: partial: 9 of 12 evaluations; not a result."), "{:?}", texts(&svg));
}

#[test]
fn nothing_to_draw_is_an_error() {
    let out = tempfile::tempdir().unwrap();
    let refused = |run: &Run, words: &[&str]| {
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{}", run.stderr);
        let last = run.stderr.lines().last().unwrap_or_default();
        assert!(last.starts_with("error: "), "{last}");
        words.iter().for_each(|word| assert!(run.stderr.contains(word), "no '{word}' in {}", run.stderr));
    };
    refused(&plot(out.path(), &["--figure", "ring", &fixture("curve")]), &["skipped curve-ring", "nothing was drawn"]);
    let copy = changed("curve", &out.path().join("copy"), "images.csv", str::to_owned);
    refused(&plot(out.path(), &[&fixture("curve"), copy.to_str().unwrap()]), &["two runs of one name", "--together"]);
    let twice = [&fixture("curve"), &format!("{}/../runs/curve", fixture(""))];
    refused(&plot(out.path(), &["--together", "both", twice[0], twice[1]]), &["found it twice", "each folder once"]);
    refused(&plot(out.path(), &["nowhere"]), &["nowhere", "wanted the folder of a run"]);
    refused(&plot(out.path(), &["--figure", "pie"]), &["'pie'", "precision"]);
    let spec = out.path().join("bad.toml");
    std::fs::write(&spec, "kind = \"pie\"\n").unwrap();
    refused(&cipherlab(&["plot", "--spec", spec.to_str().unwrap()], None), &["bad.toml", "pie"]);
}
