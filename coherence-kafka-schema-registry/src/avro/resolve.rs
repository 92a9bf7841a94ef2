//! Data of one version of a schema as another version describes it: `use.latest.version`.
//!
//! As Avro resolves schemas: fields are found by their names, those that are missing have their default values, and
//! numbers widen.

use std::collections::HashSet;
use std::sync::Arc;

use coherence_kafka_connect::data::{Schema, SchemaKind, Struct, Value};
use serde_json::Value as Json;

use super::plan::NAMESPACE;
use super::schema::{AvroSchema, Form, Kind, Type};
use super::write::inside;

/// Returns a value under the schema `to`.
///
/// # Errors
/// What the schema has no place for, behind the path of its field.
pub(super) fn resolve<'a>(value: Value<'a>, to: &Arc<Schema>) -> Result<Value<'a>, String> {
    Resolver { open: Vec::new() }.any(value, to)
}

/// The structs around a value: a schema that contains itself has its name alone where it comes again.
struct Resolver {
    open: Vec<Arc<Schema>>,
}

impl Resolver {
    fn any<'a>(&mut self, value: Value<'a>, to: &Arc<Schema>) -> Result<Value<'a>, String> {
        if value == Value::Null {
            return match &to.default {
                Some(default) if !to.optional => Ok(default.clone()),
                _ if to.optional => Ok(Value::Null),
                _ => Err(format!("null for a required {}", to.kind)),
            };
        }
        let is_union = to.name.as_deref() == Some(&*format!("{NAMESPACE}.Union"));
        Ok(match (&to.kind, value) {
            (SchemaKind::Struct(members), value) if is_union => {
                let set = match value {
                    Value::Struct(of) if of.schema.name == to.name => {
                        of.values.into_iter().find(|value| *value != Value::Null).unwrap_or(Value::Null)
                    }
                    value => value,
                };
                let mut found = members.iter().enumerate();
                let found =
                    found.find_map(|(at, member)| Some((at, self.any(set.clone(), &member.schema).ok()?)));
                let (at, set) = found.ok_or("a member that the union of the latest version does not have")?;
                let mut values = vec![Value::Null; members.len()];
                values[at] = set;
                Value::Struct(Struct { schema: to.clone(), values })
            }
            (SchemaKind::Struct(fields), Value::Struct(of)) => {
                let whole = self.open.iter().rev().find(|open| fields.is_empty() && open.name == to.name);
                let to = whole.unwrap_or(to).clone();
                self.open.push(to.clone());
                let values = self.fields(of, &to);
                self.open.pop();
                Value::Struct(Struct { values: values?, schema: to })
            }
            (SchemaKind::Array(Some(items)), Value::Array(values)) => Value::Array(
                values.into_iter().map(|value| self.any(value, items)).collect::<Result<_, _>>()?,
            ),
            (SchemaKind::Map(Some(keys), Some(of)), Value::Map(entries)) => {
                let entries = entries.into_iter();
                let entries = entries.map(|(key, value)| Ok((self.any(key, keys)?, self.any(value, of)?)));
                Value::Map(entries.collect::<Result<_, String>>()?)
            }
            (kind, value) => scalar(kind, value)?,
        })
    }

    fn fields<'a>(&mut self, of: Struct<'a>, to: &Schema) -> Result<Vec<Value<'a>>, String> {
        let mut values: Vec<_> = of.values.into_iter().map(Some).collect();
        let names = of.schema.fields();
        let found = to.fields().iter().map(|field| {
            let at = names.iter().position(|known| known.name == field.name);
            match at.and_then(|at| values.get_mut(at)?.take()) {
                Some(value) => self.any(value, &field.schema).map_err(|why| inside(&field.name, &why)),
                None => match &field.schema.default {
                    Some(default) => Ok(default.clone()),
                    None if field.schema.optional => Ok(Value::Null),
                    None => {
                        Err(inside(&field.name, "the record does not have it, and it has no default value"))
                    }
                },
            }
        });
        found.collect()
    }
}

