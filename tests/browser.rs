//! The page of `report` in a headless Chromium: sorting, filters, figures, pictures, no error, and no request that leaves the
//! file. `.ci/page` runs these tests; without a browser they are left out.
#![allow(missing_docs)]

mod browser {
    pub(crate) mod chromium;
}
mod common;

use std::path::{Path, PathBuf};

use browser::chromium::Browser;
use common::cipherlab;
use common::large::write_large_run;

/// Writes the page of these folders, and returns it.
fn page(place: &Path, folders: &[&str]) -> PathBuf {
    let out = place.join("page.html");
    let run = cipherlab(&[&["report", "--out", out.to_str().unwrap()], folders].concat(), None);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    out
}

fn fixtures() -> Vec<String> {
    let folder = |name: &str| format!("{}/tests/fixtures/runs/{name}", env!("CARGO_MANIFEST_DIR"));
    ["sweep", "curve", "partial", "flawed"].map(folder).to_vec()
}

/// Fails if the page met an error, or asked for anything but itself.
fn check(browser: &Browser) {
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
    let outside = |url: &&String| !url.starts_with("file://") && !url.starts_with("data:");
    let (outside, files): (Vec<&String>, Vec<&String>) = browser.requests.iter().partition(outside);
    assert!(outside.is_empty(), "{outside:?}");
    assert!(files.iter().filter(|url| url.starts_with("file://")).count() <= 1, "{files:?}");
}

const FIRST_CASES: &str = "[...document.querySelectorAll('#cases tbody th')].map((cell) => cell.textContent).join(' ')";
const COUNT: &str = "document.querySelector('#cases output').value";

#[test]
#[ignore = "needs a browser: .ci/page runs it"]
fn a_page_of_flawed_runs_sorts_filters_and_tells() {
    let place = tempfile::tempdir().unwrap();
    let folders = fixtures();
    let file = page(place.path(), &folders.iter().map(String::as_str).collect::<Vec<_>>());
    let mut browser = Browser::start();
    browser.open(&file, "");
    let warnings = browser.text("document.getElementById('warnings').innerText.toLowerCase()");
    for word in ["partial", "failed", "no class", "simulated", "dirty", "insecure", "mixed", "<calibrate> & \"again\""]
    {
        assert!(warnings.contains(word), "no '{word}' in {warnings}");
    }
    sorts_and_filters(&mut browser);
    figures_tell(&mut browser);
    images_come_with_pictures(&mut browser);
    check(&browser);
}

/// Sorts by a click and by the keyboard, and filters by words and by a limit.
fn sorts_and_filters(browser: &mut Browser) {
    assert_eq!(browser.text(COUNT), "11 cases");
    let button = "document.querySelector('#cases [data-key=latency_s]')";
    browser.click(button);
    assert!(browser.text(FIRST_CASES).starts_with("encrypted-65536-chebyshev:27-fused"));
    assert_eq!(browser.text("document.querySelector('#cases th[aria-sort]').ariaSort"), "ascending");
    assert_eq!(browser.text("document.activeElement.dataset.key"), "latency_s", "the focus stays");
    browser.press("Enter");
    assert!(browser.text(FIRST_CASES).starts_with("encrypted-131072-chebyshev:59-fused"));
    assert_eq!(browser.text("location.hash"), "#sort=-latency_s");
    browser.click("document.querySelector('#cases input')");
    browser.write("fused latency_s<31.1");
    assert_eq!(browser.text(COUNT), "2 of 11 cases");
    assert!(browser.text("location.hash").contains("filter=fused+latency_s"));
    browser.write(" colour>2");
    assert_eq!(browser.text(COUNT), "no column is called colour");
    browser.run("location.hash = '#filter=119&view=memory'");
    browser.run("new Promise((done) => setTimeout(done, 50))");
    assert_eq!(browser.text("document.querySelector('#cases [aria-pressed=true]').textContent"), "memory");
    assert!(browser.text(FIRST_CASES).contains("chebyshev:119"), "a reader's own address counts");
}

/// Points at a mark, goes on by the keyboard, and finds the case in the table by a click.
fn figures_tell(browser: &mut Browser) {
    browser.run("document.querySelectorAll('details').forEach((part) => { part.open = true; })");
    let spot = "document.querySelector('figure .spot')";
    let case = browser.text(&format!("{spot}.dataset.text.split('\\n')[0]"));
    browser.point(spot);
    let tip =
        browser.text("document.getElementById('tip').hidden ? 'hidden' : document.getElementById('tip').innerText");
    assert!(tip.starts_with(&case) && tip.contains("right"), "{tip}");
    browser.run("document.querySelector('figure svg').focus()");
    browser.press("ArrowRight");
    let next = browser.text("document.getElementById('tip').innerText");
    assert!(next != tip && next.contains("right"), "{next}");
    browser.click(spot);
    assert_eq!(browser.text("document.querySelector('#cases input').value"), case);
    assert!(browser.text(FIRST_CASES).split(' ').all(|found| found == case));
}

