//! For `#[serde(with = "coherence_kafka_common::pof::serde::bytes")]`: a `Vec<u8>`, or what can be made of one, as
//! Java's `byte[]`.
//!
//! Without it serde takes a `Vec<u8>` for a sequence of numbers, which POF holds as a `Collection` of `Short`. On
//! reading, it takes `byte[]` and `Binary` with or without this module. A `&[u8]` needs `serialize_with =
//! "coherence_kafka_common::pof::serde::bytes::serialize"` only. In an `Option`, use a type that is bytes to serde
//! by itself.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserializer, Serializer};

/// Writes a `byte[]`.
pub fn serialize<B: AsRef<[u8]> + ?Sized, S: Serializer>(
    bytes: &B,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes.as_ref())
}

/// Reads a `byte[]` or a `Binary`.
pub fn deserialize<'de, B: From<Vec<u8>>, D: Deserializer<'de>>(deserializer: D) -> Result<B, D::Error> {
    deserializer.deserialize_byte_buf(BytesVisitor).map(B::from)
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    /// Text formats hold bytes as numbers.
    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = elements.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}
