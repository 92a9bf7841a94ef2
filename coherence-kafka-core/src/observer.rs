//! Observers of the outcomes of entries.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::binary_entry::BinaryEntry;
use crate::error::StoreError;

/// Coherence's `StoreObserver`: notified exactly once of every entry that was submitted with it.
///
/// Called from a thread of the store, which all stores of a producer share, or from the thread that gave the entry: it
/// must not block. It may call the store.
pub trait StoreObserver: Send + Sync {
    /// The entry is a record of the topic, acknowledged.
    fn on_next(&self, entry: BinaryEntry);

    /// These entries are acknowledged records of the topic; an entry counts as reported once it is taken from
    /// `entries`. For observers that handle many faster than one by one; called instead of [`StoreObserver::on_next`]
    /// for each.
    fn on_next_all(&self, entries: &mut dyn Iterator<Item = BinaryEntry>) {
        entries.for_each(|entry| self.on_next(entry));
    }

    /// The entry did not become a record, or that is not known.
    fn on_error(&self, entry: BinaryEntry, error: StoreError);
}

/// Notifies the observer. An observer that panics was notified of the entry at which it panicked.
pub(crate) fn notify_all(observer: &dyn StoreObserver, entries: Vec<BinaryEntry>) {
    let mut entries = entries.into_iter();
    while let before @ 1.. = entries.len() {
        if guarded(|| observer.on_next_all(&mut entries)) {
            return;
        }
        if entries.len() == before {
            entries.next();
        }
    }
}

/// As [`notify_all`], for an entry that failed.
pub(crate) fn notify_error(observer: &dyn StoreObserver, entry: BinaryEntry, error: StoreError) {
    guarded(|| observer.on_error(entry, error));
}

fn guarded(notify: impl FnOnce()) -> bool {
    let notified = catch_unwind(AssertUnwindSafe(notify)).is_ok();
    if !notified {
        tracing::error!("store observer panicked, continuing");
    }
    notified
}

#[cfg(test)]
mod tests;
