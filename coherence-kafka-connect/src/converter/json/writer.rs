//! From data to JSON, in the bytes that Jackson writes for Connect.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use coherence_kafka_common::serializer::json::text::{decimal_text, write_float, write_integer, write_list};
use num_bigint::BigInt;
use uuid::Uuid;

use crate::calendar::MILLIS_PER_DAY;
use crate::data::{self, Schema, SchemaKind, Value};
use crate::error::ConnectError;

/// Jackson's `StreamWriteConstraints`, the default: arrays and objects inside each other.
pub(super) const MAX_DEPTH: usize = 1000;

const NOT_WRITTEN: &str = "Converting Kafka Connect data to byte[] failed due to serialization error: ";

/// How data is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer {
    /// Decimals are numbers, not base64.
    pub(super) numeric_decimals: bool,
    /// A null is written as the default of its schema.
    pub(super) replace_null: bool,
}

impl Writer {
    /// Appends the JSON of `value` under `schema`; `levels` more arrays and objects may be inside each other.
    pub(super) fn value(
        self,
        schema: Option<&Arc<Schema>>,
        value: &Value<'_>,
        levels: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), ConnectError> {
        match (schema, value) {
            (None, Value::Null) => out.extend_from_slice(b"null"),
            (None, value) => self.schemaless(value, levels, out)?,
            (Some(schema), Value::Null) => match &schema.default {
                Some(default) if self.replace_null => self.value(Some(schema), default, levels, out)?,
                _ if schema.optional => out.extend_from_slice(b"null"),
                _ => return Err(required()),
            },
            (Some(schema), value) => match schema.name.as_deref() {
                Some(data::DECIMAL) => self.decimal(schema, value, out)?,
                Some(data::DATE) => write_integer(days(value)?, out),
                Some(data::TIME) => write_integer(time(value)?, out),
                Some(data::TIMESTAMP) => write_integer(millis("Timestamp", value)?, out),
                _ => self.typed(schema, value, levels, out)?,
            },
        }
        Ok(())
    }

    /// Appends a value that is not null, under a schema of no logical type.
    fn typed(
        self,
        schema: &Arc<Schema>,
        value: &Value<'_>,
        levels: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), ConnectError> {
        match (&schema.kind, value) {
            (SchemaKind::Int8, Value::Int8(_))
            | (SchemaKind::Int16, Value::Int16(_))
            | (SchemaKind::Int32, Value::Int32(_))
            | (SchemaKind::Int64, Value::Int64(_))
            | (SchemaKind::Float32, Value::Float32(_))
            | (SchemaKind::Float64, Value::Float64(_))
            | (SchemaKind::Boolean, Value::Boolean(_))
            | (SchemaKind::String, Value::String(_))
            | (SchemaKind::Bytes, Value::Bytes(_)) => self.schemaless(value, levels, out),
            (SchemaKind::Array(items), Value::Array(values)) => {
                let levels = inner(levels)?;
                write_list(values, out, |value, out| self.value(items.as_ref(), value, levels, out))
            }
            (SchemaKind::Map(Some(keys), values), Value::Map(entries)) if keys.kind == SchemaKind::String => {
                self.object(keys, values.as_ref(), entries, levels, out)
            }
            (SchemaKind::Map(Some(keys), values), Value::Map(entries)) => {
                self.pairs((Some(keys), values.as_ref()), entries, levels, out)
            }
            // Java fails with a null pointer.
            (SchemaKind::Map(None, _), _) => Err(ConnectError::data("Map schema has no schema for its keys")),
            (SchemaKind::Struct(fields), Value::Struct(of)) => {
                if !Arc::ptr_eq(&of.schema, schema) && of.schema != *schema {
                    return Err(ConnectError::data("Mismatching schema."));
                }
                let levels = inner(levels)?;
                let members = fields.iter().map(|field| &*field.name).zip(fields.iter().zip(&of.values));
                object(members, out, |(field, value), out| {
                    self.value(Some(&field.schema), value, levels, out)
                })
            }
            (SchemaKind::Bytes, value) => {
                Err(ConnectError::data(format!("Invalid type for bytes type: class {}", value.class_name())))
            }
            (kind, value) => {
                Err(ConnectError::data(format!("Invalid type for {kind}: class {}", value.class_name())))
            }
        }
    }

