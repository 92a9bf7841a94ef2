//! Converts the entries of a map to records of its topic, and the keys of records back to keys of the map.
//!
//! Pure. All comparisons are made with the bytes of records, so that what serializers and pass-through make equal is
//! equal.

use std::sync::Arc;

use bytes::Bytes;
use coherence_kafka_common::decoration::undecorated_key;
use coherence_kafka_common::map::{EventKind, Expiry, Format, MapEvent};
use coherence_kafka_common::pass_through::Part;
use coherence_kafka_common::pof::PofValue;
use coherence_kafka_common::serializer::registry::{self, RegistryError};
use coherence_kafka_common::serializer::{Deserializer, Serializer};
use coherence_kafka_core::{BinaryEntry, Form, Operation, Outbound, StoreError};

use crate::config::FormConfig;
use crate::digest::{Hasher, KeyHash, ValueHash};

/// Makes hashes of records for one map and topic.
#[derive(Debug, Clone)]
pub(crate) struct Records {
    outbound: Outbound,
    back: Back,
    hasher: Hasher,
    scratch: Vec<u8>,
}

/// From the key of a record to the key of an entry.
#[derive(Debug, Clone)]
enum Back {
    PassThrough,
    Serialized { topic: Arc<dyn Deserializer<PofValue>>, map: Arc<dyn Serializer<PofValue>> },
}

/// The hashes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hashes {
    /// Of its key.
    pub key: KeyHash,
    /// Of its value; `None` for a tombstone.
    pub value: Option<ValueHash>,
}

impl Records {
    /// Creates it for the records of `topic`, from the entries of a map with serializer `format`.
    ///
    /// # Errors
    /// No serializer exists for that format.
    pub(crate) fn new(topic: &str, format: Format, form: &FormConfig) -> Result<Self, RegistryError> {
        let none = Default::default();
        let (form, back) = match form {
            FormConfig::PassThrough(keys) => (Form::PassThrough(*keys), Back::PassThrough),
            FormConfig::Serialized { key, value, key_back } => (
                Form::Serialized {
                    map: registry::deserializer(format.name(), Part::Value, &none)?,
                    key: key.clone(),
                    value: value.clone(),
                },
                Back::Serialized {
                    topic: key_back.clone(),
                    map: registry::serializer(format.name(), Part::Key, &none)?,
                },
            ),
        };
        let outbound = Outbound { topic: topic.to_owned(), format, form, ttl_header: None };
        Ok(Self { outbound, back, hasher: Hasher::default(), scratch: Vec::new() })
    }

    /// Makes hashes as those of this.
    pub(crate) fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// Returns the hashes of the record of an entry, or of its tombstone where it has no value.
    ///
    /// # Errors
    /// The entry has no record.
    pub(crate) fn hashes(&mut self, entry: &BinaryEntry) -> Result<Hashes, StoreError> {
        self.scratch.clear();
        let planned = self.outbound.plan(entry, operation(entry), &mut self.scratch)?;
        let record = planned.record(entry, &self.scratch);
        Ok(Hashes {
            key: self.hasher.key(record.key),
            value: record.value.map(|value| self.hasher.value(value)),
        })
    }

    /// Returns the hash of the key of the record of an entry; `None` where the key has no record.
    pub(crate) fn key_hash(&mut self, key: &Bytes) -> Option<KeyHash> {
        self.hashes(&entry(key.clone(), None, true)).ok().map(|hashes| hashes.key)
    }

    /// Returns the key under which the map would have an entry whose record has this key. `None` where no entry can
    /// have it.
    pub(crate) fn map_key(&mut self, record_key: &[u8]) -> Option<Bytes> {
        let key = match &self.back {
            Back::PassThrough => undecorated_key(record_key).ok()?.to_vec(),
            Back::Serialized { topic, map } => {
                let object = topic.deserialize(&self.outbound.topic, &[], record_key).ok()?;
                let mut key = Vec::new();
                map.serialize(&self.outbound.topic, &mut Vec::new(), &object, &mut key).ok()?;
                key
            }
        };
        let (key, there) = (Bytes::from(key), self.hasher.key(record_key));
        (self.key_hash(&key) == Some(there)).then_some(key)
    }

    /// Returns the content of an event: the entry as it is now, and its value before.
    pub(crate) fn of_event(&self, event: MapEvent) -> (BinaryEntry, Option<Bytes>) {
        let MapEvent { kind, key, old_value, new_value, .. } = event;
        // An event has no value where the entry holds null.
        let null = || self.null();
        let old = (kind != EventKind::Inserted).then(|| old_value.unwrap_or_else(null));
        let new = (kind != EventKind::Deleted).then(|| new_value.unwrap_or_else(null));
        (entry(key, new, kind == EventKind::Updated), old)
    }

    fn null(&self) -> Bytes {
        Bytes::from_static(match self.outbound.format {
            Format::Pof => b"\x15\x64",
            Format::Json => b"\x15null",
        })
    }
}

/// Returns an entry as a map has it; without a value it is gone.
pub(crate) fn entry(key: Bytes, value: Option<Bytes>, update: bool) -> BinaryEntry {
    // A grid does not report over gRPC when an entry expires.
    BinaryEntry { key, value, update, expiry: Expiry::Default }
}

fn operation(entry: &BinaryEntry) -> Operation {
    if entry.value.is_some() { Operation::Store } else { Operation::Erase }
}

#[cfg(test)]
mod tests;
