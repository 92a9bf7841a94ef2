//! From Connect's schema and values to an Avro schema and data.
//!
//! Follows Confluent's `AvroData`. The schema of a value is the struct's own where a schema contains itself.

use std::collections::HashMap;

use coherence_kafka_connect::data::{
    DATE, DECIMAL, Field, SCALE, Schema, SchemaKind, Struct, TIME, TIMESTAMP, Value,
};
use serde_json::{Map, Value as Json, json};

use super::plan::NAMESPACE;
use crate::names::identifier;

const MILLIS_PER_DAY: i64 = 86_400_000;
const UNION: &str = "io.confluent.connect.avro.Union";
const ENUM: &str = "io.confluent.connect.avro.Enum";
const DEFAULT_FLAG: &str = "io.confluent.connect.avro.field.default";
/// Schemas and values inside each other at most.
const MAX_LEVELS: usize = 200;

/// The options that change the schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct WriteOptions {
    /// `enhanced.avro.schema.support`: enums stay enums.
    pub(super) enhanced: bool,
    /// `connect.meta.data`.
    pub(super) meta_data: bool,
    /// `scrub.invalid.names`: what cannot be in a name is replaced.
    pub(super) scrub: bool,
}

/// What an Avro schema writes schemaless data as.
const ANYTHING: &str = r#"{"type":"record","name":"Anything","namespace":"io.confluent.connect.avro","fields":[
{"name":"boolean","type":["null","boolean"],"default":null},{"name":"bytes","type":["null","bytes"],"default":null},
{"name":"double","type":["null","double"],"default":null},{"name":"float","type":["null","float"],"default":null},
{"name":"int","type":["null","int"],"default":null},{"name":"long","type":["null","long"],"default":null},
{"name":"string","type":["null","string"],"default":null},
{"name":"array","type":["null",{"type":"array","items":"Anything"}],"default":null},
{"name":"map","type":["null",{"type":"array","items":{"type":"record","name":"MapEntry","fields":[
{"name":"key","type":"Anything"},{"name":"value","type":"Anything"}]}}],"default":null}]}"#;

/// Returns the text of the Avro schema of data with this schema.
pub(super) fn schema_text(schema: Option<&Schema>, options: WriteOptions) -> Result<String, String> {
    let Some(schema) = schema else { return Ok(ANYTHING.replace('\n', "")) };
    let mut writer = SchemaWriter { options, named: HashMap::new(), levels: 0 };
    writer.schema(schema, false).map(|json| json.to_string())
}

struct SchemaWriter {
    options: WriteOptions,
    /// The named types so far; those that are not whole yet have no text.
    named: HashMap<String, Option<Json>>,
    levels: usize,
}

impl SchemaWriter {
    fn schema(&mut self, schema: &Schema, required: bool) -> Result<Json, String> {
        self.levels += 1;
        if self.levels > MAX_LEVELS {
            return Err(format!("more than {MAX_LEVELS} schemas inside each other"));
        }
        let base = self.base(schema)?;
        self.levels -= 1;
        if required || !schema.optional || base.is_array() {
            return Ok(base);
        }
        Ok(if value_first(schema) { json!([base, "null"]) } else { json!(["null", base]) })
    }

