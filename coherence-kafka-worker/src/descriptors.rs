//! File descriptors: a process that has none left can neither reach its peers nor answer a request.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The descriptors that a Kafka client has open on a cluster of few brokers: for each connection its socket and a pipe
/// to wake its thread.
const OF_CLIENT: u64 = 10;
/// The descriptors reserved for everything else: the grid, the REST interface, files.
const KEPT: u64 = 100;

/// Raises the limit of this process as far as permitted. The usual limit is low for programs that call `select`, which
/// cannot handle more; nothing here calls it.
pub(crate) fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::debug!(%error, "limit of file descriptors not raised");
    }
}

/// Returns how many descriptors this process may have open; `None` where there is no limit.
pub(crate) fn limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Returns how many descriptors this process has open; `None` without `/proc`.
pub(crate) fn open() -> Option<u64> {
    const OPEN: &str = "/proc/self/fd";
    // Since Linux 6.2 the size of the folder is their number. A list of thousands of them, for each connector that
    // starts, takes a good part of the time of the start.
    match std::fs::metadata(OPEN).ok()?.len() {
        0 => Some(std::fs::read_dir(OPEN).ok()?.count() as u64),
        open => Some(open),
    }
}

/// Checks whether `tasks` more tasks, with `clients_each` Kafka clients each, fit in addition to `running` ones.
///
/// # Errors
/// They do not fit; the text contains the remedy.
pub(crate) fn room_for(running: usize, tasks: usize, clients_each: u64) -> Result<(), String> {
    let Some(limit) = limit() else { return Ok(()) };
    // Tasks that were started a moment ago have not opened all of theirs.
    let used = open().unwrap_or(0).max(running as u64 * OF_CLIENT);
    let wanted = tasks as u64 * clients_each * OF_CLIENT;
    if used + wanted + KEPT <= limit {
        return Ok(());
    }
    Err(format!(
        "too few file descriptors: {tasks} task(s) need about {wanted}, {used} of {limit} are in use, and {KEPT} are \
         reserved for other purposes; raise the limit of the process (ulimit -n), or lower tasks.max"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_beyond_the_limit_of_descriptors_are_refused_with_the_numbers() {
        let limit = getrlimit(Resource::Nofile).current.unwrap();
        assert_eq!(room_for(0, 1, 1), Ok(()));
        let refused = room_for(0, usize::try_from(limit).unwrap(), 1).unwrap_err();
        assert!(refused.contains(&format!("of {limit} are in use")), "{refused}");
        assert!(room_for(usize::try_from(limit).unwrap(), 1, 1).is_err(), "those of other tasks count");
    }

    #[test]
    fn every_open_descriptor_counts() {
        const FILES: u64 = 300;
        let files: Vec<_> = (0..FILES).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
        assert!(open().unwrap() >= FILES, "{:?}", open());
        drop(files);
    }
}
