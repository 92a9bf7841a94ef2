//! Kafka's deserializers (`org.apache.kafka.common.serialization`) as converters need them: bytes to one value, without
//! a schema, and the serializers of the same formats. Text and bytes are borrowed from the record.
//!
//! A null never gets here: for every deserializer and serializer it is null.

use std::borrow::Cow;

use coherence_kafka_common::serializer::charset::Charset;
use coherence_kafka_common::serializer::{
    self, BooleanSerde, DoubleSerde, FloatSerde, Header, IntegerSerde, ListSerde, LongSerde, SerializerError,
    ShortSerde, UuidSerde, VoidSerde,
};

use uuid::Uuid;

use super::{Role, pof};
use crate::data::Value;

/// A deserializer with its settings.
#[derive(Debug, Clone)]
pub(super) enum Deserializer {
    One(Element),
    List(ListSerde<Element>),
    Pof,
}

/// A deserializer that has no other one inside.
#[derive(Debug, Clone)]
pub(super) enum Element {
    String(Charset),
    /// `ByteArrayDeserializer`, `ByteBufferDeserializer`, `BytesDeserializer`.
    Bytes,
    Short,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
    Uuid(UuidSerde),
    Void,
}

impl Deserializer {
    /// Returns the value in `bytes`, or the reason why they hold none.
    pub(super) fn deserialize<'a>(&self, bytes: &'a [u8]) -> Result<Value<'a>, String> {
        match self {
            Deserializer::One(element) => element.deserialize(bytes),
            Deserializer::List(list) => {
                let values =
                    read::<Vec<Option<Value<'static>>>>(list, bytes).map_err(|error| error.to_string())?;
                Ok(Value::Array(values.into_iter().map(|value| value.unwrap_or(Value::Null)).collect()))
            }
            Deserializer::Pof => pof::read(bytes),
        }
    }

    /// Returns the bytes that [`Deserializer::deserialize`] reads `value` from, or the reason why there are none.
    pub(super) fn serialize(&self, role: Role, value: &Value<'_>) -> Result<Vec<u8>, String> {
        match self {
            Deserializer::One(element) => {
                element.serialize(value).ok_or_else(|| format!("it does not write a {}", value.class_name()))
            }
            Deserializer::List(_) => Err("lists cannot be written, only read".to_owned()),
            Deserializer::Pof => pof::write(role, value),
        }
    }
}

impl Element {
    /// Returns the value in `bytes`, or the reason why they hold none.
    pub(super) fn deserialize<'a>(&self, bytes: &'a [u8]) -> Result<Value<'a>, String> {
        self.read(bytes).map_err(|error| match (self, bytes) {
            // As Kafka words it.
            (Element::Boolean, &[other]) => {
                let found = other as i8;
                format!("Unexpected byte received by BooleanDeserializer: {found}, expected 0 or 1")
            }
            _ => error.to_string(),
        })
    }

    /// Returns the bytes of a value of exactly this type; nothing for any other.
    pub(super) fn serialize(&self, value: &Value<'_>) -> Option<Vec<u8>> {
        match (self, value) {
            (Element::String(charset), Value::String(text)) => Some(charset.encode(text).into_owned()),
            (Element::Bytes, Value::Bytes(bytes)) => Some(bytes.to_vec()),
            (Element::Short, Value::Int16(value)) => written(&ShortSerde, value),
            (Element::Integer, Value::Int32(value)) => written(&IntegerSerde, value),
            (Element::Long, Value::Int64(value)) => written(&LongSerde, value),
            (Element::Float, Value::Float32(value)) => written(&FloatSerde, value),
            (Element::Double, Value::Float64(value)) => written(&DoubleSerde, value),
            (Element::Boolean, Value::Boolean(value)) => written(&BooleanSerde, value),
            (Element::Uuid(serde), Value::Uuid(bits)) => written(serde, &Uuid::from_u128(*bits)),
            _ => None,
        }
    }

    fn read<'a>(&self, bytes: &'a [u8]) -> Result<Value<'a>, SerializerError> {
        Ok(match self {
            Element::String(charset) => Value::String(charset.decode(bytes)),
            Element::Bytes => Value::Bytes(Cow::Borrowed(bytes)),
            Element::Short => Value::Int16(read(&ShortSerde, bytes)?),
            Element::Integer => Value::Int32(read(&IntegerSerde, bytes)?),
            Element::Long => Value::Int64(read(&LongSerde, bytes)?),
            Element::Float => Value::Float32(read(&FloatSerde, bytes)?),
            Element::Double => Value::Float64(read(&DoubleSerde, bytes)?),
            Element::Boolean => Value::Boolean(read(&BooleanSerde, bytes)?),
            Element::Uuid(serde) => Value::Uuid(read(serde, bytes)?.as_u128()),
            Element::Void => match read(&VoidSerde, bytes)? {},
        })
    }

    /// Returns a list of such elements. Those of fixed width are written without their lengths.
    pub(super) fn list(self) -> ListSerde<Self> {
        let size = match &self {
            Element::Short => 2,
            Element::Integer | Element::Float => 4,
            Element::Long | Element::Double => 8,
            Element::Uuid(_) => 36,
            Element::String(_) | Element::Bytes | Element::Boolean | Element::Void => {
                return ListSerde::variable_size(self);
            }
        };
        ListSerde::constant_size(self, size)
    }
}

impl serializer::Deserializer<Value<'static>> for Element {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &[u8]) -> Result<Value<'static>, SerializerError> {
        self.read(bytes).map(Value::into_owned)
    }
}

/// No deserializer here looks at the topic or the headers.
fn read<T>(serde: &impl serializer::Deserializer<T>, bytes: &[u8]) -> Result<T, SerializerError> {
    serde.deserialize("", &[], bytes)
}

fn written<T>(serde: &impl serializer::Serializer<T>, value: &T) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    serde.serialize("", &mut Vec::new(), value, &mut bytes).ok().map(|()| bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(element: Element, bytes: &[u8]) -> Result<Value<'_>, String> {
        Deserializer::List(element.list()).deserialize(bytes)
    }

    #[test]
    fn a_list_of_fixed_width_leaves_out_the_bytes_of_nulls() {
        let bytes = [0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 7, 0, 0, 0, 9];
        let expected = vec![Value::Int32(7), Value::Null, Value::Int32(9)];
        assert_eq!(list(Element::Integer, &bytes), Ok(Value::Array(expected)));
    }

    #[test]
    fn a_list_of_texts_carries_their_lengths_and_minus_one_for_null() {
        let bytes = [1, 0, 0, 0, 3, 0, 0, 0, 1, b'a', 255, 255, 255, 255, 0, 0, 0, 0];
        let expected = vec![Value::String("a".into()), Value::Null, Value::String("".into())];
        assert_eq!(list(Element::String(Charset::UTF_8), &bytes), Ok(Value::Array(expected)));
    }

    #[test]
    fn a_list_that_announces_more_than_it_has_is_refused_with_the_offset() {
        let huge = [1, 0x7F, 0xFF, 0xFF, 0xFF];
        let error = list(Element::Bytes, &huge).unwrap_err();
        assert_eq!(
            error,
            "ListDeserializer: expected the length of an element at byte 5, found too few bytes"
        );
        let nulls = [0, 0x7F, 0xFF, 0xFF, 0xFF];
        assert!(list(Element::Integer, &nulls).is_err());
    }
}
