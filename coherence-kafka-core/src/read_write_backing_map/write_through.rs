//! The store first, then the map.

use std::sync::Arc;

use bytes::Bytes;
use coherence_kafka_common::map::{Entries, MapError, NamedMap};
use hashbrown::HashMap;

use super::change::{Change, ChangeAll, NotStored, not_stored};
use super::outcomes::{Failed, write};
use crate::entry_store::EntryStore;

/// Whoever calls holds the claim on the keys.
#[derive(Debug)]
pub(super) struct WriteThrough {
    pub map: Arc<dyn NamedMap>,
    pub store: Arc<dyn EntryStore>,
    /// What could not be stored does not reach the map.
    pub rollback: bool,
}

impl WriteThrough {
    pub async fn change(&self, key: Bytes, change: Change) -> Result<Option<Bytes>, MapError> {
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
        let failed = write(&*self.store, vec![change.entry(&key, update)]).await.map_err(not_stored)?;
        let failure = failed.into_iter().next().map(|(_, error)| not_stored(error));
        match failure {
            Some(error) if self.rollback => Err(error),
            failure => {
                let before = change.apply(&*self.map, &key).await?;
                failure.map_or(Ok(before), Err)
            }
        }
    }

    /// The erase of an entry that has left the map already.
    pub async fn erase(&self, key: &Bytes) -> Result<(), MapError> {
        let failed = write(&*self.store, vec![Change::Remove.entry(key, true)]).await.map_err(not_stored)?;
        failed.into_iter().next().map_or(Ok(()), |(_, error)| Err(not_stored(error)))
    }

    /// Those of the entries that were not stored, by index.
    pub async fn change_all(
        &self,
        entries: Arc<Entries>,
        change: ChangeAll,
    ) -> Result<Vec<NotStored>, MapError> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let held = change.held(&*self.map, &entries).await?;
        let given = change.entries(&entries, &held, false);
        drop(held);
        let failed = write(&*self.store, given).await.map_err(not_stored)?;
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

fn without(entries: &Entries, not_stored: &[NotStored]) -> Entries {
    let mut out = not_stored.iter().map(|entry| entry.index).peekable();
    let stored = entries.iter().enumerate().filter(|(index, _)| out.next_if_eq(index).is_none());
    Entries::from_pairs(stored.map(|(_, entry)| entry))
}

fn by_index(entries: &Entries, failed: Failed) -> Vec<NotStored> {
    if failed.is_empty() {
        return Vec::new();
    }
    let mut errors: HashMap<Bytes, _> = failed.into_iter().map(|(entry, error)| (entry.key, error)).collect();
    let failed = entries.iter().enumerate().filter_map(|(index, (key, _))| {
        let error = errors.remove(key)?;
        Some(NotStored { index, error })
    });
    failed.collect()
}
