//! A record on its way through a connector, between the converters and the task.

use std::borrow::Cow;

use crate::data::SchemaAndValue;

/// `org.apache.kafka.connect.connector.ConnectRecord`: converted, and changed by transforms.
///
/// The topic is the one that transforms may change. Offsets are committed by where the record was read, which its
/// reader keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Record<'a> {
    /// Topic name.
    pub topic: Cow<'a, str>,
    /// Partition; a source's record may leave it to the producer.
    pub partition: Option<i32>,
    /// Offset; only a sink's record has one.
    pub offset: Option<i64>,
    /// Timestamp, milliseconds since the epoch.
    pub timestamp: Option<i64>,
    /// The key.
    pub key: SchemaAndValue<'a>,
    /// The value; a null is a tombstone.
    pub value: SchemaAndValue<'a>,
    /// The headers, in order; several may have one name.
    pub headers: Vec<Header<'a>>,
}

/// A converted header.
#[derive(Debug, Clone, PartialEq)]
pub struct Header<'a> {
    /// Its name, `Header.key()`.
    pub key: Cow<'a, str>,
    /// Its value.
    pub data: SchemaAndValue<'a>,
}

/// A header as Kafka holds it: its name, and bytes or null.
pub type RawHeader = (String, Option<Vec<u8>>);

/// The headers of a record as Kafka holds them, which are read only where something asks for one.
pub trait RawHeaders {
    /// Returns the value of the last header of this name, if it has one; the value may be null.
    fn last(&self, name: &str) -> Option<Option<Vec<u8>>>;
}

impl RawHeaders for Vec<RawHeader> {
    fn last(&self, name: &str) -> Option<Option<Vec<u8>>> {
        self.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }
}

/// No headers.
impl RawHeaders for () {
    fn last(&self, _: &str) -> Option<Option<Vec<u8>>> {
        None
    }
}
