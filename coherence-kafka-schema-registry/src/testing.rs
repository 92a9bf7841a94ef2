//! What the tests of the converters have in common: Connect's data as JSON, and vectors.

use std::collections::BTreeMap;
use std::sync::Arc;

use coherence_kafka_connect::converter::{Converter, Role, create_from};
use coherence_kafka_connect::data::{Field, Schema, SchemaAndValue, SchemaKind, Value};
use serde_json::{Value as Json, json};

use crate::CLASSES;
use crate::converter::Format;
use crate::framing::Framed;
use crate::registry::RegisteredSchema;
use crate::registry::fake::{FakeRegistry, Reply};

pub(crate) mod generate;

pub(crate) fn converter(class: &str, url: &str, more: &[(&str, &str)]) -> Arc<dyn Converter> {
    let options = [&[("schema.registry.url", url)], more].concat();
    let options: BTreeMap<_, _> =
        options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    create_from(&[&CLASSES], class, Role::Value, &options).unwrap()
}

/// A registry with these answers by their ids.
pub(crate) fn registry_of(answers: &[Json]) -> FakeRegistry {
    let answers: Vec<_> = answers
        .iter()
        .enumerate()
        .map(|(id, body)| (format!("/schemas/ids/{id}?subject=t-value"), body.to_string()))
        .collect();
    let answers: Vec<_> = answers.iter().map(|(path, body)| (&**path, &**body)).collect();
    FakeRegistry::with(&answers)
}

/// A registry that gives every schema the id 1, and answers with the one that was registered last.
pub(crate) fn writable() -> FakeRegistry {
    let last = parking_lot::Mutex::new(String::new());
    FakeRegistry::start(move |seen| match &*seen.line {
        line if line.starts_with("POST") => {
            let body: Json = serde_json::from_str(&seen.body).unwrap();
            *last.lock() = json!({"schema": body["schema"], "schemaType": body["schemaType"]}).to_string();
            Reply::Answer(200, r#"{"id":1}"#.to_owned())
        }
        _ => Reply::Answer(200, last.lock().clone()),
    })
}

/// The frame and `data`.
pub(crate) fn framed(id: usize, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    crate::framing::write(u32::try_from(id).unwrap(), &mut bytes);
    bytes.extend_from_slice(data);
    bytes
}

/// Runs vectors: each has the answer of the registry for its schema, the data behind the id in `hex`, and what Connect
/// makes of it. Returns what differs, a line each.
pub(crate) fn differences(class: &str, vectors: &str, answer: impl Fn(&Json) -> Json) -> Vec<String> {
    let cases: Vec<Json> = vectors.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(cases.len() > 10, "the vectors were read");
    let fake = registry_of(&cases.iter().map(&answer).collect::<Vec<_>>());
    let mut differences = Vec::new();
    for (id, case) in cases.iter().enumerate() {
        let config: Vec<_> = case["config"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str().unwrap()))
            .collect();
        let bytes = framed(id, &unhex(case["hex"].as_str().unwrap()));
        let converter = converter(class, &fake.url, &config);
        let got = converter.to_connect("t", &(), Some(&bytes));
        let same = match (&got, case["outcome"].as_str().unwrap()) {
            (Ok(data), "value") => {
                sorted(data_json(data)) == sorted(json!([case["connect_schema"], case["value"]]))
            }
            (Err(error), "error") => !error.is_retriable(),
            _ => false,
        };
        if !same {
            let got = got.map(|data| data_json(&data).to_string());
            let expected = json!([case["connect_schema"], case["value"], case["message"]]);
            differences.push(format!("{}\n   expected {expected}\n   got      {got:?}", case["note"]));
        }
    }
    differences
}

pub(crate) fn data_json(data: &SchemaAndValue<'_>) -> Json {
    json!([data.schema.as_ref().map(|schema| schema_json(schema)), value_json(&data.value)])
}

pub(crate) fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

