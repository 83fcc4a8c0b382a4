//! The threads that work on a case.

use anyhow::{Context, Result, bail, ensure};

use crate::machine::{self, Available};
use crate::output::bytes;

/// A pool may have this many threads for each core, and [`ANYWHERE`] on a machine of few cores. Threads that wait for
/// work look for it at all others, so a thousand on two cores bring the machine to a halt.
const FOR_EACH_CORE: usize = 4;
/// Threads that a pool may have on any machine.
const ANYWHERE: usize = 64;

/// Memory that a command needs besides the stacks of its threads before it can say how much a case takes.
const PREPARATION: u64 = 128 << 20;
/// The stack of a thread.
const STACK: u64 = 2 << 20;

/// The environment variable that sets the number of threads where no flag or key does. It is rayon's.
const VARIABLE: &str = "RAYON_NUM_THREADS";

/// Fails for a number of threads that no pool may have.
///
/// # Errors
/// The numbers wanted.
pub(crate) fn check_threads(threads: usize) -> Result<()> {
    let most = most_threads(cores());
    ensure!((1..=most).contains(&threads), "wanted 1 to {most} on this machine");
    Ok(())
}

fn most_threads(cores: usize) -> usize {
    (FOR_EACH_CORE * cores).max(ANYWHERE)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Runs `work` inside the global pool, with `threads` threads (one for each core if `None`). The main thread is not one
/// of them: work handed over from outside of the pool would go in piece by piece. `key` names the flag in errors.
///
/// # Errors
/// A number of threads that no pool may have, threads that the system refuses, and the errors of `work`.
pub(crate) fn in_pool<T: Send>(
    threads: Option<usize>,
    key: &str,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    let (threads, key) = match threads {
        Some(threads) => (threads, key),
        None => (default_threads(), VARIABLE),
    };
    let asked = || format!("{key} {threads}");
    check_threads(threads).with_context(asked)?;
    check_room(threads)?;
    let refused = || format!("the system refused {threads} threads; try fewer with --threads");
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().with_context(refused)?;
    rayon::scope(|_| work())
}

/// Runs `work` in a pool of its own with `threads` threads; in the pool of the caller if that has as many, or if `None`.
///
/// # Errors
/// Threads that the system refuses, and the errors of `work`.
pub(crate) fn on_threads<T: Send>(threads: Option<usize>, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let Some(threads) = threads.filter(|&threads| threads != rayon::current_num_threads()) else { return work() };
    check_room(threads)?;
    let refused = || format!("the system refused {threads} more threads");
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().with_context(refused)?.install(work)
}

/// Fails if the limits of the process are too tight even for the preparation of a case: an allocation that fails would
/// end the program.
fn check_room(threads: usize) -> Result<()> {
    let needed = PREPARATION + threads as u64 * STACK;
    if let Some(Available { bytes: left, limit }) = machine::memory::process().filter(|found| found.bytes < needed) {
        let (remedy, left, needed) = (limit.remedy(), bytes(left), bytes(needed));
        bail!("found {left} {limit}, wanted {needed} to prepare a case with {threads} threads; {remedy}");
    }
    Ok(())
}

/// The number in the environment if it is one above 0, else the number of cores.
fn default_threads() -> usize {
    let asked = std::env::var(VARIABLE).ok().and_then(|text| text.parse().ok()).filter(|&threads| threads > 0);
    asked.unwrap_or_else(cores)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_has_four_threads_for_each_core_or_64() {
        assert_eq!([1, 2, 16, 17, 256].map(most_threads), [64, 64, 64, 68, 1024]);
        assert!([1, 2, 64].into_iter().all(|threads| check_threads(threads).is_ok()));
        for threads in [0, 40_000, usize::MAX] {
            assert!(check_threads(threads).unwrap_err().to_string().starts_with("wanted 1 to "));
        }
    }
}
