//! `report`, and the page and the schema that `run` leaves: contents, sizes and refusals. `tests/browser.rs` opens pages.
#![allow(missing_docs)]

mod common;

use std::path::Path;
use std::time::Instant;

use common::large::write_large_run;
use common::{Run, cipherlab, same};

fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/runs/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn report(out: &Path, arguments: &[&str]) -> Run {
    cipherlab(&[&["report", "--out", out.to_str().unwrap()], arguments].concat(), None)
}

/// Returns the JSON in a page.
fn data(page: &str) -> serde_json::Value {
    let text = page.split_once("id=\"data\">").unwrap().1.split_once("</script>").unwrap().0;
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_page_tells_question_outcome_provenance_and_warnings() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("page.html");
    let run = report(&out, &[&fixture("flawed"), &fixture("partial"), &fixture("sweep")]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.stdout, format!("{}\n", out.display()));
    let page = std::fs::read_to_string(&out).unwrap();
    for words in [
        "what does a page say of &lt;failed&gt; &amp; partial cases?",
        "2 cases, 6 evaluations, 1 failed, 1 without a class, 1 case could not run.",
        "Fastest for an image: encrypted-65536-chebyshev:27-fused, 26.957 s.",
        "measure it with &lt;calibrate&gt; &amp;",
        "flawed: all cases are simulated",
        "0123456789ab-dirty",
        "Another made-up CPU",
        "partial: 9 of 12 evaluations",
        "Seconds are of 2 machines or settings and do not compare across them",
        "Memory, latency and precision · sweep",
        "class=\"spot\"",
        "default-src 'none'",
    ] {
        assert!(page.contains(words), "no '{words}'");
    }
    let addresses = page.matches("http").count();
    assert_eq!(
        addresses,
        page.matches("http-equiv").count() + page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count()
    );
    let data = data(&page);
    let images = &data["runs"][0]["images"];
    assert_eq!(images["labels"], "388066");
    assert_eq!(images["cases"][0]["classes"], "3800x-");
    assert_eq!(images["errors"].as_array().unwrap().len(), 2);
    let rows = data["cases"]["rows"].as_array().unwrap();
    assert_eq!((rows.len(), rows[0][0].as_str()), (7, Some("flawed")));
    assert!(rows.iter().filter(|row| row[1] == "best").count() >= 2, "the sweep has a front");
    // `report` replaces a page that it wrote before.
    assert_eq!(report(&out, &[&fixture("curve")]).code, Some(0));
}

#[test]
fn what_is_no_run_or_no_page_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("page.html");
    let notes = place.path().join("notes.txt");
    std::fs::write(&notes, "mine").unwrap();
    let folder = place.path().to_str().unwrap();
    let cases: [(&Path, &[&str], &str); 6] = [
        (&out, &[folder], "run.json: found no such file, wanted the folder of a run"),
        (&out, &["nowhere"], "nowhere/run.json: found no such file"),
        (&out, &[&fixture("sweep"), &fixture("sweep")], "found it twice, wanted each folder once"),
        (&notes, &[&fixture("sweep")], "notes.txt: found a file that is no page of cipherlab"),
        (place.path(), &[&fixture("sweep")], "found a folder, wanted the name of a file"),
        (&out, &[&fixture("sweep"), "--thumbnails", "10001"], "--thumbnails: found 10001, wanted 0 to 10000"),
    ];
    for (out, arguments, words) in cases {
        let run = report(out, arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}");
        assert!(run.errors().lines().count() == 1 && run.errors().contains(words), "{}", run.stderr);
        assert_eq!(run.stdout, "");
    }
    assert_eq!(std::fs::read_to_string(&notes).unwrap(), "mine");
    assert!(!out.exists());
}

#[test]
fn a_run_in_progress_is_refused() {
    let place = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(fixture("partial")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), place.path().join(entry.file_name())).unwrap();
    }
    let config = std::fs::File::options().write(true).open(place.path().join("config.toml")).unwrap();
    config.lock().unwrap();
    let out = place.path().join("page.html");
    let run = report(&out, &[place.path().to_str().unwrap()]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("found a run in progress, wanted one that ended; wait for it"), "{}", run.stderr);
    drop(config);
    assert_eq!(report(&out, &[place.path().to_str().unwrap()]).code, Some(0));
}

#[test]
fn ten_thousand_images_make_a_small_page_at_once() {
    let place = tempfile::tempdir().unwrap();
    write_large_run(place.path());
    let out = place.path().join("page.html");
    let start = Instant::now();
    let run = report(&out, &[place.path().to_str().unwrap()]);
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let page = std::fs::read_to_string(&out).unwrap();
    // Only the 100 embedded images are on the machine of this test, so the page has no other thumbnails, and says so. With
    // those of the whole test set a page is 5 MB larger; `.ci/page` opens one where the test set is there.
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    assert!(page.contains("100 of 10000 images have thumbnails; the data set with the others is not on the machine"));
    assert!(seconds < 5.0, "{seconds} s");
}

#[test]
fn a_run_leaves_its_page_and_its_schema() {
    let place = tempfile::tempdir().unwrap();
    let config = "name = \"tiny\"\nquestion = \"Is there a page?\"\n[data]\nimages = \"0..3\"\n[backend]\nkind = \"plain\"\n\
                  [sweep]\nrelu = [\"exact\"]\n";
    let (file, out) = (place.path().join("tiny.toml"), place.path().join("out"));
    std::fs::write(&file, config).unwrap();
    let arguments = ["run", file.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let run = cipherlab(&arguments, None);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Is there a page?") && page.contains("plain-exact: "));
    assert_eq!(data(&page)["thumbnails"]["images"].as_array().unwrap().len(), 3);
    let schema = std::fs::read_to_string(out.join("schema.json")).unwrap();
    same(&schema, &cipherlab(&["run", "--schema"], None).stdout, "schema.json");
    // A page that cannot be written costs no row: `notes` of somebody else are in its place.
    std::fs::remove_dir_all(&out).unwrap();
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("report.html"), "notes").unwrap();
    let run = cipherlab(&arguments, None);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("warning: the run has no page") && run.stderr.contains("no page of cipherlab"));
    assert_eq!(std::fs::read_to_string(out.join("report.html")).unwrap(), "notes");
}

/// The schema of published runs is that of this program, and its columns are those of their files.
#[test]
fn the_published_schema_has_the_columns_of_published_files() {
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
    let text = std::fs::read_to_string(results.join("schema.json")).unwrap();
    let wanted = cipherlab(&["run", "--schema"], None).stdout;
    same(&text, &wanted, "results/schema.json (renew it: cipherlab run --schema > results/schema.json)");
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut files = 0;
    for folder in std::fs::read_dir(&results).unwrap().map(|entry| entry.unwrap().path()) {
        for resource in schema["resources"].as_array().unwrap() {
            let Ok(text) = std::fs::read_to_string(folder.join(resource["path"].as_str().unwrap())) else { continue };
            let fields = resource["schema"]["fields"].as_array().unwrap();
            let names: Vec<&str> = fields.iter().map(|field| field["name"].as_str().unwrap()).collect();
            let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
            assert_eq!(header[..], names[..header.len()], "{}: {}", folder.display(), resource["path"]);
            // Columns without the word `empty` are never empty.
            let empty = text.lines().skip(1).filter(|line| !line.contains('"')).any(|line| {
                line.split(',').zip(fields).any(|(value, field)| value.is_empty() && field.get("empty").is_none())
            });
            assert!(!empty, "{}: {}", folder.display(), resource["path"]);
            files += 1;
        }
    }
    assert!(files > 30, "{files}");
}
