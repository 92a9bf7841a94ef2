//! A map whose changes become records: Coherence's `ReadWriteBackingMap` over any map.
//!
//! ```text
//! write-through   call ── claim of its keys ── store ──► acknowledgement ──► map below ── answer
//! write-behind    call ── claim of its keys ── room ──► map below ── queue ── answer
//!                                                                     └─ delay ─► task ──► store
//! ```
//!
//! Owns: the order of changes of one key between map and store, the queue of what is written behind and its task. Never
//! does: read from the store (an entry store of a topic cannot), keep entries itself, or see what others write into the
//! map below without it.
//!
//! # What survives a crash
//!
//! **Write-through.** A call that has succeeded is in the topic, acknowledged, and was put into the map. A process that
//! dies between the two leaves a record whose change is in no map: whoever called has got no answer. A call that failed
//! with a retriable error may be in the topic all the same; with rollback the map has not changed then, and the repeated
//! call, or the next change of the key, makes both equal again. A grid that fails after the acknowledgement gives its
//! own error: the topic is ahead of the map then.
//!
//! **Write-behind.** A call that has succeeded is in the map, and in the memory of this process until its record is
//! acknowledged. A process that dies loses to the topic, not to the map, whatever [`ReadWriteBackingMap::counts`] shows as
//! queued and in flight: changes of at least the last `write-delay`, and all of an outage of the broker. What is
//! embedded dies with the process in both places. Nobody learns of a failure from the call: what is lost to the topic is
//! told to the observer, counted and logged. A broker that is away loses nothing as long as the process lives: what
//! failed is tried again, the newest of each key.
//!
//! **In both** the changes of a key that come through one `ReadWriteBackingMap` reach the map and the topic in one order;
//! two of them over one map, or a client that writes into the grid beside it, have no order among each other.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use coherence_kafka_common::key_order::{Access, Claim, KeyOrder, Keys};
use coherence_kafka_common::map::{Entries, Expiry, Listen, ListenTo, MapError, MapNotices, NamedMap};
use futures::future::{AbortHandle, BoxFuture, abortable};
use futures::stream::{BoxStream, TryStreamExt as _};
use futures::{FutureExt as _, StreamExt as _};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::entry_store::EntryStore;
use crate::observer::StoreObserver;

mod carry_on;
mod change;
mod expirations;
mod options;
mod outcomes;
mod queue;
mod write_behind;
mod write_through;

use carry_on::CarryOn;
pub use change::NotStored;
use change::{Change, ChangeAll, answer};
pub use options::{PublishExpirations, ReadWriteOptions};
pub use queue::Counts;
use write_behind::{WriteBehind, closed};
use write_through::WriteThrough;

/// Keys that [`NamedMap::clear`] takes at once.
const CLEAR_KEYS: usize = 1024;

/// A map over another one, whose changes an [`EntryStore`] gets: before the map below changes, or behind it. See the
/// [module](self) for what that means when something fails.
///
/// **Calls.** Reads and listeners are those of the map below. Of the changes:
/// * `put`, `put_all`: a `store` for each entry.
/// * `put_if_absent`, `replace`: a `store` where the map below says that they apply. With write-through it is asked
///   first, under the claim of the key.
/// * `remove`, `remove_all`: an `erase` for each key, also for those that the map below does not have, as in Coherence.
/// * `clear`: an `erase` for each key that the map below has.
/// * `truncate`, `destroy`: the map below only, as in Coherence. What waits to be written behind is still written.
///
/// **Order.** A change waits for the changes before it that concern one of its keys, in the order in which their futures
/// were first polled; `clear`, `truncate` and `destroy` wait for all. A future that was polled must not be left unpolled
/// while others wait for its key. One that is dropped after its turn has come is finished by a task of its own.
///
/// **Errors of write-through.** [`MapError::NotStored`] is the store's: with rollback, the default, the entry has not
/// reached the map; without it, it has. Coherence without rollback only logs, this tells the caller all the same. A call
/// of many entries puts those that were acknowledged into the map, and names the first that was not;
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
pub struct ReadWriteBackingMap {
    shared: Arc<Shared>,
    expirations: Option<AbortHandle>,
}

struct Shared {
    map: Arc<dyn NamedMap>,
    order: Arc<KeyOrder>,
    mode: Mode,
    cachestore_timeout: Option<Duration>,
    runtime: Handle,
    closed: AtomicBool,
}

