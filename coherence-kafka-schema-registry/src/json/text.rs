//! From values under Connect's schema to JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coherence_kafka_common::serializer::json::text::{decimal_text, write_float, write_integer, write_text};
use coherence_kafka_connect::data::{SCALE, Schema, SchemaKind, Value};

use super::data::{MILLIS_PER_DAY, inside};
use super::schema::ONE_OF;

/// Arrays and objects inside each other at most, so that the reader reads them.
const MAX_LEVELS: usize = 200;

/// The options that change the schema and the data.
#[derive(Debug, Clone, Copy)]
pub(super) struct WriteOptions {
    /// `decimal.format`: numbers instead of Base64.
    pub(super) numeric_decimals: bool,
    /// `object.additional.properties`: objects can have properties that the schema does not have.
    pub(super) additional_properties: bool,
    /// A null is the default value of its schema.
    pub(super) null_is_default: bool,
}

/// Writes data with the schema that [`schema_text`](super::write::schema_text) gives.
///
/// # Errors
/// What is not of its type, behind the path of its field.
pub(super) fn data(
    schema: &Schema,
    value: &Value<'_>,
    options: WriteOptions,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    Text { options, out }.any(schema, value, MAX_LEVELS)
}

/// Writes a value that is not null.
pub(super) fn required(
    schema: &Schema,
    value: &Value<'_>,
    options: WriteOptions,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    Text { options, out }.required(schema, value, MAX_LEVELS)
}

struct Text<'o> {
    options: WriteOptions,
    out: &'o mut Vec<u8>,
}

impl Text<'_> {
    fn any(&mut self, schema: &Schema, value: &Value<'_>, levels: usize) -> Result<(), String> {
        match (value, &schema.default) {
            (Value::Null, Some(default)) if self.options.null_is_default => {
                self.required(schema, default, levels)
            }
            (Value::Null, _) if schema.optional => {
                self.out.extend_from_slice(b"null");
                Ok(())
            }
            (Value::Null, _) => Err(format!("null for a required {}", schema.kind)),
            _ => self.required(schema, value, levels),
        }
    }

    fn required(&mut self, schema: &Schema, value: &Value<'_>, levels: usize) -> Result<(), String> {
        match (&schema.kind, value) {
            (SchemaKind::Boolean, Value::Boolean(true)) => self.out.extend_from_slice(b"true"),
            (SchemaKind::Boolean, Value::Boolean(false)) => self.out.extend_from_slice(b"false"),
            (SchemaKind::Int8, Value::Int8(number)) => write_integer(number, self.out),
            (SchemaKind::Int16, Value::Int16(number)) => write_integer(number, self.out),
            (SchemaKind::Int32, Value::Int32(number)) => write_integer(number, self.out),
            (SchemaKind::Int64, Value::Int64(number) | Value::Timestamp(number)) => {
                write_integer(number, self.out);
            }
            (SchemaKind::Int32, Value::Time(millis)) => write_integer(millis, self.out),
            (SchemaKind::Int32, Value::Date(millis)) => {
                write_integer(millis.div_euclid(MILLIS_PER_DAY), self.out);
            }
            (SchemaKind::Float32, Value::Float32(number)) => write_float(*number, self.out),
            (SchemaKind::Float64, Value::Float64(number)) => write_float(*number, self.out),
            (SchemaKind::String, Value::String(text)) => write_text(text, self.out),
            (SchemaKind::Bytes, Value::Bytes(bytes)) => write_text(&STANDARD.encode(bytes), self.out),
            (SchemaKind::Bytes, Value::Decimal { unscaled, scale }) if self.options.numeric_decimals => {
                self.out.extend_from_slice(decimal_text(unscaled, *scale).as_bytes());
            }
            (SchemaKind::Bytes, Value::Decimal { unscaled, scale }) => {
                let expected = schema.parameters.get(SCALE).and_then(|text| text.parse::<i32>().ok());
                if expected != Some(*scale) {
                    return Err("a decimal whose scale is not that of its schema".to_owned());
                }
                write_text(&STANDARD.encode(unscaled.to_signed_bytes_be()), self.out);
            }
            (SchemaKind::Array(Some(of)), Value::Array(items)) => {
                let levels = deeper(levels)?;
                self.list(b"[]", items, |text, item| text.any(of, item, levels))?;
            }
            (SchemaKind::Map(Some(keys), Some(values)), Value::Map(entries)) if has_names(keys) => {
                let levels = deeper(levels)?;
                self.list(b"{}", entries, |text, (name, value)| {
                    let Value::String(name) = name else {
                        return Err("a key that is not of STRING".to_owned());
                    };
                    text.member(name);
                    text.any(values, value, levels)
                })?;
            }
            (SchemaKind::Map(Some(keys), Some(values)), Value::Map(entries)) => {
                let levels = deeper(deeper(levels)?)?;
                self.list(b"[]", entries, |text, (key, value)| {
                    text.out.push(b'{');
                    text.member("key");
                    text.any(keys, key, levels)?;
                    text.out.push(b',');
                    text.member("value");
                    text.any(values, value, levels)?;
                    text.out.push(b'}');
                    Ok(())
                })?;
            }
            (SchemaKind::Struct(_), Value::Struct(of)) if is_union(schema) => {
                let levels = deeper(levels)?;
                let mut members = of.schema.fields().iter().zip(&of.values);
                match members.find(|(_, value)| **value != Value::Null) {
                    Some((field, value)) => self.required(&field.schema, value, levels)?,
                    None if schema.optional => self.out.extend_from_slice(b"null"),
                    None => return Err("a union of which no member is set".to_owned()),
                }
            }
            // The schema of the value is whole also where the schema contains itself.
            (SchemaKind::Struct(_), Value::Struct(of)) => {
                let levels = deeper(levels)?;
                self.list(b"{}", of.schema.fields().iter().zip(&of.values), |text, (field, value)| {
                    text.member(&field.name);
                    text.any(&field.schema, value, levels).map_err(|why| inside(&field.name, &why))
                })?;
            }
            (kind, _) => return Err(format!("a value that is not of {kind}")),
        }
        Ok(())
    }

    fn member(&mut self, name: &str) {
        write_text(name, self.out);
        self.out.push(b':');
    }

    fn list<T>(
        &mut self,
        brackets: &[u8; 2],
        items: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Self, T) -> Result<(), String>,
    ) -> Result<(), String> {
        self.out.push(brackets[0]);
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            write(self, item)?;
        }
        self.out.push(brackets[1]);
        Ok(())
    }
}

fn deeper(levels: usize) -> Result<usize, String> {
    levels.checked_sub(1).ok_or_else(|| format!("more than {MAX_LEVELS} values inside each other"))
}

/// Returns true for a map whose keys are the names of an object.
pub(super) fn has_names(keys: &Schema) -> bool {
    keys.kind == SchemaKind::String && !keys.optional
}

pub(super) fn is_union(schema: &Schema) -> bool {
    schema.name.as_deref() == Some(ONE_OF) && matches!(schema.kind, SchemaKind::Struct(_))
}
