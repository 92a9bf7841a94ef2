//! Kafka's `ListSerializer` and `ListDeserializer`.

use std::collections::HashSet;

use super::{Deserializer, Header, Serializer, SerializerError};
use crate::packed::Cursor;

/// A list whose elements another serde writes.
///
/// ```text
/// 00  number of nulls, the index of each, size, the elements that are not null   (CONSTANT_SIZE)
/// 01  size, { length or -1 for null, element }                                   (VARIABLE_SIZE)
/// ```
///
/// All numbers are 4 bytes big-endian. The first byte decides for reading. Kafka takes its serializers of `Short`,
/// `Integer`, `Long`, `Float`, `Double` and `UUID` (36 bytes, whatever the charset) for those of constant size. Java's
/// reader fills up with zeros a last element that is cut off, which is an error here, and refuses a last element of no
/// bytes, which its own writer writes.
#[derive(Debug, Clone)]
pub struct ListSerde<S> {
    inner: S,
    /// Of every element, in bytes.
    constant_size: Option<usize>,
}

const FORMAT: &str = "ListDeserializer";

impl<S> ListSerde<S> {
    /// Elements that `inner` writes in `size` bytes each.
    pub fn constant_size(inner: S, size: usize) -> Self {
        Self { inner, constant_size: Some(size) }
    }

    /// Elements that `inner` writes in any number of bytes.
    pub fn variable_size(inner: S) -> Self {
        Self { inner, constant_size: None }
    }
}

impl<S> ListSerde<S> {
    /// As [`Serializer::serialize`], from elements wherever they are.
    pub(super) fn write<'v, T: 'v>(
        &self,
        topic: &str,
        headers: &mut Vec<Header>,
        list: impl ExactSizeIterator<Item = Option<&'v T>> + Clone,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError>
    where
        S: Serializer<T>,
    {
        let constant_size = self.constant_size.is_some();
        out.push(if constant_size { 0 } else { 1 });
        if constant_size {
            let nulls = list.clone().enumerate().filter(|(_, element)| element.is_none());
            int(nulls.clone().count(), out)?;
            for (index, _) in nulls {
                int(index, out)?;
            }
        }
        int(list.len(), out)?;
        for (index, element) in list.enumerate() {
            let Some(element) = element else {
                if !constant_size {
                    out.extend_from_slice(&(-1_i32).to_be_bytes());
                }
                continue;
            };
            let start = out.len();
            if !constant_size {
                out.extend_from_slice(&[0; LENGTH]);
            }
            self.inner
                .serialize(topic, headers, element, out)
                .map_err(|error| SerializerError::Element { index, error: Box::new(error) })?;
            if !constant_size {
                let length = length(out.len() - start - LENGTH)?;
                out[start..start + LENGTH].copy_from_slice(&length.to_be_bytes());
            }
        }
        Ok(())
    }
}

impl<T, S: Serializer<T>> Serializer<[Option<T>]> for ListSerde<S> {
    fn serialize(
        &self,
        topic: &str,
        headers: &mut Vec<Header>,
        list: &[Option<T>],
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        self.write(topic, headers, list.iter().map(Option::as_ref), out)
    }
}

impl<T, S: Serializer<T>> Serializer<Vec<Option<T>>> for ListSerde<S> {
    fn serialize(
        &self,
        topic: &str,
        headers: &mut Vec<Header>,
        list: &Vec<Option<T>>,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        self.write(topic, headers, list.iter().map(Option::as_ref), out)
    }
}

impl<T, S: Deserializer<T>> Deserializer<Vec<Option<T>>> for ListSerde<S> {
    fn deserialize(
        &self,
        topic: &str,
        headers: &[Header],
        bytes: &[u8],
    ) -> Result<Vec<Option<T>>, SerializerError> {
        let mut list = List(Cursor::new(bytes));
        let (constant_size, nulls) = match list.take(1, "a strategy byte")? {
            [0] => {
                let size = self
                    .constant_size
                    .filter(|&size| size > 0)
                    .ok_or_else(|| malformed("elements of variable size", 0, "elements of constant size"))?;
                (Some(size), list.nulls()?)
            }
            [1] => (None, HashSet::new()),
            _ => return Err(malformed("strategy byte 0 or 1", 0, "another byte")),
        };
        let offset = list.0.offset();
        let size = list.int("the size of the list")?;
        if size < 0 {
            return Err(malformed("the size of the list", offset, "a negative number"));
        }
        // Not reserved by `size`, which may be any number; each turn takes bytes or one of the announced nulls.
        let mut elements = Vec::new();
        for index in 0..size {
            let length = match constant_size {
                Some(_) if nulls.contains(&index) => None,
                Some(size) => Some(size),
                None => list.length()?,
            };
            let Some(length) = length else {
                elements.push(None);
                continue;
            };
            let element = list.take(length, "an element")?;
            let element = self.inner.deserialize(topic, headers, element).map_err(|error| {
                SerializerError::Element { index: elements.len(), error: Box::new(error) }
            })?;
            elements.push(Some(element));
        }
        Ok(elements)
    }
}

const LENGTH: usize = 4;

fn length(len: usize) -> Result<i32, SerializerError> {
    i32::try_from(len).map_err(|_| SerializerError::NotRepresentable {
        format: "ListSerializer",
        what: "more than 2 GiB".to_owned(),
    })
}

fn int(number: usize, out: &mut Vec<u8>) -> Result<(), SerializerError> {
    out.extend_from_slice(&length(number)?.to_be_bytes());
    Ok(())
}

fn malformed(expected: &str, offset: usize, found: &'static str) -> SerializerError {
    SerializerError::Malformed { format: FORMAT, expected: expected.to_owned(), offset, found }
}

struct List<'a>(Cursor<'a>);

impl<'a> List<'a> {
    fn take(&mut self, len: usize, expected: &'static str) -> Result<&'a [u8], SerializerError> {
        let offset = self.0.offset();
        self.0.take(len, expected).map_err(|_| malformed(expected, offset, "too few bytes"))
    }

    fn int(&mut self, expected: &'static str) -> Result<i32, SerializerError> {
        let mut int = [0; LENGTH];
        int.copy_from_slice(self.take(LENGTH, expected)?);
        Ok(i32::from_be_bytes(int))
    }

    fn nulls(&mut self) -> Result<HashSet<i32>, SerializerError> {
        let offset = self.0.offset();
        let count = self.int("the number of nulls")?;
        match usize::try_from(count) {
            Ok(count) if count <= self.0.remaining() / LENGTH => {
                (0..count).map(|_| self.int("the index of a null")).collect()
            }
            _ => Err(malformed("the number of nulls", offset, "more than there are bytes for")),
        }
    }

    /// `None` is a null.
    fn length(&mut self) -> Result<Option<usize>, SerializerError> {
        let offset = self.0.offset();
        match self.int("the length of an element")? {
            -1 => Ok(None),
            length => usize::try_from(length)
                .map(Some)
                .map_err(|_| malformed("the length of an element", offset, "a negative number")),
        }
    }
}
