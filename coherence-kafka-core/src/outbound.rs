//! From an entry to its record.
//!
//! Pure: no I/O, no clock, no async. Owns: which bytes and headers a record has. Never does: send it.
//!
//! A null value is a tombstone, and it is never made out of bytes: an entry that was removed has it in every form. In
//! pass-through an entry that holds null is the value `15 64`, or `00` in a map in java; Kafka's serializers have no bytes for a null, so there
//! it becomes a null value, as in Java, and only its header distinguishes it from a removal.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_common::binary::{FMT_IDO, natural_hash};
use coherence_kafka_common::decoration::{undecorated_key, undecorated_value};
use coherence_kafka_common::java_format;
use coherence_kafka_common::map::{Expiry, Format};
use coherence_kafka_common::packed::{self, Cursor};
use coherence_kafka_common::pass_through::{self, Fault, Part};
use coherence_kafka_common::pof::PofValue;
use coherence_kafka_common::serializer::{Deserializer, Header, Serializer, SerializerError};

use crate::binary_entry::BinaryEntry;
use crate::error::StoreError;

mod conversion;

pub use conversion::Conversion;

/// The header with the kind of the change.
pub const EVENT_HEADER: &str = "event";

/// The form of keys in pass-through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyForm {
    /// As every other writer of Kafka would write them: one key, one form.
    #[default]
    Plain,
    /// With `0D` and the packed hash in front, as Java's entry store writes them: for topics that it writes, too. A key that
    /// is an object of a class has no record in this form unless it brings its decoration: it may be associated with another
    /// key, whose hash Java writes, and only a member of the grid knows.
    Decorated,
}

/// The kind of a change of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// It was put.
    Store,
    /// It was removed.
    Erase,
}

/// The content of the header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The entry did not exist before.
    Insert,
    /// It was.
    Update,
    /// It was removed.
    Delete,
}

impl Event {
    /// Returns the header with this content.
    pub fn header(self) -> (&'static str, Option<&'static [u8]>) {
        let name = match self {
            Event::Insert => "INSERT",
            Event::Update => "UPDATE",
            Event::Delete => "DELETE",
        };
        (EVENT_HEADER, Some(name.as_bytes()))
    }
}

/// The form of the keys and values of a topic.
#[derive(Clone)]
pub enum Form {
    /// The binaries of the map.
    PassThrough(KeyForm),
    /// What Kafka serializers make of the objects in them.
    Serialized {
        /// Reads the binaries of the map.
        map: Arc<dyn Deserializer<PofValue>>,
        /// Writes keys.
        key: Arc<dyn Serializer<PofValue>>,
        /// Writes values.
        value: Arc<dyn Serializer<PofValue>>,
    },
    /// What converters of Kafka Connect make of the data in them.
    Converted(Box<Conversion>),
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Form::PassThrough(key) => f.debug_tuple("PassThrough").field(key).finish(),
            Form::Serialized { key, value, .. } => {
                f.debug_struct("Serialized").field("key", key).field("value", value).finish()
            }
            Form::Converted(conversion) => f.debug_tuple("Converted").field(conversion).finish(),
        }
    }
}

/// Makes records of one topic.
#[derive(Debug, Clone)]
pub struct Outbound {
    /// The topic, for serializers that differ by it.
    pub topic: String,
    /// The serializer of the map.
    pub format: Format,
    /// The form of keys and values.
    pub form: Form,
    /// The header that holds the milliseconds after which an entry expires, for those that expire.
    pub ttl_header: Option<String>,
}

/// A record: where its bytes are, in the entry or in the scratch buffer that it was planned with.
#[derive(Debug)]
pub struct OutboundRecord {
    key: Piece,
    value: Option<Piece>,
    event: Event,
    ttl: Option<Range<usize>>,
    more: Vec<Header>,
    partition: Option<i32>,
}

#[derive(Debug)]
enum Piece {
    Given(Range<usize>),
    Made(Range<usize>),
}

/// A record, its bytes borrowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// Never null.
    pub key: &'a [u8],
    /// Null for a tombstone.
    pub value: Option<&'a [u8]>,
}

