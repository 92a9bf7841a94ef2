//! Coherence JSON as plain JSON: what the grid's serializer writes for maps and big numbers becomes what it stands for.
//! An object of another class keeps all of its members, `@class` among them.

use std::borrow::Cow;

use super::DecodeError;
use crate::converter::json_value;
use crate::data::Value;

/// Returns the data in a JSON text.
pub(super) fn read(text: &[u8]) -> Result<Value<'static>, DecodeError> {
    json_value(text).map(plain).map_err(DecodeError::Json)
}

/// The recursion is as deep as the value, whose reader bounds it.
fn plain(value: Value<'static>) -> Value<'static> {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect()),
        Value::Map(members) => object(members),
        other => other,
    }
}

type Members = Vec<(Value<'static>, Value<'static>)>;

fn object(members: Members) -> Value<'static> {
    let class = member(&members, "@class").and_then(text);
    let special = class.and_then(|class| match class {
        "math.BigInt" | "math.BigDec" | "java.math.BigInteger" | "java.math.BigDecimal" => {
            member(&members, "value")
                .and_then(text)
                .map(|digits| Value::String(Cow::Owned(digits.to_owned())))
        }
        _ if class.starts_with("java.util.") && class.ends_with("Map") => match member(&members, "entries") {
            Some(Value::Array(entries)) => {
                entries.iter().map(entry).collect::<Option<Members>>().map(Value::Map)
            }
            None if members.len() == 1 => Some(Value::Map(Vec::new())),
            _ => None,
        },
        _ => None,
    });
    special.unwrap_or_else(|| {
        Value::Map(members.into_iter().map(|(name, value)| (name, plain(value))).collect())
    })
}

/// Returns an entry of a map; a null is left out of it.
fn entry(entry: &Value<'static>) -> Option<(Value<'static>, Value<'static>)> {
    let Value::Map(parts) = entry else { return None };
    let part = |name| plain(member(parts, name).cloned().unwrap_or(Value::Null));
    Some((part("key"), part("value")))
}

fn member<'v>(members: &'v Members, wanted: &str) -> Option<&'v Value<'static>> {
    members.iter().find(|(name, _)| text(name) == Some(wanted)).map(|(_, value)| value)
}

fn text<'v>(value: &'v Value<'static>) -> Option<&'v str> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}
