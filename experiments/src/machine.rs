//! What the operating system says of this process and its machine.

use std::path::Path;
use std::time::SystemTime;

/// The largest resident memory so far in bytes, from the kernel's own high-water mark; `None` where it keeps none.
pub fn peak_rss_bytes() -> Option<u64> {
    field("/proc/self/status", "VmHWM:")
}

/// The resident memory in bytes.
pub fn rss_bytes() -> Option<u64> {
    field("/proc/self/status", "VmRSS:")
}

/// Bytes that a new process can have without swapping, and without leaving what a container grants.
pub fn available_bytes() -> Option<u64> {
    let machine = field("/proc/meminfo", "MemAvailable:")?;
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"));
    Some(own.and_then(|own| granted_bytes(Path::new("/sys/fs/cgroup"), own)).map_or(machine, |left| left.min(machine)))
}

/// What the limits of a control group (version 2) and of those around it leave; `None` where there are none.
fn granted_bytes(root: &Path, own: &str) -> Option<u64> {
    let left = |group: &Path| {
        let read = |name| std::fs::read_to_string(root.join(group).join(name)).ok();
        let bytes = |name| read(name)?.trim().parse::<u64>().ok();
        let (limit, used) = (bytes("memory.max")?, bytes("memory.current")?);
        let statistics = read("memory.stat").unwrap_or_default();
        // Pages of files not used of late are counted as used, and given up on demand.
        let files = statistics.lines().find_map(|line| line.strip_prefix("inactive_file ")?.parse::<u64>().ok());
        Some(limit.saturating_sub(used.saturating_sub(files.unwrap_or(0))))
    };
    Path::new(own).ancestors().filter_map(left).min()
}

/// The bytes that a line such as `VmHWM:  1234 kB` of a kernel's file tells of.
fn field(file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// The processor's name for itself, and where there are any its family and model, which tell apart generations that a
/// virtual machine gives one name; `None` where the kernel does not tell.
pub fn cpu_model() -> Option<String> {
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

/// Programs that ran or wanted to, on average over the last minute: above the number of cores, times are not to be
/// trusted.
pub fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// Returns the time in the form of RFC 3339, in UTC and whole seconds. A clock before 1970 reads as its first second.
pub fn now() -> String {
    let time = SystemTime::now().max(SystemTime::UNIX_EPOCH);
    humantime::format_rfc3339_seconds(time).to_string()
}

/// The revision of the sources that this program was built from, if they were under version control.
pub const REVISION: Option<&str> = option_env!("CIPHERLAB_REVISION");

/// The compiler that built this program.
pub const RUSTC: Option<&str> = option_env!("CIPHERLAB_RUSTC");

/// Makes [`peak_rss_bytes`] start again from what is resident now; `false` where the kernel does not let it.
pub fn reset_peak_rss() -> bool {
    // proc(5): 5 resets the high-water mark.
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_limit_of_the_groups_counts_less_what_cannot_be_given_up() {
        let root = tempfile::tempdir().unwrap();
        let group = root.path().join("pod/job");
        std::fs::create_dir_all(&group).unwrap();
        let write = |folder: &Path, name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        assert_eq!(granted_bytes(root.path(), "pod/job"), None);
        for (name, text) in [("memory.max", "max\n"), ("memory.current", "5000\n")] {
            write(&group, name, text);
        }
        assert_eq!(granted_bytes(root.path(), "pod/job"), None, "no limit");
        for (name, text) in [("memory.max", "9000\n"), ("memory.current", "6000\n")] {
            write(&root.path().join("pod"), name, text);
        }
        assert_eq!(granted_bytes(root.path(), "pod/job"), Some(3000));
        write(&root.path().join("pod"), "memory.stat", "anon 4000\ninactive_file 1000\n");
        assert_eq!(granted_bytes(root.path(), "pod/job"), Some(4000));
        write(&group, "memory.max", "5500\n");
        assert_eq!(granted_bytes(root.path(), "pod/job"), Some(500));
    }

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
