//! Appends rows to a file so that a row is there whole or not at all, whatever moment the process or the machine stops
//! at.

use std::fs::File;
use std::io::Write;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

use super::rewrite::line;
use crate::records::{Digest, Digests, Row};

/// A file of rows and the file of their digests, both open at their ends.
pub(super) struct Appender<R> {
    rows: Target,
    digests: Target,
    row: PhantomData<R>,
}

struct Target {
    path: PathBuf,
    file: File,
}

impl<R: Row> Appender<R> {
    /// Opens the files, which must be there.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let rows = Target::open(folder.join(R::FILE))?;
        Ok(Self { rows, digests: Target::open(Digests::path::<R>(folder))?, row: PhantomData })
    }

    /// Appends rows, each with the number of its layers. They are on the disk when this returns: the digests first,
    /// which tell a whole row from one that the disk only has in part.
    pub(super) fn append<'a>(&mut self, rows: impl IntoIterator<Item = (&'a R, Option<usize>)>) -> Result<()>
    where
        R: 'a,
    {
        let (mut lines, mut digests) = (Vec::new(), String::new());
        for (row, layers) in rows {
            let line = line(row)?;
            digests += &format!("{}\n", Digest::of(&line, layers));
            lines.extend([&line[..], b"\n"].concat());
        }
        if lines.is_empty() {
            return Ok(());
        }
        self.digests.append(digests.as_bytes())?;
        self.rows.append(&lines)
    }
}

impl Target {
    fn open(path: PathBuf) -> Result<Self> {
        let file = File::options().append(true).open(&path).with_context(|| path.display().to_string())?;
        Ok(Self { path, file })
    }

    /// Appends and syncs. If the disk is full, the part that was written is taken back as far as the file system
    /// allows.
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.try_append(bytes).map_err(|error| {
            let place = self.path.display();
            anyhow!("{place}: {error}; the run continues from here when the same command is given again")
        })
    }

    fn try_append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let before = self.file.metadata()?.len();
        let written = self.file.write_all(bytes).and_then(|()| self.file.sync_data());
        if written.is_err() {
            let _ = self.file.set_len(before);
        }
        written
    }
}
