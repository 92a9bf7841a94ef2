//! Records of Kafka topics, and the positions that a group commits.

use std::fmt;

use coherence_kafka_connect::record::RawHeaders;

pub(crate) mod message;

pub use message::MessageRef;

/// A partition of a topic, by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// Topic name.
    pub topic: String,
    /// Partition number.
    pub partition: i32,
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// A header of a record; the value may be null.
pub type Header = (String, Option<Vec<u8>>);

/// When a record was created, or appended to its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// Milliseconds since 1970.
    pub millis: i64,
    /// The broker set it, not the producer.
    pub log_append: bool,
}

/// A record that was read. Its bytes are borrowed from librdkafka's memory.
#[derive(Debug, Clone, Copy)]
pub struct RawRecord<'a> {
    /// Topic it was read from.
    pub topic: &'a str,
    /// Partition it was read from.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Key bytes; `None` is a null key, which is not the empty key.
    pub key: Option<&'a [u8]>,
    /// Value bytes; `None` is a tombstone, which is not the empty value.
    pub value: Option<&'a [u8]>,
    /// Headers and timestamp. Reading them has a cost.
    pub envelope: Envelope<'a>,
}

/// Where the headers and the timestamp of a record are.
#[derive(Debug, Clone, Copy)]
pub enum Envelope<'a> {
    /// In librdkafka's message, which is parsed on request.
    Message(MessageRef<'a>),
    /// Here: a record that librdkafka did not read.
    Given(&'a [Header], Option<Timestamp>),
}

impl RawRecord<'_> {
    /// Returns all headers, in order. A name that is not UTF-8, which Kafka does not allow, is repaired.
    pub fn headers(&self) -> Vec<Header> {
        let mut headers = Vec::new();
        self.each_header(|name, value| {
            headers.push((String::from_utf8_lossy(name).into_owned(), value.map(<[u8]>::to_vec)));
        });
        headers
    }

    /// Returns its timestamp, if the broker keeps one.
    pub fn timestamp(&self) -> Option<Timestamp> {
        match self.envelope {
            Envelope::Given(_, timestamp) => timestamp,
            Envelope::Message(message) => message.timestamp(),
        }
    }

    fn each_header(&self, mut visit: impl FnMut(&[u8], Option<&[u8]>)) {
        match self.envelope {
            Envelope::Given(headers, _) => {
                headers.iter().for_each(|(name, value)| visit(name.as_bytes(), value.as_deref()));
            }
            Envelope::Message(message) => message.each_header(visit),
        }
    }
}

impl RawHeaders for RawRecord<'_> {
    fn last(&self, wanted: &str) -> Option<Option<Vec<u8>>> {
        let mut last = None;
        self.each_header(|name, value| {
            if name == wanted.as_bytes() {
                last = Some(value.map(<[u8]>::to_vec));
            }
        });
        last
    }
}

/// A record to be produced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutgoingRecord {
    /// Key bytes, or null.
    pub key: Option<Vec<u8>>,
    /// Value bytes, or null.
    pub value: Option<Vec<u8>>,
    /// Headers, in order.
    pub headers: Vec<Header>,
    /// Milliseconds since 1970. Without it, and at 0, librdkafka uses the current time.
    pub timestamp: Option<i64>,
}

impl OutgoingRecord {
    /// Returns the bytes of key, value and headers, header names included.
    pub fn bytes(&self) -> usize {
        let len = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + len(value)).sum();
        len(&self.key) + len(&self.value) + headers
    }
}

/// Why a commit did not store all of its positions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// At least one of these topics no longer exists; the positions of all others are stored. The answer does not show which one
    /// it is: librdkafka reports for the stored partitions the code of one that was not stored.
    #[error("at least one of these topics does not exist: {}", .0.join(", "))]
    UnknownTopics(Vec<String>),
    /// A position was not stored; another commit may succeed.
    #[error("{0}")]
    Failed(String),
}
