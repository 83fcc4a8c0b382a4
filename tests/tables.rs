//! Tables of made-up runs compared with stored text in every format; runs that tables refuse to cite; splicing.
#![allow(missing_docs)]

mod common;

use std::path::{Path, PathBuf};

use common::{cipherlab, stored};

/// Returns the folder of a made-up run.
fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/runs/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Returns a copy of a made-up run that a test may change.
fn copy(name: &str, to: &Path) -> PathBuf {
    let folder = to.join(name);
    std::fs::create_dir(&folder).unwrap();
    for entry in std::fs::read_dir(fixture(name)).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    folder
}

fn printed(arguments: &[&str]) -> String {
    let run = cipherlab(&[&["tables"], arguments].concat(), None);
    assert_eq!((run.code, run.errors().as_str()), (Some(0), ""), "{arguments:?}");
    run.stdout
}

/// Asserts that `tables` is refused in one line that holds each of `words`.
fn refused(arguments: &[&str], words: &[&str]) {
    let run = cipherlab(&[&["tables"], arguments].concat(), None);
    let errors = run.errors();
    let line = errors.trim_end();
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}: {line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    words.iter().for_each(|word| assert!(line.contains(word), "{arguments:?}: no '{word}' in '{line}'"));
}

#[test]
fn every_table_in_every_format_is_as_stored() {
    let folders = ["curve", "partial", "sweep"].map(fixture);
    let folders = folders.each_ref().map(String::as_str);
    for (format, extension) in [("markdown", "md"), ("latex", "tex"), ("csv", "csv")] {
        for table in ["parameters", "accuracy", "comparison", "memory", "sweep", "engines"] {
            let flags = ["--format", format, "--table", table];
            stored(&format!("tables/{table}.{extension}"), &printed(&[&flags[..], &folders].concat()));
        }
    }
}

#[test]
fn a_partial_run_gives_its_standing_and_nothing_else() {
    for table in ["parameters", "accuracy", "comparison", "memory", "sweep", "engines"] {
        let text = printed(&["--table", table, &fixture("partial")]);
        let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| partial |")).collect();
        let [row] = rows[..] else { panic!("{table}: {rows:?}") };
        assert!(row.starts_with("| partial | partial: 9 of 12 evaluations |"), "{row}");
        assert!(row.split('|').skip(3).all(|cell| matches!(cell.trim(), "–" | "")), "{row}");
        assert!(!text.contains("encrypted-65536"), "{text}");
    }
}

/// Without arguments, `tables` reads the folders of `results/` in the working directory, in order of names.
#[test]
fn every_run_among_the_results_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let in_folder = |arguments: &[&str]| {
        let program = env!("CARGO_BIN_EXE_cipherlab");
        let output = std::process::Command::new(program).args(arguments).current_dir(folder.path()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), common::errors(&text(output.stderr)))
    };
    let rows = |text: &str| -> Vec<String> {
        let names = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next().map(str::to_owned));
        names.skip(2).collect()
    };
    let none = in_folder(&["tables", "--table", "accuracy"]);
    assert_eq!((none.0, rows(&none.1)), (Some(0), vec![]), "the paper alone");
    assert!(in_folder(&["plot"]).2.contains("found no run in results/"));
    std::fs::create_dir_all(folder.path().join("results/notes")).unwrap();
    ["sweep", "partial"].iter().for_each(|name| drop(copy(name, &folder.path().join("results"))));
    let (code, text, error) = in_folder(&["tables", "--table", "accuracy"]);
    assert_eq!(code, Some(0), "{error}");
    assert_eq!(rows(&text), ["partial", "sweep", "sweep", "sweep", "sweep"]);
    assert_eq!(in_folder(&["tables", "results/notes"]).0, Some(2), "a folder that is named must hold a run");
}

#[test]
fn a_shard_is_not_a_result() {
    let folder = tempfile::tempdir().unwrap();
    let shard = copy("sweep", folder.path());
    let json = std::fs::read_to_string(shard.join("run.json")).unwrap();
    std::fs::write(shard.join("run.json"), json.replace("\"shard\": null", "\"shard\": \"1/4\"")).unwrap();
    let text = printed(&["--table", "accuracy", shard.to_str().unwrap()]);
    assert!(text.contains("| sweep | partial: shard 1/4, not merged |"), "{text}");
}

