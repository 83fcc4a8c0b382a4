//! Writes a file of rows anew, with its digests.

use std::path::Path;

use anyhow::Result;

use crate::files::replace;
use crate::records::{Digest, Digests, Row};

/// Writes a file with these lines and their digests. The rows come first: digests without rows do no harm, but rows
/// without digests would count as unchecked.
pub(super) fn write<'a, R: Row>(
    folder: &Path,
    lines: impl Iterator<Item = &'a [u8]>,
    digests: impl Iterator<Item = Digest>,
) -> Result<()> {
    let mut content = format!("{}\n", R::COLUMNS.join(",")).into_bytes();
    lines.for_each(|line| content.extend([line, b"\n"].concat()));
    replace(&folder.join(R::FILE), &content)?;
    let digests: String = digests.map(|digest| format!("{digest}\n")).collect();
    replace(&Digests::path::<R>(folder), digests.as_bytes())
}

/// Writes a file with these rows and their digests. `layers` returns the number of layers of a row.
pub(super) fn rewrite<R: Row>(folder: &Path, rows: &[R], layers: impl Fn(&R) -> Option<usize>) -> Result<()> {
    let lines = rows.iter().map(line).collect::<Result<Vec<_>>>()?;
    let digests = lines.iter().zip(rows).map(|(line, row)| Digest::of(line, layers(row)));
    write::<R>(folder, lines.iter().map(Vec::as_slice), digests)
}

/// Returns a row as a line, without the line end.
pub(super) fn line<R: Row>(row: &R) -> Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.serialize(row)?;
    let mut line = writer.into_inner()?;
    line.pop();
    Ok(line)
}
