//! Reading values whose types the caller knows.
//!
//! Owns: Java's conversions between types, where they lose nothing. Never does: read more than it was asked for, or
//! resolve references unless it was made for that.

use std::borrow::Cow;

use super::decode::Builder;
use super::identity::{Identities, Object};
use super::scalar::{self, invalid};
use super::types;
use super::value::{Date, PofValue, Time};
use super::walker::{Event, MAX_DEPTH, Sharing, TOO_DEEP, Walker};
use super::writer::RawElement;
use crate::packed::{Cursor, DecodeError, Problem};

mod container;
mod number;
mod user_type;

pub use user_type::UserTypeReader;

/// Reads value after value from bytes that start behind the format byte of a binary.
///
/// Each method reads one value. `None` is Java's null; the numbers and `bool` have their default for it, as in Java. A
/// value of another type is converted as Java's `PofReader` does, but what does not fit is refused instead of cut.
/// After an error nothing more should be read.
///
/// | asked for | read from |
/// |---|---|
/// | numbers, `bool` (not 0), `char` | every number, boolean, octet and character that fits exactly |
/// | text | `String`, `Binary` (as Latin-1), arrays and collections of characters |
/// | bytes | `Binary`, `byte[]`, arrays and collections of numbers |
/// | elements | every array and collection; entries: every map; both: the empty container |
#[derive(Debug)]
pub struct PofReader<'a> {
    cursor: Cursor<'a>,
    depth: usize,
    /// The type of the next value, if it is one of many under a common type id.
    uniform: Option<i32>,
    /// See [`Builder`].
    room: usize,
    identities: Option<Identities>,
}

