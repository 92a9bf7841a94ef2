//! For `#[serde(with = "coherence_kafka_common::pof::serde::bytes")]`: a `Vec<u8>` or `&[u8]` as Java's `byte[]`.
//!
//! Without it serde takes them for sequences of numbers, which POF holds as a `Collection` of `Short`. On reading,
//! a `Vec<u8>` takes `byte[]` and `Binary` with or without it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

/// Writes a `byte[]`.
pub fn serialize<B: AsRef<[u8]> + ?Sized, S: Serializer>(
    bytes: &B,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes.as_ref())
}

/// Reads a `byte[]` or a `Binary`.
pub fn deserialize<'de, B: From<&'de [u8]>, D: Deserializer<'de>>(deserializer: D) -> Result<B, D::Error> {
    deserializer.deserialize_bytes(BytesVisitor(PhantomData))
}

struct BytesVisitor<B>(PhantomData<B>);

impl<'de, B: From<&'de [u8]>> Visitor<'de> for BytesVisitor<B> {
    type Value = B;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<B, E> {
        Ok(bytes.into())
    }
}
