//! What each input of a task leads to.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use coherence_kafka_common::map::{Entries, MapError, MapNotice, NamedMap};
use coherence_kafka_core::topic_reader::{ReadError, read_topic};
use coherence_kafka_core::{BinaryEntry, StoreError};
use futures::FutureExt as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::work::Work;
use super::{KAFKA_PATIENCE, Task, TaskError};
use crate::publisher::{Change, Publish, Publisher};
use crate::records::entry;
use crate::status::State;

/// Keys of one request that reads entries again.
const READ_KEYS: usize = 500;

impl Task {
    /// False where it is to stop.
    pub(super) async fn on_notices(
        &mut self,
        publisher: &mut Publisher,
        notices: Vec<MapNotice>,
        stop: &CancellationToken,
    ) -> bool {
        for notice in notices {
            let event = match notice {
                MapNotice::Event(event) => event,
                MapNotice::Truncated => {
                    self.missed(publisher, "truncated");
                    continue;
                }
                // The notices end behind it.
                MapNotice::Destroyed => {
                    self.missed(publisher, "destroyed");
                    continue;
                }
                MapNotice::Gap(reason) => {
                    self.missed(publisher, &reason);
                    continue;
                }
            };
            self.status.events.one();
            let expired = event.expired;
            let (changed, old) = self.records.of_event(event);
            let hashes = match self.records.hashes(&changed) {
                Ok(hashes) => hashes,
                Err(error) => {
                    self.refused(&error);
                    continue;
                }
            };
            let old = if publisher.needs_old(hashes.key, expired) {
                let before = entry(changed.key.clone(), old, true);
                self.records.hashes(&before).ok().and_then(|before| before.value)
            } else {
                None
            };
            let change = Change { old, new: hashes.value, expired };
            let publish = publisher.on_event(&changed.key, hashes.key, change);
            if publish.is_some() && !self.send(changed, stop).await {
                return false;
            }
        }
        true
    }

    fn missed(&self, publisher: &mut Publisher, reason: &str) {
        self.status.gaps.one();
        tracing::info!(map = self.status.map, reason, "changes may be missing: map and topic are compared");
        publisher.want_comparison();
    }

    fn refused(&self, error: &StoreError) {
        self.status.refused.one();
        tracing::error!(map = self.status.map, topic = self.status.topic, %error, "entry not published");
    }

