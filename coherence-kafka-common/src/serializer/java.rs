//! What Java's default serializer writes: a byte for the type, then the value, as a grid's serializer named `java`.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Deserializer, Header, Serializer, SerializerError};
use crate::java_format;
use crate::packed::DecodeError;
use crate::pof::serde::{Error, from_binary, to_binary, undecorated};
use crate::pof::{self, PofContext, PofValue};

const FORMAT: &str = "java";

/// Values without a Rust type as Java's default serializer writes them. Lists, maps and objects of classes have no form
/// there that another program could write: a map in POF or JSON holds them.
#[derive(Debug, Clone, Copy, Default)]
pub struct JavaValueSerde;

impl Serializer<PofValue> for JavaValueSerde {
    fn serialize(
        &self,
        _: &str,
        _: &mut Vec<Header>,
        value: &PofValue,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        java_format::write(value, out).map_err(|refused| SerializerError::NotRepresentable {
            format: FORMAT,
            what: refused.what.to_owned(),
        })
    }
}

impl Deserializer<PofValue> for JavaValueSerde {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &[u8]) -> Result<PofValue, SerializerError> {
        Ok(undecorated(bytes).and_then(java_format::decode).map_err(malformed)?)
    }
}

/// Any type of serde's that is a text, a number, a boolean, bytes or a UUID, as Java's default serializer writes it.
///
/// ```
/// use coherence_kafka_common::serializer::{Deserializer, JavaSerde, Serializer};
///
/// let mut binary = Vec::new();
/// JavaSerde::default().serialize("", &mut Vec::new(), "Hi!", &mut binary)?;
/// assert_eq!(binary, b"\x06\x03Hi!");
/// let text: String = JavaSerde::default().deserialize("", &[], &binary)?;
/// assert_eq!(text, "Hi!");
/// # Ok::<_, coherence_kafka_common::serializer::SerializerError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct JavaSerde {
    /// Without user types: none of them has a form in Java's.
    context: Arc<PofContext>,
}

impl<T: Serialize + ?Sized> Serializer<T> for JavaSerde {
    fn serialize(
        &self,
        topic: &str,
        headers: &mut Vec<Header>,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        // POF knows the type of every value, as Java does.
        let binary = to_binary(&self.context, value)?;
        let value = pof::decode(binary.get(1..).unwrap_or_default()).map_err(malformed)?;
        JavaValueSerde.serialize(topic, headers, &value, out)
    }
}

impl<T: DeserializeOwned> Deserializer<T> for JavaSerde {
    fn deserialize(&self, topic: &str, headers: &[Header], bytes: &[u8]) -> Result<T, SerializerError> {
        let value = JavaValueSerde.deserialize(topic, headers, bytes)?;
        Ok(from_binary(&self.context, &to_binary(&self.context, &value)?)?)
    }
}

fn malformed(error: DecodeError) -> Error {
    Error::from(error)
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    fn written<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let written = JavaSerde::default().serialize("", &mut Vec::new(), value, &mut out);
        written.map(|()| out).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn both_ways<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T, binary: &[u8]) {
        assert_eq!(written(&value).as_deref(), Ok(binary));
        assert_eq!(JavaSerde::default().deserialize("", &[], binary), Ok(value));
    }

    #[test]
    fn each_rust_type_is_the_java_class_of_its_width() {
        both_ways("Hi!".to_owned(), b"\x06\x03Hi!");
        both_ways(5_i16, b"\x0F\x00\x05");
        both_ways(5_i32, b"\x01\x05");
        both_ways(-1_i64, b"\x02\x40");
        both_ways(1.5_f32, b"\x0E\x3F\xC0\x00\x00");
        both_ways(1.0_f64, b"\x03\x3F\xF0\x00\x00\x00\x00\x00\x00");
        both_ways(true, b"\x11\x01");
        both_ways(None::<i32>, b"\x00");
    }

    #[test]
    fn lists_and_objects_are_refused() {
        assert_eq!(written(&vec![1, 2]), Err("java cannot hold a Collection".to_owned()));
    }

    #[test]
    fn a_value_is_read_without_its_decorations() {
        let read = |bytes: &[u8]| JavaValueSerde.deserialize("", &[], bytes);
        assert_eq!(read(b"\x12\x05\x02\x01\x05\x02\x11\x00"), Ok(PofValue::Int32(5)));
        assert!(read(b"\x15\x41\x05").is_err());
    }
}
