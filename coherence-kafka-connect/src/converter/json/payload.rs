//! From JSON to data under a schema, by Java's rules.
//!
//! They are lenient: a number schema reads 0 from what is no number, a boolean schema `false`, a string or bytes schema
//! null, an array schema the values of an object. Numbers are truncated and wrapped to the schema's width. The same
//! values come out here, so that a topic means the same to both.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use num_bigint::BigInt;

use super::tree::{Node, Tree};
use crate::calendar::MILLIS_PER_DAY;
use crate::data::{self, Field, Schema, SchemaKind, Struct, Value};
use crate::error::ConnectError;

/// Returns the value of `node` under `schema`. The recursion is as deep as the schema, which is bounded.
pub(super) fn read<'a>(
    schema: &Arc<Schema>,
    node: Node<'a>,
    replace_null: bool,
) -> Result<Value<'a>, ConnectError> {
    if node == Node::Null {
        return null(schema, replace_null);
    }
    match schema.name.as_deref() {
        Some(data::DECIMAL) => return decimal(schema, &node),
        Some(data::DATE) => return date(&node),
        Some(data::TIME) => return time(&node),
        Some(data::TIMESTAMP) => return timestamp(&node),
        _ => {}
    }
    Ok(match &schema.kind {
        // Java asks the node for an `int` or a `long` and casts.
        SchemaKind::Int8 => Value::Int8(low_bits(&node) as i8),
        SchemaKind::Int16 => Value::Int16(low_bits(&node) as i16),
        SchemaKind::Int32 => Value::Int32(low_bits(&node) as i32),
        SchemaKind::Int64 => Value::Int64(low_bits(&node)),
        SchemaKind::Float32 => Value::Float32(match &node {
            Node::Number(number) => number.to_f32(),
            _ => 0.0,
        }),
        SchemaKind::Float64 => Value::Float64(match &node {
            Node::Number(number) => number.to_f64(),
            _ => 0.0,
        }),
        SchemaKind::Boolean => Value::Boolean(node == Node::Boolean(true)),
        SchemaKind::String => match node {
            Node::String(text) => Value::String(text),
            _ => Value::Null,
        },
        SchemaKind::Bytes => match &node {
            Node::String(text) => Value::Bytes(Cow::Owned(base64(text, "Invalid bytes field")?)),
            _ => Value::Null,
        },
        SchemaKind::Array(items) => Value::Array(array(items.as_ref(), node, replace_null)?),
        SchemaKind::Map(keys, values) => Value::Map(map(keys.as_ref(), values.as_ref(), node, replace_null)?),
        SchemaKind::Struct(fields) => {
            let values = structure(fields, node, replace_null)?;
            Value::Struct(Struct { schema: schema.clone(), values })
        }
    })
}

