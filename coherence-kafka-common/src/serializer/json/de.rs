//! serde's types from Coherence JSON.

use std::borrow::Cow;
use std::fmt::{Display, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, EnumAccess, Error as _, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::{Deserializer, forward_to_deserialize_any};

use self::entries::{are_listed, entries};
use super::JsonClasses;
use super::reader::{Error, Reader};

mod entries;

pub(super) fn read<T: DeserializeOwned>(reader: &mut Reader<'_>, classes: &JsonClasses) -> Result<T, Error> {
    T::deserialize(&mut De { reader, classes })
}

/// The errors of types about values, with the kinds of values instead of the values themselves.
impl serde::de::Error for Error {
    fn custom<M: Display>(_: M) -> Self {
        Self::refused("a value that its type takes".into(), "another")
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::refused(expected.to_string().into(), kind(found))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::refused(expected.to_string().into(), kind(found))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::refused(expected.to_string().into(), "another number of elements")
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::refused(one_of("a variant", expected), "another")
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::refused(one_of("a field", expected), "another")
    }

    fn missing_field(field: &'static str) -> Self {
        Self::refused(format!("a field {field}").into(), "an object without it")
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::refused(format!("one field {field}").into(), "two")
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

impl std::error::Error for Error {}

impl Error {
    fn refused(expected: Cow<'static, str>, found: &'static str) -> Self {
        Self { expected, offset: None, found }
    }

    fn or_at(mut self, offset: usize) -> Self {
        self.offset.get_or_insert(offset);
        self
    }
}

fn one_of(what: &str, names: &[&str]) -> Cow<'static, str> {
    let mut text = format!("{what} of");
    for name in names {
        let _ = write!(text, " {name}");
    }
    text.into()
}

fn kind(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
        Unexpected::Float(_) => "a number with a fraction",
        Unexpected::Char(_) | Unexpected::Str(_) => "a string",
        Unexpected::Bytes(_) => "bytes",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "an array",
        Unexpected::Map => "an object",
        _ => "something else",
    }
}

struct De<'a, 'r> {
    reader: &'r mut Reader<'a>,
    classes: &'r JsonClasses,
}

/// The name that makes an object one of a class.
const CLASS: &str = "@class";

impl<'de> De<'de, '_> {
    /// Text as it is, or the text in a `math.BigInt` or `math.BigDec`, or a number.
    fn scalar_text(&mut self) -> Result<Cow<'de, str>, Error> {
        match self.reader.next_byte() {
            Some(b'"') => Ok(self.reader.string()?.text),
            Some(b'{') => big_number(self.reader),
            _ => Ok(self.reader.number()?.text.into()),
        }
    }

    /// The class that the opened object names first, its member taken.
    fn class(&mut self, first: &mut bool) -> Result<Option<Cow<'de, str>>, Error> {
        let start = self.reader.offset();
        if self.reader.next_byte() != Some(b'"') {
            return Ok(None);
        }
        if self.reader.name()? != CLASS {
            self.reader.seek(start);
            return Ok(None);
        }
        *first = false;
        Ok(Some(self.reader.string()?.text))
    }

    fn members<V: Visitor<'de>>(
        &mut self,
        visitor: V,
        mut first: bool,
        keeps_instructions: bool,
    ) -> Result<V::Value, Error> {
        let value = visitor.visit_map(Members { de: self, first: &mut first, keeps_instructions })?;
        if self.reader.has_next(&mut first, b'}')? {
            return Err(self.reader.error("'}'"));
        }
        Ok(value)
    }
}