    fn base(&mut self, schema: &Schema) -> Result<Json, String> {
        let mut json = match &schema.kind {
            SchemaKind::Int8 | SchemaKind::Int16 | SchemaKind::Int32 => json!({"type": "int"}),
            SchemaKind::Int64 => json!({"type": "long"}),
            SchemaKind::Float32 => json!({"type": "float"}),
            SchemaKind::Float64 => json!({"type": "double"}),
            SchemaKind::Boolean => json!({"type": "boolean"}),
            SchemaKind::String => match symbols(schema).filter(|_| self.options.enhanced) {
                Some((name, symbols)) => {
                    let name = self.full_name(name)?;
                    let json = json!({"type": "enum", "name": name, "symbols": symbols});
                    return self.named(name, json);
                }
                None => json!({"type": "string"}),
            },
            SchemaKind::Bytes => {
                let mut json = json!({"type": "bytes"});
                if schema.name.as_deref() == Some(DECIMAL) {
                    let number =
                        |key: &str| schema.parameters.get(key).and_then(|text| text.parse::<i32>().ok());
                    json["scale"] = number(SCALE).ok_or("a decimal without the parameter scale")?.into();
                    json["precision"] = number("connect.decimal.precision").unwrap_or(64).into();
                }
                json
            }
            SchemaKind::Array(items) => {
                let items = items.as_deref().ok_or("an array without the schema of its elements")?;
                json!({"type": "array", "items": self.schema(items, false)?})
            }
            SchemaKind::Map(Some(keys), Some(values))
                if keys.kind == SchemaKind::String && !keys.optional =>
            {
                json!({"type": "map", "values": self.schema(values, false)?})
            }
            SchemaKind::Map(Some(keys), Some(values)) => {
                let fields =
                    [self.record_field("key", keys, None)?, self.record_field("value", values, None)?];
                let name = schema.name.clone().unwrap_or_else(|| format!("{NAMESPACE}.MapEntry"));
                let mut entry = json!({"type": "record", "name": name, "fields": fields});
                if schema.name.is_some() {
                    entry["connect.internal.type"] = "MapEntry".into();
                }
                json!({"type": "array", "items": self.named(name, entry)?})
            }
            SchemaKind::Map(..) => return Err("a map without the schemas of its entries".to_owned()),
            SchemaKind::Struct(fields) if schema.name.as_deref() == Some(UNION) => {
                let mut members = if schema.optional { vec![json!("null")] } else { Vec::new() };
                for field in fields {
                    members.push(self.schema(&field.schema, true)?);
                }
                return Ok(Json::Array(members));
            }
            SchemaKind::Struct(fields) => return self.record(schema, fields),
        };
        self.annotate(schema, &mut json);
        // Without anything else a primitive type is its name.
        match json.as_object() {
            Some(members) if members.len() == 1 => Ok(json["type"].take()),
            _ => Ok(json),
        }
    }

    fn record(&mut self, schema: &Schema, fields: &[Field]) -> Result<Json, String> {
        let name = match &schema.name {
            Some(name) => self.full_name(name)?,
            None => format!("{NAMESPACE}.ConnectDefault"),
        };
        match self.named.get(&name) {
            // The schema is inside itself here.
            Some(None) => return Ok(name.into()),
            Some(Some(_)) => {}
            None => drop(self.named.insert(name.clone(), None)),
        }
        let mut written = Vec::with_capacity(fields.len());
        for field in fields {
            let doc = schema.parameters.get(&format!("{NAMESPACE}.field.doc.{}", field.name));
            written.push(self.record_field(&field.name, &field.schema, doc.map(String::as_str))?);
        }
        let mut json = json!({"type": "record", "name": name, "fields": written});
        if let Some(doc) = schema.parameters.get(&format!("{NAMESPACE}.record.doc")) {
            json["doc"] = doc.as_str().into();
        }
        self.annotate(schema, &mut json);
        self.named(name, json)
    }

    /// Returns the name of a type, with its namespace, as Avro allows it.
    fn full_name(&self, name: &str) -> Result<String, String> {
        let parts: Result<Vec<_>, _> = name.split('.').map(|part| self.identifier(part)).collect();
        Ok(parts?.join("."))
    }

    fn identifier(&self, name: &str) -> Result<String, String> {
        identifier(name, self.options.scrub, "Avro", true)
    }

    /// Returns a named type: its text where it comes first, then its name.
    fn named(&mut self, name: String, json: Json) -> Result<Json, String> {
        match self.named.get(&name) {
            Some(Some(known)) if *known == json => Ok(name.into()),
            Some(Some(_)) => Err(format!("two schemas are named {name}")),
            Some(None) | None => {
                self.named.insert(name, Some(json.clone()));
                Ok(json)
            }
        }
    }

