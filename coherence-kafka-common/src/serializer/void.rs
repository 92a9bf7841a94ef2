//! Kafka's `VoidSerializer` and `VoidDeserializer`.

use std::convert::Infallible;

use super::{Deserializer, Header, Serializer, SerializerError};

/// No value but null. As null is outside of serializers, the type left inside has no values: Java's `Void` is
/// `Option<Infallible>` here. Bytes, even none of them, are no null and are refused, as by Java.
#[derive(Debug, Clone, Copy, Default)]
pub struct VoidSerde;

impl Serializer<Infallible> for VoidSerde {
    fn serialize(
        &self,
        _: &str,
        _: &mut Vec<Header>,
        value: &Infallible,
        _: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        match *value {}
    }
}

impl Deserializer<Infallible> for VoidSerde {
    fn deserialize(&self, _: &str, _: &[Header], _: &[u8]) -> Result<Infallible, SerializerError> {
        Err(SerializerError::Malformed {
            format: "VoidDeserializer",
            expected: "null".to_owned(),
            offset: 0,
            found: "bytes",
        })
    }
}
