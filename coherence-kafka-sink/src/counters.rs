//! What a task has done so far, for the live line, the status and the reports.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use coherence_kafka_worker::TaskStatus;
use parking_lot::Mutex;

/// Counts since the start of a task; shared by its restarts.
#[derive(Debug, Default)]
pub struct Counters {
    /// Records read.
    pub records: Count,
    /// Records that put an entry (before the last write of a key won inside its batch).
    pub puts: Count,
    /// Tombstones that removed one.
    pub removes: Count,
    /// Records discarded because their key is null.
    pub null_keys: Count,
    /// Records passed over because their value is null and null values are to be ignored.
    pub null_values: Count,
    /// Records that could not be read, converted or written, and tasks that failed without one.
    pub errors: Count,
    /// Those among them that were skipped under `errors.tolerance=all`.
    pub skipped: Count,
    /// Those among them that the grid refused.
    pub refused: Count,
    /// Those among them that were logged.
    pub errors_logged: Count,
    /// Records that the dead letter queue acknowledged.
    pub dead_letters: Count,
    /// Records that it refused.
    pub dead_letter_failures: Count,
    /// Times that the task was started again after it had failed.
    pub restarts: Count,
    /// Records confirmed by the map.
    pub confirmed: Count,
    /// Writes that were tried again.
    pub retries: Count,
    /// Batches that are confirmed by the map.
    pub batches: Count,
    /// Batches whose write was given up because their partitions were gone or the task had to end.
    pub batches_abandoned: Count,
    /// Batches held because an earlier attempt, of whatever batch, might still be applied.
    pub unanswered: Count,
    /// Those that went on without its answer, after `coherence.session.unanswered.timeout.ms`.
    pub unanswered_given_up: Count,
    /// Commits that the broker acknowledged.
    pub commits: Count,
    /// Commits that it refused, or that could not be sent.
    pub commit_failures: Count,
    /// Commits without an answer within `offset.flush.timeout.ms`.
    pub commit_timeouts: Count,
    /// Saves of the embedded maps, before what they hold was committed.
    pub saves: Count,
    /// Those that failed.
    pub save_failures: Count,
    /// Partitions that are assigned, as last seen.
    pub partitions: Count,
    /// Partitions that were given up when the group asked for them.
    pub partitions_revoked: Count,
    /// Partitions that were lost without being asked for.
    pub partitions_lost: Count,
    /// Times that the offsets of a partition went back: its topic was created again, or its log was truncated.
    pub logs_replaced: Count,
    /// Offsets that were removed from the topics before they were read.
    pub offsets_removed: Count,
    /// Records between the confirmed positions and the ends of the assigned partitions, as last seen.
    pub lag: Gauge,
    /// Why the task holds its batch at the moment.
    pub holding: Mutex<Option<Holding>>,
    /// Topics whose positions were committed since they were last forgotten.
    pub topics: Mutex<BTreeSet<String>>,
}

impl Counters {
    /// Returns those of a task of a worker; `None` where it is no task of a sink.
    pub fn of(task: &TaskStatus) -> Option<&Self> {
        (task.state.as_ref() as &dyn Any).downcast_ref()
    }
}

/// Why a task takes no more records for the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// What it waits for.
    pub cause: Cause,
    /// The same in words, for a person.
    pub reason: String,
}

/// What a task waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The grid, which does not confirm the batch.
    Grid,
    /// The dead letter queue, which does not acknowledge a record of the batch.
    DeadLetterQueue,
    /// The answer to an earlier attempt, of whatever batch, that might still be applied.
    EarlierAttempt,
}

impl Cause {
    /// All of them.
    pub const ALL: [Cause; 3] = [Cause::Grid, Cause::DeadLetterQueue, Cause::EarlierAttempt];

    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Grid => "grid",
            Cause::DeadLetterQueue => "dead_letter_queue",
            Cause::EarlierAttempt => "earlier_attempt",
        }
    }
}

/// One count.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Replaces the count.
    pub fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    /// Returns the count.
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that is not always known.
#[derive(Debug)]
pub struct Gauge(AtomicU64);

impl Gauge {
    const UNKNOWN: u64 = u64::MAX;

    /// Replaces the number.
    pub fn set(&self, n: Option<u64>) {
        self.0.store(n.unwrap_or(Self::UNKNOWN), Ordering::Relaxed);
    }

    /// Returns the number, if it is known.
    pub fn now(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|n| *n != Self::UNKNOWN)
    }
}

impl Default for Gauge {
    fn default() -> Self {
        Self(AtomicU64::new(Self::UNKNOWN))
    }
}

/// What was taken since it was last counted: atomics cost too much for each record.
#[derive(Debug, Default)]
pub(crate) struct Uncounted {
    /// As [`Counters::records`].
    pub records: u64,
    /// As [`Counters::puts`].
    pub puts: u64,
    /// As [`Counters::removes`].
    pub removes: u64,
    /// As [`Counters::null_values`].
    pub null_values: u64,
}

impl Uncounted {
    /// Counts all of it.
    pub(crate) fn count(&mut self, counters: &Counters) {
        let Self { records, puts, removes, null_values } = std::mem::take(self);
        if records > 0 {
            counters.records.add(records);
            counters.puts.add(puts);
            counters.removes.add(removes);
            counters.null_values.add(null_values);
        }
    }
}
