//! The process, under the names that every Prometheus client uses. Where there is no `/proc`, what is read there
//! is left out.

use std::fs;

use chrono::{DateTime, Utc};
use prometheus::{Counter, IntGauge, Registry};

use super::{made, seconds, show, whole};

/// In how many parts Linux counts a second of computing, for programs, on every machine.
const TICKS: f64 = 100.0;

pub(super) struct Process {
    memory: IntGauge,
    descriptors: IntGauge,
    most_descriptors: IntGauge,
    threads: IntGauge,
    computed: Counter,
}

impl Process {
    pub(super) fn new(registry: &Registry, now: DateTime<Utc>) -> Self {
        let started = "When the process started, in seconds since 1970.";
        let millis = now.timestamp_subsec_millis();
        #[expect(clippy::cast_precision_loss, reason = "a float holds seconds of the next million years")]
        let now = now.timestamp() as f64 + f64::from(millis) / 1e3;
        seconds(registry, "process_start_time_seconds", started).set(now);
        let gauge = |name, help| made(IntGauge::new(name, help));
        let process = Self {
            memory: gauge("process_resident_memory_bytes", "Memory that the process has."),
            descriptors: gauge("process_open_fds", "Files and connections that are open."),
            most_descriptors: gauge("process_max_fds", "Files and connections that may be open."),
            threads: gauge("process_threads", "Threads."),
            computed: made(Counter::new("process_cpu_seconds_total", "How long the process has computed.")),
        };
        if process.take().is_some() {
            show(registry, &process.computed);
            for gauge in [&process.memory, &process.descriptors, &process.most_descriptors, &process.threads]
            {
                show(registry, gauge);
            }
        }
        process
    }

    /// Reads what the system says; `None` where it says nothing.
    pub(super) fn take(&self) -> Option<()> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        self.memory.set(whole(number(&status, "VmRSS:")? * 1024));
        self.threads.set(whole(number(&status, "Threads:")?));
        let limits = fs::read_to_string("/proc/self/limits").ok()?;
        self.most_descriptors.set(number(&limits, "Max open files").map_or(i64::MAX, whole));
        // Reading the list opens one.
        let open = fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
        self.descriptors.set(whole(open as u64));
        let computed = computed(&fs::read_to_string("/proc/self/stat").ok()?)?;
        self.computed.inc_by((computed - self.computed.get()).max(0.0));
        Some(())
    }
}

/// The first number behind a name at the beginning of a line.
fn number(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Seconds of computing, for the program and for the system on its behalf.
fn computed(stat: &str) -> Option<f64> {
    // The second field is a name in parentheses, and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = |field: usize| fields.split_whitespace().nth(field)?.parse::<u32>().ok();
    Some(f64::from(ticks(11)?) / TICKS + f64::from(ticks(12)?) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_system_writes() {
        assert_eq!(number("VmPeak:\t 9 kB\nVmRSS:\t  5124 kB\n", "VmRSS:"), Some(5124));
        assert_eq!(
            number("Max open files            1024                 4096   files\n", "Max open files"),
            Some(1024)
        );
        assert_eq!(
            number("Max open files            unlimited            unlimited\n", "Max open files"),
            None
        );
        let stat = "7 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 9 0 100 0 0";
        assert_eq!(computed(stat), Some(3.0));
        assert_eq!(computed("7 (cut"), None);
    }
}
