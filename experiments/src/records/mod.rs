//! What a run leaves on disk, and nothing else of it: `run.json`, a copy of the config, three tidy CSV files of results, and
//! `exact.csv`, the plaintext model's answers.
//!
//! `run` writes it, `tables` and `plot` read it. An empty field means not measured, never 0.

mod provenance;
mod read;
mod rows;

pub use provenance::Provenance;
pub use read::{Run, rows};
pub use rows::{CaseRow, ExactRow, ImageRow, LayerRow, Row};

/// Names of the files in a run's folder.
pub mod file {
    /// A copy of the config, byte for byte.
    pub const CONFIG: &str = "config.toml";
    /// See [`super::Provenance`].
    pub const RUN: &str = "run.json";
}
