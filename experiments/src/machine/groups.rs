//! Memory limits of control groups, versions 1 and 2.

use std::path::{Path, PathBuf};

/// A control group that limits memory, and the bytes that its limit still allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Path of the group's folder.
    pub folder: PathBuf,
    /// Bytes that processes of the group can still take.
    pub left: u64,
}

/// Version 1 writes the largest number of whole pages for no limit: 2^63 less a page.
const UNLIMITED: u64 = 1 << 62;

/// The files of one version of control groups.
struct Version {
    /// Type of the file system that holds the groups.
    file_system: &'static str,
    /// Files with a limit in bytes.
    limits: &'static [&'static str],
    /// File with the bytes in use.
    used: &'static str,
    /// Line of `memory.stat` that counts pages of files not used of late. The kernel frees them on demand.
    files: &'static str,
    /// Line of `memory.stat` with the tightest limit of the groups around this one, which may lie outside the mount.
    around: Option<&'static str>,
}

const V1: Version = Version {
    file_system: "cgroup",
    limits: &["memory.limit_in_bytes"],
    used: "memory.usage_in_bytes",
    files: "total_inactive_file ",
    around: Some("hierarchical_memory_limit "),
};

/// Above `memory.high` the kernel slows a group down until it hardly runs, so that counts as a limit too.
const V2: Version = Version {
    file_system: "cgroup2",
    limits: &["memory.max", "memory.high"],
    used: "memory.current",
    files: "inactive_file ",
    around: None,
};

/// Returns the group of this process, or one around it, whose limit leaves the least memory; `None` without a limit.
///
/// `groups` is the text of `/proc/self/cgroup` and `mounts` that of `/proc/self/mountinfo`. Mount points are looked up
/// below `root`, which is `/` outside of tests.
pub(super) fn tightest(groups: &str, mounts: &str, root: &Path) -> Option<Group> {
    let own = |version: &'static Version| {
        let path = groups.lines().find_map(|line| version.own_group(line))?;
        let mounts = mounts.lines().filter_map(|line| version.mount(line));
        Some(mounts.filter_map(move |mount| version.tightest(&mount, path, root)).collect::<Vec<_>>())
    };
    [&V1, &V2].into_iter().filter_map(own).flatten().min_by_key(|group| group.left)
}

/// A mounted hierarchy.
struct Mount {
    /// The group that the mount point shows.
    group: PathBuf,
    /// Where it is mounted.
    point: PathBuf,
}

impl Version {
    /// The path in a line of `/proc/self/cgroup`, such as `4:memory:/job` (version 1) or `0::/job` (version 2).
    fn own_group<'a>(&self, line: &'a str) -> Option<&'a str> {
        let mut parts = line.splitn(3, ':');
        let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let matches = match self.around {
            Some(_) => controllers.split(',').any(|name| name == "memory"),
            None => number == "0" && controllers.is_empty(),
        };
        matches.then_some(path)
    }

    /// The mount in a line of `/proc/self/mountinfo`, if its hierarchy counts memory.
    fn mount(&self, line: &str) -> Option<Mount> {
        let (place, system) = line.split_once(" - ")?;
        let mut system = system.split(' ');
        let (file_system, options) = (system.next()?, system.nth(1)?);
        let counts = self.around.is_none() || options.split(',').any(|option| option == "memory");
        let mut place = place.split(' ').skip(3).map(unescape);
        let (group, point) = (place.next()?, place.next()?);
        (file_system == self.file_system && counts).then(|| Mount { group: group.into(), point: point.into() })
    }

    fn tightest(&self, mount: &Mount, path: &str, root: &Path) -> Option<Group> {
        let top = root.join(mount.point.strip_prefix("/").unwrap_or(&mount.point));
        // A container may show its own group as the whole tree. Its path then lies outside the mount.
        let own = Path::new(path).strip_prefix(&mount.group).unwrap_or(Path::new(""));
        let groups = own.ancestors().map(|group| if group == Path::new("") { top.clone() } else { top.join(group) });
        let left = |folder: PathBuf| Some(Group { left: self.left(&folder)?, folder });
        groups.filter_map(left).min_by_key(|group| group.left)
    }

    /// The bytes that the limit of this group leaves.
    fn left(&self, folder: &Path) -> Option<u64> {
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
        let bytes = |name: &str| read(name)?.trim().parse::<u64>().ok();
        let statistics = read("memory.stat").unwrap_or_default();
        let line = |name: &str| statistics.lines().find_map(|line| line.strip_prefix(name)?.parse::<u64>().ok());
        let limits = self.limits.iter().filter_map(|name| bytes(name));
        let limit = limits.chain(self.around.and_then(line)).min()?;
        let used = bytes(self.used)?.saturating_sub(line(self.files).unwrap_or(0));
        (limit < UNLIMITED).then(|| limit.saturating_sub(used))
    }
}

