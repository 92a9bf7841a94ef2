//! The resources of a process over its life, and whether they grow.

use std::fmt;
use std::fs;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use crate::Spread;

const PAUSE: Duration = Duration::from_millis(250);

/// The resources of a process at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    resident_mib: f64,
    threads: f64,
    descriptors: f64,
}

/// Samples a process four times a second, on its own thread.
#[derive(Debug)]
pub struct Sampler {
    stop: Sender<()>,
    thread: JoinHandle<Result<Vec<Sample>>>,
}

impl Sampler {
    /// Starts to sample a process.
    pub fn of(process: u32) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            let mut samples = Vec::new();
            while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                samples.push(sample(process).context("the sampled process has ended")?);
            }
            Ok(samples)
        });
        Self { stop, thread }
    }

    /// Stops, and returns the samples.
    ///
    /// # Errors
    ///
    /// When the process has ended meanwhile.
    pub fn finish(self) -> Result<Vec<Sample>> {
        let _ = self.stop.send(());
        self.thread.join().map_err(|_| anyhow!("the thread that samples has panicked"))?
    }
}

fn sample(process: u32) -> Result<Sample> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let field = |name: &str| -> Result<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number =
            line.and_then(|line| line.split_whitespace().next()).context("a process without memory")?;
        Ok(number.parse()?)
    };
    Ok(Sample {
        resident_mib: field("VmRSS:")? / 1024.0,
        threads: field("Threads:")?,
        descriptors: fs::read_dir(format!("/proc/{process}/fd"))?.count() as f64,
    })
}

/// One resource over time: the median of the first third of the samples, and that of the last third.
///
/// Medians, because every fault has its own short-lived connections, threads and full queues.
#[derive(Debug, Clone, Copy)]
pub struct Trend {
    /// The name of the resource.
    pub what: &'static str,
    /// Median of the first third.
    pub first: f64,
    /// Median of the last third.
    pub last: f64,
    /// The most that the last may be.
    pub allowed: f64,
}

impl Trend {
    /// Memory, threads and descriptors, with what each may grow: a tenth and 4 MiB, 2 threads, 8 descriptors.
    ///
    /// A leak of one thread or connection a fault passes that after a handful of faults, one of 10 bytes a record
    /// after a million records.
    pub fn all(samples: &[Sample]) -> [Trend; 3] {
        let of = |value: fn(&Sample) -> f64| samples.iter().map(value).collect::<Vec<_>>();
        [
            flat("resident MiB", &of(|sample| sample.resident_mib), |first| first * 1.1 + 4.0),
            flat("threads", &of(|sample| sample.threads), |first| first + 2.0),
            flat("descriptors", &of(|sample| sample.descriptors), |first| first + 8.0),
        ]
    }

    /// Whether it has not grown by more than is allowed. A resource without samples is not flat.
    pub fn is_flat(&self) -> bool {
        self.last <= self.allowed
    }
}

/// The trend of these values, in the order of time.
pub fn flat(what: &'static str, values: &[f64], allowed: impl Fn(f64) -> f64) -> Trend {
    let third = values.len().div_ceil(3);
    let first = median(&values[..third]);
    Trend { what, first, last: median(&values[values.len() - third..]), allowed: allowed(first) }
}

fn median(values: &[f64]) -> f64 {
    Spread::of(values.to_vec()).median
}

impl fmt::Display for Trend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, first, last, allowed } = self;
        write!(f, "{what}: {first:.1} at first, {last:.1} at last, {allowed:.1} allowed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trend(values: impl IntoIterator<Item = f64>) -> Trend {
        flat("threads", &values.into_iter().collect::<Vec<_>>(), |first| first + 2.0)
    }

    #[test]
    fn a_use_that_only_swings_is_flat() {
        assert!(trend((0..300).map(|n| f64::from(10 + n % 40 / 30))).is_flat());
    }

    #[test]
    fn a_use_that_grows_slowly_is_not_flat() {
        assert!(!trend((0..300).map(|n| 10.0 + f64::from(n) / 60.0)).is_flat());
    }

    #[test]
    fn nothing_is_flat_without_samples() {
        assert!(!trend([]).is_flat());
    }

    #[test]
    fn this_process_has_memory_threads_and_descriptors() {
        let Sample { resident_mib, threads, descriptors } = sample(std::process::id()).unwrap();
        assert!(resident_mib > 1.0 && threads >= 1.0 && descriptors >= 3.0);
    }
}
