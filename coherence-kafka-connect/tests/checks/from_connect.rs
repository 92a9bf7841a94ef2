//! What Kafka Connect 4.3.1 writes (`vectors/from-connect.jsonl`, captured on Java 25, time zone UTC).
//!
//! One case a line: `{id, note, converter, role, config, schema, value, outcome, hex?, text?, error?}`. Schemas and values are
//! in the notation of the other vectors. The outcome is `bytes` (`hex`, and `text` where it is UTF-8), `null` (a tombstone)
//! or `error`; causes that are the Java machine's own words are left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use coherence_kafka_connect::data::{self, Field, Schema, SchemaKind, Struct, Value};
use serde_json::Value as Json;

use super::{Either, create, unhex};

/// Returns how the answer to a case differs from Connect's.
pub(crate) fn differs(case: &Json) -> Option<String> {
    let options = case["config"].as_object().unwrap();
    let options: BTreeMap<_, _> =
        options.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect();
    let schema = schema_of(&case["schema"]);
    let value = value_of(&case["value"], schema.as_ref());
    let got = match create(case, &options) {
        Ok(Either::Data(converter)) => converter.from_connect("t", &mut Vec::new(), schema.as_ref(), &value),
        Ok(Either::Header(converter)) => converter.from_connect_header("t", "h", schema.as_ref(), &value),
        Err(errors) => return Some(format!("not created: {errors:?}")),
    };
    let matches = match (&got, case["outcome"].as_str().unwrap()) {
        (Ok(Some(bytes)), "bytes") => *bytes == unhex(case["hex"].as_str().unwrap()),
        (Ok(None), "null") => true,
        (Err(error), "error") => {
            error.exception().class_name() == case["error"]["class"]
                && error.message() == case["error"]["message"]
        }
        _ => false,
    };
    (!matches).then(|| {
        let got = got.map(|bytes| bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
        format!("expected {} {} {}, got {got:?}", case["outcome"], case["text"], case["error"])
    })
}

/// Returns the schema that the notation describes.
fn schema_of(json: &Json) -> Option<Arc<Schema>> {
    let text = |name: &str| json[name].as_str().map(str::to_owned);
    let mut schema = Schema::new(match json["type"].as_str()? {
        "INT8" => SchemaKind::Int8,
        "INT16" => SchemaKind::Int16,
        "INT32" => SchemaKind::Int32,
        "INT64" => SchemaKind::Int64,
        "FLOAT32" => SchemaKind::Float32,
        "FLOAT64" => SchemaKind::Float64,
        "BOOLEAN" => SchemaKind::Boolean,
        "STRING" => SchemaKind::String,
        "BYTES" => SchemaKind::Bytes,
        "ARRAY" => SchemaKind::Array(schema_of(&json["items"])),
        "MAP" => SchemaKind::Map(schema_of(&json["keys"]), schema_of(&json["values"])),
        "STRUCT" => SchemaKind::Struct(
            json["fields"]
                .as_array()
                .unwrap()
                .iter()
                .map(|field| Field {
                    name: field["field"].as_str().unwrap().to_owned(),
                    schema: schema_of(&field["schema"]).unwrap(),
                })
                .collect(),
        ),
        other => panic!("no type {other}"),
    });
    schema.optional = json["optional"] == true;
    schema.name = text("name");
    schema.version = json["version"].as_i64().map(|version| i32::try_from(version).unwrap());
    schema.doc = text("doc");
    for (name, value) in json["parameters"].as_object().into_iter().flatten() {
        schema.parameters.insert(name.clone(), value.as_str().unwrap().to_owned());
    }
    if let Some(default) = json.get("default") {
        schema.default = Some(value_of(default, Some(&Arc::new(schema.clone()))));
    }
    Some(Arc::new(schema))
}

/// Returns the value that the notation describes, under the schema that the context declares.
fn value_of(json: &Json, schema: Option<&Arc<Schema>>) -> Value<'static> {
    let kind = schema.map(|schema| &schema.kind);
    let object = match json {
        Json::Null => return Value::Null,
        Json::Bool(value) => return Value::Boolean(*value),
        Json::String(text) => return Value::String(text.clone().into()),
        Json::Array(items) => {
            let schema = match kind {
                Some(SchemaKind::Array(items)) => items.as_ref(),
                _ => None,
            };
            return Value::Array(items.iter().map(|item| value_of(item, schema)).collect());
        }
        Json::Object(object) => object,
        Json::Number(_) => panic!("no value {json}"),
    };
    let (what, of) = object.iter().find(|(what, _)| *what != "schema").unwrap();
    let integer = || of.as_i64().unwrap();
    match what.as_str() {
        "i8" => Value::Int8(integer() as i8),
        "i16" => Value::Int16(integer() as i16),
        "i32" => Value::Int32(integer() as i32),
        "i64" => Value::Int64(integer()),
        "f32" => Value::Float32(of.as_str().unwrap().parse().unwrap()),
        "f64" => Value::Float64(of.as_str().unwrap().parse().unwrap()),
        "bytes" | "buffer" => Value::Bytes(unhex(of.as_str().unwrap()).into()),
        "dec" => Value::Decimal {
            unscaled: of["unscaled"].as_str().unwrap().parse().unwrap(),
            scale: i32::try_from(of["scale"].as_i64().unwrap()).unwrap(),
        },
        "date" => match schema.and_then(|schema| schema.name.as_deref()) {
            Some(data::DATE) => Value::Date(integer()),
            Some(data::TIME) => Value::Time(integer()),
            _ => Value::Timestamp(integer()),
        },
        "map" => {
            let (keys, values) = match kind {
                Some(SchemaKind::Map(keys, values)) => (keys.as_ref(), values.as_ref()),
                _ => (None, None),
            };
            let entries = of.as_array().unwrap().iter();
            Value::Map(
                entries.map(|entry| (value_of(&entry[0], keys), value_of(&entry[1], values))).collect(),
            )
        }
        "struct" => {
            let own = object.get("schema").and_then(schema_of);
            let schema = own.as_ref().or(schema).unwrap();
            let value = |field: &Field| value_of(&of[&field.name], Some(&field.schema));
            Value::Struct(Struct {
                schema: schema.clone(),
                values: schema.fields().iter().map(value).collect(),
            })
        }
        other => panic!("no value {other}"),
    }
}
