//! POF without a mapping: what every reader understands.
//!
//! Big numbers, dates, times and UUIDs are text, because data without a schema has no other form for them. It is the
//! text that a mapping file reads for the sink.

use std::borrow::Cow;

use coherence_kafka_common::pof::{self, PofValue};
use coherence_kafka_common::serializer::json::text::decimal_text;

use super::DecodeError;
use crate::data::Value;
use crate::mapping::{show_date, show_date_time, show_time};

/// `com.oracle.coherence.io.json.JsonObject`, as which a grid stores the objects of JSON clients.
const JSON_OBJECT: u32 = 800;

/// Returns the data in a POF value.
pub(super) fn read(payload: &[u8]) -> Result<Value<'static>, DecodeError> {
    of(pof::decode(payload)?)
}

/// The recursion is as deep as the value, whose decoder bounds it.
pub(super) fn of(value: PofValue) -> Result<Value<'static>, DecodeError> {
    Ok(match value {
        PofValue::Null => Value::Null,
        PofValue::Boolean(value) => Value::Boolean(value),
        PofValue::Octet(value) => Value::Int8(value as i8),
        PofValue::Int16(value) => Value::Int16(value),
        PofValue::Int32(value) => Value::Int32(value),
        PofValue::Int64(value) => Value::Int64(value),
        PofValue::Int128(value) => string(value.to_string()),
        PofValue::Float32(value) => Value::Float32(value),
        PofValue::Float64(value) => Value::Float64(value),
        PofValue::Decimal { unscaled, scale } => string(decimal_text(&unscaled, scale)),
        PofValue::OctetString(bytes) | PofValue::ByteArray(bytes) => Value::Bytes(Cow::Owned(bytes)),
        PofValue::Char(unit) => string(String::from_utf16_lossy(&[unit])),
        PofValue::CharArray(units) => string(String::from_utf16_lossy(&units)),
        PofValue::String(text) => string(text),
        PofValue::Date(date) => string(show_date(date)),
        PofValue::Time(time) => {
            let mut text = String::new();
            show_time(time, &mut text);
            string(text)
        }
        PofValue::DateTime(date, time) => string(show_date_time(date, time)),
        PofValue::Collection(items) | PofValue::Array(items) => {
            Value::Array(items.into_iter().map(of).collect::<Result<_, _>>()?)
        }
        PofValue::BooleanArray(items) => array(items, Value::Boolean),
        PofValue::Int16Array(items) => array(items, Value::Int16),
        PofValue::Int32Array(items) => array(items, Value::Int32),
        PofValue::Int64Array(items) => array(items, Value::Int64),
        PofValue::Float32Array(items) => array(items, Value::Float32),
        PofValue::Float64Array(items) => array(items, Value::Float64),
        PofValue::Map(entries) => {
            let entries = entries.into_iter().map(|(key, value)| Ok((of(key)?, of(value)?)));
            Value::Map(entries.collect::<Result<_, DecodeError>>()?)
        }
        PofValue::User { type_id: JSON_OBJECT, properties, .. } => {
            let mut members = properties.into_iter().map(|(_, value)| value);
            let map = members.find(|value| matches!(value, PofValue::Map(_)));
            of(map.unwrap_or(PofValue::Map(vec![])))?
        }
        PofValue::User { type_id, .. } => match value.uuid() {
            Some(uuid) => string(uuid.to_string()),
            None => return Err(DecodeError::UserType { type_id }),
        },
        PofValue::SparseArray { .. } => {
            return Err(DecodeError::NoCounterpart { what: "a POF sparse array" });
        }
        PofValue::Float128(_) => return Err(DecodeError::NoCounterpart { what: "a POF float of 128 bits" }),
        PofValue::YearMonthInterval { .. }
        | PofValue::TimeInterval { .. }
        | PofValue::DayTimeInterval { .. } => {
            return Err(DecodeError::NoCounterpart { what: "a POF interval" });
        }
    })
}

fn array<T>(items: Vec<T>, value: impl Fn(T) -> Value<'static>) -> Value<'static> {
    Value::Array(items.into_iter().map(value).collect())
}

fn string(text: String) -> Value<'static> {
    Value::String(Cow::Owned(text))
}
