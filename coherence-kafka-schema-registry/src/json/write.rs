//! From Connect's schema to JSON Schema.
//!
//! Follows Confluent's `JsonSchemaData`: what is optional is `oneOf` with null, and what JSON Schema cannot express is in
//! `connect.*`. A schema that contains itself stands under `definitions`.

use std::collections::BTreeMap;

use coherence_kafka_connect::data::{DECIMAL, Field, Schema, SchemaKind};
use serde_json::{Map, Value as Json, json};

use super::schema::NAMESPACE;
use super::text::{self, WriteOptions, has_names, is_union};
use super::tree::Node;

/// The place of an object that contains itself at the top.
const ROOT: &str = "#";
/// Schemas inside each other at most.
const MAX_LEVELS: usize = 200;

/// Returns the text of the JSON Schema of data with this schema.
pub(super) fn schema_text(schema: &Schema, options: WriteOptions) -> Result<String, String> {
    let mut writer = SchemaWriter { options, open: Vec::new(), definitions: Map::new(), levels: 0 };
    let mut json = writer.any(schema, None)?;
    if !writer.definitions.is_empty() {
        json["definitions"] = Json::Object(writer.definitions);
    }
    let text = json.to_string();
    // Its depth is limited, and what is written can be read.
    Node::parse(&text)?;
    Ok(text)
}

struct SchemaWriter<'s> {
    options: WriteOptions,
    /// The objects around what is written, and how they are referred to inside.
    open: Vec<(&'s Schema, String)>,
    definitions: Map<String, Json>,
    levels: usize,
}

impl<'s> SchemaWriter<'s> {
    fn any(&mut self, schema: &'s Schema, index: Option<usize>) -> Result<Json, String> {
        let is_union = is_union(schema);
        let mut json = match is_union {
            true => self.union(schema)?,
            false => self.one(schema, !schema.optional && index.is_none())?,
        };
        if schema.optional && !is_union {
            json = json!({"oneOf": [{"type": "null"}, json]});
        }
        if let Some(index) = index {
            json["connect.index"] = index.into();
        }
        Ok(json)
    }

    fn union(&mut self, schema: &'s Schema) -> Result<Json, String> {
        let mut members = if schema.optional { vec![json!({"type": "null"})] } else { Vec::new() };
        for (at, field) in schema.fields().iter().enumerate() {
            // The null that the member's own schema allows is that of the union.
            let mut member = match is_union(&field.schema) {
                true => self.union(&field.schema)?,
                false => self.one(&field.schema, false)?,
            };
            member["connect.index"] = at.into();
            members.push(member);
        }
        Ok(json!({ "oneOf": members }))
    }

    /// Writes a schema without what makes it optional; `may_be_root` where nothing is around it yet.
    fn one(&mut self, schema: &'s Schema, may_be_root: bool) -> Result<Json, String> {
        if !contains_itself(schema) {
            if let Some(reference) = self.reference(schema) {
                return Ok(json!({ "$ref": reference }));
            }
            return self.base(schema);
        }
        let name = schema.name.clone().unwrap_or_default();
        if may_be_root && self.open.is_empty() {
            self.open.push((schema, ROOT.to_owned()));
            return self.base(schema);
        }
        let reference = format!("#/definitions/{}", name.replace('~', "~0").replace('/', "~1"));
        self.open.push((schema, reference.clone()));
        let definition = self.base(schema)?;
        self.open.pop();
        match self.definitions.get(&name) {
            Some(known) if *known != definition => {
                return Err(format!("two schemas that contain themselves are named {name}"));
            }
            _ => drop(self.definitions.insert(name, definition)),
        }
        Ok(json!({ "$ref": reference }))
    }

    /// Returns the reference to the object around it that a schema with a name and without fields stands for.
    fn reference(&self, schema: &Schema) -> Option<&str> {
        let name = schema.name.as_ref().filter(|_| is_empty_struct(schema))?;
        let open = self.open.iter().rev().find(|(open, _)| open.name.as_ref() == Some(name));
        open.map(|(_, reference)| reference.as_str())
    }

