//! The store first, then the map.

use std::sync::Arc;

use bytes::Bytes;
use coherence_kafka_common::map::{Entries, MapError, NamedMap};
use hashbrown::HashMap;

use super::change::{Change, ChangeAll, NotStored, not_stored};
use crate::async_entry_store::AsyncEntryStore;
use crate::binary_entry::BinaryEntry;
use crate::entry_store::EntryStore;
use crate::error::StoreError;

/// The caller holds the claim on the keys.
#[derive(Debug)]
pub(super) struct WriteThrough {
    pub map: Arc<dyn NamedMap>,
    pub store: Arc<dyn EntryStore>,
    /// Entries that could not be stored do not reach the map.
    pub rollback: bool,
}

impl WriteThrough {
    pub(super) async fn change(&self, key: Bytes, change: Change) -> Result<Option<Bytes>, MapError> {
        let update = match change {
            Change::Put(..) => self.map.contains_key(&key).await?,
            Change::PutIfAbsent(_) | Change::Replace(_) => {
                let before = self.map.get(&key).await?;
                if !change.applies_to(before.is_some()) {
                    return Ok(before);
                }
                before.is_some()
            }
            // A tombstone is one whatever was there.
            Change::Remove => true,
        };
        let entry = change.entry(&key, update);
        let store = AsyncEntryStore::of(&*self.store);
        let stored = if entry.value.is_some() { store.store(entry).await } else { store.erase(entry).await };
        match stored {
            Err(error) if self.rollback => Err(not_stored(error)),
            stored => {
                let before = change.apply(&*self.map, &key).await?;
                stored.map(|()| before).map_err(not_stored)
            }
        }
    }

    /// Erases an entry that has already left the map.
    pub(super) async fn erase(&self, key: &Bytes) -> Result<(), MapError> {
        AsyncEntryStore::of(&*self.store).erase(Change::Remove.entry(key, true)).await.map_err(not_stored)
    }

    /// Changes the entries. Returns those that were not stored, by index.
    pub(super) async fn change_all(
        &self,
        entries: Arc<Entries>,
        change: ChangeAll,
    ) -> Result<Vec<NotStored>, MapError> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let given = change.entries(&entries, &change.held(&*self.map, &entries).await?, false);
        let store = AsyncEntryStore::of(&*self.store);
        let failed = match change {
            ChangeAll::Put(_) => store.store_distinct(given).await,
            ChangeAll::Remove => store.erase_distinct(given).await,
        };
        let not_stored = by_index(&entries, failed);
        if not_stored.is_empty() || !self.rollback {
            change.apply(&*self.map, entries).await?;
        } else if not_stored.len() < entries.len() {
            let stored = Arc::new(without(&entries, &not_stored));
            change.apply(&*self.map, stored).await?;
        }
        Ok(not_stored)
    }
}

/// Returns the positions of the failed entries in the batch, in its order.
fn by_index(entries: &Entries, failed: Vec<(BinaryEntry, StoreError)>) -> Vec<NotStored> {
    if failed.is_empty() {
        return Vec::new();
    }
    let mut failed: HashMap<Bytes, StoreError> =
        failed.into_iter().map(|(entry, error)| (entry.key, error)).collect();
    let keys = entries.iter().enumerate();
    keys.filter_map(|(index, (key, _))| Some(NotStored { index, error: failed.remove(key)? })).collect()
}

fn without(entries: &Entries, not_stored: &[NotStored]) -> Entries {
    let mut out = not_stored.iter().map(|entry| entry.index).peekable();
    let stored = entries.iter().enumerate().filter(|(index, _)| out.next_if_eq(index).is_none());
    Entries::from_unique_pairs(stored.map(|(_, entry)| entry))
}
