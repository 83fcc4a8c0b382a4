//! A file of rows, line by line: plain or compressed, whole or cut.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use csv::StringRecord;
use flate2::read::MultiGzDecoder;

use super::Row;

/// A file of rows as it is on disk.
#[derive(Debug)]
pub(crate) struct Sheet<R> {
    /// The file that was read, such as `images.csv` or `images.csv.gz`.
    pub path: PathBuf,
    /// Whether the file is compressed.
    pub compressed: bool,
    /// Whether the columns are [`Row::COLUMNS`], rather than the fewer ones of an earlier program.
    pub current: bool,
    /// The whole lines after the columns' names, without empty ones.
    pub lines: Vec<Line<R>>,
    /// Whether the last line has no end. It is not among the lines.
    pub cut: bool,
}

/// A line with a row. No field of a row holds a line end.
#[derive(Debug)]
pub(crate) struct Line<R> {
    /// The line's number in the file, from 1.
    pub number: usize,
    /// Its text without the line end.
    pub text: Vec<u8>,
    /// The row, or the reason why the text is not one.
    pub row: Result<R>,
}

impl<R: Row> Sheet<R> {
    /// Reads a file of rows, or the file compressed by gzip; `None` if neither is there.
    ///
    /// # Errors
    /// If both are there, if one cannot be read, or if its columns are not those of [`Row::COLUMNS`].
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        let plain = folder.join(R::FILE);
        let packed = folder.join(format!("{}.gz", R::FILE));
        let (path, content, compressed) = match (bytes_of(&plain)?, bytes_of(&packed)?) {
            (None, None) => return Ok(None),
            (Some(content), None) => (plain, content, false),
            (None, Some(bytes)) => {
                let mut content = Vec::new();
                let unpacked = MultiGzDecoder::new(&bytes[..]).read_to_end(&mut content);
                unpacked.with_context(|| format!("{}: the compressed file is damaged", packed.display()))?;
                (packed, content, true)
            }
            (Some(_), Some(_)) => {
                bail!("{}: found the file and the same compressed beside it, wanted one; delete one", plain.display())
            }
        };
        Self::parse(path, &content, compressed).map(Some)
    }

    fn parse(path: PathBuf, content: &[u8], compressed: bool) -> Result<Self> {
        let whole = content.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let mut sheet = Self { path, compressed, current: true, lines: Vec::new(), cut: whole < content.len() };
        let mut lines =
            content[..whole].split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let names = lines.next().filter(|_| whole > 0);
        let Some(names) = names else {
            // The names of the columns are written with the file; a file without them is a cut one.
            sheet.cut = true;
            return Ok(sheet);
        };
        let columns = sheet.columns(names.strip_prefix(b"\xef\xbb\xbf").unwrap_or(names))?;
        let rows = lines.enumerate().filter(|(_, text)| !text.is_empty());
        sheet.lines =
            rows.map(|(at, text)| Line { number: at + 2, text: text.to_vec(), row: row(text, &columns) }).collect();
        Ok(sheet)
    }

    /// Checks the names of the columns.
    fn columns(&mut self, line: &[u8]) -> Result<StringRecord> {
        let place = self.path.display();
        let names = record(line).with_context(|| format!("{place}:1"))?;
        let found: Vec<&str> = names.iter().collect();
        let all = R::COLUMNS;
        let newer = found.len() > all.len() && all.iter().all(|name| found.contains(name));
        let unknown: Vec<&str> = found.iter().filter(|name| !all.contains(name)).copied().collect();
        ensure!(
            !newer,
            "{place}:1: found the unknown columns {}; read the folder with the newer program that wrote it",
            unknown.join(",")
        );
        ensure!(
            all.starts_with(&found) && found.len() + R::ADDED >= all.len(),
            "{place}:1: found columns {}, wanted {}",
            found.join(","),
            all.join(",")
        );
        self.current = found == all;
        Ok(names)
    }
}

/// The content of a file; `None` if it is not there.
fn bytes_of(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        bytes => bytes.map(Some).with_context(|| path.display().to_string()),
    }
}

