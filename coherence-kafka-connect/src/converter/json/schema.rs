//! A schema in Connect's JSON: `{"type": …, "optional": …, "name": …, …}`.
//!
//! As in Java, members of the wrong JSON type count as missing, except the few that are checked.

use std::collections::HashSet;
use std::sync::Arc;

use super::payload::{self, check_nulls};
use super::schema_error;
use super::tree::Node;
use crate::data::{Field, Schema, SchemaKind, Value};
use crate::error::ConnectError;

/// Schemas inside each other at most. Java has no such bound but that of the JSON around it; here everything that
/// follows a schema down is recursive.
pub(super) const MAX_LEVELS: usize = 200;

/// Returns the schema that `node` describes; `levels` more may be inside each other.
pub(super) fn read(node: &Node<'_>, replace_null: bool, levels: usize) -> Result<Schema, ConnectError> {
    let Some(levels) = levels.checked_sub(1) else {
        return Err(ConnectError::data(format!("more than {MAX_LEVELS} schemas inside each other")));
    };
    let mut schema = Schema::new(kind(node, replace_null, levels)?);
    schema.optional = matches!(node.member("optional"), Some(Node::Boolean(true)));
    let text = |name| node.member(name).and_then(Node::as_str).map(str::to_owned);
    schema.name = text("name");
    schema.doc = text("doc");
    if let Some(Node::Number(number)) = node.member("version")
        && number.integral
    {
        schema.version = Some(number.low_bits() as i32);
    }
    if let Some(Node::Object(parameters)) = node.member("parameters") {
        for (name, value) in parameters {
            let value = value
                .as_str()
                .ok_or_else(|| ConnectError::data("Schema parameters must have string values."))?;
            schema.parameters.insert(name.clone().into_owned(), value.to_owned());
        }
    }
    if let Some(default) = node.member("default") {
        schema.default = default_value(&schema, default, replace_null)?;
    }
    Ok(schema)
}

fn kind(node: &Node<'_>, replace_null: bool, levels: usize) -> Result<SchemaKind, ConnectError> {
    let inner = |name, missing| match node.member(name) {
        None | Some(Node::Null) => Err(ConnectError::data(missing)),
        Some(node) => read(node, replace_null, levels).map(|schema| Some(Arc::new(schema))),
    };
    let name = node.member("type").and_then(Node::as_str);
    Ok(match name.ok_or_else(|| ConnectError::data("Schema must contain 'type' field"))? {
        "boolean" => SchemaKind::Boolean,
        "int8" => SchemaKind::Int8,
        "int16" => SchemaKind::Int16,
        "int32" => SchemaKind::Int32,
        "int64" => SchemaKind::Int64,
        "float" => SchemaKind::Float32,
        "double" => SchemaKind::Float64,
        "bytes" => SchemaKind::Bytes,
        "string" => SchemaKind::String,
        "array" => SchemaKind::Array(inner("items", "Array schema did not specify the element type")?),
        "map" => SchemaKind::Map(
            inner("keys", "Map schema did not specify the key type")?,
            inner("values", "Map schema did not specify the value type")?,
        ),
        "struct" => SchemaKind::Struct(fields(node, replace_null, levels)?),
        other => {
            return Err(ConnectError::data(format!("Unknown schema type: {other}")).because(
                "known are boolean, int8, int16, int32, int64, float, double, bytes, string, array, map, struct",
            ));
        }
    })
}

fn fields(node: &Node<'_>, replace_null: bool, levels: usize) -> Result<Vec<Field>, ConnectError> {
    let Some(Node::Array(nodes)) = node.member("fields") else {
        return Err(ConnectError::data("Struct schema's \"fields\" argument is not an array."));
    };
    let mut fields = Vec::with_capacity(nodes.len());
    let mut names = HashSet::with_capacity(nodes.len());
    for node in nodes {
        let name = node
            .member("field")
            .and_then(Node::as_str)
            .ok_or_else(|| ConnectError::data("Struct schema's field name not specified properly"))?;
        let schema = Arc::new(read(node, replace_null, levels)?);
        if name.is_empty() {
            return Err(schema_error("fieldName cannot be null."));
        }
        if !names.insert(name) {
            return Err(schema_error(format!(
                "Cannot create field because of field name duplication {name}"
            )));
        }
        fields.push(Field { name: name.to_owned(), schema });
    }
    Ok(fields)
}

fn default_value(
    schema: &Schema,
    node: &Node<'_>,
    replace_null: bool,
) -> Result<Option<Value<'static>>, ConnectError> {
    // Only the schema of a struct is kept in its value, and a default cannot be a struct.
    let value = payload::read(&Arc::new(schema.clone()), node.clone(), replace_null)?;
    match value {
        // In Java the struct belongs to a schema that is still being built, which no other equals.
        Value::Struct(_) => {
            Err(schema_error("Invalid default value").because("a struct schema cannot have a default here"))
        }
        Value::Null if schema.optional => Ok(None),
        value => {
            check_nulls("null", schema, &value)
                .map_err(|error| schema_error("Invalid default value").because(error.message().to_owned()))?;
            Ok(Some(value.into_owned()))
        }
    }
}
