//! A number for each key that has something.
//!
//! What waits has left every cache of the processor when its turn comes. So a list holds numbers, consecutive ones lie
//! next to each other, and the table by which a key is found is small: it holds hashes and numbers.

use std::hash::BuildHasher as _;

use bytes::Bytes;
use coherence_kafka_common::decoration::undecorated_key;
use hashbrown::{DefaultHashBuilder, HashTable};

/// The place of a key, until it is removed.
pub(super) type Number = u32;

/// What each key has, by number and by key.
///
/// A key is the same with and without the decoration of a partitioned map: it is the same on a topic.
#[derive(Debug)]
pub(super) struct Slots<T> {
    hasher: DefaultHashBuilder,
    table: HashTable<Place>,
    slots: Vec<Option<Slot<T>>>,
    free: Vec<Number>,
}

#[derive(Debug)]
struct Slot<T> {
    key: Bytes,
    hash: u32,
    content: T,
}

/// Half of the hash is enough to distinguish keys without reading them.
#[derive(Debug, Clone, Copy)]
struct Place {
    hash: u32,
    number: Number,
}

impl Place {
    /// What the table goes by: it takes bits of both ends.
    fn spread(hash: u32) -> u64 {
        u64::from(hash) << 32 | u64::from(hash)
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self {
            hasher: DefaultHashBuilder::default(),
            table: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slots<T> {
    fn hash(&self, key: &[u8]) -> u32 {
        self.hasher.hash_one(key) as u32
    }

    fn find_hashed(&self, hash: u32, key: &[u8]) -> Option<Number> {
        let is = |place: &Place| {
            place.hash == hash
                && self.slots[place.number as usize].as_ref().is_some_and(|slot| identity(&slot.key) == key)
        };
        self.table.find(Place::spread(hash), is).map(|place| place.number)
    }

    /// Returns the number of a key that has something, and what that is.
    pub(super) fn find(&mut self, key: &[u8]) -> Option<(Number, &mut T)> {
        let key = identity(key);
        let number = self.find_hashed(self.hash(key), key)?;
        Some((number, self.get_mut(number)?))
    }

    /// Returns the numbers of keys that have something, as by [`Slots::find`] for each. What is looked at first for all
    /// of them is on its way from memory for all of them at once.
    pub(super) fn find_all<'a>(&self, keys: impl Iterator<Item = &'a Bytes>) -> Vec<Option<Number>> {
        let hashed = keys.map(|key| identity(key)).map(|key| (self.hash(key), key)).collect::<Vec<_>>();
        hashed.into_iter().map(|(hash, key)| self.find_hashed(hash, key)).collect()
    }

    /// Returns the number of a key and its content; a new key gets a number and `content`.
    pub(super) fn entry(&mut self, key: &Bytes, content: impl FnOnce() -> T) -> (Number, &mut T) {
        let plain = identity(key);
        let hash = self.hash(plain);
        let number = self.find_hashed(hash, plain).unwrap_or_else(|| {
            let number = self.free.pop().unwrap_or_else(|| {
                self.slots.push(None);
                (self.slots.len() - 1) as Number
            });
            self.table.insert_unique(Place::spread(hash), Place { hash, number }, |p| Place::spread(p.hash));
            number
        });
        let slot = &mut self.slots[number as usize];
        // The memory of an older key may be that of a value, too.
        let key = key.clone();
        let content = slot.take().map_or_else(content, |slot| slot.content);
        (number, &mut slot.insert(Slot { key, hash, content }).content)
    }

    /// Returns the content of a number.
    pub(super) fn get_mut(&mut self, number: Number) -> Option<&mut T> {
        Some(&mut self.slots.get_mut(number as usize)?.as_mut()?.content)
    }

    /// Takes its number from a key.
    pub(super) fn remove(&mut self, number: Number) {
        let Some(slot) = self.slots.get_mut(number as usize).and_then(Option::take) else { return };
        if let Ok(place) = self.table.find_entry(Place::spread(slot.hash), |place| place.number == number) {
            place.remove();
        }
        self.free.push(number);
    }

    /// Returns all numbers.
    pub(super) fn numbers(&self) -> Vec<Number> {
        self.table.iter().map(|place| place.number).collect()
    }

    /// Returns true where no key has content.
    pub(super) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }
}

fn identity(key: &[u8]) -> &[u8] {
    undecorated_key(key).unwrap_or(key)
}

#[cfg(test)]
mod tests;
