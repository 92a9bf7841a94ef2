//! Converters: between the bytes of a record's key, value or header and Connect's data.
//!
//! Owns: which converter a class name means, and what its options are.
//! Never does: send bytes to Kafka, count errors or decide about a bad record.
//!
//! ```text
//! class name, role, options → create → Converter:  bytes → SchemaAndValue | ConnectError          to_connect
//!                                                  schema, value → bytes | ConnectError           from_connect
//!
//! bytes.rs string.rs number.rs   Connect's simple converters
//! json.rs  json/                 JsonConverter
//! pof.rs                         KafkaPofConverter
//! custom.rs                      CustomConverter over a Kafka deserializer
//! deserializer.rs                Kafka's deserializers
//! header.rs                      HeaderConverter: SimpleHeaderConverter, and the converters that read headers as well
//! header_values.rs               the value that a header's text stands for, and the text of a value
//! java_text.rs                   the text that Java has for a value
//! definitions.rs                 the options of each, for user interfaces
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use crate::data::{Schema, SchemaAndValue, Value};
use crate::encode;
use crate::error::ConnectError;
use crate::record::{RawHeader, RawHeaders};

mod bytes;
mod custom;
mod definitions;
mod deserializer;
mod header;
pub(crate) mod header_values;
mod java_text;
mod json;
mod number;
mod options;
mod pof;
mod string;

pub use definitions::{CONVERTERS, HEADER_CONVERTERS};
pub use header::{HeaderConverter, SIMPLE_HEADER_CONVERTER, create_header, known_header_classes};
pub(crate) use json::value as json_value;
pub use options::Options;

/// `org.apache.kafka.connect.storage.Converter`.
#[allow(clippy::wrong_self_convention, reason = "Connect names the two directions to and from Connect")]
pub trait Converter: Send + Sync + Debug {
    /// Returns the data in the key or value `bytes` of a record of `topic`; `None` is a null, as in a tombstone.
    ///
    /// `headers` are those of the record: a schema registry's serializers may write the schema's id there.
    fn to_connect<'a>(
        &'a self,
        topic: &str,
        headers: &dyn RawHeaders,
        bytes: Option<&'a [u8]>,
    ) -> Result<SchemaAndValue<'a>, ConnectError>;

    /// Returns the bytes of data for the key or value of a record of `topic`; `None` is a null, as in a tombstone.
    ///
    /// A converter may add to the `headers` of the record.
    fn from_connect(
        &self,
        topic: &str,
        headers: &mut Vec<RawHeader>,
        schema: Option<&Arc<Schema>>,
        value: &Value<'_>,
    ) -> Result<Option<Vec<u8>>, ConnectError>;

    /// Returns the full name of the Java class.
    fn class_name(&self) -> &'static str;
}

/// Returns the data in an entry of POF; other data as it is. Connect has no such values, so that its converters write
/// what is inside.
fn unwrapped<'v>(value: &'v Value<'_>) -> Result<Cow<'v, Value<'v>>, ConnectError> {
    match value {
        Value::Pof(binary) => match encode::of_pof(binary) {
            Ok(value) => Ok(Cow::Owned(value)),
            Err(error) => Err(ConnectError::data("Failed to deserialize POF: ").because(error.to_string())),
        },
        value => Ok(Cow::Borrowed(value)),
    }
}

/// What a converter reads; some options depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// `key.converter`.
    Key,
    /// `value.converter`.
    Value,
    /// `header.converter`.
    Header,
}

impl Role {
    /// Returns the property that names the converter's class.
    pub fn property(self) -> &'static str {
        match self {
            Role::Key => "key.converter",
            Role::Value => "value.converter",
            Role::Header => "header.converter",
        }
    }
}

/// An option of a converter that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct OptionError {
    /// The option, without the converter's prefix; empty where it is the converter's class itself.
    pub key: String,
    /// The value, if any.
    pub value: Option<String>,
    /// Connect's text where it has one. It names the bare option, as Connect does.
    pub message: String,
}

/// A converter that can be created by its class.
#[derive(Debug, Clone, Copy)]
pub struct ConverterClass {
    /// The full name of the Java class.
    pub class: &'static str,
    /// Creates the converter from its options; `None` where one of them was refused.
    pub create: fn(Role, &mut Options<'_>) -> Option<Arc<dyn Converter>>,
}

/// The converters of this crate.
pub static CLASSES: [ConverterClass; 11] = [
    ConverterClass { class: bytes::CLASS, create: bytes::create },
    ConverterClass { class: string::CLASS, create: string::create },
    ConverterClass { class: number::SHORT, create: number::short },
    ConverterClass { class: number::INTEGER, create: number::integer },
    ConverterClass { class: number::LONG, create: number::long },
    ConverterClass { class: number::FLOAT, create: number::float },
    ConverterClass { class: number::DOUBLE, create: number::double },
    ConverterClass { class: number::BOOLEAN, create: number::boolean },
    ConverterClass { class: json::CLASS, create: json::create },
    ConverterClass { class: custom::CLASS, create: custom::create },
    ConverterClass { class: pof::CLASS, create: pof::create },
];

/// Returns the full names of all converter classes of this crate, in no order that means anything.
pub fn known_classes() -> impl ExactSizeIterator<Item = &'static str> {
    CLASSES.iter().map(|known| known.class)
}

/// Returns the converter of a Java class out of [`CLASSES`]; see [`create_from`].
pub fn create(
    class: &str,
    role: Role,
    options: &BTreeMap<String, String>,
) -> Result<Arc<dyn Converter>, Vec<OptionError>> {
    create_from(&[&CLASSES], class, role, options)
}

/// Returns the converter of a Java class out of `tables`, given by its full name or by one of Connect's aliases: the
/// simple name (`JsonConverter`) and the simple name without `Converter` (`Json`).
///
/// `options` come without the prefix `key.converter.` or `value.converter.`. Unknown ones are ignored, as
/// Connect does: converters share their prefix with whatever users put there. All bad ones are refused at once.
pub fn create_from(
    tables: &[&[ConverterClass]],
    class: &str,
    role: Role,
    options: &BTreeMap<String, String>,
) -> Result<Arc<dyn Converter>, Vec<OptionError>> {
    let class = class.trim();
    let mut classes = tables.iter().copied().flatten();
    let Some(found) = classes.find(|known| is_named(known.class, class, "Converter")) else {
        return Err(unknown(class, role, tables.iter().copied().flatten().map(|known| known.class)));
    };
    let mut options = Options::new(options);
    let converter = (found.create)(role, &mut options);
    match (converter, options.into_errors()) {
        (Some(converter), errors) if errors.is_empty() => Ok(converter),
        (_, errors) => Err(errors),
    }
}

/// Returns whether `name` is a class, or one of Connect's aliases of a class of this interface.
fn is_named(class: &str, name: &str, interface: &str) -> bool {
    let simple = class.rsplit('.').next().unwrap_or(class);
    class == name || simple == name || simple.strip_suffix(interface) == Some(name)
}

/// Refuses a class in the words of Kafka's `ConfigException`.
fn unknown(class: &str, role: Role, known: impl Iterator<Item = &'static str>) -> Vec<OptionError> {
    let (property, known) = (role.property(), known.collect::<Vec<_>>().join(", "));
    vec![OptionError {
        key: String::new(),
        value: Some(class.to_owned()),
        message: format!(
            "Invalid value {class} for configuration {property}: Class {class} could not be found; known are {known}"
        ),
    }]
}

#[cfg(test)]
mod tests;
