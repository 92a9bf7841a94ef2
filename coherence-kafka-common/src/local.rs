//! The embedded map: entries in this process's own memory, behind the traits of [`crate::map`].
//!
//! Owns: the entries. Never does: expire, evict or persist them, decode them, or wait: its futures are ready when
//! they are first polled.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use bytes::Bytes;
use foldhash::fast::RandomState;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use hashbrown::HashMap;
use hashbrown::hash_table::{self, HashTable};
use parking_lot::Mutex;

use crate::map::{Entries, Expiry, Format, MapError, NamedMap, Session};

/// A session whose maps live in this process and end with it.
#[derive(Debug)]
pub struct LocalSession {
    format: Format,
    maps: Mutex<HashMap<String, Arc<LocalMap>>>,
}

impl LocalSession {
    /// A session without maps. `format` is what its users agree to write; nothing here reads it.
    pub fn new(format: Format) -> Self {
        Self { format, maps: Mutex::default() }
    }

    /// The map of this name, made if it is not there.
    pub fn local_map(&self, name: &str) -> Result<Arc<LocalMap>, MapError> {
        self.check_map_name(name)?;
        let mut maps = self.maps.lock();
        Ok(Arc::clone(maps.entry_ref(name).or_insert_with(|| Arc::new(LocalMap::new(name)))))
    }
}

impl Session for LocalSession {
    fn format(&self) -> Format {
        self.format
    }

    /// Any name but the empty one.
    fn check_map_name(&self, name: &str) -> Result<(), MapError> {
        if name.is_empty() {
            return Err(MapError::Misuse("the name of a map must not be empty".to_owned()));
        }
        Ok(())
    }

    fn map<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>> {
        Box::pin(async move { self.local_map(name).map(|map| map as Arc<dyn NamedMap>) })
    }
}

/// A map in memory, for many threads at once.
///
/// Entries lie in shards by the hash of their key, each behind its own lock, so that tasks writing different
/// keys seldom meet. One entry is one allocation of its key, its value and four bytes, and 20 to 40 bytes in
/// the table of its shard, depending on how full that is.
pub struct LocalMap {
    name: String,
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
}

/// A power of two. Many more than threads, or they would wait for each other too often.
const SHARDS: usize = 64;

impl LocalMap {
    /// An empty map that belongs to no session.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            hasher: RandomState::default(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Puts one entry, replacing the one present.
    ///
    /// # Panics
    /// If the key exceeds 4 GiB.
    pub fn put(&self, key: &[u8], value: &[u8]) {
        let hash = self.hasher.hash_one(key);
        self.shard(hash).lock().put(&self.hasher, hash, key, value);
    }

    /// Removes one entry. True if it was there.
    pub fn remove(&self, key: &[u8]) -> bool {
        let hash = self.hasher.hash_one(key);
        self.shard(hash).lock().remove(hash, key)
    }

    /// A copy of the value of `key`.
    pub fn value(&self, key: &[u8]) -> Option<Bytes> {
        let hash = self.hasher.hash_one(key);
        let shard = self.shard(hash).lock();
        let entry = shard.table.find(hash, |entry| entry.key() == key)?;
        Some(Bytes::copy_from_slice(entry.value()))
    }

    /// Number of entries. Not a snapshot while others write.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().table.len()).sum()
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| shard.lock().table.is_empty())
    }

    /// Sum of the lengths of all keys and values in bytes: what the map holds, without the memory it takes to
    /// hold it.
    pub fn payload_bytes(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().payload_bytes).sum()
    }

    /// The table of a shard uses the lowest and the highest bits of the same hash; these are from between.
    fn shard(&self, hash: u64) -> &Mutex<Shard> {
        &self.shards[(hash >> 32) as usize % SHARDS]
    }
}

impl fmt::Debug for LocalMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalMap").field("name", &self.name).field("len", &self.len()).finish_non_exhaustive()
    }
}

