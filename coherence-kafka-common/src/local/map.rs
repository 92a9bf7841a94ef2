//! One embedded map: how its calls reach the shards.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use foldhash::fast::RandomState;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _};
use hashbrown::HashSet;
use parking_lot::{Mutex, MutexGuard};

use super::LocalOptions;
use super::clock::{self, Clock};
use super::entry::{Entry, MAX_ENTRY_BYTES};
use super::listening::Mailbox;
use super::shard::{Call, SWEEP_STEPS, Shard};
use crate::map::{
    Entries, EventKind, Expiry, KeyPage, Listen, ListenTo, MapError, MapEvent, MapNotice, MapNotices,
    NamedMap,
};

mod notices;
mod walk;

use notices::Notices;
pub(super) use walk::Walk;

/// A map in memory, for many threads at once.
///
/// Entries lie in shards by the hash of their key, each behind its own lock, so that tasks writing different
/// keys seldom meet. One entry is one allocation of its key, its value and four bytes (twelve where it expires),
/// and 20 to 40 bytes in the table of its shard, depending on how full that is.
///
/// A destroyed map is an empty one: all handles stay handles of the map that the next use of any of them makes.
/// Calls that concern one key are atomic; `truncate` and `destroy` are atomic over all keys; `put_all`,
/// `remove_all` and `clear` go from key to key.
pub struct LocalMap {
    name: String,
    expiry: Option<Duration>,
    listener_bytes: usize,
    clock: Clock,
    hasher: RandomState,
    pub(super) shards: Arc<[Mutex<Shard>]>,
    sweep: Sweep,
}

/// A power of two. Many more than threads, or they would wait for each other too often.
const SHARDS: usize = 64;

/// Lets writes find expired entries in shards that are not used.
#[derive(Default)]
struct Sweep {
    /// Whether an entry with a deadline was ever put.
    needed: AtomicBool,
    next_shard: AtomicUsize,
}

impl LocalMap {
    /// Creates an empty map that belongs to no session, with default options.
    pub fn new(name: &str) -> Self {
        Self::with(name, &LocalOptions::default())
    }

    pub(super) fn with(name: &str, options: &LocalOptions) -> Self {
        Self {
            name: name.to_owned(),
            expiry: options.map_expiry.get(name).copied().unwrap_or(options.expiry),
            listener_bytes: options.listener_bytes,
            clock: options.clock.clone(),
            hasher: RandomState::default(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            sweep: Sweep::default(),
        }
    }

    /// Returns the number of entries. Not a snapshot while others write.
    pub fn len(&self) -> usize {
        self.sum(Shard::len)
    }

    /// Returns true without entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sum of the lengths of all keys and values in bytes: what the map holds, without the memory it takes to
    /// hold it.
    pub fn payload_bytes(&self) -> usize {
        self.sum(Shard::payload_bytes)
    }

    /// Returns the memory that the map takes in bytes, without what waits for its listeners. An estimate: what the
    /// tables take is exact, for each entry it counts 16 bytes for the allocator, which knows better.
    pub fn memory_bytes(&self) -> usize {
        self.sum(|shard, _| shard.memory_bytes())
    }

    /// Puts an entry with its own deadline; `None` is without expiry.
    pub(super) fn restore(&self, key: &[u8], value: &[u8], deadline: Option<u64>) {
        self.sweep.needed.fetch_or(deadline.is_some(), Ordering::Relaxed);
        self.put_entry(&mut self.call(), key, value, deadline);
    }

    /// Returns the hash of every entry of a shard; `None` behind the last shard.
    fn hashes(&self, shard: usize) -> Option<Vec<u64>> {
        let mut call = self.call();
        let hashes = self.shards.get(shard)?.lock().hashes(&mut call);
        call.wake_all();
        Some(hashes)
    }

    fn call(&self) -> Call<'_> {
        Call::new(&self.hasher, &self.clock)
    }

    fn sum(&self, of: impl Fn(&mut Shard, &mut Call<'_>) -> usize) -> usize {
        let mut call = self.call();
        let sum = self.shards.iter().map(|shard| of(&mut shard.lock(), &mut call)).sum();
        call.wake_all();
        sum
    }

    /// Returns the shard of a hash, from its middle bits: the table of a shard uses the lowest and the highest ones.
    fn shard_of(hash: u64) -> usize {
        (hash >> 32) as usize % SHARDS
    }

    fn lock(&self, hash: u64) -> MutexGuard<'_, Shard> {
        self.shards[Self::shard_of(hash)].lock()
    }

