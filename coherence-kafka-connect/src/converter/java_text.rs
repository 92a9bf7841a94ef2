//! The text that Java has for a value: `Object.toString()`.

use std::sync::LazyLock;

use coherence_kafka_common::serializer::json::text::{decimal_text, write_float};
use uuid::Uuid;

use crate::data::Value;
use crate::error::ConnectError;
use crate::java::date_format::DateFormat;

/// Returns the text of `value`.
///
/// # Errors
/// For bytes, whose text in Java is the address of an object.
pub(super) fn of(value: &Value<'_>) -> Result<String, ConnectError> {
    let mut out = String::new();
    write(value, &mut out)?;
    Ok(out)
}

/// Returns the text of a value that no others are in; nothing for text, bytes, dates, arrays, maps and structs.
pub(super) fn scalar(value: &Value<'_>) -> Option<String> {
    Some(match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Int8(value) => value.to_string(),
        Value::Int16(value) => value.to_string(),
        Value::Int32(value) => value.to_string(),
        Value::Int64(value) => value.to_string(),
        Value::Float32(value) => float(|out| write_float(*value, out)),
        Value::Float64(value) => float(|out| write_float(*value, out)),
        Value::Decimal { unscaled, scale } => decimal_text(unscaled, *scale),
        Value::Uuid(bits) => Uuid::from_u128(*bits).to_string(),
        _ => return None,
    })
}

/// What is no number in JSON is in quotation marks there.
fn float(write: impl Fn(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8_lossy(&out).trim_matches('"').to_owned()
}

/// Appends the text of `value`. The recursion is as deep as the value, which its reader bounds.
fn write(value: &Value<'_>, out: &mut String) -> Result<(), ConnectError> {
    match value {
        Value::String(text) => out.push_str(text),
        Value::Date(millis) | Value::Time(millis) | Value::Timestamp(millis) => out.push_str(&date(*millis)),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write(item, out)?;
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write(key, out)?;
                out.push('=');
                write(value, out)?;
            }
            out.push('}');
        }
        Value::Struct(of) => {
            out.push_str("Struct{");
            let fields = of.schema.fields().iter().zip(&of.values);
            let set = fields.filter(|(_, value)| **value != Value::Null);
            for (index, (field, value)) in set.enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                out.push_str(&field.name);
                out.push('=');
                write(value, out)?;
            }
            out.push('}');
        }
        scalar_value => match scalar(scalar_value) {
            Some(text) => out.push_str(&text),
            None => {
                return Err(ConnectError::data("Failed to serialize to a string: ")
                    .because("bytes have no text, write them with ByteArrayConverter"));
            }
        },
    }
    Ok(())
}

/// `Date.toString()` in UTC.
fn date(millis: i64) -> String {
    static FORMAT: LazyLock<Option<DateFormat>> =
        LazyLock::new(|| DateFormat::new("EEE MMM dd HH:mm:ss 'UTC' y").ok());
    FORMAT.as_ref().map(|format| format.format(millis)).unwrap_or_default()
}
