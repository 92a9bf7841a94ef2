//! What a batch of records does to the maps: for each map, the last operation on each key.
//!
//! Pure: no I/O, no clock. A grid runs the requests of one stream in any order, so inside a batch every key of a
//! map may occur only once (invariant 3); the last record of the topic wins (invariant 2).

use std::sync::Arc;

use coherence_kafka_common::map::{Entries, Expiry, OutOfBounds, Span};
use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashTable};
use std::hash::BuildHasher as _;

/// Which record an operation came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    /// Index of the partition in the task's table.
    pub partition: u32,
    /// Offset of the record.
    pub offset: i64,
}

/// The operations of one batch on one map, in the making.
#[derive(Debug, Default)]
pub struct BatchPlan {
    bytes: Vec<u8>,
    // One operation at each index of the three: apart, because most plans end as they are here.
    spans: Vec<Span>,
    kinds: Vec<WriteKind>,
    sources: Vec<RecordId>,
    index: HashTable<u32>,
    hasher: RandomState,
}

/// What is done to the keys of a [`MapWrite`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WriteKind {
    /// They are put, to expire so.
    Put(Expiry),
    /// They are put unless the map has a greater version than this one.
    PutNewer(i64),
    /// They are removed.
    Remove,
}

/// One write of a batch to one map: all that is done to its keys in the same way.
#[derive(Debug, Clone)]
pub struct MapWrite {
    /// What is done.
    pub kind: WriteKind,
    /// Entries to put, or keys to remove.
    pub entries: Arc<Entries>,
    /// The record behind each entry.
    pub sources: Arc<[RecordId]>,
}

impl BatchPlan {
    /// Creates an empty plan with room for `keys` and `bytes`: a table that grows with its batch hashes every key again
    /// and again, and a buffer that does moves every byte.
    pub fn with_capacity(keys: usize, bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            spans: Vec::with_capacity(keys),
            kinds: Vec::with_capacity(keys),
            sources: Vec::with_capacity(keys),
            index: HashTable::with_capacity(keys),
            hasher: RandomState::default(),
        }
    }

    /// Takes one record: `write_key` and `write_value` append the binaries of key and value to the buffer that
    /// they are given. The value writer returns what is done with the key. An older version than the one that is
    /// held changes nothing.
    ///
    /// # Errors
    /// The error of a writer; the plan is then unchanged.
    pub fn apply<E>(
        &mut self,
        source: RecordId,
        write_key: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
        write_value: impl FnOnce(&mut Vec<u8>) -> Result<WriteKind, E>,
    ) -> Result<(), E> {
        let start = self.bytes.len();
        let written = write_key(&mut self.bytes).and_then(|()| {
            let value = self.bytes.len();
            write_value(&mut self.bytes).map(|kind| (value, kind))
        });
        let (value, kind) = match written {
            Ok(written) => written,
            Err(error) => {
                self.bytes.truncate(start);
                return Err(error);
            }
        };
        let key = &self.bytes[start..value];
        let hash = self.hasher.hash_one(key);
        let (bytes, spans) = (&self.bytes, &self.spans);
        let found = self.index.find(hash, |&i| key_bytes(bytes, &spans[i as usize]) == key).copied();
        let mut span = Span {
            key: start as u32,
            key_len: (value - start) as u32,
            value: value as u32,
            value_len: (self.bytes.len() - value) as u32,
        };
        if kind == WriteKind::Remove {
            self.bytes.truncate(value);
            span.value_len = 0;
        }
        let Some(found) = found else {
            let (bytes, spans, hasher) = (&self.bytes, &self.spans, &self.hasher);
            self.index.insert_unique(hash, spans.len() as u32, |&i| {
                hasher.hash_one(key_bytes(bytes, &spans[i as usize]))
            });
            self.spans.push(span);
            self.kinds.push(kind);
            self.sources.push(source);
            return Ok(());
        };
        let found = found as usize;
        if let (WriteKind::PutNewer(held), WriteKind::PutNewer(version)) = (self.kinds[found], kind)
            && version < held
        {
            self.bytes.truncate(start);
            return Ok(());
        }
        self.spans[found].value = span.value;
        self.spans[found].value_len = span.value_len;
        self.kinds[found] = kind;
        self.sources[found] = source;
        Ok(())
    }

    /// Bytes held by this plan, replaced values included.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the writes: no key occurs twice, neither within nor between them.
    ///
    /// # Errors
    /// None in practice: the spans were made here.
    pub fn finish(self) -> Result<Vec<MapWrite>, OutOfBounds> {
        let Self { bytes, spans, kinds, sources, .. } = self;
        let Some(first) = kinds.first().copied() else { return Ok(Vec::new()) };
        // Nearly always all of them are puts alike.
        if first != WriteKind::Remove && kinds.iter().all(|kind| *kind == first) {
            let entries = Arc::new(Entries::new(bytes, spans)?);
            return Ok(vec![MapWrite { kind: first, entries, sources: sources.into() }]);
        }
        let mut groups: Vec<(WriteKind, Vec<usize>)> = vec![(first, Vec::with_capacity(kinds.len()))];
        let mut by_kind = HashMap::<WriteKind, usize, RandomState>::default();
        let mut last = 0;
        for (operation, kind) in kinds.iter().enumerate() {
            if groups[last].0 != *kind {
                let of_first = (first == *kind).then_some(0);
                last = of_first.unwrap_or_else(|| {
                    *by_kind.entry(*kind).or_insert_with(|| {
                        groups.push((*kind, Vec::new()));
                        groups.len() - 1
                    })
                });
            }
            groups[last].1.push(operation);
        }
        // One group of puts, the largest, takes the buffer over; the others are copied out of it.
        let whole = (0..groups.len())
            .filter(|&group| groups[group].0 != WriteKind::Remove)
            .max_by_key(|&group| groups[group].1.len());
        let mut writes = Vec::with_capacity(groups.len());
        let mut kept = None;
        for (group, (kind, operations)) in groups.into_iter().enumerate() {
            let of_group = || operations.iter().map(|operation| &spans[*operation]);
            let sources = operations.iter().map(|operation| sources[*operation]).collect();
            if whole == Some(group) {
                kept = Some((kind, sources, of_group().copied().collect()));
                continue;
            }
            let pairs = of_group().map(|span| (key_bytes(&bytes, span), value_bytes(&bytes, span)));
            writes.push(MapWrite { kind, entries: Arc::new(Entries::from_unique_pairs(pairs)), sources });
        }
        if let Some((kind, sources, spans)) = kept {
            writes.push(MapWrite { kind, entries: Arc::new(Entries::new(bytes, spans)?), sources });
        }
        Ok(writes)
    }
}

fn key_bytes<'a>(bytes: &'a [u8], span: &Span) -> &'a [u8] {
    &bytes[span.key as usize..(span.key + span.key_len) as usize]
}

fn value_bytes<'a>(bytes: &'a [u8], span: &Span) -> &'a [u8] {
    &bytes[span.value as usize..(span.value + span.value_len) as usize]
}

#[cfg(test)]
mod tests;
