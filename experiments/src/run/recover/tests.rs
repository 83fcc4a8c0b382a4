//! Files of rows that were cut, changed or exchanged.

use super::*;
use crate::records::ExactRow;
use crate::run::rewrite::{line, rewrite};

/// Images that no change of a bit makes equal.
const IMAGES: [usize; 3] = [10, 25, 47];

fn exact(image: usize) -> ExactRow {
    ExactRow { image, label: Some(1), class: 2, margin: 0.25 }
}

/// A folder with three rows, and the bytes of the rows and of their digests.
fn three() -> (tempfile::TempDir, [Vec<u8>; 2]) {
    let folder = tempfile::tempdir().unwrap();
    rewrite(folder.path(), &IMAGES.map(exact), |_| None).unwrap();
    let read = |path: PathBuf| std::fs::read(path).unwrap();
    let bytes = [read(folder.path().join(ExactRow::FILE)), read(Digests::path::<ExactRow>(folder.path()))];
    (folder, bytes)
}

/// Recovers the file, and returns the images and the lines about the damage. A second recovery must find nothing to
/// do.
fn recovered(folder: &Path) -> (Vec<usize>, Vec<String>) {
    let mut said = Vec::new();
    let found = Recovered::<ExactRow>::read(folder).unwrap();
    found.store(folder, |_| None, &mut |text| said.push(text)).unwrap();
    let again = Recovered::<ExactRow>::read(folder).unwrap();
    assert!(!again.stale && again.rows.iter().map(|kept| &kept.row).eq(found.rows.iter().map(|kept| &kept.row)));
    (found.rows.iter().map(|kept| kept.row.image).collect(), said)
}

/// Whatever is cut off at the end of the rows, the whole ones before the cut are found, and a loss is said.
#[test]
fn rows_cut_anywhere_keep_the_whole_ones() {
    let (folder, [rows, digests]) = three();
    for length in 0..=rows.len() {
        std::fs::write(folder.path().join(ExactRow::FILE), &rows[..length]).unwrap();
        std::fs::write(Digests::path::<ExactRow>(folder.path()), &digests).unwrap();
        let ends = rows[..length].iter().filter(|&&byte| byte == b'\n').count();
        let (found, said) = recovered(folder.path());
        assert_eq!(found, IMAGES[..ends.saturating_sub(1)], "{length} bytes");
        assert_eq!(said.len(), usize::from(length < rows.len()), "{length} bytes: {said:?}");
    }
}

/// Whatever is cut off at the end of the digests, every row is whole and is kept.
#[test]
fn digests_cut_anywhere_cost_no_row() {
    let (folder, [rows, digests]) = three();
    for length in 0..=digests.len() {
        std::fs::write(folder.path().join(ExactRow::FILE), &rows).unwrap();
        std::fs::write(Digests::path::<ExactRow>(folder.path()), &digests[..length]).unwrap();
        let (found, said) = recovered(folder.path());
        assert_eq!(found, IMAGES, "{length} bytes");
        assert_eq!(said.len(), usize::from(length < digests.len()), "{length} bytes: {said:?}");
        assert_eq!(std::fs::read(Digests::path::<ExactRow>(folder.path())).unwrap(), digests);
    }
    std::fs::remove_file(Digests::path::<ExactRow>(folder.path())).unwrap();
    assert_eq!(recovered(folder.path()), (IMAGES.to_vec(), Vec::new()));
}

/// Every byte of every row is protected, and a changed row is kept aside.
#[test]
fn a_changed_byte_costs_its_row_and_nothing_else() {
    let (folder, [rows, digests]) = three();
    let start = rows.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    for at in (start..rows.len()).filter(|&at| rows[at] != b'\n') {
        let mut changed = rows.clone();
        changed[at] ^= 1;
        std::fs::write(folder.path().join(ExactRow::FILE), &changed).unwrap();
        std::fs::write(Digests::path::<ExactRow>(folder.path()), &digests).unwrap();
        let row = rows[start..at].iter().filter(|&&byte| byte == b'\n').count();
        let (found, said) = recovered(folder.path());
        assert_eq!(found, [&IMAGES[..row], &IMAGES[row + 1..]].concat(), "byte {at}");
        assert!(said[0].ends_with(&format!("lines {}", row + 2)), "{said:?}");
        let aside = folder.path().join("exact.csv.dropped");
        let wanted = changed.split(|&byte| byte == b'\n').nth(row + 1).unwrap();
        assert_eq!(std::fs::read(&aside).unwrap(), [wanted, b"\n"].concat());
        std::fs::remove_file(aside).unwrap();
    }
}

#[test]
fn digests_of_another_file_are_not_believed() {
    let (folder, _) = three();
    let other = [exact(7), exact(8)].map(|row| format!("{}\n", Digest::of(&line(&row).unwrap(), None)));
    std::fs::write(Digests::path::<ExactRow>(folder.path()), other.concat()).unwrap();
    let error = Recovered::<ExactRow>::read(folder.path()).err().unwrap().to_string();
    assert!(error.contains("no row matches its digest"), "{error}");
}

#[test]
fn rows_are_sorted_with_their_digests() {
    let (folder, [rows, _]) = three();
    rewrite(folder.path(), &[IMAGES[2], IMAGES[0], IMAGES[1]].map(exact), |_| None).unwrap();
    sort(folder.path(), |row: &ExactRow| row.image).unwrap();
    assert_eq!(std::fs::read(folder.path().join(ExactRow::FILE)).unwrap(), rows);
    assert_eq!(recovered(folder.path()), (IMAGES.to_vec(), Vec::new()));
}
