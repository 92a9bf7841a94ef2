//! From values to the bytes of Kafka's records and Coherence's binaries, and back.
//!
//! Owns: the traits, and their implementations for the formats that Java's Kafka clients and Coherence write. Never
//! does: decide what a null is. A null value never reaches a serializer, null bytes never reach a deserializer; the
//! caller keeps its `Option`, and a tombstone stays one.
//!
//! ```text
//! string.rs byte_array.rs number.rs uuid.rs void.rs list.rs   Kafka's own, byte for byte
//! charset.rs                                                  the charsets of their texts
//! pof.rs json.rs json/                                        0x15 and the payload, as a grid's pof and json
//! java.rs                                                     as a grid without a configured serializer
//! bincode.rs depth.rs                                         Rust on both ends
//! dynamic.rs                                                  Kafka's own, over PofValue
//! registry.rs                                                 Java class names and short names to any of these
//! ```

use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;

#[cfg(feature = "bincode")]
mod bincode;
mod byte_array;
pub mod charset;
#[cfg(feature = "bincode")]
mod depth;
mod dynamic;
mod java;
pub mod json;
mod list;
mod number;
mod pof;
pub mod registry;
mod string;
mod uuid;
mod void;

#[cfg(feature = "bincode")]
pub use self::bincode::BincodeSerde;
pub use byte_array::ByteArraySerde;
pub use java::{JavaSerde, JavaValueSerde};
pub use list::ListSerde;
pub use number::{BooleanSerde, DoubleSerde, FloatSerde, IntegerSerde, LongSerde, ShortSerde};
pub use pof::{PofObjectSerde, PofSerde};
pub use string::StringSerde;
pub use uuid::UuidSerde;
pub use void::VoidSerde;

/// One header of a record: Kafka allows a name more than once, and a null value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub key: String,
    /// Its bytes, or null.
    pub value: Option<Bytes>,
}

/// `org.apache.kafka.common.serialization.Serializer`: a value to bytes.
pub trait Serializer<T: ?Sized>: Send + Sync + Debug {
    /// Appends the bytes of `value`, of a record of `topic`, to `out`; may add to the record's `headers`. After an
    /// error `out` may end in a part of them.
    fn serialize(
        &self,
        topic: &str,
        headers: &mut Vec<Header>,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError>;
}

/// `org.apache.kafka.common.serialization.Deserializer`: bytes to a value.
pub trait Deserializer<T>: Send + Sync + Debug {
    /// Returns the value in `bytes`, all of them, of a record of `topic`.
    fn deserialize(&self, topic: &str, headers: &[Header], bytes: &[u8]) -> Result<T, SerializerError>;
}

/// `org.apache.kafka.common.serialization.Serde`: both directions of one type.
pub trait Serde<T>: Serializer<T> + Deserializer<T> {}

impl<T, S: Serializer<T> + Deserializer<T>> Serde<T> for S {}

impl<T: ?Sized, S: Serializer<T> + ?Sized> Serializer<T> for Arc<S> {
    fn serialize(
        &self,
        topic: &str,
        headers: &mut Vec<Header>,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        (**self).serialize(topic, headers, value, out)
    }
}

impl<T, D: Deserializer<T> + ?Sized> Deserializer<T> for Arc<D> {
    fn deserialize(&self, topic: &str, headers: &[Header], bytes: &[u8]) -> Result<T, SerializerError> {
        (**self).deserialize(topic, headers, bytes)
    }
}

/// Why a value has no bytes, or bytes no value. Never holds any of either; offsets count from the first byte given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SerializerError {
    /// A value of another type than the serializer takes. In Java this is a `ClassCastException`.
    #[error("{serializer} takes {expected}, not {found}")]
    Type {
        /// Java's name of the serializer.
        serializer: &'static str,
        /// The type it takes.
        expected: &'static str,
        /// The type it was given.
        found: &'static str,
    },
    /// A value of the right type that the format cannot hold.
    #[error("{format} cannot hold {what}")]
    NotRepresentable {
        /// The format.
        format: &'static str,
        /// The kind of value.
        what: String,
    },
    /// Another number of bytes than the type has, in the words of Kafka.
    #[error("Size of data received by {deserializer} is not {expected}, it is {found}")]
    Size {
        /// Java's name of the deserializer.
        deserializer: &'static str,
        /// The size of the type in bytes.
        expected: usize,
        /// The number of bytes given.
        found: usize,
    },
    /// Bytes that are no value of the format, or of another type than expected.
    #[error("{format}: expected {expected} at byte {offset}, found {found}")]
    Malformed {
        /// The format.
        format: &'static str,
        /// What may stand there.
        expected: String,
        /// Where.
        offset: usize,
        /// The kind of what stands there.
        found: &'static str,
    },
    /// Another reason, in the words of the serializer.
    #[error("{0}")]
    Refused(String),
    /// A peer of the serializer, such as a schema registry, is unavailable: the same value may have bytes soon.
    #[error("{0}")]
    Unavailable(String),
    /// Between Rust types and POF.
    #[error("pof: {0}")]
    Pof(crate::pof::serde::Error),
    /// An element of a list has one of the other errors.
    #[error("element {index} of the list: {error}")]
    Element {
        /// Its index, nulls counted.
        index: usize,
        /// What is wrong; its offset counts from the start of the element.
        error: Box<SerializerError>,
    },
}

impl From<crate::pof::serde::Error> for SerializerError {
    fn from(error: crate::pof::serde::Error) -> Self {
        SerializerError::Pof(error)
    }
}

#[cfg(test)]
#[cfg(feature = "bincode")]
mod tests;
