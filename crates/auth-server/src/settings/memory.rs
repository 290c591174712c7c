//! How much memory there is, and how much of it hashes may use.

use std::{fs, path::Path};

use super::{
    reader::{Reader, whole},
    table,
};
use crate::wire;

/// `HASH_MEMORY_MB` in KiB, or what suffices for all threads and for the dearest hash that is verified, but
/// never more than half of what there is.
pub(super) fn for_hashes(from: &mut Reader, threads: usize) -> u32 {
    let half = available_kib().map_or(u32::MAX, |kib| u32::try_from(kib / 2).unwrap_or(u32::MAX));
    let usual = wire::usual_memory_kib(threads).min(half) / 1024;
    let spec = &table::HASH_MEMORY_MB;
    from.value_or(spec, usual, |text| whole::<u32>(spec, text)).saturating_mul(1024)
}

/// What this machine has, or what the container may use of it. `None` where nobody says.
pub(super) fn available_kib() -> Option<u64> {
    available_below(Path::new("/"))
}

fn available_below(root: &Path) -> Option<u64> {
    let read = |path: &str| fs::read_to_string(root.join(path)).ok();
    let machine = read("proc/meminfo").and_then(|text| total_of(&text));
    let groups = read("proc/self/cgroup").map(|text| groups_of(&text)).unwrap_or_default();
    let limits = groups.iter().filter_map(|path| read(path)).filter_map(|text| limit_of(&text));
    limits.chain(machine).min()
}

/// `MemTotal:       16384256 kB`
fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// A number of bytes; `max` and the like are no limit.
fn limit_of(text: &str) -> Option<u64> {
    Some(text.trim().parse::<u64>().ok()? / 1024)
}

/// Where the limits of this process's groups stand: its own, and those above it.
fn groups_of(membership: &str) -> Vec<String> {
    let mut files = Vec::new();
    for line in membership.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (folder, file) = match controllers {
            "" => ("sys/fs/cgroup", "memory.max"),
            list if list.split(',').any(|name| name == "memory") => {
                ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let above = Path::new(path.trim_start_matches('/')).ancestors();
        files.extend(above.map(|group| format!("{folder}/{}", group.join(file).display())));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        available_below(root.path())
    }

    #[test]
    fn the_least_of_machine_and_groups_counts() {
        let meminfo = ("proc/meminfo", "MemTotal:       1000000 kB\nMemFree: 5 kB\n");
        let group = ("proc/self/cgroup", "0::/pod/server\n");
        assert_eq!(machine(&[]), None);
        assert_eq!(machine(&[meminfo]), Some(1_000_000));
        let unlimited = ("sys/fs/cgroup/pod/server/memory.max", "max\n");
        assert_eq!(machine(&[meminfo, group, unlimited]), Some(1_000_000));
        let above = ("sys/fs/cgroup/pod/memory.max", "134217728\n");
        assert_eq!(machine(&[meminfo, group, unlimited, above]), Some(131_072));
        let at_the_root = ("sys/fs/cgroup/memory.max", "67108864\n");
        assert_eq!(machine(&[meminfo, ("proc/self/cgroup", "0::/\n"), at_the_root]), Some(65_536));
        let old = ("proc/self/cgroup", "5:cpu,memory:/a\n4:pids:/a\n");
        let old_limit = ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "33554432\n");
        assert_eq!(machine(&[meminfo, old, old_limit]), Some(32_768));
    }
}
