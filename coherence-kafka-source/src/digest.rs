//! The content of a topic as hashes, by key: enough to find what a map has and the topic has not.
//!
//! ```text
//! slot, 16 bytes   64 bits of the key's hash | 16 more | value's hash, 45 bits | doubtful | seen | ahead
//!                  12 more bits of the key's hash choose the shard
//! ```
//!
//! Every process hashes with a new random key ([`Hasher`]). Two of 100 million keys are the same slot with a
//! probability below 1 in 10 billion; a changed value looks unchanged, to a comparison after a gap, with one of 1 in 35
//! trillion.
//!
//! A table is split in two when it is full (`blocks.rs`). The shards have shares of the keys that rise from one to two, so
//! their tables are full one after the other: together they always have about 28 bytes a key.

use blocks::Blocks;

mod blocks;
mod hash;

pub use hash::{Hasher, KeyHash, ValueHash};

const SHARDS: usize = 256;

const AHEAD: u64 = 1;
const SEEN: u64 = 2;
const DOUBTFUL: u64 = 4;
const VALUE_SHIFT: u32 = 3;
const KEY_SHIFT: u32 = 48;

const ABSENT: u64 = 0;

/// The value of a key in the topic once all sent records are acknowledged: the one that was sent last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// This value.
    Value(ValueHash),
    /// Nothing, or a tombstone.
    Absent,
}

impl Held {
    /// Returns the state after a record of this value, or a tombstone.
    pub fn of(value: Option<ValueHash>) -> Self {
        value.map_or(Held::Absent, Held::Value)
    }

    fn bits(self) -> u64 {
        match self {
            Held::Absent => ABSENT,
            Held::Value(value) => value.bits(),
        }
    }
}

/// One key of the digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    low: u64,
    rest: u64,
}

impl Slot {
    fn new(key: KeyHash, held: Held) -> Self {
        Self { low: key.low, rest: u64::from(key.high) << KEY_SHIFT | held.bits() << VALUE_SHIFT }
    }

    fn is(&self, key: KeyHash) -> bool {
        self.low == key.low && self.rest >> KEY_SHIFT == u64::from(key.high)
    }

    /// Its key, without the piece that has chosen the shard.
    fn key(&self) -> KeyHash {
        KeyHash { low: self.low, high: (self.rest >> KEY_SHIFT) as u16, piece: 0 }
    }

    /// What the topic holds.
    pub fn held(&self) -> Held {
        match (self.rest >> VALUE_SHIFT) & hash::VALUE_MASK {
            ABSENT => Held::Absent,
            bits => Held::Value(ValueHash::from_bits(bits)),
        }
    }

    /// Replaces what the topic holds.
    pub fn hold(&mut self, held: Held) {
        self.rest = self.rest & !(hash::VALUE_MASK << VALUE_SHIFT) | held.bits() << VALUE_SHIFT;
    }

    /// Returns true where the running comparison has seen the key, or a change of it; or where the topic is being read,
    /// and a record of the key was sent meanwhile.
    pub fn is_seen(&self) -> bool {
        self.rest & SEEN != 0
    }

    /// Notes whether the comparison has met the key.
    pub fn set_seen(&mut self, seen: bool) {
        self.set(SEEN, seen);
    }

    /// Returns true where the value was read from the map, and the events have not reached it yet.
    pub fn is_ahead(&self) -> bool {
        self.rest & AHEAD != 0
    }

    /// Notes whether the value is ahead of the events.
    pub fn set_ahead(&mut self, ahead: bool) {
        self.set(AHEAD, ahead);
    }

    /// Returns true where a record of the key was not acknowledged: the topic may hold another value.
    pub fn is_doubtful(&self) -> bool {
        self.rest & DOUBTFUL != 0
    }

    /// Notes whether a record of the key was not acknowledged.
    pub fn set_doubtful(&mut self, doubtful: bool) {
        self.set(DOUBTFUL, doubtful);
    }

    fn set(&mut self, bit: u64, on: bool) {
        self.rest = if on { self.rest | bit } else { self.rest & !bit };
    }
}

/// The slots of all keys. At most 30 bytes for each, apart from what a large one keeps for a while after it shrank.
#[derive(Debug)]
pub struct Digest {
    shards: Box<[Blocks]>,
    /// The shard that a piece of a hash chooses.
    chosen: Box<[u8]>,
}

impl Default for Digest {
    fn default() -> Self {
        let pieces = 1_u16 << hash::PIECE_BITS;
        let share = |piece| (1.0 + f64::from(piece) / f64::from(pieces)).log2();
        Self {
            shards: (0..SHARDS).map(|_| Blocks::default()).collect(),
            chosen: (0..pieces).map(|piece| (share(piece) * SHARDS as f64) as u8).collect(),
        }
    }
}

impl Digest {
    fn number(&self, key: KeyHash) -> usize {
        usize::from(self.chosen[usize::from(key.piece)])
    }

    fn shard(&self, key: KeyHash) -> &Blocks {
        &self.shards[self.number(key)]
    }

    fn shard_mut(&mut self, key: KeyHash) -> &mut Blocks {
        let number = self.number(key);
        &mut self.shards[number]
    }

    /// Returns the slot of a key.
    pub fn get(&self, key: KeyHash) -> Option<&Slot> {
        self.shard(key).get(key)
    }

    /// Returns the slot of a key, to be changed.
    pub fn get_mut(&mut self, key: KeyHash) -> Option<&mut Slot> {
        self.shard_mut(key).get_mut(key)
    }

    /// Returns the slot of a key; creates it where none exists: absent, neither seen nor ahead.
    pub fn slot(&mut self, key: KeyHash) -> &mut Slot {
        self.shard_mut(key).get_or_insert(key, || Slot::new(key, Held::Absent))
    }

    /// Forgets a key.
    pub fn remove(&mut self, key: KeyHash) {
        self.shard_mut(key).remove(key);
    }

    /// Changes every slot.
    pub fn for_each(&mut self, mut change: impl FnMut(&mut Slot)) {
        self.shards.iter_mut().flat_map(Blocks::iter_mut).for_each(&mut change);
    }

    /// Returns every slot.
    pub fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.shards.iter().flat_map(Blocks::iter)
    }

    /// Forgets the slots that are not to be kept, and frees the memory of tables that became mostly empty.
    pub fn retain(&mut self, mut keep: impl FnMut(&mut Slot) -> bool) {
        self.shards.iter_mut().for_each(|shard| shard.retain(&mut keep));
    }

    /// Merges the slots of `other` into this digest: `merge` gets the slot of a key here, if any, and the one in
    /// `other`. `None` leaves the slot here as it is.
    pub fn take_over(&mut self, other: Digest, mut merge: impl FnMut(Option<&Slot>, &Slot) -> Option<Slot>) {
        for (mine, others) in self.shards.iter_mut().zip(other.shards) {
            for other in others.iter() {
                let key = other.key();
                if let Some(slot) = merge(mine.get(key), other) {
                    *mine.get_or_insert(key, || slot) = slot;
                }
            }
        }
    }

    /// Returns the number of slots.
    pub fn len(&self) -> usize {
        self.shards.iter().map(Blocks::len).sum()
    }

    /// Returns true without slots.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the slots take, with the room of their tables.
    pub fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| shard.bytes() + size_of::<Blocks>()).sum()
    }
}

#[cfg(test)]
mod tests;
