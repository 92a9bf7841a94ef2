//! Slots by their hashes, in tables that come to be of one size, so that the memory of one serves the next.
//!
//! Extendible hashing: a directory names the table for the lowest bits of a hash, and a table that is full is split in two
//! by one bit more. Nothing is ever copied but the slots of one table.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::{KeyHash, Slot};

/// What a table of 512 buckets takes.
const FULL: usize = 448;
/// The bits below choose the bucket in a table.
const DIRECTORY_SHIFT: u32 = 16;

#[derive(Debug)]
pub(super) struct Blocks {
    blocks: Vec<Block>,
    /// The number of a block for every value of the lowest `bits`.
    directory: Vec<u32>,
    bits: u32,
}

#[derive(Debug, Default)]
struct Block {
    slots: HashTable<Slot>,
    /// Number of bits that are the same for all of its slots.
    bits: u32,
}

impl Default for Blocks {
    fn default() -> Self {
        Self { blocks: vec![Block::default()], directory: vec![0], bits: 0 }
    }
}

fn slot_hash(slot: &Slot) -> u64 {
    slot.low
}

fn place(low: u64) -> usize {
    (low >> DIRECTORY_SHIFT) as usize
}

fn lowest(place: usize, bits: u32) -> usize {
    place & ((1 << bits) - 1)
}

impl Blocks {
    fn number(&self, key: KeyHash) -> usize {
        self.directory[lowest(place(key.low), self.bits)] as usize
    }

    pub(super) fn get(&self, key: KeyHash) -> Option<&Slot> {
        self.blocks[self.number(key)].slots.find(key.low, |slot| slot.is(key))
    }

    pub(super) fn get_mut(&mut self, key: KeyHash) -> Option<&mut Slot> {
        let number = self.number(key);
        self.blocks[number].slots.find_mut(key.low, |slot| slot.is(key))
    }

    pub(super) fn get_or_insert(&mut self, key: KeyHash, new: impl FnOnce() -> Slot) -> &mut Slot {
        let mut number = self.number(key);
        while self.blocks[number].is_full() {
            self.make_room(number, key);
            number = self.number(key);
        }
        match self.blocks[number].slots.entry(key.low, |slot| slot.is(key), slot_hash) {
            Entry::Occupied(slot) => slot.into_mut(),
            Entry::Vacant(place) => place.insert(new()).into_mut(),
        }
    }

    pub(super) fn remove(&mut self, key: KeyHash) {
        let number = self.number(key);
        if let Ok(slot) = self.blocks[number].slots.find_entry(key.low, |slot| slot.is(key)) {
            slot.remove();
        }
    }

    /// Frees the memory of tables that became mostly empty.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&mut Slot) -> bool) {
        for Block { slots, .. } in &mut self.blocks {
            slots.retain(&mut keep);
            if slots.len() < FULL / 4 {
                slots.shrink_to(slots.len() * 2, slot_hash);
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.blocks.iter().flat_map(|block| &block.slots)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.blocks.iter_mut().flat_map(|block| &mut block.slots)
    }

    pub(super) fn len(&self) -> usize {
        self.blocks.iter().map(|block| block.slots.len()).sum()
    }

    pub(super) fn bytes(&self) -> usize {
        let of_block = |block: &Block| block.slots.allocation_size() + size_of::<Block>();
        self.blocks.iter().map(of_block).sum::<usize>() + self.directory.len() * size_of::<u32>()
    }

    /// A full table is split. One that is not yet of that size grows, and what removed slots leave behind in one is gone.
    fn make_room(&mut self, number: usize, key: KeyHash) {
        let block = &mut self.blocks[number];
        let capacity = (block.slots.len() * 2).clamp(4, FULL);
        let slots = std::mem::replace(&mut block.slots, HashTable::with_capacity(capacity));
        if slots.len() < FULL {
            for slot in slots {
                block.slots.insert_unique(slot.low, slot, slot_hash);
            }
            return;
        }
        let bit = block.bits;
        block.bits += 1;
        let mut other = Block { slots: HashTable::with_capacity(FULL), bits: block.bits };
        for slot in slots {
            let set = (place(slot.low) >> bit) & 1 == 1;
            let side = if set { &mut other.slots } else { &mut block.slots };
            side.insert_unique(slot.low, slot, slot_hash);
        }
        if bit == self.bits {
            self.directory.extend_from_within(..);
            self.bits += 1;
        }
        let first = lowest(place(key.low), bit) | 1 << bit;
        let other_number = self.blocks.len() as u32;
        self.blocks.push(other);
        self.directory.iter_mut().skip(first).step_by(2 << bit).for_each(|number| *number = other_number);
    }
}

impl Block {
    /// Returns true where another slot would make the table grow, or move its slots.
    fn is_full(&self) -> bool {
        self.slots.len() == self.slots.capacity()
    }
}
