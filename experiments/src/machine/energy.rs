//! The energy of the processor, from the kernel's counters (RAPL under powercap).

use std::path::{Path, PathBuf};

/// Where the kernel shows its counters.
const ROOT: &str = "/sys/class/powercap";

/// A measurement that goes on: the joules of all processor packages since it started, whichever program spent them.
///
/// A counter starts again from 0 at its range, some 262 kJ: a package of 200 W takes 22 minutes for that. A measurement
/// that lasts longer must be read in between, at least once in each round.
#[derive(Debug)]
pub(crate) struct Energy {
    counters: Vec<Counter>,
    microjoules: u64,
}

/// The counter of a package.
#[derive(Debug)]
struct Counter {
    file: PathBuf,
    /// The counter's largest value, in microjoules.
    range: u64,
    /// Its value when it was last read.
    last: u64,
}

impl Energy {
    /// Starts a measurement; `None` where the kernel has no counters, or lets only root read them.
    pub(crate) fn start() -> Option<Self> {
        Self::start_in(Path::new(ROOT))
    }

    /// Starts a measurement with the counters in `root`. Only the domains of whole packages count: others are parts of
    /// them, or measure the same in another way.
    fn start_in(root: &Path) -> Option<Self> {
        let mut domains: Vec<PathBuf> =
            std::fs::read_dir(root).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        domains.sort();
        let packages = domains.iter().filter(|domain| is_package(domain));
        let counters = packages.map(|domain| Counter::open(domain)).collect::<Option<Vec<_>>>()?;
        (!counters.is_empty()).then_some(Self { counters, microjoules: 0 })
    }

    /// Returns the joules since the start; `None` if a counter can no longer be read.
    pub(crate) fn joules(&mut self) -> Option<f64> {
        for counter in &mut self.counters {
            self.microjoules += counter.advance()?;
        }
        Some(self.microjoules as f64 / 1e6)
    }
}

impl Counter {
    fn open(domain: &Path) -> Option<Self> {
        let file = domain.join("energy_uj");
        Some(Self { range: number(&domain.join("max_energy_range_uj"))?, last: number(&file)?, file })
    }

    /// Reads the counter, and returns the microjoules since it was read before.
    fn advance(&mut self) -> Option<u64> {
        let now = number(&self.file)?;
        let before = std::mem::replace(&mut self.last, now);
        Some(if now >= before { now - before } else { self.range.saturating_sub(before) + now })
    }
}

/// Whether a folder is the domain of a package: `intel-rapl:N`, also on AMD, with a name such as `package-0`. Folders
/// such as `intel-rapl:0:0` are parts of one, and the name `psys` is the platform around all of them.
fn is_package(domain: &Path) -> bool {
    let folder = domain.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let number = folder.strip_prefix("intel-rapl:").unwrap_or_default();
    let whole = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
    whole && std::fs::read_to_string(domain.join("name")).is_ok_and(|name| name.starts_with("package-"))
}

fn number(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder in place of the kernel's.
    struct Counters(tempfile::TempDir);

    impl Counters {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn set(&self, domain: &str, name: &str, microjoules: u64) {
            let folder = self.0.path().join(domain);
            std::fs::create_dir_all(&folder).unwrap();
            let files = [("name", name.to_owned()), ("max_energy_range_uj", "262143328850".to_owned())];
            files.iter().for_each(|(file, text)| std::fs::write(folder.join(file), format!("{text}\n")).unwrap());
            std::fs::write(folder.join("energy_uj"), format!("{microjoules}\n")).unwrap();
        }

        fn start(&self) -> Option<Energy> {
            Energy::start_in(self.0.path())
        }
    }

    #[test]
    fn packages_are_added_and_their_parts_are_not() {
        let counters = Counters::new();
        let set = |first, second, other| {
            counters.set("intel-rapl:0", "package-0", first);
            counters.set("intel-rapl:1", "package-1", second);
            counters.set("intel-rapl:0:0", "core", other);
            counters.set("intel-rapl:2", "psys", other);
            counters.set("intel-rapl-mmio:0", "package-0", other);
            counters.set("dtpm", "package-0", other);
        };
        set(1_000_000, 7_000_000, 0);
        let mut energy = counters.start().unwrap();
        assert_eq!(energy.joules(), Some(0.0));
        set(3_500_000, 7_000_000, 1_000_000_000);
        assert_eq!(energy.joules(), Some(2.5));
        set(3_500_000, 8_000_000, 2_000_000_000);
        assert_eq!(energy.joules(), Some(3.5), "since the start, whenever it was read");
    }

    #[test]
    fn a_counter_that_starts_again_goes_on() {
        let counters = Counters::new();
        counters.set("intel-rapl:0", "package-0", 262_143_000_000);
        let mut energy = counters.start().unwrap();
        counters.set("intel-rapl:0", "package-0", 671_150);
        assert_eq!(energy.joules(), Some(1.0));
        counters.set("intel-rapl:0", "package-0", 1_671_150);
        assert_eq!(energy.joules(), Some(2.0));
    }

    #[test]
    fn without_counters_there_is_no_energy() {
        let counters = Counters::new();
        assert!(counters.start().is_none(), "no domain");
        assert!(Energy::start_in(&counters.0.path().join("none")).is_none(), "no folder");
        counters.set("intel-rapl:0", "package-0", 5);
        let mut energy = counters.start().unwrap();
        let file = counters.0.path().join("intel-rapl:0/energy_uj");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(energy.joules(), None, "it went away");
        // What the kernel lets only root read. Root reads a file of any mode, so a folder stands in for it.
        std::fs::create_dir(&file).unwrap();
        assert!(counters.start().is_none());
        std::fs::remove_dir(&file).unwrap();
        std::fs::write(&file, "many\n").unwrap();
        assert!(counters.start().is_none(), "no number");
    }
}
