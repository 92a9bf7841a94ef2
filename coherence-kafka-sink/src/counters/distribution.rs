//! Counts of batches, writes and commits by their size.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use coherence_kafka_worker::metrics::Histogram;

use super::window::Window;

/// Upper bounds of durations, in seconds.
const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];
/// Upper bounds of latencies, in seconds: a task that reads old records has latencies of hours.
const LATENCIES: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3600.0];
/// Upper bounds of numbers of records.
const RECORDS: [f64; 11] =
    [1.0, 10.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10_000.0, 100_000.0];

/// How long writes or commits take.
#[derive(Debug)]
pub(crate) struct Durations {
    /// In seconds.
    pub(crate) histogram: Histogram,
    /// In milliseconds.
    pub(crate) window: Window,
}

impl Default for Durations {
    fn default() -> Self {
        Self { histogram: Histogram::new(SECONDS), window: Window::default() }
    }
}

impl Durations {
    /// Adds one that ended now.
    pub(crate) fn observe(&self, duration: Duration, now: Instant) {
        self.histogram.observe(duration.as_secs_f64());
        self.window.observe(duration.as_secs_f64() * 1000.0, now);
    }
}

/// How many records batches have.
#[derive(Debug)]
pub(crate) struct Sizes {
    /// All batches.
    pub(crate) histogram: Histogram,
    /// The latest ones.
    pub(crate) window: Window,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { histogram: Histogram::new(RECORDS), window: Window::default() }
    }
}

impl Sizes {
    /// Adds one.
    pub(crate) fn observe(&self, records: u64, now: Instant) {
        self.histogram.observe(records as f64);
        self.window.observe(records as f64, now);
    }
}

/// How old the oldest records of batches were when their batches were confirmed.
#[derive(Debug)]
pub(crate) struct Latencies(pub(crate) Histogram);

impl Default for Latencies {
    fn default() -> Self {
        Self(Histogram::new(LATENCIES))
    }
}

impl Latencies {
    /// Adds the age of a record with this timestamp, in milliseconds since 1970.
    pub(crate) fn observe_since(&self, timestamp: i64) {
        self.0.observe(age(timestamp, now_ms()));
    }
}

/// Returns the age in seconds; a timestamp in the future has none.
fn age(timestamp: i64, now_ms: u64) -> f64 {
    let age = i64::try_from(now_ms).unwrap_or(i64::MAX).saturating_sub(timestamp).max(0);
    age as f64 / 1000.0
}

/// Returns the time in milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_never_negative() {
        assert_eq!(age(7_000, 17_500), 10.5);
        assert_eq!(age(17_501, 17_500), 0.0);
        assert!(age(i64::MIN, u64::MAX) > 0.0);
    }
}
