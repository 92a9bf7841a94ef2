//! Kafka's serializers over [`PofValue`]: each takes the one Java class that it takes in Java, and no other.

use super::{
    BooleanSerde, ByteArraySerde, Deserializer, DoubleSerde, FloatSerde, Header, IntegerSerde, ListSerde,
    LongSerde, Serializer, SerializerError, ShortSerde, StringSerde, UuidSerde, VoidSerde,
};
use crate::pof::PofValue;

/// One of Kafka's.
#[derive(Debug, Clone)]
pub(super) enum KafkaSerde {
    String(StringSerde),
    ByteArray,
    /// `ByteBuffer` and `Bytes`, which are no POF types: both of POF's forms of bytes stand for them.
    Bytes(&'static str),
    Short,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
    Uuid(UuidSerde),
    Void,
    List(Box<ListSerde<KafkaSerde>>),
}

impl KafkaSerde {
    /// Returns the size that a list takes for that of every element.
    pub(super) fn constant_size(&self) -> Option<usize> {
        match self {
            KafkaSerde::Short => Some(2),
            KafkaSerde::Integer | KafkaSerde::Float => Some(4),
            KafkaSerde::Long | KafkaSerde::Double => Some(8),
            KafkaSerde::Uuid(_) => Some(36),
            _ => None,
        }
    }

