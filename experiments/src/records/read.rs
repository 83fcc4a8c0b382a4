//! Strict reading of a run's folder.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::{CaseRow, ImageRow, LayerRow, Provenance, Row, file};

/// A run as it stands on disk.
#[derive(Debug)]
pub struct Run {
    /// Its folder.
    pub folder: PathBuf,
    /// The config's text.
    pub config: String,
    /// Where it comes from.
    pub provenance: Provenance,
    /// `cases.csv`.
    pub cases: Vec<CaseRow>,
    /// `images.csv`.
    pub images: Vec<ImageRow>,
    /// `layers.csv`.
    pub layers: Vec<LayerRow>,
}

impl Run {
    /// Reads a folder that `run` wrote.
    ///
    /// # Errors
    /// A file that is missing or not of this shape, with the line.
    pub fn read(folder: &Path) -> Result<Self> {
        let text = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path)
                .with_context(|| format!("{}: wanted the folder of a run, such as `run` writes", path.display()))
        };
        let provenance = folder.join(file::RUN);
        Ok(Self {
            folder: folder.to_owned(),
            provenance: serde_json::from_str(&text(file::RUN)?).with_context(|| provenance.display().to_string())?,
            config: text(file::CONFIG)?,
            cases: rows(folder)?,
            images: rows(folder)?,
            layers: rows(folder)?,
        })
    }

    /// Whether it came to its end: every case has its row, and all its images unless it could not be run.
    pub fn complete(&self) -> bool {
        let Provenance { planned_cases, planned_images, ended, .. } = &self.provenance;
        let mut images: HashMap<&str, usize> = HashMap::new();
        self.images.iter().for_each(|row| *images.entry(&row.case).or_default() += 1);
        let found = |row: &CaseRow| images.get(row.case.as_str()).copied().unwrap_or(0);
        let whole = |row: &CaseRow| row.error.is_some() || found(row) * planned_cases == *planned_images;
        ended.is_some() && self.cases.len() == *planned_cases && self.cases.iter().all(whole)
    }

    /// Bootstraps of an image of a case; `None` where no layers were recorded.
    pub fn bootstraps(&self, case: &str) -> Option<usize> {
        let mut layers = self.layers.iter().filter(|row| row.case == case).peekable();
        let image = layers.peek()?.image;
        Some(layers.filter(|row| row.image == image && row.op == "bootstrap").count())
    }
}

/// All rows of a file, in order; none where it is missing.
///
/// # Errors
/// Other columns than [`Row::COLUMNS`], or a line that is not a row, by its number.
pub fn rows<R: Row>(folder: &Path) -> Result<Vec<R>> {
    let path = folder.join(R::FILE);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let file = File::open(&path).with_context(|| path.display().to_string())?;
    let mut reader = csv::ReaderBuilder::new().from_reader(file);
    let found = reader.headers().with_context(|| path.display().to_string())?;
    ensure!(
        found.iter().eq(R::COLUMNS.iter().copied()),
        "{}:1: found columns {}, wanted {}",
        path.display(),
        found.iter().collect::<Vec<_>>().join(","),
        R::COLUMNS.join(",")
    );
    // csv's own message names the line and the column.
    let advice = || format!("{}: wanted rows as `run` writes them; mend or delete the line", path.display());
    reader.deserialize().map(|row| row.with_context(advice)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
            label: 1,
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
            error: Some("line one\nline two".to_owned()),
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
        let line = error(&format!("{header}\nc,0,1,2,,3,0.5,,,,,,,,,0,\nc,x,1,2,,3,0.5,,,,,,,,,0,\n"));
        assert!(line.contains("line: 3") && line.contains("invalid digit"), "{line}");
    }
}
