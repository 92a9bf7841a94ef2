//! All entries of a map, piece by piece.

use std::vec;

use super::LocalMap;
use crate::local::entry::Entry;

/// What a piece holds at most, unless its one entry is larger.
const PIECE_BYTES: usize = 64 << 10;

/// Copies of the entries of a map, taken in pieces: between two of them nothing is locked.
///
/// In addition to a piece it keeps the hashes of one shard, so that it can continue after the table of the shard has
/// grown. An entry that exists all the time comes exactly once, with a value that it had meanwhile.
pub(in crate::local) struct Walk<'a, T, F> {
    map: &'a LocalMap,
    copy: F,
    /// The shard after the one whose hashes are kept.
    next_shard: usize,
    hashes: vec::IntoIter<u64>,
    piece: vec::IntoIter<T>,
}

impl<'a, T, F: Fn(&Entry) -> T> Walk<'a, T, F> {
    pub(in crate::local) fn new(map: &'a LocalMap, copy: F) -> Self {
        Self { map, copy, next_shard: 0, hashes: vec::IntoIter::default(), piece: vec::IntoIter::default() }
    }

    /// Returns the next piece of the shard whose hashes are kept; empty where all of them are gone meanwhile.
    fn next_piece(&mut self) -> Vec<T> {
        let now = self.map.call().now();
        let Some(shard) = self.next_shard.checked_sub(1).and_then(|index| self.map.shards.get(index)) else {
            return Vec::new();
        };
        let shard = shard.lock();
        let (mut piece, mut bytes) = (Vec::new(), 0);
        while bytes < PIECE_BYTES
            && let Some(hash) = self.hashes.next()
        {
            for entry in shard.find(hash, now, &self.map.hasher) {
                bytes += entry.payload().len() + size_of::<T>();
                piece.push((self.copy)(entry));
            }
        }
        piece
    }
}

impl<T, F: Fn(&Entry) -> T> Iterator for Walk<'_, T, F> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        loop {
            if let Some(entry) = self.piece.next() {
                return Some(entry);
            }
            if self.hashes.len() > 0 {
                self.piece = self.next_piece().into_iter();
            } else {
                self.hashes = self.map.hashes(self.next_shard)?.into_iter();
                self.next_shard += 1;
            }
        }
    }
}