    fn put_entry(&self, call: &mut Call<'_>, key: &[u8], value: &[u8], deadline: Option<u64>) {
        let hash = self.hasher.hash_one(key);
        self.lock(hash).put(call, hash, key, value, deadline);
        call.wake_all();
    }

    fn remove_entry(&self, call: &mut Call<'_>, key: &[u8]) -> Option<Entry> {
        let hash = self.hasher.hash_one(key);
        let removed = self.lock(hash).remove(call, hash, key);
        call.wake_all();
        removed
    }

    /// Puts `value` unless the presence of `key` forbids it. What was there before.
    fn put_where(
        &self,
        key: &[u8],
        value: &[u8],
        expiry: Expiry,
        allowed: impl FnOnce(bool) -> bool,
    ) -> Option<Bytes> {
        let mut call = self.call();
        let deadline = self.deadline(&mut call, expiry);
        let hash = self.hasher.hash_one(key);
        let mut shard = self.lock(hash);
        let old = shard.value(&mut call, hash, key).map(Bytes::copy_from_slice);
        if allowed(old.is_some()) {
            shard.put(&mut call, hash, key, value, deadline);
        }
        drop(shard);
        self.end_write(call);
        old
    }

    fn read<T>(&self, call: &mut Call<'_>, key: &[u8], of: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let hash = self.hasher.hash_one(key);
        let read = self.lock(hash).value(call, hash, key).map(of);
        call.wake_all();
        read
    }

    fn deadline(&self, call: &mut Call<'_>, expiry: Expiry) -> Option<u64> {
        let expiry = match expiry {
            Expiry::Default => self.expiry?,
            Expiry::Never => return None,
            Expiry::After(expiry) => expiry,
        };
        self.sweep.needed.store(true, Ordering::Relaxed);
        Some(clock::deadline(call.now(), expiry))
    }

    /// Every call that wrote looks a little after what has expired elsewhere.
    fn end_write(&self, mut call: Call<'_>) {
        if self.sweep.needed.load(Ordering::Relaxed) {
            let next = self.sweep.next_shard.fetch_add(1, Ordering::Relaxed) % SHARDS;
            self.shards[next].lock().expire(&mut call, SWEEP_STEPS);
        }
        call.wake_all();
    }

    fn locked(&self) -> Vec<MutexGuard<'_, Shard>> {
        self.shards.iter().map(Mutex::lock).collect()
    }

    fn truncate_now(&self) {
        let mut call = self.call();
        let mut shards = self.locked();
        for (index, shard) in shards.iter_mut().enumerate() {
            shard.take();
            for mailbox in shard.listeners.iter().flat_map(|listeners| listeners.each(index == 0)) {
                call.wake(mailbox.push(MapNotice::Truncated));
            }
        }
        drop(shards);
        call.wake_all();
    }

    fn destroy_now(&self) {
        let mut call = self.call();
        let mut shards = self.locked();
        for (index, shard) in shards.iter_mut().enumerate() {
            shard.take();
            for mailbox in shard.listeners.take().iter().flat_map(|listeners| listeners.each(index == 0)) {
                call.wake(mailbox.end(Some(MapNotice::Destroyed)));
            }
        }
        drop(shards);
        call.wake_all();
    }

    fn listen_now(&self, listen: Listen) -> Result<MapNotices, MapError> {
        let (key, primed) = match listen.to {
            ListenTo::All => (None, false),
            ListenTo::Key(key) => (Some(key), false),
            ListenTo::PrimedKey(key) => (Some(key), true),
            ListenTo::Filter(_) => {
                return Err(MapError::Misuse(
                    "an embedded map evaluates no filters, only a grid does".to_owned(),
                ));
            }
        };
        let mailbox = Mailbox::new(listen.lite, self.listener_bytes);
        let mut notices = Notices { mailbox, shards: Arc::downgrade(&self.shards), key: None };
        let Some(key) = key else {
            for shard in &self.shards[..] {
                shard.lock().listeners.get_or_insert_default().add(&notices.mailbox, None);
            }
            return Ok(notices.boxed());
        };
        check_key(&key).map_err(|reason| not_sent(0, reason))?;
        let mut call = self.call();
        let hash = self.hasher.hash_one(&key[..]);
        let mut shard = self.lock(hash);
        let value = shard.value(&mut call, hash, &key).map(Bytes::copy_from_slice);
        if primed {
            call.wake(notices.mailbox.push(MapNotice::Event(MapEvent {
                kind: EventKind::Inserted,
                key: key.clone(),
                old_value: None,
                new_value: value.filter(|_| !listen.lite),
                synthetic: true,
                expired: false,
                priming: true,
            })));
        }
        shard.listeners.get_or_insert_default().add(&notices.mailbox, Some(&key));
        drop(shard);
        notices.key = Some((Self::shard_of(hash), key));
        call.wake_all();
        Ok(notices.boxed())
    }
}

