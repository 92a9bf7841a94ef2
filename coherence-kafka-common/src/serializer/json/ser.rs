//! serde's types to Coherence JSON.

use std::fmt::Display;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};
use serde::{Serialize, Serializer};

use super::JsonClasses;
use super::text::{write_char, write_float, write_integer, write_text};

/// What cannot be written.
#[derive(Debug)]
pub(super) struct Refused(pub(super) &'static str);

impl Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Refused {}

impl serde::ser::Error for Refused {
    /// The error of a type may hold its data.
    fn custom<M: Display>(_: M) -> Self {
        Self("a value that refused itself")
    }
}

/// Appends the text of `value`.
pub(super) fn write<T: Serialize + ?Sized>(
    value: &T,
    classes: &JsonClasses,
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    value.serialize(Ser { classes, out })
}

struct Ser<'o> {
    classes: &'o JsonClasses,
    out: &'o mut Vec<u8>,
}

impl<'o> Ser<'o> {
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        write(value, self.classes, self.out)
    }

    /// A member, left out again where its value turns out to be null.
    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Refused> {
        let start = self.out.len();
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        write_text(name, self.out);
        self.out.push(b':');
        let value_start = self.out.len();
        self.value(value)?;
        if self.out[value_start..] == *b"null" {
            self.out.truncate(start);
        }
        Ok(())
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        if self.out.last() != Some(&b'[') {
            self.out.push(b',');
        }
        self.value(value)
    }

    fn open_class(&mut self, name: &str) -> bool {
        self.out.push(b'{');
        let alias = self.classes.alias(name);
        if let Some(alias) = alias {
            self.out.extend_from_slice(br#""@class":"#);
            write_text(alias, self.out);
        }
        alias.is_some()
    }

    fn variant(&mut self, variant: &str) {
        self.out.push(b'{');
        write_text(variant, self.out);
        self.out.push(b':');
    }

    fn big_integer(self, value: impl Display) {
        self.out.extend_from_slice(br#"{"@class":"math.BigInt","value":""#);
        write_integer(value, self.out);
        self.out.extend_from_slice(br#""}"#);
    }

    fn list(self, closing: &'static [u8]) -> Compound<'o> {
        self.out.push(b'[');
        Compound { ser: self, closing }
    }
}

/// An open array, object or map.
struct Compound<'o> {
    ser: Ser<'o>,
    closing: &'static [u8],
}

impl Compound<'_> {
    fn close(self) {
        self.ser.out.extend_from_slice(self.closing);
    }
}

macro_rules! integers {
    ($($method:ident $type:ty,)*) => {$(
        fn $method(self, value: $type) -> Result<(), Refused> {
            write_integer(value, self.out);
            Ok(())
        }
    )*};
}

impl<'o> Serializer for Ser<'o> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Compound<'o>;
    type SerializeTuple = Compound<'o>;
    type SerializeTupleStruct = Compound<'o>;
    type SerializeTupleVariant = Compound<'o>;
    type SerializeMap = Compound<'o>;
    type SerializeStruct = Compound<'o>;
    type SerializeStructVariant = Compound<'o>;

    integers! {
        serialize_i8 i8,
        serialize_i16 i16,
        serialize_i32 i32,
        serialize_i64 i64,
        serialize_u8 u8,
        serialize_u16 u16,
        serialize_u32 u32,
    }

    fn serialize_bool(self, value: bool) -> Result<(), Refused> {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    /// Beyond Java's `Long` a `BigInteger`.
    fn serialize_u64(self, value: u64) -> Result<(), Refused> {
        match i64::try_from(value) {
            Ok(value) => self.serialize_i64(value),
            Err(_) => {
                self.big_integer(value);
                Ok(())
            }
        }
    }

    fn serialize_i128(self, value: i128) -> Result<(), Refused> {
        self.big_integer(value);
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<(), Refused> {
        self.big_integer(value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Refused> {
        write_float(value, self.out);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Refused> {
        write_float(value, self.out);
        Ok(())
    }

    /// A `Character`, or a text where it takes two of Java's.
    fn serialize_char(self, value: char) -> Result<(), Refused> {
        match u16::try_from(u32::from(value)) {
            Ok(unit) => write_char(unit, self.out),
            Err(_) => write_text(value.encode_utf8(&mut [0; 4]), self.out),
        }
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Refused> {
        write_text(value, self.out);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Refused> {
        write_text(&BASE64_STANDARD.encode(value), self.out);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Refused> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Refused> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(mut self, name: &'static str) -> Result<(), Refused> {
        if self.classes.alias(name).is_none() {
            return self.serialize_unit();
        }
        self.open_class(name);
        self.out.push(b'}');
        Ok(())
    }

    fn serialize_unit_variant(
        mut self,
        name: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Refused> {
        if self.classes.alias(name).is_none() {
            return self.serialize_str(variant);
        }
        self.open_class(name);
        self.member("enum", variant)?;
        self.out.push(b'}');
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.variant(variant);
        self.value(value)?;
        self.out.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'o>, Refused> {
        Ok(self.list(b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'o>, Refused> {
        Ok(self.list(b"]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'o>, Refused> {
        Ok(self.list(b"]"))
    }

    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'o>, Refused> {
        self.variant(variant);
        Ok(self.list(b"]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'o>, Refused> {
        self.out.extend_from_slice(br#"{"@class":"java.util.HashMap","entries":"#);
        Ok(self.list(b"]}"))
    }

    fn serialize_struct(mut self, name: &'static str, _: usize) -> Result<Compound<'o>, Refused> {
        self.open_class(name);
        Ok(Compound { ser: self, closing: b"}" })
    }

    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'o>, Refused> {
        self.variant(variant);
        self.out.push(b'{');
        Ok(Compound { ser: self, closing: b"}}" })
    }
}

macro_rules! elements {
    ($($trait:ident $method:ident,)*) => {$(
        impl $trait for Compound<'_> {
            type Ok = ();
            type Error = Refused;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                self.ser.element(value)
            }

            fn end(self) -> Result<(), Refused> {
                self.close();
                Ok(())
            }
        }
    )*};
}

elements! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

macro_rules! members {
    ($($trait:ident,)*) => {$(
        impl $trait for Compound<'_> {
            type Ok = ();
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Refused> {
                self.ser.member(name, value)
            }

            fn end(self) -> Result<(), Refused> {
                self.close();
                Ok(())
            }
        }
    )*};
}

members! { SerializeStruct, SerializeStructVariant, }

impl SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        if self.ser.out.last() != Some(&b'[') {
            self.ser.out.push(b',');
        }
        self.ser.out.push(b'{');
        self.ser.member("key", key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.ser.member("value", value)?;
        self.ser.out.push(b'}');
        Ok(())
    }

    fn end(self) -> Result<(), Refused> {
        self.close();
        Ok(())
    }
}