/// Spaces, tabs, line ends and backslashes are octal in mountinfo.
fn unescape(field: &str) -> String {
    [(r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", r"\")]
        .iter()
        .fold(field.to_owned(), |text, (code, character)| text.replace(code, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS_V2: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
    const MOUNTS_V1: &str = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
                             32 31 0:29 / /sys/fs/cgroup/cpu rw shared:7 - cgroup cgroup rw,cpu\n\
                             35 31 0:32 / /sys/fs/cgroup/the\\040memory rw shared:9 - cgroup cgroup rw,memory\n";

    /// A tree of folders and files in place of `/`.
    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn write(&self, folder: &str, files: &[(&str, &str)]) {
            let folder = self.0.path().join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            files.iter().for_each(|(name, text)| std::fs::write(folder.join(name), text).unwrap());
        }

        /// Bytes left and the folder that limits them.
        fn left(&self, groups: &str, mounts: &str) -> Option<(u64, String)> {
            let group = tightest(groups, mounts, self.0.path())?;
            Some((group.left, group.folder.strip_prefix(self.0.path()).unwrap().display().to_string()))
        }
    }

    #[test]
    fn the_tightest_limit_of_the_groups_counts_less_the_pages_of_files() {
        let tree = Tree::new();
        let left = || tree.left("0::/pod/job\n", MOUNTS_V2);
        let (pod, job) = ("sys/fs/cgroup/pod", "sys/fs/cgroup/pod/job");
        assert_eq!(left(), None);
        tree.write(job, &[("memory.max", "max\n"), ("memory.current", "5000\n")]);
        assert_eq!(left(), None, "no limit");
        tree.write(pod, &[("memory.max", "9000\n"), ("memory.current", "6000\n")]);
        assert_eq!(left(), Some((3000, pod.to_owned())));
        tree.write(pod, &[("memory.stat", "anon 4000\ninactive_file 1000\n")]);
        assert_eq!(left(), Some((4000, pod.to_owned())));
        tree.write(job, &[("memory.max", "5500\n")]);
        assert_eq!(left(), Some((500, job.to_owned())));
        tree.write(job, &[("memory.high", "5200\n")]);
        assert_eq!(left(), Some((200, job.to_owned())), "above memory.high a group hardly runs");
    }

    #[test]
    fn version_1_has_its_own_files_and_a_mount_for_each_controller() {
        let tree = Tree::new();
        let groups = "9:name=systemd:/\n4:cpu,cpuacct:/elsewhere\n3:hugetlb,memory:/pod/job\n0::/\n";
        let left = || tree.left(groups, MOUNTS_V1);
        let (pod, job) = ("sys/fs/cgroup/the memory/pod", "sys/fs/cgroup/the memory/pod/job");
        let unlimited = ("memory.limit_in_bytes", "9223372036854771712\n");
        tree.write(job, &[unlimited, ("memory.usage_in_bytes", "700\n")]);
        assert_eq!(left(), None, "no limit");
        tree.write(pod, &[("memory.limit_in_bytes", "3000\n"), ("memory.usage_in_bytes", "1000\n")]);
        assert_eq!(left(), Some((2000, pod.to_owned())));
        tree.write(pod, &[("memory.stat", "total_inactive_file 300\n")]);
        assert_eq!(left(), Some((2300, pod.to_owned())));
        tree.write(job, &[("memory.stat", "hierarchical_memory_limit 1500\n")]);
        assert_eq!(left(), Some((800, job.to_owned())), "a limit outside of the mount");
    }

    /// Without a namespace of its own a container's path is that of the host, and its mount shows only its group.
    #[test]
    fn a_mount_of_a_group_is_the_top_of_its_tree() {
        let tree = Tree::new();
        let mounts = "9 8 0:7 /docker/abc /sys/fs/cgroup/memory ro master:1 - cgroup cgroup rw,memory\n";
        tree.write("sys/fs/cgroup/memory", &[("memory.limit_in_bytes", "900\n"), ("memory.usage_in_bytes", "100\n")]);
        let wanted = Some((800, "sys/fs/cgroup/memory".to_owned()));
        for path in ["/docker/abc", "/docker/abc/job", "/", "/../other"] {
            assert_eq!(tree.left(&format!("3:memory:{path}\n"), mounts), wanted, "{path}");
        }
    }

    #[test]
    fn lines_that_make_no_sense_are_passed_over() {
        let tree = Tree::new();
        assert_eq!(tree.left("", ""), None);
        assert_eq!(tree.left("nonsense\n0:\n::\n", "nonsense\n1 - cgroup2\n - \n1 2 3 - cgroup2 a b\n"), None);
    }
}