    fn base(&mut self, schema: &'s Schema) -> Result<Json, String> {
        self.levels += 1;
        if self.levels > MAX_LEVELS {
            return Err(format!("more than {MAX_LEVELS} schemas inside each other"));
        }
        let mut json = match &schema.kind {
            SchemaKind::Int8 => json!({"type": "integer", "connect.type": "int8"}),
            SchemaKind::Int16 => json!({"type": "integer", "connect.type": "int16"}),
            SchemaKind::Int32 => json!({"type": "integer", "connect.type": "int32"}),
            SchemaKind::Int64 => json!({"type": "integer", "connect.type": "int64"}),
            SchemaKind::Float32 => json!({"type": "number", "connect.type": "float32"}),
            SchemaKind::Float64 => json!({"type": "number", "connect.type": "float64"}),
            SchemaKind::Boolean => json!({"type": "boolean"}),
            SchemaKind::String if schema.parameters.contains_key(&enum_name()) => {
                let prefix = format!("{}.", enum_name());
                let symbols = schema.parameters.keys().filter_map(|key| key.strip_prefix(&prefix));
                json!({"enum": symbols.collect::<Vec<_>>()})
            }
            SchemaKind::String => json!({"type": "string"}),
            SchemaKind::Bytes => {
                let json_type = if schema.name.as_deref() == Some(DECIMAL) { "number" } else { "string" };
                json!({"type": json_type, "connect.type": "bytes"})
            }
            SchemaKind::Array(items) => {
                let items = items.as_deref().ok_or("an array without the schema of its elements")?;
                json!({"type": "array", "items": self.any(items, None)?})
            }
            SchemaKind::Map(Some(keys), Some(values)) if has_names(keys) => {
                json!({"type": "object", "connect.type": "map", "additionalProperties": self.any(values, None)?})
            }
            SchemaKind::Map(Some(keys), Some(values)) => {
                let properties =
                    json!({"key": self.any(keys, Some(0))?, "value": self.any(values, Some(1))?});
                let entry = json!({"type": "object", "properties": properties});
                json!({"type": "array", "connect.type": "map", "items": entry})
            }
            SchemaKind::Map(..) => return Err("a map without the schemas of its entries".to_owned()),
            SchemaKind::Struct(fields) => self.object(fields)?,
        };
        self.levels -= 1;
        if let Some(name) = &schema.name {
            json["title"] = name.as_str().into();
        }
        if let Some(version) = schema.version {
            json["connect.version"] = version.into();
        }
        if let Some(doc) = &schema.doc {
            json["description"] = doc.as_str().into();
        }
        let parameters: BTreeMap<_, _> =
            schema.parameters.iter().filter(|(key, _)| !key.starts_with(NAMESPACE)).collect();
        if !parameters.is_empty() {
            json["connect.parameters"] = json!(parameters);
        }
        if let Some(default) = &schema.default {
            // Decimals in their bytes, because a JSON number does not keep the zeros at its end.
            let options = WriteOptions { numeric_decimals: false, ..self.options };
            let mut text = Vec::new();
            text::required(schema, default, options, &mut text)?;
            let text = String::from_utf8(text).map_err(|_| "a default value that is no text")?;
            json["default"] = value_of(&Node::parse(&text)?);
        }
        Ok(json)
    }

    fn object(&mut self, fields: &'s [Field]) -> Result<Json, String> {
        let mut properties = Map::with_capacity(fields.len());
        for (at, field) in fields.iter().enumerate() {
            properties.insert(field.name.clone(), self.any(&field.schema, Some(at))?);
        }
        let mut json = json!({"type": "object", "properties": properties});
        if !self.options.additional_properties {
            json["additionalProperties"] = false.into();
        }
        Ok(json)
    }
}

fn value_of(node: &Node<'_>) -> Json {
    match node {
        Node::Null => Json::Null,
        Node::Boolean(value) => json!(value),
        Node::Number(number) if number.is_integer => node.as_i64().into(),
        Node::Number(number) => number.text.parse::<f64>().ok().into(),
        Node::String(text) => json!(text),
        Node::Array(items) => items.iter().map(value_of).collect(),
        Node::Object(members) => {
            members.iter().map(|(name, value)| (name.to_string(), value_of(value))).collect()
        }
    }
}

fn enum_name() -> String {
    format!("{NAMESPACE}.Enum")
}

fn is_empty_struct(schema: &Schema) -> bool {
    matches!(&schema.kind, SchemaKind::Struct(fields) if fields.is_empty())
}

/// Returns whether a struct with this name and without fields is inside the struct.
fn contains_itself(schema: &Schema) -> bool {
    fn contains(schema: &Schema, name: &String) -> bool {
        if is_empty_struct(schema) {
            return schema.name.as_ref() == Some(name);
        }
        match &schema.kind {
            SchemaKind::Array(items) => items.iter().any(|items| contains(items, name)),
            SchemaKind::Map(keys, values) => keys.iter().chain(values).any(|of| contains(of, name)),
            SchemaKind::Struct(fields) => fields.iter().any(|field| contains(&field.schema, name)),
            _ => false,
        }
    }
    let is_inside = |name| schema.fields().iter().any(|field| contains(&field.schema, name));
    schema.name.as_ref().is_some_and(is_inside)
}

#[cfg(test)]
mod tests;
