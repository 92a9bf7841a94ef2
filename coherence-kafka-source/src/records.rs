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
use coherence_kafka_core::{BinaryEntry, Conversion, ConversionError, Form, Operation, Outbound, StoreError};

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
    Serialized {
        topic: Arc<dyn Deserializer<PofValue>>,
        map: Arc<dyn Serializer<PofValue>>,
    },
    /// Several keys may have become one key of a record, which does not show their type.
    Converted,
}

/// The hashes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hashes {
    /// Of its key.
    pub key: KeyHash,
    /// Of its value; `None` for a tombstone.
    pub value: Option<ValueHash>,
    /// A transform has dropped the record of a value: the topic is not to have a value of its key.
    pub is_dropped: bool,
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
            FormConfig::Converted(conversion) => {
                (Form::Converted(Box::new(conversion.clone())), Back::Converted)
            }
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
        if let Form::Converted(conversion) = &self.outbound.form {
            let key = undecorated_key(&entry.key).unwrap_or_default();
            if !self.candidates(conversion, record.key)?.iter().any(|found| found == key) {
                return Err(ConversionError::OneWay.into());
            }
        }
        Ok(Hashes {
            key: self.hasher.key(record.key),
            value: record.value.map(|value| self.hasher.value(value)),
            is_dropped: planned.is_delete() && entry.value.is_some(),
        })
    }

    /// Returns the hash of the key of the record of an entry; `None` where the key has no record.
    ///
    /// # Errors
    /// A schema registry is not available.
    pub(crate) fn key_hash(&mut self, key: &Bytes) -> Result<Option<KeyHash>, StoreError> {
        match self.hashes(&entry(key.clone(), None, true)) {
            Ok(hashes) => Ok(Some(hashes.key)),
            Err(error) if error.is_retriable() => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Returns the keys of the map that may have become this key of a record.
    fn candidates(&self, conversion: &Conversion, record_key: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        match conversion.key.to_connect(&self.outbound.topic, &(), Some(record_key)) {
            Ok(data) => Ok(conversion.decoder.keys(&data.value)),
            Err(error) if error.is_retriable() => {
                Err(ConversionError::Convert { part: Part::Key, error }.into())
            }
            Err(_) => Ok(Vec::new()),
        }
    }

    /// Returns the keys, which the map may have, whose records have this key.
    fn of_record(&mut self, record_key: &[u8]) -> Result<Vec<Bytes>, StoreError> {
        let Form::Converted(conversion) = &self.outbound.form else { return Ok(Vec::new()) };
        let candidates = self.candidates(conversion, record_key)?;
        let there = self.hasher.key(record_key);
        let mut keys = Vec::new();
        for key in candidates {
            let key = Bytes::from(key);
            if !keys.contains(&key) && self.key_hash(&key)? == Some(there) {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// Returns the other keys, of other types, whose records have the same key as the record of this one. Of all of them
    /// the map has one at most.
    ///
    /// # Errors
    /// A schema registry is not available.
    pub(crate) fn same_record(&mut self, key: &Bytes) -> Result<Vec<Bytes>, StoreError> {
        if !matches!(self.back, Back::Converted) {
            return Ok(Vec::new());
        }
        self.scratch.clear();
        let read = entry(key.clone(), None, true);
        let record_key = match self.outbound.plan(&read, Operation::Erase, &mut self.scratch) {
            Ok(planned) => planned.record(&read, &self.scratch).key.to_vec(),
            Err(error) if error.is_retriable() => return Err(error),
            Err(_) => return Ok(Vec::new()),
        };
        let mut keys = self.of_record(&record_key)?;
        keys.retain(|other| other != key);
        Ok(keys)
    }

    /// Returns a key under which the map could have an entry whose record has this key, and [`Records::same_record`] the
    /// others. `None` where no entry can have it.
    ///
    /// # Errors
    /// A schema registry is not available.
    pub(crate) fn map_key(&mut self, record_key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let key = match &self.back {
            Back::PassThrough => undecorated_key(record_key).ok().map(<[u8]>::to_vec),
            Back::Serialized { topic, map } => {
                let object = topic.deserialize(&self.outbound.topic, &[], record_key).ok();
                object.and_then(|object| {
                    let mut key = Vec::new();
                    map.serialize(&self.outbound.topic, &mut Vec::new(), &object, &mut key).ok()?;
                    Some(key)
                })
            }
            Back::Converted => return Ok(self.of_record(record_key)?.into_iter().next()),
        };
        let Some(key) = key.map(Bytes::from) else { return Ok(None) };
        let there = self.hasher.key(record_key);
        Ok((self.key_hash(&key)? == Some(there)).then_some(key))
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
        Bytes::from_static(self.outbound.format.null())
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
