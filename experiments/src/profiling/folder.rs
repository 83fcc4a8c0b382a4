//! The folder of a profile.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::files;
use crate::records::{MemoryRow, Row, TimeRow};
use crate::report::plot::draw;
use crate::report::plot::figure::Figure;

/// The names of the figures, without their endings.
pub(super) const FIGURES: [&str; 2] = ["flame", "memory"];

/// A folder that holds files of profiles only.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder, or takes one that an earlier profile wrote.
    ///
    /// # Errors
    /// The first file that no profile wrote; a folder that cannot be made or read.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let taken = || -> Result<()> {
            std::fs::create_dir_all(path)?;
            let mut names: Vec<_> =
                std::fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<_>>()?;
            names.sort();
            let foreign = names.iter().find(|name| !is_own(path, &name.to_string_lossy()));
            let shown = foreign.map(|name| name.to_string_lossy());
            ensure!(
                foreign.is_none(),
                "found {}, which no profile wrote; wanted a new or an empty folder, or that of an earlier profile; take \
                 another",
                shown.unwrap_or_default(),
            );
            files::check_writable(&path.join(TimeRow::FILE))
        };
        taken().with_context(|| format!("--profile {}", path.display()))?;
        Ok(Self(path.to_owned()))
    }

    /// Writes a CSV file.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn table<R: Row>(&self, rows: &[R]) -> Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        rows.iter().try_for_each(|row| writer.serialize(row))?;
        files::replace(&self.0.join(R::FILE), &writer.into_inner()?)
    }

    /// Writes a figure as SVG and PNG.
    ///
    /// # Errors
    /// A file that cannot be written, or a figure that cannot be drawn.
    pub(super) fn figure(&self, name: &str, figure: &Figure) -> Result<()> {
        files::replace(&self.0.join(format!("{name}.svg")), draw::svg(figure)?.as_bytes())?;
        files::replace(&self.0.join(format!("{name}.png")), &draw::png(figure)?)
    }

    /// Returns the path in words.
    pub(super) fn shown(&self) -> String {
        self.0.display().to_string()
    }
}

/// Whether a profile wrote a file: a figure by its name, a table also by its first line.
fn is_own(folder: &Path, name: &str) -> bool {
    let figure = |figure: &str| [".svg", ".png"].iter().any(|ending| name == format!("{figure}{ending}"));
    let table = |file: &str, columns: &[&str]| {
        let first = |text: String| text.lines().next().is_some_and(|line| line == columns.join(","));
        name == file && std::fs::read_to_string(folder.join(name)).is_ok_and(first)
    };
    FIGURES.iter().any(|name| figure(name))
        || table(TimeRow::FILE, TimeRow::COLUMNS)
        || table(MemoryRow::FILE, MemoryRow::COLUMNS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_profiles_are_taken() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("new/profile");
        let folder = Folder::open(&path).unwrap();
        folder.table::<TimeRow>(&[]).unwrap();
        // Without rows the writer writes no first line, so the file is not one of a profile.
        let error = format!("{:#}", Folder::open(&path).map(|_| ()).unwrap_err());
        assert!(error.contains("found time.csv, which no profile wrote"), "{error}");
        let row = TimeRow {
            ciphertext: 1,
            layer: "fc".to_owned(),
            op: "classifier".to_owned(),
            part: String::new(),
            primitive: "idle".to_owned(),
            seconds: 0.5,
            calls: 0,
        };
        folder.table(&[row]).unwrap();
        std::fs::write(path.join("flame.svg"), "a figure").unwrap();
        assert!(Folder::open(&path).is_ok());
        std::fs::write(path.join("keep.txt"), "mine").unwrap();
        let error = format!("{:#}", Folder::open(&path).map(|_| ()).unwrap_err());
        assert!(error.contains("found keep.txt, which no profile wrote") && error.starts_with("--profile "), "{error}");
    }
}
