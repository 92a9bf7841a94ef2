//! Turns the bytes of a record into the operation on its map.
//!
//! Pure: converts, transforms, encodes, checks. Without transforms, nulls never reach a converter (invariant 6); with
//! them they do, as in Connect, because a transform can depend on the schema of a null.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use coherence_kafka_common::map::{Format, MapError};
use coherence_kafka_common::pass_through::{self, PassThroughError};
use coherence_kafka_connect::converter::{Converter, HeaderConverter};
use coherence_kafka_connect::data::{Schema, SchemaAndValue, SchemaKind, Value};
use coherence_kafka_connect::error::ConnectError;
use coherence_kafka_connect::record::{Header, Record};
use coherence_kafka_connect::transform::{FieldPath, TransformFailure, Transforms};
use coherence_kafka_rdkafka::record::RawRecord;

use crate::config::MapNameError;
use crate::entries::{EntryError, EntryWriter};
use crate::errors::{Blame, NullValues, Stage};
use crate::expiry::BadTtl;
use crate::key::{KeySource, NoKey};
use crate::plan::{BatchPlan, RecordId, WriteKind};

/// How the records of a connector become entries.
#[derive(Debug)]
pub(crate) struct Pipeline {
    /// What the bytes are.
    pub form: Form,
    /// The serializer of the maps.
    pub format: Format,
    /// The largest entry, key and value together in bytes, that a map takes.
    pub max_entry_bytes: usize,
    /// What a null value means.
    pub null_values: NullValues,
    /// Where the keys of entries come from.
    pub key_source: KeySource,
    /// What changes a converted record; may be empty.
    pub transforms: Arc<Transforms>,
    /// Reads headers, for transforms that use them.
    pub header: Arc<dyn HeaderConverter>,
}

/// What the bytes of a topic are.
#[derive(Debug)]
pub(crate) enum Form {
    /// Coherence binaries already.
    PassThrough,
    /// Something that Connect's converters read.
    Converted {
        /// Reads keys.
        key: Arc<dyn Converter>,
        /// Reads values.
        value: Arc<dyn Converter>,
        /// Writes what they read.
        entries: EntryWriter,
    },
}

/// What a record was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// An entry to put.
    Put,
    /// A tombstone.
    Remove,
    /// Nothing: a map has no null key.
    NullKey,
    /// Nothing: null values are to be ignored.
    NullValue,
    /// Nothing: a transform dropped the record.
    Filtered,
}

