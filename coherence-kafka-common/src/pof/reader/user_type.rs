//! The properties of a user type, by index.

use super::{PofReader, conversion};
use crate::packed::DecodeError;
use crate::pof::scalar::{self, invalid};
use crate::pof::types;

/// Reads the properties of one user type, in rising order of index.
///
/// A missing property has its type's default: Java leaves out what is 0 or null. Properties that were not asked for
/// are passed over.
#[derive(Debug)]
pub struct UserTypeReader<'r, 'a> {
    reader: &'r mut PofReader<'a>,
    type_id: u32,
    version: u32,
    /// The lowest index that may be asked for.
    lowest: u32,
    next: Next,
}

/// What stands at the reader's position.
#[derive(Debug, Clone, Copy)]
enum Next {
    /// The value of property `index`, which starts at `index_at`.
    Value { index: u32, index_at: usize },
    /// What follows the value of property `index`, which started at `value_at` and was returned to be read.
    Given { index: u32, value_at: usize },
    /// What follows the terminator.
    End,
}

impl<'a> PofReader<'a> {
    /// A user type, through `read`; `None` for null.
    pub fn user_type<T>(
        &mut self,
        read: impl FnOnce(&mut UserTypeReader<'_, 'a>) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        let Some((type_id, behind)) = self.enter()? else { return Ok(None) };
        self.deeper()?;
        let version = scalar::unsigned(&mut self.cursor, "the version of a user type")?;
        let mut properties = UserTypeReader { reader: self, type_id, version, lowest: 0, next: Next::End };
        properties.read_index(0)?;
        let object = read(&mut properties)?;
        properties.remainder()?;
        self.depth -= 1;
        if let Some(behind) = behind {
            self.cursor.seek(behind);
        }
        Ok(Some(object))
    }

    /// Goes to the version of the user type that is the next value. Returns its type id, and where the next value is
    /// if it is not behind the user type.
    fn enter(&mut self) -> Result<Option<(u32, Option<usize>)>, DecodeError> {
        let (start, uniform, mut type_id) = self.type_id()?;
        let reference = if uniform && type_id >= 0 && self.identities.is_some() {
            match self.cursor.packed_i32("the version of a user type")? {
                types::IDENTITY => {
                    scalar::unsigned(&mut self.cursor, "an identity")?;
                    None
                }
                number if self.identities.as_ref().is_some_and(|known| known.is(number, type_id, start)) => {
                    Some(number as u32)
                }
                _ => {
                    self.cursor.seek(start);
                    None
                }
            }
        } else {
            match type_id {
                types::NULL => return Ok(None),
                types::IDENTITY => {
                    scalar::unsigned(&mut self.cursor, "an identity")?;
                    type_id = self.cursor.packed_i32("a type id")?;
                    None
                }
                types::REFERENCE => Some(scalar::unsigned(&mut self.cursor, "an identity")?),
                _ => None,
            }
        };
        if let Some(id) = reference {
            let behind = self.cursor.offset();
            let object = self.resolve(start, id)?;
            self.cursor.seek(object.body);
            return Ok(Some((object.type_id as u32, Some(behind))));
        }
        match u32::try_from(type_id) {
            Ok(type_id) => Ok(Some((type_id, None))),
            Err(_) => Err(conversion(start, "an object", type_id)),
        }
    }
}

