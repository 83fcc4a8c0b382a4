//! Files of rows that a process may have left in the middle of a line.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result};

use crate::files::replace;
use crate::records::{Row, rows};

/// The rows of a file that `keep` wants. What follows the last line's end is cut off, as are the other rows.
pub fn recover<R: Row>(folder: &Path, keep: impl FnMut(&R) -> bool) -> Result<Vec<R>> {
    cut_last_line::<R>(folder)?;
    let mut found: Vec<R> = rows(folder)?;
    let (all, mut keep) = (found.len(), keep);
    found.retain(|row| keep(row));
    if found.len() < all {
        rewrite(folder, &found)?;
    }
    Ok(found)
}

/// No field holds a line's end, so a file that ends in one ends in a whole row.
fn cut_last_line<R: Row>(folder: &Path) -> Result<()> {
    let path = folder.join(R::FILE);
    if !path.exists() {
        return rewrite::<R>(folder, &[]);
    }
    let context = || path.display().to_string();
    let mut file = File::open(&path).with_context(context)?;
    let length = file.seek(SeekFrom::End(0)).with_context(context)?;
    let mut last = [0];
    if length > 0 {
        file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last)).with_context(context)?;
    }
    if last == [b'\n'] {
        return Ok(());
    }
    // Windows does not replace a file that is open.
    drop(file);
    let bytes = std::fs::read(&path).with_context(context)?;
    match bytes.iter().rposition(|&byte| byte == b'\n') {
        Some(end) => replace(&path, &bytes[..=end]),
        None => rewrite::<R>(folder, &[]),
    }
}

/// The file with these rows alone.
pub fn rewrite<R: Row>(folder: &Path, rows: &[R]) -> Result<()> {
    let mut content = format!("{}\n", R::COLUMNS.join(",")).into_bytes();
    content.extend(lines(rows)?);
    replace(&folder.join(R::FILE), &content)
}

/// Rows as lines, without the columns' names.
pub fn lines<R: Row>(rows: &[R]) -> Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    rows.iter().try_for_each(|row| writer.serialize(row))?;
    Ok(writer.into_inner()?)
}

/// The file, at its end.
pub fn append_to<R: Row>(folder: &Path) -> Result<File> {
    let path = folder.join(R::FILE);
    File::options().append(true).open(&path).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::records::ExactRow;

    fn exact(image: usize) -> ExactRow {
        ExactRow { image, label: 1, class: 2, margin: 0.25 }
    }

    /// Whatever is cut off at the end, the whole rows before it are found, and the file is fit to be appended to.
    #[test]
    fn a_file_cut_anywhere_keeps_its_whole_rows() {
        let folder = tempfile::tempdir().unwrap();
        let all: Vec<ExactRow> = (0..3).map(exact).collect();
        rewrite(folder.path(), &all).unwrap();
        let path = folder.path().join(ExactRow::FILE);
        let whole = std::fs::read(&path).unwrap();
        for length in 0..=whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let ends = whole[..length].iter().filter(|&&byte| byte == b'\n').count();
            let found = recover(folder.path(), |_: &ExactRow| true).unwrap();
            assert_eq!(found, all[..ends.saturating_sub(1)], "{length} bytes");
            append_to::<ExactRow>(folder.path()).unwrap().write_all(&lines(&all[found.len()..]).unwrap()).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), whole, "{length} bytes");
        }
    }

    #[test]
    fn rows_that_nobody_wants_go() {
        let folder = tempfile::tempdir().unwrap();
        rewrite(folder.path(), &[exact(0), exact(1), exact(2)]).unwrap();
        let found = recover(folder.path(), |row: &ExactRow| row.image != 1).unwrap();
        assert_eq!(found, [exact(0), exact(2)]);
        assert_eq!(rows::<ExactRow>(folder.path()).unwrap(), found);
    }
}