impl Drop for LocalMap {
    fn drop(&mut self) {
        let mut wakers = Vec::new();
        for (index, shard) in self.shards.iter().enumerate() {
            let listeners = shard.lock().listeners.take();
            wakers.extend(listeners.iter().flat_map(|l| l.each(index == 0)).filter_map(|m| m.end(None)));
        }
        wakers.into_iter().for_each(std::task::Waker::wake);
    }
}

impl fmt::Debug for LocalMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalMap").field("name", &self.name).field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Refuses what a grid cannot hold or does not survive, so that the two are one to their users.
fn check_key(key: &[u8]) -> Result<(), &'static str> {
    match key.len() {
        0 => Err("the key is empty"),
        1..=MAX_ENTRY_BYTES => Ok(()),
        _ => Err("the key exceeds 2 GiB"),
    }
}

fn check_entry(key: &[u8], value: &[u8]) -> Result<(), &'static str> {
    check_key(key)?;
    if value.is_empty() {
        return Err("the value is empty, expected a serialized value");
    }
    if key.len().saturating_add(value.len()) > MAX_ENTRY_BYTES {
        return Err("key and value together exceed 2 GiB");
    }
    Ok(())
}

fn not_sent(index: usize, reason: &str) -> MapError {
    MapError::NotSent { index, reason: reason.to_owned() }
}

/// Nothing of a batch is applied where one of its entries cannot be.
fn check_all(
    entries: &Entries,
    check: impl Fn(&[u8], &[u8]) -> Result<(), &'static str>,
) -> Result<(), MapError> {
    let bad = |(index, (key, value))| check(key, value).map_err(|reason| not_sent(index, reason));
    entries.iter().enumerate().try_for_each(bad)
}

/// Returns a future that does all its work when it is first polled.
fn at_once<'a, T: 'a>(
    work: impl FnOnce() -> Result<T, MapError> + Send + 'a,
) -> BoxFuture<'a, Result<T, MapError>> {
    async move { work() }.boxed()
}

impl NamedMap for LocalMap {
    fn name(&self) -> &str {
        &self.name
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        at_once(move || {
            check_key(key).map_err(|reason| not_sent(0, reason))?;
            Ok(self.read(&mut self.call(), key, Bytes::copy_from_slice))
        })
    }

    fn get_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<Vec<(Bytes, Bytes)>, MapError>> {
        at_once(move || {
            check_all(&keys, |key, _| check_key(key))?;
            let mut call = self.call();
            let mut seen = HashSet::with_capacity(keys.len());
            let wanted = keys.iter().map(|(key, _)| key).filter(|key| seen.insert(*key));
            let present = wanted.filter_map(|key| self.read(&mut call, key, |value| pair(key, value)));
            Ok(present.collect())
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
        expiry: Expiry,
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        at_once(move || {
            expiry.after_millis()?;
            check_entry(key, value).map_err(|reason| not_sent(0, reason))?;
            Ok(self.put_where(key, value, expiry, |_| true))
        })
    }

    fn put_all(&self, entries: Arc<Entries>, expiry: Expiry) -> BoxFuture<'_, Result<(), MapError>> {
        at_once(move || {
            expiry.after_millis()?;
            check_all(&entries, check_entry)?;
            let mut call = self.call();
            let deadline = self.deadline(&mut call, expiry);
            for (key, value) in entries.iter() {
                self.put_entry(&mut call, key, value, deadline);
            }
            self.end_write(call);
            Ok(())
        })
    }

    /// With the default expiry of the map, as on a grid.
    fn put_if_absent<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        at_once(move || {
            check_entry(key, value).map_err(|reason| not_sent(0, reason))?;
            Ok(self.put_where(key, value, Expiry::Default, |present| !present))
        })
    }

