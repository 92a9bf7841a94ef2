//! A property of a class that writes each by the method for its type: what Java writes for `writeInt`, `writeString`
//! and their like.

use serde::Serialize;
use serde::ser;

use super::super::native;
use super::{Elements, Error, Properties, Serializer};
use crate::pof::builtin;
use crate::pof::primitive::Primitive;

pub(super) struct Property<'s, 'c> {
    pub serializer: &'s mut Serializer<'c>,
    pub type_id: u32,
    pub index: u32,
}

impl<'s, 'c> Property<'s, 'c> {
    /// Left out or shortened, unless it is the first of the object.
    fn primitive(self, value: Primitive) -> Result<(), Error> {
        let known = builtin::properties(self.type_id).and_then(|known| known.get(self.index as usize));
        let value = known.and_then(|property| property.of(value)).unwrap_or(value);
        let mut writer = self.serializer.frame();
        writer.primitive_property(self.index, value);
        self.serializer.marked = writer.is_marked();
        Ok(())
    }

    /// Null, as every method but `writeObject` writes it.
    fn absent(self) -> Result<(), Error> {
        let mut writer = self.serializer.frame();
        writer.absent_property(self.index);
        self.serializer.marked = writer.is_marked();
        Ok(())
    }

    /// For a value in full, which must follow.
    fn value(self) -> &'s mut Serializer<'c> {
        self.serializer.frame().property(self.index);
        self.serializer
    }
}

impl<'s, 'c> ser::Serializer for Property<'s, 'c> {
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
        self.primitive(Primitive::Boolean(value))
    }

    fn serialize_i8(self, value: i8) -> Result<(), Error> {
        self.primitive(Primitive::Octet(value as u8))
    }

    fn serialize_i16(self, value: i16) -> Result<(), Error> {
        self.primitive(Primitive::Int16(value))
    }

    fn serialize_i32(self, value: i32) -> Result<(), Error> {
        self.primitive(Primitive::Int32(value))
    }

    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        self.primitive(Primitive::Int64(value))
    }

    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        self.value().serialize_i128(value)
    }

    fn serialize_u8(self, value: u8) -> Result<(), Error> {
        self.serialize_i16(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Error> {
        self.serialize_i32(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Error> {
        match i64::try_from(value) {
            Ok(value) => self.serialize_i64(value),
            // Refuses it.
            Err(_) => self.value().serialize_u64(value),
        }
    }

    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        self.value().serialize_u128(value)
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.primitive(Primitive::Float32(value))
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.primitive(Primitive::Float64(value))
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        match u16::try_from(u32::from(value)) {
            Ok(unit) => self.primitive(Primitive::Char(unit)),
            // Refuses it.
            Err(_) => self.value().serialize_char(value),
        }
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.value().serialize_str(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.value().serialize_bytes(value)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.absent()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.value().serialize_some(value)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.absent()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Error> {
        self.value().serialize_unit_struct(name)
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.value().serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        if name == native::NAME {
            return self.value().serialize_newtype_struct(name, value);
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.value().serialize_newtype_variant(name, index, variant, value)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Elements<'s, 'c>, Error> {
        self.value().serialize_seq(len)
    }

    fn serialize_tuple(self, len: usize) -> Result<Elements<'s, 'c>, Error> {
        self.value().serialize_tuple(len)
    }

    fn serialize_tuple_struct(self, name: &'static str, len: usize) -> Result<Properties<'s, 'c>, Error> {
        self.value().serialize_tuple_struct(name, len)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Properties<'s, 'c>, Error> {
        self.value().serialize_tuple_variant(name, index, variant, len)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Elements<'s, 'c>, Error> {
        self.value().serialize_map(len)
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Properties<'s, 'c>, Error> {
        self.value().serialize_struct(name, len)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Properties<'s, 'c>, Error> {
        self.value().serialize_struct_variant(name, index, variant, len)
    }
}
