//! Giving entries to the store, and waiting for what became of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::entry_store::{BinaryEntry, EntryStore};
use crate::error::StoreError;
use crate::observer::StoreObserver;

/// Entries that were not stored, and why.
pub(super) type Failed = Vec<(BinaryEntry, StoreError)>;

/// Waits for the last of some entries.
struct Outcomes {
    left: AtomicUsize,
    failed: Mutex<Failed>,
    done: Mutex<Option<oneshot::Sender<Failed>>>,
}

impl Outcomes {
    fn one_less(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1
            && let Some(done) = self.done.lock().take()
        {
            // The call waits for it, or its runtime has gone.
            let _ = done.send(std::mem::take(&mut self.failed.lock()));
        }
    }
}

impl StoreObserver for Outcomes {
    fn on_next(&self, _: BinaryEntry) {
        self.one_less();
    }

    fn on_error(&self, entry: BinaryEntry, error: StoreError) {
        self.failed.lock().push((entry, error));
        self.one_less();
    }
}

/// Puts the entries with a value into the store and erases those without, which are of one kind, and waits until each
/// has its outcome. Those that failed, which none does for want of room: it is waited for.
///
/// # Errors
/// When the store breaks its promise of an outcome for each.
pub(super) async fn write(
    store: &dyn EntryStore,
    mut entries: Vec<BinaryEntry>,
) -> Result<Failed, StoreError> {
    let mut failed = Vec::new();
    while !entries.is_empty() {
        store.room().await;
        let (done, outcome) = oneshot::channel();
        let observer: Arc<dyn StoreObserver> = Arc::new(Outcomes {
            left: AtomicUsize::new(entries.len()),
            failed: Mutex::default(),
            done: Mutex::new(Some(done)),
        });
        give(store, entries, &observer);
        // A store that forgets an entry drops its observer.
        drop(observer);
        let outcome = outcome.await;
        let outcome =
            outcome.map_err(|_| StoreError::Unavailable("the store has given no outcome".to_owned()))?;
        let (full, mut others): (Failed, Failed) =
            outcome.into_iter().partition(|(_, error)| *error == StoreError::Full);
        failed.append(&mut others);
        entries = full.into_iter().map(|(entry, _)| entry).collect();
    }
    Ok(failed)
}

/// Entries of one kind.
pub(super) fn give(store: &dyn EntryStore, mut entries: Vec<BinaryEntry>, observer: &Arc<dyn StoreObserver>) {
    let Some(erase) = entries.first().map(|entry| entry.value.is_none()) else { return };
    match (entries.len(), erase) {
        (1, false) => entries.drain(..).for_each(|entry| store.store(entry, observer)),
        (1, true) => entries.drain(..).for_each(|entry| store.erase(entry, observer)),
        (_, false) => store.store_all(entries, observer),
        (_, true) => store.erase_all(entries, observer),
    }
}