    fn record_field(&mut self, name: &str, schema: &Schema, doc: Option<&str>) -> Result<Json, String> {
        let mut field = json!({"name": self.identifier(name)?, "type": self.schema(schema, false)?});
        if let Some(doc) = doc {
            field["doc"] = doc.into();
        }
        match schema.default.as_ref().and_then(|value| default(schema, value)) {
            Some(value) => field["default"] = value,
            None if schema.optional => field["default"] = Json::Null,
            None => {}
        }
        Ok(field)
    }

    fn annotate(&self, schema: &Schema, json: &mut Json) {
        if self.options.meta_data {
            if let Some(doc) = &schema.doc {
                json["connect.doc"] = doc.as_str().into();
            }
            if let Some(version) = schema.version {
                json["connect.version"] = version.into();
            }
            if !schema.parameters.is_empty() {
                json["connect.parameters"] = json!(schema.parameters);
            }
            if let Some(value) =
                schema.default.as_ref().filter(|_| !schema.parameters.contains_key(DEFAULT_FLAG))
                && let Some(value) = default(schema, value)
            {
                json["connect.default"] = value;
            }
            if let Some(name) = &schema.name {
                json["connect.name"] = name.as_str().into();
            }
            match schema.kind {
                SchemaKind::Int8 => json["connect.type"] = "int8".into(),
                SchemaKind::Int16 => json["connect.type"] = "int16".into(),
                _ => {}
            }
        }
        for (key, value) in schema.parameters.iter().filter(|(key, _)| key.starts_with("avro")) {
            json[key.as_str()] = value.as_str().into();
        }
        let logical = match schema.name.as_deref() {
            Some(DECIMAL) => "decimal",
            Some(DATE) => "date",
            Some(TIME) => "time-millis",
            Some(TIMESTAMP) => "timestamp-millis",
            _ => return,
        };
        json["logicalType"] = logical.into();
    }
}

/// Returns true where a union with null has the value first, because a default is of the first member.
fn value_first(schema: &Schema) -> bool {
    let is_struct = matches!(schema.kind, SchemaKind::Struct(_));
    !is_struct && schema.default.as_ref().is_some_and(|value| default(schema, value).is_some())
}

/// Returns the name and the symbols of an enum.
fn symbols(schema: &Schema) -> Option<(&str, Vec<&str>)> {
    let name = schema.parameters.get(ENUM)?;
    let symbols = schema.parameters.iter().filter(|(key, _)| key.starts_with(ENUM) && key.len() > ENUM.len());
    Some((name, symbols.map(|(_, symbol)| symbol.as_str()).collect()))
}

/// Returns a default value in JSON; none for types whose defaults are not written.
fn default(schema: &Schema, value: &Value<'_>) -> Option<Json> {
    Some(match value {
        Value::Boolean(value) => json!(value),
        Value::Int8(number) => json!(number),
        Value::Int16(number) => json!(number),
        Value::Int32(number) => json!(number),
        Value::Int64(number) | Value::Time(number) | Value::Timestamp(number) => json!(number),
        Value::Date(millis) => json!(millis / MILLIS_PER_DAY),
        Value::Float32(number) => json!(number),
        Value::Float64(number) => json!(number),
        Value::String(text) => json!(text),
        Value::Bytes(bytes) => bytes.iter().map(|&byte| char::from(byte)).collect::<String>().into(),
        Value::Decimal { unscaled, .. } => {
            unscaled.to_signed_bytes_be().iter().map(|&byte| char::from(byte)).collect::<String>().into()
        }
        Value::Array(items) => {
            let SchemaKind::Array(Some(of)) = &schema.kind else { return None };
            items.iter().map(|item| default(of, item)).collect::<Option<_>>()?
        }
        Value::Map(entries) => {
            let SchemaKind::Map(_, Some(of)) = &schema.kind else { return None };
            let entry = |(key, value): &(Value<'_>, Value<'_>)| match key {
                Value::String(key) => Some((key.to_string(), default(of, value)?)),
                _ => None,
            };
            Json::Object(entries.iter().map(entry).collect::<Option<Map<_, _>>>()?)
        }
        _ => return None,
    })
}