pub(crate) fn schema_json(schema: &Schema) -> Json {
    let mut json = json!({ "type": schema.kind.to_string() });
    if schema.optional {
        json["optional"] = true.into();
    }
    if let Some(name) = &schema.name {
        json["name"] = name.as_str().into();
    }
    if let Some(version) = schema.version {
        json["version"] = version.into();
    }
    if let Some(doc) = &schema.doc {
        json["doc"] = doc.as_str().into();
    }
    if !schema.parameters.is_empty() {
        json["parameters"] = json!(schema.parameters);
    }
    if let Some(default) = &schema.default {
        json["default"] = value_json(default);
    }
    match &schema.kind {
        SchemaKind::Array(items) => json["items"] = schema_json(items.as_ref().unwrap()),
        SchemaKind::Map(keys, values) => {
            json["keys"] = schema_json(keys.as_ref().unwrap());
            json["values"] = schema_json(values.as_ref().unwrap());
        }
        SchemaKind::Struct(fields) => {
            let field = |field: &Field| json!({ "field": field.name, "schema": schema_json(&field.schema) });
            json["fields"] = fields.iter().map(field).collect();
        }
        _ => {}
    }
    json
}

pub(crate) fn value_json(value: &Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => json!(value),
        Value::Int8(value) => json!({ "i8": value }),
        Value::Int16(value) => json!({ "i16": value }),
        Value::Int32(value) => json!({ "i32": value }),
        Value::Int64(value) => json!({ "i64": value }),
        Value::Float32(value) => json!({ "f32": value.to_bits() }),
        Value::Float64(value) => json!({ "f64": value.to_bits() }),
        Value::String(text) => json!(text),
        Value::Bytes(bytes) => json!({ "bytes": hex(bytes) }),
        Value::Decimal { unscaled, scale } => {
            json!({ "dec": { "unscaled": unscaled.to_string(), "scale": scale } })
        }
        Value::Date(millis) | Value::Time(millis) | Value::Timestamp(millis) => json!({ "date": millis }),
        Value::Array(items) => items.iter().map(value_json).collect(),
        Value::Map(entries) => {
            let entries: Vec<_> =
                entries.iter().map(|(k, v)| json!([value_json(k), value_json(v)])).collect();
            json!({ "map": entries })
        }
        Value::Struct(of) => {
            let fields = of.schema.fields().iter().zip(&of.values);
            let fields: serde_json::Map<_, _> =
                fields.map(|(field, value)| (field.name.clone(), value_json(value))).collect();
            json!({ "struct": fields })
        }
        other => panic!("no converter gives {other:?}"),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Entries of maps in an order of their own, and the texts of floating point numbers as their bits.
pub(crate) fn sorted(json: Json) -> Json {
    match json {
        Json::Array(items) => items.into_iter().map(sorted).collect(),
        Json::Object(members) => members
            .into_iter()
            .map(|(name, value)| match (&*name, sorted(value)) {
                ("map", Json::Array(mut entries)) => {
                    entries.sort_by_key(|entry| entry[0].to_string());
                    (name, Json::Array(entries))
                }
                ("f32", Json::String(text)) => (name, json!(text.parse::<f32>().unwrap().to_bits())),
                ("f64", Json::String(text)) => (name, json!(text.parse::<f64>().unwrap().to_bits())),
                (_, value) => (name, value),
            })
            .collect(),
        other => other,
    }
}

/// Writes data and reads it again; returns the text of the schema, the bytes behind the id, and what was read.
pub(crate) fn there_and_back<F: Format>(
    format: &F,
    schema: &Arc<Schema>,
    value: &Value<'_>,
) -> Result<(String, Vec<u8>, SchemaAndValue<'static>), String> {
    let (text, plan) = format.plan(Some(schema))?;
    let mut bytes = framed(7, &[]);
    format.write(&plan, Some(schema), value, &mut bytes)?;
    let registered =
        RegisteredSchema { schema_type: F::SCHEMA_TYPE, text: text.clone(), references: Vec::new() };
    let known = format.known(&registered).map_err(|why| format!("{why}\n{text}"))?;
    let frame = Framed::read(Role::Value, &(), &bytes, F::HAS_MESSAGE).map_err(|error| error.to_string())?;
    let read = format.read(&known, &frame).map_err(|why| format!("{why}\n{text}"))?.into_owned();
    Ok((text, bytes[5..].to_vec(), read))
}