/// Why a record cannot become an entry. Names the part of it, never its bytes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// Its key cannot be converted.
    #[error("key: {0}")]
    Key(#[source] ConnectError),
    /// Its value cannot be converted.
    #[error("value: {0}")]
    Value(#[source] ConnectError),
    /// One of its headers cannot be converted.
    #[error("header {name}: {error}")]
    Header {
        /// The name of the header.
        name: String,
        /// Why.
        #[source]
        error: ConnectError,
    },
    /// A transform cannot change it.
    #[error("transform {}: {}", .0.class, .0.error)]
    Transform(TransformFailure),
    /// It is no longer bytes after the transforms, and pass-through moves only bytes.
    #[error("{part}: a transform has made it a value of another type; pass-through moves only bytes")]
    NotBytes {
        /// Key or value.
        part: &'static str,
    },
    /// Its converted key has no form in the map.
    #[error("key: {0}")]
    EncodeKey(#[source] EntryError),
    /// Its converted value has no form in the map.
    #[error("value: {0}")]
    EncodeValue(#[source] EntryError),
    /// Its key is not a Coherence binary.
    #[error("key: {0}")]
    PassThroughKey(#[source] PassThroughError),
    /// Its value is not a Coherence binary.
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
    /// Its key is null, and that is to be an error.
    #[error("key: null, and a map has no null key (behavior.on.null.keys=fail)")]
    NullKey,
    /// Its key is null, and such records are discarded.
    #[error("key: null, and a map has no null key; the record is discarded (behavior.on.null.keys=ignore)")]
    NullKeyDiscarded,
    /// Its value is null, and that is to be an error.
    #[error("value: null (behavior.on.null.values=fail)")]
    NullValue,
    /// Its topic has no possible map.
    #[error("map: {0}")]
    MapName(#[from] MapNameError),
    /// It lacks what its key is made of.
    #[error("key: {0}")]
    NoKey(#[from] NoKey),
    /// Its value has no version.
    #[error(
        "value: field {0}: expected a whole number of at most 64 bits as the version (coherence.version.field)"
    )]
    NoVersion(FieldPath),
    /// Its header or field for the expiry is invalid.
    #[error("{0}")]
    Ttl(#[from] BadTtl),
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
    Nothing(Operation),
    Error(RecordError),
}

const DATA_EXCEPTION: &str = "org.apache.kafka.connect.errors.DataException";
const CONNECT_EXCEPTION: &str = "org.apache.kafka.connect.errors.ConnectException";
const TOO_LARGE_EXCEPTION: &str = "org.apache.kafka.common.errors.RecordTooLargeException";
const SINK_TASK: &str = "org.apache.kafka.connect.sink.SinkTask";
const BYTE_ARRAY_CONVERTER: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";

impl RecordError {
    /// Returns true where a peer is unavailable, and the record is not at fault.
    pub(crate) fn is_retriable(&self) -> bool {
        match self {
            RecordError::Key(error) | RecordError::Value(error) | RecordError::Header { error, .. } => {
                error.is_retriable()
            }
            RecordError::Transform(failure) => failure.error.is_retriable(),
            _ => false,
        }
    }

    /// Returns the message of Connect's exception.
    fn message(&self) -> String {
        match self {
            RecordError::Key(error) | RecordError::Value(error) | RecordError::Header { error, .. } => {
                error.message().to_owned()
            }
            RecordError::Transform(failure) => failure.error.message().to_owned(),
            other => other.to_string(),
        }
    }
}

impl Pipeline {
    /// Creates one that moves Coherence binaries of any size as they are.
    #[cfg(test)]
    pub(crate) fn passing_through(format: Format, null_values: NullValues) -> Self {
        let header = coherence_kafka_connect::converter::create_header("Simple", &Default::default());
        Self {
            form: Form::PassThrough,
            format,
            max_entry_bytes: usize::MAX,
            null_values,
            key_source: KeySource::Record,
            transforms: Arc::default(),
            header: header.unwrap(),
        }
    }

    /// Returns the version of a converted value.
    ///
    /// # Errors
    /// It has none.
    pub(crate) fn version(path: &FieldPath, value: &Value<'_>) -> Result<i64, RecordError> {
        match path.find(value) {
            Some(Value::Int8(number)) => Ok((*number).into()),
            Some(Value::Int16(number)) => Ok((*number).into()),
            Some(Value::Int32(number)) => Ok((*number).into()),
            Some(Value::Int64(number)) => Ok(*number),
            _ => Err(RecordError::NoVersion(path.clone())),
        }
    }

    /// Returns whether [`Pipeline::apply`] serves all records: nothing looks into what they are converted to.
    pub(crate) fn is_direct(&self) -> bool {
        self.transforms.is_empty() && self.key_source == KeySource::Record
    }

    /// Adds what `record` means to the plan of its map, where the pipeline is direct.
    ///
    /// # Errors
    /// Why it means nothing; the plan is then unchanged.
    pub(crate) fn apply(
        &self,
        (map, plan): &mut (Arc<str>, BatchPlan),
        source: RecordId,
        record: &RawRecord<'_>,
        put: WriteKind,
    ) -> Result<Operation, RecordError> {
        let Some(key) = record.key else { return Ok(Operation::NullKey) };
        self.add(
            plan,
            source,
            put,
            |out| self.write_key(map, record, key, out),
            |out| self.write_value(map, record, out),
        )
    }

    /// Converts `record` and transforms it; `None` where a transform drops it.
    ///
    /// # Errors
    /// Which part cannot be converted, or which transform fails.
    pub(crate) fn transform<'a>(&'a self, record: &RawRecord<'a>) -> Result<Option<Record<'a>>, RecordError> {
        let RawRecord { topic, partition, offset, key, value, .. } = *record;
        let (key, value) = match &self.form {
            Form::PassThrough => (bytes(key), bytes(value)),
            Form::Converted { key: of_keys, value: of_values, .. } => (
                of_keys.to_connect(topic, record, key).map_err(RecordError::Key)?,
                of_values.to_connect(topic, record, value).map_err(RecordError::Value)?,
            ),
        };
        let mut headers = Vec::new();
        let all = self.transforms.uses_headers();
        if all || matches!(self.key_source, KeySource::Header(_)) {
            let mut wanted = record.headers();
            wanted.retain(|(name, _)| all || self.key_source.is_header(name));
            for (name, value) in wanted {
                match self.header.to_connect_header(topic, &name, value.as_deref()) {
                    Ok(data) => {
                        let data = data.into_owned();
                        headers.push(Header { key: Cow::Owned(name), data });
                    }
                    Err(error) => return Err(RecordError::Header { name, error }),
                }
            }
        }
        let record = Record {
            topic: Cow::Borrowed(topic),
            partition: Some(partition),
            offset: Some(offset),
            timestamp: record.timestamp().map(|timestamp| timestamp.millis),
            key,
            value,
            headers,
        };
        self.transforms.apply(record).map_err(RecordError::Transform)
    }

    /// Adds what a transformed record means to the plan of its map.
    ///
    /// # Errors
    /// Why it means nothing; the plan is then unchanged.
    pub(crate) fn apply_transformed<'a>(
        &'a self,
        (map, plan): &mut (Arc<str>, BatchPlan),
        source: RecordId,
        mut record: Record<'a>,
        put: WriteKind,
    ) -> Result<Operation, RecordError> {
        let key = self.key_source.key_of(&mut record)?;
        if key == Value::Null {
            return Ok(Operation::NullKey);
        }
        self.add(
            plan,
            source,
            put,
            |out| self.encode_key(map, key, out),
            |out| self.encode_value(map, &record.value.value, out),
        )
    }

    fn add(
        &self,
        plan: &mut BatchPlan,
        source: RecordId,
        put: WriteKind,
        write_key: impl FnOnce(&mut Vec<u8>) -> Result<(), Stop>,
        write_value: impl FnOnce(&mut Vec<u8>) -> Result<bool, RecordError>,
    ) -> Result<Operation, RecordError> {
        let start = plan.bytes();
        let mut taken = Operation::Put;
        let outcome = plan.apply(source, write_key, |out| {
            if !write_value(out).map_err(Stop::Error)? {
                match self.null_values {
                    NullValues::Delete => taken = Operation::Remove,
                    NullValues::Ignore => return Err(Stop::Nothing(Operation::NullValue)),
                    NullValues::Fail => return Err(Stop::Error(RecordError::NullValue)),
                }
            }
            let entry_bytes = out.len() - start;
            if entry_bytes > self.max_entry_bytes {
                let limit = self.max_entry_bytes;
                return Err(Stop::Error(RecordError::TooLarge { entry_bytes, limit }));
            }
            Ok(if taken == Operation::Put { put } else { WriteKind::Remove })
        });
        match outcome {
            Ok(()) => Ok(taken),
            Err(Stop::Nothing(taken)) => Ok(taken),
            Err(Stop::Error(error)) => Err(error),
        }
    }

    /// Describes an error in Connect's terms.
    pub(crate) fn blame(&self, error: &RecordError) -> Blame {
        let (stage, class, exception) = match (error, &self.form) {
            (RecordError::Key(convert), Form::Converted { key, .. }) => {
                (Stage::KeyConverter, key.class_name(), convert.exception().class_name())
            }
            (RecordError::Value(convert), Form::Converted { value, .. }) => {
                (Stage::ValueConverter, value.class_name(), convert.exception().class_name())
            }
            (RecordError::PassThroughKey(_), _) => {
                (Stage::KeyConverter, BYTE_ARRAY_CONVERTER, DATA_EXCEPTION)
            }
            (RecordError::PassThroughValue(_), _) => {
                (Stage::ValueConverter, BYTE_ARRAY_CONVERTER, DATA_EXCEPTION)
            }
            (RecordError::Header { error, .. }, _) => {
                (Stage::HeaderConverter, self.header.class_name(), error.exception().class_name())
            }
            (RecordError::Transform(failure), _) => {
                (Stage::Transformation, failure.class, failure.error.exception().class_name())
            }
            (RecordError::Ttl(BadTtl::Header(_)), _) => (Stage::HeaderConverter, SINK_TASK, DATA_EXCEPTION),
            (RecordError::TooLarge { .. }, _) => (Stage::TaskPut, SINK_TASK, TOO_LARGE_EXCEPTION),
            (RecordError::Refused { .. }, _) => (Stage::TaskPut, SINK_TASK, CONNECT_EXCEPTION),
            _ => (Stage::TaskPut, SINK_TASK, DATA_EXCEPTION),
        };
        Blame { stage, class, exception, message: error.message(), trace: error.to_string() }
    }

    fn write_key(
        &self,
        map: &str,
        record: &RawRecord<'_>,
        key: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        match &self.form {
            Form::PassThrough => self.encode_key(map, Value::Bytes(Cow::Borrowed(key)), out),
            Form::Converted { key: converter, .. } => {
                let converted = converter
                    .to_connect(record.topic, record, Some(key))
                    .map_err(|error| Stop::Error(RecordError::Key(error)))?;
                self.encode_key(map, converted.value, out)
            }
        }
    }

    /// Writes the value. Returns false for a tombstone, also one that only the converter recognises (JSON `null`).
    fn write_value(&self, map: &str, record: &RawRecord<'_>, out: &mut Vec<u8>) -> Result<bool, RecordError> {
        let Some(value) = record.value else { return Ok(false) };
        match &self.form {
            Form::PassThrough => self.encode_value(map, &Value::Bytes(Cow::Borrowed(value)), out),
            Form::Converted { value: converter, .. } => {
                let converted =
                    converter.to_connect(record.topic, record, Some(value)).map_err(RecordError::Value)?;
                self.encode_value(map, &converted.value, out)
            }
        }
    }

    fn encode_key(&self, map: &str, key: Value<'_>, out: &mut Vec<u8>) -> Result<(), Stop> {
        match (&self.form, key) {
            (_, Value::Null) => Err(Stop::Nothing(Operation::NullKey)),
            (Form::PassThrough, Value::Bytes(key)) => {
                let key = pass_through::key(&key, self.format)
                    .map_err(|error| Stop::Error(RecordError::PassThroughKey(error)))?;
                out.extend_from_slice(key);
                Ok(())
            }
            (Form::PassThrough, _) => Err(Stop::Error(RecordError::NotBytes { part: "key" })),
            (Form::Converted { entries, .. }, key) => {
                entries.write_key(map, key, out).map_err(|error| Stop::Error(RecordError::EncodeKey(error)))
            }
        }
    }

    fn encode_value(&self, map: &str, value: &Value<'_>, out: &mut Vec<u8>) -> Result<bool, RecordError> {
        match (&self.form, value) {
            (_, Value::Null) => return Ok(false),
            (Form::PassThrough, Value::Bytes(value)) => {
                let value = pass_through::value(value, self.format).map_err(RecordError::PassThroughValue)?;
                out.extend_from_slice(value);
            }
            (Form::PassThrough, _) => return Err(RecordError::NotBytes { part: "value" }),
            (Form::Converted { entries, .. }, value) => {
                entries.write_value(map, value, out).map_err(RecordError::EncodeValue)?;
            }
        }
        Ok(true)
    }
}

/// What `ByteArrayConverter` makes of the bytes.
fn bytes(bytes: Option<&[u8]>) -> SchemaAndValue<'_> {
    let value = bytes.map_or(Value::Null, |bytes| Value::Bytes(Cow::Borrowed(bytes)));
    SchemaAndValue { schema: Some(Cow::Borrowed(&OPTIONAL_BYTES)), value }
}

static OPTIONAL_BYTES: LazyLock<Arc<Schema>> =
    LazyLock::new(|| Arc::new(Schema::optional(SchemaKind::Bytes)));

#[cfg(test)]
mod tests;
