//! From the bytes of a record to the operation that it means for a map.
//!
//! Pure: converts, encodes, checks. What is null never reaches a converter (invariant 6).

use std::sync::Arc;

use coherence_kafka_common::map::{Expiry, Format, MapError};
use coherence_kafka_common::pass_through::{self, PassThroughError};
use coherence_kafka_connect::converter::{ConvertError, Converter};
use coherence_kafka_connect::encode::{EncodeError, Encoder};
use coherence_kafka_connect::value::Value;

use crate::kafka::batch::RawRecord;
use crate::plan::{Plan, Source};

/// How the records of a connector become entries.
#[derive(Debug)]
pub struct Pipeline {
    /// What the bytes are.
    pub form: Form,
    /// The serializer of the maps.
    pub format: Format,
    /// The largest entry, key and value together in bytes, that a map takes.
    pub max_entry_bytes: usize,
}

/// What the bytes of a topic are.
#[derive(Debug)]
pub enum Form {
    /// Coherence binaries already.
    PassThrough,
    /// Something that Connect's converters read.
    Converted {
        /// Reads keys.
        key: Arc<dyn Converter>,
        /// Reads values.
        value: Arc<dyn Converter>,
        /// Writes what they read.
        encoder: Encoder,
    },
}

/// What a record was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// An entry to put.
    Put,
    /// A tombstone.
    Remove,
    /// Nothing: a map has no null key.
    NullKey,
}

/// Why a record cannot become an entry. Names the part of it, never its bytes.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Its key cannot be converted.
    #[error("key: {0}")]
    Key(#[source] ConvertError),
    /// Its value cannot be converted.
    #[error("value: {0}")]
    Value(#[source] ConvertError),
    /// Its converted key has no form in the map.
    #[error("key: {0}")]
    EncodeKey(#[source] EncodeError),
    /// Its converted value has no form in the map.
    #[error("value: {0}")]
    EncodeValue(#[source] EncodeError),
    /// Its key is no Coherence binary.
    #[error("key: {0}")]
    PassThroughKey(#[source] PassThroughError),
    /// Its value is no Coherence binary.
    #[error("value: {0}")]
    PassThroughValue(#[source] PassThroughError),
    /// The entry is larger than any request to the grid may be.
    #[error(
        "too large for the grid: the entry takes {entry_bytes} bytes, a request at most {limit}; \
         keep such records out of the topic, or store their content elsewhere and a reference in the map"
    )]
    TooLarge {
        /// Key and value together.
        entry_bytes: usize,
        /// What fits.
        limit: usize,
    },
    /// The grid has refused it.
    #[error("map {map}: {error}")]
    Refused {
        /// The map.
        map: Arc<str>,
        /// Its answer.
        error: MapError,
    },
}

/// Ends the taking of a record early.
enum Stop {
    NullKey,
    Error(RecordError),
}

impl Pipeline {
    /// Adds what `record` means to the plan of its map.
    ///
    /// # Errors
    /// Why it means nothing; the plan is then unchanged.
    pub fn apply(
        &self,
        plan: &mut Plan,
        source: Source,
        record: &RawRecord<'_>,
    ) -> Result<Taken, RecordError> {
        let Some(key) = record.key else { return Ok(Taken::NullKey) };
        let start = plan.bytes();
        let mut taken = Taken::Put;
        let outcome = plan.apply(
            source,
            |out| self.write_key(record.topic, key, out),
            |out| {
                if !self.write_value(record, out).map_err(Stop::Error)? {
                    taken = Taken::Remove;
                }
                let entry_bytes = out.len() - start;
                if entry_bytes > self.max_entry_bytes {
                    let limit = self.max_entry_bytes;
                    return Err(Stop::Error(RecordError::TooLarge { entry_bytes, limit }));
                }
                Ok((taken == Taken::Put).then_some(Expiry::Default))
            },
        );
        match outcome {
            Ok(()) => Ok(taken),
            Err(Stop::NullKey) => Ok(Taken::NullKey),
            Err(Stop::Error(error)) => Err(error),
        }
    }

    fn write_key(&self, topic: &str, key: &[u8], out: &mut Vec<u8>) -> Result<(), Stop> {
        match &self.form {
            Form::PassThrough => {
                let key = pass_through::key(key, self.format)
                    .map_err(|error| Stop::Error(RecordError::PassThroughKey(error)))?;
                out.extend_from_slice(key);
                Ok(())
            }
            Form::Converted { key: converter, encoder, .. } => {
                let converted = converter
                    .to_connect(topic, Some(key))
                    .map_err(|error| Stop::Error(RecordError::Key(error)))?;
                match converted.value {
                    Value::Null => Err(Stop::NullKey),
                    value => encoder
                        .encode(&value, out)
                        .map_err(|error| Stop::Error(RecordError::EncodeKey(error))),
                }
            }
        }
    }

    /// False for a tombstone, also one that only the converter recognises (JSON `null`).
    fn write_value(&self, record: &RawRecord<'_>, out: &mut Vec<u8>) -> Result<bool, RecordError> {
        let Some(value) = record.value else { return Ok(false) };
        match &self.form {
            Form::PassThrough => {
                let value = pass_through::value(value, self.format).map_err(RecordError::PassThroughValue)?;
                out.extend_from_slice(value);
                Ok(true)
            }
            Form::Converted { value: converter, encoder, .. } => {
                let converted =
                    converter.to_connect(record.topic, Some(value)).map_err(RecordError::Value)?;
                match converted.value {
                    Value::Null => Ok(false),
                    value => {
                        encoder.encode(&value, out).map_err(RecordError::EncodeValue)?;
                        Ok(true)
                    }
                }
            }
        }
    }
}
