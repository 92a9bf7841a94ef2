//! The changes of a read-write backing map: each under the claim of its keys, and finished also where its caller no
//! longer waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use coherence_kafka_common::key_locks::{Access, KeyGuard, KeyLocks, Keys};
use coherence_kafka_common::map::{Entries, MapError, NamedMap};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::TryStreamExt as _;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout, timeout_at};

use super::change::{Change, ChangeAll, NotStored, answer};
use super::complete_on_drop::CompleteOnDrop;
use super::write_behind::{WriteBehind, closed};
use super::write_through::WriteThrough;

/// Keys that [`NamedMap::clear`] takes at once.
const CLEAR_KEYS: usize = 1024;

/// The state that a map, its calls and its tasks share.
pub(super) struct Shared {
    pub map: Arc<dyn NamedMap>,
    pub order: Arc<KeyLocks>,
    pub mode: Mode,
    pub cachestore_timeout: Option<Duration>,
    pub runtime: Handle,
    pub closed: AtomicBool,
}

/// How it writes.
pub(super) enum Mode {
    ReadOnly,
    Through(WriteThrough),
    Behind(Arc<WriteBehind>),
}

impl Shared {
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Refuses before the wait and after it: a close waits for the calls that got their turn before it.
    pub(super) async fn claim(&self, keys: Keys) -> Result<KeyGuard, MapError> {
        if self.is_closed() {
            return Err(closed());
        }
        let claim = self.order.claim(keys, Access::Write).await;
        if self.is_closed() { Err(closed()) } else { Ok(claim) }
    }

    pub(super) fn complete_on_drop<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> CompleteOnDrop<T> {
        CompleteOnDrop::new(&self.runtime, call)
    }

    /// Waits for the store, as long as a caller waits at most.
    async fn in_time<T: Send + 'static>(
        &self,
        call: CompleteOnDrop<Result<T, MapError>>,
    ) -> Result<T, MapError> {
        let Some(limit) = self.cachestore_timeout else { return call.await };
        timeout(limit, call).await.unwrap_or_else(|_| {
            let reason = format!("no outcome after {limit:?} (cachestore-timeout), it may still be stored");
            Err(MapError::NotStored { index: 0, reason, retriable: true })
        })
    }

    pub(super) async fn change(
        self: &Arc<Self>,
        key: &[u8],
        change: Change,
    ) -> Result<Option<Bytes>, MapError> {
        if let Mode::ReadOnly = self.mode {
            return change.apply(&*self.map, key).await;
        }
        change.check(key)?;
        let claim = self.claim(self.order.one(key)).await?;
        let (shared, key) = (self.clone(), Bytes::copy_from_slice(key));
        self.in_time(self.complete_on_drop(async move {
            let _claim = claim;
            match &shared.mode {
                Mode::Through(through) => through.change(key, change).await,
                Mode::Behind(behind) => behind.change(key, change).await,
                Mode::ReadOnly => change.apply(&*shared.map, &key).await,
            }
        }))
        .await
    }

    pub(super) async fn change_all(
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
        self.in_time(self.complete_on_drop(async move {
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

    /// Continues to the end where some keys cannot be erased.
    pub(super) async fn clear(self: &Arc<Self>) -> Result<(), MapError> {
        if let Mode::ReadOnly = self.mode {
            return self.map.clear().await;
        }
        let claim = self.claim(Keys::All).await?;
        let shared = self.clone();
        self.complete_on_drop(async move {
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
    pub(super) async fn below<'a>(
        &'a self,
        call: impl FnOnce(&'a dyn NamedMap) -> BoxFuture<'a, Result<(), MapError>>,
    ) -> Result<(), MapError> {
        let _claim = self.claim(Keys::All).await?;
        call(&*self.map).await
    }

    pub(super) async fn flush(&self, deadline: Duration) -> usize {
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

impl Drop for Shared {
    /// Behind the last call that was finished without its caller.
    fn drop(&mut self) {
        if let Mode::Behind(behind) = &self.mode {
            behind.finish();
        }
    }
}
