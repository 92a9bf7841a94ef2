//! What a task has done so far, for the live line, the status and the reports.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use coherence_kafka_rdkafka::record::TopicPartition;
use coherence_kafka_worker::TaskStatus;
use parking_lot::Mutex;

use distribution::{Durations, Latencies, Sizes};
use window::Window;

mod distribution;
mod window;

/// Counts since the start of a task; shared by its restarts.
#[derive(Debug, Default)]
pub struct Counters {
    /// Records read.
    pub records: Count,
    /// Records that became a put or a removal, once more each time that they are read again.
    pub sent: Count,
    /// Records in confirmed batches that put an entry, before the last write of each key was selected.
    pub puts: Count,
    /// Tombstones in confirmed batches.
    pub removes: Count,
    /// Records discarded because their key is null.
    pub null_keys: Count,
    /// Records passed over because their value is null and null values are to be ignored.
    pub null_values: Count,
    /// Records that a transform dropped.
    pub filtered: Count,
    /// Records that could not be read, converted or written, and tasks that failed without one.
    pub errors: Errors,
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
    /// Bytes of the keys and values in batches, in the form of the map.
    pub bytes: Count,
    /// Records confirmed by the map.
    pub confirmed: Count,
    /// Writes that were tried again.
    pub retries: Count,
    /// Batches that are confirmed by the map.
    pub batches: Count,
    /// Batches whose write was given up because their partitions were gone or the task had to end.
    pub batches_abandoned: Count,
    /// The sizes of batches that were begun.
    pub(crate) batch_sizes: Sizes,
    /// How long writes took, with their retries, whether they succeeded or failed.
    pub(crate) writes: Durations,
    /// The ages of records when they were confirmed.
    pub(crate) latencies: Latencies,
    /// Records that were read and are not confirmed.
    pub(crate) active: Level,
    /// Bytes of those records.
    pub held_bytes: Count,
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
    /// Answers to commits that came after that.
    pub commits_late: Count,
    /// The number of the last commit.
    pub commit_number: Count,
    /// How long answers to commits took.
    pub(crate) commit_times: Durations,
    /// 1 for a commit that succeeded, 0 for one that did not.
    pub(crate) commit_outcomes: Window,
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
    /// The same by partition, of those of which it is known.
    pub(crate) lags: Mutex<Vec<(TopicPartition, u64)>>,
    /// Why the task holds its batch at the moment.
    pub holding: Mutex<Option<Holding>>,
    /// Topics whose positions were committed since they were last forgotten.
    pub topics: Mutex<BTreeSet<String>>,
    /// Maps that batches were written to: the topic of a record may lead to any map.
    maps: Mutex<BTreeSet<Arc<str>>>,
}

impl Counters {
    /// Returns those of a task of a worker; `None` where it is no task of a sink.
    pub fn of(task: &TaskStatus) -> Option<&Self> {
        (task.state.as_ref() as &dyn Any).downcast_ref()
    }

    /// Counts a commit by its outcome.
    pub(crate) fn on_commit(&self, succeeded: bool, now: Instant) {
        let count = if succeeded { &self.commits } else { &self.commit_failures };
        count.add(1);
        self.commit_outcomes.observe(f64::from(u8::from(succeeded)), now);
    }

    /// Notes the maps of a batch. Nearly always all of them are known.
    pub(crate) fn note_maps<'a>(&self, maps: impl Iterator<Item = &'a Arc<str>>) {
        let mut known = self.maps.lock();
        for map in maps {
            if !known.contains(map) {
                known.insert(map.clone());
            }
        }
    }

    /// Returns the maps that batches were written to.
    pub(crate) fn maps(&self) -> Vec<String> {
        self.maps.lock().iter().map(ToString::to_string).collect()
    }

    /// Forgets how far partitions that are gone lag.
    pub(crate) fn forget_lags(&self, partitions: &[TopicPartition]) {
        self.lags.lock().retain(|(tp, _)| !partitions.contains(tp));
    }

    /// Notes that the task has no records and no partitions.
    pub(crate) fn on_task_end(&self) {
        self.partitions.set(0);
        self.lag.set(None);
        self.lags.lock().clear();
        self.active.set(0, Instant::now());
        self.held_bytes.set(0);
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
    /// A peer of the converters, such as a schema registry.
    Converter,
}

impl Cause {
    /// All of them.
    pub const ALL: [Cause; 4] =
        [Cause::Grid, Cause::DeadLetterQueue, Cause::EarlierAttempt, Cause::Converter];

    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Grid => "grid",
            Cause::DeadLetterQueue => "dead_letter_queue",
            Cause::EarlierAttempt => "earlier_attempt",
            Cause::Converter => "converter",
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

/// Errors, and when the last one was.
#[derive(Debug, Default)]
pub struct Errors {
    count: Count,
    last_ms: Count,
}

impl Errors {
    /// Adds `n` errors that happened now.
    pub fn add(&self, n: u64) {
        self.count.add(n);
        self.last_ms.set(distribution::now_ms());
    }

    /// Returns the count.
    pub fn now(&self) -> u64 {
        self.count.now()
    }

    /// Returns the time of the last one in milliseconds since 1970; 0 where there was none.
    pub fn last_ms(&self) -> u64 {
        self.last_ms.now()
    }
}

/// A number that goes up and down, and its latest values.
#[derive(Debug, Default)]
pub(crate) struct Level {
    now: Count,
    pub(crate) window: Window,
}

impl Level {
    /// Replaces the number.
    pub(crate) fn set(&self, n: u64, now: Instant) {
        if self.now.now() != n {
            self.now.set(n);
            self.window.observe(n as f64, now);
        }
    }

    /// Returns the number.
    pub(crate) fn now(&self) -> u64 {
        self.now.now()
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
    /// As [`Counters::sent`].
    pub sent: u64,
    /// As [`Counters::null_values`].
    pub null_values: u64,
    /// As [`Counters::filtered`].
    pub filtered: u64,
}

impl Uncounted {
    /// Counts all of it.
    pub(crate) fn count(&mut self, counters: &Counters) {
        let Self { records, sent, null_values, filtered } = std::mem::take(self);
        if records > 0 {
            counters.records.add(records);
            counters.sent.add(sent);
            counters.null_values.add(null_values);
            counters.filtered.add(filtered);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_maps_that_batches_were_written_to_are_kept_each_once() {
        let counters = Counters::default();
        for batch in [&["b", "a"][..], &["a"], &["c", "b"]] {
            let maps: Vec<Arc<str>> = batch.iter().map(|map| Arc::from(*map)).collect();
            counters.note_maps(maps.iter());
        }
        assert_eq!(counters.maps(), ["a", "b", "c"]);
    }
}
