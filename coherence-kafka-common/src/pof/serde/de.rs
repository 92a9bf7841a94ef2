//! From POF to Rust types.
//!
//! Checks of single bytes are the walker's. Containers are opened here, for the Rust type drives the reading.

use serde::de::value::BytesDeserializer;
use serde::de::{self, Error as _, Visitor};

use super::error::Error;
use super::native;
use super::visit::{character, describe, integer, invalid_head, shared, visit};
use crate::packed::{Cursor, DecodeError, Problem};
use crate::pof::context::PofContext;
use crate::pof::types;
use crate::pof::value::PofValue;
use crate::pof::walker::{Event, MAX_DEPTH, walk_one};

mod elements;
mod properties;

use properties::{Properties, Variant};

/// Newtypes and options around one value. Only a type that holds itself and nothing else has more.
const MAX_WRAPPED: usize = 64;

pub(super) struct Reader<'c, 'de> {
    context: &'c PofContext,
    cursor: Cursor<'de>,
    /// Containers and user types that are open.
    depth: usize,
}

impl<'c, 'de> Reader<'c, 'de> {
    pub(super) fn new(context: &'c PofContext, cursor: Cursor<'de>) -> Self {
        Self { context, cursor, depth: 0 }
    }

    /// The value at the cursor, of the type `uniform` where it bears none.
    pub(super) fn value(&mut self, uniform: Option<i32>) -> Value<'_, 'c, 'de> {
        Value { reader: self, uniform, wrapped: 0 }
    }

    pub(super) fn finish(&self) -> Result<(), DecodeError> {
        self.cursor.finish("the end of the value")
    }

    fn skip(&mut self) -> Result<(), DecodeError> {
        walk_one(&mut self.cursor, None, self.depth, |_| Ok(()))
    }

    fn unsigned(&mut self, reading: &'static str) -> Result<u32, DecodeError> {
        let offset = self.cursor.offset();
        let number = self.cursor.packed_i32(reading)?;
        let problem = Problem::Invalid("negative number");
        u32::try_from(number).map_err(|_| DecodeError { offset, reading, problem })
    }

    fn open(&mut self) -> Result<(), DecodeError> {
        if self.depth == MAX_DEPTH {
            let problem = Problem::Invalid("more than 64 values inside each other");
            return Err(DecodeError { offset: self.cursor.offset(), reading: "a value", problem });
        }
        self.depth += 1;
        Ok(())
    }

    fn close(&mut self) {
        self.depth -= 1;
    }
}

/// One value, not read yet.
pub(super) struct Value<'r, 'c, 'de> {
    reader: &'r mut Reader<'c, 'de>,
    uniform: Option<i32>,
    wrapped: usize,
}

impl<'r, 'c, 'de> Value<'r, 'c, 'de> {
    /// The type id or one-byte code of the value, and a cursor behind it. Identities are of no interest as long
    /// as nothing refers to them.
    fn head(&self) -> Result<(i32, Cursor<'de>), DecodeError> {
        let mut ahead = self.reader.cursor.clone();
        if let Some(type_id) = self.uniform {
            return Ok((type_id, ahead));
        }
        loop {
            match ahead.packed_i32("a type id")? {
                types::IDENTITY => ahead.packed_i32("an identity")?,
                type_id => return Ok((type_id, ahead)),
            };
        }
    }

    /// Reads the value if it is null, in whatever form.
    fn take_null(&mut self) -> Result<bool, DecodeError> {
        let (type_id, mut ahead) = self.head()?;
        let null = match type_id {
            types::NULL => true,
            types::CHAR_STRING => {
                matches!(ahead.packed_i32("the length of a string")?, -1 | types::NULL)
            }
            types::OCTET_STRING if self.uniform.is_some() => {
                ahead.packed_i32("the length of an octet string")? == types::NULL
            }
            _ => false,
        };
        if null {
            self.reader.cursor = ahead;
        }
        Ok(null)
    }

    /// A value without parts.
    fn scalar(self) -> Result<Event<'de>, Error> {
        let mut found = Event::End;
        walk_one(&mut self.reader.cursor, self.uniform, self.reader.depth, |event| match event {
            Event::Shared => Err(Problem::Shared),
            Event::Begin(..) | Event::Index(_) | Event::End => {
                Err(Problem::Invalid("a container where a value without parts is needed"))
            }
            scalar => {
                found = scalar;
                Ok(())
            }
        })?;
        Ok(found)
    }

    fn visit_scalar<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visit(self.scalar()?, visitor)
    }

    /// As [`visit_scalar`](Self::visit_scalar) for a number: a Java `byte` is 0 to 255 as in Java's numeric getters.
    fn visit_number<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.scalar()? {
            Event::Scalar(PofValue::Octet(value)) => visitor.visit_u8(value),
            other => visit(other, visitor),
        }
    }

    /// A number, or another value.
    fn float(self) -> Result<Result<f64, Event<'de>>, Error> {
        Ok(match self.scalar()? {
            Event::Scalar(PofValue::Float64(value)) => Ok(value),
            Event::Scalar(PofValue::Float32(value)) => Ok(f64::from(value)),
            event => match integer(&event) {
                Some(value) if value as f64 as i128 == value && value != i128::MAX => Ok(value as f64),
                Some(_) => return Err(Error::custom("an integer that no floating point number equals")),
                None => Err(event),
            },
        })
    }

    /// The type id of the user type that the value must be, with its properties still to be read.
    fn user_type(self, needed: &dyn std::fmt::Display) -> Result<(u32, &'r mut Reader<'c, 'de>), Error> {
        let (type_id, behind) = self.head()?;
        match u32::try_from(type_id) {
            Ok(type_id) => {
                self.reader.cursor = behind;
                self.reader.open()?;
                Ok((type_id, self.reader))
            }
            Err(_) if type_id == types::REFERENCE => Err(shared(self.reader.cursor.offset())),
            Err(_) => Err(Error::custom(format!("{} where {needed} is needed", describe(type_id)))),
        }
    }

    /// The properties of the user type that is registered under `name`.
    fn properties(self, name: &'static str) -> Result<Properties<'r, 'c, 'de>, Error> {
        let needed = self.reader.context.type_id(name).ok_or_else(|| Error::unregistered(name))?;
        let (type_id, reader) = self.user_type(&name)?;
        if type_id != needed {
            let problem = format!("user type {type_id} where {name}, which is {needed}, is needed");
            return Err(Error::custom(problem));
        }
        Properties::open(reader, name)
    }
}