/// Returns the value of `node` without a schema. The recursion is as deep as the node, which the reader bounds.
pub(super) fn schemaless(node: Node<'_>) -> Value<'_> {
    match node {
        Node::Null => Value::Null,
        Node::Boolean(value) => Value::Boolean(value),
        Node::Number(number) => Value::number(number),
        Node::String(text) => Value::String(text),
        Node::Array(items) => Value::Array(items.into_iter().map(schemaless).collect()),
        Node::Object(members) => Value::Map(
            members.into_iter().map(|(name, node)| (Value::String(name), schemaless(node))).collect(),
        ),
    }
}

/// Refuses null where `schema` does not allow it, in `value` of the field of this name or in the elements of an array or
/// map. Coercion makes such nulls; Java finds them when it puts a value into a struct.
pub(super) fn check_nulls(field: &str, schema: &Schema, value: &Value<'_>) -> Result<(), ConnectError> {
    let check = |schema: &Option<Arc<Schema>>, value| match schema {
        Some(schema) => check_nulls(field, schema, value),
        None => Ok(()),
    };
    match (value, &schema.kind) {
        (Value::Null, kind) if !schema.optional => Err(ConnectError::data(format!(
            "Invalid value: null used for required field: \"{field}\", schema type: {kind}"
        ))),
        (Value::Array(values), SchemaKind::Array(items)) => {
            values.iter().try_for_each(|value| check(items, value))
        }
        (Value::Map(entries), SchemaKind::Map(keys, values)) => {
            entries.iter().try_for_each(|(key, value)| check(keys, key).and_then(|()| check(values, value)))
        }
        _ => Ok(()),
    }
}

fn null<'a>(schema: &Schema, replace_null: bool) -> Result<Value<'a>, ConnectError> {
    match &schema.default {
        Some(default) if replace_null => Ok(default.clone()),
        _ if schema.optional => Ok(Value::Null),
        _ => Err(ConnectError::data(format!("Invalid null value for required {} field", schema.kind))),
    }
}

fn low_bits(node: &Node<'_>) -> i64 {
    match node {
        Node::Number(number) => number.low_bits(),
        _ => 0,
    }
}

/// Padding is required and the URL alphabet is not known. Jackson stops at white space behind the end.
fn base64(text: &str, message: &'static str) -> Result<Vec<u8>, ConnectError> {
    BASE64_STANDARD.decode(text.trim_ascii_end()).map_err(|_| {
        ConnectError::data(message).because("expected base64 of the standard alphabet with its padding")
    })
}

fn array<'a>(
    items: Option<&Arc<Schema>>,
    node: Node<'a>,
    replace_null: bool,
) -> Result<Vec<Value<'a>>, ConnectError> {
    let item = |node| read_or_plain(items, node, replace_null);
    match node {
        Node::Array(nodes) => nodes.into_iter().map(item).collect(),
        Node::Object(members) => members.into_iter().map(|(_, node)| item(node)).collect(),
        _ => Ok(Vec::new()),
    }
}

fn read_or_plain<'a>(
    schema: Option<&Arc<Schema>>,
    node: Node<'a>,
    replace_null: bool,
) -> Result<Value<'a>, ConnectError> {
    match schema {
        Some(schema) => read(schema, node, replace_null),
        None => Ok(schemaless(node)),
    }
}

type Entries<'a> = Vec<(Value<'a>, Value<'a>)>;

fn map<'a>(
    keys: Option<&Arc<Schema>>,
    values: Option<&Arc<Schema>>,
    node: Node<'a>,
    replace_null: bool,
) -> Result<Entries<'a>, ConnectError> {
    let string_keys = keys.is_some_and(|keys| keys.kind == SchemaKind::String);
    match node {
        // Keys of an object are taken as they are, their schema does not matter.
        Node::Object(members) if string_keys => members
            .into_iter()
            .map(|(name, node)| Ok((Value::String(name), read_or_plain(values, node, replace_null)?)))
            .collect(),
        Node::Array(tuples) if !string_keys => {
            let mut entries = Vec::with_capacity(tuples.len());
            for tuple in tuples {
                let (key, value) = pair(tuple)?;
                let key = read_or_plain(keys, key, replace_null)?;
                entries.push((key, read_or_plain(values, value, replace_null)?));
            }
            Ok(last_of_each_key(entries))
        }
        other if string_keys => Err(ConnectError::data(format!(
            "Maps with string fields should be encoded as JSON objects, but found {}",
            other.type_name()
        ))),
        other => Err(ConnectError::data(format!(
            "Maps with non-string fields should be encoded as JSON array of tuples, but found {}",
            other.type_name()
        ))),
    }
}

fn pair(node: Node<'_>) -> Result<(Node<'_>, Node<'_>), ConnectError> {
    let Node::Array(items) = node else {
        return Err(ConnectError::data(format!(
            "Found invalid map entry instead of array tuple: {}",
            node.type_name()
        )));
    };
    <[Node<'_>; 2]>::try_from(items).map(|[key, value]| (key, value)).map_err(|items| {
        ConnectError::data(format!("Found invalid map entry, expected length 2 but found :{}", items.len()))
    })
}