#[test]
fn simulated_is_never_shown_as_encrypted() {
    for table in ["parameters", "comparison", "memory", "sweep", "engines"] {
        assert!(!printed(&["--table", table, &fixture("curve")]).contains("curve"), "{table}");
    }
    let text = printed(&["--table", "accuracy", &fixture("curve")]);
    let rows = text.lines().filter(|line| line.starts_with("| curve |"));
    assert!(rows.clone().count() == 4 && rows.clone().all(|row| row.starts_with("| curve | simulated |")), "{text}");
}

/// Each table marks a case below 128 bits of security.
#[test]
fn an_insecure_case_is_never_shown_as_a_secure_one() {
    let folder = tempfile::tempdir().unwrap();
    let run = copy("sweep", folder.path());
    let (plain, stamped) = ("encrypted-65536-chebyshev:119-fused", "encrypted-65536-chebyshev:119-fused-insecure");
    for file in ["cases.csv", "images.csv", "layers.csv"] {
        let text = std::fs::read_to_string(run.join(file)).unwrap();
        let text = text.replace(plain, stamped).replace(",1684,1747,128,", ",1784,1747,0,");
        std::fs::write(run.join(file), text).unwrap();
    }
    let of = |table: &str| printed(&["--table", table, run.to_str().unwrap()]);
    assert!(of("parameters").contains(&format!("| sweep | {stamped} | 1784.0 | 1747 | no: 37 over |")));
    assert_eq!(of("accuracy").matches("| sweep | encrypted, insecure |").count(), 1);
    assert_eq!(of("comparison").matches("| cipherlab, sweep, insecure |").count(), 1);
    assert!(of("memory").contains(&format!("| {stamped} |")));
    assert_eq!(of("sweep").matches("| sweep, insecure |").count(), 1);
}

/// A case with the ring, the activation and the packing of a published set, at 128 bits, is that set repaired.
#[test]
fn repaired_sets_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let run = copy("sweep", folder.path());
    for file in ["cases.csv", "images.csv", "layers.csv"] {
        let text = std::fs::read_to_string(run.join(file)).unwrap();
        std::fs::write(run.join(file), text.replace("-fused", "-vector").replace(",fused,", ",vector,")).unwrap();
    }
    let text = printed(&["--table", "parameters", run.to_str().unwrap()]);
    for start in
        ["| sets 1 and 4, repaired: sweep | encrypted-65536-chebyshev:59-vector |", "| set 3, repaired: sweep |"]
    {
        assert_eq!(text.matches(start).count(), 1, "{start}: {text}");
    }
    assert!(text.contains("| sweep | encrypted-131072-chebyshev:59-vector |"), "another ring repairs nothing: {text}");
}

/// The accuracy is the share of the images whose evaluation did not fail.
#[test]
fn a_failed_image_is_not_counted_beside_the_accuracy() {
    let folder = tempfile::tempdir().unwrap();
    let run = copy("sweep", folder.path());
    let path = run.join("cases.csv");
    let cases = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, cases.replacen(",fused,4,0,4,", ",fused,4,1,3,", 1)).unwrap();
    let text = printed(&["--table", "comparison", run.to_str().unwrap()]);
    assert_eq!(text.matches("(51.01 to 100.00, 3 images, 1 more failed)").count(), 1, "{text}");
    assert_eq!(text.matches("(51.01 to 100.00, 4 images)").count(), 3, "{text}");
}

/// The table divides keys by kind only if the sum of the plan agrees with the measured bytes.
#[test]
fn the_memory_of_keys_is_divided_by_the_plan() {
    const CASE: &str = "encrypted-65536-chebyshev:59";
    let plan = cipherlab(&["plan", "--json"], None).stdout;
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = copy("sweep", folder.path());
    let path = run.join("cases.csv");
    let cases = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = cases.lines().collect();
    let header: Vec<_> = lines[0].split(',').collect();
    let mut cells: Vec<String> =
        lines.iter().find(|line| line.starts_with(CASE)).unwrap().split(',').map(str::to_owned).collect();
    for (column, value) in [("key_bytes", &plan["key_bytes"]), ("log_qp", &plan["params"]["log_qp"])] {
        cells[header.iter().position(|&name| name == column).unwrap()] = value.to_string();
    }
    let changed = cells.join(",");
    let lines = lines.iter().map(|line| if line.starts_with(CASE) { changed.as_str() } else { line });
    std::fs::write(&path, lines.collect::<Vec<_>>().join("\n") + "\n").unwrap();
    let text = printed(&["--format", "csv", "--table", "memory", run.to_str().unwrap()]);
    let row: Vec<_> = text.lines().find(|line| line.contains(CASE)).unwrap().split(',').collect();
    let gigabytes = |kind: &str| {
        let keys = plan["keys"].as_array().unwrap().iter().find(|keys| keys["kind"] == kind).unwrap();
        format!("{:.2}", keys["bytes"].as_f64().unwrap() / 1e9)
    };
    assert_eq!(row[2], gigabytes("rotation"));
    assert_eq!(row[3], gigabytes("relinearization"));
    assert_eq!(row[5], format!("{:.2}", plan["key_bytes"].as_f64().unwrap() / 1e9));
}

