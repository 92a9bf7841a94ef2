//! Entries and keys as records, which may need a schema registry.

use bytes::Bytes;
use coherence_kafka_core::{BinaryEntry, StoreError};
use tokio_util::sync::CancellationToken;

use super::Task;
use super::work::{Pauses, Trouble};
use crate::digest::{KeyHash, ValueHash};
use crate::publisher::Publisher;
use crate::records::{Hashes, Records, entry};
use crate::status::State;

/// `None` where the task is to stop.
type UnlessStopped<T> = Option<T>;

impl Task {
    /// Returns the hashes of the record of an entry, or why it has none.
    pub(super) async fn hashes(
        &mut self,
        entry: &BinaryEntry,
        stop: &CancellationToken,
    ) -> UnlessStopped<Result<Hashes, StoreError>> {
        match self.records.hashes(entry) {
            Err(error) if error.is_retriable() => {
                let entry = entry.clone();
                self.retry(error, stop, move |records| records.hashes(&entry)).await
            }
            converted => Some(converted),
        }
    }

    /// Returns the hash of the key of an entry's record; `None` where the key has no record.
    pub(super) async fn key_hash(
        &mut self,
        key: &Bytes,
        stop: &CancellationToken,
    ) -> UnlessStopped<Option<KeyHash>> {
        let found = match self.records.key_hash(key) {
            Err(error) if error.is_retriable() => {
                let key = key.clone();
                self.retry(error, stop, move |records| records.key_hash(&key)).await?
            }
            found => found,
        };
        Some(found.ok().flatten())
    }

    /// Returns a key under which the map could have the entry of a record.
    pub(super) async fn map_key(
        &mut self,
        record_key: &[u8],
        stop: &CancellationToken,
    ) -> UnlessStopped<Option<Bytes>> {
        let found = match self.records.map_key(record_key) {
            Err(error) if error.is_retriable() => {
                let record_key = Bytes::copy_from_slice(record_key);
                self.retry(error, stop, move |records| records.map_key(&record_key)).await?
            }
            found => found,
        };
        Some(found.ok().flatten())
    }

    /// Returns the hash of the value before a change, where it matters.
    pub(super) async fn old(
        &mut self,
        publisher: &Publisher,
        key: &Bytes,
        hash: KeyHash,
        old: Option<Bytes>,
        stop: &CancellationToken,
    ) -> UnlessStopped<Option<ValueHash>> {
        if !publisher.needs_old(hash) {
            return Some(None);
        }
        let before = self.hashes(&entry(key.clone(), old, true), stop).await?;
        Some(before.ok().and_then(|before| before.value))
    }

    /// Converts something, once the schema registry is available that was not: no entry is left out for an outage.
    async fn retry<T: Send + 'static>(
        &mut self,
        unavailable: StoreError,
        stop: &CancellationToken,
        convert: impl Fn(&mut Records) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> UnlessStopped<Result<T, StoreError>> {
        let before = self.status.state();
        self.status.set(State::RegistryAway);
        let mut outcome = Err(unavailable);
        let mut pauses = Pauses::default();
        while let Err(error) = &outcome
            && error.is_retriable()
        {
            let (map, topic) = (&self.status.map, &self.status.topic);
            tracing::warn!(map, topic, %error, "schema registry not available, retrying");
            stop.run_until_cancelled(pauses.sleep(Trouble::Away)).await?;
            // A registry that does not answer must not keep a thread that others need.
            let (mut records, convert) = (self.records.clone(), convert.clone());
            outcome = match tokio::task::spawn_blocking(move || convert(&mut records)).await {
                Ok(outcome) => outcome,
                Err(error) => Err(StoreError::Unavailable(error.to_string())),
            };
        }
        self.status.set(before);
        Some(outcome)
    }
}
