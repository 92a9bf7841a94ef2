//! `JsonConverter`: JSON with or without a schema.
//!
//! Owns: the envelope, the options, and which error the user sees. Reads what the Java converter reads, with its
//! leniencies, its silent coercions and its limits, and writes what it writes.
//!
//! Bytes that are written are those of Java, with these exceptions. The parameters of a schema are in the order of their
//! names, because Java's order is lost. Floats have the digits of Java 19 and later; older ones write more digits for some.
//! A UUID, which Connect's data has not, is text.
//!
//! ```text
//! bytes → text.rs → str → reader.rs ─┬─ schemas off: Value, at once
//!                                    └─ schemas on:  Node → schema.rs → Schema
//!                                                    Node → payload.rs → Value under the schema
//! Schema, Value → writer.rs → bytes
//! ```

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use self::reader::{Fault, Reader};
use self::tree::{Node, Skipped};
use self::writer::{MAX_DEPTH, Writer};
use super::options::Options;
use super::{Converter, Role, unwrapped};
use crate::data::{Schema, SchemaAndValue, Value};
use crate::error::{ConnectError, Exception};
use crate::record::{RawHeader, RawHeaders};

mod number;
mod payload;
mod reader;
mod schema;
mod text;
mod tree;
mod writer;

pub(super) use payload::last_of_each_key;

pub(super) const CLASS: &str = "org.apache.kafka.connect.json.JsonConverter";

const NOT_JSON: &str = "Converting byte[] to Kafka Connect data failed due to serialization error: ";
const NO_ENVELOPE: &str = "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not \
                           contain additional fields. If you are trying to deserialize plain JSON data, set \
                           schemas.enable=false in your converter configuration.";

/// Schemas kept at most. Java's default is 1000, because it keeps those of all topics together and looks them up
/// by hash; here the texts are compared, and a converter that meets more than a few schemas is rare.
const MAX_CACHED: i32 = 16;

pub(super) fn create(role: Role, options: &mut Options<'_>) -> Option<Arc<dyn Converter>> {
    let schemas_enable = options.boolean("schemas.enable", true);
    let replace_null_with_default = options.boolean("replace.null.with.default", true);
    let cached = options.int("schemas.cache.size", 1000).clamp(0, MAX_CACHED);
    let numeric_decimals = options.numeric_decimals();
    let content = options.text("schema.content").unwrap_or_default();
    let fixed_schema = match fixed_schema(content, replace_null_with_default) {
        Ok(schema) => schema.filter(|_| schemas_enable),
        Err(error) => {
            options.refuse("schema.content", error.to_string());
            None
        }
    };
    Some(Arc::new(JsonConverter {
        role,
        schemas_enable,
        writer: Writer { numeric_decimals, replace_null: replace_null_with_default },
        fixed_schema,
        cached: usize::try_from(cached).unwrap_or_default(),
        schemas: Mutex::default(),
        written: Mutex::default(),
    }))
}

/// Returns the data in a text of JSON without a schema.
pub(crate) fn value(text: &[u8]) -> Result<Value<'static>, ConnectError> {
    let (text, invalid) = match text::decode(text) {
        text::Text::Utf8(text) => (Cow::Borrowed(text), None),
        text::Text::Decoded { text, invalid } => (Cow::Owned(text), invalid),
    };
    let value: Option<Value<'_>> = Reader::new(&text, invalid).value()?;
    Ok(value.unwrap_or(Value::Null).into_owned())
}

/// Returns the schema of all messages; none from blank text or `null`.
fn fixed_schema(content: &str, replace_null: bool) -> Result<Option<Arc<Schema>>, ConnectError> {
    if content.is_empty() {
        return Ok(None);
    }
    let failed = "Failed to parse schema in converter config due to serialization error: ";
    let node: Option<Node<'_>> = Reader::new(content, None)
        .value()
        .map_err(|fault| ConnectError::data(failed).because(fault.to_string()))?;
    match node {
        None | Some(Node::Null) => Ok(None),
        Some(node) => {
            schema::read(&node, replace_null, schema::MAX_LEVELS).map(|schema| Some(Arc::new(schema)))
        }
    }
}

#[derive(Debug)]
struct JsonConverter {
    role: Role,
    schemas_enable: bool,
    writer: Writer,
    /// `schema.content`, which only reading uses.
    fixed_schema: Option<Arc<Schema>>,
    /// How many `schemas` and how many `written` may be kept.
    cached: usize,
    /// Schemas met lately and the JSON text each was read from, the latest first.
    schemas: Mutex<VecDeque<(Box<str>, Arc<Schema>)>>,
    /// Schemas written lately and their JSON text, the latest first.
    written: Mutex<VecDeque<Written>>,
}

/// A schema and its JSON text.
type Written = (Arc<Schema>, Box<[u8]>);