impl<'a> PofReader<'a> {
    /// A reader that refuses identities and references, which grids do not write unless they are configured to.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(bytes), depth: 0, uniform: None, room: bytes.len(), identities: None }
    }

    /// A reader of one value that reads a reference as a copy of its object. Fails where that value is not whole, or an
    /// object is a part of itself.
    pub fn resolving(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut identities = Identities::new(bytes.len());
        let sharing = Sharing::Checked(&mut identities);
        let mut walker = Walker { cursor: Cursor::new(bytes), sink: |_| Ok(()), sharing };
        walker.value(0)?;
        Ok(Self { identities: Some(identities), ..Self::new(bytes) })
    }

    /// Bytes read so far.
    pub fn offset(&self) -> usize {
        self.cursor.offset()
    }

    /// Refuses bytes that were not read.
    pub fn finish(&self) -> Result<(), DecodeError> {
        self.cursor.finish("the end of the value")
    }

    /// Any value.
    pub fn value(&mut self) -> Result<PofValue, DecodeError> {
        let mut builder = Builder::new(self.cursor.remaining());
        self.walk(true, |event| builder.on_event(event))?;
        builder.finish(self.cursor.offset())
    }

    /// Any value, unseen. One that shares objects by reference can be skipped by every reader.
    pub fn skip(&mut self) -> Result<(), DecodeError> {
        self.walk(false, |_| Ok(()))
    }

    /// `String`, borrowed where it is written in standard UTF-8.
    pub fn str(&mut self) -> Result<Option<Cow<'a, str>>, DecodeError> {
        let (start, uniform, type_id) = self.type_id()?;
        Ok(match type_id {
            types::CHAR_STRING => scalar::string(&mut self.cursor)?.map(Cow::from),
            types::STRING_ZERO_LENGTH | types::COLLECTION_EMPTY => Some(Cow::Borrowed("")),
            types::NULL => None,
            types::OCTET_STRING => scalar::octet_string(&mut self.cursor, uniform)?
                .map(|bytes| bytes.iter().map(|byte| char::from(*byte)).collect()),
            types::UNIFORM_ARRAY | types::ARRAY | types::COLLECTION | types::UNIFORM_COLLECTION => {
                let units = self.elements_of(start, type_id, Self::char)?;
                Some(String::from_utf16_lossy(&units).into())
            }
            _ => return Err(conversion(start, "a string", type_id)),
        })
    }

    /// `String`.
    pub fn string(&mut self) -> Result<Option<String>, DecodeError> {
        Ok(self.str()?.map(Cow::into_owned))
    }

    /// `byte[]` or `Binary`, borrowed from these.
    pub fn bytes(&mut self) -> Result<Option<Cow<'a, [u8]>>, DecodeError> {
        let (start, uniform, type_id) = self.type_id()?;
        match type_id {
            types::OCTET_STRING => Ok(scalar::octet_string(&mut self.cursor, uniform)?.map(Cow::Borrowed)),
            types::STRING_ZERO_LENGTH | types::COLLECTION_EMPTY => Ok(Some(Cow::Borrowed(&[]))),
            types::NULL => Ok(None),
            types::UNIFORM_ARRAY if self.cursor.rest().first() == Some(&types::byte(types::OCTET)) => {
                self.cursor.byte("an element type")?;
                let len = self.cursor.packed_len("the length of a byte array")?;
                Ok(Some(Cow::Borrowed(self.cursor.take(len, "a byte array")?)))
            }
            types::UNIFORM_ARRAY | types::ARRAY | types::COLLECTION | types::UNIFORM_COLLECTION => {
                self.elements_of(start, type_id, Self::octet).map(|bytes| Some(Cow::Owned(bytes)))
            }
            _ => Err(conversion(start, "a byte array", type_id)),
        }
    }

    /// `LocalDate` or `java.sql.Date`.
    pub fn date(&mut self) -> Result<Option<Date>, DecodeError> {
        let (start, _, type_id) = self.type_id()?;
        match type_id {
            types::DATE => scalar::date(&mut self.cursor).map(Some),
            types::NULL => Ok(None),
            _ => Err(conversion(start, "a date", type_id)),
        }
    }

    /// `LocalTime`, `OffsetTime` or `java.sql.Time`.
    pub fn time(&mut self) -> Result<Option<Time>, DecodeError> {
        let (start, _, type_id) = self.type_id()?;
        match type_id {
            types::TIME => scalar::time(&mut self.cursor).map(Some),
            types::NULL => Ok(None),
            _ => Err(conversion(start, "a time", type_id)),
        }
    }

    /// `LocalDateTime`, `OffsetDateTime`, `java.util.Date` and the like.
    pub fn date_time(&mut self) -> Result<Option<(Date, Time)>, DecodeError> {
        let (start, _, type_id) = self.type_id()?;
        match type_id {
            types::DATETIME => {
                let date = scalar::date(&mut self.cursor)?;
                Ok(Some((date, scalar::time(&mut self.cursor)?)))
            }
            types::NULL => Ok(None),
            _ => Err(conversion(start, "a date and time", type_id)),
        }
    }

    /// An array that was written by [`raw_array`](super::PofWriter::raw_array) with elements of the same type.
    pub fn raw_array<T: RawElement>(&mut self) -> Result<Option<Vec<T>>, DecodeError> {
        let (start, _, type_id) = self.type_id()?;
        match type_id {
            types::UNIFORM_ARRAY => {
                let element = scalar::element_type(&mut self.cursor)?;
                if element != types::OCTET {
                    return Err(conversion(start, "a raw array", element));
                }
                let width = T::Bytes::default().as_ref().len();
                let count = self.cursor.packed_count(width, "a count of elements")?;
                let bytes = self.cursor.take(count * width, "a raw array")?;
                let element = |bytes: &[u8]| {
                    let mut array = T::Bytes::default();
                    array.as_mut().copy_from_slice(bytes);
                    T::from_bytes(array)
                };
                Ok(Some(bytes.chunks_exact(width).map(element).collect()))
            }
            types::COLLECTION_EMPTY => Ok(Some(Vec::new())),
            types::NULL => Ok(None),
            _ => Err(conversion(start, "a raw array", type_id)),
        }
    }

    /// Where the next value starts, whether it stands under a common type id, and its type id.
    fn type_id(&mut self) -> Result<(usize, bool, i32), DecodeError> {
        let start = self.cursor.offset();
        match self.uniform.take() {
            Some(type_id) => Ok((start, true, type_id)),
            None => {
                let type_id = self.cursor.packed_i32("a type id")?;
                match type_id {
                    types::IDENTITY | types::REFERENCE if self.identities.is_none() => {
                        Err(DecodeError { offset: start, reading: "a value", problem: Problem::Shared })
                    }
                    _ => Ok((start, false, type_id)),
                }
            }
        }
    }

    fn walk(
        &mut self,
        resolve: bool,
        sink: impl FnMut(Event<'a>) -> Result<(), Problem>,
    ) -> Result<(), DecodeError> {
        let sharing = match &mut self.identities {
            None => Sharing::Reported,
            Some(identities) if resolve => Sharing::Resolved(identities),
            Some(identities) => Sharing::Checked(identities),
        };
        let mut walker = Walker { cursor: self.cursor.clone(), sink, sharing };
        walker.element(self.uniform.take(), self.depth)?;
        self.cursor = walker.cursor;
        Ok(())
    }

    fn resolve(&mut self, start: usize, id: u32) -> Result<Object, DecodeError> {
        match &mut self.identities {
            None => Err(DecodeError { offset: start, reading: "a value", problem: Problem::Shared }),
            Some(known) => known.resolve(id, start).map_err(|problem| invalid(start, "a reference", problem)),
        }
    }

    fn deeper(&mut self) -> Result<(), DecodeError> {
        if self.depth == MAX_DEPTH {
            return Err(invalid(self.cursor.offset(), "a value", TOO_DEEP));
        }
        self.depth += 1;
        Ok(())
    }
}

fn conversion(offset: usize, reading: &'static str, type_id: i32) -> DecodeError {
    DecodeError { offset, reading, problem: Problem::Conversion { type_id } }
}

#[cfg(test)]
mod tests;