    /// Appends a value by its own type, where it has one in JSON.
    fn schemaless(self, value: &Value<'_>, levels: usize, out: &mut Vec<u8>) -> Result<(), ConnectError> {
        match value {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Boolean(true) => out.extend_from_slice(b"true"),
            Value::Boolean(false) => out.extend_from_slice(b"false"),
            Value::Int8(value) => write_integer(value, out),
            Value::Int16(value) => write_integer(value, out),
            Value::Int32(value) => write_integer(value, out),
            Value::Int64(value) => write_integer(value, out),
            Value::Float32(value) => write_float(*value, out),
            Value::Float64(value) => write_float(*value, out),
            Value::String(value) => text(value, out),
            Value::Bytes(bytes) => base64(bytes, out),
            // Connect has no such value.
            Value::Uuid(bits) => text(&Uuid::from_u128(*bits).to_string(), out),
            Value::Array(items) => {
                let levels = inner(levels)?;
                write_list(items, out, |item, out| self.value(None, item, levels, out))?;
            }
            Value::Map(entries) if entries.iter().all(|(key, _)| matches!(key, Value::String(_))) => {
                let levels = inner(levels)?;
                let members = entries.iter().map(|(key, value)| match key {
                    Value::String(name) => (&**name, value),
                    _ => ("", value),
                });
                object(members, out, |value, out| self.value(None, value, levels, out))?;
            }
            Value::Map(entries) => self.pairs((None, None), entries, levels, out)?,
            Value::Struct(_) => return Err(ConnectError::data("Mismatching schema.")),
            Value::Decimal { .. } | Value::Date(_) | Value::Time(_) | Value::Timestamp(_) | Value::Pof(_) => {
                let class = value.class_name();
                return Err(ConnectError::data(format!(
                    "Java class class {class} does not have corresponding schema type."
                )));
            }
        }
        Ok(())
    }

    /// Appends a map of string keys.
    fn object(
        self,
        keys: &Schema,
        values: Option<&Arc<Schema>>,
        entries: &[(Value<'_>, Value<'_>)],
        levels: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), ConnectError> {
        let levels = inner(levels)?;
        let name = |key| self.name(keys, key);
        let names = entries.iter().map(|(key, _)| name(key)).collect::<Result<Vec<_>, _>>()?;
        // A null has a text that another key may have as well; the last value counts.
        let repeated = |at: usize| names[..at].contains(&names[at]);
        let last = |at: usize| names.iter().rposition(|name| *name == names[at]).unwrap_or(at);
        let has_null = entries.iter().any(|(key, _)| *key == Value::Null);
        let members = (0..entries.len()).filter(|at| !has_null || !repeated(*at)).map(|at| {
            let value_at = if has_null { last(at) } else { at };
            (&*names[at], &entries[value_at].1)
        });
        object(members, out, |value, out| self.value(values, value, levels, out))
    }

