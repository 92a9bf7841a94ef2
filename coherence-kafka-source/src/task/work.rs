//! What a task has under way beside the events.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use bytes::Bytes;
use coherence_kafka_common::map::MapError;
use coherence_kafka_core::topic_reader::ReadError;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::digest::{KeyHash, ValueHash};

/// The shortest and the longest pause before something that failed is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

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

/// What is under way beside the events.
#[derive(Default)]
pub(super) struct Work<'m> {
    pub reading: Option<Reading<'m>>,
    /// What is being read.
    pub asked: Vec<(Bytes, KeyHash)>,
    /// How many keys one request may read, where more were too much for one answer.
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
    pub pauses: Option<ExponentialBackoff>,
}

impl Work<'_> {
    pub fn is_comparing(&self) -> bool {
        self.scan.is_some() || self.flushing.is_some() || self.digesting.is_some() || self.looking.is_some()
    }

    /// Nothing new is begun for a while.
    pub fn pause(&mut self) {
        let pauses = self.pauses.get_or_insert_with(pauses);
        self.not_before = Some(Instant::now() + pauses.next().unwrap_or(PAUSES.1));
    }

    pub fn may_begin(&self) -> bool {
        self.not_before.is_none_or(|until| Instant::now() >= until)
    }
}

/// Ever longer, up to a limit.
pub(super) fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(PAUSES.0)
        .with_max_delay(PAUSES.1)
        .with_jitter()
        .without_max_times()
        .build()
}

/// Waits before something that failed is tried again.
pub(super) async fn sleep(pauses: &mut ExponentialBackoff) {
    tokio::time::sleep(pauses.next().unwrap_or(PAUSES.1)).await;
}
