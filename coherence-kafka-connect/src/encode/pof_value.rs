//! From POF back to data, for POF entries that go to a map of another format.

use std::borrow::Cow;

use coherence_kafka_common::pof::{self, Date, PofValue, Time, Zone};

use super::EncodeError;
use crate::calendar::{self, MILLIS_PER_DAY};
use crate::data::Value;

/// Returns the data of an entry in POF, leading byte included.
pub(super) fn of_binary(binary: &[u8]) -> Result<Value<'static>, EncodeError> {
    to_value(pof::decode(binary.get(1..).unwrap_or_default())?)
}

/// Returns the data that a POF value holds. The recursion is as deep as the value, whose decoder bounds it.
fn to_value(value: PofValue) -> Result<Value<'static>, EncodeError> {
    Ok(match value {
        PofValue::Null => Value::Null,
        PofValue::Boolean(value) => Value::Boolean(value),
        PofValue::Int16(value) => Value::Int16(value),
        PofValue::Int32(value) => Value::Int32(value),
        PofValue::Int64(value) => Value::Int64(value),
        PofValue::Int128(value) => Value::Decimal { unscaled: value.into(), scale: 0 },
        PofValue::Float32(value) => Value::Float32(value),
        PofValue::Float64(value) => Value::Float64(value),
        PofValue::Decimal { unscaled, scale } => Value::Decimal { unscaled: unscaled.into(), scale },
        PofValue::Octet(value) => Value::Int8(value as i8),
        PofValue::OctetString(bytes) | PofValue::ByteArray(bytes) => Value::Bytes(Cow::Owned(bytes)),
        PofValue::Char(unit) => string(&[unit]),
        PofValue::CharArray(units) => string(&units),
        PofValue::String(text) => Value::String(Cow::Owned(text)),
        PofValue::Date(date) => Value::Date(days(date) * MILLIS_PER_DAY),
        PofValue::Time(time) => Value::Time(millis(time)),
        PofValue::DateTime(date, time) => Value::Timestamp(days(date) * MILLIS_PER_DAY + millis(time)),
        PofValue::Collection(values) | PofValue::Array(values) => {
            Value::Array(values.into_iter().map(to_value).collect::<Result<_, _>>()?)
        }
        PofValue::BooleanArray(values) => array(values, Value::Boolean),
        PofValue::Int16Array(values) => array(values, Value::Int16),
        PofValue::Int32Array(values) => array(values, Value::Int32),
        PofValue::Int64Array(values) => array(values, Value::Int64),
        PofValue::Float32Array(values) => array(values, Value::Float32),
        PofValue::Float64Array(values) => array(values, Value::Float64),
        PofValue::Map(entries) => {
            let entries = entries.into_iter().map(|(key, value)| Ok((to_value(key)?, to_value(value)?)));
            Value::Map(entries.collect::<Result<_, EncodeError>>()?)
        }
        PofValue::User { .. } => match value.uuid() {
            Some(uuid) => Value::Uuid(uuid.as_u128()),
            None => return Err(EncodeError::NotJson { what: "a POF user type" }),
        },
        PofValue::SparseArray { .. } => return Err(EncodeError::NotJson { what: "a POF sparse array" }),
        PofValue::Float128(_) => return Err(EncodeError::NotJson { what: "a POF float of 128 bits" }),
        PofValue::YearMonthInterval { .. }
        | PofValue::TimeInterval { .. }
        | PofValue::DayTimeInterval { .. } => return Err(EncodeError::NotJson { what: "a POF interval" }),
    })
}

fn array<T>(values: Vec<T>, value: impl Fn(T) -> Value<'static>) -> Value<'static> {
    Value::Array(values.into_iter().map(value).collect())
}

fn string(units: &[u16]) -> Value<'static> {
    Value::String(Cow::Owned(String::from_utf16_lossy(units)))
}

fn days(date: Date) -> i64 {
    calendar::days(date.year.into(), date.month.into(), date.day.into())
}

/// Since midnight in UTC; below zero or beyond a day where the zone puts it into another day.
fn millis(time: Time) -> i64 {
    let minutes = i64::from(time.hour) * 60 + i64::from(time.minute);
    let east = match time.zone {
        Some(Zone::Offset(minutes)) => i64::from(minutes),
        _ => 0,
    };
    (minutes - east) * 60_000 + i64::from(time.second) * 1_000 + i64::from(time.nano / 1_000_000)
}
