//! Documents of MongoDB, which change events hold as text: Extended JSON.
//!
//! ```text
//! text → read → Value, each member as the type that it names → schema_of → Schema; under → Struct
//! ```

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::super::part::{Entries, position};
use super::super::schemas::Fields;
use crate::converter::json_value;
use crate::data::{Field, Schema, SchemaKind, Struct, TIMESTAMP, Value};
use crate::error::{ConnectError, Exception};
use crate::mapping::temporal::{Moment, moment};
use crate::mapping::types::Temporal;

/// What an array becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ArrayEncoding {
    /// A list, whose elements have one type.
    Array,
    /// A struct with the fields `_0`, `_1` and so on.
    Document,
}

/// Returns the value that a text in Extended JSON stands for, in its strict, canonical and relaxed forms; `None` where
/// Connect's data has no such type. A document is a map.
///
/// # Errors
/// The text is not JSON; `what` names it.
pub(super) fn read(text: &str, what: &str) -> Result<Option<Value<'static>>, ConnectError> {
    let value = json_value(text.as_bytes());
    Ok(typed(value.map_err(|_| ConnectError::data(format!("{what} is not JSON")))?))
}

fn typed(value: Value<'static>) -> Option<Value<'static>> {
    Some(match value {
        Value::Int64(number) => i32::try_from(number).map_or(Value::Int64(number), Value::Int32),
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| typed(item).unwrap_or(Value::Null)).collect())
        }
        Value::Map(members) => match of_one_type(&members) {
            Some(value) => return value,
            None => Value::Map(
                members.into_iter().filter_map(|(name, value)| Some((name, typed(value)?))).collect(),
            ),
        },
        other => other,
    })
}

/// Returns what an object such as `{"$oid": …}` stands for; `None` where it is a document.
fn of_one_type(members: &Entries<'static>) -> Option<Option<Value<'static>>> {
    let Some((Value::String(name), first)) = members.first() else { return None };
    let member = |name: &str| position(members, name).map(|at| &members[at].1);
    let text = |value: &Value<'static>| match value {
        Value::String(text) => Some(text.to_string()),
        Value::Int64(number) => Some(number.to_string()),
        _ => None,
    };
    let of_text = |value: Option<String>| value.map(|text| Value::String(Cow::Owned(text)));
    let value = match (&**name, members.len()) {
        ("$oid" | "$numberDecimal" | "$symbol" | "$code", 1) => of_text(text(first)),
        ("$numberInt", 1) => text(first)?.parse().ok().map(Value::Int32),
        ("$numberLong", 1) => text(first)?.parse().ok().map(Value::Int64),
        ("$numberDouble", 1) => text(first)?.parse().ok().map(Value::Float64),
        ("$date", 1) => match first {
            Value::Int64(millis) => Some(Value::Timestamp(*millis)),
            Value::Map(long) => match typed(Value::Map(long.clone())) {
                Some(Value::Int64(millis)) => Some(Value::Timestamp(millis)),
                Some(Value::Int32(millis)) => Some(Value::Timestamp(millis.into())),
                _ => None,
            },
            text => match moment(Temporal::Date, None, text) {
                Ok(Moment::Millis(millis)) => Some(Value::Timestamp(millis)),
                _ => None,
            },
        },
        ("$timestamp", 1) => match first {
            Value::Map(parts) => match position(parts, "t").map(|at| &parts[at].1) {
                Some(Value::Int64(seconds)) => seconds.checked_mul(1000).map(Value::Timestamp),
                _ => None,
            },
            _ => None,
        },
        ("$binary", 1) => match first {
            Value::Map(parts) => position(parts, "base64").and_then(|at| bytes_of(&parts[at].1)),
            _ => None,
        },
        ("$binary" | "$type", 2) => bytes_of(member("$binary")?),
        ("$uuid", 1) => of_text(text(first)),
        ("$regex" | "$options", 2) => regex(text(member("$regex")?)?, text(member("$options")?)?),
        ("$regularExpression", 1) => match first {
            Value::Map(parts) => {
                let part = |name: &str| position(parts, name).and_then(|at| text(&parts[at].1));
                regex(part("pattern")?, part("options")?)
            }
            _ => None,
        },
        ("$minKey" | "$maxKey" | "$undefined", 1) => return Some(None),
        _ => None,
    };
    value.map(Some)
}

fn bytes_of(value: &Value<'static>) -> Option<Value<'static>> {
    let Value::String(text) = value else { return None };
    BASE64_STANDARD.decode(&**text).ok().map(|bytes| Value::Bytes(Cow::Owned(bytes)))
}

fn regex(pattern: String, options: String) -> Option<Value<'static>> {
    static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| {
        let text = Arc::new(Schema::optional(SchemaKind::String));
        let field = |name: &str| Field { name: name.to_owned(), schema: Arc::clone(&text) };
        let kind = SchemaKind::Struct(vec![field("regex"), field("options")]);
        Arc::new(Schema { name: Some("io.debezium.mongodb.regex".to_owned()), ..Schema::optional(kind) })
    });
    let values = [pattern, options].map(|text| Value::String(Cow::Owned(text))).to_vec();
    Some(Value::Struct(Struct { schema: Arc::clone(&SCHEMA), values }))
}

