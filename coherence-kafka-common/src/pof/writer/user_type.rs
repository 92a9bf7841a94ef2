//! The properties of a user type, each in the form that Java's `PofWriter` gives it.

use super::{PofWriter, WriteError};
use crate::pof::primitive::Primitive;

/// Writes the properties of one user type, in rising order of index.
///
/// Which method Java's class calls decides about the bytes: a field `int` goes through [`int32`](Self::int32), which
/// leaves 0 out, a field `Integer` through [`value`](Self::value), which does not.
///
/// | Java | here |
/// |---|---|
/// | `writeInt(i, n)` and the other primitives | `w.int32(i, n)?` |
/// | `writeString(i, s)` | `w.string(i, s)?` |
/// | `writeBigDecimal(i, d)`, `writeDate(i, d)`, `writeCollection(i, c)`, … of something | `w.value(i)?.decimal(…)?`, … |
/// | the same of null | `w.absent(i)?` |
/// | `writeObject(i, o)` of something | `w.value(i)?.object(&o)?`, `w.value(i)?.int32(n)`, … |
/// | `writeObject(i, null)` | `w.value(i)?.null()` |
/// | `createNestedPofWriter(i, type)` | `w.nested(i, type, version, …)?` |
/// | `writeRemainder(bytes)` | `w.remainder(bytes)` |
#[derive(Debug)]
pub struct UserTypeWriter<'w, 'a> {
    writer: &'w mut PofWriter<'a>,
    type_id: u32,
    previous: Option<u32>,
}

impl PofWriter<'_> {
    /// A user type: `type_id` as the grid's POF configuration numbers the class, and the version of the data, 0 unless
    /// the class evolves. Both at most `i32::MAX`. After an error what was written is not whole.
    pub fn user(
        &mut self,
        type_id: u32,
        version: u32,
        write: impl FnOnce(&mut UserTypeWriter<'_, '_>) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.try_user(type_id, version, write)
    }

    /// The same where `write` has errors of its own.
    pub fn try_user<E: From<WriteError>>(
        &mut self,
        type_id: u32,
        version: u32,
        write: impl FnOnce(&mut UserTypeWriter<'_, '_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.unsigned(type_id);
        self.user_body(type_id, version, write)
    }

    pub(in crate::pof) fn user_body<E: From<WriteError>>(
        &mut self,
        type_id: u32,
        version: u32,
        write: impl FnOnce(&mut UserTypeWriter<'_, '_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.deeper()?;
        self.unsigned(version);
        self.marked = true;
        write(&mut UserTypeWriter { writer: self, type_id, previous: None })?;
        self.depth -= 1;
        self.end();
        Ok(())
    }
}

impl<'a> UserTypeWriter<'_, 'a> {
    /// A property `boolean`.
    pub fn boolean(&mut self, index: u32, value: bool) -> Result<(), WriteError> {
        self.primitive(index, Primitive::Boolean(value))
    }

    /// A property `byte`, whose sign is the highest bit.
    pub fn octet(&mut self, index: u32, value: u8) -> Result<(), WriteError> {
        self.primitive(index, Primitive::Octet(value))
    }

    /// A property `char`: one UTF-16 unit.
    pub fn char(&mut self, index: u32, unit: u16) -> Result<(), WriteError> {
        self.primitive(index, Primitive::Char(unit))
    }

    /// A property `short`.
    pub fn int16(&mut self, index: u32, value: i16) -> Result<(), WriteError> {
        self.primitive(index, Primitive::Int16(value))
    }

    /// A property `int`.
    pub fn int32(&mut self, index: u32, value: i32) -> Result<(), WriteError> {
        self.primitive(index, Primitive::Int32(value))
    }

    /// A property `long`.
    pub fn int64(&mut self, index: u32, value: i64) -> Result<(), WriteError> {
        self.primitive(index, Primitive::Int64(value))
    }

    /// A property `float`. Java loses the sign of `-0.0`, unless it is the first that is written.
    pub fn float32(&mut self, index: u32, value: f32) -> Result<(), WriteError> {
        self.primitive(index, Primitive::Float32(value))
    }

    /// A property `double`. Java loses the sign of `-0.0`, unless it is the first that is written.
    pub fn float64(&mut self, index: u32, value: f64) -> Result<(), WriteError> {
        self.primitive(index, Primitive::Float64(value))
    }

    /// Any primitive.
    pub fn primitive(&mut self, index: u32, value: Primitive) -> Result<(), WriteError> {
        self.advance(index)?;
        self.writer.primitive_property(index, value);
        Ok(())
    }

    /// A property `String`, `None` for null.
    pub fn string(&mut self, index: u32, value: Option<&str>) -> Result<(), WriteError> {
        match value {
            Some(text) => {
                self.value(index)?.string(text);
                Ok(())
            }
            None => self.absent(index),
        }
    }

    /// Null, as every method of Java but `writeObject` writes it: left out unless it comes first.
    pub fn absent(&mut self, index: u32) -> Result<(), WriteError> {
        self.advance(index)?;
        self.writer.absent_property(index);
        Ok(())
    }

    /// The writer for the value of a property, of which exactly one must follow.
    pub fn value(&mut self, index: u32) -> Result<&mut PofWriter<'a>, WriteError> {
        self.advance(index)?;
        self.writer.unsigned(index);
        Ok(self.writer)
    }

    /// A property that is a user type. For a class with `@PortableType` each class of its hierarchy is one, under its
    /// type id as index and with the version of the most derived class, inside the user type of that class, whose own
    /// version is 0.
    pub fn nested(
        &mut self,
        index: u32,
        type_id: u32,
        version: u32,
        write: impl FnOnce(&mut UserTypeWriter<'_, '_>) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.value(index)?.user(type_id, version, write)
    }

    /// Properties of a newer version as [`UserTypeReader::remainder`](crate::pof::UserTypeReader::remainder) gave them.
    /// Nothing may follow. [`PofWriter::object`] writes those of a [`PofObject`](crate::pof::PofObject) itself.
    pub fn remainder(&mut self, properties: &[u8]) {
        if !properties.is_empty() {
            self.writer.out.extend_from_slice(properties);
            self.writer.marked = false;
        }
    }

    fn advance(&mut self, index: u32) -> Result<(), WriteError> {
        match self.previous.replace(index) {
            Some(previous) if index <= previous => {
                Err(WriteError::Index { type_id: self.type_id, previous, index })
            }
            _ => Ok(()),
        }
    }
}
