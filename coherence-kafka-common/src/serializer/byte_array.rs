//! Kafka's serializers of bytes: `ByteArray`, `ByteBuffer` and `Bytes` differ in Java's types only.

use bytes::Bytes;

use super::{Deserializer, Header, Serializer, SerializerError};

/// Bytes as they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct ByteArraySerde;

impl<T: AsRef<[u8]> + ?Sized> Serializer<T> for ByteArraySerde {
    fn serialize(
        &self,
        _: &str,
        _: &mut Vec<Header>,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        out.extend_from_slice(value.as_ref());
        Ok(())
    }
}

impl Deserializer<Vec<u8>> for ByteArraySerde {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &[u8]) -> Result<Vec<u8>, SerializerError> {
        Ok(bytes.to_vec())
    }
}

impl Deserializer<Bytes> for ByteArraySerde {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &[u8]) -> Result<Bytes, SerializerError> {
        Ok(Bytes::copy_from_slice(bytes))
    }
}
