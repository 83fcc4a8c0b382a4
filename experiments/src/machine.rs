//! What the operating system says of this process and its machine.

/// The largest resident memory so far in bytes, from the kernel's own high-water mark; `None` where it keeps none.
pub fn peak_rss_bytes() -> Option<u64> {
    field("/proc/self/status", "VmHWM:")
}

/// The resident memory in bytes.
pub fn rss_bytes() -> Option<u64> {
    field("/proc/self/status", "VmRSS:")
}

/// Bytes that a new process can have without swapping.
pub fn available_bytes() -> Option<u64> {
    field("/proc/meminfo", "MemAvailable:")
}

/// The bytes that a line such as `VmHWM:  1234 kB` of a kernel's file tells of.
fn field(file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// The processor's name for itself; `None` where the kernel does not tell.
pub fn cpu_model() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Programs that ran or wanted to, on average over the last minute: above the number of cores, times are not to be
/// trusted.
pub fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
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