impl NamedMap for LocalMap {
    fn name(&self) -> &str {
        &self.name
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        Box::pin(async move { Ok(self.value(key)) })
    }

    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
        _expiry: Expiry,
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        Box::pin(async move {
            let old = self.value(key);
            LocalMap::put(self, key, value);
            Ok(old)
        })
    }

    fn put_all(&self, entries: Arc<Entries>, _expiry: Expiry) -> BoxFuture<'_, Result<(), MapError>> {
        Box::pin(async move {
            for (key, value) in entries.iter() {
                LocalMap::put(self, key, value);
            }
            Ok(())
        })
    }

    fn remove<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        Box::pin(async move {
            let old = self.value(key);
            LocalMap::remove(self, key);
            Ok(old)
        })
    }

    fn remove_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<(), MapError>> {
        Box::pin(async move {
            for (key, _) in keys.iter() {
                LocalMap::remove(self, key);
            }
            Ok(())
        })
    }

    fn size(&self) -> BoxFuture<'_, Result<usize, MapError>> {
        Box::pin(async move { Ok(self.len()) })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), MapError>> {
        Box::pin(async move {
            for shard in &self.shards {
                *shard.lock() = Shard::default();
            }
            Ok(())
        })
    }

    /// Shard after shard: a write in between may be missing from the copy.
    fn entries(&self) -> BoxStream<'_, Result<(Bytes, Bytes), MapError>> {
        let copy = |shard: &Mutex<Shard>| -> Vec<_> {
            let entries = |entry: &Entry| {
                let bytes = Bytes::copy_from_slice(&entry.0[KEY..]);
                let key = bytes.slice(..entry.key().len());
                Ok((key, bytes.slice(entry.key().len()..)))
            };
            shard.lock().table.iter().map(entries).collect()
        };
        Box::pin(stream::iter(self.shards.iter().flat_map(copy)))
    }
}

#[derive(Default)]
struct Shard {
    table: HashTable<Entry>,
    payload_bytes: usize,
}

impl Shard {
    fn put(&mut self, hasher: &RandomState, hash: u64, key: &[u8], value: &[u8]) {
        let slot = self.table.entry(hash, |entry| entry.key() == key, |entry| hasher.hash_one(entry.key()));
        self.payload_bytes += key.len() + value.len();
        match slot {
            hash_table::Entry::Occupied(mut old) => {
                self.payload_bytes -= old.get().payload_bytes();
                old.get_mut().replace_value(value);
            }
            hash_table::Entry::Vacant(free) => {
                free.insert(Entry::new(key, value));
            }
        }
    }

    fn remove(&mut self, hash: u64, key: &[u8]) -> bool {
        let Ok(found) = self.table.find_entry(hash, |entry| entry.key() == key) else { return false };
        let (entry, _) = found.remove();
        self.payload_bytes -= entry.payload_bytes();
        true
    }
}

/// The length of the key in 4 bytes, the key, the value.
struct Entry(Box<[u8]>);

/// Where the key starts.
const KEY: usize = 4;

impl Entry {
    fn new(key: &[u8], value: &[u8]) -> Self {
        let key_len = u32::try_from(key.len()).expect("no key is as long as 4 GiB").to_ne_bytes();
        Self([&key_len, key, value].concat().into_boxed_slice())
    }

    fn value_start(&self) -> usize {
        let [a, b, c, d, ..] = *self.0 else { return KEY };
        KEY + u32::from_ne_bytes([a, b, c, d]) as usize
    }

    fn key(&self) -> &[u8] {
        &self.0[KEY..self.value_start()]
    }

    fn value(&self) -> &[u8] {
        &self.0[self.value_start()..]
    }

    fn payload_bytes(&self) -> usize {
        self.0.len() - KEY
    }

    /// Values of one map tend to be equally long; then the allocation stays.
    fn replace_value(&mut self, value: &[u8]) {
        let start = self.value_start();
        match self.0.get_mut(start..) {
            Some(old) if old.len() == value.len() => old.copy_from_slice(value),
            _ => *self = Self::new(self.key(), value),
        }
    }
}

#[cfg(test)]
mod tests;