    /// Returns the name of the serializer and of the class that it takes.
    fn names(&self) -> (&'static str, &'static str) {
        match self {
            KafkaSerde::String(_) => ("StringSerializer", "String"),
            KafkaSerde::ByteArray => ("ByteArraySerializer", "byte[]"),
            KafkaSerde::Bytes(serializer) => (serializer, "byte[] or Binary"),
            KafkaSerde::Short => ("ShortSerializer", "Short"),
            KafkaSerde::Integer => ("IntegerSerializer", "Integer"),
            KafkaSerde::Long => ("LongSerializer", "Long"),
            KafkaSerde::Float => ("FloatSerializer", "Float"),
            KafkaSerde::Double => ("DoubleSerializer", "Double"),
            KafkaSerde::Boolean => ("BooleanSerializer", "Boolean"),
            KafkaSerde::Uuid(_) => ("UUIDSerializer", "UUID"),
            KafkaSerde::Void => ("VoidSerializer", "null"),
            KafkaSerde::List(_) => ("ListSerializer", "List"),
        }
    }
}

impl Serializer<PofValue> for KafkaSerde {
    fn serialize(
        &self,
        topic: &str,
        headers: &mut Vec<Header>,
        value: &PofValue,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        match (self, value) {
            (KafkaSerde::String(serde), PofValue::String(text)) => {
                serde.serialize(topic, headers, text.as_str(), out)
            }
            (KafkaSerde::ByteArray | KafkaSerde::Bytes(_), PofValue::ByteArray(bytes))
            | (KafkaSerde::Bytes(_), PofValue::OctetString(bytes)) => {
                ByteArraySerde.serialize(topic, headers, bytes, out)
            }
            (KafkaSerde::Short, PofValue::Int16(value)) => ShortSerde.serialize(topic, headers, value, out),
            (KafkaSerde::Integer, PofValue::Int32(value)) => {
                IntegerSerde.serialize(topic, headers, value, out)
            }
            (KafkaSerde::Long, PofValue::Int64(value)) => LongSerde.serialize(topic, headers, value, out),
            (KafkaSerde::Float, PofValue::Float32(value)) => FloatSerde.serialize(topic, headers, value, out),
            (KafkaSerde::Double, PofValue::Float64(value)) => {
                DoubleSerde.serialize(topic, headers, value, out)
            }
            (KafkaSerde::Boolean, PofValue::Boolean(value)) => {
                BooleanSerde.serialize(topic, headers, value, out)
            }
            (KafkaSerde::List(list), PofValue::Collection(elements)) => {
                let elements = elements.iter().map(|element| match element {
                    PofValue::Null => None,
                    element => Some(element),
                });
                list.write(topic, headers, elements, out)
            }
            (KafkaSerde::Uuid(serde), value) if let Some(uuid) = value.uuid() => {
                serde.serialize(topic, headers, &uuid, out)
            }
            (serde, value) => {
                let (serializer, expected) = serde.names();
                Err(SerializerError::Type { serializer, expected, found: type_name(value) })
            }
        }
    }
}

impl Deserializer<PofValue> for KafkaSerde {
    fn deserialize(
        &self,
        topic: &str,
        headers: &[Header],
        bytes: &[u8],
    ) -> Result<PofValue, SerializerError> {
        Ok(match self {
            KafkaSerde::String(serde) => PofValue::String(serde.deserialize(topic, headers, bytes)?),
            KafkaSerde::ByteArray | KafkaSerde::Bytes(_) => PofValue::ByteArray(bytes.to_vec()),
            KafkaSerde::Short => PofValue::Int16(ShortSerde.deserialize(topic, headers, bytes)?),
            KafkaSerde::Integer => PofValue::Int32(IntegerSerde.deserialize(topic, headers, bytes)?),
            KafkaSerde::Long => PofValue::Int64(LongSerde.deserialize(topic, headers, bytes)?),
            KafkaSerde::Float => PofValue::Float32(FloatSerde.deserialize(topic, headers, bytes)?),
            KafkaSerde::Double => PofValue::Float64(DoubleSerde.deserialize(topic, headers, bytes)?),
            KafkaSerde::Boolean => PofValue::Boolean(BooleanSerde.deserialize(topic, headers, bytes)?),
            KafkaSerde::Uuid(serde) => PofValue::from_uuid(serde.deserialize(topic, headers, bytes)?),
            KafkaSerde::Void => match VoidSerde.deserialize(topic, headers, bytes)? {},
            KafkaSerde::List(list) => {
                let elements: Vec<Option<PofValue>> = list.deserialize(topic, headers, bytes)?;
                PofValue::Collection(elements.into_iter().map(|e| e.unwrap_or(PofValue::Null)).collect())
            }
        })
    }
}

/// Java's name for the class of a value, for errors.
pub(super) fn type_name(value: &PofValue) -> &'static str {
    match value {
        PofValue::Null => "null",
        PofValue::Boolean(_) => "Boolean",
        PofValue::Int16(_) => "Short",
        PofValue::Int32(_) => "Integer",
        PofValue::Int64(_) => "Long",
        PofValue::Int128(_) => "BigInteger",
        PofValue::Float32(_) => "Float",
        PofValue::Float64(_) => "Double",
        PofValue::Float128(_) => "RawQuad",
        PofValue::Decimal { .. } => "BigDecimal",
        PofValue::Octet(_) => "Byte",
        PofValue::OctetString(_) => "Binary",
        PofValue::Char(_) => "Character",
        PofValue::String(_) => "String",
        PofValue::Date(_) => "LocalDate",
        PofValue::Time(time) if time.zone.is_none() => "LocalTime",
        PofValue::Time(_) => "OffsetTime",
        PofValue::DateTime(_, time) if time.zone.is_none() => "LocalDateTime",
        PofValue::DateTime(..) => "OffsetDateTime",
        PofValue::YearMonthInterval { .. } => "RawYearMonthInterval",
        PofValue::TimeInterval { .. } => "RawTimeInterval",
        PofValue::DayTimeInterval { .. } => "RawDayTimeInterval",
        PofValue::Collection(_) => "List",
        PofValue::Array(_) => "Object[]",
        PofValue::BooleanArray(_) => "boolean[]",
        PofValue::ByteArray(_) => "byte[]",
        PofValue::CharArray(_) => "char[]",
        PofValue::Int16Array(_) => "short[]",
        PofValue::Int32Array(_) => "int[]",
        PofValue::Int64Array(_) => "long[]",
        PofValue::Float32Array(_) => "float[]",
        PofValue::Float64Array(_) => "double[]",
        PofValue::SparseArray { .. } => "LongArray",
        PofValue::Map(_) => "Map",
        value if value.uuid().is_some() => "UUID",
        PofValue::User { .. } => "a user type",
    }
}
