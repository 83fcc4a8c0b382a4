//! Recovers the files of rows that a stopped process left, whatever moment it was stopped at.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::rewrite::write;
use crate::records::{Digest, Digests, Line, Row, Sheet, Verdict};

/// The rows of a file that can be trusted, and the damage that was found.
pub(super) struct Recovered<R> {
    /// The rows that are as they were written, in the order of the file.
    pub rows: Vec<Kept<R>>,
    /// Lines with rows that are not as they were written.
    pub changed: Vec<Line<R>>,
    /// Whether the file has digests.
    pub checked: bool,
    /// Whether something was lost: a cut last line, or rows whose digests are there.
    pub lost: bool,
    /// Whether the file and its digests on disk are not exactly these rows.
    stale: bool,
}

/// A row with its text.
pub(super) struct Kept<R> {
    /// The row.
    pub row: R,
    /// Its text without the line end.
    pub text: Vec<u8>,
    /// Its digest; `None` if there is none on disk.
    pub digest: Option<Digest>,
}

impl<R: Row> Recovered<R> {
    /// Reads a file and its digests, and changes nothing on disk. Without digests every whole line is trusted.
    ///
    /// # Errors
    /// If a file cannot be read, is compressed, has a line that is not a row and no digests, or if none of several rows
    /// matches the digests.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let digests = Digests::read::<R>(folder)?;
        let mut found = Self {
            rows: Vec::new(),
            changed: Vec::new(),
            checked: digests.is_some(),
            lost: false,
            // A line after a cut one would be part of it.
            stale: digests.as_ref().is_none_or(Digests::is_cut),
        };
        let Some(Sheet { path, compressed, current, lines, cut }) = Sheet::<R>::read(folder)? else {
            (found.stale, found.lost) = (true, digests.is_some_and(|digests| digests.len() > 0));
            return Ok(found);
        };
        let place = path.display();
        ensure!(
            !compressed,
            "{place}: found a compressed file of a run that is not finished; decompress it with gunzip"
        );
        ensure!(
            current || lines.is_empty() && cut,
            "{place}:1: found the columns of an earlier program; take another --out"
        );
        let verdicts = digests.as_ref().map(|digests| digests.judge(&lines));
        let missing = verdicts.as_ref().map_or(0, |verdicts| verdicts.missing);
        (found.lost, found.stale) = (cut || missing > 0, found.stale || cut || missing > 0);
        let verdicts = verdicts.map_or(vec![Verdict::Unknown; lines.len()], |verdicts| verdicts.rows);
        let genuine = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Genuine(_))).count();
        ensure!(
            genuine > 0 || lines.len() < 2 || missing == 0,
            "{place}: no row matches its digest in {}; restore the file that they are of, or delete the digests if the rows \
             are right",
            Digests::path::<R>(folder).display()
        );
        for (line, verdict) in lines.into_iter().zip(verdicts) {
            found.sort(line, verdict, &path)?;
        }
        Ok(found)
    }

    fn sort(&mut self, line: Line<R>, verdict: Verdict, path: &Path) -> Result<()> {
        self.stale |= !matches!(verdict, Verdict::Genuine(_));
        let Line { number, text, row } = line;
        match (row, verdict) {
            (Ok(row), Verdict::Genuine(digest)) => self.rows.push(Kept { row, text, digest: Some(digest) }),
            (Ok(row), Verdict::Unknown) => self.rows.push(Kept { row, text, digest: None }),
            // Without digests, a line that is not a row may have been one. It is never dropped.
            (Err(error), _) if !self.checked => {
                let place = path.display();
                return Err(error).with_context(|| {
                    format!("{place}:{number}: wanted a row as `run` writes it; mend or delete the line")
                });
            }
            (row, _) => self.changed.push(Line { number, text, row }),
        }
        Ok(())
    }

    /// Whether rows were lost or changed, so that their images are evaluated again, after later ones.
    pub(super) fn mended(&self) -> bool {
        self.lost || !self.changed.is_empty()
    }

    /// Drops the rows that `keep` refuses. Returns how many.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Kept<R>) -> bool) -> usize {
        let before = self.rows.len();
        self.rows.retain(|kept| keep(kept));
        let dropped = before - self.rows.len();
        self.stale |= dropped > 0;
        dropped
    }

    /// Makes the file and its digests exactly these rows. Changed lines move to a file of their own. Passes a line
    /// about the damage to `say`. `layers` returns the number of layers of a row.
    pub(super) fn store(
        &self,
        folder: &Path,
        layers: impl Fn(&R) -> Option<usize>,
        say: &mut dyn FnMut(String),
    ) -> Result<()> {
        if !self.stale {
            return Ok(());
        }
        let name = folder.join(R::FILE);
        if !self.changed.is_empty() {
            let numbers: Vec<String> = self.changed.iter().map(|line| line.number.to_string()).collect();
            let place = set_aside(folder, &self.changed)?;
            say(format!(
                "{}: rows that do not match their digests are moved to {}, and evaluated anew: lines {}",
                name.display(),
                place.display(),
                numbers.join(", ")
            ));
        } else if self.lost {
            say(format!(
                "{}: rows that did not reach the disk whole, or are missing, are evaluated anew",
                name.display()
            ));
        } else if self.checked && self.rows.iter().any(|kept| kept.digest.is_none()) {
            say(format!("{}: rows without a digest are taken as they are, unchecked", name.display()));
        }
        let lines = self.rows.iter().map(|kept| &kept.text[..]);
        let digest = |kept: &Kept<R>| kept.digest.unwrap_or(Digest::of(&kept.text, layers(&kept.row)));
        write::<R>(folder, lines, self.rows.iter().map(digest))
    }
}

/// Adds lines to a file of dropped lines, and returns its name.
fn set_aside<R: Row>(folder: &Path, lines: &[Line<R>]) -> Result<PathBuf> {
    let path = folder.join(format!("{}.dropped", R::FILE));
    let text: Vec<u8> = lines.iter().flat_map(|line| [&line.text[..], b"\n"].concat()).collect();
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::File::options().append(true).create(true).open(&path)?;
        file.write_all(&text)?;
        file.sync_all()
    };
    write().with_context(|| path.display().to_string())?;
    Ok(path)
}

/// Puts the rows of a file in the order of their keys. Their digests stay as they are.
pub(super) fn sort<R: Row, K: Ord>(folder: &Path, key: impl Fn(&R) -> K) -> Result<()> {
    let Recovered { rows, .. } = Recovered::<R>::read(folder)?;
    if rows.is_sorted_by_key(|kept| key(&kept.row)) {
        return Ok(());
    }
    let mut rows = rows;
    rows.sort_by_key(|kept| key(&kept.row));
    let digests = rows.iter().filter_map(|kept| kept.digest);
    write::<R>(folder, rows.iter().map(|kept| &kept.text[..]), digests)
}

#[cfg(test)]
mod tests;
