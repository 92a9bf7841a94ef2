//! From JSON to values under Connect's schema.
//!
//! Where Java's converter would change a value silently, such as a number that does not fit, the record is refused.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coherence_kafka_connect::data::{
    DATE, DECIMAL, SCALE, Schema, SchemaKind, Struct, TIME, TIMESTAMP, Value,
};
use num_bigint::BigInt;

use super::tree::{Node, decimal};

const ONE_OF: &str = "io.confluent.connect.json.OneOf";
pub(super) const MILLIS_PER_DAY: i64 = 86_400_000;

/// What is the same for all values of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Under<'s> {
    /// The schemas that contain themselves, by the names that stand for them inside.
    pub(super) whole: &'s BTreeMap<String, Arc<Schema>>,
    /// A null is the default value of its schema.
    pub(super) null_is_default: bool,
}

/// Returns the value of `node` under `schema`.
///
/// # Errors
/// What does not fit, behind the path of its field.
pub(super) fn read<'a>(schema: &Arc<Schema>, node: &Node<'a>, under: Under<'_>) -> Result<Value<'a>, String> {
    if *node == Node::Null {
        return match &schema.default {
            Some(value) if under.null_is_default => Ok(value.clone()),
            _ if schema.optional => Ok(Value::Null),
            _ => Err(format!("Invalid null value for required {} field", schema.kind)),
        };
    }
    let wrong = || format!("expected {}, found {}", schema.kind, node.type_name());
    let whole = || match node {
        Node::Number(_) => node.as_i64().ok_or_else(|| format!("a number that is not of {}", schema.kind)),
        _ => Err(wrong()),
    };
    let narrow = || whole().and_then(|number| i32::try_from(number).map_err(|_| wrong_size(schema)));
    match schema.name.as_deref() {
        Some(DECIMAL) => return decimal_value(schema, node),
        Some(DATE) => return Ok(Value::Date(i64::from(narrow()?) * MILLIS_PER_DAY)),
        Some(TIME) => {
            let time = whole()?;
            return (0..=MILLIS_PER_DAY).contains(&time).then_some(Value::Time(time)).ok_or_else(|| {
                "Time values must use number of milliseconds greater than 0 and less than 86400000".to_owned()
            });
        }
        Some(TIMESTAMP) => return whole().map(Value::Timestamp),
        _ => {}
    }
    if let Some(complete) = complete(schema, under) {
        return read(complete, node, under);
    }
    Ok(match &schema.kind {
        SchemaKind::Int8 => Value::Int8(i8::try_from(whole()?).map_err(|_| wrong_size(schema))?),
        SchemaKind::Int16 => Value::Int16(i16::try_from(whole()?).map_err(|_| wrong_size(schema))?),
        SchemaKind::Int32 => Value::Int32(narrow()?),
        SchemaKind::Int64 => Value::Int64(whole()?),
        SchemaKind::Float32 => Value::Float32(float(node).ok_or_else(wrong)?.parse().map_err(|_| wrong())?),
        SchemaKind::Float64 => Value::Float64(float(node).ok_or_else(wrong)?.parse().map_err(|_| wrong())?),
        SchemaKind::Boolean => match node {
            Node::Boolean(value) => Value::Boolean(*value),
            _ => return Err(wrong()),
        },
        SchemaKind::String => match node {
            Node::String(text) => Value::String(text.clone()),
            // The symbols of an enum can be numbers and truth values.
            Node::Number(number) if schema.parameters.contains_key("io.confluent.connect.json.Enum") => {
                Value::String(Cow::Borrowed(number.text))
            }
            _ => return Err(wrong()),
        },
        SchemaKind::Bytes => match node {
            Node::String(text) => Value::Bytes(Cow::Owned(base64(text)?)),
            Node::Number(number) => {
                let (unscaled, scale) = decimal(*number).ok_or_else(|| wrong_size(schema))?;
                Value::Decimal { unscaled, scale }
            }
            _ => return Err(wrong()),
        },
        SchemaKind::Array(of) => {
            let (Node::Array(items), Some(of)) = (node, of) else { return Err(wrong()) };
            Value::Array(items.iter().map(|item| read(of, item, under)).collect::<Result<_, _>>()?)
        }
        SchemaKind::Map(Some(keys), Some(values)) if keys.kind == SchemaKind::String && !keys.optional => {
            let Node::Object(members) = node else {
                let found = node.type_name();
                return Err(format!(
                    "Maps with string fields should be encoded as JSON objects, but found {found}"
                ));
            };
            let entry = |(name, node): &(Cow<'a, str>, Node<'a>)| {
                Ok((Value::String(name.clone()), read(values, node, under)?))
            };
            Value::Map(members.iter().map(entry).collect::<Result<_, String>>()?)
        }
        SchemaKind::Map(Some(keys), Some(values)) => {
            let Node::Array(items) = node else { return Err(wrong()) };
            let entry =
                |item: &Node<'a>| match (item.members().len(), item.member("key"), item.member("value")) {
                    (2, Some(key), Some(value)) => Ok((read(keys, key, under)?, read(values, value, under)?)),
                    _ => Err("Found invalid map entry, expected an object of key and value".to_owned()),
                };
            Value::Map(items.iter().map(entry).collect::<Result<_, String>>()?)
        }
        SchemaKind::Map(..) => return Err(wrong()),
        SchemaKind::Struct(_) if schema.name.as_deref() == Some(ONE_OF) => one_of(schema, node, under)?,
        SchemaKind::Struct(fields) => {
            let Node::Object(members) = node else {
                let found = node.type_name();
                return Err(format!("Structs should be encoded as JSON objects, but found {found}"));
            };
            let mut values = Vec::with_capacity(fields.len());
            for (at, field) in fields.iter().enumerate() {
                // Most objects have their members in the order of the schema.
                let found =
                    members.get(at).filter(|(name, _)| *name == field.name && members.len() == fields.len());
                let found = found.map(|(_, node)| node).or_else(|| node.member(&field.name));
                let value = read(&field.schema, found.unwrap_or(&Node::Null), under);
                values.push(value.map_err(|why| inside(&field.name, &why))?);
            }
            Value::Struct(Struct { schema: schema.clone(), values })
        }
    })
}

