//! How much memory this process can still take: the tightest of the limits that the operating system sets.

use std::fmt;
use std::path::Path;

use super::{field, groups, kibibytes};

/// Threads that start after the check: those that draw progress bars.
const LATER_THREADS: u64 = 2;
/// Address space that a thread reserves and hardly uses: its stack (2 MiB in Rust), and a heap of its own in the C
/// library (an arena of glibc, 64 MiB on 64-bit systems). The threads of the pool have theirs when the check runs.
const PER_THREAD: u64 = (2 + 64) << 20;

/// Memory that this process can still take, and what limits it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Available {
    /// How much, in bytes.
    pub bytes: u64,
    /// The limit that allows the least.
    pub limit: Limit,
}

/// A limit on the memory of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// The memory of the machine that can be had without swapping.
    Machine,
    /// A control group, named by its folder.
    Group(String),
    /// `ulimit -v`, RLIMIT_AS. It counts reserved memory, used or not.
    AddressSpace,
    /// `ulimit -d`, RLIMIT_DATA.
    Data,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine => f.write_str("available on this machine"),
            Self::Group(folder) => write!(f, "left by the memory limit of the control group {folder}"),
            Self::AddressSpace => f.write_str("left by the limit on address space (`ulimit -v`)"),
            Self::Data => f.write_str("left by the limit on data (`ulimit -d`)"),
        }
    }
}

impl Limit {
    /// Returns the action that gives a user more memory, in the imperative.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            Self::Machine => "free some",
            _ => "raise that limit",
        }
    }
}

/// Returns the memory that this process can still take; `None` if the kernel does not say. Ignores
/// RLIMIT_RSS, which Linux has not enforced since version 2.4.30.
pub(crate) fn available() -> Option<Available> {
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let machine = Available { bytes: field("/proc/meminfo", "MemAvailable:")?, limit: Limit::Machine };
    let group = groups::tightest(&read("/proc/self/cgroup"), &read("/proc/self/mountinfo"), Path::new("/"));
    let group =
        group.map(|group| Available { bytes: group.left, limit: Limit::Group(group.folder.display().to_string()) });
    [Some(machine), group, process()].into_iter().flatten().min_by_key(|available| available.bytes)
}

/// Returns the memory that the limits of the process itself allow; `None` if they are unlimited.
pub(crate) fn process() -> Option<Available> {
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let limits = limits_of_process(&read("/proc/self/limits"), &read("/proc/self/status"));
    limits.into_iter().min_by_key(|available| available.bytes)
}

/// Returns the resident memory that the limits of a process allow. The limits count mapped memory, predictions count
/// resident memory. So mappings that are not resident, now and in threads still to come, are subtracted.
fn limits_of_process(limits: &str, status: &str) -> Vec<Available> {
    let size = |name: &str| kibibytes(status, name).unwrap_or(0);
    let allowed = |name: &str, mapped: &str, resident: &str, later: u64, limit: Limit| {
        let lost = size(mapped).saturating_sub(size(resident)) + later;
        Some(Available { bytes: soft_limit(limits, name)?.saturating_sub(lost), limit })
    };
    let later = LATER_THREADS * PER_THREAD;
    let address_space = allowed("Max address space", "VmSize:", "VmRSS:", later, Limit::AddressSpace);
    // Heaps are reserved without the right to write, which RLIMIT_DATA does not count.
    let data = allowed("Max data size", "VmData:", "RssAnon:", 0, Limit::Data);
    [address_space, data].into_iter().flatten().collect()
}

/// The soft limit in a line such as `Max address space  819200000  unlimited  bytes`; `None` if it is unlimited.
fn soft_limit(limits: &str, name: &str) -> Option<u64> {
    limits.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_limits_are_read_by_their_names() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max data size             unlimited            unlimited            bytes     \n\
                      Max address space         819200000            unlimited            bytes     \n";
        assert_eq!(soft_limit(limits, "Max address space"), Some(819_200_000));
        assert_eq!(soft_limit(limits, "Max data size"), None);
        assert_eq!(soft_limit("", "Max data size"), None);
    }

    #[test]
    fn mappings_that_are_not_resident_take_from_the_limits_of_a_process() {
        let status = "VmSize:\t  217828 kB\nVmRSS:\t  117828 kB\nVmData:\t   90000 kB\nRssAnon:\t   80000 kB\n";
        let limits = |address_space: &str, data: &str| {
            format!("Max address space  {address_space}  unlimited bytes\nMax data size  {data}  unlimited  bytes\n")
        };
        assert_eq!(limits_of_process(&limits("unlimited", "unlimited"), status), []);
        let found = limits_of_process(&limits("1000000000", "500000000"), status);
        let left = [1_000_000_000 - 100_000 * 1024 - 2 * PER_THREAD, 500_000_000 - 10_000 * 1024];
        assert_eq!(found.iter().map(|available| available.bytes).collect::<Vec<_>>(), left);
        assert_eq!(limits_of_process(&limits("1000", "unlimited"), status)[0].bytes, 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_some_memory_left() {
        let available = available().expect("Linux says how much");
        assert!(available.bytes > 0, "{available:?}");
    }
}