    /// Returns the name of an object's member for the key of a map.
    fn name<'v>(self, keys: &'v Schema, key: &'v Value<'_>) -> Result<Cow<'v, str>, ConnectError> {
        match key {
            Value::String(name) => Ok(Cow::Borrowed(name)),
            Value::Null => match &keys.default {
                Some(Value::String(default)) if self.replace_null => Ok(Cow::Borrowed(default)),
                _ if keys.optional => Ok(Cow::Borrowed("null")),
                _ => Err(required()),
            },
            key => Err(ConnectError::data(format!("Invalid type for STRING: class {}", key.class_name()))),
        }
    }

    /// Appends a map of any keys, as an array of a key and a value each.
    fn pairs(
        self,
        (keys, values): (Option<&Arc<Schema>>, Option<&Arc<Schema>>),
        entries: &[(Value<'_>, Value<'_>)],
        levels: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), ConnectError> {
        let levels = inner(inner(levels)?)?;
        write_list(entries, out, |(key, value), out| {
            out.push(b'[');
            self.value(keys, key, levels, out)?;
            out.push(b',');
            self.value(values, value, levels, out)?;
            out.push(b']');
            Ok(())
        })
    }

    fn decimal(self, schema: &Schema, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), ConnectError> {
        let Value::Decimal { unscaled, scale } = value else {
            return Err(ConnectError::data(format!(
                "Invalid type for Decimal, expected BigDecimal but was class {}",
                value.class_name()
            )));
        };
        if self.numeric_decimals {
            out.extend_from_slice(decimal_text(unscaled, *scale).as_bytes());
        } else {
            base64(&unscaled_bytes(schema, unscaled, *scale)?, out);
        }
        Ok(())
    }

    /// Appends the JSON of a schema, which is that of the field of this name in a struct.
    pub(super) fn schema(
        self,
        schema: Option<&Arc<Schema>>,
        field: Option<&str>,
        levels: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), ConnectError> {
        let Some(schema) = schema else {
            out.extend_from_slice(b"null");
            return Ok(());
        };
        let levels = inner(levels)?;
        out.extend_from_slice(b"{\"type\":");
        text(type_name(&schema.kind), out);
        match &schema.kind {
            SchemaKind::Array(items) => {
                out.extend_from_slice(b",\"items\":");
                self.schema(items.as_ref(), None, levels, out)?;
            }
            SchemaKind::Map(keys, values) => {
                out.extend_from_slice(b",\"keys\":");
                self.schema(keys.as_ref(), None, levels, out)?;
                out.extend_from_slice(b",\"values\":");
                self.schema(values.as_ref(), None, levels, out)?;
            }
            SchemaKind::Struct(fields) => {
                out.extend_from_slice(b",\"fields\":");
                let levels = inner(levels)?;
                write_list(fields, out, |field, out| {
                    self.schema(Some(&field.schema), Some(&field.name), levels, out)
                })?;
            }
            _ => {}
        }
        out.extend_from_slice(if schema.optional { b",\"optional\":true" } else { b",\"optional\":false" });
        if let Some(name) = &schema.name {
            out.extend_from_slice(b",\"name\":");
            text(name, out);
        }
        if let Some(version) = schema.version {
            out.extend_from_slice(b",\"version\":");
            write_integer(version, out);
        }
        if let Some(doc) = &schema.doc {
            out.extend_from_slice(b",\"doc\":");
            text(doc, out);
        }
        if !schema.parameters.is_empty() {
            out.extend_from_slice(b",\"parameters\":");
            let parameters = schema.parameters.iter().map(|(name, value)| (&**name, value));
            object(parameters, out, |value, out| {
                text(value, out);
                Ok(())
            })?;
        }
        if let Some(default) = &schema.default {
            out.extend_from_slice(b",\"default\":");
            self.value(Some(schema), default, levels, out)?;
        }
        if let Some(field) = field {
            out.extend_from_slice(b",\"field\":");
            text(field, out);
        }
        out.push(b'}');
        Ok(())
    }
}

fn type_name(kind: &SchemaKind) -> &'static str {
    match kind {
        SchemaKind::Int8 => "int8",
        SchemaKind::Int16 => "int16",
        SchemaKind::Int32 => "int32",
        SchemaKind::Int64 => "int64",
        SchemaKind::Float32 => "float",
        SchemaKind::Float64 => "double",
        SchemaKind::Boolean => "boolean",
        SchemaKind::String => "string",
        SchemaKind::Bytes => "bytes",
        SchemaKind::Array(_) => "array",
        SchemaKind::Map(..) => "map",
        SchemaKind::Struct(_) => "struct",
    }
}

