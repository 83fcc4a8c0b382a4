//! The paper's tables, with ours beside them.

mod accuracy;
mod comparison;
mod engines;
pub(crate) mod format;
pub(crate) mod literature;
mod memory;
mod parameters;
pub(crate) mod planned;
mod sweep;
pub(crate) mod table;

use clap::ValueEnum;
use literature::Literature;
use planned::Planner;
use table::Table;

use crate::report::source::Source;

/// The tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// The paper's four parameter sets by today's security tables, and ours: memory, time, precision after each stage.
    Parameters,
    /// Plaintext against encrypted or simulated: intervals, flips, McNemar's test.
    Accuracy,
    /// Other systems as they report themselves, and ours.
    Comparison,
    /// The parts of an encrypted run's memory.
    Memory,
    /// Every encrypted case, ring by ring: classes, precision, time, memory, and the cases that are no worse in all of
    /// them.
    Sweep,
    /// Other engines, as submissions to the benchmarking suite, beside our encrypted cases: classes, time, memory, bytes,
    /// energy.
    Engines,
}

impl Name {
    /// Returns its name on the command line.
    pub(crate) fn word(self) -> String {
        self.to_possible_value().expect("no table is hidden").get_name().to_owned()
    }

    /// Returns the table of these runs. `planner` adds facts that follow from a case's parameters.
    pub(crate) fn table(self, sources: &[Source], planner: &dyn Planner) -> Table {
        let literature = Literature::embedded();
        match self {
            Self::Parameters => parameters::table(&literature, sources, planner),
            Self::Accuracy => accuracy::table(&literature, sources),
            Self::Comparison => comparison::table(&literature, sources),
            Self::Memory => memory::table(&literature, sources, planner),
            Self::Sweep => sweep::table(sources),
            Self::Engines => engines::table(sources),
        }
    }
}