impl Converter for JsonConverter {
    fn to_connect<'a>(
        &'a self,
        _: &str,
        _: &dyn RawHeaders,
        bytes: Option<&'a [u8]>,
    ) -> Result<SchemaAndValue<'a>, ConnectError> {
        let Some(bytes) = bytes else {
            return Ok(SchemaAndValue { schema: None, value: Value::Null });
        };
        match text::decode(bytes) {
            text::Text::Utf8(text) => self.convert(text, None),
            text::Text::Decoded { text, invalid } => {
                self.convert(&text, invalid).map(|SchemaAndValue { schema, value }| SchemaAndValue {
                    schema: schema.map(|schema| Cow::Owned(schema.into_owned())),
                    value: value.into_owned(),
                })
            }
        }
        .map_err(|error| match bytes {
            [0, 0, ..] if error.message() == NOT_JSON => error.because(
                "the bytes begin as those of Schema Registry serializers do, which this converter does \
                 not read",
            ),
            _ => error,
        })
    }

    fn from_connect(
        &self,
        _: &str,
        _: &mut Vec<RawHeader>,
        schema: Option<&Arc<Schema>>,
        value: &Value<'_>,
    ) -> Result<Option<Vec<u8>>, ConnectError> {
        let value = unwrapped(value)?;
        if schema.is_none() && *value == Value::Null {
            return Ok(None);
        }
        let mut out = Vec::new();
        if self.schemas_enable {
            out.extend_from_slice(b"{\"schema\":");
            self.write_schema(schema, &mut out)?;
            out.extend_from_slice(b",\"payload\":");
            self.writer.value(schema, &value, MAX_DEPTH - 1, &mut out)?;
            out.push(b'}');
        } else {
            self.writer.value(schema, &value, MAX_DEPTH, &mut out)?;
        }
        Ok(Some(out))
    }

    fn class_name(&self) -> &'static str {
        CLASS
    }
}

impl JsonConverter {
    /// Reads the data in `text`; `invalid` is the offset at which the bytes after it are not text.
    fn convert<'a>(&self, text: &'a str, invalid: Option<usize>) -> Result<SchemaAndValue<'a>, ConnectError> {
        let mut reader = Reader::new(text, invalid);
        if !self.schemas_enable {
            // As in Java no bytes at all and blank text are null too, which a sink takes for a tombstone.
            let value = reader.value()?.unwrap_or(Value::Null);
            return Ok(SchemaAndValue { schema: None, value });
        }
        if let Some(schema) = &self.fixed_schema {
            let payload = reader.value()?.unwrap_or(Node::Null);
            let value = payload::read(schema, payload, self.writer.replace_null)?;
            return Ok(SchemaAndValue { schema: Some(Cow::Owned(schema.clone())), value });
        }
        let (schema_text, payload) = self.envelope(&mut reader)?;
        match self.schema(schema_text)? {
            Some(schema) => {
                let value = payload::read(&schema, payload, self.writer.replace_null)?;
                Ok(SchemaAndValue { schema: Some(Cow::Owned(schema)), value })
            }
            None => Ok(SchemaAndValue { schema: None, value: payload::schemaless(payload) }),
        }
    }

    /// Returns the text of the member `schema`, and the member `payload`.
    fn envelope<'a>(&self, reader: &mut Reader<'a>) -> Result<(&'a str, Node<'a>), ConnectError> {
        let (mut schema, mut payload, mut others) = (None, None, false);
        let is_object = reader.members(|reader, name| -> Result<(), Fault> {
            match &*name {
                "schema" => schema = Some(reader.member_text()?),
                "payload" => payload = Some(reader.member()?),
                _ => {
                    reader.member::<Skipped>()?;
                    others = true;
                }
            }
            Ok(())
        })?;
        match (schema, payload) {
            (Some(schema), Some(payload)) if is_object && !others => Ok((schema, payload)),
            _ => Err(self.no_envelope()),
        }
    }

    fn no_envelope(&self) -> ConnectError {
        let property = self.role.property();
        ConnectError::data(NO_ENVELOPE)
            .because(format!("{property}.schemas.enable=false reads plain JSON, it is true by default"))
    }

    /// Reads the schema in `text`; none for `null`.
    fn schema(&self, text: &str) -> Result<Option<Arc<Schema>>, ConnectError> {
        // A panic cannot leave the queue half changed, so a poisoned lock is as good as any.
        let mut schemas = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = schemas.iter().position(|(known, _)| **known == *text) {
            schemas.swap(0, index);
            return Ok(schemas.front().map(|(_, schema)| schema.clone()));
        }
        let node: Option<Node<'_>> = Reader::new(text, None).value()?;
        let schema = match node {
            None | Some(Node::Null) => return Ok(None),
            Some(node) => Arc::new(schema::read(&node, self.writer.replace_null, schema::MAX_LEVELS)?),
        };
        schemas.truncate(self.cached.saturating_sub(1));
        if self.cached > 0 {
            schemas.push_front((text.into(), schema.clone()));
        }
        Ok(Some(schema))
    }
}

impl JsonConverter {
    /// Appends the JSON of a schema.
    fn write_schema(&self, schema: Option<&Arc<Schema>>, out: &mut Vec<u8>) -> Result<(), ConnectError> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known =
            |(known, _): &Written| schema.is_some_and(|schema| Arc::ptr_eq(known, schema) || known == schema);
        if let Some(index) = written.iter().position(is_known) {
            written.swap(0, index);
            if let Some((_, text)) = written.front() {
                out.extend_from_slice(text);
            }
            return Ok(());
        }
        let start = out.len();
        self.writer.schema(schema, None, MAX_DEPTH - 1, out)?;
        written.truncate(self.cached.saturating_sub(1));
        if let Some(schema) = schema.filter(|_| self.cached > 0) {
            written.push_front((schema.clone(), out[start..].into()));
        }
        Ok(())
    }
}

impl From<Fault> for ConnectError {
    fn from(fault: Fault) -> Self {
        ConnectError::data(NOT_JSON).because(fault.to_string())
    }
}

/// What Connect throws from `SchemaBuilder`.
fn schema_error(message: impl Into<Cow<'static, str>>) -> ConnectError {
    ConnectError::new(Exception::SchemaBuilder, message)
}

#[cfg(test)]
mod tests;
