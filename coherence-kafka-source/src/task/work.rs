//! The work of a task in addition to the events.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use bytes::Bytes;
use coherence_kafka_common::map::MapError;
use coherence_kafka_rdkafka::topic_reader::ReadError;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::digest::{KeyHash, ValueHash};

/// The shortest and the longest pause before a retry after an outage.
const AWAY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// The same after a refusal: the repair of an operator takes effect after it. Jitter doubles a pause at most.
const REFUSED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// Why something is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The grid or Kafka was away.
    Away,
    /// One of them refused it: a retry succeeds only after an operator has acted.
    Refused,
}

type Reading<'m> = BoxFuture<'m, Result<Vec<(Bytes, Bytes)>, MapError>>;
type Scan<'m> = BoxStream<'m, Vec<Result<(Bytes, Bytes), MapError>>>;
type KeyScan<'m> = BoxStream<'m, Vec<Result<Bytes, MapError>>>;

/// The topic is read.
pub(super) struct Looking<T> {
    pub pieces: mpsc::Receiver<Result<Vec<T>, ReadError>>,
    /// Others wait for it.
    pub _turn: Option<OwnedSemaphorePermit>,
}

/// A record, for the digest.
pub(super) struct Digested {
    /// Where it is a stray, of key and partition.
    pub key: KeyHash,
    pub value: Option<ValueHash>,
    pub is_stray: bool,
}

/// The key of a record.
pub(super) struct TopicKey {
    pub key: Bytes,
    /// The partition, where it is a stray.
    pub stray: Option<i32>,
}

/// The work in addition to the events.
#[derive(Default)]
pub(super) struct Work<'m> {
    pub reading: Option<Reading<'m>>,
    /// What is being read.
    pub asked: Vec<(Bytes, KeyHash)>,
    /// The other keys that are read for a key, because its record could be theirs.
    pub same_records: HashMap<Bytes, Vec<Bytes>>,
    /// How many keys one request may read, where more were too much for one answer, or one of them is refused.
    pub max_read: Option<usize>,
    pub scan: Option<Scan<'m>>,
    /// Instead of that where one of its entries is too large to be received: keys, whose values are read one by one.
    pub key_scan: Option<KeyScan<'m>>,
    /// What was sent must have its outcome before the topic is read, or a comparison ends.
    pub flushing: Option<BoxFuture<'m, Option<OwnedSemaphorePermit>>>,
    /// For the digest.
    pub digesting: Option<Looking<Digested>>,
    /// Keys have to be looked for in the topic behind the scan.
    pub to_find: usize,
    /// For these keys.
    pub looking: Option<Looking<TopicKey>>,
    not_before: Option<Instant>,
    /// When map and topic are compared once more.
    pub compare_at: Option<Instant>,
    pub pauses: Option<Pauses>,
    /// Kafka takes no record of the topic: nothing is published until the topic was read again.
    pub blocked: bool,
    /// No comparison begins before: the last one was refused, and other work goes on.
    compare_not_before: Option<Instant>,
    refused_comparisons: Option<Pauses>,
}

impl Work<'_> {
    pub(super) fn is_comparing(&self) -> bool {
        self.scan.is_some()
            || self.key_scan.is_some()
            || self.flushing.is_some()
            || self.digesting.is_some()
            || self.looking.is_some()
    }

    /// Nothing new is begun for a while.
    pub(super) fn pause(&mut self, trouble: Trouble) {
        let pause = self.pauses.get_or_insert_default().next(trouble);
        self.not_before = Some(Instant::now() + pause);
    }

    pub(super) fn may_begin(&self) -> bool {
        self.not_before.is_none_or(|until| Instant::now() >= until)
    }

    /// A comparison could not be ended.
    pub(super) fn pause_comparison(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Away => self.pause(trouble),
            Trouble::Refused => {
                let pause = self.refused_comparisons.get_or_insert_default().next(trouble);
                self.compare_not_before = Some(Instant::now() + pause);
            }
        }
    }

    pub(super) fn may_compare(&self) -> bool {
        self.may_begin() && self.compare_not_before.is_none_or(|until| Instant::now() >= until)
    }

    /// The map was scanned to its end.
    pub(super) fn on_scan_end(&mut self) {
        (self.scan, self.key_scan) = (None, None);
        self.pauses = None;
    }

    /// The reading or comparison is given up.
    pub(super) fn stop_comparison(&mut self) {
        (self.scan, self.key_scan, self.flushing) = (None, None, None);
        (self.digesting, self.looking) = (None, None);
    }

    /// Map and topic are equal.
    pub(super) fn on_settled(&mut self) {
        self.refused_comparisons = None;
    }
}

/// Ever longer, up to a limit.
pub(super) struct Pauses {
    away: ExponentialBackoff,
    refused: ExponentialBackoff,
}

impl Default for Pauses {
    fn default() -> Self {
        Self { away: backoff(AWAY), refused: backoff(REFUSED) }
    }
}

impl Pauses {
    fn next(&mut self, trouble: Trouble) -> Duration {
        match trouble {
            Trouble::Away => self.away.next().unwrap_or(AWAY.1),
            Trouble::Refused => self.refused.next().unwrap_or(REFUSED.1),
        }
    }

    /// Waits before something is tried again.
    pub(super) async fn sleep(&mut self, trouble: Trouble) {
        tokio::time::sleep(self.next(trouble)).await;
    }
}

fn backoff((shortest, longest): (Duration, Duration)) -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(shortest)
        .with_max_delay(longest)
        .with_jitter()
        .without_max_times()
        .build()
}