impl<'a> UserTypeReader<'_, 'a> {
    /// The number of the class in the POF configuration.
    pub fn type_id(&self) -> u32 {
        self.type_id
    }

    /// The version of the class that wrote the data, 0 if it does not evolve.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// An error at the present position, for a class that refuses what it reads.
    pub fn invalid(&self, reading: &'static str, problem: &'static str) -> DecodeError {
        invalid(self.reader.offset(), reading, problem)
    }

    /// The reader for the value of a property, of which it is to read exactly one; `None` if the property is missing.
    /// A value that is not read is passed over.
    pub fn value(&mut self, index: u32) -> Result<Option<&mut PofReader<'a>>, DecodeError> {
        if index < self.lowest {
            return Err(self.invalid("a property", "asked for out of order"));
        }
        self.lowest = index.saturating_add(1);
        self.settle()?;
        while let Next::Value { index: present, .. } = self.next {
            if present < index {
                self.reader.skip()?;
                self.read_index(present + 1)?;
                continue;
            }
            if present == index {
                self.next = Next::Given { index, value_at: self.reader.offset() };
                return Ok(Some(self.reader));
            }
            break;
        }
        Ok(None)
    }

    /// `boolean`.
    pub fn boolean(&mut self, index: u32) -> Result<bool, DecodeError> {
        self.value(index)?.map_or(Ok(false), PofReader::boolean)
    }

    /// `byte`.
    pub fn octet(&mut self, index: u32) -> Result<u8, DecodeError> {
        self.value(index)?.map_or(Ok(0), PofReader::octet)
    }

    /// `char`: one UTF-16 unit.
    pub fn char(&mut self, index: u32) -> Result<u16, DecodeError> {
        self.value(index)?.map_or(Ok(0), PofReader::char)
    }

    /// `short`.
    pub fn int16(&mut self, index: u32) -> Result<i16, DecodeError> {
        self.value(index)?.map_or(Ok(0), PofReader::int16)
    }

    /// `int`.
    pub fn int32(&mut self, index: u32) -> Result<i32, DecodeError> {
        self.value(index)?.map_or(Ok(0), PofReader::int32)
    }

    /// `long`.
    pub fn int64(&mut self, index: u32) -> Result<i64, DecodeError> {
        self.value(index)?.map_or(Ok(0), PofReader::int64)
    }

    /// `float`.
    pub fn float32(&mut self, index: u32) -> Result<f32, DecodeError> {
        self.value(index)?.map_or(Ok(0.0), PofReader::float32)
    }

    /// `double`.
    pub fn float64(&mut self, index: u32) -> Result<f64, DecodeError> {
        self.value(index)?.map_or(Ok(0.0), PofReader::float64)
    }

    /// `String`.
    pub fn string(&mut self, index: u32) -> Result<Option<String>, DecodeError> {
        self.value(index)?.map_or(Ok(None), PofReader::string)
    }

    /// A property that is a user type: one class of the hierarchy of a `@PortableType`, under its type id.
    pub fn nested<T>(
        &mut self,
        index: u32,
        read: impl FnOnce(&mut UserTypeReader<'_, 'a>) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        match self.value(index)? {
            Some(reader) => reader.user_type(read),
            None => Ok(None),
        }
    }

    /// The properties behind the last one asked for, as they are, for
    /// [`UserTypeWriter::remainder`](crate::pof::UserTypeWriter::remainder). Nothing can be read after them.
    pub fn remainder(&mut self) -> Result<&'a [u8], DecodeError> {
        self.settle()?;
        self.lowest = u32::MAX;
        let Next::Value { index_at, .. } = self.next else { return Ok(&[]) };
        let mut end = index_at;
        while let Next::Value { index, .. } = self.next {
            self.reader.skip()?;
            end = self.reader.offset();
            self.read_index(index + 1)?;
        }
        Ok(self.reader.cursor.between(index_at, end))
    }

    /// Continues after a value that was returned to be read.
    fn settle(&mut self) -> Result<(), DecodeError> {
        if let Next::Given { index, value_at } = self.next {
            if self.reader.offset() == value_at {
                self.reader.skip()?;
            }
            self.read_index(index + 1)?;
        }
        Ok(())
    }

    fn read_index(&mut self, lowest: u32) -> Result<(), DecodeError> {
        let index_at = self.reader.offset();
        let index = scalar::index(&mut self.reader.cursor, lowest..u32::MAX, "the index of a property")?;
        self.next = index.map_or(Next::End, |index| Next::Value { index, index_at });
        Ok(())
    }
}
