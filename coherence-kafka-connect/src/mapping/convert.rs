//! From Connect's data to the scalars of Java, where nothing is lost.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use coherence_kafka_common::pof::Primitive;
use coherence_kafka_common::serializer::json::text::write_float;
use uuid::Uuid;

use super::error::Problem;
use super::types::{Enum, Kind};
use crate::data::Value;

/// Returns the type of data, as Connect names it.
pub(super) fn found(value: &Value<'_>) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Boolean(_) => "BOOLEAN",
        Value::Int8(_) => "INT8",
        Value::Int16(_) => "INT16",
        Value::Int32(_) => "INT32",
        Value::Int64(_) => "INT64",
        Value::Float32(_) => "FLOAT32",
        Value::Float64(_) => "FLOAT64",
        Value::String(_) => "STRING",
        Value::Bytes(_) => "BYTES",
        Value::Decimal { .. } => "Decimal",
        Value::Date(_) => "Date",
        Value::Time(_) => "Time",
        Value::Timestamp(_) => "Timestamp",
        Value::Array(_) => "ARRAY",
        Value::Map(_) => "MAP",
        Value::Struct(_) => "STRUCT",
        Value::Uuid(_) => "UUID",
        Value::Pof(_) => "POF",
    }
}

pub(super) fn mismatch(expected: impl Into<Cow<'static, str>>, value: &Value<'_>) -> Problem {
    Problem::Mismatch { expected: expected.into(), found: found(value) }
}

fn integer(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Int8(value) => Some(i64::from(*value)),
        Value::Int16(value) => Some(i64::from(*value)),
        Value::Int32(value) => Some(i64::from(*value)),
        Value::Int64(value) => Some(*value),
        _ => None,
    }
}

/// Returns a primitive. An integer takes integers in its range. A floating-point number takes integers that it holds
/// exactly, and a `float` the nearest to a FLOAT64, because JSON numbers have that type.
pub(super) fn primitive(kind: Kind, value: &Value<'_>) -> Result<Primitive, Problem> {
    let name = kind.names().0;
    let refused = || mismatch(name, value);
    let range = || Problem::OutOfRange { expected: name.into() };
    let whole = || integer(value).ok_or_else(refused);
    match kind {
        Kind::Boolean => match value {
            Value::Boolean(value) => Ok(Primitive::Boolean(*value)),
            _ => Err(refused()),
        },
        Kind::Char => {
            let Value::String(text) = value else { return Err(refused()) };
            let mut units = text.encode_utf16();
            match (units.next(), units.next()) {
                (Some(unit), None) => Ok(Primitive::Char(unit)),
                _ => Err(Problem::Text { expected: "one character (one UTF-16 unit)".into() }),
            }
        }
        Kind::Byte => i8::try_from(whole()?).map(|value| Primitive::Octet(value as u8)).map_err(|_| range()),
        Kind::Short => i16::try_from(whole()?).map(Primitive::Int16).map_err(|_| range()),
        Kind::Int => i32::try_from(whole()?).map(Primitive::Int32).map_err(|_| range()),
        Kind::Long => whole().map(Primitive::Int64),
        Kind::Float => match value {
            Value::Float32(value) => Ok(Primitive::Float32(*value)),
            Value::Float64(value) => {
                let near = *value as f32;
                if near.is_finite() || !value.is_finite() {
                    Ok(Primitive::Float32(near))
                } else {
                    Err(range())
                }
            }
            _ => {
                let whole = whole()?;
                let near = whole as f32;
                if near as i128 == i128::from(whole) { Ok(Primitive::Float32(near)) } else { Err(range()) }
            }
        },
        Kind::Double => match value {
            Value::Float32(value) => Ok(Primitive::Float64(f64::from(*value))),
            Value::Float64(value) => Ok(Primitive::Float64(*value)),
            _ => {
                let whole = whole()?;
                let near = whole as f64;
                if near as i128 == i128::from(whole) { Ok(Primitive::Float64(near)) } else { Err(range()) }
            }
        },
    }
}

/// Returns what a primitive is where nothing is written.
pub(super) fn default(kind: Kind) -> Primitive {
    match kind {
        Kind::Boolean => Primitive::Boolean(false),
        Kind::Byte => Primitive::Octet(0),
        Kind::Char => Primitive::Char(0),
        Kind::Short => Primitive::Int16(0),
        Kind::Int => Primitive::Int32(0),
        Kind::Long => Primitive::Int64(0),
        Kind::Float => Primitive::Float32(0.0),
        Kind::Double => Primitive::Float64(0.0),
    }
}

pub(super) fn text<'v>(value: &'v Value<'_>) -> Result<&'v str, Problem> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(mismatch("String", value)),
    }
}

pub(super) fn big_integer(value: &Value<'_>) -> Result<i128, Problem> {
    match value {
        Value::Decimal { unscaled, scale: 0 } => i128::try_from(unscaled)
            .map_err(|_| Problem::OutOfRange { expected: "BigInteger of 128 bits".into() }),
        Value::Decimal { .. } => Err(Problem::OutOfRange { expected: "BigInteger".into() }),
        Value::String(text) => {
            text.parse().map_err(|_| Problem::Text { expected: "an integer of at most 128 bits".into() })
        }
        _ => integer(value).map(i128::from).ok_or_else(|| mismatch("BigInteger", value)),
    }
}

