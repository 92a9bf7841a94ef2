//! Values in Coherence JSON, as a Java reader of the grid (25.03) takes them.
//!
//! ```text
//! struct, map of text keys     {"name":value,…}                                  read as JsonObject, a Map
//! other maps, names with @     {"@class":"java.util.HashMap","entries":[{"key":k,"value":v},…]}
//! Decimal                      {"@class":"math.BigDec","value":"1.25"}           read as BigDecimal
//! Date, Time, Timestamp        milliseconds, a number
//! bytes                        base64, text
//! NaN, Infinity, -Infinity     text
//! UUID                         text
//! ```
//!
//! A name that begins with `@` would be taken for an instruction to the reader (`@class` names the class to make), so
//! that an object with such a name is written as a map of entries, where names are data.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use coherence_kafka_common::serializer::json::text::{
    decimal_text, write_float as float, write_integer as integer, write_list as list, write_text as text,
};
use uuid::Uuid;

use super::{EncodeError, pof_value};
use crate::data::Value;

/// Appends the JSON text of `value`; `levels` more may be inside each other.
pub(super) fn write(value: &Value<'_>, levels: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Boolean(true) => out.extend_from_slice(b"true"),
        Value::Boolean(false) => out.extend_from_slice(b"false"),
        Value::Int8(value) => integer(i64::from(*value), out),
        Value::Int16(value) => integer(i64::from(*value), out),
        Value::Int32(value) => integer(i64::from(*value), out),
        Value::Int64(value) => integer(*value, out),
        Value::Float32(value) => float(*value, out),
        Value::Float64(value) => float(*value, out),
        Value::String(value) => text(value, out),
        Value::Bytes(bytes) => text(&BASE64_STANDARD.encode(bytes), out),
        Value::Decimal { unscaled, scale } => {
            out.extend_from_slice(br#"{"@class":"math.BigDec","value":"#);
            text(&decimal_text(unscaled, *scale), out);
            out.push(b'}');
        }
        Value::Date(millis) | Value::Time(millis) | Value::Timestamp(millis) => integer(*millis, out),
        Value::Array(items) => {
            let levels = inner(levels)?;
            list(items, out, |item, out| write(item, levels, out))?;
        }
        Value::Map(map) => match names(map) {
            Some(names) => object(names.into_iter().zip(map.iter().map(|(_, value)| value)), levels, out)?,
            None => entries(map.iter().map(|(key, value)| (key, value)), levels, out)?,
        },
        Value::Struct(of) => {
            let names = of.schema.fields().iter().map(|field| field.name.as_str());
            if names.clone().any(is_instruction) {
                let names: Vec<_> = names.map(|name| Value::String(name.into())).collect();
                entries(names.iter().zip(&of.values), levels, out)?;
            } else {
                object(names.zip(&of.values), levels, out)?;
            }
        }
        Value::Uuid(bits) => text(&Uuid::from_u128(*bits).to_string(), out),
        Value::Pof(binary) => write(&pof_value::of_binary(binary)?, levels, out)?,
    }
    Ok(())
}

fn inner(levels: usize) -> Result<usize, EncodeError> {
    levels.checked_sub(1).ok_or(EncodeError::Depth)
}

/// Returns the keys of a map that can be an object's names.
fn names<'v>(map: &'v [(Value<'_>, Value<'_>)]) -> Option<Vec<&'v str>> {
    map.iter()
        .map(|(key, _)| match key {
            Value::String(name) if !is_instruction(name) => Some(&**name),
            _ => None,
        })
        .collect()
}

fn is_instruction(name: &str) -> bool {
    name.starts_with('@')
}

fn object<'v, 'a: 'v>(
    members: impl Iterator<Item = (&'v str, &'v Value<'a>)>,
    levels: usize,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let levels = inner(levels)?;
    out.push(b'{');
    for (index, (name, value)) in members.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        text(name, out);
        out.push(b':');
        write(value, levels, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn entries<'v, 'a: 'v>(
    entries: impl Iterator<Item = (&'v Value<'a>, &'v Value<'a>)>,
    levels: usize,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let levels = inner(levels)?;
    out.extend_from_slice(br#"{"@class":"java.util.HashMap","entries":"#);
    list(entries, out, |(key, value), out| {
        out.extend_from_slice(br#"{"key":"#);
        write(key, levels, out)?;
        out.extend_from_slice(br#","value":"#);
        write(value, levels, out)?;
        out.push(b'}');
        Ok::<_, EncodeError>(())
    })?;
    out.push(b'}');
    Ok(())
}
