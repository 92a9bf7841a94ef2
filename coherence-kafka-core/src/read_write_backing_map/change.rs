//! The changes that a call can make, and how each reaches the map below and the store.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use coherence_kafka_common::decoration::undecorated_key;
use coherence_kafka_common::map::{Entries, Expiry, MapError, NamedMap};
use hashbrown::HashSet;

use crate::binary_entry::BinaryEntry;
use crate::error::StoreError;

/// A change of one entry.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Put(Bytes, Expiry),
    PutIfAbsent(Bytes),
    Replace(Bytes),
    Remove,
}

/// A change of many.
#[derive(Debug, Clone, Copy)]
pub(super) enum ChangeAll {
    Put(Expiry),
    Remove,
}

/// An entry of a call that was not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotStored {
    /// Its position in the batch of the call.
    pub index: usize,
    /// Why.
    pub error: StoreError,
}

impl Change {
    pub(super) fn value(&self) -> Option<&Bytes> {
        match self {
            Change::Put(value, _) | Change::PutIfAbsent(value) | Change::Replace(value) => Some(value),
            Change::Remove => None,
        }
    }

    pub(super) fn entry(&self, key: &Bytes, update: bool) -> BinaryEntry {
        let expiry = if let Change::Put(_, expiry) = self { *expiry } else { Expiry::Default };
        BinaryEntry { key: key.clone(), value: self.value().cloned(), update, expiry }
    }

    /// Refuses what no map holds, before the store has it.
    pub(super) fn check(&self, key: &[u8]) -> Result<(), MapError> {
        check(0, key, self.value().map(|value| &value[..]))
    }

    /// Returns the value before, as the map's own call returns it.
    pub(super) async fn apply(&self, map: &dyn NamedMap, key: &[u8]) -> Result<Option<Bytes>, MapError> {
        match self {
            Change::Put(value, expiry) => map.put(key, value, *expiry).await,
            Change::PutIfAbsent(value) => map.put_if_absent(key, value).await,
            Change::Replace(value) => map.replace(key, value).await,
            Change::Remove => map.remove(key).await,
        }
    }

    /// Returns whether the map changes where it has this before.
    pub(super) fn applies_to(&self, before: bool) -> bool {
        match self {
            Change::PutIfAbsent(_) => !before,
            Change::Replace(_) => before,
            Change::Put(..) | Change::Remove => true,
        }
    }
}

impl ChangeAll {
    pub(super) async fn apply(self, map: &dyn NamedMap, entries: Arc<Entries>) -> Result<(), MapError> {
        match self {
            ChangeAll::Put(expiry) => map.put_all(entries, expiry).await,
            ChangeAll::Remove => map.remove_all(entries).await,
        }
    }

    /// Refuses what no map holds, before the store has it.
    pub(super) fn check(self, entries: &Entries) -> Result<(), MapError> {
        entries.iter().enumerate().try_for_each(|(index, (key, value))| check(index, key, self.value(value)))
    }

    /// Returns the bytes of the value of an entry, as far as the change has values.
    pub(super) fn value(self, value: &[u8]) -> Option<&[u8]> {
        match self {
            ChangeAll::Put(_) => Some(value),
            ChangeAll::Remove => None,
        }
    }

    fn expiry(self) -> Expiry {
        match self {
            ChangeAll::Put(expiry) => expiry,
            ChangeAll::Remove => Expiry::Default,
        }
    }

    /// Returns the keys that the map has, undecorated, where the change needs to know.
    pub(super) async fn held(
        self,
        map: &dyn NamedMap,
        entries: &Arc<Entries>,
    ) -> Result<HashSet<Bytes>, MapError> {
        match self {
            ChangeAll::Put(_) => {
                let present = map.get_all(entries.clone()).await?;
                Ok(present.iter().map(|(key, _)| key.slice_ref(undecorated(key))).collect())
            }
            ChangeAll::Remove => Ok(HashSet::new()),
        }
    }

    /// Returns the entries for the store, each with its own memory, or all in one allocation.
    pub(super) fn entries(
        self,
        entries: &Entries,
        held: &HashSet<Bytes>,
        own_memory: bool,
    ) -> Vec<BinaryEntry> {
        let mut room = BytesMut::with_capacity(if own_memory { 0 } else { entries.payload_bytes() });
        let entry = |(key, value): (&[u8], &[u8])| {
            let update = held.contains(undecorated(key));
            let value = self.value(value);
            if own_memory {
                room = BytesMut::with_capacity(key.len() + value.map_or(0, <[u8]>::len));
            }
            let mut copied = |bytes: &[u8]| {
                room.extend_from_slice(bytes);
                room.split().freeze()
            };
            BinaryEntry { key: copied(key), value: value.map(&mut copied), update, expiry: self.expiry() }
        };
        entries.iter().map(entry).collect()
    }
}

fn check(index: usize, key: &[u8], value: Option<&[u8]>) -> Result<(), MapError> {
    let refused = |reason: &str| Err(MapError::NotSent { index, reason: reason.to_owned() });
    if key.is_empty() {
        return refused("the key is empty");
    }
    if value.is_some_and(<[u8]>::is_empty) {
        return refused("the value is empty, expected a serialized value");
    }
    Ok(())
}

fn undecorated(key: &[u8]) -> &[u8] {
    undecorated_key(key).unwrap_or(key)
}

/// Returns the answer of a call of whose entries these were not stored.
pub(super) fn answer(not_stored: &[NotStored], of: usize) -> Result<(), MapError> {
    let Some(first) = not_stored.first() else { return Ok(()) };
    let retriable = not_stored.iter().any(|entry| entry.error.is_retriable());
    let mut reason = first.error.to_string();
    if of > 1 {
        reason.push_str(&format!(" ({} of {of} entries were not stored)", not_stored.len()));
    }
    Err(MapError::NotStored { index: first.index, reason, retriable })
}

/// Returns the answer of a call about one entry.
pub(super) fn not_stored(error: StoreError) -> MapError {
    MapError::NotStored { index: 0, retriable: error.is_retriable(), reason: error.to_string() }
}