enum Mode {
    ReadOnly,
    Through(WriteThrough),
    Behind(Arc<WriteBehind>),
}

impl ReadWriteBackingMap {
    /// Over `map`, into `store`.
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

    /// As [`ReadWriteBackingMap::new`], with who is told what becomes of the changes that are written behind: each ends in
    /// one call of the observer, unless a newer one of its key stands for it.
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
            MapError::Misuse(format!("a read-write backing map is made inside of a tokio runtime: {error}"))
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

    /// What became of the changes so far; `None` where they are not written behind.
    pub fn counts(&self) -> Option<Counts> {
        match &self.shared.mode {
            Mode::Behind(behind) => Some(behind.counts()),
            _ => None,
        }
    }

    /// Waits until every change whose call began before has its outcome, without regard to its delay, or `deadline` has
    /// passed. How many calls and changes remain then; they go on.
    pub async fn flush(&self, deadline: Duration) -> usize {
        self.shared.flush(deadline).await
    }

    /// Takes no more changes, and waits as [`ReadWriteBackingMap::flush`] does. What waits to be written behind after
    /// `deadline` is given up: its observer is told [`crate::StoreError::Closed`]. How many calls and changes remained; those of
    /// them that were given to the store already have their outcome when the store gives it. Reads go on.
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
        tracing::warn!(map, remain, ?deadline, "closed before all changes had their outcome");
        remain
    }
}

impl Shared {
    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Refuses before the wait and after it: a close waits for the calls that got their turn before it.
    async fn claim(&self, keys: Keys) -> Result<Claim, MapError> {
        if self.is_closed() {
            return Err(closed());
        }
        let claim = self.order.claim(keys, Access::Write).await;
        if self.is_closed() { Err(closed()) } else { Ok(claim) }
    }

    fn carry_on<T: Send + 'static>(&self, call: impl Future<Output = T> + Send + 'static) -> CarryOn<T> {
        CarryOn::new(&self.runtime, call)
    }

    /// What a caller waits for the store.
    async fn in_time<T: Send + 'static>(&self, call: CarryOn<Result<T, MapError>>) -> Result<T, MapError> {
        let Some(limit) = self.cachestore_timeout else { return call.await };
        timeout(limit, call).await.unwrap_or_else(|_| {
            let reason = format!("no outcome after {limit:?} (cachestore-timeout), it may still be stored");
            Err(MapError::NotStored { index: 0, reason, retriable: true })
        })
    }

    async fn change(self: &Arc<Self>, key: &[u8], change: Change) -> Result<Option<Bytes>, MapError> {
        if let Mode::ReadOnly = self.mode {
            return change.apply(&*self.map, key).await;
        }
        change.check(key)?;
        let claim = self.claim(self.order.one(key)).await?;
        let (shared, key) = (self.clone(), Bytes::copy_from_slice(key));
        self.in_time(self.carry_on(async move {
            let _claim = claim;
            match &shared.mode {
                Mode::Through(through) => through.change(key, change).await,
                Mode::Behind(behind) => behind.change(key, change).await,
                Mode::ReadOnly => change.apply(&*shared.map, &key).await,
            }
        }))
        .await
    }

    async fn change_all(
        self: &Arc<Self>,
        entries: Arc<Entries>,
        change: ChangeAll,
    ) -> Result<Vec<NotStored>, MapError> {
        if let Mode::ReadOnly = self.mode {
            return change.apply(&*self.map, entries).await.map(|()| Vec::new());
        }
        change.check(&entries)?;
        let claim = self.claim(Keys::Batch(entries.clone())).await?;
        let shared = self.clone();
        self.in_time(self.carry_on(async move {
            let _claim = claim;
            shared.change_claimed(entries, change).await
        }))
        .await
    }

    async fn change_claimed(
        &self,
        entries: Arc<Entries>,
        change: ChangeAll,
    ) -> Result<Vec<NotStored>, MapError> {
        match &self.mode {
            Mode::Through(through) => through.change_all(entries, change).await,
            Mode::Behind(behind) => behind.change_all(entries, change).await.map(|()| Vec::new()),
            Mode::ReadOnly => change.apply(&*self.map, entries).await.map(|()| Vec::new()),
        }
    }

    /// Goes on to the end where some keys cannot be erased.
    async fn clear(self: &Arc<Self>) -> Result<(), MapError> {
        if let Mode::ReadOnly = self.mode {
            return self.map.clear().await;
        }
        let claim = self.claim(Keys::All).await?;
        let shared = self.clone();
        self.carry_on(async move {
            let _claim = claim;
            let mut keys = shared.map.keys().try_chunks(CLEAR_KEYS);
            let (mut not_erased, mut seen) = (Vec::new(), 0);
            while let Some(piece) = keys.next().await {
                let piece = Arc::new(Entries::from_keys(piece.map_err(|error| error.1)?));
                let len = piece.len();
                let failed = shared.change_claimed(piece, ChangeAll::Remove).await?;
                // The answer names the first and counts the others.
                not_erased.extend(failed.into_iter().map(|mut entry| {
                    entry.index += seen;
                    entry
                }));
                seen += len;
            }
            answer(&not_erased, seen)
        })
        .await
    }

    /// Waits for all changes, and makes one that the store does not see.
    async fn below<'a>(
        &'a self,
        call: impl FnOnce(&'a dyn NamedMap) -> BoxFuture<'a, Result<(), MapError>>,
    ) -> Result<(), MapError> {
        let _claim = self.claim(Keys::All).await?;
        call(&*self.map).await
    }

    async fn flush(&self, deadline: Duration) -> usize {
        let until = Instant::now() + deadline;
        // The calls before it have ended when it has its turn.
        let turn = self.order.claim(Keys::All, Access::Write);
        let calls = if timeout_at(until, turn).await.is_ok() { 0 } else { self.order.claims() };
        match &self.mode {
            Mode::Behind(behind) if timeout_at(until, behind.flush()).await.is_err() => {
                let counts = behind.counts();
                calls + counts.queued + counts.in_flight
            }
            _ => calls,
        }
    }
}

