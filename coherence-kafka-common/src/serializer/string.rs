//! Kafka's `StringSerializer` and `StringDeserializer`.

use super::charset::Charset;
use super::{Deserializer, Header, Serializer, SerializerError};

/// Text in a charset. Never an error: see [`Charset`] for what becomes of characters and bytes that do not fit.
#[derive(Debug, Clone, Copy)]
pub struct StringSerde {
    charset: Charset,
}

impl StringSerde {
    /// Text in `charset`.
    pub fn new(charset: Charset) -> Self {
        Self { charset }
    }
}

impl Default for StringSerde {
    /// UTF-8, as Kafka's.
    fn default() -> Self {
        Self::new(Charset::UTF_8)
    }
}

impl Serializer<str> for StringSerde {
    fn serialize(
        &self,
        _: &str,
        _: &mut Vec<Header>,
        value: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        out.extend_from_slice(&self.charset.encode(value));
        Ok(())
    }
}

impl Serializer<String> for StringSerde {
    fn serialize(
        &self,
        topic: &str,
        headers: &mut Vec<Header>,
        value: &String,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        self.serialize(topic, headers, value.as_str(), out)
    }
}

impl Deserializer<String> for StringSerde {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &[u8]) -> Result<String, SerializerError> {
        Ok(self.charset.decode(bytes).into_owned())
    }
}
