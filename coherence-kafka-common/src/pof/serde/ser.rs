//! From Rust types to POF, every value in the form of Java's `PofWriter.writeObject`, except where the class of an
//! object has its own methods for its properties.

use std::mem;

use serde::{Serialize, ser};

use super::error::Error;
use super::native;
use crate::pof::context::{Class, Form, PofContext};
use crate::pof::text::TextEncoding;
use crate::pof::types;
use crate::pof::walker::MAX_DEPTH;
use crate::pof::writer::PofWriter;

mod property;

use property::Property;

pub(super) struct Serializer<'c> {
    context: &'c PofContext,
    pub(super) out: Vec<u8>,
    /// Containers and user types that are open.
    depth: usize,
    /// The bytes that come next are POF already.
    native: bool,
    /// The mark of [`PofWriter`], which outlives one.
    marked: bool,
}

impl<'c> Serializer<'c> {
    /// Appends to `out`.
    pub(super) fn new(context: &'c PofContext, out: Vec<u8>) -> Self {
        Self { context, out, depth: 0, native: false, marked: false }
    }

    pub(super) fn is_marked(&self) -> bool {
        self.marked
    }

    /// For a value in full.
    fn writer(&mut self) -> PofWriter<'_> {
        self.marked = false;
        self.frame()
    }

    /// For what stands around values.
    fn frame(&mut self) -> PofWriter<'_> {
        PofWriter::going_on(&mut self.out, self.context.text_encoding(), self.marked)
    }

    /// Bytes that are POF already, with text in the standard encoding.
    fn native(&mut self, pof: &[u8]) -> Result<(), Error> {
        match self.context.text_encoding() {
            TextEncoding::Standard => {
                self.marked = false;
                self.out.extend_from_slice(pof);
            }
            TextEncoding::Modified => {
                let value = crate::pof::decode(pof)?;
                self.writer().value(&value).map_err(<Error as ser::Error>::custom)?;
            }
        }
        Ok(())
    }

    /// What is nested deeper could not be read back.
    fn open(&mut self) -> Result<(), Error> {
        if self.depth == MAX_DEPTH {
            return Err(Error::Unwritable("more than 64 values inside each other"));
        }
        self.depth += 1;
        Ok(())
    }

    fn open_user_type(&mut self, class: Class) -> Result<Properties<'_, 'c>, Error> {
        self.open()?;
        self.writer().user_type(class.type_id, 0);
        self.marked = true;
        Ok(Properties { serializer: self, class, next: 0 })
    }

    fn open_struct(&mut self, name: &'static str) -> Result<Properties<'_, 'c>, Error> {
        let class = self.context.class(name).ok_or_else(|| Error::unregistered(name))?;
        self.open_user_type(class)
    }

    fn open_variant(&mut self, name: &str, variant: &str) -> Result<Properties<'_, 'c>, Error> {
        let name = super::variant_name(name, variant);
        let class = self.context.class(&name).ok_or(Error::Unregistered { name })?;
        self.open_user_type(class)
    }

    fn open_elements(&mut self, kind: Kind, count: Option<usize>) -> Result<Elements<'_, 'c>, Error> {
        self.open()?;
        let start = self.out.len();
        if let Some(count) = count {
            kind.announce(&mut self.out, checked(count)?);
        }
        self.marked = false;
        Ok(Elements { serializer: self, kind, start, announced: count, written: 0 })
    }
}

