//! Who learns what became of an entry.

use crate::entry_store::BinaryEntry;
use crate::error::StoreError;

/// Coherence's `StoreObserver`: told exactly once of every entry that it was given along with.
///
/// Called from a thread of the store, which all stores of a producer share, or from the thread that gave the entry: it
/// must not block. It may call the store.
pub trait StoreObserver: Send + Sync {
    /// The entry is a record of the topic, acknowledged.
    fn on_next(&self, entry: BinaryEntry);

    /// The entry did not become a record, or nobody knows whether it did.
    fn on_error(&self, entry: BinaryEntry, error: StoreError);
}
