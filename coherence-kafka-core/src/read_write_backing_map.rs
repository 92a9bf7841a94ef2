//! A map whose changes become records: Coherence's `ReadWriteBackingMap` over any map.
//!
//! ```text
//! write-through   call ── claim of its keys ── store ──► acknowledgement ──► map below ── answer
//! write-behind    call ── claim of its keys ── room ──► map below ── queue ── answer
//!                                                                     └─ delay ─► task ──► store
//! ```
//!
//! Owns: the order of changes of one key between map and store, the queue of what is written behind and its task. Never
//! does: read from the store (an entry store of a topic cannot), keep entries itself, or see changes that other
//! programs make in the map below without it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use coherence_kafka_common::map::{Entries, Expiry, Listen, ListenTo, MapError, NamedMap};
use futures::future::{AbortHandle, abortable};
use tokio::runtime::Handle;

use crate::entry_store::EntryStore;
use crate::observer::StoreObserver;

mod change;
mod complete_on_drop;
mod expirations;
mod named_map;
mod options;
mod queue;
mod shared;
mod write_behind;
mod write_through;

use change::ChangeAll;
pub use change::NotStored;
pub use options::{PublishExpirations, ReadWriteOptions};
pub use queue::Counts;
use shared::{Mode, Shared};
use write_behind::WriteBehind;
use write_through::WriteThrough;

/// A map over another one, whose changes an [`EntryStore`] gets: before the map below changes, or after it.
///
/// **Calls.** Reads and listeners are those of the map below. Of the changes:
/// * `put`, `put_all`: a `store` for each entry.
/// * `put_if_absent`, `replace`: a `store` where they apply in the map below. With write-through it is asked
///   first, under the claim of the key.
/// * `remove`, `remove_all`: an `erase` for each key, also for those that the map below does not have, as in Coherence.
/// * `clear`: an `erase` for each key that the map below has.
/// * `truncate`, `destroy`: the map below only, as in Coherence. What waits to be written behind is still written.
///
/// **Order.** A change waits for the changes before it that concern one of its keys, in the order in which their
/// futures were first polled; `clear`, `truncate` and `destroy` wait for all. A future that was polled must not be left
/// unpolled while others wait for its key. One that is dropped after its turn has come is finished by a task.
///
/// **Errors of write-through.** [`MapError::NotStored`] is the store's: with rollback, the default, the entry has not
/// reached the map; without it, it has. Coherence without rollback only logs; here the caller gets the error as well. A
/// call of many entries puts those that were acknowledged into the map, and names the first that was not;
/// [`ReadWriteBackingMap::put_all_outcomes`] and [`ReadWriteBackingMap::remove_all_outcomes`] name all. After
/// `cachestore-timeout` the caller gets a retriable [`MapError::NotStored`] although the outcome is still to come: the
/// change is finished behind it, and reaches the map if the acknowledgement comes after all; the key stays claimed
/// meanwhile.
///
/// **Room of write-behind.** A change that finds the queue full waits, and nothing waits for its delay then. An entry that
/// exceeds the queue as a whole is refused.
///
/// **Ending.** [`ReadWriteBackingMap::close`] ends it. One that is dropped writes what is queued as long as its runtime
/// lives. Neither closes the store, which may serve others.
///
/// # What survives a crash
///
/// **Write-through.** A call that has succeeded is in the topic, acknowledged, and was put into the map. A process that
/// dies between the two leaves a record whose change is in no map: its caller got no answer. A call that failed with a
/// retriable error may be in the topic all the same; with rollback the map has not changed then, and the repeated call,
/// or the next change of the key, makes both equal again. A grid that fails after the acknowledgement gives its own
/// error: the topic is ahead of the map then.
///
/// **Write-behind.** A call that has succeeded is in the map, and in the memory of this process until its record is
/// acknowledged. A process that dies loses to the topic, not to the map, whatever [`ReadWriteBackingMap::counts`] shows
/// as queued and in flight: changes of at least the last `write-delay`, and all of an outage of the broker. With an
/// embedded map both are lost with the process. The call does not report a failure: changes that are lost to the topic
/// are reported to the observer, counted and logged. A broker that is away, a topic that does not exist yet and a
/// permission that is missing lose nothing as long as the process lives: failed changes are retried, the newest of each
/// key. Only changes that Kafka would never accept are lost to the topic.
///
/// **In both** the changes of a key that come through one `ReadWriteBackingMap` reach the map and the topic in one
/// order; two of them over one map, or another client that writes into the grid, have no order among each other.
pub struct ReadWriteBackingMap {
    shared: Arc<Shared>,
    expirations: Option<AbortHandle>,
}

impl ReadWriteBackingMap {
    /// Creates a map over `map`, whose changes go to `store`.
    ///
    /// # Errors
    /// [`MapError::Misuse`] with all that is wrong with the options, or outside of a Tokio runtime, which runs what goes on
    /// behind the calls and must have a timer; what `listen` of the map below answers, where expirations are published.
    pub async fn new(
        map: Arc<dyn NamedMap>,
        store: Arc<dyn EntryStore>,
        options: &ReadWriteOptions,
    ) -> Result<Self, MapError> {
        Self::observed(map, store, options, None).await
    }

