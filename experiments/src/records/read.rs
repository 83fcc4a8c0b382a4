//! Strict reading of a run's folder.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::{CaseRow, Digests, ImageRow, LayerRow, Row, RunProvenance, Sheet, StageRow, Verdict, file};

/// A run as it is on disk.
#[derive(Debug)]
pub struct Run {
    /// Its folder.
    pub folder: PathBuf,
    /// The text of the config.
    pub config: String,
    /// The content of `run.json`.
    pub provenance: RunProvenance,
    /// The rows of `cases.csv`.
    pub cases: Vec<CaseRow>,
    /// The rows of `images.csv`.
    pub images: Vec<ImageRow>,
    /// The rows of `layers.csv`.
    pub layers: Vec<LayerRow>,
    /// The rows of `stages.csv`; none for most backends.
    pub stages: Vec<StageRow>,
    /// Files whose rows could not be checked: those of earlier programs have no digests. Compressed files have a
    /// checksum.
    pub unchecked: Vec<&'static str>,
}

impl Run {
    /// Reads a folder that `run` wrote.
    ///
    /// # Errors
    /// If a file is missing or is not of this format, with the line; if a row is not the one that was written.
    pub fn read(folder: &Path) -> Result<Self> {
        let provenance = RunProvenance::read(folder)?;
        let run = folder.join(file::RUN);
        let provenance =
            provenance.with_context(|| format!("{}: found no such file, wanted the folder of a run", run.display()))?;
        let config = folder.join(file::CONFIG);
        let config = std::fs::read_to_string(&config)
            .with_context(|| format!("{}: wanted the folder of a run, such as `run` writes", config.display()))?;
        let ended = provenance.ended.is_some();
        let cases = Checked::read(folder, ended)?;
        let images = Checked::<ImageRow>::read(folder, ended)?;
        let layers = Checked::<LayerRow>::read(folder, ended)?;
        let stages = Checked::<StageRow>::read(folder, ended)?;
        if ended {
            check_parts(folder, &images, &layers.rows, &stages.rows)?;
        }
        // Most runs have no stages.
        let of_stages = stages.unchecked().filter(|_| !stages.rows.is_empty());
        let unchecked = [cases.unchecked(), images.unchecked(), layers.unchecked(), of_stages];
        let unchecked = unchecked.into_iter().flatten().collect();
        let (cases, images, layers, stages) = (cases.rows, images.rows, layers.rows, stages.rows);
        Ok(Self { folder: folder.to_owned(), config, provenance, cases, images, layers, stages, unchecked })
    }

    /// Whether the run came to its end: it has the row of each case, and of each image of a case that could run.
    pub fn complete(&self) -> bool {
        let RunProvenance { planned_cases, planned_images, ended, .. } = &self.provenance;
        let mut images: HashMap<&str, usize> = HashMap::new();
        self.images.iter().for_each(|row| *images.entry(&row.case).or_default() += 1);
        let found = |row: &CaseRow| images.get(row.case.as_str()).copied().unwrap_or(0);
        let whole = |row: &CaseRow| row.error.is_some() || found(row) * planned_cases == *planned_images;
        ended.is_some() && self.cases.len() == *planned_cases && self.cases.iter().all(whole)
    }

    /// The number of bootstraps of an image of a case; `None` if no layers were recorded.
    pub fn bootstraps(&self, case: &str) -> Option<usize> {
        let mut layers = self.layers.iter().filter(|row| row.case == case).peekable();
        let image = layers.peek()?.image;
        Some(layers.filter(|row| row.image == image && row.op == "bootstrap").count())
    }
}

/// All rows of a file, in order; none if the file is missing.
///
/// # Errors
/// If the columns are not [`Row::COLUMNS`], a line is not a row, or a row does not match its digest, with the line's
/// number.
pub fn rows<R: Row>(folder: &Path) -> Result<Vec<R>> {
    Ok(Checked::read(folder, false)?.rows)
}

/// The rows of a file, after the check of their digests.
struct Checked<R> {
    rows: Vec<R>,
    /// The number of layers that each row's digest tells of; `None` without digests.
    layers: Option<Vec<Option<usize>>>,
    /// Whether the file has a checksum of its own.
    compressed: bool,
}

