//! A stopped run at every byte: whatever the files of a run are cut or changed to, it ends with the rows of an
//! uninterrupted run.

use std::path::{Path, PathBuf};

use super::*;
use crate::records::{Digests, Run};

const CASES: [&str; 2] = ["a", "b"];
const IMAGES: [usize; 2] = [3, 5];

fn image(case: &str, image: usize) -> ImageRow {
    ImageRow {
        case: case.to_owned(),
        image,
        label: Some(1),
        exact_class: 1,
        plain_class: Some(1),
        class: Some(1),
        margin: 0.25,
        batch: None,
        encrypt_s: None,
        latency_s: None,
        decrypt_s: None,
        trace_s: None,
        overhead_s: None,
        max_abs_error: None,
        precision_bits: None,
        overflow: Some(0),
        error: None,
        upload_bytes: None,
        download_bytes: None,
        energy_j: None,
    }
}

fn layer(case: &str, image: usize, layer: &str) -> LayerRow {
    LayerRow {
        case: case.to_owned(),
        image,
        layer: layer.to_owned(),
        op: "convolution".to_owned(),
        level: None,
        latency_s: None,
        rss_bytes: None,
        max_abs_error: Some(1.5),
        mean_abs_error: None,
        precision_bits: None,
        paper_precision: None,
        approximation_max_error: None,
        approximation_mean_error: None,
        overflow: None,
        own_precision_bits: None,
    }
}

fn stage(case: &str, image: usize, stage: &str) -> StageRow {
    StageRow {
        case: case.to_owned(),
        image: Some(image),
        batch: Some(1),
        stage: stage.to_owned(),
        wall_s: 1.5,
        user_s: 0.25,
        system_s: 0.5,
        peak_rss_bytes: 1 << 20,
        bytes: None,
        energy_j: None,
    }
}

/// An image of the one case with layers, of the other with stages.
fn rows(case: &str, index: usize) -> ImageRows {
    let alone = ImageRows { image: image(case, index), layers: Vec::new(), stages: Vec::new() };
    match case {
        "a" => ImageRows { layers: ["x", "y"].map(|name| layer(case, index, name)).to_vec(), ..alone },
        _ => ImageRows { stages: ["x", "y"].map(|name| stage(case, index, name)).to_vec(), ..alone },
    }
}

fn case(name: &str) -> CaseRow {
    let text = format!("{name},plain,,,,,exact,,2,0,2,,,,,,,0,0,,,,,,,,,,,,,,0,,,,,,,,,");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.deserialize().next().unwrap().unwrap()
}

fn provenance() -> RunProvenance {
    let text = r#"{"name": "n", "config_sha256": "", "version": "", "revision": null, "binary_sha256": "", "rustc": null,
        "cpu": null, "threads": 1, "kernels": "", "weights_sha256": "", "noise_sha256": null, "data_sha256": "", "seed": 0,
        "shard": null, "planned_cases": 2, "planned_images": 4, "started": "", "ended": null}"#;
    serde_json::from_str(text).unwrap()
}

/// Runs the rest of the run, and returns the lines about damage.
fn run(path: &Path) -> Result<Vec<String>> {
    let order = Order { cases: CASES.map(str::to_owned).to_vec(), images: IMAGES.to_vec(), stages: true };
    let mut folder = Folder::lock(path)?;
    if folder.provenance()?.is_none() {
        folder.begin("", &[])?;
        folder.write(&provenance())?;
    }
    let mut said = Vec::new();
    let mut store = Store::open(folder, provenance(), order, &mut |text| said.push(text))?;
    for name in CASES {
        if store.case(name).is_some() {
            continue;
        }
        let known: Vec<usize> = store.images(name).iter().map(|row| row.image).collect();
        for index in IMAGES.into_iter().filter(|index| !known.contains(index)) {
            store.add_images(vec![rows(name, index)])?;
        }
        store.add_case(&case(name))?;
    }
    store.end("now".to_owned())?;
    Ok(said)
}

/// The files of rows and of digests.
fn files(path: &Path) -> Vec<PathBuf> {
    let rows = [CaseRow::FILE, ImageRow::FILE, LayerRow::FILE, StageRow::FILE].map(|file| path.join(file));
    let digests =
        [Digests::path::<CaseRow>, Digests::path::<ImageRow>, Digests::path::<LayerRow>, Digests::path::<StageRow>];
    rows.into_iter().chain(digests.map(|digests| digests(path))).collect()
}

/// The texts of the files of rows, and the lines of the digests without their order.
fn texts(path: &Path) -> Vec<Vec<String>> {
    let read = |file: PathBuf| -> Vec<String> {
        let text = String::from_utf8(std::fs::read(&file).unwrap()).unwrap();
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        if file.extension().is_some_and(|extension| extension == "digests") {
            lines.sort();
        }
        lines
    };
    files(path).into_iter().map(read).collect()
}

