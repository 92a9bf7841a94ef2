//! Kafka's serializers of fixed width: integers big-endian, floats IEEE 754 big-endian, one byte for a boolean.

use super::{Deserializer, Header, Serializer, SerializerError};

macro_rules! number {
    ($(#[$doc:meta])* $serde:ident, $type:ty, $deserializer:literal, |$value:ident| $bytes:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default)]
        pub struct $serde;

        impl Serializer<$type> for $serde {
            fn serialize(
                &self,
                _: &str,
                _: &mut Vec<Header>,
                $value: &$type,
                out: &mut Vec<u8>,
            ) -> Result<(), SerializerError> {
                out.extend_from_slice(&$bytes);
                Ok(())
            }
        }

        impl Deserializer<$type> for $serde {
            fn deserialize(&self, _: &str, _: &[Header], bytes: &[u8]) -> Result<$type, SerializerError> {
                exact(bytes, $deserializer).map(<$type>::from_be_bytes)
            }
        }
    };
}

number!(
    /// `Short`: 2 bytes.
    ShortSerde, i16, "ShortDeserializer", |value| value.to_be_bytes()
);
number!(
    /// `Integer`: 4 bytes.
    IntegerSerde, i32, "IntegerDeserializer", |value| value.to_be_bytes()
);
number!(
    /// `Long`: 8 bytes.
    LongSerde, i64, "LongDeserializer", |value| value.to_be_bytes()
);
// Kafka's messages about these two name no deserializer.
number!(
    /// `Float`: 4 bytes; the bits of a NaN are kept.
    FloatSerde, f32, "Deserializer", |value| value.to_be_bytes()
);
number!(
    /// `Double`: 8 bytes; every NaN is written as Java's one NaN, and read as it is.
    DoubleSerde, f64, "Deserializer", |value| canonical(*value).to_be_bytes()
);

fn canonical(value: f64) -> u64 {
    if value.is_nan() { 0x7FF8_0000_0000_0000 } else { value.to_bits() }
}

/// `Boolean`: 0 or 1 in one byte, and no other.
#[derive(Debug, Clone, Copy, Default)]
pub struct BooleanSerde;

impl Serializer<bool> for BooleanSerde {
    fn serialize(
        &self,
        _: &str,
        _: &mut Vec<Header>,
        value: &bool,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        out.push(u8::from(*value));
        Ok(())
    }
}

impl Deserializer<bool> for BooleanSerde {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &[u8]) -> Result<bool, SerializerError> {
        match exact(bytes, "BooleanDeserializer")? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(SerializerError::Malformed {
                format: "BooleanDeserializer",
                expected: "0 or 1".to_owned(),
                offset: 0,
                found: "another byte",
            }),
        }
    }
}

fn exact<const N: usize>(bytes: &[u8], deserializer: &'static str) -> Result<[u8; N], SerializerError> {
    let size = SerializerError::Size { deserializer, expected: N, found: bytes.len() };
    bytes.try_into().map_err(|_| size)
}