impl<R: Row> Checked<R> {
    /// Reads a file. A run that has `ended` has a row for each digest; another may have been stopped in the middle of a
    /// line.
    fn read(folder: &Path, ended: bool) -> Result<Self> {
        let sheet = Sheet::<R>::read(folder)?;
        let digests = Digests::read::<R>(folder)?;
        let digests_path = Digests::path::<R>(folder);
        let Some(Sheet { path, compressed, lines, cut, .. }) = sheet else {
            let lost = digests.as_ref().is_some_and(|digests| ended && digests.len() > 0);
            let path = folder.join(R::FILE);
            ensure!(!lost, "{}: the file is missing; restore it, or run the config again", path.display());
            return Ok(Self { rows: Vec::new(), layers: digests.map(|_| Vec::new()), compressed: false });
        };
        ensure!(
            !(cut && ended),
            "{}: the last line is cut; run the config again, which evaluates it anew",
            path.display()
        );
        let layers = digests.map(|digests| {
            let verdicts = digests.judge(&lines);
            let layers = lines.iter().zip(verdicts.rows).map(|(line, verdict)| match verdict {
                Verdict::Genuine(digest) => Ok(digest.layers),
                Verdict::Unknown | Verdict::Changed => bail!(
                    "{}:{}: the row does not match its digest, so it is not as `run` wrote it; run the config again, which \
                     evaluates it anew, or delete {} if the change is meant",
                    path.display(),
                    line.number,
                    digests_path.display()
                ),
            });
            let layers = layers.collect::<Result<Vec<_>>>()?;
            ensure!(
                verdicts.missing == 0 || !ended,
                "{}: found {} of {} rows; run the config again, which evaluates the others anew, or delete {} if the change \
                 is meant",
                path.display(),
                lines.len(),
                digests.len(),
                digests_path.display()
            );
            Ok(layers)
        });
        let layers = layers.transpose()?;
        let row = |line: super::Line<R>| {
            let place = || format!("{}:{}", path.display(), line.number);
            line.row.with_context(|| format!("{}: wanted a row as `run` writes it; mend or delete the line", place()))
        };
        Ok(Self { rows: lines.into_iter().map(row).collect::<Result<_>>()?, layers, compressed })
    }

    fn unchecked(&self) -> Option<&'static str> {
        (self.layers.is_none() && !self.compressed).then_some(R::FILE)
    }
}

/// Whether `run` is at work in a folder. A file system without locks tells nothing.
pub(crate) fn in_progress(folder: &Path) -> bool {
    let lock = File::open(folder.join(file::CONFIG)).map(|config| config.try_lock_shared());
    matches!(lock, Ok(Err(TryLockError::WouldBlock)))
}

/// Returns the number of rows of layers and of stages that belong to each image. A case has layers or stages, never both.
pub(crate) fn parts<'a>(layers: &'a [LayerRow], stages: &'a [StageRow]) -> HashMap<(&'a str, usize), usize> {
    let mut found = HashMap::new();
    let stages = stages.iter().filter_map(|row| Some((&row.case[..], row.image?)));
    let owners = layers.iter().map(|row| (&row.case[..], row.image)).chain(stages);
    owners.for_each(|owner| *found.entry(owner).or_default() += 1);
    found
}