impl Outbound {
    /// Builds the record of `entry`; bytes that must be written for it are appended to `scratch`.
    ///
    /// # Errors
    /// The entry has no record in this form.
    pub fn plan(
        &self,
        entry: &BinaryEntry,
        operation: Operation,
        scratch: &mut Vec<u8>,
    ) -> Result<OutboundRecord, StoreError> {
        let end = scratch.len();
        let planned = self.planned(entry, operation, scratch);
        if planned.is_err() {
            scratch.truncate(end);
        }
        planned
    }

    fn planned(
        &self,
        entry: &BinaryEntry,
        operation: Operation,
        scratch: &mut Vec<u8>,
    ) -> Result<OutboundRecord, StoreError> {
        let value = entry.value.as_deref().filter(|_| operation == Operation::Store);
        let (mut more, mut is_dropped) = (Vec::new(), false);
        let (key, value_piece) = match &self.form {
            Form::PassThrough(form) => {
                let plain = pass_through::key(&entry.key, self.format)?;
                let key = match form {
                    KeyForm::Plain => Piece::Given(range_in(&entry.key, plain)),
                    KeyForm::Decorated => decorated(&entry.key, plain, self.format, scratch)?,
                };
                let value = match value {
                    Some(value) => {
                        let plain = pass_through::value(value, self.format)?;
                        Some(Piece::Given(range_in(value, plain)))
                    }
                    None => None,
                };
                (key, value)
            }
            Form::Serialized { map, key, value: values } => {
                let plain = plain_key(&entry.key)?;
                let half = Half { topic: &self.topic, part: Part::Key, map };
                let key = half.serialized(key, plain, &mut more, scratch)?.ok_or_else(null_key)?;
                let half = Half { part: Part::Value, ..half };
                let value = match value {
                    Some(value) => half.serialized(values, plain_value(value)?, &mut more, scratch)?,
                    None => None,
                };
                (key, value)
            }
            Form::Converted(conversion) => {
                let value = value.map(plain_value).transpose()?;
                let converted = conversion.convert(&self.topic, plain_key(&entry.key)?, value)?;
                let mut made = |bytes: Vec<u8>| {
                    let start = scratch.len();
                    scratch.extend_from_slice(&bytes);
                    Piece::Made(start..scratch.len())
                };
                (more, is_dropped) = (converted.headers, converted.is_dropped);
                (made(converted.key), converted.value.map(made))
            }
        };
        let event = match (value, entry.update) {
            _ if is_dropped => Event::Delete,
            (None, _) => Event::Delete,
            (Some(_), true) => Event::Update,
            (Some(_), false) => Event::Insert,
        };
        let ttl = match (&self.ttl_header, value) {
            (Some(_), Some(_)) if !is_dropped => ttl_millis(entry.expiry).map(|millis| {
                let start = scratch.len();
                scratch.extend_from_slice(millis.to_string().as_bytes());
                start..scratch.len()
            }),
            _ => None,
        };
        Ok(OutboundRecord { key, value: value_piece, event, ttl, more, partition: None })
    }

    /// Returns the headers of a planned record, in order.
    pub fn headers<'a>(
        &'a self,
        planned: &'a OutboundRecord,
        scratch: &'a [u8],
    ) -> Vec<(&'a str, Option<&'a [u8]>)> {
        let mut headers = vec![planned.event.header()];
        if let (Some(name), Some(range)) = (&self.ttl_header, &planned.ttl) {
            headers.push((name, scratch.get(range.clone())));
        }
        headers.extend(planned.more.iter().map(|header| (header.key.as_str(), header.value.as_deref())));
        headers
    }
}

impl OutboundRecord {
    /// Returns the record's bytes, in the entry and the scratch buffer that it was planned with.
    pub fn record<'a>(&self, entry: &'a BinaryEntry, scratch: &'a [u8]) -> Record<'a> {
        let value = self.value.as_ref().map(|piece| {
            let given = entry.value.as_deref().unwrap_or_default();
            piece.of(given, scratch)
        });
        Record { key: self.key.of(&entry.key, scratch), value }
    }

    /// Returns the same record, in a partition of the caller's choice.
    pub fn in_partition(self, partition: i32) -> Self {
        Self { partition: Some(partition), ..self }
    }

    /// Returns the partition that was chosen for it.
    pub fn partition(&self) -> Option<i32> {
        self.partition
    }

    /// Returns whether the record removes its key: the entry was removed, or a transform keeps it out of the topic.
    pub fn is_delete(&self) -> bool {
        self.event == Event::Delete
    }

