//! The operations of an entry store, awaited.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::binary_entry::BinaryEntry;
use crate::entry_store::EntryStore;
use crate::error::StoreError;
use crate::observer::StoreObserver;

mod distinct;

/// The operations of an [`EntryStore`] in a form that is awaited instead of observed. Where the store has no room they
/// wait for it, up to [`EntryStore::max_block`]. Needs tokio's time.
///
/// An operation is begun when its future is first polled. Dropping the future takes back nothing that was handed over.
#[derive(Debug, Clone, Copy)]
pub struct AsyncEntryStore<'s>(&'s dyn EntryStore);

impl<'s> AsyncEntryStore<'s> {
    /// Returns the operations of `store`.
    pub fn of(store: &'s dyn EntryStore) -> Self {
        Self(store)
    }

    /// [`EntryStore::store`]: ready when the entry is a record of the topic, acknowledged.
    ///
    /// # Errors
    /// It is not, or that is not known.
    pub async fn store(self, entry: BinaryEntry) -> Result<(), StoreError> {
        self.one(entry, |store, entry, observer| store.store(entry, observer)).await
    }

    /// [`EntryStore::erase`]: ready when the tombstone is a record of the topic, acknowledged.
    ///
    /// # Errors
    /// It is not, or that is not known.
    pub async fn erase(self, entry: BinaryEntry) -> Result<(), StoreError> {
        self.one(entry, |store, entry, observer| store.erase(entry, observer)).await
    }

    /// [`EntryStore::load`].
    ///
    /// # Errors
    /// The error of the store; that of a topic returns [`StoreError::Unsupported`].
    pub async fn load(self, entry: BinaryEntry) -> Result<BinaryEntry, StoreError> {
        let outcome =
            self.each(vec![entry], |store, entry, observer| store.load(entry, observer)).await.pop();
        outcome.unwrap_or(Err(StoreError::Closed))
    }

    /// [`EntryStore::store_all`]: the outcome of each entry, in their order.
    pub async fn store_all(self, entries: Vec<BinaryEntry>) -> Vec<Result<(), StoreError>> {
        without_entries(self.each(entries, |store, entry, observer| store.store(entry, observer)).await)
    }

    /// [`EntryStore::erase_all`]: the outcome of each entry, in their order.
    pub async fn erase_all(self, entries: Vec<BinaryEntry>) -> Vec<Result<(), StoreError>> {
        without_entries(self.each(entries, |store, entry, observer| store.erase(entry, observer)).await)
    }

    /// [`EntryStore::load_all`]: the outcome of each entry, in their order.
    pub async fn load_all(self, entries: Vec<BinaryEntry>) -> Vec<Result<BinaryEntry, StoreError>> {
        self.each(entries, |store, entry, observer| store.load(entry, observer)).await
    }

    async fn one(self, entry: BinaryEntry, operation: Operation) -> Result<(), StoreError> {
        let outcome = self.each(vec![entry], operation).await.pop();
        outcome.unwrap_or(Err(StoreError::Closed)).map(|_| ())
    }

    async fn each(self, entries: Vec<BinaryEntry>, operation: Operation) -> Vec<Outcome> {
        if entries.is_empty() {
            return Vec::new();
        }
        let end = Instant::now() + self.0.max_block();
        let (done, all_done) = oneshot::channel();
        let call = Arc::new(Call {
            outcomes: Mutex::new(entries.iter().map(|_| None).collect()),
            open: AtomicUsize::new(entries.len()),
            done: Mutex::new(Some(done)),
        });
        let mut late = false;
        for (index, entry) in entries.into_iter().enumerate() {
            // A later entry must not overtake one that found no room.
            if late {
                call.settle(index, Err((entry, StoreError::Full)));
                continue;
            }
            let observer: Arc<dyn StoreObserver> = Arc::new(Nth { call: call.clone(), index });
            operation(self.0, entry, &observer);
            // A full buffer is reported before the call returns.
            while let Some(entry) = call.take_full(index) {
                late = timeout_at(end, self.0.room()).await.is_err();
                if late {
                    call.settle(index, Err((entry, StoreError::Full)));
                    break;
                }
                operation(self.0, entry, &observer);
            }
        }
        // A store that drops an observer without a word has lost its entry: that of a topic never does.
        let _ = all_done.await;
        let outcomes = std::mem::take(&mut *call.outcomes.lock());
        let told = |outcome: Option<Told>| match outcome {
            Some(Ok(entry)) => Ok(entry),
            Some(Err((_, error))) => Err(error),
            None => Err(StoreError::Closed),
        };
        outcomes.into_iter().map(told).collect()
    }
}

type Operation = for<'s> fn(&'s (dyn EntryStore + 's), BinaryEntry, &Arc<dyn StoreObserver>);
type Outcome = Result<BinaryEntry, StoreError>;
type Told = Result<BinaryEntry, (BinaryEntry, StoreError)>;

fn without_entries(outcomes: Vec<Outcome>) -> Vec<Result<(), StoreError>> {
    outcomes.into_iter().map(|outcome| outcome.map(|_| ())).collect()
}

/// The outcomes that one call waits for.
struct Call {
    outcomes: Mutex<Vec<Option<Told>>>,
    open: AtomicUsize,
    done: Mutex<Option<oneshot::Sender<()>>>,
}

impl Call {
    /// Returns the entry, where it found no room.
    fn take_full(&self, index: usize) -> Option<BinaryEntry> {
        let mut outcomes = self.outcomes.lock();
        match outcomes.get_mut(index) {
            Some(outcome @ Some(Err((_, StoreError::Full)))) => match outcome.take() {
                Some(Err((entry, _))) => Some(entry),
                _ => None,
            },
            _ => None,
        }
    }

    fn settle(&self, index: usize, told: Told) {
        if let Some(outcome) = self.outcomes.lock().get_mut(index) {
            *outcome = Some(told);
        }
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1
            && let Some(done) = self.done.lock().take()
        {
            // The receiver is gone where the future was dropped.
            let _ = done.send(());
        }
    }
}

struct Nth {
    call: Arc<Call>,
    index: usize,
}

impl StoreObserver for Nth {
    fn on_next(&self, entry: BinaryEntry) {
        self.call.settle(self.index, Ok(entry));
    }

    fn on_error(&self, entry: BinaryEntry, error: StoreError) {
        if error == StoreError::Full {
            // Not its outcome yet: it is stored again.
            if let Some(outcome) = self.call.outcomes.lock().get_mut(self.index) {
                *outcome = Some(Err((entry, error)));
            }
        } else {
            self.call.settle(self.index, Err((entry, error)));
        }
    }
}

#[cfg(test)]
mod tests;