/// Writes data with the schema that [`schema_text`] gives.
pub(super) fn data(
    schema: Option<&Schema>,
    value: &Value<'_>,
    options: WriteOptions,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    match (schema, value) {
        (None, value) => anything(value, MAX_LEVELS, out),
        // At the top, bytes are written as they are.
        (Some(schema), Value::Bytes(bytes)) if schema.kind == SchemaKind::Bytes && !schema.optional => {
            out.extend_from_slice(bytes);
            Ok(())
        }
        (Some(schema), Value::Decimal { unscaled, scale }) if !schema.optional => {
            check_scale(schema, *scale)?;
            out.extend_from_slice(&unscaled.to_signed_bytes_be());
            Ok(())
        }
        (Some(schema), value) => any(schema, value, options, MAX_LEVELS, out),
    }
}

fn any(
    schema: &Schema,
    value: &Value<'_>,
    options: WriteOptions,
    levels: usize,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let levels = levels.checked_sub(1).ok_or("more than 200 values inside each other")?;
    let is_union = schema.name.as_deref() == Some(UNION);
    if schema.optional && !is_union {
        let is_null = *value == Value::Null;
        long(i64::from(is_null == value_first(schema)), out);
        if is_null {
            return Ok(());
        }
    }
    required(schema, value, options, levels, out)
}

/// Writes a value without the union that allows null.
fn required(
    schema: &Schema,
    value: &Value<'_>,
    options: WriteOptions,
    levels: usize,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let is_union = schema.name.as_deref() == Some(UNION);
    let value = match (value, &schema.default) {
        (Value::Null, Some(default)) => default,
        (value, _) => value,
    };
    match (&schema.kind, value) {
        (SchemaKind::Boolean, Value::Boolean(value)) => out.push(u8::from(*value)),
        (SchemaKind::Int8, Value::Int8(number)) => long((*number).into(), out),
        (SchemaKind::Int16, Value::Int16(number)) => long((*number).into(), out),
        (SchemaKind::Int32, Value::Int32(number)) => long((*number).into(), out),
        (SchemaKind::Int64, Value::Int64(number) | Value::Timestamp(number)) => long(*number, out),
        (SchemaKind::Int32, Value::Time(millis)) => long(*millis, out),
        (SchemaKind::Int32, Value::Date(millis)) => long(millis.div_euclid(MILLIS_PER_DAY), out),
        (SchemaKind::Float32, Value::Float32(number)) => out.extend_from_slice(&number.to_le_bytes()),
        (SchemaKind::Float64, Value::Float64(number)) => out.extend_from_slice(&number.to_le_bytes()),
        (SchemaKind::String, Value::String(text)) => match symbols(schema).filter(|_| options.enhanced) {
            Some((_, symbols)) => {
                let at = symbols.iter().position(|symbol| symbol == text).ok_or("no symbol of the enum")?;
                long(i64::try_from(at).unwrap_or(i64::MAX), out);
            }
            None => bytes(text.as_bytes(), out),
        },
        (SchemaKind::Bytes, Value::Bytes(content)) => bytes(content, out),
        (SchemaKind::Bytes, Value::Decimal { unscaled, scale }) => {
            check_scale(schema, *scale)?;
            bytes(&unscaled.to_signed_bytes_be(), out);
        }
        (SchemaKind::Array(Some(of)), Value::Array(items)) => {
            block(items.len(), out);
            for item in items {
                any(of, item, options, levels, out)?;
            }
            end_of_blocks(items.len(), out);
        }
        (SchemaKind::Map(Some(keys), Some(values)), Value::Map(entries)) => {
            block(entries.len(), out);
            for (key, value) in entries {
                any(keys, key, options, levels, out)?;
                any(values, value, options, levels, out)?;
            }
            end_of_blocks(entries.len(), out);
        }
        (SchemaKind::Struct(_), Value::Null) if is_union && schema.optional => long(0, out),
        (SchemaKind::Struct(_), Value::Struct(of)) if is_union => {
            let (at, value) = member(of)?;
            long(i64::try_from(at).unwrap_or(i64::MAX) + i64::from(schema.optional), out);
            // The null that the member's own schema allows is that of the union.
            required(&of.schema.fields()[at].schema, value, options, levels, out)?;
        }
        (SchemaKind::Struct(_), Value::Struct(of)) => {
            for (field, value) in of.schema.fields().iter().zip(&of.values) {
                any(&field.schema, value, options, levels, out).map_err(|why| inside(&field.name, &why))?;
            }
        }
        (kind, Value::Null) => return Err(format!("null for a required {kind}")),
        (kind, _) => return Err(format!("a value that is not of {kind}")),
    }
    Ok(())
}