    /// With the default expiry of the map, as on a grid.
    fn replace<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        at_once(move || {
            check_entry(key, value).map_err(|reason| not_sent(0, reason))?;
            Ok(self.put_where(key, value, Expiry::Default, |present| present))
        })
    }

    fn remove<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        at_once(move || {
            check_key(key).map_err(|reason| not_sent(0, reason))?;
            let mut call = self.call();
            let removed = self.remove_entry(&mut call, key);
            self.end_write(call);
            Ok(removed.map(|entry| Bytes::copy_from_slice(entry.value())))
        })
    }

    fn remove_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<(), MapError>> {
        at_once(move || {
            check_all(&keys, |key, _| check_key(key))?;
            let mut call = self.call();
            for (key, _) in keys.iter() {
                self.remove_entry(&mut call, key);
            }
            self.end_write(call);
            Ok(())
        })
    }

    fn contains_key<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<bool, MapError>> {
        at_once(move || {
            check_key(key).map_err(|reason| not_sent(0, reason))?;
            Ok(self.read(&mut self.call(), key, |_| ()).is_some())
        })
    }

    fn size(&self) -> BoxFuture<'_, Result<usize, MapError>> {
        at_once(|| Ok(self.len()))
    }

    fn is_empty(&self) -> BoxFuture<'_, Result<bool, MapError>> {
        at_once(|| Ok(self.is_empty()))
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), MapError>> {
        at_once(|| {
            self.sum(|shard, call| {
                shard.clear(call);
                0
            });
            Ok(())
        })
    }

    fn truncate(&self) -> BoxFuture<'_, Result<(), MapError>> {
        at_once(|| {
            self.truncate_now();
            Ok(())
        })
    }

    fn destroy(&self) -> BoxFuture<'_, Result<(), MapError>> {
        at_once(|| {
            self.destroy_now();
            Ok(())
        })
    }

    /// In pieces of 64 KiB: no lock is held between them, and an entry that exists from the first to the last one comes
    /// exactly once.
    fn entries(&self) -> BoxStream<'_, Result<(Bytes, Bytes), MapError>> {
        stream::iter(Walk::new(self, |entry| Ok(pair(entry.key(), entry.value())))).boxed()
    }

    /// As [`LocalMap::entries`].
    fn keys(&self) -> BoxStream<'_, Result<Bytes, MapError>> {
        stream::iter(Walk::new(self, |entry| Ok(Bytes::copy_from_slice(entry.key())))).boxed()
    }

    /// Returns the keys of one shard.
    fn page_of_keys(&self, cookie: Bytes) -> BoxFuture<'_, Result<KeyPage, MapError>> {
        at_once(move || {
            let index = cookie.first().map_or(0, |index| usize::from(*index));
            let shard = self.shards.get(index).filter(|_| cookie.len() < 2);
            let shard =
                shard.ok_or_else(|| MapError::Misuse("the map has no such page of keys".to_owned()))?;
            let mut call = self.call();
            let keys = shard.lock().keys(&mut call);
            call.wake_all();
            let next = u8::try_from(index + 1).ok().filter(|next| usize::from(*next) < SHARDS);
            Ok(KeyPage { keys, next: next.map(|next| Bytes::copy_from_slice(&[next])) })
        })
    }

    /// Listens to the map. A listener that leaves more waiting than [`LocalOptions::listener_bytes`] loses all of it
    /// and gets one [`MapNotice::Gap`] instead. An expiry is reported when it is noticed: at the next use of the entry,
    /// of its whole map, or within the next writes. The stream ends when the map is dropped.
    fn listen(&self, listen: Listen) -> BoxFuture<'_, Result<MapNotices, MapError>> {
        at_once(move || self.listen_now(listen))
    }
}

/// Both in one allocation.
fn pair(key: &[u8], value: &[u8]) -> (Bytes, Bytes) {
    let mut key_and_value = Bytes::from([key, value].concat());
    let key = key_and_value.split_to(key.len());
    (key, key_and_value)
}