/// Returns the text of a number; what JSON numbers cannot express is written as a string.
fn float<'n>(node: &'n Node<'_>) -> Option<&'n str> {
    match node {
        Node::Number(number) => Some(number.text),
        Node::String(text) => Some(&**text).filter(|text| ["NaN", "Infinity", "-Infinity"].contains(text)),
        _ => None,
    }
}

/// Returns the schema that a name stands for where the schema contains itself.
fn complete<'s>(schema: &Schema, under: Under<'s>) -> Option<&'s Arc<Schema>> {
    if !matches!(&schema.kind, SchemaKind::Struct(fields) if fields.is_empty()) {
        return None;
    }
    under.whole.get(schema.name.as_ref()?).filter(|complete| !complete.fields().is_empty())
}

/// Separates the path of a field from what is wrong with it.
const PATH_END: &str = ": ";

pub(super) fn inside(field: &str, why: &str) -> String {
    match why.strip_prefix("field ") {
        Some(rest) => format!("field {field}.{rest}"),
        None => format!("field {field}{PATH_END}{why}"),
    }
}

fn wrong_size(schema: &Schema) -> String {
    format!("a number beyond {}", schema.kind)
}

/// Returns the member of the union that the value fits: the first of its type, or the struct with most of its fields.
fn one_of<'a>(schema: &Arc<Schema>, node: &Node<'a>, under: Under<'_>) -> Result<Value<'a>, String> {
    let fields = schema.fields();
    let simple = fields.iter().position(|field| fits(&field.schema, node));
    let found = simple.or_else(|| {
        let Node::Object(members) = node else { return None };
        let matching =
            |of: &Schema| members.iter().filter(|(name, _)| of.field_index(name).is_some()).count();
        let structs = fields.iter().enumerate().filter(|(_, field)| {
            matches!(field.schema.kind, SchemaKind::Struct(_)) && field.schema.name.as_deref() != Some(ONE_OF)
        });
        // The first of the best.
        structs.rev().max_by_key(|(_, field)| matching(&field.schema)).map(|(at, _)| at)
    });
    let at = found.ok_or("Did not find matching oneof field for data")?;
    let mut values = vec![Value::Null; fields.len()];
    values[at] = read(&fields[at].schema, node, under)?;
    Ok(Value::Struct(Struct { schema: schema.clone(), values }))
}

fn fits(schema: &Schema, node: &Node<'_>) -> bool {
    match (&schema.kind, node) {
        (
            SchemaKind::Int8 | SchemaKind::Int16 | SchemaKind::Int32 | SchemaKind::Int64,
            Node::Number(number),
        ) => number.is_integer,
        (SchemaKind::Float32 | SchemaKind::Float64 | SchemaKind::Bytes, Node::Number(_))
        | (SchemaKind::Boolean, Node::Boolean(_))
        | (SchemaKind::String, Node::String(_))
        | (SchemaKind::Array(_), Node::Array(_))
        | (SchemaKind::Map(..), Node::Object(_) | Node::Array(_)) => true,
        // A union inside this one.
        (SchemaKind::Struct(fields), _) if schema.name.as_deref() == Some(ONE_OF) => {
            fields.iter().any(|field| fits(&field.schema, node))
        }
        _ => false,
    }
}

fn decimal_value<'a>(schema: &Schema, node: &Node<'a>) -> Result<Value<'a>, String> {
    match node {
        Node::Number(number) => {
            let (unscaled, scale) = decimal(*number).ok_or_else(|| wrong_size(schema))?;
            Ok(Value::Decimal { unscaled, scale })
        }
        Node::String(text) => {
            let bytes = base64(text)?;
            let scale = schema.parameters.get(SCALE).and_then(|scale| scale.parse().ok());
            match (scale, bytes.is_empty()) {
                (Some(scale), false) => {
                    Ok(Value::Decimal { unscaled: BigInt::from_signed_bytes_be(&bytes), scale })
                }
                _ => Err("Invalid bytes for Decimal field".to_owned()),
            }
        }
        other => Err(format!(
            "Invalid type for Decimal, underlying representation should be numeric or bytes but was {}",
            other.type_name()
        )),
    }
}

fn base64(text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).map_err(|_| "Invalid bytes field: no Base64".to_owned())
}