#[allow(clippy::cast_precision_loss, reason = "as Avro widens numbers")]
fn scalar<'a>(kind: &SchemaKind, value: Value<'a>) -> Result<Value<'a>, String> {
    let whole = match &value {
        Value::Int8(number) => Some(i64::from(*number)),
        Value::Int16(number) => Some(i64::from(*number)),
        Value::Int32(number) => Some(i64::from(*number)),
        Value::Int64(number) => Some(*number),
        _ => None,
    };
    Ok(match (kind, value) {
        (SchemaKind::Boolean, value @ Value::Boolean(_))
        | (SchemaKind::Int8, value @ Value::Int8(_))
        | (SchemaKind::Int16, value @ Value::Int16(_))
        | (SchemaKind::Int32, value @ (Value::Int32(_) | Value::Date(_) | Value::Time(_)))
        | (SchemaKind::Int64, value @ (Value::Int64(_) | Value::Timestamp(_)))
        | (SchemaKind::Float32, value @ Value::Float32(_))
        | (SchemaKind::Float64, value @ Value::Float64(_))
        | (SchemaKind::String, value @ Value::String(_))
        | (SchemaKind::Bytes, value @ (Value::Bytes(_) | Value::Decimal { .. })) => value,
        (SchemaKind::Float64, Value::Float32(number)) => Value::Float64(number.into()),
        (kind, value) => match (kind, whole) {
            (SchemaKind::Int64, Some(number)) => Value::Int64(number),
            (SchemaKind::Float32, Some(number)) => Value::Float32(number as f32),
            (SchemaKind::Float64, Some(number)) => Value::Float64(number as f64),
            (SchemaKind::Int32, Some(number)) if !matches!(value, Value::Int64(_)) => {
                Value::Int32(number.try_into().map_err(|_| "a number that is too large")?)
            }
            _ => return Err(format!("a value that is not of {kind}, which it is in the latest version")),
        },
    })
}

/// Returns whether both schemas read the same data as the same values, whatever else they describe.
pub(super) fn is_same_data(one: &AvroSchema, other: &AvroSchema) -> bool {
    Comparison { one, other, met: HashSet::new() }.any(&one.root, &other.root)
}

struct Comparison<'s> {
    one: &'s AvroSchema,
    other: &'s AvroSchema,
    /// The types with names that are compared already, or being compared.
    met: HashSet<(usize, usize)>,
}

impl Comparison<'_> {
    fn any(&mut self, one: &Type, other: &Type) -> bool {
        let same = match (&one.kind, &other.kind) {
            (Kind::Array(one), Kind::Array(other)) | (Kind::Map(one), Kind::Map(other)) => {
                self.any(one, other)
            }
            (Kind::Union(one), Kind::Union(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| self.any(one, other))
            }
            (Kind::Named(one), Kind::Named(other)) => return self.named(*one, *other),
            (one, other) => one == other,
        };
        same && ["logicalType", "scale"]
            .iter()
            .all(|key| logical(&one.props, key) == logical(&other.props, key))
    }

    fn named(&mut self, one: usize, other: usize) -> bool {
        if !self.met.insert((one, other)) {
            return true;
        }
        let (left, right) = (self.one, self.other);
        match (&left.named[one].form, &right.named[other].form) {
            (Form::Record(one), Form::Record(other)) => {
                one.len() == other.len()
                    && one
                        .iter()
                        .zip(other)
                        .all(|(one, other)| one.name == other.name && self.any(&one.schema, &other.schema))
            }
            (Form::Enum { symbols: one, .. }, Form::Enum { symbols: other, .. }) => one == other,
            (Form::Fixed(one), Form::Fixed(other)) => one == other,
            _ => false,
        }
    }
}

fn logical(props: &super::schema::Props, key: &str) -> Option<Json> {
    match props.get(key) {
        Some(Json::String(text)) => Some(text.to_ascii_lowercase().into()),
        other => other.cloned(),
    }
}