/// The text of the value of a `math.BigInt` or `math.BigDec`.
pub(super) fn big_number<'a>(reader: &mut Reader<'a>) -> Result<Cow<'a, str>, Error> {
    let start = reader.offset();
    reader.open(b'{', "a number")?;
    let mut first = true;
    let mut is_number = false;
    let mut value = None;
    while reader.has_next(&mut first, b'}')? {
        let name = reader.name()?;
        match &*name {
            CLASS => {
                let class = reader.string()?.text;
                is_number = matches!(
                    &*class,
                    "math.BigInt" | "math.BigDec" | "java.math.BigInteger" | "java.math.BigDecimal"
                );
            }
            "value" if reader.next_byte() == Some(b'"') => value = Some(reader.string()?.text),
            "value" => value = Some(reader.number()?.text.into()),
            _ => reader.skip()?,
        }
    }
    value.filter(|_| is_number).ok_or(Error::new("a number", start, "an object"))
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let start = self.reader.offset();
            if !matches!(self.reader.next_byte(), Some(b'{' | b'-' | b'0'..=b'9')) {
                return self.deserialize_any(visitor);
            }
            let text = self.scalar_text()?;
            match text.parse::<$type>() {
                Ok(value) => visitor.$visit(value).map_err(|error: Error| error.or_at(start)),
                Err(_) => Err(Error::new(stringify!($type), start, "another number")),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut De<'de, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let start = self.reader.offset();
        let value = match self.reader.next_byte() {
            Some(b'n') => self.reader.null().and_then(|()| visitor.visit_unit()),
            Some(b't' | b'f') => self.reader.boolean().and_then(|value| visitor.visit_bool(value)),
            Some(b'"') => self.reader.string().and_then(|text| match text.text {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            }),
            Some(b'[') => {
                self.reader.open(b'[', "an array")?;
                let mut first = true;
                let value = visitor.visit_seq(Elements { de: self, first: &mut first });
                value.and_then(|value| match self.reader.has_next(&mut first, b']')? {
                    true => Err(self.reader.error("']'")),
                    false => Ok(value),
                })
            }
            Some(b'{') => {
                self.reader.open(b'{', "an object")?;
                self.members(visitor, true, true)
            }
            _ => self.reader.number().and_then(|number| {
                let text = number.text;
                if !number.is_integer {
                    visitor.visit_f64(text.parse().map_err(Error::custom)?)
                } else if let Ok(value) = text.parse() {
                    visitor.visit_u64(value)
                } else if let Ok(value) = text.parse() {
                    visitor.visit_i64(value)
                } else {
                    visitor.visit_f64(text.parse().map_err(Error::custom)?)
                }
            }),
        };
        value.map_err(|error| error.or_at(start))
    }

    integers! {
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_i128 visit_i128 i128,
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
        deserialize_u128 visit_u128 u128,
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let (start, text) = (self.reader.offset(), self.scalar_text()?);
        let value = float(&text).ok_or(Error::new("f32", start, "another text"))?;
        visitor.visit_f32(value).map_err(|error: Error| error.or_at(start))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let (start, text) = (self.reader.offset(), self.scalar_text()?);
        let value = float(&text).ok_or(Error::new("f64", start, "another text"))?;
        visitor.visit_f64(value).map_err(|error: Error| error.or_at(start))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.reader.next_byte() != Some(b'{') {
            return self.deserialize_any(visitor);
        }
        visitor.visit_string(big_number(self.reader)?.into_owned())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_byte_buf(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.reader.next_byte() != Some(b'"') {
            return self.deserialize_any(visitor);
        }
        let start = self.reader.offset();
        let text = self.reader.string()?.text;
        let bytes = BASE64_STANDARD
            .decode(text.as_bytes())
            .map_err(|_| Error::new("base64", start, "another text"))?;
        visitor.visit_byte_buf(bytes).map_err(|error: Error| error.or_at(start))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.reader.take_word("null") {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.reader.next_byte() != Some(b'{') {
            return self.deserialize_any(visitor);
        }
        self.deserialize_struct(name, &[], Skipping(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.reader.next_byte() != Some(b'{') {
            return self.deserialize_any(visitor);
        }
        let start = self.reader.offset();
        self.reader.open(b'{', "an object")?;
        let mut first = true;
        let value = match self.class(&mut first)? {
            Some(class) if is_map(&class) => entries(self, visitor, true),
            None if are_listed(self)? => entries(self, visitor, false),
            _ => self.members(visitor, first, false),
        };
        value.map_err(|error| error.or_at(start))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.reader.next_byte() != Some(b'{') || fields.contains(&CLASS) {
            return self.deserialize_any(visitor);
        }
        let start = self.reader.offset();
        self.reader.open(b'{', "an object")?;
        let mut first = true;
        let class = self.class(&mut first)?;
        if let (Some(class), Some(alias)) = (class, self.classes.alias(name))
            && class != alias
        {
            return Err(
                Error::refused(format!("an object of {alias}").into(), "one of another class").or_at(start)
            );
        }
        self.members(visitor, first, false).map_err(|error| error.or_at(start))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let start = self.reader.offset();
        let value = match self.reader.next_byte() {
            Some(b'{') => {
                self.reader.open(b'{', "an object")?;
                let mut first = true;
                let is_constant = self.class(&mut first)?.is_some();
                if !self.reader.has_next(&mut first, b'}')? {
                    return Err(Error::new("a variant", start, "an object without one"));
                }
                let value = if is_constant {
                    if self.reader.name()? != "enum" {
                        return Err(Error::new("a constant of an enum", start, "an object"));
                    }
                    let constant = self.reader.string()?.text;
                    visitor.visit_enum(StrDeserializer::new(&constant))
                } else {
                    visitor.visit_enum(Variant { de: &mut *self })
                };
                value.and_then(|value| match self.reader.has_next(&mut first, b'}')? {
                    true => Err(self.reader.error("'}'")),
                    false => Ok(value),
                })
            }
            _ => {
                let constant = self.reader.string()?.text;
                visitor.visit_enum(StrDeserializer::new(&constant))
            }
        };
        value.map_err(|error: Error| error.or_at(start))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.reader.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { bool char unit seq tuple tuple_struct identifier }
}

fn float<F: std::str::FromStr>(text: &str) -> Option<F> {
    // Rust's parser takes more words than Java writes.
    let is_number = text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
    let is_word = matches!(text, "NaN" | "Infinity" | "-Infinity");
    (is_number || is_word).then(|| text.parse().ok()).flatten()
}

pub(super) fn is_map(class: &str) -> bool {
    class.contains("Map")
}

/// A unit struct where an object of its class stands.
struct Skipping<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Skipping<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<V::Value, A::Error> {
        while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
        self.0.visit_unit()
    }
}

struct Elements<'a, 'r, 'd> {
    de: &'d mut De<'a, 'r>,
    first: &'d mut bool,
}

impl<'de> SeqAccess<'de> for Elements<'de, '_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.de.reader.next_byte() == Some(b']') || !self.de.reader.has_next(self.first, b']')? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.de).map(Some)
    }
}

