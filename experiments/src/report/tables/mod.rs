//! The paper's tables, with ours beside them.

mod accuracy;
mod comparison;
pub mod format;
pub mod literature;
mod memory;
mod parameters;
pub mod planned;
mod sweep;
mod table;

use clap::ValueEnum;
use literature::Literature;
use planned::Planner;
use table::Table;

use crate::report::source::Source;

/// The tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// The paper's four parameter sets, by today's security tables, and ours: memory, time, precision after each stage.
    Parameters,
    /// Plaintext against encrypted or simulated: intervals, flips, McNemar's test.
    Accuracy,
    /// Other systems as they report themselves, and ours.
    Comparison,
    /// What the memory of an encrypted run holds.
    Memory,
    /// Every encrypted case, ring by ring: classes, precision, time, memory, and which others are no worse in all of them.
    Sweep,
}

impl Name {
    /// Its name on the command line.
    pub fn word(self) -> String {
        self.to_possible_value().expect("no table is hidden").get_name().to_owned()
    }

    /// The table of these runs.
    pub fn table(self, sources: &[Source], planner: &dyn Planner) -> Table {
        let literature = Literature::embedded();
        match self {
            Self::Parameters => parameters::table(&literature, sources, planner),
            Self::Accuracy => accuracy::table(&literature, sources),
            Self::Comparison => comparison::table(&literature, sources),
            Self::Memory => memory::table(&literature, sources, planner),
            Self::Sweep => sweep::table(sources),
        }
    }
}
