//! Kafka's own deserializers (`org.apache.kafka.common.serialization`): bytes to one value, without a schema.
//!
//! Integers are big-endian, floats IEEE 754 big-endian. A null never gets here: for every one of them it is null.

use std::borrow::Cow;
use std::collections::HashSet;

use coherence_kafka_common::serializer::charset::Charset;

use super::pof;
use crate::value::Value;

/// A deserializer with its settings.
#[derive(Debug, Clone)]
pub(super) enum Deserializer {
    String(Charset),
    /// `ByteArrayDeserializer`, `ByteBufferDeserializer`, `BytesDeserializer`.
    Bytes,
    Short,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
    Uuid(Charset),
    Void,
    List(Box<Deserializer>),
    Pof,
}

/// The message of Kafka's `SerializationException`.
#[derive(Debug, thiserror::Error)]
pub(super) enum SerializationError {
    #[error("Size of data received by {deserializer} is not {expected}, it is {actual}")]
    Size { deserializer: &'static str, expected: usize, actual: usize },
    #[error("Unexpected byte received by BooleanDeserializer: {0}, expected 0 or 1")]
    Boolean(i8),
    #[error("Error parsing data into UUID: expected five groups of hexadecimal digits with - between them")]
    Uuid,
    #[error("Data should be null for a VoidDeserializer.")]
    Void,
    #[error("Unable to deserialize into a List: {what} at byte {offset}")]
    List { what: &'static str, offset: usize },
    #[error("Unable to deserialize into a List: element {index}: {error}")]
    Element { index: usize, error: Box<SerializationError> },
    #[error("{0}")]
    Pof(String),
}

impl Deserializer {
    pub(super) fn deserialize<'a>(&self, bytes: &'a [u8]) -> Result<Value<'a>, SerializationError> {
        Ok(match self {
            Deserializer::String(charset) => Value::String(charset.decode(bytes)),
            Deserializer::Bytes => Value::Bytes(Cow::Borrowed(bytes)),
            Deserializer::Short => Value::Int16(i16::from_be_bytes(exact(bytes, "ShortDeserializer")?)),
            Deserializer::Integer => Value::Int32(i32::from_be_bytes(exact(bytes, "IntegerDeserializer")?)),
            Deserializer::Long => Value::Int64(i64::from_be_bytes(exact(bytes, "LongDeserializer")?)),
            // Kafka forgot the name in these two.
            Deserializer::Float => Value::Float32(f32::from_be_bytes(exact(bytes, "Deserializer")?)),
            Deserializer::Double => Value::Float64(f64::from_be_bytes(exact(bytes, "Deserializer")?)),
            Deserializer::Boolean => match exact(bytes, "BooleanDeserializer")? {
                [0] => Value::Boolean(false),
                [1] => Value::Boolean(true),
                [other] => return Err(SerializationError::Boolean(other as i8)),
            },
            Deserializer::Uuid(charset) => {
                Value::Uuid(parse_uuid(&charset.decode(bytes)).ok_or(SerializationError::Uuid)?)
            }
            Deserializer::Void => return Err(SerializationError::Void),
            Deserializer::List(inner) => Value::Array(inner.deserialize_list(bytes)?),
            Deserializer::Pof => pof::read(bytes).map_err(SerializationError::Pof)?,
        })
    }

    /// Returns the width in bytes of elements whose size a list leaves out.
    fn fixed_width(&self) -> Option<usize> {
        match self {
            Deserializer::Short => Some(2),
            Deserializer::Integer | Deserializer::Float => Some(4),
            Deserializer::Long | Deserializer::Double => Some(8),
            Deserializer::Uuid(_) => Some(36),
            _ => None,
        }
    }

    /// `ListDeserializer` over elements of this deserializer.
    ///
    /// ```text
    /// 00  number of nulls, the index of each, size, the elements that are not null   (fixed width)
    /// 01  size, { length or -1 for null, element }
    /// ```
    fn deserialize_list<'a>(&self, bytes: &'a [u8]) -> Result<Vec<Value<'a>>, SerializationError> {
        let mut list = ListCursor { rest: bytes, len: bytes.len() };
        let (fixed_width, nulls) = match list.take(1, "no strategy byte")? {
            [0] => {
                let width =
                    self.fixed_width().ok_or(list.fault("elements of fixed width, which these are not,"))?;
                let count = list.count(4, "number of nulls")?;
                let mut nulls = HashSet::with_capacity(count);
                for _ in 0..count {
                    nulls.insert(list.int("index of a null")?);
                }
                (Some(width), nulls)
            }
            [1] => (None, HashSet::new()),
            _ => return Err(list.fault("unknown strategy byte, expected 0 or 1,")),
        };
        let size = list.int("size")?;
        if size < 0 {
            return Err(list.fault("negative size"));
        }
        // Not reserved by `size`, which may be any number; each turn takes bytes or one of the announced nulls.
        let mut values = Vec::new();
        for index in 0..size {
            if nulls.contains(&index) {
                values.push(Value::Null);
                continue;
            }
            let len = match fixed_width {
                Some(width) => width,
                None => match list.int("length of an element")? {
                    -1 => {
                        values.push(Value::Null);
                        continue;
                    }
                    len => usize::try_from(len).map_err(|_| list.fault("negative length of an element"))?,
                },
            };
            let element = self.deserialize(list.take(len, "element cut off")?).map_err(|error| {
                SerializationError::Element { index: values.len(), error: Box::new(error) }
            })?;
            values.push(element);
        }
        Ok(values)
    }
}