impl Drop for ReadWriteBackingMap {
    fn drop(&mut self) {
        self.expirations.iter().for_each(AbortHandle::abort);
    }
}

impl Drop for Shared {
    /// Behind the last call that was finished without its caller.
    fn drop(&mut self) {
        if let Mode::Behind(behind) = &self.mode {
            behind.finish();
        }
    }
}

impl NamedMap for ReadWriteBackingMap {
    fn name(&self) -> &str {
        self.shared.map.name()
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.shared.map.get(key)
    }

    fn get_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<Vec<(Bytes, Bytes)>, MapError>> {
        self.shared.map.get_all(keys)
    }

    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
        expiry: Expiry,
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.shared.change(key, Change::Put(Bytes::copy_from_slice(value), expiry)).boxed()
    }

    fn put_all(&self, entries: Arc<Entries>, expiry: Expiry) -> BoxFuture<'_, Result<(), MapError>> {
        let len = entries.len();
        async move { answer(&self.put_all_outcomes(entries, expiry).await?, len) }.boxed()
    }

    fn put_if_absent<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.shared.change(key, Change::PutIfAbsent(Bytes::copy_from_slice(value))).boxed()
    }

    fn replace<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.shared.change(key, Change::Replace(Bytes::copy_from_slice(value))).boxed()
    }

    fn remove<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.shared.change(key, Change::Remove).boxed()
    }

    fn remove_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<(), MapError>> {
        let len = keys.len();
        async move { answer(&self.remove_all_outcomes(keys).await?, len) }.boxed()
    }

    fn contains_key<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<bool, MapError>> {
        self.shared.map.contains_key(key)
    }

    fn size(&self) -> BoxFuture<'_, Result<usize, MapError>> {
        self.shared.map.size()
    }

    fn is_empty(&self) -> BoxFuture<'_, Result<bool, MapError>> {
        self.shared.map.is_empty()
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), MapError>> {
        self.shared.clear().boxed()
    }

    fn truncate(&self) -> BoxFuture<'_, Result<(), MapError>> {
        self.shared.below(|map| map.truncate()).boxed()
    }

    fn destroy(&self) -> BoxFuture<'_, Result<(), MapError>> {
        self.shared.below(|map| map.destroy()).boxed()
    }

    fn entries(&self) -> BoxStream<'_, Result<(Bytes, Bytes), MapError>> {
        self.shared.map.entries()
    }

    fn keys(&self) -> BoxStream<'_, Result<Bytes, MapError>> {
        self.shared.map.keys()
    }

    fn listen(&self, listen: Listen) -> BoxFuture<'_, Result<MapNotices, MapError>> {
        self.shared.map.listen(listen)
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
