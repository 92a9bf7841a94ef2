//! Hashes of keys and values, with a new random key in every process.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

const VALUE_BITS: u32 = 45;
pub(super) const VALUE_MASK: u64 = (1 << VALUE_BITS) - 1;
/// Of the hash of a key, to choose its shard.
pub(super) const PIECE_BITS: u32 = 12;
/// What stands for no value in a slot.
const RESERVED: u64 = 1;

/// Hash of the bytes of a record's key, 92 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash {
    pub(super) low: u64,
    pub(super) high: u16,
    /// [`PIECE_BITS`] that choose the shard.
    pub(super) piece: u16,
}

/// Hash of the bytes of a record's value, 45 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ValueHash(u64);

impl ValueHash {
    pub(super) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }
}

/// Makes the hashes of one process: SipHash with random keys, so that keys that collide cannot be chosen.
#[derive(Debug, Clone, Default)]
pub struct Hasher {
    first: RandomState,
    second: RandomState,
}

impl Hasher {
    /// Hashes a record's key.
    pub fn key(&self, bytes: &[u8]) -> KeyHash {
        self.key_in(0, bytes)
    }

    /// Hashes a record's key in one partition: another hash for each.
    pub fn key_in(&self, partition: u32, bytes: &[u8]) -> KeyHash {
        let hash = |state| hash(state, partition, bytes);
        let second = hash(&self.second);
        let piece = (second >> 16) as u16 & ((1 << PIECE_BITS) - 1);
        KeyHash { low: hash(&self.first), high: second as u16, piece }
    }

    /// Hashes a record's value.
    pub fn value(&self, bytes: &[u8]) -> ValueHash {
        ValueHash(hash(&self.first, 0, bytes) % (VALUE_MASK + 1 - RESERVED) + RESERVED)
    }
}

fn hash(state: &RandomState, partition: u32, bytes: &[u8]) -> u64 {
    let mut hasher = state.build_hasher();
    hasher.write_u32(partition);
    hasher.write(bytes);
    hasher.finish()
}
