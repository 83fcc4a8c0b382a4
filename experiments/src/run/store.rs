//! A run's folder while it is written. Whatever moment the process ends at, the next one can go on from what is there: a row
//! is written by one call, an image's layers before the image, a case's images before the case.

use std::collections::{HashMap, HashSet};
use std::fs::{File, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use super::recover::{append_to, lines, recover, rewrite};
use crate::files::replace;
use crate::records::{CaseRow, ExactRow, ImageRow, LayerRow, Provenance, Row, file, rows};

/// A folder that no other process writes to.
pub struct Folder {
    path: PathBuf,
    /// The copy of the config; locked.
    config: File,
}

/// A folder with rows.
pub struct Store {
    folder: Folder,
    provenance: Provenance,
    /// Rows of images, by case, in the order of their making.
    done: HashMap<String, Vec<ImageRow>>,
    /// Rows of cases that have all their images.
    cases: HashMap<String, CaseRow>,
    files: [File; 3],
}

impl Folder {
    /// Makes the folder if it is not there, and keeps others out.
    pub fn lock(path: &Path) -> Result<Self> {
        let name = path.display();
        std::fs::create_dir_all(path).with_context(|| name.to_string())?;
        let copy = path.join(file::CONFIG);
        let open = File::options().read(true).write(true).create(true).truncate(false).open(&copy);
        let config = open.with_context(|| copy.display().to_string())?;
        match config.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), config }),
            Err(TryLockError::WouldBlock) => {
                bail!("{name}: another process is running there; wait for it to end, or take another --out")
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(|| copy.display().to_string()),
        }
    }

    /// Where the rows that are there come from; `None` in a folder without a run.
    pub fn provenance(&self) -> Result<Option<Provenance>> {
        let path = self.path.join(file::RUN);
        if !path.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let provenance = serde_json::from_str(&text);
        provenance.map(Some).with_context(|| format!("{}: wanted what `run` wrote", path.display()))
    }

    /// The plaintext model's answers that are there.
    pub fn exact(&self) -> Result<Vec<ExactRow>> {
        rows(&self.path)
    }

    /// Writes what stands before the first row. Nothing that is there already is written over.
    pub fn begin(&mut self, config: &str, exact: &[ExactRow]) -> Result<()> {
        let name = self.path.display().to_string();
        for present in [CaseRow::FILE, ImageRow::FILE, LayerRow::FILE] {
            let advice = "delete them, or take another --out";
            ensure!(!self.path.join(present).exists(), "{name}: found {present} but no {}; {advice}", file::RUN);
        }
        let copy = self.path.join(file::CONFIG);
        let found = std::fs::read_to_string(&copy).with_context(|| copy.display().to_string())?;
        ensure!(config.starts_with(&found), "{}: found another config; take another --out", copy.display());
        self.keep(config)?;
        rewrite(&self.path, exact)
    }

    /// Makes the copy of the config what it should be.
    pub fn keep(&mut self, config: &str) -> Result<()> {
        let copy = self.path.join(file::CONFIG);
        let found = std::fs::read_to_string(&copy);
        if found.is_ok_and(|found| found == config) {
            return Ok(());
        }
        let write = |file: &mut File| -> std::io::Result<()> {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(config.as_bytes())
        };
        write(&mut self.config).with_context(|| copy.display().to_string())
    }

    /// Writes where the rows come from. With this the folder is that of a run.
    pub fn write(&self, provenance: &Provenance) -> Result<()> {
        replace(&self.path.join(file::RUN), format!("{}\n", serde_json::to_string_pretty(provenance)?).as_bytes())
    }

    /// Goes on from the rows that are there. `wanted` are the images of each case.
    pub fn open(self, provenance: Provenance, wanted: &HashSet<usize>, cases: &HashSet<String>) -> Result<Store> {
        let path = &self.path;
        let images = recover(path, |_: &ImageRow| true)?;
        let mut known = HashSet::new();
        for ImageRow { case, image, .. } in &images {
            let place = path.join(ImageRow::FILE).display().to_string();
            ensure!(
                cases.contains(case) && wanted.contains(image),
                "{place}: case {case}, image {image} is none of the run's"
            );
            ensure!(known.insert((case.clone(), *image)), "{place}: found case {case}, image {image} twice");
        }
        let mut done: HashMap<String, Vec<ImageRow>> = HashMap::new();
        // Layers without their image are those of an image in flight.
        let mut last = None;
        recover(path, |row: &LayerRow| {
            let key = (row.case.clone(), row.image);
            let keep = match &last {
                Some((seen, keep)) if *seen == key => *keep,
                _ => known.contains(&key),
            };
            last = Some((key, keep));
            keep
        })?;
        for image in images {
            done.entry(image.case.clone()).or_default().push(image);
        }
        let whole = |case: &str| done.get(case).map_or(0, Vec::len) == wanted.len();
        let rows = recover(path, |row: &CaseRow| row.error.is_none() && whole(&row.case))?;
        let files = [append_to::<CaseRow>(path)?, append_to::<ImageRow>(path)?, append_to::<LayerRow>(path)?];
        let cases = rows.into_iter().map(|row| (row.case.clone(), row)).collect();
        Ok(Store { folder: self, provenance, done, cases, files })
    }
}

impl Store {
    /// The row of a case that is done.
    pub fn case(&self, case: &str) -> Option<&CaseRow> {
        self.cases.get(case)
    }

    /// The rows of a case's images so far.
    pub fn images(&self, case: &str) -> &[ImageRow] {
        self.done.get(case).map_or(&[], Vec::as_slice)
    }

    /// Writes an image with its layers.
    pub fn add_image(&mut self, image: ImageRow, layers: &[LayerRow]) -> Result<()> {
        self.append(2, layers)?;
        self.append(1, std::slice::from_ref(&image))?;
        self.done.entry(image.case.clone()).or_default().push(image);
        Ok(())
    }

    /// Writes a case.
    pub fn add_case(&mut self, row: &CaseRow) -> Result<()> {
        self.append(0, std::slice::from_ref(row))
    }

    /// Takes the yardstick as it was measured again: what ran beside it can only have made it longer.
    pub fn measured(&mut self, yardstick_us: f64) -> Result<()> {
        let known = self.provenance.reference_ntt_us.unwrap_or(f64::INFINITY);
        self.provenance.reference_ntt_us = Some(known.min(yardstick_us));
        self.folder.write(&self.provenance)
    }

    /// Whether the time of the end was noted.
    pub fn has_ended(&self) -> bool {
        self.provenance.ended.is_some()
    }

    /// Notes the time of the end, or takes it back.
    pub fn ended(&mut self, at: Option<String>) -> Result<()> {
        self.provenance.ended = at;
        self.folder.write(&self.provenance)
    }

    /// By one call, so that a row is there or not.
    fn append<R: Row + Serialize>(&mut self, file: usize, rows: &[R]) -> Result<()> {
        self.files[file].write_all(&lines(rows)?).with_context(|| self.folder.path.join(R::FILE).display().to_string())
    }
}
