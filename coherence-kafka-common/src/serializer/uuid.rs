//! Kafka's `UUIDSerializer` and `UUIDDeserializer`: the text of the UUID, not its 16 bytes.

use uuid::Uuid;

use super::charset::Charset;
use super::{Deserializer, Header, Serializer, SerializerError};

/// The text of a UUID in a charset: 32 lower-case digits in five groups.
#[derive(Debug, Clone, Copy)]
pub struct UuidSerde {
    charset: Charset,
}

impl UuidSerde {
    /// Text in `charset`.
    pub fn new(charset: Charset) -> Self {
        Self { charset }
    }
}

impl Default for UuidSerde {
    /// UTF-8, as Kafka's.
    fn default() -> Self {
        Self::new(Charset::UTF_8)
    }
}

impl Serializer<Uuid> for UuidSerde {
    fn serialize(
        &self,
        _: &str,
        _: &mut Vec<Header>,
        value: &Uuid,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        let mut text = Uuid::encode_buffer();
        out.extend_from_slice(&self.charset.encode(value.hyphenated().encode_lower(&mut text)));
        Ok(())
    }
}

impl Deserializer<Uuid> for UuidSerde {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &[u8]) -> Result<Uuid, SerializerError> {
        parse(&self.charset.decode(bytes)).ok_or(SerializerError::Malformed {
            format: "UUIDDeserializer",
            expected: "five groups of hexadecimal digits with - between them".to_owned(),
            offset: 0,
            found: "another text",
        })
    }
}

/// `UUID.fromString`: each group may have fewer digits than usual, and too many lose their highest ones. Java takes a
/// sign in front of a group, too.
fn parse(text: &str) -> Option<Uuid> {
    if text.len() > 36 {
        return None;
    }
    let mut groups = text.split('-');
    let mut uuid = 0;
    for bits in [32, 16, 16, 16, 48] {
        let group = groups.next().filter(|group| group.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        let number = u64::from_str_radix(group, 16).ok().filter(|&number| number <= i64::MAX as u64)?;
        uuid = uuid << bits | u128::from(number & ((1 << bits) - 1));
    }
    groups.next().is_none().then(|| Uuid::from_u128(uuid))
}