/// The fields of a line.
fn record(text: &[u8]) -> Result<StringRecord> {
    let text = std::str::from_utf8(text).context("found bytes that are not UTF-8")?;
    // Nearly every line. A reader for each would take longer than the rest.
    if !text.contains('"') {
        return Ok(text.split(',').collect());
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut fields = StringRecord::new();
    reader.read_record(&mut fields)?;
    Ok(fields)
}

/// The row in a line.
fn row<R: Row>(text: &[u8], columns: &StringRecord) -> Result<R> {
    let fields = record(text)?;
    let (found, wanted) = (fields.len(), columns.len());
    ensure!(found == wanted, "found {found} fields, wanted {wanted}");
    fields.deserialize(Some(columns)).map_err(|error| match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => {
            let column = err.field().and_then(|field| columns.get(field as usize)).unwrap_or("?");
            anyhow::anyhow!("column {column}: {}", err.kind())
        }
        _ => error.into(),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::records::ExactRow;

    const TEXT: &[u8] = b"image,label,class,margin\n3,1,2,0.25\n4,1,2,0.5\n";

    fn read(name: &str, content: &[u8]) -> Result<Sheet<ExactRow>> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), content).unwrap();
        Sheet::read(folder.path()).map(Option::unwrap)
    }

    fn images(sheet: &Sheet<ExactRow>) -> Vec<(usize, Option<usize>)> {
        sheet.lines.iter().map(|line| (line.number, line.row.as_ref().ok().map(|row| row.image))).collect()
    }

    #[test]
    fn line_ends_and_marks_of_other_editors_change_nothing() {
        let plain = read("exact.csv", TEXT).unwrap();
        let text = String::from_utf8(TEXT.to_vec()).unwrap();
        for other in [text.replace('\n', "\r\n"), format!("\u{feff}{text}"), format!("{text}\n\n")] {
            let sheet = read("exact.csv", other.as_bytes()).unwrap();
            assert_eq!(images(&sheet), [(2, Some(3)), (3, Some(4))], "{other:?}");
            assert!(sheet.lines.iter().zip(&plain.lines).all(|(a, b)| a.text == b.text) && !sheet.cut);
        }
    }

    #[test]
    fn compressed_files_are_read_and_damage_is_noticed() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(TEXT).unwrap();
        let mut packed = encoder.finish().unwrap();
        let sheet = read("exact.csv.gz", &packed).unwrap();
        assert!(sheet.compressed && images(&sheet) == [(2, Some(3)), (3, Some(4))]);
        let at = packed.len() - 6;
        packed[at] ^= 1;
        let error = format!("{:#}", read("exact.csv.gz", &packed).unwrap_err());
        assert!(error.contains("exact.csv.gz: the compressed file is damaged"), "{error}");
    }

    #[test]
    fn a_bad_line_costs_that_line() {
        let sheet =
            read("exact.csv", b"image,label,class,margin\n3,1,\"2,0.25\n4,1,2,0.5\n5,\xff,2,1\n6,1,2,0.\n7,1").unwrap();
        assert_eq!(images(&sheet), [(2, None), (3, Some(4)), (4, None), (5, Some(6))]);
        assert!(sheet.cut);
        assert_eq!(sheet.lines[0].row.as_ref().unwrap_err().to_string(), "found 3 fields, wanted 4");
    }

    #[test]
    fn a_file_without_its_columns_is_a_cut_one() {
        for text in [&b""[..], b"image,label"] {
            let sheet = read("exact.csv", text).unwrap();
            assert!(sheet.cut && sheet.lines.is_empty());
        }
        let error = read("exact.csv", b"image,label,class,margin,colour\n").unwrap_err().to_string();
        assert!(
            error.contains("exact.csv:1: found the unknown columns colour; read the folder with the newer"),
            "{error}"
        );
        let error = read("exact.csv", b"a,b\n").unwrap_err().to_string();
        assert!(error.contains("exact.csv:1: found columns a,b, wanted image,label,class,margin"), "{error}");
    }
}
