//! The state and the counters of a source, for metrics, logs and the progress bar.

use std::sync::Once;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;

/// The state of publishing one map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// Another process publishes.
    #[default]
    StandingBy,
    /// The grid is waited for.
    GridAway,
    /// Kafka is waited for.
    KafkaAway,
    /// The schema registry of a converter is waited for.
    RegistryAway,
    /// The topic is read.
    ReadingTopic,
    /// Map and topic are compared, while changes are published.
    Comparing,
    /// Changes are published as they come.
    Following,
    /// The grid or Kafka refuses it: it is tried again, ever later.
    Refused,
    /// It has ended.
    Stopped,
}

impl State {
    /// All of them.
    pub const ALL: [State; 9] = [
        State::StandingBy,
        State::GridAway,
        State::KafkaAway,
        State::RegistryAway,
        State::ReadingTopic,
        State::Comparing,
        State::Following,
        State::Refused,
        State::Stopped,
    ];

    /// Its name in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            State::StandingBy => "standing-by",
            State::GridAway => "grid-away",
            State::KafkaAway => "kafka-away",
            State::RegistryAway => "registry-away",
            State::ReadingTopic => "reading-topic",
            State::Comparing => "comparing",
            State::Following => "following",
            State::Refused => "refused",
            State::Stopped => "stopped",
        }
    }
}

/// Counts that only grow, since the process began.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Counts one more.
    pub fn one(&self) {
        self.add(1);
    }

    /// Counts `n` more.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Returns the count at the moment.
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A value that goes up and down.
#[derive(Debug, Default)]
pub struct Level(AtomicI64);

impl Level {
    /// Replaces it.
    pub fn set(&self, n: usize) {
        self.0.store(i64::try_from(n).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Moves it by that much.
    pub fn move_by(&self, n: i64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Returns the value at the moment.
    pub fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One map and its topic.
#[derive(Debug)]
pub struct Status {
    /// The map.
    pub map: String,
    /// The topic.
    pub topic: String,
    state: Mutex<State>,
    /// Why it was refused last.
    refusal: Mutex<Option<String>>,
    /// Events of the map that were taken.
    pub events: Count,
    /// Entries that comparisons have met.
    pub scanned: Count,
    /// Records and tombstones that were sent to Kafka.
    pub records: Count,
    /// Those of them that repeated what the topic already held.
    pub superfluous: Count,
    /// Events left out because the topic was ahead of them.
    pub overtaken: Count,
    /// Records that Kafka has acknowledged.
    pub acknowledged: Count,
    /// Records that were not acknowledged, and are published again.
    pub failed: Count,
    /// Entries that cannot become a record, or that Kafka refuses.
    pub refused: Count,
    /// Times at which changes may have been missed: gaps, truncations, destructions.
    pub gaps: Count,
    /// Comparisons that were begun.
    pub comparisons: Count,
    /// Keys of the topic that comparisons did not find in the map and kept in the topic.
    pub kept: Count,
    /// Values that readings of the topic have found in partitions in which their keys do not belong.
    pub strays: Count,
    /// The topic's `cleanup.policy` was looked at.
    pub policy_checked: Once,
    /// Keys in the digest of the topic.
    pub digest_keys: Level,
    /// Bytes that the digest takes.
    pub digest_bytes: Level,
    /// Records without acknowledgement.
    pub in_flight: Level,
}

impl Status {
    /// Creates a status without counts.
    pub fn new(map: &str, topic: &str) -> Self {
        Self {
            map: map.to_owned(),
            topic: topic.to_owned(),
            state: Mutex::default(),
            refusal: Mutex::default(),
            events: Count::default(),
            scanned: Count::default(),
            records: Count::default(),
            superfluous: Count::default(),
            overtaken: Count::default(),
            acknowledged: Count::default(),
            failed: Count::default(),
            refused: Count::default(),
            gaps: Count::default(),
            comparisons: Count::default(),
            kept: Count::default(),
            strays: Count::default(),
            policy_checked: Once::new(),
            digest_keys: Level::default(),
            digest_bytes: Level::default(),
            in_flight: Level::default(),
        }
    }

    /// Returns its state.
    pub fn state(&self) -> State {
        *self.state.lock()
    }

    /// Sets its state. A change is logged.
    pub fn set(&self, state: State) {
        let before = std::mem::replace(&mut *self.state.lock(), state);
        if state == State::Following {
            *self.refusal.lock() = None;
        }
        if before != state {
            tracing::info!(map = self.map, topic = self.topic, state = state.name(), "map changed its state");
        }
    }

    /// Sets its state to refused, for this reason. Returns whether the reason differs from the last one.
    pub fn refuse(&self, reason: &str) -> bool {
        self.set(State::Refused);
        let before = self.refusal.lock().replace(reason.to_owned());
        before.as_deref() != Some(reason)
    }
}
