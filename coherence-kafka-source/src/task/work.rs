//! What a task has under way beside the events.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use bytes::Bytes;
use coherence_kafka_common::map::MapError;
use coherence_kafka_core::topic_reader::ReadError;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::digest::KeyHash;

/// The shortest and the longest pause before something that failed is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

type Reading<'m> = BoxFuture<'m, Result<Vec<(Bytes, Bytes)>, MapError>>;
type Scan<'m> = BoxStream<'m, Vec<Result<(Bytes, Bytes), MapError>>>;

/// The topic is looked through.
pub(super) struct Looking {
    pub keys: mpsc::Receiver<Result<Vec<Bytes>, ReadError>>,
    /// Others wait for it.
    pub _turn: Option<OwnedSemaphorePermit>,
}

/// What is under way beside the events.
#[derive(Default)]
pub(super) struct Work<'m> {
    pub reading: Option<Reading<'m>>,
    /// What is being read.
    pub asked: Vec<(Bytes, KeyHash)>,
    pub scan: Option<Scan<'m>>,
    /// The scan has ended: what was sent must be in the topic before it is looked through.
    pub flushing: Option<BoxFuture<'m, Option<OwnedSemaphorePermit>>>,
    pub looking: Option<Looking>,
    not_before: Option<Instant>,
    /// When map and topic are compared once more.
    pub compare_at: Option<Instant>,
    pub pauses: Option<ExponentialBackoff>,
}

impl Work<'_> {
    pub fn is_comparing(&self) -> bool {
        self.scan.is_some() || self.flushing.is_some() || self.looking.is_some()
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
