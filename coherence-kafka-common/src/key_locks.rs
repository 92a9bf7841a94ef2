//! Locks on keys, which keep the calls of a map in order where they concern the same key.
//!
//! What runs calls side by side finishes them in any order, as a grid does with the requests of a stream, so two writes
//! to one key must not be in flight together. Every call claims its keys before it does anything: it waits for the calls
//! before it that hold one of them, and releases them when it is over. Reads share a key with each other.
//!
//! All keys of a call are claimed at once, under one lock, so claims wait only for older ones: no deadlock is possible,
//! and calls get a key in the order in which they were first polled. A call that leaves while it waits keeps its place
//! until those before it have ended, for the sake of those behind it.
//!
//! Keys are compared by a hash of 64 bits: two keys of one hash wait for each other without need.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use foldhash::fast::RandomState;
use futures::channel::oneshot;
use hashbrown::hash_table::{Entry, HashTable};
use parking_lot::Mutex;

use crate::decoration::undecorated_key;
use crate::map::Entries;

/// The keys that a call concerns.
#[derive(Debug, Clone)]
pub enum Keys {
    /// One, by its hash: see [`KeyLocks::one`].
    One(u64),
    /// Those of a batch.
    Batch(Arc<Entries>),
    /// All that the map has or may have.
    All,
}

/// What a call does with its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing that another reader of the key would notice.
    Read,
    /// Anything else.
    Write,
}

/// The locks on the keys of one map.
#[derive(Default)]
pub struct KeyLocks {
    hasher: RandomState,
    claims: Mutex<Claims>,
}

/// The keys of one call, locked until it is dropped.
pub struct KeyGuard {
    order: Arc<KeyLocks>,
    id: u64,
}

#[derive(Default)]
struct Claims {
    /// The id given last; 0 is none.
    last: u64,
    /// Every claim that holds its keys or waits for them, by id and thereby by age.
    pending: BTreeMap<u64, Pending>,
    /// The claim that entered while there was no other: its keys are not in the table before a second one comes,
    /// which spares a single writer of large batches the table.
    alone: Option<u64>,
    /// The youngest claim that writes each key.
    writers: HashTable<Held>,
    /// The claims that read keys, younger than the writer; a key is in it once for each of them.
    readers: HashTable<Held>,
    /// The youngest claim on all keys.
    all: Option<u64>,
}

struct Pending {
    keys: Keys,
    access: Access,
    /// Of its keys, once they are in the tables: to release them without reading them again.
    hashes: Vec<u64>,
    /// How many older claims it waits for.
    before: usize,
    /// The younger claims that wait for it.
    behind: Vec<u64>,
    turn: Option<oneshot::Sender<()>>,
    /// Its call has gone while it waited.
    left: bool,
}

/// Small, because a call of thousands of keys puts as many of them into a table.
struct Held {
    hash: u64,
    id: u64,
}

/// Keys for which a table keeps its memory when it is empty.
const KEPT_KEYS: usize = 1 << 16;

impl KeyLocks {
    /// Returns the key of a call with one, by the hash of its undecorated form.
    pub fn one(&self, key: &[u8]) -> Keys {
        Keys::One(self.hash(key))
    }

    /// Waits until no older claim stands against this one. Its age counts from the first poll.
    pub async fn claim(self: &Arc<Self>, keys: Keys, access: Access) -> KeyGuard {
        let (claim, turn) = self.enter(keys, access);
        if let Some(turn) = turn {
            // The sender is dropped only after the claim has gone.
            let _ = turn.await;
        }
        claim
    }

    /// Returns how many claims hold their keys or wait for them.
    pub fn claims(&self) -> usize {
        self.claims.lock().pending.values().filter(|pending| !pending.left).count()
    }

    fn enter(self: &Arc<Self>, keys: Keys, access: Access) -> (KeyGuard, Option<oneshot::Receiver<()>>) {
        let mut claims = self.claims.lock();
        claims.last += 1;
        let id = claims.last;
        let alone = claims.pending.is_empty();
        let pending = Pending {
            keys,
            access,
            hashes: Vec::new(),
            before: 0,
            behind: Vec::new(),
            turn: None,
            left: false,
        };
        claims.pending.insert(id, pending);
        let mut turn = None;
        if alone {
            claims.alone = Some(id);
        } else {
            if let Some(first) = claims.alone.take() {
                claims.take_keys(first, |key| self.hash(key));
            }
            let before = claims.take_keys(id, |key| self.hash(key));
            for older in &before {
                if let Some(older) = claims.pending.get_mut(older) {
                    older.behind.push(id);
                }
            }
            if !before.is_empty()
                && let Some(pending) = claims.pending.get_mut(&id)
            {
                let (sender, receiver) = oneshot::channel();
                pending.before = before.len();
                pending.turn = Some(sender);
                turn = Some(receiver);
            }
        }
        (KeyGuard { order: self.clone(), id }, turn)
    }

    fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(undecorated_key(key).unwrap_or(key))
    }
}

impl Claims {
    /// Enters the keys of a claim into the tables; the older claims that stand against it, each once.
    fn take_keys(&mut self, id: u64, hash: impl Fn(&[u8]) -> u64) -> Vec<u64> {
        let Some(pending) = self.pending.get_mut(&id) else { return Vec::new() };
        pending.hashes = match &pending.keys {
            Keys::One(hash) => vec![*hash],
            Keys::Batch(entries) => entries.iter().map(|(key, _)| hash(key)).collect(),
            Keys::All => {
                self.all = Some(id);
                return self.pending.range(..id).map(|(older, _)| *older).collect();
            }
        };
        let mut before: Vec<u64> = self.all.into_iter().collect();
        match pending.access {
            Access::Read => {
                self.readers.reserve(pending.hashes.len(), Held::hash);
                for hash in &pending.hashes {
                    before.extend(find(&self.writers, *hash));
                    self.readers.insert_unique(*hash, Held { hash: *hash, id }, Held::hash);
                }
            }
            Access::Write => {
                self.writers.reserve(pending.hashes.len(), Held::hash);
                for hash in &pending.hashes {
                    match self.writers.entry(*hash, |held| held.hash == *hash, Held::hash) {
                        Entry::Vacant(vacant) => {
                            vacant.insert(Held { hash: *hash, id });
                        }
                        Entry::Occupied(mut occupied) => {
                            before.push(std::mem::replace(&mut occupied.get_mut().id, id));
                        }
                    }
                    // Later calls wait for this claim, and thereby for them.
                    while let Ok(reader) = self.readers.find_entry(*hash, |held| held.hash == *hash) {
                        before.push(reader.remove().0.id);
                    }
                }
            }
        }
        before.sort_unstable();
        before.dedup();
        // Two keys of one call may have the same hash.
        before.retain(|older| *older != id);
        before
    }

    /// The claim is over. Returns those whose turn it is now.
    fn leave(&mut self, id: u64) -> Vec<oneshot::Sender<()>> {
        let mut turns = Vec::new();
        match self.pending.get_mut(&id) {
            Some(pending) if pending.before > 0 => {
                pending.left = true;
                return turns;
            }
            _ => {}
        }
        let mut over = vec![id];
        while let Some(id) = over.pop() {
            let Some(pending) = self.pending.remove(&id) else { continue };
            if self.alone == Some(id) {
                self.alone = None;
            }
            if self.all == Some(id) {
                self.all = None;
            }
            let table = match pending.access {
                Access::Read => &mut self.readers,
                Access::Write => &mut self.writers,
            };
            for hash in &pending.hashes {
                // A younger writer may have taken its place.
                if let Ok(held) = table.find_entry(*hash, |held| held.hash == *hash && held.id == id) {
                    held.remove();
                }
            }
            if table.is_empty() && table.capacity() > KEPT_KEYS {
                *table = HashTable::new();
            }
            for younger in pending.behind {
                let Some(pending) = self.pending.get_mut(&younger) else { continue };
                pending.before -= 1;
                if pending.before == 0 {
                    if pending.left {
                        over.push(younger);
                    } else {
                        turns.extend(pending.turn.take());
                    }
                }
            }
        }
        turns
    }
}

impl Held {
    fn hash(&self) -> u64 {
        self.hash
    }
}

/// Returns the claim that holds a key.
fn find(table: &HashTable<Held>, hash: u64) -> Option<u64> {
    table.find(hash, |held| held.hash == hash).map(|held| held.id)
}

impl Drop for KeyGuard {
    fn drop(&mut self) {
        let turns = self.order.claims.lock().leave(self.id);
        for turn in turns {
            // One that has gone meanwhile drops its claim itself.
            let _ = turn.send(());
        }
    }
}

impl fmt::Debug for KeyLocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyLocks").field("claims", &self.claims.lock().pending.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for KeyGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyGuard").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
