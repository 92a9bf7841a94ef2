//! One value, from its type to another one, as Java narrows, parses and prints.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Target;
use crate::calendar::MILLIS_PER_DAY;
use crate::converter::header_values::temporal;
use crate::data::{DATE, Schema, SchemaKind, TIME, TIMESTAMP, Value};
use crate::error::ConnectError;
use crate::java::number;

/// Casts a value that has this schema, or none.
pub(super) fn cast<'a>(
    schema: Option<&Schema>,
    value: Value<'a>,
    target: Target,
) -> Result<Value<'a>, ConnectError> {
    if value == Value::Null {
        return Ok(value);
    }
    match schema {
        Some(schema) => check_kind(&schema.kind)?,
        None => check_class(&value)?,
    }
    let value = match schema.and_then(|schema| schema.name.as_deref()) {
        Some(name) if target != Target::String => base_number(name, value),
        _ => value,
    };
    Ok(match target {
        Target::Int8 => Value::Int8(integer(&value, i8::MIN.into(), i8::MAX.into())? as i8),
        Target::Int16 => Value::Int16(integer(&value, i16::MIN.into(), i16::MAX.into())? as i16),
        Target::Int32 => Value::Int32(integer(&value, i32::MIN.into(), i32::MAX.into())? as i32),
        Target::Int64 => Value::Int64(long(&value)?),
        Target::Float32 => Value::Float32(float32(&value)?),
        Target::Float64 => Value::Float64(float64(&value)?),
        Target::Boolean => Value::Boolean(boolean(&value)?),
        Target::String => text(value)?,
    })
}

pub(super) fn unsupported(kind: &SchemaKind) -> ConnectError {
    ConnectError::data(format!(
        "Cast transformation does not support casting from {kind}; supported types are [INT8, INT16, INT32, INT64, \
         FLOAT32, FLOAT64, BOOLEAN, STRING, BYTES]"
    ))
}

fn check_kind(kind: &SchemaKind) -> Result<(), ConnectError> {
    match kind {
        SchemaKind::Array(_) | SchemaKind::Map(..) | SchemaKind::Struct(_) => Err(unsupported(kind)),
        _ => Ok(()),
    }
}

/// Without a schema the type is that of the value.
fn check_class(value: &Value<'_>) -> Result<(), ConnectError> {
    match value {
        Value::Array(_) => Err(unsupported(&SchemaKind::Array(None))),
        Value::Map(_) => Err(unsupported(&SchemaKind::Map(None, None))),
        Value::Struct(of) => Err(unsupported(&of.schema.kind)),
        Value::Decimal { .. }
        | Value::Date(_)
        | Value::Time(_)
        | Value::Timestamp(_)
        | Value::Uuid(_)
        | Value::Pof(_) => Err(ConnectError::data(format!(
            "Cast transformation was passed a value of type class {} which is not supported by Connect's data API",
            value.class_name()
        ))),
        _ => Ok(()),
    }
}

/// Returns the number that a date or time of this logical type is in Kafka.
fn base_number<'a>(logical: &str, value: Value<'a>) -> Value<'a> {
    match (logical, value) {
        (DATE, Value::Date(millis) | Value::Time(millis) | Value::Timestamp(millis)) => {
            Value::Int32(millis.div_euclid(MILLIS_PER_DAY) as i32)
        }
        (TIME, Value::Date(millis) | Value::Time(millis) | Value::Timestamp(millis)) => {
            Value::Int32(millis as i32)
        }
        (TIMESTAMP, Value::Date(millis) | Value::Time(millis) | Value::Timestamp(millis)) => {
            Value::Int64(millis)
        }
        (_, value) => value,
    }
}

/// The value is left out, which Connect's message has.
fn out_of_range() -> ConnectError {
    ConnectError::data("Value was out of range for requested data type")
}

fn unexpected(value: &Value<'_>) -> ConnectError {
    ConnectError::data(format!("Unexpected type in Cast transformation: class {}", value.class_name()))
}

/// Returns an integer whose low bits are those that Java's narrowing gives; text must be within the range.
fn integer(value: &Value<'_>, min: i64, max: i64) -> Result<i64, ConnectError> {
    match value {
        // Through an `int`, which is where they stop.
        Value::Float32(value) => Ok((*value as i32).into()),
        Value::Float64(value) => Ok((*value as i32).into()),
        Value::String(text) => {
            number::integer(text).filter(|value| (min..=max).contains(value)).ok_or_else(out_of_range)
        }
        other => long(other),
    }
}

fn long(value: &Value<'_>) -> Result<i64, ConnectError> {
    match value {
        Value::Boolean(value) => Ok((*value).into()),
        Value::String(text) => number::integer(text).ok_or_else(out_of_range),
        other => low_bits(other).ok_or_else(|| unexpected(other)),
    }
}

/// `Number.longValue()`.
fn low_bits(value: &Value<'_>) -> Option<i64> {
    Some(match value {
        Value::Int8(value) => (*value).into(),
        Value::Int16(value) => (*value).into(),
        Value::Int32(value) => (*value).into(),
        Value::Int64(value) => *value,
        Value::Float32(value) => *value as i64,
        Value::Float64(value) => *value as i64,
        Value::Decimal { unscaled, scale } => number::low_bits(unscaled, *scale),
        _ => return None,
    })
}

fn float32(value: &Value<'_>) -> Result<f32, ConnectError> {
    match value {
        Value::Float32(value) => Ok(*value),
        Value::Float64(value) => Ok(*value as f32),
        Value::Decimal { unscaled, scale } => Ok(number::decimal_to_f32(unscaled, *scale)),
        Value::String(text) => number::float32(text).ok_or_else(out_of_range),
        other => long(other).map(|value| value as f32),
    }
}

fn float64(value: &Value<'_>) -> Result<f64, ConnectError> {
    match value {
        Value::Float32(value) => Ok((*value).into()),
        Value::Float64(value) => Ok(*value),
        Value::Decimal { unscaled, scale } => Ok(number::decimal_to_f64(unscaled, *scale)),
        Value::String(text) => number::float64(text).ok_or_else(out_of_range),
        other => long(other).map(|value| value as f64),
    }
}

fn boolean(value: &Value<'_>) -> Result<bool, ConnectError> {
    match value {
        Value::Boolean(value) => Ok(*value),
        Value::String(text) => Ok(text.eq_ignore_ascii_case("true")),
        other => low_bits(other).map(|value| value != 0).ok_or_else(|| unexpected(other)),
    }
}

fn text(value: Value<'_>) -> Result<Value<'_>, ConnectError> {
    let text = match value {
        Value::String(_) => return Ok(value),
        Value::Boolean(value) => value.to_string(),
        Value::Int8(value) => value.to_string(),
        Value::Int16(value) => value.to_string(),
        Value::Int32(value) => value.to_string(),
        Value::Int64(value) => value.to_string(),
        Value::Float32(value) => number::text_of_float(value),
        Value::Float64(value) => number::text_of_float(value),
        Value::Bytes(bytes) => STANDARD.encode(bytes),
        Value::Decimal { unscaled, scale } => number::text_of_decimal(&unscaled, scale),
        Value::Date(millis) | Value::Time(millis) | Value::Timestamp(millis) => temporal::text(millis),
        other => return Err(unexpected(&other)),
    };
    Ok(Value::String(Cow::Owned(text)))
}
