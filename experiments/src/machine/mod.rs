//! Facts about this process and its machine, from the operating system.

pub(crate) mod disk;
mod energy;
mod groups;
pub(crate) mod memory;

use std::time::{Duration, SystemTime};

pub(crate) use energy::Energy;
pub(crate) use memory::{Available, Limit, available};

/// Returns the largest resident memory so far in bytes, the kernel's high-water mark; `None` if it keeps none.
pub(crate) fn peak_rss_bytes() -> Option<u64> {
    field("/proc/self/status", "VmHWM:")
}

/// Returns the resident memory in bytes; `None` if the kernel does not say.
pub(crate) fn rss_bytes() -> Option<u64> {
    field("/proc/self/status", "VmRSS:")
}

/// Resident memory by its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resident {
    /// Pages of no file.
    pub anonymous: u64,
    /// Pages of mapped files: those of the program and its libraries, and those of keys and constants in files.
    pub file: u64,
}

impl Resident {
    /// Returns the sum.
    pub(crate) fn total(self) -> u64 {
        self.anonymous + self.file
    }
}

/// Returns the resident memory by its kind; `None` if the kernel does not say.
pub(crate) fn resident() -> Option<Resident> {
    resident_in(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn resident_in(status: &str) -> Option<Resident> {
    let size = |name: &str| kibibytes(status, name);
    Some(Resident { anonymous: size("RssAnon:")?, file: size("RssFile:")? + size("RssShmem:")? })
}

/// Returns the number that the kernel gave this thread; `None` if it does not say.
pub(crate) fn thread() -> Option<u64> {
    std::fs::read_link("/proc/thread-self").ok()?.file_name()?.to_str()?.parse().ok()
}

/// Returns the time that the threads of this process, but for one, were ready to run while other threads held the
/// processors; zero if the kernel does not say.
pub(crate) fn waited(except: Option<u64>) -> Duration {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Duration::ZERO };
    let except = except.map(|thread| thread.to_string());
    let waited = threads.filter_map(|thread| {
        let thread = thread.ok()?;
        if except.as_deref().is_some_and(|except| thread.file_name() == except) {
            return None;
        }
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    Duration::from_nanos(waited.sum())
}

/// Returns the bytes in a line such as `VmHWM:  1234 kB` of a kernel's file; `None` without such a line.
fn field(file: &str, name: &str) -> Option<u64> {
    kibibytes(&std::fs::read_to_string(file).ok()?, name)
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Returns the processor's name, with its family and model if the kernel has them: virtual machines give several
/// generations one name. `None` if the kernel does not say.
pub(crate) fn cpu_model() -> Option<String> {
    cpu_model_in(&std::fs::read_to_string("/proc/cpuinfo").ok()?)
}

fn cpu_model_in(info: &str) -> Option<String> {
    let pairs = info.lines().map_while(|line| line.split_once(':')).map(|(key, value)| (key.trim(), value.trim()));
    let [mut name, mut family, mut model] = [None; 3];
    pairs.for_each(|(key, value)| match key {
        "model name" => name = Some(value),
        "cpu family" => family = Some(value),
        "model" => model = Some(value),
        _ => {}
    });
    Some(match (family, model) {
        (Some(family), Some(model)) => format!("{} (family {family}, model {model})", name?),
        _ => name?.to_owned(),
    })
}

/// Returns the number of programs that ran or waited to run, on average over the last minute. Times measured while it
/// exceeds the number of cores are too long.
pub(crate) fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// Returns the time in the form of RFC 3339, in UTC and whole seconds. A clock before 1970 reads as its first second.
pub(crate) fn now() -> String {
    let time = SystemTime::now().max(SystemTime::UNIX_EPOCH);
    humantime::format_rfc3339_seconds(time).to_string()
}

/// The revision of the sources that this program was built from, if they were under version control.
pub(crate) const REVISION: Option<&str> = option_env!("CIPHERLAB_REVISION");

/// The compiler that built this program.
pub(crate) const RUSTC: Option<&str> = option_env!("CIPHERLAB_RUSTC");

/// Makes [`peak_rss_bytes`] start again from the memory that is resident now. Returns `false` if the kernel refuses.
pub(crate) fn reset_peak_rss() -> bool {
    // proc(5): 5 resets the high-water mark.
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_is_told_by_name_family_and_model_of_its_first_core() {
        let core = "processor\t: 0\ncpu family\t: 26\nmodel\t\t: 2\nmodel name\t: AMD EPYC\nflags\t\t: fpu\n";
        let other = core.replace("26", "25");
        let found = cpu_model_in(&format!("{core}\n{other}"));
        assert_eq!(found.as_deref(), Some("AMD EPYC (family 26, model 2)"));
        assert_eq!(cpu_model_in("model name\t: A core\n").as_deref(), Some("A core"));
        assert_eq!(cpu_model_in("Hardware\t: A board\n"), None);
    }
}