    pub(super) async fn on_scanned(
        &mut self,
        publisher: &mut Publisher,
        work: &mut Work<'_>,
        items: Vec<Result<(Bytes, Bytes), MapError>>,
        stop: &CancellationToken,
    ) -> Result<bool, TaskError> {
        for item in items {
            let (key, value) = match item {
                Ok(item) => item,
                Err(error) => {
                    work.scan = None;
                    work.pause();
                    publisher.fail_comparison();
                    self.grid_failed(error)?;
                    return Ok(true);
                }
            };
            self.status.scanned.one();
            let mut scanned = entry(key, Some(value), false);
            let hashes = match self.records.hashes(&scanned) {
                Ok(hashes) => hashes,
                Err(error) => {
                    self.refused(&error);
                    continue;
                }
            };
            let publish = match hashes.value {
                Some(value) => publisher.on_scanned(hashes.key, value),
                // Null for serializers: a null value, which is what an absent key has.
                None => None,
            };
            if let Some(Publish { update }) = publish {
                scanned.update = update;
                if !self.send(scanned, stop).await {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Reads the topic once more, for the bytes of its keys.
    pub(super) fn look_through(&self) -> mpsc::Receiver<Result<Vec<Bytes>, ReadError>> {
        let take = |key: Option<&[u8]>, _: Option<&[u8]>| key.map(Bytes::copy_from_slice);
        read_topic(self.consumer.clone(), self.status.topic.clone(), KAFKA_PATIENCE, take)
    }

    pub(super) fn on_topic_keys(
        &mut self,
        publisher: &mut Publisher,
        work: &mut Work<'_>,
        keys: Option<Result<Vec<Bytes>, ReadError>>,
    ) -> Result<(), TaskError> {
        match keys {
            Some(Ok(keys)) if keys.is_empty() => {
                work.looking = None;
                publisher.end_comparison();
            }
            Some(Ok(keys)) => {
                for key in keys {
                    let hash = self.records.hasher().key(&key);
                    if publisher.is_missing(hash)
                        && let Some(map_key) = self.records.map_key(&key)
                    {
                        publisher.on_topic_key(&map_key, hash);
                    }
                }
            }
            ended => {
                work.looking = None;
                work.pause();
                publisher.fail_comparison();
                if let Some(Err(error)) = ended {
                    self.kafka_failed(error)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn begin_reading<'m>(
        &self,
        publisher: &mut Publisher,
        map: &'m dyn NamedMap,
        work: &mut Work<'m>,
    ) {
        if work.reading.is_some() || !work.may_begin() {
            return;
        }
        let keys = publisher.next_reads(READ_KEYS);
        if keys.is_empty() {
            return;
        }
        let batch = Arc::new(Entries::from_keys(keys.iter().map(|(key, _)| key)));
        work.asked = keys;
        work.reading = Some(map.get_all(batch));
    }

    pub(super) async fn on_read(
        &mut self,
        publisher: &mut Publisher,
        work: &mut Work<'_>,
        answer: Result<Vec<(Bytes, Bytes)>, MapError>,
        stop: &CancellationToken,
    ) -> Result<bool, TaskError> {
        work.reading = None;
        let keys = std::mem::take(&mut work.asked);
        let mut present: HashMap<Bytes, Bytes> = match answer {
            Ok(present) => {
                work.pauses = None;
                present.into_iter().collect()
            }
            Err(error) => {
                for (key, hash) in keys {
                    publisher.on_read_failed(&key, hash);
                }
                work.pause();
                self.grid_failed(error)?;
                return Ok(true);
            }
        };
        for (key, hash) in keys {
            let mut read = entry(key.clone(), present.remove(&key), false);
            let hashes = match self.records.hashes(&read) {
                Ok(hashes) => hashes,
                Err(error) => {
                    self.refused(&error);
                    publisher.on_read_refused(hash);
                    continue;
                }
            };
            if let Some(Publish { update }) = publisher.on_read(&key, hash, hashes.value) {
                read.update = update;
                if !self.send(read, stop).await {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    pub(super) fn on_failed(&mut self, publisher: &mut Publisher, failed: &BinaryEntry, error: &StoreError) {
        let refused = !error.is_retriable();
        if refused {
            self.refused(error);
        } else {
            self.status.failed.one();
            self.status.set(State::KafkaAway);
            tracing::debug!(topic = self.status.topic, %error, "record not acknowledged");
        }
        if let Ok(hashes) = self.records.hashes(failed) {
            publisher.on_store_failed(&failed.key, hashes.key, hashes.value, refused);
        }
    }

    /// Gives a record to the store, once it has room. False where it is to stop, or may not send any more.
    async fn send(&self, entry: BinaryEntry, stop: &CancellationToken) -> bool {
        if self.store.room().now_or_never().is_none()
            && stop.run_until_cancelled(self.store.room()).await.is_none()
        {
            return false;
        }
        if stop.is_cancelled() || !(self.may_send)() {
            return false;
        }
        self.status.records.one();
        self.status.in_flight.move_by(1);
        if entry.value.is_some() {
            self.store.store(entry, self.outcomes.observer());
        } else {
            self.store.erase(entry, self.outcomes.observer());
        }
        true
    }

    pub(super) fn count(&self, publisher: &mut Publisher) {
        let counts = publisher.take_counts();
        self.status.superfluous.add(counts.superfluous);
        self.status.overtaken.add(counts.overtaken);
    }

    pub(super) fn show(&self, publisher: &Publisher) {
        let status = &self.status;
        status.digest_keys.set(publisher.keys());
        status.digest_bytes.set(publisher.digest_bytes());
    }
}