    /// Returns the event, where no other header goes with it.
    pub fn only_event(&self) -> Option<Event> {
        (self.ttl.is_none() && self.more.is_empty()).then_some(self.event)
    }
}

impl Piece {
    fn of<'a>(&self, given: &'a [u8], made: &'a [u8]) -> &'a [u8] {
        let piece = match self {
            Piece::Given(range) => given.get(range.clone()),
            Piece::Made(range) => made.get(range.clone()),
        };
        piece.unwrap_or_default()
    }
}

/// Returns the range of `inner`, a slice of `outer`, in it.
fn range_in(outer: &[u8], inner: &[u8]) -> Range<usize> {
    let start = (inner.as_ptr() as usize).saturating_sub(outer.as_ptr() as usize);
    start..start + inner.len()
}

/// An existing decoration is kept: the key may be associated with another one.
fn decorated(key: &[u8], plain: &[u8], format: Format, scratch: &mut Vec<u8>) -> Result<Piece, StoreError> {
    if key.len() > plain.len() {
        return Ok(Piece::Given(0..key.len()));
    }
    if is_object(plain, format) {
        let what = "a key of a class, whose hash only a member of the grid knows, in the key form decorated";
        return Err(StoreError::Unsupported(what));
    }
    let start = scratch.len();
    scratch.push(FMT_IDO);
    packed::write_i32(scratch, natural_hash(plain));
    scratch.extend_from_slice(plain);
    Ok(Piece::Made(start..scratch.len()))
}

/// Returns whether a key is an object of a class: in POF its type is not negative.
fn is_object(plain: &[u8], format: Format) -> bool {
    let payload = plain.get(1..).unwrap_or_default();
    match format {
        Format::Pof => Cursor::new(payload).packed_i32("the type of a key").is_ok_and(|id| id >= 0),
        Format::Json => payload.trim_ascii_start().starts_with(b"{"),
        Format::Java => is_object_of_java(plain),
    }
}

fn is_object_of_java(plain: &[u8]) -> bool {
    let is_javas_own = java_format::uuid(plain).is_some() || java_format::date(plain).is_some();
    java_format::only_java(plain).is_some() && !is_javas_own
}

fn plain_key(key: &[u8]) -> Result<&[u8], StoreError> {
    let part = Part::Key;
    undecorated_key(key).map_err(|error| StoreError::Binary { part, fault: Fault::Decoration(error) })
}

fn plain_value(value: &[u8]) -> Result<&[u8], StoreError> {
    let part = Part::Value;
    undecorated_value(value)
        .map_err(|error| StoreError::Binary { part, fault: Fault::Decoration(error) })?
        .ok_or(StoreError::Binary { part, fault: Fault::NoValue })
}

fn null_key() -> StoreError {
    let error = SerializerError::NotRepresentable { format: "a serializer", what: "null".to_owned() };
    StoreError::Serializer { part: Part::Key, error }
}

struct Half<'a> {
    topic: &'a str,
    part: Part,
    map: &'a Arc<dyn Deserializer<PofValue>>,
}

impl Half<'_> {
    /// Serializes a key or value. Returns `None` for null, which is not passed to a serializer.
    fn serialized(
        &self,
        serializer: &Arc<dyn Serializer<PofValue>>,
        binary: &[u8],
        headers: &mut Vec<Header>,
        scratch: &mut Vec<u8>,
    ) -> Result<Option<Piece>, StoreError> {
        let failed = |error| StoreError::Serializer { part: self.part, error };
        let object = self.map.deserialize(self.topic, &[], binary).map_err(failed)?;
        if object == PofValue::Null {
            return Ok(None);
        }
        let start = scratch.len();
        serializer.serialize(self.topic, headers, &object, scratch).map_err(failed)?;
        Ok(Some(Piece::Made(start..scratch.len())))
    }
}

/// Returns the value of the header, with the meaning of Coherence's `put`, which the sink uses too: -1 is never.
fn ttl_millis(expiry: Expiry) -> Option<i64> {
    match expiry {
        Expiry::Default => None,
        Expiry::Never => Some(-1),
        Expiry::After(time) => {
            let up = time.saturating_add(Duration::from_nanos(999_999)).as_millis().max(1);
            Some(i64::try_from(up).unwrap_or(i64::MAX))
        }
    }
}

#[cfg(test)]
mod tests;
