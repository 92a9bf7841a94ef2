//! The calls of a map when an entry changes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::binary_entry::BinaryEntry;
use crate::observer::StoreObserver;

/// Kafka's default of `max.block.ms`.
pub(crate) const MAX_BLOCK: Duration = Duration::from_secs(60);

/// Coherence's `NonBlockingEntryStore`: no call blocks, each entry's outcome comes through its observer, exactly once.
/// The same operations, awaited: [`crate::AsyncEntryStore`].
///
/// Entries of one key become records in the order of the calls; callers with several threads order the calls. Outcomes
/// that are known at once are reported before the call returns, on the thread of the caller.
pub trait EntryStore: Send + Sync + fmt::Debug {
    /// The entry was put.
    fn store(&self, entry: BinaryEntry, observer: &Arc<dyn StoreObserver>);

    /// The entry was removed.
    fn erase(&self, entry: BinaryEntry, observer: &Arc<dyn StoreObserver>);

    /// The entry is wanted by its key.
    fn load(&self, entry: BinaryEntry, observer: &Arc<dyn StoreObserver>);

    /// As [`EntryStore::store`], for each, in order.
    fn store_all(&self, entries: Vec<BinaryEntry>, observer: &Arc<dyn StoreObserver>) {
        entries.into_iter().for_each(|entry| self.store(entry, observer));
    }

    /// As [`EntryStore::erase`], for each, in order.
    fn erase_all(&self, entries: Vec<BinaryEntry>, observer: &Arc<dyn StoreObserver>) {
        entries.into_iter().for_each(|entry| self.erase(entry, observer));
    }

    /// As [`EntryStore::load`], for each.
    fn load_all(&self, entries: Vec<BinaryEntry>, observer: &Arc<dyn StoreObserver>) {
        entries.into_iter().for_each(|entry| self.load(entry, observer));
    }

    /// Waits until the store may hold one more entry, whatever its size. A single caller that awaits this before each
    /// entry never gets [`crate::StoreError::Full`]. Ready, too, once the store is closed.
    fn room(&self) -> BoxFuture<'_, ()>;

    /// Returns how long [`crate::AsyncEntryStore`] waits for room.
    fn max_block(&self) -> Duration {
        MAX_BLOCK
    }

    /// Waits until everything that was submitted so far has its outcome.
    fn flush(&self) -> BoxFuture<'_, ()>;

    /// Refuses further entries, waits until everything has its outcome or `deadline` has passed, and reports the rest
    /// to the observers as [`crate::StoreError::Closed`]. Returns how many those were.
    fn close(&self, deadline: Duration) -> BoxFuture<'_, usize>;
}