    /// As [`ReadWriteBackingMap::new`], with an observer of the changes that are written behind: each ends in one call
    /// of the observer, unless a newer one of its key stands for it.
    ///
    /// # Errors
    /// As those of [`ReadWriteBackingMap::new`].
    pub async fn observed(
        map: Arc<dyn NamedMap>,
        store: Arc<dyn EntryStore>,
        options: &ReadWriteOptions,
        observer: Option<Arc<dyn StoreObserver>>,
    ) -> Result<Self, MapError> {
        options.check()?;
        let runtime = Handle::try_current().map_err(|error| {
            MapError::Misuse(format!("a read-write backing map needs a tokio runtime: {error}"))
        })?;
        let expirations = match options.publish_expirations {
            PublishExpirations::Tombstone if !options.read_only => {
                Some(map.listen(Listen { to: ListenTo::All, lite: true }).await?)
            }
            _ => None,
        };
        let mode = if options.read_only {
            Mode::ReadOnly
        } else if options.write_delay.is_zero() {
            let rollback = options.rollback_cachestore_failures;
            Mode::Through(WriteThrough { map: map.clone(), store, rollback })
        } else {
            let behind = Arc::new(WriteBehind::new(map.clone(), store, observer, options));
            runtime.spawn(behind.clone().run());
            Mode::Behind(behind)
        };
        let shared = Arc::new(Shared {
            map,
            order: Arc::default(),
            mode,
            cachestore_timeout: options.cachestore_timeout.filter(|_| options.write_delay.is_zero()),
            runtime,
            closed: AtomicBool::new(false),
        });
        let expirations = expirations.map(|notices| {
            let (task, handle) = abortable(expirations::erase_expired(notices, Arc::downgrade(&shared)));
            shared.runtime.spawn(task);
            handle
        });
        Ok(Self { shared, expirations })
    }

    /// As [`NamedMap::put_all`]; the entries that were not stored, none with write-behind.
    ///
    /// # Errors
    /// As those of [`NamedMap::put_all`] of the map below, and after [`ReadWriteBackingMap::close`].
    pub async fn put_all_outcomes(
        &self,
        entries: Arc<Entries>,
        expiry: Expiry,
    ) -> Result<Vec<NotStored>, MapError> {
        self.shared.change_all(entries, ChangeAll::Put(expiry)).await
    }

    /// As [`NamedMap::remove_all`]; the entries that were not erased, none with write-behind.
    ///
    /// # Errors
    /// As those of [`NamedMap::remove_all`] of the map below, and after [`ReadWriteBackingMap::close`].
    pub async fn remove_all_outcomes(&self, keys: Arc<Entries>) -> Result<Vec<NotStored>, MapError> {
        self.shared.change_all(keys, ChangeAll::Remove).await
    }

    /// Returns the counts of the changes so far; `None` where they are not written behind.
    pub fn counts(&self) -> Option<Counts> {
        match &self.shared.mode {
            Mode::Behind(behind) => Some(behind.counts()),
            _ => None,
        }
    }

    /// Waits until every change whose call began before has its outcome, without regard to its delay, or `deadline` has
    /// passed. Returns how many calls and changes remain then; they continue.
    pub async fn flush(&self, deadline: Duration) -> usize {
        self.shared.flush(deadline).await
    }

    /// Refuses further changes, and waits as [`ReadWriteBackingMap::flush`] does. Changes that still wait to be written
    /// behind after `deadline` are given up: their observer gets [`crate::StoreError::Closed`]. Returns how many calls
    /// and changes remained; those that were already submitted to the store have their outcome when the store reports
    /// it. Reads continue.
    pub async fn close(&self, deadline: Duration) -> usize {
        let shared = &self.shared;
        shared.closed.store(true, Ordering::SeqCst);
        self.expirations.iter().for_each(AbortHandle::abort);
        let remain = shared.flush(deadline).await;
        let Mode::Behind(behind) = &shared.mode else { return remain };
        behind.finish();
        if remain == 0 {
            return 0;
        }
        let calls = shared.order.claims();
        let remain = calls + behind.abandon();
        let map = shared.map.name();
        let error = behind.last_cause().map(|error| error.to_string());
        tracing::warn!(
            map,
            remain,
            ?deadline,
            error,
            "read-write backing map closed before all its changes were stored"
        );
        remain
    }
}

impl Drop for ReadWriteBackingMap {
    fn drop(&mut self) {
        self.expirations.iter().for_each(AbortHandle::abort);
    }
}

impl fmt::Debug for ReadWriteBackingMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match &self.shared.mode {
            Mode::ReadOnly => "read-only",
            Mode::Through(_) => "write-through",
            Mode::Behind(_) => "write-behind",
        };
        f.debug_struct("ReadWriteBackingMap")
            .field("map", &self.shared.map)
            .field("mode", &mode)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
