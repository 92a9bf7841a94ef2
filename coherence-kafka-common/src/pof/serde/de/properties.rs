//! The properties of a user type as the fields of a Rust type, by position.

use serde::de::value::{BytesDeserializer, MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{self, DeserializeSeed, Deserializer, Error as _, IntoDeserializer as _, Visitor};

use super::Reader;
use crate::packed::{DecodeError, Problem};
use crate::pof::serde::error::Error;
use crate::pof::serde::native;
use crate::pof::types;

/// An open user type whose properties are read in rising order of index.
pub(super) struct Properties<'r, 'c, 'de> {
    reader: &'r mut Reader<'c, 'de>,
    name: &'static str,
    /// Index of the property at the cursor; `None` behind the last one.
    at: Option<u32>,
}

impl<'r, 'c, 'de> Properties<'r, 'c, 'de> {
    /// Starts behind the type id.
    pub(super) fn open(reader: &'r mut Reader<'c, 'de>, name: &'static str) -> Result<Self, Error> {
        reader.unsigned("the version of a user type")?;
        let mut properties = Self { reader, name, at: None };
        properties.read_index(0)?;
        Ok(properties)
    }

    /// Reads the index of the next property, at least `least`.
    fn read_index(&mut self, least: u32) -> Result<(), DecodeError> {
        let offset = self.reader.cursor.offset();
        let reading = "the index of a property";
        let index = self.reader.cursor.packed_i32(reading)?;
        self.at = match u32::try_from(index) {
            Ok(index) if index >= least => Some(index),
            Ok(_) => {
                let problem = Problem::Invalid("index not higher than the one before");
                return Err(DecodeError { offset, reading, problem });
            }
            Err(_) if index == types::END => None,
            Err(_) => {
                return Err(DecodeError { offset, reading, problem: Problem::Invalid("negative index") });
            }
        };
        Ok(())
    }

    /// Property `index`, which no call asked for before, nor a higher one.
    fn property<T: DeserializeSeed<'de>>(&mut self, index: u32, seed: T) -> Result<T::Value, Error> {
        while let Some(at) = self.at.filter(|at| *at < index) {
            self.reader.skip()?;
            self.read_index(at + 1)?;
        }
        let start = self.reader.cursor.offset();
        let present = self.at == Some(index);
        let value = if !present || self.reader.value(None).take_null()? {
            seed.deserialize(Absent)
        } else {
            seed.deserialize(self.reader.value(None))
        };
        let name = self.name;
        let value = value.map_err(|error| error.at(start, || format!("property {index} of {name}")))?;
        if present {
            self.read_index(index + 1)?;
        }
        Ok(value)
    }

    /// Skips the properties that were not requested.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        while let Some(at) = self.at {
            self.reader.skip()?;
            self.read_index(at + 1)?;
        }
        self.reader.close();
        Ok(())
    }

    /// Offers the properties 0 to `len` in the order of the fields, missing ones too.
    ///
    /// As a sequence, for `len` counts the aliases of fields as well: derived code takes as many as it has fields.
    pub(super) fn visit_fields<V: Visitor<'de>>(mut self, len: usize, visitor: V) -> Result<V::Value, Error> {
        let value = visitor.visit_seq(Fields { properties: &mut self, next: 0, len: field_count(len) })?;
        self.finish()?;
        Ok(value)
    }

    /// A constant of a Java enum, by its name.
    pub(super) fn visit_constant<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        let start = self.reader.cursor.offset();
        let name: String = self.property(0, std::marker::PhantomData)?;
        self.finish()?;
        visitor
            .visit_enum(name.into_deserializer())
            .map_err(|error: Error| error.at(start, || "the name of an enum's constant".to_owned()))
    }
}

/// No struct has as many fields as would not fit.
fn field_count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

struct Fields<'p, 'r, 'c, 'de> {
    properties: &'p mut Properties<'r, 'c, 'de>,
    next: u32,
    len: u32,
}

impl<'de> de::SeqAccess<'de> for Fields<'_, '_, '_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.next == self.len {
            return Ok(None);
        }
        let index = self.next;
        self.next += 1;
        self.properties.property(index, seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        usize::try_from(self.len - self.next).ok()
    }
}

/// A variant that is a separate class.
pub(super) struct Variant<'r, 'c, 'de> {
    pub(super) variant: &'c str,
    pub(super) properties: Properties<'r, 'c, 'de>,
}

impl<'r, 'c, 'de> de::EnumAccess<'de> for Variant<'r, 'c, 'de> {
    type Error = Error;
    type Variant = Properties<'r, 'c, 'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Properties<'r, 'c, 'de>), Error> {
        let variant: StrDeserializer<'_, Error> = self.variant.into_deserializer();
        Ok((seed.deserialize(variant)?, self.properties))
    }
}

impl<'de> de::VariantAccess<'de> for Properties<'_, '_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        self.finish()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(mut self, seed: T) -> Result<T::Value, Error> {
        let value = self.property(0, seed)?;
        self.finish()?;
        Ok(value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.visit_fields(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.visit_fields(fields.len(), visitor)
    }
}

/// A property that is missing or null, which are the same to Java: what its typed methods give for it.
#[derive(Clone, Copy)]
struct Absent;

fn null(needed: impl std::fmt::Display) -> Error {
    Error::custom(format!("null or missing where {needed} is needed"))
}

macro_rules! absent {
    ($($method:ident => $visit:ident($($value:expr)?);)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
                visitor.$visit($($value)?)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for Absent {
    type Error = Error;

    fn is_human_readable(&self) -> bool {
        false
    }

    absent! {
        deserialize_any => visit_unit();
        deserialize_option => visit_none();
        deserialize_unit => visit_unit();
        deserialize_ignored_any => visit_unit();
        deserialize_bool => visit_bool(false);
        deserialize_i8 => visit_u8(0);
        deserialize_i16 => visit_u8(0);
        deserialize_i32 => visit_u8(0);
        deserialize_i64 => visit_u8(0);
        deserialize_i128 => visit_u8(0);
        deserialize_u8 => visit_u8(0);
        deserialize_u16 => visit_u8(0);
        deserialize_u32 => visit_u8(0);
        deserialize_u64 => visit_u8(0);
        deserialize_u128 => visit_u8(0);
        deserialize_f32 => visit_f32(0.0);
        deserialize_f64 => visit_f64(0.0);
        deserialize_char => visit_char('\0');
        deserialize_str => visit_borrowed_str("");
        deserialize_string => visit_borrowed_str("");
        deserialize_identifier => visit_borrowed_str("");
        deserialize_bytes => visit_borrowed_bytes(&[]);
        deserialize_byte_buf => visit_borrowed_bytes(&[]);
        deserialize_seq => visit_seq(SeqDeserializer::new(std::iter::empty::<()>()));
        deserialize_map => visit_map(MapDeserializer::new(std::iter::empty::<((), ())>()));
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == native::NAME {
            return visitor.visit_newtype_struct(BytesDeserializer::new(&[types::byte(types::NULL)]));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, _: V) -> Result<V::Value, Error> {
        Err(null(name))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, _: V) -> Result<V::Value, Error> {
        Err(null(format_args!("an array of {len}")))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _len: usize,
        _: V,
    ) -> Result<V::Value, Error> {
        Err(null(name))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        Err(null(name))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        Err(null(name))
    }
}
