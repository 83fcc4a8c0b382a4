//! The threads that work on a case.

use anyhow::{Context, Result, ensure};

/// The most threads that a pool may have. The system schedules them all, so more than it has cores only slow it down.
const MOST_THREADS: usize = 1024;

/// The environment variable that sets the number of threads where no flag or key does. It is rayon's.
const VARIABLE: &str = "RAYON_NUM_THREADS";

/// Fails for a number of threads that no pool may have.
///
/// # Errors
/// The numbers wanted.
pub fn check_threads(threads: usize) -> Result<()> {
    ensure!((1..=MOST_THREADS).contains(&threads), "wanted 1 to {MOST_THREADS}");
    Ok(())
}

/// Runs `work` inside the global pool, with `threads` threads (one for each core if `None`). The main thread is not one of
/// them: work handed over from outside of the pool would go in piece by piece. `key` names the flag in errors.
///
/// # Errors
/// A number of threads that no pool may have, threads that the system refuses, and the errors of `work`.
pub fn in_pool<T: Send>(threads: Option<usize>, key: &str, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let (threads, key) = match threads {
        Some(threads) => (threads, key),
        None => (default_threads(), VARIABLE),
    };
    let asked = || format!("{key} {threads}");
    check_threads(threads).with_context(asked)?;
    let refused = || format!("the system refused {threads} threads; try fewer with --threads");
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().with_context(refused)?;
    rayon::scope(|_| work())
}

/// The number in the environment if it is one above 0, else the number of cores.
fn default_threads() -> usize {
    let asked = std::env::var(VARIABLE).ok().and_then(|text| text.parse().ok()).filter(|&threads| threads > 0);
    asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_has_one_to_1024_threads() {
        assert!([1, 2, 1024].into_iter().all(|threads| check_threads(threads).is_ok()));
        for threads in [0, 1025, 40_000, usize::MAX] {
            assert_eq!(check_threads(threads).unwrap_err().to_string(), "wanted 1 to 1024");
        }
    }
}
