//! Another program as a measured process: its seconds, its memory, its energy, and its end.
//!
//! This program does not start the other one itself. It starts itself once more as a supervisor, with little memory, and
//! the supervisor starts the other program, for two reasons. The kernel counts the memory of the process that started a
//! program into the program's peak (`ru_maxrss`), so that process must be small. And the supervisor notices when this
//! program is gone, however it ended, and kills the other program with all of its process group.

#[cfg(unix)]
mod process;
#[cfg(unix)]
mod supervisor;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[cfg(unix)]
pub(crate) use process::run;
#[cfg(unix)]
pub(crate) use supervisor::serve;

/// The hidden command that makes this program the supervisor.
pub(crate) const COMMAND: &str = "supervise";

/// A program to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The program: a path, or a name that is looked up.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The working directory.
    pub folder: PathBuf,
    /// Variables of the environment that it gets besides those of this program.
    pub environment: BTreeMap<String, String>,
    /// Seconds after which it is killed.
    pub limit_s: f64,
}

/// What a program took, and how it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Its end.
    pub end: End,
    /// Seconds from its start to its end.
    pub wall_s: f64,
    /// Processor seconds in user mode, of the process and of the children that it waited for.
    pub user_s: f64,
    /// Processor seconds in the kernel, of the same processes.
    pub system_s: f64,
    /// The largest resident memory of one of these processes in bytes. It is at least that of the supervisor, some
    /// megabytes. Children that the process did not wait for are not among them.
    pub peak_rss_bytes: u64,
    /// Joules of the machine's processor packages meanwhile; `None` where they cannot be read.
    pub energy_j: Option<f64>,
    /// The last line of its output, standard error and standard output together; empty without output.
    pub last_line: String,
}

/// The end of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum End {
    /// It ended with this status.
    Status(i32),
    /// A signal ended it.
    Signal(i32),
    /// It was killed at its time limit.
    TimeLimit,
}

/// Says that this operating system cannot do it.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub(crate) fn run(_: &Order) -> anyhow::Result<Report> {
    anyhow::bail!("found a system that is not Unix, wanted Linux or another Unix, to run and measure other programs")
}

/// Says that this operating system cannot do it.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub(crate) fn serve() -> anyhow::Result<()> {
    anyhow::bail!("found a system that is not Unix, wanted Linux or another Unix, to run and measure other programs")
}
