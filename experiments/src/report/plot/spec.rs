//! The spec of a figure: a file beside it that names its runs, and from which it can be drawn again.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::kinds::FigureKind;
use crate::report::source::Source;

/// The content of a figure's `.toml`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spec {
    /// The kind of figure.
    pub kind: FigureKind,
    /// The name in its title.
    pub name: String,
    /// The folders of the runs.
    pub folders: Vec<PathBuf>,
    /// The provenance that was found there.
    run: Vec<Origin>,
}

/// The part of a run's provenance that identifies it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Origin {
    name: String,
    standing: String,
    images: usize,
    config_sha256: String,
    binary_sha256: String,
    revision: Option<String>,
    weights_sha256: String,
    data_sha256: String,
}

impl Spec {
    /// Returns the spec of a figure of these runs.
    pub(crate) fn new(kind: FigureKind, name: &str, sources: &[Source]) -> Self {
        let origin = |source: &Source| {
            let run = source.run.provenance.clone();
            Origin {
                name: run.name,
                standing: source.standing.to_string(),
                images: source.run.images.len(),
                config_sha256: run.config_sha256,
                binary_sha256: run.binary_sha256,
                revision: run.revision,
                weights_sha256: run.weights_sha256,
                data_sha256: run.data_sha256,
            }
        };
        let folders = sources.iter().map(|source| source.run.folder.clone()).collect();
        Self { kind, name: name.to_owned(), folders, run: sources.iter().map(origin).collect() }
    }

    /// Reads a spec.
    ///
    /// # Errors
    /// A file that is missing or has another shape; the error names the line.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("--spec {}", file.display()))?;
        toml::from_str(&text).with_context(|| format!("--spec {}", file.display()))
    }

    /// Returns the text of the file.
    pub(crate) fn text(&self) -> Result<String> {
        let head = "# Drawn by `cipherlab plot`; `cipherlab plot --spec` and this file draw it again.\n";
        Ok(format!("{head}{}", toml::to_string(self)?))
    }
}
