//! `supervise`: runs another program for this one, and measures it. It is hidden: `run` calls it.

use anyhow::Result;

use crate::supervise;

/// Runs `supervise`.
///
/// # Errors
/// Standard input without an order.
pub(crate) fn run() -> Result<()> {
    supervise::serve()
}
