//! Entries of which no two have a key in common, passed to the store in one call.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::AsyncEntryStore;
use crate::binary_entry::BinaryEntry;
use crate::entry_store::EntryStore;
use crate::error::StoreError;
use crate::observer::StoreObserver;

/// One operation of a store for many entries.
type Operation = for<'s> fn(&'s (dyn EntryStore + 's), Vec<BinaryEntry>, &Arc<dyn StoreObserver>);

impl AsyncEntryStore<'_> {
    /// Those that were not stored, in no order. No two entries have a key in common, so that their keys identify them:
    /// one observer is enough for all.
    pub(crate) async fn store_distinct(self, entries: Vec<BinaryEntry>) -> Vec<(BinaryEntry, StoreError)> {
        self.distinct(entries, |store, entries, observer| store.store_all(entries, observer)).await
    }

    /// As [`AsyncEntryStore::store_distinct`], for tombstones.
    pub(crate) async fn erase_distinct(self, entries: Vec<BinaryEntry>) -> Vec<(BinaryEntry, StoreError)> {
        self.distinct(entries, |store, entries, observer| store.erase_all(entries, observer)).await
    }

    async fn distinct(
        self,
        mut entries: Vec<BinaryEntry>,
        operation: Operation,
    ) -> Vec<(BinaryEntry, StoreError)> {
        let end = Instant::now() + self.0.max_block();
        let call = Arc::new(Call { open: AtomicUsize::new(entries.len()), ..Call::default() });
        let observer: Arc<dyn StoreObserver> = call.clone();
        while !entries.is_empty() {
            operation(self.0, entries, &observer);
            // A full buffer is reported before the call returns.
            entries = std::mem::take(&mut *call.full.lock());
            if !entries.is_empty() && timeout_at(end, self.0.room()).await.is_err() {
                break;
            }
        }
        let left = entries.len();
        if call.open.fetch_sub(left, Ordering::AcqRel) > left {
            call.done.notified().await;
        }
        let mut not_stored = std::mem::take(&mut *call.not_stored.lock());
        not_stored.extend(entries.into_iter().map(|entry| (entry, StoreError::Full)));
        not_stored
    }
}

#[derive(Default)]
struct Call {
    /// How many have no outcome.
    open: AtomicUsize,
    /// Entries that found no room, in their order: not their outcome yet.
    full: Mutex<Vec<BinaryEntry>>,
    not_stored: Mutex<Vec<(BinaryEntry, StoreError)>>,
    done: Notify,
}

impl Call {
    fn settle(&self) {
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.done.notify_one();
        }
    }
}

impl StoreObserver for Call {
    fn on_next(&self, entry: BinaryEntry) {
        drop(entry);
        self.settle();
    }

    fn on_error(&self, entry: BinaryEntry, error: StoreError) {
        if error == StoreError::Full {
            self.full.lock().push(entry);
        } else {
            self.not_stored.lock().push((entry, error));
            self.settle();
        }
    }
}
