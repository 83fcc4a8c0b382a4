//! The files that a run leaves on disk: `run.json`, a copy of the config, three tidy CSV files of results, one more for
//! the stages of engines that are not this program, `exact.csv` with the plaintext model's answers, a file of digests
//! beside each CSV file, and `schema.json` with the columns of all of them.
//!
//! `run` writes them, `tables` and `plot` read them. An empty field means not measured, never 0.

mod digests;
mod provenance;
mod read;
#[macro_use]
mod row;
mod costs;
mod rows;
mod schema;
mod sheet;

pub use costs::{MemoryRow, TimeRow};
pub(crate) use digests::{Digest, Digests, Verdict};
pub use provenance::RunProvenance;
pub use read::{Run, rows};
pub(crate) use read::{in_progress, parts};
pub use row::{Form, Row, Value};
pub use rows::{CaseRow, ExactRow, ImageRow, LayerRow, StageRow};
pub(crate) use schema::schema;
pub(crate) use sheet::{Line, Sheet};

/// Names of the files in a run's folder.
pub mod file {
    /// A copy of the config, byte for byte.
    pub const CONFIG: &str = "config.toml";
    /// See [`super::RunProvenance`].
    pub const RUN: &str = "run.json";
    /// The columns of the CSV files, with types and units. `run --schema` prints them.
    pub const SCHEMA: &str = "schema.json";
}
