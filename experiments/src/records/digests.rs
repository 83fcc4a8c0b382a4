//! Digests of rows: they show that a row is as `run` wrote it.
//!
//! Beside `images.csv` stands `images.csv.digests`, with a line for each row: the first 16 hexadecimal digits of the
//! SHA-256 of the row's text without its line end. An image's line also says how many rows of `layers.csv` or of
//! `stages.csv` belong to the image. The order of the lines does not matter. `run` writes and syncs the digests of rows before the rows, so a
//! process that is killed can leave digests without rows, but no rows without digests.

use std::collections::HashMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result};
use datasets::digest::sha256;

use super::Row;
use super::sheet::Line;

/// The digest of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    /// The first 64 bits of the SHA-256.
    row: u64,
    /// Rows of layers or stages that belong to the row of an image; `None` in other files.
    pub layers: Option<usize>,
}

impl Digest {
    /// The digest of a row's text. `layers` is the number of rows of layers or stages that belong to it.
    pub(crate) fn of(text: &[u8], layers: Option<usize>) -> Self {
        let row = u64::from_str_radix(&sha256(text)[..16], 16).expect("SHA-256 is hexadecimal");
        Self { row, layers }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.row)?;
        self.layers.map_or(Ok(()), |layers| write!(f, " {layers}"))
    }
}

impl FromStr for Digest {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let (row, layers) = match line.split_once(' ') {
            Some((row, layers)) => (row, Some(layers.parse().map_err(drop)?)),
            None => (line, None),
        };
        if row.len() != 16 {
            return Err(());
        }
        Ok(Self { row: u64::from_str_radix(row, 16).map_err(drop)?, layers })
    }
}

/// The result of a row's comparison with the digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The row is as it was written.
    Genuine(Digest),
    /// There is no digest of the row, and every digest has its row: the end of the digests was lost, or another program
    /// added the row.
    Unknown,
    /// There is no digest of the row, but a digest without its row: the row was changed after it was written.
    Changed,
}

/// The digests of a file's rows, as they are on disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digests {
    /// Line by line; `None` for a line that is no digest.
    lines: Vec<Option<Digest>>,
    /// Whether a last line without an end was left out.
    cut: bool,
}

/// The verdicts on the rows of a file, in order, and the number of digests without a row.
pub(crate) struct Verdicts {
    /// One for each row.
    pub rows: Vec<Verdict>,
    /// Digests whose rows are missing.
    pub missing: usize,
}

impl Digests {
    /// The file with the digests of a file's rows.
    pub(crate) fn path<R: Row>(folder: &Path) -> PathBuf {
        folder.join(format!("{}.digests", R::FILE))
    }

    /// Reads the digests of a file's rows; `None` if there are none, as in folders of earlier programs. A last line
    /// that is cut is left out.
    ///
    /// # Errors
    /// If the file is there and cannot be read.
    pub(crate) fn read<R: Row>(folder: &Path) -> Result<Option<Self>> {
        let path = Self::path::<R>(folder);
        let bytes = match std::fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            bytes => bytes.with_context(|| path.display().to_string())?,
        };
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let lines = String::from_utf8_lossy(&bytes[..whole]).lines().map(|line| line.trim_end().parse().ok()).collect();
        Ok(Some(Self { lines, cut: whole < bytes.len() }))
    }

    /// Whether the file ends within a line.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    /// How many rows the digests are of.
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Judges each row. Two rows with the same text need two digests.
    pub(crate) fn judge<R>(&self, lines: &[Line<R>]) -> Verdicts {
        let mut left: HashMap<u64, Vec<Digest>> = HashMap::new();
        self.lines.iter().rev().flatten().for_each(|digest| left.entry(digest.row).or_default().push(*digest));
        let mut take = |line: &Line<R>| left.get_mut(&Digest::of(&line.text, None).row)?.pop();
        let found: Vec<Option<Digest>> = lines.iter().map(&mut take).collect();
        let missing = self.lines.len() - found.iter().flatten().count();
        let other = if missing == 0 { Verdict::Unknown } else { Verdict::Changed };
        Verdicts { rows: found.into_iter().map(|digest| digest.map_or(other, Verdict::Genuine)).collect(), missing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line<()> {
        Line { number: 2, text: text.as_bytes().to_vec(), row: Ok(()) }
    }

    fn judged(digests: &[&str], rows: &[&str]) -> (Vec<Verdict>, usize) {
        let lines = digests.iter().map(|text| Some(Digest::of(text.as_bytes(), None))).collect();
        let digests = Digests { lines, cut: false };
        let Verdicts { rows, missing } = digests.judge(&rows.iter().map(|text| line(text)).collect::<Vec<_>>());
        (rows, missing)
    }

    #[test]
    fn a_digest_survives_its_text() {
        for digest in [Digest::of(b"a,b", Some(39)), Digest::of(b"", None)] {
            assert_eq!(digest.to_string().parse(), Ok(digest));
        }
        for text in ["", "0123456789abcde", "0123456789abcdef x", "0123456789abcdeg", "0123456789abcdef 1 2"] {
            assert_eq!(text.parse::<Digest>(), Err(()), "{text}");
        }
        // FIPS 180-2, appendix B.1.
        assert_eq!(Digest::of(b"abc", Some(2)).to_string(), "ba7816bf8f01cfea 2");
    }

    #[test]
    fn rows_are_judged_by_their_text_and_not_by_their_place() {
        let genuine = |text: &str| Verdict::Genuine(Digest::of(text.as_bytes(), None));
        assert_eq!(judged(&["a", "b"], &["b", "a"]), (vec![genuine("b"), genuine("a")], 0));
        assert_eq!(judged(&["a", "b"], &["a", "c"]), (vec![genuine("a"), Verdict::Changed], 1));
        assert_eq!(judged(&["a"], &["a", "a"]), (vec![genuine("a"), Verdict::Unknown], 0));
        assert_eq!(judged(&["a", "b"], &["a"]), (vec![genuine("a")], 1));
    }
}
