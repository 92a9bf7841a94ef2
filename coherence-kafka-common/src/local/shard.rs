//! The part of a map behind one lock: its entries, their deadlines and their listeners.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::BuildHasher;
use std::task::Waker;

use bytes::Bytes;
use foldhash::fast::RandomState;
use hashbrown::hash_table::{self, HashTable};
use parking_lot::Mutex;

use super::clock::Clock;
use super::entry::{self, Entry};
use super::listening::{Change, Listeners};

/// Deadlines looked at by one write: more than the one that it may add, so that they do not pile up.
pub(super) const SWEEP_STEPS: usize = 16;

/// What one call on a map takes along from shard to shard.
pub(super) struct Call<'a> {
    hasher: &'a RandomState,
    clock: &'a Clock,
    now: Option<u64>,
    wakers: Vec<Waker>,
}

impl<'a> Call<'a> {
    pub(super) fn new(hasher: &'a RandomState, clock: &'a Clock) -> Self {
        Self { hasher, clock, now: None, wakers: Vec::new() }
    }

    /// Returns the time of this call: the clock is read once, and never where nothing expires.
    pub(super) fn now(&mut self) -> u64 {
        *self.now.get_or_insert_with(|| self.clock.now())
    }

    /// To be woken once no lock is held.
    pub(super) fn wake(&mut self, waker: Option<Waker>) {
        self.wakers.extend(waker);
    }

    /// Wakes the listeners that were notified.
    pub(super) fn wake_all(&mut self) {
        if !self.wakers.is_empty() {
            self.wakers.drain(..).for_each(Waker::wake);
        }
    }
}

/// What most maps never have lies apart: with its lock, a shard is as large as one line of a processor's cache.
#[derive(Default)]
pub(super) struct Shard {
    table: HashTable<Entry>,
    payload_bytes: usize,
    /// From the first entry with a deadline on.
    expiry: Option<Box<Expiry>>,
    pub(super) listeners: Option<Box<Listeners>>,
}

const _: () = assert!(size_of::<Mutex<Shard>>() <= 64);

#[derive(Default)]
struct Expiry {
    /// Entries with a deadline.
    entries: usize,
    /// Deadline and hash of each of them, and of some that are gone or have another deadline by now.
    deadlines: BinaryHeap<Reverse<(u64, u64)>>,
}

impl Shard {
    pub(super) fn value(&mut self, call: &mut Call<'_>, hash: u64, key: &[u8]) -> Option<&[u8]> {
        if self.expiry.is_some() {
            self.expire_key(call, hash, key);
        }
        self.table.find(hash, |entry| entry.key() == key).map(Entry::value)
    }

    pub(super) fn put(
        &mut self,
        call: &mut Call<'_>,
        hash: u64,
        key: &[u8],
        value: &[u8],
        deadline: Option<u64>,
    ) {
        self.before_write(call, hash, key);
        let hasher = call.hasher;
        let slot = self.table.entry(hash, |entry| entry.key() == key, |entry| hasher.hash_one(entry.key()));
        self.payload_bytes += key.len() + value.len();
        match slot {
            hash_table::Entry::Occupied(mut slot) => {
                let old = slot.get_mut();
                if let Some(listeners) = &self.listeners {
                    let change = Change { key, old: Some(old.value()), new: Some(value), expired: false };
                    listeners.tell(&change, &mut call.wakers);
                }
                self.payload_bytes -= old.payload().len();
                if let Some(expiry) = &mut self.expiry {
                    expiry.entries -= usize::from(old.expires());
                }
                old.overwrite(value, deadline);
            }
            hash_table::Entry::Vacant(free) => {
                if let Some(listeners) = &self.listeners {
                    let change = Change { key, old: None, new: Some(value), expired: false };
                    listeners.tell(&change, &mut call.wakers);
                }
                free.insert(Entry::new(key, value, deadline));
            }
        }
        if let Some(deadline) = deadline {
            self.add_deadline(call.hasher, hash, deadline);
        }
    }

    pub(super) fn remove(&mut self, call: &mut Call<'_>, hash: u64, key: &[u8]) -> Option<Entry> {
        self.before_write(call, hash, key);
        let found = self.table.find_entry(hash, |entry| entry.key() == key).ok()?;
        let (entry, _) = found.remove();
        self.removed(call, &entry, false);
        Some(entry)
    }

    /// Removes every entry, with an event for each.
    pub(super) fn clear(&mut self, call: &mut Call<'_>) {
        self.expire(call, usize::MAX);
        let table = self.take();
        let Some(listeners) = &self.listeners else { return };
        for entry in &table {
            let change = Change { key: entry.key(), old: Some(entry.value()), new: None, expired: false };
            listeners.tell(&change, &mut call.wakers);
        }
    }

    /// Takes all entries away without a word.
    pub(super) fn take(&mut self) -> HashTable<Entry> {
        let empty = Self { listeners: self.listeners.take(), ..Self::default() };
        std::mem::replace(self, empty).table
    }

