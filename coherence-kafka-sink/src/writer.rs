//! Writes the plan of a batch, again and again until every part of it is confirmed or refused.
//!
//! An outage is not an error (invariant 4): what the grid cannot take now is tried again after an exponential
//! back-off with jitter. What it refuses is refused for good, and reported with the record behind it.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use coherence_kafka_common::map::{Expiry, MapError, NamedMap, Session};
use futures::future::join_all;

use crate::counters::Counters;
use crate::plan::{MapWrites, Source};

/// Pauses between attempts.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// The first pause; doubled after each failure, and up to doubled again by jitter.
    pub min: Duration,
    /// The longest pause before jitter.
    pub max: Duration,
}

/// The writes of one batch: map name and what to write to it.
pub type BatchWrites = Vec<(Arc<str>, MapWrites)>;

/// A write that no retry can help.
#[derive(Debug, Clone, thiserror::Error)]
#[error("map {map}: {error}")]
pub struct WriteFailure {
    /// The map.
    pub map: Arc<str>,
    /// The record at fault, where one is known.
    pub source_record: Option<Source>,
    /// What the map answered.
    pub error: MapError,
}

/// Writes batches to the maps of one session.
#[derive(Debug)]
pub struct Writer {
    session: Arc<dyn Session>,
    backoff: Backoff,
    counters: Arc<Counters>,
    task: String,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Puts,
    Removes,
}

impl Writer {
    /// A writer for the task named `task`.
    pub fn new(session: Arc<dyn Session>, backoff: Backoff, counters: Arc<Counters>, task: String) -> Self {
        Self { session, backoff, counters, task }
    }

    /// Returns when all of it is confirmed. Keys are disjoint, so everything may run side by side.
    ///
    /// What is tried again is the whole batch, not its unconfirmed part: a grid that was away may have come back
    /// without what it had confirmed, and the offsets of the batch are committed together.
    ///
    /// # Errors
    /// The first write that was refused; others of the batch may have been applied.
    pub async fn write(&self, batch: &BatchWrites) -> Result<(), WriteFailure> {
        let mut pauses = ExponentialBuilder::new()
            .with_min_delay(self.backoff.min)
            .with_max_delay(self.backoff.max)
            .with_jitter()
            .without_max_times()
            .build();
        loop {
            let Some((map, error)) = self.attempt_all(batch).await? else {
                *self.counters.holding.lock() = None;
                return Ok(());
            };
            let pause = pauses.next().unwrap_or(self.backoff.max);
            self.counters.retries.add(1);
            tracing::warn!(
                task = self.task,
                map = &*map,
                %error,
                pause_ms = pause.as_millis() as u64,
                "write not confirmed, the batch is held and tried again"
            );
            *self.counters.holding.lock() = Some(error.to_string());
            tokio::time::sleep(pause).await;
        }
    }

    /// Ends when every part has ended. The first failure that passes, if there is one.
    async fn attempt_all(&self, batch: &BatchWrites) -> Result<Option<(Arc<str>, MapError)>, WriteFailure> {
        let parts = batch.iter().flat_map(|(map, writes)| {
            let puts = (!writes.puts.is_empty()).then_some((map, writes, Part::Puts));
            let removes = (!writes.removes.is_empty()).then_some((map, writes, Part::Removes));
            puts.into_iter().chain(removes)
        });
        let attempts = parts.map(|(map, writes, part)| async move {
            self.attempt(map, writes, part).await.err().map(|error| (map, writes, part, error))
        });
        let mut passing = None;
        for (map, writes, part, error) in join_all(attempts).await.into_iter().flatten() {
            if !error.is_retriable() {
                return Err(failure(map, writes, part, error));
            }
            passing.get_or_insert_with(|| (map.clone(), error));
        }
        Ok(passing)
    }

    async fn attempt(&self, map: &str, writes: &MapWrites, part: Part) -> Result<(), MapError> {
        let map: Arc<dyn NamedMap> = self.session.map(map).await?;
        match part {
            Part::Puts => map.put_all(writes.puts.clone(), Expiry::Default).await,
            Part::Removes => map.remove_all(writes.removes.clone()).await,
        }
    }
}

fn failure(map: &Arc<str>, writes: &MapWrites, part: Part, error: MapError) -> WriteFailure {
    let sources = match part {
        Part::Puts => &writes.put_sources,
        Part::Removes => &writes.remove_sources,
    };
    let source_record = match &error {
        MapError::NotSent { index, .. } => sources.get(*index).copied(),
        // The only record of a write is the culprit of its refusal.
        _ if sources.len() == 1 => sources.first().copied(),
        _ => None,
    };
    WriteFailure { map: map.clone(), source_record, error }
}