#[test]
fn splicing_renews_what_it_made_and_touches_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let readme = folder.path().join("README.md");
    let path = readme.to_str().unwrap();
    let read = || std::fs::read_to_string(&readme).unwrap();
    let (curve, sweep) = (fixture("curve"), fixture("sweep"));
    std::fs::write(
        &readme,
        format!(
            "Above.\n<!-- tables:accuracy begin (cipherlab tables --table accuracy {curve}) -->\nold\n\
             <!-- tables:accuracy end -->\nBetween.\n<!-- tables:memory begin -->\n<!-- tables:memory end -->\nBelow."
        ),
    )
    .unwrap();
    printed(&["--splice", path, "--table", "memory", &sweep]);
    let first = read();
    assert!(first.contains("\nold\n") && first.contains("| sweep | encrypted-65536-chebyshev:59"), "{first}");
    assert!(
        first.contains(&format!("<!-- tables:memory begin (cipherlab tables --table memory {sweep}) -->")),
        "{first}"
    );
    // Without folders, each table is renewed by its own command.
    printed(&["--splice", path]);
    let second = read();
    assert!(second.starts_with("Above.\n<!-- tables:accuracy begin") && second.ends_with("-->\nBelow."), "{second}");
    assert!(second.contains("| curve | simulated |") && !second.contains("\nold\n"), "{second}");
    assert!(second.contains("| sweep | encrypted-65536-chebyshev:59"), "{second}");
    printed(&["--splice", path]);
    assert_eq!(read(), second);
}

#[test]
fn markers_that_are_missing_or_wrong_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let readme = folder.path().join("README.md");
    let path = readme.to_str().unwrap();
    let refused_with = |text: &str, words: &[&str]| {
        std::fs::write(&readme, text).unwrap();
        refused(&["--splice", path, "--table", "memory", &fixture("sweep")], words);
        assert_eq!(std::fs::read_to_string(&readme).unwrap(), text);
    };
    let begin = "<!-- tables:memory begin -->";
    refused_with(
        "No markers.\n",
        &["README.md: found no markers", begin.trim_end_matches(" -->"), "<!-- tables:memory end -->"],
    );
    refused_with(&format!("a\n{begin}\n"), &["README.md:2:", "end of the file", "<!-- tables:memory end -->"]);
    refused_with("a\nb\n<!-- tables:memory end -->\n", &["README.md:3:", "wanted its begin first"]);
    refused_with(
        &format!("{begin}\n<!-- tables:accuracy begin -->\n"),
        &["README.md:1:", "marker of the table accuracy", "tables:memory end"],
    );
    refused_with(
        "<!-- tables:speed begin -->\n<!-- tables:speed end -->\n",
        &["README.md:1:", "speed", "parameters, accuracy"],
    );
    refused(&["--splice", "absent.md"], &["absent.md", "No such file"]);
}

#[test]
fn foreign_files_are_refused_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let run = copy("sweep", folder.path());
    let flag = run.to_str().unwrap();
    let path = run.join("images.csv");
    let images = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, images.replacen("max_abs_error", "error_max", 1)).unwrap();
    refused(&[flag], &["images.csv:1: found columns case,image,", "error_max", "wanted case,image,label"]);
    let mut lines: Vec<_> = images.lines().collect();
    lines[2] = "encrypted-65536-chebyshev:27-fused,seven,8,8,8,8,1.5,1,,26.9,,,,1e-5,16.5,1,";
    std::fs::write(&path, lines.join("\n")).unwrap();
    refused(&[flag], &["images.csv: the last line is cut", "run the config again"]);
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    refused(&[flag], &["images.csv:3: ", "column image: invalid digit"]);
    std::fs::write(run.join("run.json"), "{}").unwrap();
    refused(&[flag], &["run.json", "missing field"]);
    refused(&["nowhere"], &["nowhere", "wanted the folder of a run"]);
    refused(&["--table", "speed"], &["'speed'", "parameters"]);
    refused(&["--format", "csv", &fixture("sweep")], &["--format csv", "--table"]);
}
