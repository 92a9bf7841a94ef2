//! Records as a source of Kafka Connect makes them: data, transforms, converters.
//!
//! ```text
//! entry → Decoder → data ─┬─ a value: transforms → converters → record, or nothing where a transform drops it
//!                         └─ none, or null: the key's converter → tombstone
//! ```
//!
//! Transforms change values and headers. A record whose key or topic they change is refused: the key leads back to the
//! entry, and the topic belongs to the map. A tombstone needs no value, so transforms do not see it.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use coherence_kafka_common::pass_through::Part;
use coherence_kafka_common::serializer::Header;
use coherence_kafka_connect::converter::{Converter, HeaderConverter, Role};
use coherence_kafka_connect::data::{SchemaAndValue, Value};
use coherence_kafka_connect::decode::Decoder;
use coherence_kafka_connect::record::{RawHeader, Record};
use coherence_kafka_connect::transform::Transforms;

use crate::error::ConversionError;

/// Makes records of the entries of one map with the converters of Kafka Connect.
#[derive(Debug, Clone)]
pub struct Conversion {
    /// Reads the entries.
    pub decoder: Decoder,
    /// Writes keys.
    pub key: Arc<dyn Converter>,
    /// Writes values.
    pub value: Arc<dyn Converter>,
    /// Writes the headers that transforms add.
    pub header: Arc<dyn HeaderConverter>,
    /// What changes a record; may be empty.
    pub transforms: Arc<Transforms>,
}

/// The parts of a record.
#[derive(Debug)]
pub(super) struct Converted {
    pub(super) key: Vec<u8>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<Header>,
    /// A transform has dropped it: the topic is not to have a value of this key.
    pub(super) is_dropped: bool,
}

impl Conversion {
    /// Returns the record of an entry, whose key and value are undecorated binaries; the tombstone where it has no value.
    pub(super) fn convert(
        &self,
        topic: &str,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<Converted, ConversionError> {
        let mut headers = Vec::new();
        let data = self.decoded(Part::Key, key)?;
        let key = self.written(Part::Key, topic, &mut headers, &data)?.ok_or(ConversionError::NullKey)?;
        let value = match value {
            Some(value) => self.decoded(Part::Value, value)?,
            None => SchemaAndValue { schema: None, value: Value::Null },
        };
        let mut converted = Converted { key, value: None, headers: Vec::new(), is_dropped: false };
        if value.value != Value::Null {
            if self.transforms.is_empty() {
                converted.value = self.written(Part::Value, topic, &mut headers, &value)?;
            } else {
                self.transformed(topic, (data, value), &mut headers, &mut converted)?;
            }
        }
        let owned = |(key, value): RawHeader| Header { key, value: value.map(Bytes::from) };
        converted.headers = headers.into_iter().map(owned).collect();
        Ok(converted)
    }

    fn transformed(
        &self,
        topic: &str,
        (key, value): (SchemaAndValue<'static>, SchemaAndValue<'static>),
        headers: &mut Vec<RawHeader>,
        converted: &mut Converted,
    ) -> Result<(), ConversionError> {
        let record = Record {
            topic: Cow::Borrowed(topic),
            partition: None,
            offset: None,
            timestamp: None,
            key: key.clone(),
            value,
            headers: Vec::new(),
        };
        let Some(record) = self.transforms.apply(record).map_err(ConversionError::Transform)? else {
            converted.is_dropped = true;
            return Ok(());
        };
        if record.topic != topic {
            return Err(ConversionError::Changed { what: "topic" });
        }
        if record.key != key {
            return Err(ConversionError::Changed { what: "key" });
        }
        for header in &record.headers {
            let (schema, value) = (header.data.schema.as_deref(), &header.data.value);
            let bytes = self.header.from_connect_header(topic, &header.key, schema, value);
            let failed = |error| ConversionError::Header { name: header.key.to_string(), error };
            headers.push((header.key.to_string(), bytes.map_err(failed)?));
        }
        // A tombstone is null, never bytes.
        if record.value.value != Value::Null {
            converted.value = self.written(Part::Value, topic, headers, &record.value)?;
        }
        Ok(())
    }

    fn decoded(&self, part: Part, binary: &[u8]) -> Result<SchemaAndValue<'static>, ConversionError> {
        let role = match part {
            Part::Key => Role::Key,
            Part::Value => Role::Value,
        };
        self.decoder.decode(role, binary).map_err(|error| ConversionError::Decode { part, error })
    }

    fn written(
        &self,
        part: Part,
        topic: &str,
        headers: &mut Vec<RawHeader>,
        data: &SchemaAndValue<'_>,
    ) -> Result<Option<Vec<u8>>, ConversionError> {
        let converter = match part {
            Part::Key => &self.key,
            Part::Value => &self.value,
        };
        // A null key is refused, whatever the converter makes of it.
        if data.value == Value::Null {
            return Ok(None);
        }
        converter
            .from_connect(topic, headers, data.schema.as_deref(), &data.value)
            .map_err(|error| ConversionError::Convert { part, error })
    }
}

#[cfg(test)]
mod tests;