/// One entry of each key, with the last value. Keys are compared by their debug text: floats have no other equality
/// that is Java's, where NaN equals itself and the zeros differ.
pub(in crate::converter) fn last_of_each_key(entries: Entries<'_>) -> Entries<'_> {
    let mut index_of = HashMap::with_capacity(entries.len());
    let mut unique: Entries<'_> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let index = *index_of.entry(format!("{key:?}")).or_insert(unique.len());
        match unique.get_mut(index) {
            Some(entry) => entry.1 = value,
            None => unique.push((key, value)),
        }
    }
    unique
}

fn structure<'a>(
    fields: &[Field],
    node: Node<'a>,
    replace_null: bool,
) -> Result<Vec<Value<'a>>, ConnectError> {
    let Node::Object(members) = node else {
        return Err(ConnectError::data(format!(
            "Structs should be encoded as JSON objects, but found {}",
            node.type_name()
        )));
    };
    let value = |field: &Field, node| {
        let value = read(&field.schema, node, replace_null)?;
        check_nulls(&field.name, &field.schema, &value)?;
        Ok(value)
    };
    // Most messages have the members that the schema has, in its order.
    let in_order = fields.len() == members.len()
        && fields.iter().zip(&members).all(|(field, (name, _))| field.name == *name);
    if in_order {
        return fields.iter().zip(members).map(|(field, (_, node))| value(field, node)).collect();
    }
    let mut by_name: HashMap<_, _> = members.into_iter().collect();
    fields.iter().map(|field| value(field, by_name.remove(&*field.name).unwrap_or(Node::Null))).collect()
}

fn decimal<'a>(schema: &Schema, node: &Node<'_>) -> Result<Value<'a>, ConnectError> {
    let invalid = "Invalid bytes for Decimal field";
    let text = match node {
        // A number keeps its own scale, whatever the schema declares.
        Node::Number(number) => {
            let (unscaled, scale) = number.decimal();
            return Ok(Value::Decimal { unscaled, scale });
        }
        Node::String(text) => text,
        _ => return Err(wrong_type("Decimal", "numeric or bytes", node)),
    };
    let bytes = base64(text, invalid)?;
    let scale = schema.parameters.get(data::SCALE).and_then(|scale| scale.parse().ok()).ok_or_else(|| {
        ConnectError::data(invalid).because("the schema's parameter scale is missing or not a 32-bit integer")
    })?;
    if bytes.is_empty() {
        return Err(ConnectError::data(invalid).because("expected at least one byte"));
    }
    Ok(Value::Decimal { unscaled: BigInt::from_signed_bytes_be(&bytes), scale })
}

fn date<'a>(node: &Node<'_>) -> Result<Value<'a>, ConnectError> {
    let days = int(node).ok_or_else(|| wrong_type("Date", "integer", node))?;
    Ok(Value::Date(i64::from(days) * MILLIS_PER_DAY))
}

fn time<'a>(node: &Node<'_>) -> Result<Value<'a>, ConnectError> {
    let millis = i64::from(int(node).ok_or_else(|| wrong_type("Time", "integer", node))?);
    if !(0..=MILLIS_PER_DAY).contains(&millis) {
        return Err(ConnectError::data(
            "Time values must use number of milliseconds greater than 0 and less than 86400000",
        ));
    }
    Ok(Value::Time(millis))
}

fn timestamp<'a>(node: &Node<'_>) -> Result<Value<'a>, ConnectError> {
    match node {
        Node::Number(number) if number.integral => Ok(Value::Timestamp(number.low_bits())),
        _ => Err(wrong_type("Timestamp", "integral", node)),
    }
}

fn int(node: &Node<'_>) -> Option<i32> {
    match node {
        Node::Number(number) => number.int(),
        _ => None,
    }
}

fn wrong_type(logical: &str, expected: &str, node: &Node<'_>) -> ConnectError {
    ConnectError::data(format!(
        "Invalid type for {logical}, underlying representation should be {expected} but was {}",
        node.type_name()
    ))
}