/// Fails if an image has fewer or more layers or stages than its digest tells of.
fn check_parts(folder: &Path, images: &Checked<ImageRow>, layers: &[LayerRow], stages: &[StageRow]) -> Result<()> {
    let file = if stages.is_empty() { LayerRow::FILE } else { StageRow::FILE };
    let found = parts(layers, stages);
    for (row, wanted) in images.rows.iter().zip(images.layers.iter().flatten()) {
        let found = found.get(&(row.case.as_str(), row.image)).copied().unwrap_or(0);
        ensure!(
            wanted.is_none_or(|wanted| wanted == found),
            "{}: found {found} rows of case {}, image {}, wanted {}; run the config again, which evaluates the image anew",
            folder.join(file).display(),
            row.case,
            row.image,
            wanted.unwrap_or_default()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::Digest;

    fn folder(content: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(ImageRow::FILE), content).unwrap();
        folder
    }

    #[test]
    fn a_row_survives_the_disk() {
        let row = ImageRow {
            case: "a, \"b\"".to_owned(),
            image: 3,
            label: Some(1),
            exact_class: 2,
            plain_class: None,
            class: Some(4),
            margin: 0.1,
            batch: None,
            encrypt_s: None,
            latency_s: Some(1.5e-7),
            decrypt_s: Some(0.25),
            trace_s: None,
            overhead_s: None,
            max_abs_error: None,
            precision_bits: Some(f64::from(17u8)),
            overflow: Some(0),
            error: Some("one: \"two\", three".to_owned()),
            upload_bytes: Some(1 << 40),
            download_bytes: None,
            energy_j: Some(0.5),
        };
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.serialize(&row).unwrap();
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        assert_eq!(text.lines().next().unwrap(), ImageRow::COLUMNS.join(","));
        assert_eq!(rows::<ImageRow>(folder(&text).path()).unwrap(), [row]);
    }

    #[test]
    fn other_columns_and_other_values_are_refused() {
        let error = |content: &str| format!("{:#}", rows::<ImageRow>(folder(content).path()).unwrap_err());
        assert!(error("case,image\n").contains("images.csv:1: found columns case,image, wanted case,image,label,"));
        let header = ImageRow::COLUMNS.join(",");
        let line = error(&format!("{header}\nc,0,1,2,,3,0.5,,,,,,,,,0,,,,\nc,x,1,2,,3,0.5,,,,,,,,,0,,,,\n"));
        assert!(line.contains("images.csv:3: ") && line.contains("column image: invalid digit"), "{line}");
    }

    #[test]
    fn columns_that_an_earlier_program_did_not_have_are_empty() {
        let folder = tempfile::tempdir().unwrap();
        let line = "plain-exact,plain,,,,,exact,,3,0,2,,,,,,,1,0,,,,,,,,,,,,,";
        for added in 0..=CaseRow::ADDED {
            let columns = CaseRow::COLUMNS[..CaseRow::COLUMNS.len() - CaseRow::ADDED + added].join(",");
            let line = format!("{line}{}", ",".repeat(added));
            std::fs::write(folder.path().join(CaseRow::FILE), format!("{columns}\n{line}\n")).unwrap();
            let rows = rows::<CaseRow>(folder.path()).unwrap();
            assert_eq!((rows[0].images, rows[0].flips, rows[0].without_class), (3, 1, None));
            assert_eq!((&rows[0].engine, rows[0].energy_j), (&None, None));
        }
    }

    #[test]
    fn a_row_that_was_changed_is_named_with_its_line() {
        let header = ImageRow::COLUMNS.join(",");
        let [one, two] = [0, 1].map(|image| format!("c,{image},1,2,,3,0.5,,,,,,,,,0,,,,"));
        let folder = folder(&format!("{header}\n{one}\n{two}\n"));
        let digests = [&one, &two].map(|row| format!("{}\n", Digest::of(row.as_bytes(), Some(0))));
        std::fs::write(Digests::path::<ImageRow>(folder.path()), digests.concat()).unwrap();
        assert_eq!(rows::<ImageRow>(folder.path()).unwrap().len(), 2);
        for digit in (0..two.len()).filter(|&at| two.as_bytes()[at].is_ascii_digit()) {
            let mut changed = two.clone().into_bytes();
            changed[digit] = if changed[digit] == b'9' { b'0' } else { changed[digit] + 1 };
            let changed = String::from_utf8(changed).unwrap();
            std::fs::write(folder.path().join(ImageRow::FILE), format!("{header}\n{one}\n{changed}\n")).unwrap();
            let error = rows::<ImageRow>(folder.path()).unwrap_err().to_string();
            assert!(error.contains("images.csv:3: the row does not match its digest"), "{error}");
            assert!(error.contains("images.csv.digests if the change is meant"), "{error}");
        }
    }
}