struct ListCursor<'a> {
    rest: &'a [u8],
    len: usize,
}

impl<'a> ListCursor<'a> {
    fn take(&mut self, len: usize, what: &'static str) -> Result<&'a [u8], SerializationError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(self.fault(what))?;
        self.rest = rest;
        Ok(taken)
    }

    fn int(&mut self, what: &'static str) -> Result<i32, SerializationError> {
        let (int, rest) = self.rest.split_first_chunk().ok_or(self.fault(what))?;
        self.rest = rest;
        Ok(i32::from_be_bytes(*int))
    }

    /// Reads a number of items of at least `width` bytes each that the rest can hold.
    fn count(&mut self, width: usize, what: &'static str) -> Result<usize, SerializationError> {
        let count = self.int(what)?;
        match usize::try_from(count) {
            Ok(count) if count <= self.rest.len() / width => Ok(count),
            _ => Err(self.fault(what)),
        }
    }

    fn fault(&self, what: &'static str) -> SerializationError {
        SerializationError::List { what, offset: self.len - self.rest.len() }
    }
}

fn exact<const N: usize>(bytes: &[u8], deserializer: &'static str) -> Result<[u8; N], SerializationError> {
    let size = SerializationError::Size { deserializer, expected: N, actual: bytes.len() };
    bytes.try_into().map_err(|_| size)
}

/// `UUID.fromString`: each group may have fewer digits than usual, and too many lose their highest ones.
fn parse_uuid(text: &str) -> Option<u128> {
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
    groups.next().is_none().then_some(uuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(inner: Deserializer, bytes: &[u8]) -> Result<Vec<Value<'_>>, String> {
        inner.deserialize_list(bytes).map_err(|error| error.to_string())
    }

    #[test]
    fn a_list_of_fixed_width_leaves_out_the_bytes_of_nulls() {
        let bytes = [0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 7, 0, 0, 0, 9];
        let expected = vec![Value::Int32(7), Value::Null, Value::Int32(9)];
        assert_eq!(list(Deserializer::Integer, &bytes), Ok(expected));
    }

    #[test]
    fn a_list_of_texts_carries_their_lengths_and_minus_one_for_null() {
        let bytes = [1, 0, 0, 0, 3, 0, 0, 0, 1, b'a', 255, 255, 255, 255, 0, 0, 0, 0];
        let expected = vec![Value::String("a".into()), Value::Null, Value::String("".into())];
        assert_eq!(list(Deserializer::String(Charset::UTF_8), &bytes), Ok(expected));
    }

    #[test]
    fn a_list_that_announces_more_than_it_has_is_refused_with_the_offset() {
        let huge = [1, 0x7F, 0xFF, 0xFF, 0xFF];
        let error = list(Deserializer::Bytes, &huge).unwrap_err();
        assert_eq!(error, "Unable to deserialize into a List: length of an element at byte 5");
        let nulls = [0, 0x7F, 0xFF, 0xFF, 0xFF];
        assert!(list(Deserializer::Integer, &nulls).is_err());
    }

    #[test]
    fn a_uuid_is_read_as_java_reads_it() {
        assert_eq!(
            parse_uuid("00112233-4455-6677-8899-aAbBcCdDeEfF"),
            Some(0x0011_2233_4455_6677_8899_AABB_CCDD_EEFF)
        );
        assert_eq!(parse_uuid("1-2-3-4-5"), Some(0x0000_0001_0002_0003_0004_0000_0000_0005));
        for bad in ["", "1-2-3-4", "1-2-3-4-5-6", "1-2-3-4-", "+1-2-3-4-5", "g-2-3-4-5"] {
            assert_eq!(parse_uuid(bad), None, "{bad}");
        }
    }
}