/// Returns the schema of a value, all of whose parts are optional; `path` names it in errors.
///
/// # Errors
/// The elements of an array differ in their type.
pub(super) fn schema_of(
    value: &Value<'static>,
    arrays: ArrayEncoding,
    path: &str,
) -> Result<Schema, ConnectError> {
    let kind = match value {
        Value::Boolean(_) => SchemaKind::Boolean,
        Value::Int32(_) => SchemaKind::Int32,
        Value::Int64(_) => SchemaKind::Int64,
        Value::Float64(_) => SchemaKind::Float64,
        Value::Bytes(_) => SchemaKind::Bytes,
        Value::Timestamp(_) => {
            return Ok(Schema { optional: true, ..Schema::logical(SchemaKind::Int64, TIMESTAMP) });
        }
        Value::Struct(of) => return Ok((*of.schema).clone()),
        Value::Map(members) => {
            let members = members.iter().filter_map(|(name, value)| match name {
                Value::String(name) => Some((&**name, value)),
                _ => None,
            });
            fields(members, arrays, path)?
        }
        Value::Array(items) if arrays == ArrayEncoding::Document => {
            let names: Vec<_> = (0..items.len()).map(|at| format!("_{at}")).collect();
            fields(names.iter().map(String::as_str).zip(items), arrays, path)?
        }
        Value::Array(items) => {
            let mut of_items: Option<Schema> = None;
            for item in items {
                let schema = schema_of(item, arrays, path)?;
                of_items = Some(match of_items {
                    None => schema,
                    Some(known) => merged(known, schema).ok_or_else(|| {
                        ConnectError::new(
                            Exception::Connect,
                            format!(
                                "Field {path} is not a homogenous array.\nCheck option 'struct' of parameter 'array.encoding'"
                            ),
                        )
                    })?,
                });
            }
            let of_items = of_items.unwrap_or_else(|| Schema::optional(SchemaKind::String));
            SchemaKind::Array(Some(Arc::new(of_items)))
        }
        _ => SchemaKind::String,
    };
    Ok(Schema::optional(kind))
}

fn fields<'v>(
    members: impl Iterator<Item = (&'v str, &'v Value<'static>)>,
    arrays: ArrayEncoding,
    path: &str,
) -> Result<SchemaKind, ConnectError> {
    let mut fields = Fields::default();
    for (name, value) in members {
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        fields.add(name, Arc::new(schema_of(value, arrays, &path)?))?;
    }
    Ok(fields.into_kind())
}

/// Returns the schema of the elements of both schemas; a document has the fields of both. `None` where they differ.
fn merged(a: Schema, b: Schema) -> Option<Schema> {
    if a.name != b.name {
        return None;
    }
    let kind = match (a.kind, b.kind) {
        (SchemaKind::Struct(mut fields), SchemaKind::Struct(more)) => {
            for field in more {
                match fields.iter_mut().find(|known| known.name == field.name) {
                    None => fields.push(field),
                    Some(known) => {
                        let (of_known, of_field) = (Arc::clone(&known.schema), field.schema);
                        known.schema =
                            Arc::new(merged(Arc::unwrap_or_clone(of_known), Arc::unwrap_or_clone(of_field))?);
                    }
                }
            }
            SchemaKind::Struct(fields)
        }
        (SchemaKind::Array(Some(a)), SchemaKind::Array(Some(b))) => {
            SchemaKind::Array(Some(Arc::new(merged(Arc::unwrap_or_clone(a), Arc::unwrap_or_clone(b))?)))
        }
        (one, other) if one == other => one,
        _ => return None,
    };
    Some(Schema { name: a.name, version: a.version, ..Schema::optional(kind) })
}

/// Returns the value under the schema that [`schema_of`] made of it, or of several with it.
pub(super) fn under(schema: &Arc<Schema>, value: Value<'static>) -> Value<'static> {
    match (&schema.kind, value) {
        (SchemaKind::Struct(fields), Value::Map(mut members)) => {
            let values = fields.iter().map(|field| {
                let value = super::envelope::take(&mut members, &field.name);
                under(&field.schema, value)
            });
            let values = values.collect();
            Value::Struct(Struct { schema: Arc::clone(schema), values })
        }
        (SchemaKind::Struct(fields), Value::Array(items)) => {
            let values = fields.iter().zip(items).map(|(field, item)| under(&field.schema, item)).collect();
            Value::Struct(Struct { schema: Arc::clone(schema), values })
        }
        (SchemaKind::Array(Some(of_items)), Value::Array(items)) => {
            Value::Array(items.into_iter().map(|item| under(of_items, item)).collect())
        }
        (_, value) => value,
    }
}
