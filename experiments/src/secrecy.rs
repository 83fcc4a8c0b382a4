//! Keeps the memory of a process that holds a secret out of core dumps and other processes' reach.

use anyhow::Result;

/// Forbids core dumps of this process, and on Linux also that other processes of the user read its memory. Call it
/// before a secret is drawn. Does nothing where the operating system is not Unix.
///
/// # Errors
/// An operating system that refuses.
#[cfg(unix)]
pub(crate) fn forbid_dumps() -> Result<()> {
    use anyhow::Context;
    use rustix::process::{Resource, Rlimit, setrlimit};
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).context("forbidding core dumps")?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .context("forbidding that other processes read this one's memory")?;
    Ok(())
}

/// Does nothing: this operating system writes no core files that the process could forbid.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub(crate) fn forbid_dumps() -> Result<()> {
    Ok(())
}
