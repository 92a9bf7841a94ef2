//! The elements of collections and arrays, and the entries of maps.

use serde::de::value::SeqDeserializer;
use serde::de::{self, DeserializeSeed, Error as _, Visitor};

use super::{Reader, Value};
use crate::packed::{DecodeError, Problem};
use crate::pof::serde::error::Error;
use crate::pof::serde::visit::{invalid_head, visit};
use crate::pof::types;
use crate::pof::walker::Event;

/// More are not allocated before they are read; as many containers may be open at once as values may be nested.
const MAX_PREALLOCATED: usize = 64;

impl<'de> Value<'_, '_, 'de> {
    pub(super) fn visit_elements<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let (type_id, behind) = self.head()?;
        let reader = self.reader;
        let uniform = match type_id {
            types::COLLECTION_EMPTY | types::STRING_ZERO_LENGTH => {
                reader.cursor = behind;
                return visitor.visit_seq(Elements { reader, uniform: None, left: 0 });
            }
            types::OCTET_STRING => {
                return match reader.value(self.uniform).scalar()? {
                    Event::OctetString(bytes) => {
                        visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied()))
                    }
                    other => visit(other, visitor),
                };
            }
            types::COLLECTION | types::ARRAY => {
                reader.cursor = behind;
                None
            }
            types::UNIFORM_COLLECTION | types::UNIFORM_ARRAY => {
                reader.cursor = behind;
                element_type(reader)?
            }
            _ => return Err(invalid_head(type_id, &visitor)),
        };
        let left = reader.cursor.packed_count(1, "a count of elements")?;
        reader.open()?;
        let mut elements = Elements { reader, uniform, left };
        let value = visitor.visit_seq(&mut elements)?;
        if elements.left != 0 {
            return Err(Error::custom(format!("{} elements too many", elements.left)));
        }
        elements.reader.close();
        Ok(value)
    }

    pub(super) fn visit_entries<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let (type_id, behind) = self.head()?;
        let reader = self.reader;
        let (key, value) = match type_id {
            types::COLLECTION_EMPTY => {
                reader.cursor = behind;
                return visitor.visit_map(Entries { reader, key: None, value: None, left: 0 });
            }
            types::MAP => {
                reader.cursor = behind;
                (None, None)
            }
            types::UNIFORM_KEYS_MAP => {
                reader.cursor = behind;
                (element_type(reader)?, None)
            }
            types::UNIFORM_MAP => {
                reader.cursor = behind;
                (element_type(reader)?, element_type(reader)?)
            }
            _ => return Err(invalid_head(type_id, &visitor)),
        };
        let left = reader.cursor.packed_count(2, "a count of entries")?;
        reader.open()?;
        let mut entries = Entries { reader, key, value, left };
        let map = visitor.visit_map(&mut entries)?;
        if entries.left != 0 {
            return Err(Error::custom(format!("{} entries too many", entries.left)));
        }
        entries.reader.close();
        Ok(map)
    }
}

/// The type of all elements of a uniform container.
fn element_type(reader: &mut Reader<'_, '_>) -> Result<Option<i32>, DecodeError> {
    let offset = reader.cursor.offset();
    let reading = "an element type";
    match reader.cursor.packed_i32(reading)? {
        type_id @ (types::UNIFORM_MAP..=types::INT16 | 0..) => Ok(Some(type_id)),
        _ => {
            let problem = Problem::Invalid("no type that elements can have");
            Err(DecodeError { offset, reading, problem })
        }
    }
}

/// The elements of a collection or array.
struct Elements<'r, 'c, 'de> {
    reader: &'r mut Reader<'c, 'de>,
    uniform: Option<i32>,
    left: usize,
}

impl<'de> de::SeqAccess<'de> for Elements<'_, '_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let start = self.reader.cursor.offset();
        let value = seed.deserialize(self.reader.value(self.uniform));
        value.map(Some).map_err(|error| error.at(start, || "an element".to_owned()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.min(MAX_PREALLOCATED))
    }
}

/// The entries of a map.
struct Entries<'r, 'c, 'de> {
    reader: &'r mut Reader<'c, 'de>,
    key: Option<i32>,
    value: Option<i32>,
    left: usize,
}

impl<'de> de::MapAccess<'de> for Entries<'_, '_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let start = self.reader.cursor.offset();
        let key = seed.deserialize(self.reader.value(self.key));
        key.map(Some).map_err(|error| error.at(start, || "a key of a map".to_owned()))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let start = self.reader.cursor.offset();
        let value = seed.deserialize(self.reader.value(self.value));
        value.map_err(|error| error.at(start, || "a value of a map".to_owned()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.min(MAX_PREALLOCATED))
    }
}