/// Returns the member of a union that is set.
fn member<'v, 'a>(of: &'v Struct<'a>) -> Result<(usize, &'v Value<'a>), String> {
    let set = of.values.iter().enumerate().find(|(_, value)| **value != Value::Null);
    set.ok_or_else(|| "a union of which no member is set".to_owned())
}

pub(super) fn inside(field: &str, why: &str) -> String {
    match why.strip_prefix("field ") {
        Some(rest) => format!("field {field}.{rest}"),
        None => format!("field {field}: {why}"),
    }
}

fn check_scale(schema: &Schema, scale: i32) -> Result<(), String> {
    let expected = schema.parameters.get(SCALE).and_then(|text| text.parse::<i32>().ok());
    if expected == Some(scale) {
        Ok(())
    } else {
        Err("a decimal whose scale is not that of its schema".to_owned())
    }
}

/// Writes schemaless data: a record of nine fields, of which one is set.
fn anything(value: &Value<'_>, levels: usize, out: &mut Vec<u8>) -> Result<(), String> {
    let levels = levels.checked_sub(1).ok_or("more than 200 values inside each other")?;
    let position = match value {
        Value::Null => 9,
        Value::Boolean(_) => 0,
        Value::Bytes(_) => 1,
        Value::Float64(_) => 2,
        Value::Float32(_) => 3,
        Value::Int8(_) | Value::Int16(_) | Value::Int32(_) => 4,
        Value::Int64(_) => 5,
        Value::String(_) => 6,
        Value::Array(_) => 7,
        Value::Map(_) => 8,
        _ => return Err("a value without a schema that Avro cannot express".to_owned()),
    };
    for field in 0..9 {
        long(i64::from(field == position), out);
        if field != position {
            continue;
        }
        match value {
            Value::Boolean(value) => out.push(u8::from(*value)),
            Value::Bytes(content) => bytes(content, out),
            Value::Float64(number) => out.extend_from_slice(&number.to_le_bytes()),
            Value::Float32(number) => out.extend_from_slice(&number.to_le_bytes()),
            Value::Int8(number) => long((*number).into(), out),
            Value::Int16(number) => long((*number).into(), out),
            Value::Int32(number) => long((*number).into(), out),
            Value::Int64(number) => long(*number, out),
            Value::String(text) => bytes(text.as_bytes(), out),
            Value::Array(items) => {
                block(items.len(), out);
                for item in items {
                    anything(item, levels, out)?;
                }
                end_of_blocks(items.len(), out);
            }
            Value::Map(entries) => {
                block(entries.len(), out);
                for (key, value) in entries {
                    anything(key, levels, out)?;
                    anything(value, levels, out)?;
                }
                end_of_blocks(entries.len(), out);
            }
            _ => {}
        }
    }
    Ok(())
}

fn block(count: usize, out: &mut Vec<u8>) {
    long(i64::try_from(count).unwrap_or(i64::MAX), out);
}

/// Ends the blocks with an empty one, which a block without elements is already.
fn end_of_blocks(count: usize, out: &mut Vec<u8>) {
    if count > 0 {
        out.push(0);
    }
}

fn bytes(content: &[u8], out: &mut Vec<u8>) {
    block(content.len(), out);
    out.extend_from_slice(content);
}

fn long(number: i64, out: &mut Vec<u8>) {
    let mut rest = ((number << 1) ^ (number >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}