impl<'de> de::Deserializer<'de> for Value<'_, '_, 'de> {
    type Error = Error;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let (type_id, mut behind) = self.head()?;
        match type_id {
            types::UNIFORM_ARRAY if behind.packed_i32("an element type")? == types::OCTET => {
                self.visit_scalar(visitor)
            }
            types::COLLECTION
            | types::UNIFORM_COLLECTION
            | types::ARRAY
            | types::UNIFORM_ARRAY
            | types::COLLECTION_EMPTY => self.visit_elements(visitor),
            types::MAP | types::UNIFORM_KEYS_MAP | types::UNIFORM_MAP => self.visit_entries(visitor),
            types::SPARSE_ARRAY | types::UNIFORM_SPARSE_ARRAY | 0.. => Err(invalid_head(type_id, &visitor)),
            _ => self.visit_scalar(visitor),
        }
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit_scalar(visitor)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit_number(visitor)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit_number(visitor)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit_number(visitor)
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit_number(visitor)
    }

    /// Java writes the byte -1 as the integer -1 where it compacts.
    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let (type_id, behind) = self.head()?;
        if type_id == types::INT_NEG_1 {
            self.reader.cursor = behind;
            return visitor.visit_u8(u8::MAX);
        }
        self.visit_number(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit_number(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit_number(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit_number(visitor)
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let event = self.scalar()?;
        match integer(&event).map(u128::try_from) {
            Some(Ok(value)) => visitor.visit_u128(value),
            Some(Err(_)) => Err(Error::custom("a negative number where a u128 is needed")),
            None => visit(event, visitor),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.float()? {
            Ok(value) if value.is_nan() || f64::from(value as f32) == value => {
                visitor.visit_f32(value as f32)
            }
            Ok(_) => Err(Error::custom("a number that no f32 equals")),
            Err(event) => visit(event, visitor),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.float()? {
            Ok(value) => visitor.visit_f64(value),
            Err(event) => visit(event, visitor),
        }
    }

    /// Java writes characters up to 22, and U+FFFF, as integers where it compacts.
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let (type_id, behind) = self.head()?;
        if let types::INT_22..=types::INT_NEG_1 = type_id {
            self.reader.cursor = behind;
            return visitor.visit_char(character((types::INT_0 - type_id) as u16)?);
        }
        self.visit_scalar(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let (type_id, behind) = self.head()?;
        if let types::STRING_ZERO_LENGTH | types::COLLECTION_EMPTY = type_id {
            self.reader.cursor = behind;
            return visitor.visit_borrowed_bytes(&[]);
        }
        self.visit_scalar(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        if self.take_null()? {
            return visitor.visit_none();
        }
        visitor.visit_some(self.wrapped()?)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.properties(name)?.finish()?;
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == native::NAME {
            return self.deserialize_native(visitor);
        }
        visitor.visit_newtype_struct(self.wrapped()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit_elements(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Error> {
        self.visit_elements(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.properties(name)?.visit_fields(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit_entries(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.properties(name)?.visit_fields(fields.len(), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let (type_id, reader) = self.user_type(&name)?;
        let context = reader.context;
        let own_class = context.name(type_id).and_then(|class| class.strip_prefix(name)?.strip_prefix("::"));
        let properties = Properties::open(reader, name)?;
        if let Some(variant) = own_class {
            return visitor.visit_enum(Variant { variant, properties });
        }
        match context.type_id(name) {
            Some(id) if id == type_id => properties.visit_constant(visitor),
            Some(_) => Err(Error::custom(format!("user type {type_id} where {name} is needed"))),
            None => Err(Error::unregistered(name)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        walk_one(&mut self.reader.cursor, self.uniform, self.reader.depth, |_| Ok(()))?;
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! { bool str string unit identifier }
}

impl<'de> Value<'_, '_, 'de> {
    fn wrapped(mut self) -> Result<Self, Error> {
        self.wrapped += 1;
        if self.wrapped > MAX_WRAPPED {
            return Err(Error::custom("a type that holds itself without end"));
        }
        Ok(self)
    }

    /// The bytes of the value, for a type of this crate that reads them itself.
    fn deserialize_native<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Value { reader, uniform, .. } = self;
        let start = reader.cursor.offset();
        let rest = reader.cursor.rest();
        walk_one(&mut reader.cursor, uniform, reader.depth, |_| Ok(()))?;
        let body = &rest[..reader.cursor.offset() - start];
        let mut typed = Vec::new();
        if let Some(type_id) = uniform {
            crate::packed::write_i32(&mut typed, type_id);
        }
        typed.extend_from_slice(body);
        visitor.visit_newtype_struct(BytesDeserializer::new(&typed))
    }
}
