//! The side of this program: starts a supervisor, gives it an order, and waits for its report.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::{COMMAND, Order, Report};

/// Runs a program to its end or its time limit, and returns what it took.
///
/// # Errors
/// A program that cannot be started.
pub(crate) fn run(order: &Order) -> Result<Report> {
    let own = std::env::current_exe().context("the program's own file")?;
    // In a process group of its own: Ctrl-C would end the supervisor before it can end the other program.
    let mut supervisor = Command::new(own)
        .arg(COMMAND)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting a supervisor")?;
    // It stays open while the supervisor runs. Its end tells the supervisor that this program is gone.
    let mut lifeline = supervisor.stdin.take().expect("a pipe");
    let line = format!("{}\n", serde_json::to_string(order)?);
    let written = lifeline.write_all(line.as_bytes());
    let mut answer = String::new();
    let read = supervisor.stdout.take().expect("a pipe").read_to_string(&mut answer);
    let status = supervisor.wait().context("waiting for a supervisor")?;
    drop(lifeline);
    written.and(read).context("speaking with a supervisor")?;
    let answer: Result<Report, String> = serde_json::from_str(&answer)
        .with_context(|| format!("found a supervisor that ended without a report ({status}), wanted one"))?;
    answer.map_err(anyhow::Error::msg)
}