struct Members<'a, 'r, 'd> {
    de: &'d mut De<'a, 'r>,
    first: &'d mut bool,
    /// Names that begin with `@` are names as others.
    keeps_instructions: bool,
}

impl<'de> MapAccess<'de> for Members<'de, '_, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        loop {
            let reader = &mut *self.de.reader;
            if reader.next_byte() == Some(b'}') || !reader.has_next(self.first, b'}')? {
                return Ok(None);
            }
            let start = reader.offset();
            let name = reader.name()?;
            if name.starts_with('@') && !self.keeps_instructions {
                reader.skip()?;
                continue;
            }
            return seed.deserialize(Name(name)).map(Some).map_err(|error| error.or_at(start));
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(&mut *self.de)
    }
}

/// The name of a member as a key, which may be a number in another type's map.
struct Name<'a>(Cow<'a, str>);

macro_rules! name_as_number {
    ($($method:ident $visit:ident,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Name<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Cow::Borrowed(name) => visitor.visit_borrowed_str(name),
            Cow::Owned(name) => visitor.visit_string(name),
        }
    }

    name_as_number! {
        deserialize_bool visit_bool,
        deserialize_i8 visit_i8,
        deserialize_i16 visit_i16,
        deserialize_i32 visit_i32,
        deserialize_i64 visit_i64,
        deserialize_u8 visit_u8,
        deserialize_u16 visit_u16,
        deserialize_u32 visit_u32,
        deserialize_u64 visit_u64,
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

/// A variant with data: an object with its name alone.
struct Variant<'a, 'r, 'd> {
    de: &'d mut De<'a, 'r>,
}

impl<'de, 'r, 'd> EnumAccess<'de> for Variant<'de, 'r, 'd> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Error> {
        let start = self.de.reader.offset();
        let name = self.de.reader.name()?;
        let variant = seed.deserialize(Name(name)).map_err(|error| error.or_at(start))?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de, '_, '_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        self.de.reader.null()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.de)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.de.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.de.deserialize_struct("", fields, visitor)
    }
}