/// A length or count that POF can state.
fn checked(len: usize) -> Result<usize, Error> {
    match i32::try_from(len) {
        Ok(_) => Ok(len),
        Err(_) => Err(Error::Unwritable("longer than the 2147483647 that POF can state")),
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Collection,
    Array,
    Map,
}

impl Kind {
    fn announce(self, out: &mut Vec<u8>, count: usize) {
        let mut writer = PofWriter::new(out);
        match self {
            Kind::Collection => writer.collection(count),
            Kind::Array => writer.object_array(count),
            Kind::Map => writer.map(count),
        }
    }
}

impl<'s, 'c> ser::Serializer for &'s mut Serializer<'c> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Elements<'s, 'c>;
    type SerializeTuple = Elements<'s, 'c>;
    type SerializeTupleStruct = Properties<'s, 'c>;
    type SerializeTupleVariant = Properties<'s, 'c>;
    type SerializeMap = Elements<'s, 'c>;
    type SerializeStruct = Properties<'s, 'c>;
    type SerializeStructVariant = Properties<'s, 'c>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.writer().boolean(value);
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), Error> {
        self.writer().octet(value as u8);
        Ok(())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Error> {
        self.writer().int16(value);
        Ok(())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Error> {
        self.writer().int32(value);
        Ok(())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        self.writer().int64(value);
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        self.writer().big_integer(value);
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), Error> {
        self.serialize_i16(i16::from(value))
    }

    fn serialize_u16(self, value: u16) -> Result<(), Error> {
        self.serialize_i32(i32::from(value))
    }

    fn serialize_u32(self, value: u32) -> Result<(), Error> {
        self.serialize_i64(i64::from(value))
    }

    fn serialize_u64(self, value: u64) -> Result<(), Error> {
        let signed = i64::try_from(value).map_err(|_| Error::Unwritable("a u64 above Java's longs"))?;
        self.serialize_i64(signed)
    }

    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        let signed = i128::try_from(value).map_err(|_| Error::Unwritable("a u128 above POF's integers"))?;
        self.serialize_i128(signed)
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.writer().float32(value);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.writer().float64(value);
        Ok(())
    }

    /// The UTF-8 of a character is its POF form, as long as it is one UTF-16 unit.
    fn serialize_char(self, value: char) -> Result<(), Error> {
        if value > '\u{FFFF}' {
            return Err(Error::Unwritable("a character above U+FFFF, which is two of Java's"));
        }
        self.marked = false;
        self.out.push(types::byte(types::CHAR));
        self.out.extend_from_slice(value.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        checked(value.len())?;
        self.writer().string(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        if mem::take(&mut self.native) {
            return self.native(value);
        }
        checked(value.len())?;
        self.writer().byte_array(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.writer().null();
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Error> {
        self.open_struct(name)?.close()
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        let Some(class) = self.context.class(name) else {
            let own = self.context.class(&super::variant_name(name, variant));
            return self.open_user_type(own.ok_or_else(|| Error::unregistered(name))?)?.close();
        };
        let mut properties = self.open_user_type(class)?;
        properties.property(variant)?;
        properties.close()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.native = name == native::NAME;
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut properties = self.open_variant(name, variant)?;
        properties.property(value)?;
        properties.close()
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Elements<'s, 'c>, Error> {
        self.open_elements(Kind::Collection, len)
    }

    fn serialize_tuple(self, len: usize) -> Result<Elements<'s, 'c>, Error> {
        self.open_elements(Kind::Array, Some(len))
    }

    fn serialize_tuple_struct(self, name: &'static str, _len: usize) -> Result<Properties<'s, 'c>, Error> {
        self.open_struct(name)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Properties<'s, 'c>, Error> {
        self.open_variant(name, variant)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Elements<'s, 'c>, Error> {
        self.open_elements(Kind::Map, len)
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Properties<'s, 'c>, Error> {
        self.open_struct(name)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Properties<'s, 'c>, Error> {
        self.open_variant(name, variant)
    }
}

/// The elements of a collection or array, or the entries of a map.
pub(super) struct Elements<'s, 'c> {
    serializer: &'s mut Serializer<'c>,
    kind: Kind,
    /// Where the container starts.
    start: usize,
    announced: Option<usize>,
    written: usize,
}

impl Elements<'_, '_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.written += 1;
        value.serialize(&mut *self.serializer)
    }

    fn close(self) -> Result<(), Error> {
        match self.announced {
            Some(announced) if announced != self.written => {
                return Err(Error::Unwritable("another number of elements than was announced"));
            }
            Some(_) => {}
            None => {
                let mut start = Vec::new();
                self.kind.announce(&mut start, checked(self.written)?);
                self.serializer.out.splice(self.start..self.start, start);
            }
        }
        self.serializer.depth -= 1;
        Ok(())
    }
}

impl ser::SerializeSeq for Elements<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.element(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeTuple for Elements<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.element(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeMap for Elements<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.element(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut *self.serializer)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

/// The fields of a struct: their position is their index.
pub(super) struct Properties<'s, 'c> {
    serializer: &'s mut Serializer<'c>,
    class: Class,
    next: u32,
}

impl Properties<'_, '_> {
    fn property<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let (serializer, index) = (&mut *self.serializer, self.next);
        self.next += 1;
        match self.class.form {
            Form::Objects => {
                serializer.frame().property(index);
                value.serialize(serializer)
            }
            Form::Methods => value.serialize(Property { serializer, type_id: self.class.type_id, index }),
        }
    }

    fn close(self) -> Result<(), Error> {
        self.serializer.frame().end();
        self.serializer.depth -= 1;
        Ok(())
    }
}

impl ser::SerializeStruct for Properties<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _key: &'static str, value: &T) -> Result<(), Error> {
        self.property(value)
    }

    fn skip_field(&mut self, _key: &'static str) -> Result<(), Error> {
        self.next += 1;
        Ok(())
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeStructVariant for Properties<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _key: &'static str, value: &T) -> Result<(), Error> {
        self.property(value)
    }

    fn skip_field(&mut self, _key: &'static str) -> Result<(), Error> {
        self.next += 1;
        Ok(())
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeTupleStruct for Properties<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.property(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeTupleVariant for Properties<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.property(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}
