//! Header converters: between the bytes of a record's headers and Connect's data.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use coherence_kafka_common::serializer::charset::Charset;

use super::{
    Converter, OptionError, Role, bytes, create, header_values, is_named, json, number, string, unknown,
    unwrapped,
};
use crate::data::{Schema, SchemaAndValue, Value};
use crate::error::ConnectError;

/// Connect's converter of headers, where a worker and a connector name none.
pub const SIMPLE_HEADER_CONVERTER: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

/// The classes of Connect that are header converters; all but the first are converters of keys and values as well.
const CLASSES: [&str; 10] = [
    SIMPLE_HEADER_CONVERTER,
    string::CLASS,
    json::CLASS,
    bytes::CLASS,
    number::SHORT,
    number::INTEGER,
    number::LONG,
    number::FLOAT,
    number::DOUBLE,
    number::BOOLEAN,
];

/// `org.apache.kafka.connect.storage.HeaderConverter`.
#[allow(clippy::wrong_self_convention, reason = "Connect names the two directions to and from Connect")]
pub trait HeaderConverter: Send + Sync + Debug {
    /// Returns the data in the bytes of the header `name` of a record of `topic`; `None` is a null.
    fn to_connect_header<'a>(
        &'a self,
        topic: &str,
        name: &str,
        bytes: Option<&'a [u8]>,
    ) -> Result<SchemaAndValue<'a>, ConnectError>;

    /// Returns the bytes of data for the header `name` of a record of `topic`; `None` is a null.
    fn from_connect_header(
        &self,
        topic: &str,
        name: &str,
        schema: Option<&Arc<Schema>>,
        value: &Value<'_>,
    ) -> Result<Option<Vec<u8>>, ConnectError>;

    /// Returns the full name of the Java class.
    fn class_name(&self) -> &'static str;
}

/// Returns the full names of all header converter classes, Connect's default first.
pub fn known_header_classes() -> impl ExactSizeIterator<Item = &'static str> {
    CLASSES.into_iter()
}

/// Returns the header converter of a Java class, given by its full name or by one of Connect's aliases: the simple name
/// (`SimpleHeaderConverter`) and the simple name without `HeaderConverter` (`Simple`).
///
/// `options` come without the prefix `header.converter.`. Unknown ones are ignored. All bad ones are refused at once.
pub fn create_header(
    class: &str,
    options: &BTreeMap<String, String>,
) -> Result<Arc<dyn HeaderConverter>, Vec<OptionError>> {
    let class = class.trim();
    match CLASSES.into_iter().find(|known| is_named(known, class, "HeaderConverter")) {
        None => Err(unknown(class, Role::Header, known_header_classes())),
        Some(SIMPLE_HEADER_CONVERTER) => Ok(Arc::new(SimpleHeaderConverter)),
        Some(class) => Ok(Arc::new(OfConverter(create(class, Role::Header, options)?))),
    }
}

/// Infers the type of a value from its text.
#[derive(Debug)]
struct SimpleHeaderConverter;

impl HeaderConverter for SimpleHeaderConverter {
    fn to_connect_header<'a>(
        &'a self,
        _: &str,
        _: &str,
        bytes: Option<&'a [u8]>,
    ) -> Result<SchemaAndValue<'a>, ConnectError> {
        Ok(match bytes {
            None => SchemaAndValue { schema: None, value: Value::Null },
            Some(bytes) => header_values::parse(&Charset::UTF_8.decode(bytes)),
        })
    }

    fn from_connect_header(
        &self,
        _: &str,
        _: &str,
        _: Option<&Arc<Schema>>,
        value: &Value<'_>,
    ) -> Result<Option<Vec<u8>>, ConnectError> {
        Ok(match &*unwrapped(value)? {
            Value::Null => None,
            value => Some(header_values::to_text(value).into_bytes()),
        })
    }

    fn class_name(&self) -> &'static str {
        SIMPLE_HEADER_CONVERTER
    }
}

/// A converter of keys and values, for headers.
#[derive(Debug)]
struct OfConverter(Arc<dyn Converter>);

impl HeaderConverter for OfConverter {
    fn to_connect_header<'a>(
        &'a self,
        topic: &str,
        _: &str,
        bytes: Option<&'a [u8]>,
    ) -> Result<SchemaAndValue<'a>, ConnectError> {
        self.0.to_connect(topic, &(), bytes)
    }

    fn from_connect_header(
        &self,
        topic: &str,
        _: &str,
        schema: Option<&Arc<Schema>>,
        value: &Value<'_>,
    ) -> Result<Option<Vec<u8>>, ConnectError> {
        self.0.from_connect(topic, &mut Vec::new(), schema, value)
    }

    fn class_name(&self) -> &'static str {
        self.0.class_name()
    }
}
