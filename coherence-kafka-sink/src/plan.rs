//! What a batch of records does to the maps: for each map, the last operation on each key.
//!
//! Pure: no I/O, no clock. A grid runs the requests of one stream in any order, so inside a batch every key of a
//! map may occur only once (invariant 3); the last record of the topic wins (invariant 2).

use std::sync::Arc;

use coherence_kafka_common::map::{Entries, OutOfBounds, Span};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher as _;

/// Which record an operation came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Index of the partition in the task's table.
    pub partition: u32,
    /// Offset of the record.
    pub offset: i64,
}

/// The operations of one batch on one map, in the making.
#[derive(Debug, Default)]
pub struct Plan {
    bytes: Vec<u8>,
    operations: Vec<Operation>,
    index: HashTable<u32>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Operation {
    span: Span,
    removes: bool,
    source: Source,
}

/// What one batch writes to one map. No key occurs twice, neither within nor between the two.
#[derive(Debug, Clone, Default)]
pub struct MapWrites {
    /// Entries to put.
    pub puts: Arc<Entries>,
    /// The record behind each entry of `puts`.
    pub put_sources: Arc<[Source]>,
    /// Keys to remove.
    pub removes: Arc<Entries>,
    /// The record behind each key of `removes`.
    pub remove_sources: Arc<[Source]>,
}

impl Plan {
    /// An empty plan with room for so many keys: a table that grows with its batch hashes every key again and again.
    pub fn with_capacity(keys: usize) -> Self {
        Self {
            operations: Vec::with_capacity(keys),
            index: HashTable::with_capacity(keys),
            ..Self::default()
        }
    }

    /// Takes one record: `write_key` and `write_value` append the binaries of key and value to the buffer that
    /// they are given. A value writer that answers `false` stands for a tombstone.
    ///
    /// # Errors
    /// Whatever a writer fails with; the plan is then as if the record had not been given.
    pub fn apply<E>(
        &mut self,
        source: Source,
        write_key: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
        write_value: impl FnOnce(&mut Vec<u8>) -> Result<bool, E>,
    ) -> Result<(), E> {
        let start = self.bytes.len();
        let written = write_key(&mut self.bytes).and_then(|()| {
            let value = self.bytes.len();
            write_value(&mut self.bytes).map(|puts| (value, puts))
        });
        let (value, puts) = match written {
            Ok(written) => written,
            Err(error) => {
                self.bytes.truncate(start);
                return Err(error);
            }
        };
        let key = &self.bytes[start..value];
        let hash = self.hasher.hash_one(key);
        let found = self.index.find(hash, |&i| self.key_of(i) == key).copied();
        let mut span = Span {
            key: start as u32,
            key_len: (value - start) as u32,
            value: value as u32,
            value_len: (self.bytes.len() - value) as u32,
        };
        if !puts {
            self.bytes.truncate(value);
            span.value_len = 0;
        }
        let Some(found) = found else {
            let (bytes, operations, hasher) = (&self.bytes, &self.operations, &self.hasher);
            self.index.insert_unique(hash, operations.len() as u32, |&i| {
                hasher.hash_one(key_bytes(bytes, &operations[i as usize].span))
            });
            self.operations.push(Operation { span, removes: !puts, source });
            return Ok(());
        };
        let operation = &mut self.operations[found as usize];
        operation.span.value = span.value;
        operation.span.value_len = span.value_len;
        operation.removes = !puts;
        operation.source = source;
        Ok(())
    }

    /// Bytes held by this plan, replaced values included.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The writes, in the order in which their keys first appeared.
    ///
    /// # Errors
    /// None in practice: the spans were made here.
    pub fn finish(self) -> Result<MapWrites, OutOfBounds> {
        let Self { bytes, operations, .. } = self;
        let mut spans = Vec::with_capacity(operations.len());
        let mut put_sources = Vec::with_capacity(operations.len());
        let mut remove_sources = Vec::new();
        for operation in &operations {
            if operation.removes {
                remove_sources.push(operation.source);
            } else {
                spans.push(operation.span);
                put_sources.push(operation.source);
            }
        }
        let removed = operations.iter().filter(|o| o.removes).map(|o| key_bytes(&bytes, &o.span));
        let removes = Arc::new(Entries::from_keys(removed));
        Ok(MapWrites {
            puts: Arc::new(Entries::new(bytes, spans)?),
            put_sources: put_sources.into(),
            removes,
            remove_sources: remove_sources.into(),
        })
    }

    fn key_of(&self, operation: u32) -> &[u8] {
        key_bytes(&self.bytes, &self.operations[operation as usize].span)
    }
}

fn key_bytes<'a>(bytes: &'a [u8], span: &Span) -> &'a [u8] {
    &bytes[span.key as usize..(span.key + span.key_len) as usize]
}

#[cfg(test)]
mod tests;