fn required() -> ConnectError {
    ConnectError::data("Conversion error: null value for field that is required and has no default value")
}

/// Returns how many levels may be inside one more array or object.
fn inner(levels: usize) -> Result<usize, ConnectError> {
    levels.checked_sub(1).ok_or_else(|| {
        ConnectError::data(NOT_WRITTEN)
            .because(format!("more than {MAX_DEPTH} arrays and objects inside each other"))
    })
}

/// `Decimal.fromLogical`.
fn unscaled_bytes(schema: &Schema, unscaled: &BigInt, scale: i32) -> Result<Vec<u8>, ConnectError> {
    let declared = schema
        .parameters
        .get(data::SCALE)
        .ok_or_else(|| ConnectError::data("Invalid Decimal schema: scale parameter not found."))?;
    let declared: i32 = declared.parse().map_err(|_| {
        ConnectError::data("Invalid scale parameter found in Decimal schema: ")
            .because("it is not a 32-bit integer")
    })?;
    if declared != scale {
        return Err(ConnectError::data(format!(
            "Decimal value has mismatching scale for given Decimal schema. Schema has scale {declared}, value has scale \
             {scale}."
        )));
    }
    Ok(unscaled.to_signed_bytes_be())
}

/// Returns the milliseconds of a `java.util.Date`.
fn millis(logical: &str, value: &Value<'_>) -> Result<i64, ConnectError> {
    match value {
        Value::Date(millis) | Value::Time(millis) | Value::Timestamp(millis) => Ok(*millis),
        _ => Err(ConnectError::data(format!(
            "Invalid type for {logical}, expected Date but was class {}",
            value.class_name()
        ))),
    }
}

fn days(value: &Value<'_>) -> Result<i32, ConnectError> {
    let millis = millis("Date", value)?;
    if millis % MILLIS_PER_DAY != 0 {
        return Err(ConnectError::data(
            "Kafka Connect Date type should not have any time fields set to non-zero values.",
        ));
    }
    // Java cuts the number off, too.
    Ok((millis / MILLIS_PER_DAY) as i32)
}

fn time(value: &Value<'_>) -> Result<i64, ConnectError> {
    let millis = millis("Time", value)?;
    if !(0..=MILLIS_PER_DAY).contains(&millis) {
        return Err(ConnectError::data(
            "Kafka Connect Time type should not have any date fields set to non-zero values.",
        ));
    }
    Ok(millis)
}

fn object<'n, T>(
    members: impl IntoIterator<Item = (&'n str, T)>,
    out: &mut Vec<u8>,
    mut member: impl FnMut(T, &mut Vec<u8>) -> Result<(), ConnectError>,
) -> Result<(), ConnectError> {
    out.push(b'{');
    for (index, (name, value)) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        text(name, out);
        out.push(b':');
        member(value, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(BASE64_STANDARD.encode(bytes).as_bytes());
    out.push(b'"');
}

/// Appends a text as Jackson does: escaped only where JSON demands it, and characters beyond 16 bits.
fn text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        let mut escape = String::new();
        match c {
            '"' => escape.push_str("\\\""),
            '\\' => escape.push_str("\\\\"),
            '\n' => escape.push_str("\\n"),
            '\r' => escape.push_str("\\r"),
            '\t' => escape.push_str("\\t"),
            '\u{8}' => escape.push_str("\\b"),
            '\u{C}' => escape.push_str("\\f"),
            '\0'..' ' | '\u{10000}'.. => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // A string takes any text.
                    let _ = write!(escape, "\\u{unit:04X}");
                }
            }
            _ => continue,
        }
        out.extend_from_slice(&text.as_bytes()[plain..at]);
        out.extend_from_slice(escape.as_bytes());
        plain = at + c.len_utf8();
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
    out.push(b'"');
}
