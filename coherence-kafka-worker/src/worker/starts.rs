//! How many starts of connectors and tasks succeeded, and how many failed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// Counts the starts of connectors and tasks in a worker.
#[derive(Debug)]
pub(crate) struct Starts {
    /// When the worker began.
    pub(crate) began: SystemTime,
    /// Those of connectors.
    pub(crate) connectors: Attempts,
    /// Those of tasks, without their restarts.
    pub(crate) tasks: Attempts,
}

impl Default for Starts {
    fn default() -> Self {
        Self { began: SystemTime::now(), connectors: Attempts::default(), tasks: Attempts::default() }
    }
}

/// Attempts and their outcomes.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    successes: AtomicU64,
    failures: AtomicU64,
}

impl Attempts {
    /// Counts an attempt.
    pub(crate) fn count(&self, succeeded: bool) {
        let count = if succeeded { &self.successes } else { &self.failures };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn successes(&self) -> u64 {
        self.successes.load(Ordering::Relaxed)
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}