/// Chooses a run and a case, and looks at the pictures.
fn images_come_with_pictures(browser: &mut Browser) {
    browser.run("location.hash = '#images.run=flawed'");
    browser.run("new Promise((done) => setTimeout(done, 50))");
    let rows = "[...document.querySelectorAll('#images tbody tr')].map((row) => row.innerText).join('\\n')";
    let rows = browser.text(rows);
    let first: Vec<&str> = rows.lines().filter(|line| line.contains(" of 1")).collect();
    assert_eq!(first.len(), 6, "{rows}");
    assert!(first[0].contains("1 of 1") && first[3].contains("0 of 1"), "those that changed come first: {rows}");
    browser.run(
        "(() => { const of = document.querySelectorAll('#images select')[1]; of.selectedIndex = 1; \
         of.dispatchEvent(new Event('change')); })()",
    );
    let rows = browser.text("document.querySelector('#images tbody').innerText");
    assert!(rows.contains("no class") && rows.contains("an evaluation that was made to fail"), "{rows}");
    // A picture that was refused or is broken has no size.
    let size = browser.run(
        "new Promise((done) => { const picture = new Image(); picture.onload = () => done(picture.naturalWidth); \
         picture.onerror = () => done(0); picture.src = getComputedStyle(document.querySelector('#images .thumb')) \
         .backgroundImage.slice(5, -2); })",
    );
    assert_eq!(size, 1280);
}

#[test]
#[ignore = "needs a browser: .ci/page runs it"]
fn nothing_can_leave_the_page() {
    let place = tempfile::tempdir().unwrap();
    let file = page(place.path(), &[&fixtures()[0]]);
    let mut browser = Browser::start();
    browser.open(&file, "");
    check(&browser);
    let sent = browser.text("fetch('https://127.0.0.1:9/').then(() => 'sent', (error) => error.name)");
    assert_eq!(sent, "TypeError");
    assert!(browser.errors.iter().any(|error| error.contains("Content Security Policy")), "{:?}", browser.errors);
}

#[test]
#[ignore = "needs a browser: .ci/page runs it"]
fn the_published_page_opens() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("results/report.html");
    let mut browser = Browser::start();
    let seconds = browser.open(&file, "sort=-latency_s&filter=fused&images.run=relu-degree");
    assert!(browser.text(FIRST_CASES).contains("-fused"));
    assert_eq!(browser.text("document.querySelector('#images output').value"), "10,000 images");
    let rows = browser.run("document.querySelectorAll('#images tbody tr').length").as_u64().unwrap();
    assert!((10..200).contains(&rows), "only rows in sight are drawn, found {rows}");
    browser.run("document.querySelector('#images .scroll').scrollTop = 1e7");
    browser.run("new Promise((done) => setTimeout(done, 100))");
    let last = browser.text("[...document.querySelectorAll('#images tbody tr')].at(-1).ariaRowIndex");
    assert_eq!(last, "10001", "the last row after the header");
    check(&browser);
    opened_at_once(&mut browser, "the published page", &file, seconds);
}

#[test]
#[ignore = "needs a browser: .ci/page runs it"]
fn a_page_of_ten_thousand_images_opens_at_once() {
    let place = tempfile::tempdir().unwrap();
    write_large_run(place.path());
    let out = place.path().join("page.html");
    let arguments = ["report", place.path().to_str().unwrap(), "--out", out.to_str().unwrap()];
    // As `report` makes it: with a thumbnail of each image of the test set, where `datasets fetch` has brought that.
    let run = cipherlab(&arguments, std::env::var_os("CIPHERLAB_DATA").map(PathBuf::from).as_deref());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let mut browser = Browser::start();
    let seconds = browser.open(&out, "");
    assert_eq!(browser.text("document.querySelector('#images output').value"), "10,000 images");
    check(&browser);
    opened_at_once(&mut browser, "a page of 10,000 images", &out, seconds);
}

/// Prints how long a page took to open, and fails above a second of the processor.
fn opened_at_once(browser: &mut Browser, name: &str, file: &Path, seconds: f64) {
    let elapsed = browser.run("performance.getEntriesByType('navigation')[0].loadEventEnd / 1000").as_f64().unwrap();
    let pictures = browser.run("JSON.parse(document.getElementById('data').textContent).thumbnails.images.length");
    let megabytes = std::fs::metadata(file).unwrap().len() as f64 / 1e6;
    eprintln!(
        "{name}: {megabytes:.1} MB, {pictures} thumbnails, loaded after {elapsed:.2} s, drawn after {seconds:.2} processor \
         seconds"
    );
    assert!(seconds < 1.0, "{name} took {seconds:.2} processor seconds to open");
}
