//! Coherence JSON: `0x15` and the text, as a grid's serializer named `json` writes and reads it.
//!
//! ```text
//! object of a class              {"@class":"alias","name":value,…}   nulls left out
//! constant of an enum            {"@class":"alias","enum":"RED"}
//! map                            {"@class":"java.util.HashMap","entries":[{"key":k,"value":v},…]}
//!   in a field of the type Map   the same without class; Java itself writes it so there
//! BigInteger, BigDecimal         {"@class":"math.BigInt","value":"1"}, {"@class":"math.BigDec","value":"1.5"}
//! character                      "\u0041", which alone makes it one to Java
//! NaN, Infinity, -Infinity       text
//! bytes                          base64, text
//! ```
//!
//! `@class` must be the first name of its object. A grid can make objects only of classes with an alias in some
//! `META-INF/type-aliases.properties`; an object without `@class` is a `JsonObject`, a map, to it. A number that is
//! an integer is an `Integer` or a `Long` by its size alone, and one beyond a `Long` a `Double`.
//!
//! Reading is stricter than Java's: one JSON value of RFC 8259 and no byte behind it.
//!
//! Of serde's shapes: a struct with `#[serde(flatten)]` is a map to its serializer and becomes a `HashMap`; a field of
//! type `()` is a null, left out, and does not come back without `#[serde(default)]`. For a class with subclasses use an enum with `#[serde(tag = "@class")]` whose variants are renamed to the aliases.

use std::collections::HashMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use self::reader::Reader;
use super::{Deserializer, Header, Serializer, SerializerError};
use crate::binary::FMT_EXT;
use crate::pof::PofValue;

mod de;
mod dynamic;
mod reader;
mod ser;
#[doc(hidden)]
pub mod text;
#[doc(hidden)]
pub mod tokens;
#[cfg(feature = "json-value")]
mod tree;

/// The aliases of Java classes, by the names that serde knows Rust types by: those of the types themselves, or what
/// `#[serde(rename)]` makes of them.
#[derive(Debug, Clone, Default)]
pub struct JsonClasses {
    aliases: HashMap<String, String>,
}

impl JsonClasses {
    /// Objects of the Rust type `name` are those of the Java class with this alias, as it stands in
    /// `META-INF/type-aliases.properties`.
    pub fn class(mut self, name: &str, alias: &str) -> Self {
        self.aliases.insert(name.to_owned(), alias.to_owned());
        self
    }

    fn alias(&self, name: &str) -> Option<&str> {
        self.aliases.get(name).map(String::as_str)
    }
}

/// Returns the complete binary of `value`, whose registered types bear their `@class`.
pub fn to_binary<T: Serialize + ?Sized>(
    value: &T,
    classes: &JsonClasses,
) -> Result<Vec<u8>, SerializerError> {
    let mut out = Vec::new();
    write_binary(value, classes, &mut out)?;
    Ok(out)
}

fn write_binary<T: Serialize + ?Sized>(
    value: &T,
    classes: &JsonClasses,
    out: &mut Vec<u8>,
) -> Result<(), SerializerError> {
    out.push(FMT_EXT);
    ser::write(value, classes, out).map_err(|ser::Refused(what)| SerializerError::NotRepresentable {
        format: FORMAT,
        what: what.to_owned(),
    })
}

/// Returns the value in a complete binary. An object of another class than the one registered for its type is refused;
/// one of a type that is not registered may be of any.
pub fn from_binary<T: DeserializeOwned>(binary: &[u8], classes: &JsonClasses) -> Result<T, SerializerError> {
    read(binary, |reader| de::read(reader, classes))
}

const FORMAT: &str = "json";

/// Reads all of a binary; offsets of errors count from its first byte.
fn read<'a, T>(
    binary: &'a [u8],
    value: impl FnOnce(&mut Reader<'a>) -> Result<T, reader::Error>,
) -> Result<T, SerializerError> {
    let text = match binary {
        [FMT_EXT, text @ ..] => text,
        other => {
            let found = if other.is_empty() { "no bytes" } else { "another byte" };
            let expected = "0x15".to_owned();
            return Err(SerializerError::Malformed { format: FORMAT, expected, offset: 0, found });
        }
    };
    let malformed = |error: reader::Error| SerializerError::Malformed {
        format: FORMAT,
        expected: error.expected.into_owned(),
        offset: error.offset.unwrap_or(0) + 1,
        found: error.found,
    };
    let mut reader = Reader::new(text).map_err(malformed)?;
    let value = value(&mut reader).map_err(malformed)?;
    reader.finish().map_err(malformed)?;
    Ok(value)
}

/// Any type of serde's as Coherence JSON.
#[derive(Debug, Clone, Default)]
pub struct JsonSerde {
    classes: JsonClasses,
}

impl JsonSerde {
    /// With the aliases of the classes that it writes and reads.
    pub fn new(classes: JsonClasses) -> Self {
        Self { classes }
    }
}

impl<T: Serialize> Serializer<T> for JsonSerde {
    fn serialize(
        &self,
        _: &str,
        _: &mut Vec<Header>,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        write_binary(value, &self.classes, out)
    }
}

impl<T: DeserializeOwned> Deserializer<T> for JsonSerde {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &[u8]) -> Result<T, SerializerError> {
        from_binary(bytes, &self.classes)
    }
}

/// Coherence JSON without types: as the values that Java would read, or, with the feature `json-value`, as a tree of JSON,
/// where `@class` is a name like any other.
///
/// Values that both a [`PofValue`] and JSON can express come back as Java would return them: a `Short` or `Byte` as an
/// `Integer`, a `Float` as a `Double`, a set or an array as a list, a UUID as text, an object without `@class` as a
/// map, objects of other classes than Java's own not at all. The one difference: Java makes a `Double` of the least
/// `Long`.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonValueSerde;

impl Serializer<PofValue> for JsonValueSerde {
    fn serialize(
        &self,
        _: &str,
        _: &mut Vec<Header>,
        value: &PofValue,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        out.push(FMT_EXT);
        dynamic::write(value, out)
    }
}

impl Deserializer<PofValue> for JsonValueSerde {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &[u8]) -> Result<PofValue, SerializerError> {
        read(bytes, dynamic::read_pof)
    }
}

#[cfg(test)]
mod tests;
