//! Writes in doubt: they may still be applied although no caller waits for their answer.
//!
//! A request that timed out, or whose stream broke, may run later: a frozen proxy that thaws runs what it had received,
//! after newer values were written through another proxy. A repeated write of the same value is harmless then. A newer
//! value for the same key is not, until the earlier request is answered or can no longer run. The keys of such requests
//! are kept here, as hashes:
//!
//! ```text
//! the caller has gone      until the grid has answered
//! no answer in time        the stream is retired: it takes no more requests, and is read until all is answered
//! the stream broke         until its proxy has gone, has run for a while since, or was unreachable for longer than
//!                          the grid waits for a member: see `sub_channel/probe.rs`
//! ```

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use coherence_kafka_common::map::OfMap;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::request::{Changed, plain_key};

/// The entries that a request may change.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// The name of their map.
    pub(crate) map: Arc<str>,
    /// Which entries of it.
    pub(crate) entries: Changed,
}

/// The writes in doubt of one session.
#[derive(Debug)]
pub(crate) struct InDoubtWrites {
    /// How many there are, readable without a lock.
    count: AtomicUsize,
    open: Mutex<Open>,
    changed: Notify,
    hasher: RandomState,
    /// Set when the session has ended.
    closed: CancellationToken,
}

#[derive(Debug, Default)]
struct Open {
    last: u64,
    /// By id and thereby by age.
    entries: BTreeMap<u64, Entry>,
}

/// The writes of one request or of one stream.
#[derive(Debug)]
struct Entry {
    address: String,
    since: Instant,
    cause: Cause,
    may_change: MayChange,
}

/// Entries, by the hash of map and key: a collision makes a caller wait without need.
#[derive(Debug, Default)]
struct MayChange {
    keys: HashSet<u64>,
    /// Maps of which any entry may change.
    maps: HashSet<Arc<str>>,
}

/// The entries that a caller asks about.
struct Asked<'a> {
    keys: Vec<u64>,
    maps: Vec<&'a str>,
}

/// Why no caller waits for the answer.
#[derive(Debug, Clone)]
pub(crate) enum Cause {
    /// The caller has gone; the stream goes on.
    Left,
    /// A stream that did not answer in time. The token ends it.
    Retired(CancellationToken),
    /// A stream that broke. The token ends the probe of its proxy.
    Broken(CancellationToken),
}

/// One or more writes without answer. They are answered, or can no longer run, when it is dropped.
pub(crate) struct Unanswered {
    writes: Arc<InDoubtWrites>,
    id: u64,
}

impl InDoubtWrites {
    /// Returns those of a session that ends with `closed`: none yet.
    pub(crate) fn new(closed: CancellationToken) -> Self {
        Self {
            count: AtomicUsize::new(0),
            open: Mutex::default(),
            changed: Notify::new(),
            hasher: RandomState::new(),
            closed,
        }
    }

    /// From now on writes sent to `address` are in doubt.
    pub(crate) fn begin<'a>(
        self: &Arc<Self>,
        address: &str,
        cause: Cause,
        changes: impl IntoIterator<Item = &'a Change>,
    ) -> Unanswered {
        let mut may_change = MayChange::default();
        for Change { map, entries } in changes {
            match entries {
                Changed::Key(key) => drop(may_change.keys.insert(self.hash(map, key))),
                Changed::Batch(batch) => {
                    may_change.keys.extend(batch.iter().map(|(key, _)| self.hash(map, key)));
                }
                Changed::All => drop(may_change.maps.insert(map.clone())),
            }
        }
        let mut open = self.open.lock();
        open.last += 1;
        let id = open.last;
        let since = Instant::now();
        open.entries.insert(id, Entry { address: address.to_owned(), since, cause, may_change });
        self.count.store(open.entries.len(), Ordering::Release);
        Unanswered { writes: self.clone(), id }
    }

    /// Ends with the session.
    pub(crate) fn closed(&self) -> &CancellationToken {
        &self.closed
    }

    /// Returns how many streams to `address` are read for their answers only.
    pub(crate) fn retired(&self, address: &str) -> usize {
        if self.is_empty() {
            return 0;
        }
        let retired = |entry: &&Entry| entry.address == address && matches!(entry.cause, Cause::Retired(_));
        self.open.lock().entries.values().filter(retired).count()
    }

    /// Returns whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Returns what the oldest of them that may change one of these entries waits for.
    pub(crate) fn of(&self, entries: &[OfMap<'_>]) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let asked = self.asked(entries);
        let open = self.open.lock();
        let Entry { address, cause, .. } = open.entries.values().find(|entry| entry.may_change(&asked))?;
        let why = match cause {
            Cause::Left | Cause::Retired(_) => "",
            Cause::Broken(_) => ": the connection broke, and its proxy neither refuses nor answers a new one",
        };
        Some(format!("an earlier attempt by way of {address} is unanswered{why}"))
    }

    /// Waits until none of them may change one of these entries. Returns false if one was given up after `timeout`
    /// without answer.
    pub(crate) async fn until_resolved(&self, entries: &[OfMap<'_>], timeout: Option<Duration>) -> bool {
        if self.is_empty() {
            return true;
        }
        let asked = self.asked(entries);
        let mut all = true;
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let oldest = self.open.lock().entries.values().find(|e| e.may_change(&asked)).map(|e| e.since);
            let Some(since) = oldest else { return all };
            // A time too far away to be computed never comes.
            match timeout.and_then(|timeout| since.checked_add(timeout)) {
                None => changed.await,
                Some(end) => {
                    if timeout_at(end, changed).await.is_err() {
                        all &= !self.give_up(since);
                    }
                }
            }
        }
    }

    fn hash(&self, map: &str, key: &[u8]) -> u64 {
        self.hasher.hash_one((map, key))
    }

    fn asked<'a>(&self, entries: &[OfMap<'a>]) -> Asked<'a> {
        let keys = entries
            .iter()
            .flat_map(|OfMap { map, entries }| entries.iter().map(|(key, _)| self.hash(map, plain_key(key))));
        Asked { keys: keys.collect(), maps: entries.iter().map(|of| of.map).collect() }
    }

    /// Forgets those that are as old as `since` or older. Returns whether there were any.
    fn give_up(&self, since: Instant) -> bool {
        let mut open = self.open.lock();
        let before = open.entries.len();
        open.entries.retain(|_, entry| {
            let keep = entry.since > since;
            if !keep {
                let address = &entry.address;
                tracing::warn!(address, "writes in doubt given up; they may still be applied");
                if let Cause::Retired(end) | Cause::Broken(end) = &entry.cause {
                    end.cancel();
                }
            }
            keep
        });
        self.count.store(open.entries.len(), Ordering::Release);
        self.changed.notify_waiters();
        open.entries.len() < before
    }
}

impl Entry {
    fn may_change(&self, asked: &Asked<'_>) -> bool {
        let MayChange { keys, maps } = &self.may_change;
        asked.maps.iter().any(|map| maps.contains(*map)) || asked.keys.iter().any(|key| keys.contains(key))
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let mut open = self.writes.open.lock();
        if open.entries.remove(&self.id).is_some() {
            self.writes.count.store(open.entries.len(), Ordering::Release);
            self.writes.changed.notify_waiters();
        }
    }
}

impl fmt::Debug for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unanswered").field("id", &self.id).finish_non_exhaustive()
    }
}