#[test]
fn files_cut_anywhere_end_as_those_of_an_uninterrupted_run() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path()).unwrap(), Vec::<String>::new());
    let wanted = texts(folder.path());
    for file in files(folder.path()) {
        let whole = std::fs::read(&file).unwrap();
        let start = whole.len().saturating_sub(170);
        for length in (start..whole.len()).step_by(3).chain([0, whole.len() - 1]) {
            std::fs::write(&file, &whole[..length]).unwrap();
            let said = run(folder.path()).unwrap();
            let place = format!("{} cut to {length} bytes", file.display());
            assert!(!said.is_empty(), "{place}");
            assert_eq!(texts(folder.path()), wanted, "{place}: {said:?}");
            let read = Run::read(folder.path()).unwrap();
            let parts = [read.layers.len(), read.stages.len()];
            assert_eq!((read.cases.len(), read.images.len(), parts), (2, 4, [4, 4]), "{place}");
        }
    }
}

#[test]
fn every_changed_digit_is_noticed_and_evaluated_anew() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path()).unwrap();
    let wanted = texts(folder.path());
    for file in files(folder.path()) {
        let whole = std::fs::read(&file).unwrap();
        let first = if file.extension().is_some_and(|extension| extension == "csv") { 1 } else { 0 };
        let header: usize = whole.split_inclusive(|&byte| byte == b'\n').take(first).map(<[u8]>::len).sum();
        let digits = (header..whole.len()).filter(|&at| whole[at].is_ascii_digit());
        for at in digits.step_by(5) {
            let mut changed = whole.clone();
            changed[at] = if changed[at] == b'7' { b'3' } else { b'7' };
            std::fs::write(&file, &changed).unwrap();
            let place = format!("{}, byte {at}", file.display());
            Run::read(folder.path()).expect_err(&place);
            let said = run(folder.path()).unwrap();
            assert!(!said.is_empty(), "{place}");
            assert_eq!(texts(folder.path()), wanted, "{place}: {said:?}");
        }
    }
}

/// A process that is killed between two appends leaves digests without rows.
#[test]
fn digests_ahead_of_their_rows_cost_nothing() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path()).unwrap();
    let wanted = texts(folder.path());
    let digests = Digests::path::<ImageRow>(folder.path());
    let text = std::fs::read_to_string(&digests).unwrap();
    // The next digest would continue a line that was cut.
    for (ahead, said) in [("0123456789abcdef 2\n01234567", 1), ("01234567", 0)] {
        std::fs::write(&digests, format!("{text}{ahead}")).unwrap();
        assert_eq!(run(folder.path()).unwrap().len(), said, "{ahead}");
        assert_eq!(texts(folder.path()), wanted, "{ahead}");
    }
}

/// A process that was stopped twice finds nothing lost the second time, but rows of later cases.
#[test]
fn rows_that_come_after_those_of_later_cases_are_put_into_order() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path()).unwrap();
    let wanted = texts(folder.path());
    let other = tempfile::tempdir().unwrap();
    let order = Order { cases: CASES.map(str::to_owned).to_vec(), images: IMAGES.to_vec(), stages: true };
    let mut begun = Folder::lock(other.path()).unwrap();
    begun.begin("", &[]).unwrap();
    begun.write(&provenance()).unwrap();
    let mut store = Store::open(begun, provenance(), order, &mut |text| panic!("{text}")).unwrap();
    store.add_images(IMAGES.map(|index| rows("b", index)).into()).unwrap();
    store.add_case(&case("b")).unwrap();
    drop(store);
    assert_eq!(run(other.path()).unwrap(), Vec::<String>::new());
    assert_eq!(texts(other.path()), wanted);
}

#[test]
fn rows_without_digests_are_taken_and_get_some() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path()).unwrap();
    let wanted = texts(folder.path());
    files(folder.path())[4..].iter().for_each(|path| std::fs::remove_file(path).unwrap());
    assert_eq!(Run::read(folder.path()).unwrap().unchecked.len(), 4);
    run(folder.path()).unwrap();
    assert_eq!(texts(folder.path()), wanted);
    // Without digests, an image with fewer layers than the others of its case is incomplete.
    files(folder.path())[4..].iter().for_each(|path| std::fs::remove_file(path).unwrap());
    let layers = folder.path().join(LayerRow::FILE);
    let text = std::fs::read_to_string(&layers).unwrap();
    std::fs::write(&layers, &text[..text.len() - 20]).unwrap();
    assert!(run(folder.path()).unwrap().iter().any(|line| line.contains("without all their stages")));
    assert_eq!(texts(folder.path()), wanted);
}

#[test]
fn rows_of_another_run_and_copies_are_refused_without_loss() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path()).unwrap();
    let images = folder.path().join(ImageRow::FILE);
    let text = std::fs::read_to_string(&images).unwrap();
    let first = text.lines().nth(1).unwrap();
    for (line, words) in [
        (first.replace("a,3", "c,3"), "case c, image 3 is not one"),
        (first.replace("a,3", "a,4"), "image 4 is not one"),
    ] {
        std::fs::write(&images, format!("{text}{line}\n")).unwrap();
        let error = run(folder.path()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert_eq!(std::fs::read_to_string(&images).unwrap(), format!("{text}{line}\n"));
    }
    // A copy of a row that has a digest says nothing new.
    std::fs::write(&images, format!("{text}{first}\n")).unwrap();
    run(folder.path()).unwrap();
    assert_eq!(std::fs::read_to_string(&images).unwrap(), text);
    std::fs::remove_file(Digests::path::<ImageRow>(folder.path())).unwrap();
    std::fs::write(&images, format!("{text}{first}\n")).unwrap();
    let error = run(folder.path()).unwrap_err().to_string();
    assert!(error.contains("case a, image 3 twice"), "{error}");
}
