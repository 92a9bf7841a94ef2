//! Handles each input of a task.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use coherence_kafka_common::map::{Entries, EventKind, MapError, MapEvent, MapNotice, NamedMap};
use coherence_kafka_core::{BinaryEntry, EntryStore as _, StoreError};
use futures::{FutureExt as _, StreamExt as _};
use tokio_util::sync::CancellationToken;

use super::work::{Trouble, Work};
use super::{CHUNK, Task, TaskError};
use crate::publisher::{Change, Found, Publish, Publisher, Unmet};
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
            if !self.on_event(publisher, event, stop).await {
                return false;
            }
        }
        true
    }

    async fn on_event(
        &mut self,
        publisher: &mut Publisher,
        event: MapEvent,
        stop: &CancellationToken,
    ) -> bool {
        self.status.events.one();
        // A refresh of an existing entry is a change of its value like any other.
        let by_cache = event.expired || (event.synthetic && event.kind != EventKind::Updated);
        let (changed, old) = self.records.of_event(event);
        let Some(converted) = self.hashes(&changed, stop).await else { return false };
        let hashes = match converted {
            Ok(hashes) => hashes,
            Err(error) => {
                self.refused(&error);
                let Some(hash) = self.key_hash(&changed.key, stop).await else { return false };
                if let Some(hash) = hash {
                    let Some(old) = self.old(publisher, &changed.key, hash, old, stop).await else {
                        return false;
                    };
                    publisher.on_event_refused(hash, old);
                }
                return true;
            }
        };
        let Some(old) = self.old(publisher, &changed.key, hashes.key, old, stop).await else { return false };
        let change = Change { old, new: hashes.value, by_cache };
        let publish = if hashes.is_dropped {
            publisher.on_event_dropped(&changed.key, hashes.key, change)
        } else {
            publisher.on_event(&changed.key, hashes.key, change)
        };
        publish.is_none() || self.send(changed, stop).await
    }

    /// Keys that are not in the map stay in the topic.
    fn show_kept(&self, kept: usize) {
        if kept > 0 {
            tracing::info!(
                map = self.status.map,
                topic = self.status.topic,
                keys = kept,
                "keys absent from the map are kept in the topic, because expirations are not published"
            );
        }
        self.status.kept.add(kept as u64);
    }

    fn missed(&self, publisher: &mut Publisher, reason: &str) {
        self.status.gaps.one();
        tracing::info!(
            map = self.status.map,
            reason,
            "changes may have been missed; comparing map and topic"
        );
        publisher.want_comparison();
    }

    fn refused(&mut self, error: &dyn std::fmt::Display) {
        let (map, topic) = (&self.status.map, &self.status.topic);
        self.status.refused.one();
        if self.errors.logs {
            tracing::error!(map, topic, %error, "entry refused, not published");
        }
        if !self.errors.tolerates {
            let (map, topic) = (map.clone(), topic.clone());
            self.fatal.get_or_insert(TaskError::Entry { map, topic, error: error.to_string() });
        }
    }

    pub(super) async fn on_scanned<'m>(
        &mut self,
        publisher: &mut Publisher,
        map: &'m dyn NamedMap,
        work: &mut Work<'m>,
        items: Vec<Result<(Bytes, Bytes), MapError>>,
        stop: &CancellationToken,
    ) -> Result<bool, TaskError> {
        for item in items {
            let (key, value) = match item {
                Ok(item) => item,
                // An entry that cannot be received, or that the grid refuses, does not hide the others.
                Err(error) if self.concerns_an_entry(&error) => {
                    work.scan = None;
                    work.key_scan = Some(map.keys().ready_chunks(CHUNK).boxed());
                    return Ok(true);
                }
                Err(error) => {
                    self.scan_failed(publisher, work, error)?;
                    return Ok(true);
                }
            };
            self.status.scanned.one();
            let mut scanned = entry(key, Some(value), false);
            let Some(converted) = self.hashes(&scanned, stop).await else { return Ok(false) };
            let hashes = match converted {
                Ok(hashes) => hashes,
                Err(error) => {
                    self.refused(&error);
                    let Some(hash) = self.key_hash(&scanned.key, stop).await else { return Ok(false) };
                    if let Some(hash) = hash {
                        publisher.on_scanned_refused(hash);
                    }
                    continue;
                }
            };
            if let Some(Publish { update }) = publisher.on_scanned(hashes.key, hashes.value) {
                scanned.update = update;
                if !self.send(scanned, stop).await {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Returns whether other entries may be read though this error came.
    fn concerns_an_entry(&self, error: &MapError) -> bool {
        matches!(error, MapError::TooLarge { .. }) || (!error.is_retriable() && !self.once)
    }

    fn scan_failed(
        &self,
        publisher: &mut Publisher,
        work: &mut Work<'_>,
        error: MapError,
    ) -> Result<(), TaskError> {
        (work.scan, work.key_scan) = (None, None);
        publisher.fail_comparison();
        work.pause_comparison(self.grid_failed(error)?);
        Ok(())
    }

    pub(super) async fn on_scanned_keys(
        &mut self,
        publisher: &mut Publisher,
        work: &mut Work<'_>,
        keys: Vec<Result<Bytes, MapError>>,
        stop: &CancellationToken,
    ) -> Result<bool, TaskError> {
        for key in keys {
            match key {
                Ok(key) => {
                    let Some(hash) = self.key_hash(&key, stop).await else { return Ok(false) };
                    if let Some(hash) = hash
                        && publisher.on_scanned_key(&key, hash)
                    {
                        self.status.scanned.one();
                    }
                }
                Err(error) => {
                    self.scan_failed(publisher, work, error)?;
                    break;
                }
            }
        }
        Ok(true)
    }

    /// The scan has met all that it will.
    pub(super) fn end_scan(&self, publisher: &mut Publisher, work: &mut Work<'_>) {
        work.on_scan_end();
        let Unmet { to_find, kept } = publisher.end_scan();
        self.show_kept(kept);
        work.to_find = to_find;
        work.flushing = Some(self.flushed(to_find > 0));
    }

    pub(super) fn begin_reading<'m>(
        &mut self,
        publisher: &mut Publisher,
        map: &'m dyn NamedMap,
        work: &mut Work<'m>,
    ) {
        if work.reading.is_some() || work.blocked || !work.may_begin() {
            return;
        }
        let keys = publisher.next_reads(work.max_read.unwrap_or(READ_KEYS));
        if keys.is_empty() {
            return;
        }
        let mut all = Vec::with_capacity(keys.len());
        work.same_records.clear();
        for (key, _) in &keys {
            all.push(key.clone());
            match self.records.same_record(key) {
                Ok(others) if others.is_empty() => {}
                Ok(others) => {
                    all.extend(others.iter().cloned());
                    work.same_records.insert(key.clone(), others);
                }
                // A schema registry is not available.
                Err(_) => {
                    keys.iter().for_each(|(key, hash)| publisher.on_read_failed(key, *hash));
                    work.pause(Trouble::Away);
                    return;
                }
            }
        }
        let batch = Arc::new(Entries::from_keys(all.iter()));
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
        let same_records = std::mem::take(&mut work.same_records);
        let mut present: HashMap<Bytes, Bytes> = match answer {
            Ok(present) => {
                work.pauses = None;
                work.max_read = work.max_read.map(|max| max * 2).filter(|max| *max < READ_KEYS);
                present.into_iter().collect()
            }
            Err(error) if self.concerns_an_entry(&error) => {
                if let [(key, hash)] = &keys[..] {
                    self.refused(&error);
                    publisher.on_read_refused(key, *hash);
                    return Ok(true);
                }
                // Halves, until the entry is alone: its neighbours are published.
                work.max_read = Some((keys.len() / 2).max(1));
                for (key, hash) in keys {
                    publisher.on_read_failed(&key, hash);
                }
                return Ok(true);
            }
            Err(error) => {
                for (key, hash) in keys {
                    publisher.on_read_failed(&key, hash);
                }
                work.pause(self.grid_failed(error)?);
                return Ok(true);
            }
        };
        for (key, hash) in keys {
            // The map may have the key with another type that its record does not show.
            let others = same_records.get(&key).map_or(&[][..], Vec::as_slice);
            let found =
                std::iter::once(&key).chain(others).find(|key| present.contains_key(*key)).unwrap_or(&key);
            let mut read = entry(found.clone(), present.remove(found), false);
            let is_there = read.value.is_some();
            let Some(converted) = self.hashes(&read, stop).await else { return Ok(false) };
            let hashes = match converted {
                Ok(hashes) => hashes,
                Err(error) => {
                    self.refused(&error);
                    publisher.on_read_refused(&key, hash);
                    continue;
                }
            };
            let found = if is_there { Found::Entry(hashes.value) } else { Found::Nothing };
            if let Some(Publish { update }) = publisher.on_read(&key, hash, found) {
                read.update = update;
                if !self.send(read, stop).await {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// False where it is to stop.
    pub(super) async fn on_failed(
        &mut self,
        publisher: &mut Publisher,
        work: &mut Work<'_>,
        failed: &BinaryEntry,
        error: &StoreError,
        stop: &CancellationToken,
    ) -> bool {
        let refused = !error.is_retriable();
        match error {
            StoreError::Blocked(_) if !self.once => self.on_blocked(publisher, work, error),
            _ if refused => self.refused(error),
            _ => {
                self.status.failed.one();
                if !work.blocked {
                    self.status.set(State::KafkaAway);
                }
                tracing::debug!(topic = self.status.topic, %error, "record not acknowledged");
                work.pause(Trouble::Away);
            }
        }
        let Some(converted) = self.hashes(failed, stop).await else { return false };
        if let Ok(hashes) = converted {
            publisher.on_store_failed(&failed.key, hashes.key, hashes.value, refused);
        }
        true
    }

    /// Kafka accepts no record of the topic until an operator acts. The next reading of the topic shows whether it accepts
    /// them again, and which ones it lacks.
    fn on_blocked(&self, publisher: &mut Publisher, work: &mut Work<'_>, error: &StoreError) {
        self.status.refused.one();
        self.refused_by(error);
        if !work.blocked {
            work.blocked = true;
            work.stop_comparison();
            publisher.fail_comparison();
            publisher.want_reading();
            work.pause_comparison(Trouble::Refused);
        }
    }

    /// Sends a record to the store, once that has room. Returns false where the task is to stop, or may no longer send.
    async fn send(&self, entry: BinaryEntry, stop: &CancellationToken) -> bool {
        if !self.may_send_now(stop).await {
            return false;
        }
        if entry.value.is_some() {
            self.store.store(entry, self.outcomes.observer());
        } else {
            self.store.erase(entry, self.outcomes.observer());
        }
        true
    }

    /// Waits until the store has room for a record, and counts it.
    pub(super) async fn may_send_now(&self, stop: &CancellationToken) -> bool {
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
