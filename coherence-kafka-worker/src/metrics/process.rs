//! The metrics of the process, by the names that Prometheus' own clients give them.

use super::{Family, MetricKind, Sample};
use crate::descriptors;

const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: MetricKind::Gauge, help, labels: &[], former: false }
}

const MEMORY: Family = gauge("process_resident_memory_bytes", "Memory of the process that is in RAM");
const THREADS: Family = gauge("process_threads", "Threads of the process");
const DESCRIPTORS: Family = gauge("process_open_fds", "Open file descriptors");
const DESCRIPTOR_LIMIT: Family = gauge("process_max_fds", "Limit of open file descriptors");

/// All of them.
pub(super) static FAMILIES: &[Family] = &[MEMORY, THREADS, DESCRIPTORS, DESCRIPTOR_LIMIT];

/// Returns those that the system shows: without `/proc` only the limit is known.
pub(super) fn samples() -> Vec<Sample> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let values = [
        (MEMORY, field(&status, "VmRSS:").map(|kilobytes| kilobytes * 1024)),
        (THREADS, field(&status, "Threads:")),
        (DESCRIPTORS, descriptors::open()),
        (DESCRIPTOR_LIMIT, descriptors::limit()),
    ];
    let sample = |(family, value): (Family, Option<u64>)| {
        Some(Sample { family, labels: Vec::new(), value: value?.into() })
    };
    values.into_iter().filter_map(sample).collect()
}

/// Returns the number in the line that begins with `name`.
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_threads_are_read_from_the_status_of_the_process() {
        let status = "Name:\tsink\nVmHWM:\t   99 kB\nVmRSS:\t   12345 kB\nThreads:\t7\n";
        assert_eq!(field(status, "VmRSS:"), Some(12345));
        assert_eq!(field(status, "Threads:"), Some(7));
        assert_eq!(field(status, "VmSwap:"), None);
        assert_eq!(samples().len(), FAMILIES.len(), "on Linux all of them are known");
    }
}
