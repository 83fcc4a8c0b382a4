//! Shards of a run, and their merger.

use cipherlab::records::{CaseRow, ExactRow, ImageRow, Row, Run, rows};

use super::place::{Place, ended_well, refused, same_rows, write};

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
    // A merge that was killed leaves rows without a run.json, and a mark.
    std::fs::remove_file(place.path("merged/run.json")).unwrap();
    refused(&place.merge(&["shards"], "merged"), &["found cases.csv but no run.json"]);
    place.set("merged/merge-unfinished", "");
    ended_well(&place.merge(&["shards"], "merged"));
    same_rows(&place.read("merged"), &whole);
    assert!(!place.path("merged/merge-unfinished").exists());

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

/// The row of a joined case names all kernels and ways of holding that its images had.
#[test]
fn a_joined_case_names_the_kernels_of_all_its_shards() {
    let place = Place::new("0..4", false);
    for (shard, folder, kernels) in [("1/2", "shards/shard-1-of-2", "scalar"), ("2/2", "shards/shard-2-of-2", "fma")] {
        ended_well(&place.run("shards", &["--shard", shard]));
        let mut cases = Run::read(&place.path(folder)).unwrap().cases;
        cases[1].kernels = Some(kernels.to_owned());
        write(&place.path(folder), &cases);
    }
    ended_well(&place.merge(&["shards"], "merged"));
    let cases = place.read("merged").cases;
    assert_eq!([0, 1].map(|at: usize| cases[at].kernels.as_deref()), [None, Some("fma, scalar")]);
}

/// A case without memory to start has an `error` and no images.
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
    let merge = place.merge(&["shards"], "merged");
    assert_eq!(merge.code, Some(1), "joined, with the status of a run that has such a case: {}", merge.stderr);
    let merged = place.read("merged");
    assert!(merged.complete());
    assert_eq!((merged.cases.len(), merged.images.len(), merged.provenance.planned_images), (3, 4 + 4 + 2, 12));
    assert_eq!((merged.cases[1].images, merged.cases[1].error.as_deref()), (4, None));
    assert_eq!((merged.cases[2].images, merged.cases[2].error.as_deref()), (0, Some("no memory")));
    // A case that could not start is tried again.
    ended_well(&place.run("shards", &["--shard", "2/2"]));
    ended_well(&place.merge(&["shards"], "again"));
    assert_eq!(place.read("again").cases[2].images, 4);
}