/// Returns the digits of a `BigDecimal` and its scale, which is `scale` where that is fixed.
pub(super) fn decimal(scale: Option<i32>, value: &Value<'_>) -> Result<(i128, i32), Problem> {
    let range = || Problem::OutOfRange {
        expected: scale.map_or("BigDecimal".into(), |scale| format!("BigDecimal({scale})").into()),
    };
    let (digits, own) = match value {
        Value::Decimal { unscaled, scale } => (i128::try_from(unscaled).map_err(|_| range())?, *scale),
        Value::String(text) => decimal_of(text)
            .ok_or(Problem::Text { expected: "a decimal number of at most 34 digits, as 12.50".into() })?,
        // As `BigDecimal.valueOf(double)`: the digits of its shortest text.
        Value::Float64(number) if number.is_finite() => {
            of_float(|text| write_float(*number, text)).ok_or_else(range)?
        }
        Value::Float32(number) if number.is_finite() => {
            of_float(|text| write_float(*number, text)).ok_or_else(range)?
        }
        _ => (integer(value).map(i128::from).ok_or_else(|| mismatch("BigDecimal", value))?, 0),
    };
    match scale {
        Some(scale) => rescaled(digits, own, scale).map(|digits| (digits, scale)).ok_or_else(range),
        None => Ok((digits, own)),
    }
}

fn of_float(write: impl FnOnce(&mut Vec<u8>)) -> Option<(i128, i32)> {
    let mut text = Vec::new();
    write(&mut text);
    decimal_of(std::str::from_utf8(&text).ok()?)
}

/// Reads what `new BigDecimal(text)` reads.
fn decimal_of(text: &str) -> Option<(i128, i32)> {
    let (number, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let unsigned = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if unsigned.len() + fraction.len() == 0 || !is_digits(unsigned) || !is_digits(fraction) {
        return None;
    }
    let sign = if whole.starts_with('-') { "-" } else { "" };
    let digits = format!("{sign}{unsigned}{fraction}").parse().ok()?;
    let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    Some((digits, scale))
}

/// Returns the digits of the same number at another scale; `None` where digits would be lost.
pub(super) fn rescaled(digits: i128, from: i32, to: i32) -> Option<i128> {
    if digits == 0 {
        return Some(0);
    }
    let more = i64::from(to) - i64::from(from);
    let factor = 10_i128.checked_pow(u32::try_from(more.unsigned_abs()).ok()?)?;
    match more {
        0.. => digits.checked_mul(factor),
        _ => (digits % factor == 0).then_some(digits / factor),
    }
}

pub(super) fn uuid(value: &Value<'_>) -> Result<u128, Problem> {
    match value {
        Value::Uuid(bits) => Ok(*bits),
        Value::String(text) => Uuid::parse_str(text)
            .map(|uuid| uuid.as_u128())
            .map_err(|_| Problem::Text { expected: "a UUID as f81d4fae-7dec-11d0-a765-00a0c91e6bf6".into() }),
        _ => Err(mismatch("UUID", value)),
    }
}

/// Returns bytes, which JSON has as text in base64.
pub(super) fn bytes<'v>(name: &'static str, value: &'v Value<'_>) -> Result<Cow<'v, [u8]>, Problem> {
    match value {
        Value::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
        Value::String(text) => BASE64_STANDARD
            .decode(text.as_bytes())
            .map(Cow::Owned)
            .map_err(|_| Problem::Text { expected: "base64".into() }),
        _ => Err(mismatch(name, value)),
    }
}

/// Returns the ordinal of a constant, given as its name or its ordinal.
pub(super) fn ordinal(constants: &Enum, value: &Value<'_>) -> Result<usize, Problem> {
    let name = || format!("a constant of enum {}", constants.name);
    match value {
        Value::String(text) => constants
            .constants
            .iter()
            .position(|constant| *constant == **text)
            .ok_or_else(|| Problem::Text { expected: name().into() }),
        _ => {
            let ordinal = integer(value).ok_or_else(|| mismatch(name(), value))?;
            usize::try_from(ordinal)
                .ok()
                .filter(|ordinal| *ordinal < constants.constants.len())
                .ok_or_else(|| Problem::OutOfRange { expected: name().into() })
        }
    }
}

/// Returns the elements of a list.
pub(super) fn elements<'v, 'a>(value: &'v Value<'a>) -> Result<&'v [Value<'a>], Problem> {
    match value {
        Value::Array(items) => Ok(items),
        _ => Err(mismatch("a list", value)),
    }
}

/// Returns the entries of a map; the fields of a struct are entries whose keys are names.
pub(super) fn entries<'v, 'a>(
    value: &'v Value<'a>,
) -> Result<Vec<(Cow<'v, Value<'a>>, &'v Value<'a>)>, Problem> {
    match value {
        Value::Map(entries) => Ok(entries.iter().map(|(key, value)| (Cow::Borrowed(key), value)).collect()),
        Value::Struct(of) => {
            let name = |name: &str| Cow::Owned(Value::String(name.to_owned().into()));
            Ok(of
                .schema
                .fields()
                .iter()
                .zip(&of.values)
                .map(|(field, value)| (name(&field.name), value))
                .collect())
        }
        _ => Err(mismatch("Map", value)),
    }
}

/// Returns the field of this name; `None` where there is none.
///
/// # Errors
/// The type of data that has no fields.
pub(super) fn field<'v, 'a>(value: &'v Value<'a>, name: &str) -> Result<Option<&'v Value<'a>>, &'static str> {
    match value {
        Value::Struct(of) => Ok(of.schema.field_index(name).and_then(|index| of.values.get(index))),
        // The last of several counts, as in a `HashMap`.
        Value::Map(entries) => Ok(entries
            .iter()
            .rev()
            .find(|(key, _)| matches!(key, Value::String(text) if *text == *name))
            .map(|(_, value)| value)),
        _ => Err(found(value)),
    }
}