    /// Removes the entries whose time is over, looking at no more than `steps` deadlines.
    #[cold]
    pub(super) fn expire(&mut self, call: &mut Call<'_>, steps: usize) {
        for _ in 0..steps {
            let Some(expiry) = &mut self.expiry else { return };
            let Some(&Reverse((deadline, hash))) = expiry.deadlines.peek() else { return };
            if deadline > call.now() {
                return;
            }
            expiry.deadlines.pop();
            let hasher = call.hasher;
            if let Ok(found) = self.table.find_entry(hash, |entry| is_of(entry, deadline, hash, hasher)) {
                let (entry, _) = found.remove();
                self.removed(call, &entry, true);
            }
        }
    }

    /// Every read and write of a key comes here first, so that no caller sees an expired entry.
    #[cold]
    fn expire_key(&mut self, call: &mut Call<'_>, hash: u64, key: &[u8]) {
        let now = call.now();
        if let Ok(found) = self.table.find_entry(hash, |entry| entry.key() == key)
            && found.get().is_due(now)
        {
            let (entry, _) = found.remove();
            self.removed(call, &entry, true);
        }
    }

    fn before_write(&mut self, call: &mut Call<'_>, hash: u64, key: &[u8]) {
        if self.expiry.is_some() {
            self.expire_key(call, hash, key);
            self.expire(call, SWEEP_STEPS);
        }
    }

    #[cold]
    fn add_deadline(&mut self, hasher: &RandomState, hash: u64, deadline: u64) {
        let expiry = self.expiry.get_or_insert_default();
        expiry.entries += 1;
        expiry.deadlines.push(Reverse((deadline, hash)));
        expiry.forget_stale_deadlines(&self.table, hasher);
    }

    fn removed(&mut self, call: &mut Call<'_>, entry: &Entry, expired: bool) {
        self.payload_bytes -= entry.payload().len();
        if let Some(expiry) = &mut self.expiry {
            expiry.entries -= usize::from(entry.expires());
        }
        if let Some(listeners) = &self.listeners {
            let change = Change { key: entry.key(), old: Some(entry.value()), new: None, expired };
            listeners.tell(&change, &mut call.wakers);
        }
    }

    pub(super) fn len(&mut self, call: &mut Call<'_>) -> usize {
        self.expire(call, usize::MAX);
        self.table.len()
    }

    pub(super) fn payload_bytes(&mut self, call: &mut Call<'_>) -> usize {
        self.expire(call, usize::MAX);
        self.payload_bytes
    }

    #[cfg(test)]
    pub(super) fn raw_payload_bytes(&self) -> usize {
        self.payload_bytes
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let (expiring, deadlines) =
            self.expiry.as_ref().map_or((0, 0), |expiry| (expiry.entries, expiry.deadlines.capacity()));
        size_of::<Self>()
            + self.table.allocation_size()
            + entry::memory_bytes(self.table.len(), expiring, self.payload_bytes)
            + deadlines * size_of::<Reverse<(u64, u64)>>()
    }

    /// Returns the hash of every entry, once: what [`Shard::find`] finds them by, even when the table has grown.
    pub(super) fn hashes(&mut self, call: &mut Call<'_>) -> Vec<u64> {
        self.expire(call, usize::MAX);
        let mut hashes: Vec<_> = self.table.iter().map(|entry| call.hasher.hash_one(entry.key())).collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    /// Returns every key.
    pub(super) fn keys(&mut self, call: &mut Call<'_>) -> Vec<Bytes> {
        self.expire(call, usize::MAX);
        self.table.iter().map(|entry| Bytes::copy_from_slice(entry.key())).collect()
    }

    /// Returns the entries of this hash, seldom more than one, whose time is not over.
    pub(super) fn find(&self, hash: u64, now: u64, hasher: &RandomState) -> impl Iterator<Item = &Entry> {
        let same_hash = move |entry: &&Entry| hasher.hash_one(entry.key()) == hash;
        self.table.iter_hash(hash).filter(same_hash).filter(move |entry| !entry.is_due(now))
    }
}

impl Expiry {
    /// Keeps the deadlines from growing with every write of the same entry.
    fn forget_stale_deadlines(&mut self, table: &HashTable<Entry>, hasher: &RandomState) {
        if self.deadlines.len() <= 2 * self.entries + SWEEP_STEPS {
            return;
        }
        let mut deadlines = std::mem::take(&mut self.deadlines).into_vec();
        deadlines.retain(|&Reverse((deadline, hash))| {
            table.find(hash, |entry| is_of(entry, deadline, hash, hasher)).is_some()
        });
        deadlines.sort_unstable();
        deadlines.dedup();
        self.deadlines = deadlines.into();
    }
}

/// The deadline alone is not enough: the table may offer another entry of the same one, which was due at this place
/// of the table by chance and could not be found from its own place later.
fn is_of(entry: &Entry, deadline: u64, hash: u64, hasher: &RandomState) -> bool {
    entry.deadline() == Some(deadline) && hasher.hash_one(entry.key()) == hash
}
