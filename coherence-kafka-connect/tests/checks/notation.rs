//! The notation in which the vectors hold Connect's schemas, values and records.

#![allow(dead_code, reason = "each of the test programs uses some of it")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use coherence_kafka_connect::data::{DATE, Field, Schema, SchemaAndValue, SchemaKind, Struct, TIME, Value};
use coherence_kafka_connect::record::{Header, Record};
use serde_json::{Value as Json, json};

/// Reads bytes in hexadecimal digits.
pub fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Writes a schema; null stands for none.
pub fn optional_schema_json(schema: Option<&Schema>) -> Json {
    schema.map_or(Json::Null, schema_json)
}

/// Writes a schema.
pub fn schema_json(schema: &Schema) -> Json {
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
        SchemaKind::Array(items) => json["items"] = optional_schema_json(items.as_deref()),
        SchemaKind::Map(keys, values) => {
            json["keys"] = optional_schema_json(keys.as_deref());
            json["values"] = optional_schema_json(values.as_deref());
        }
        SchemaKind::Struct(fields) => {
            let field = |f: &Field| json!({ "field": f.name, "schema": schema_json(&f.schema) });
            json["fields"] = fields.iter().map(field).collect();
        }
        _ => {}
    }
    json
}

/// Writes a value.
pub fn value_json(value: &Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => json!(value),
        Value::Int8(value) => json!({ "i8": value }),
        Value::Int16(value) => json!({ "i16": value }),
        Value::Int32(value) => json!({ "i32": value }),
        Value::Int64(value) => json!({ "i64": value }),
        Value::Float32(value) => json!({ "f32": java(f64::from(*value), format!("{value:?}")) }),
        Value::Float64(value) => json!({ "f64": java(*value, format!("{value:?}")) }),
        Value::String(text) => json!(text),
        Value::Bytes(bytes) => {
            json!({ "bytes": bytes.iter().map(|b| format!("{b:02x}")).collect::<String>() })
        }
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
        other => panic!("no converter of Connect gives {other:?}"),
    }
}

fn java(value: f64, text: String) -> String {
    if value == f64::INFINITY {
        "Infinity".to_owned()
    } else if value == f64::NEG_INFINITY {
        "-Infinity".to_owned()
    } else {
        text
    }
}

/// Returns entries of maps in the order of the vectors.
pub fn sorted(json: Json) -> Json {
    match json {
        Json::Array(items) => items.into_iter().map(sorted).collect(),
        Json::Object(members) => members
            .into_iter()
            .map(|(name, value)| match sorted(value) {
                Json::Array(mut entries) if name == "map" => {
                    entries.sort_by_key(|entry| entry[0].to_string());
                    (name, Json::Array(entries))
                }
                value => (name, value),
            })
            .collect(),
        other => other,
    }
}

/// Text here is UTF-8, which has no unpaired surrogates: U+FFFD stands for each.
pub fn replace_surrogates(json: &Json) -> Json {
    match json {
        Json::Object(members) if members.contains_key("utf16") => {
            let units: Vec<u16> = unhex(members["utf16"].as_str().unwrap())
                .chunks_exact(2)
                .map(|unit| u16::from_be_bytes([unit[0], unit[1]]))
                .collect();
            Json::String(String::from_utf16_lossy(&units))
        }
        Json::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), replace_surrogates(value))).collect()
        }
        Json::Array(items) => items.iter().map(replace_surrogates).collect(),
        other => other.clone(),
    }
}

/// Values here have one type for `byte[]` and `ByteBuffer`, and one for `BigDecimal` and `BigInteger`.
pub fn replace_classes(json: &Json) -> Json {
    match json {
        Json::Object(members) => members
            .iter()
            .map(|(name, value)| match (name.as_str(), value) {
                ("buffer", bytes) => ("bytes".to_owned(), bytes.clone()),
                ("bigint", digits) => ("dec".to_owned(), json!({ "unscaled": digits, "scale": 0 })),
                _ => (name.clone(), replace_classes(value)),
            })
            .collect(),
        Json::Array(items) => items.iter().map(replace_classes).collect(),
        other => other.clone(),
    }
}

/// Returns whether both are equal, where floats are compared by the bits their texts stand for, in their own width.
pub fn same(ours: &Json, theirs: &Json) -> bool {
    match (ours, theirs) {
        (Json::Object(ours), Json::Object(theirs)) => {
            if let (Some(Json::String(a)), Some(Json::String(b))) = (ours.get("f64"), theirs.get("f64")) {
                return bits::<f64>(a).map(f64::to_bits) == bits::<f64>(b).map(f64::to_bits);
            }
            if let (Some(Json::String(a)), Some(Json::String(b))) = (ours.get("f32"), theirs.get("f32")) {
                return bits::<f32>(a).map(f32::to_bits) == bits::<f32>(b).map(f32::to_bits);
            }
            ours.len() == theirs.len()
                && ours.iter().all(|(name, value)| theirs.get(name).is_some_and(|other| same(value, other)))
        }
        (Json::Array(ours), Json::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| same(a, b))
        }
        _ => ours == theirs,
    }
}

/// `None` for NaN, whose bits the vectors do not keep.
fn bits<T: std::str::FromStr>(text: &str) -> Option<T> {
    if text == "NaN" { None } else { text.parse().ok() }
}

/// Reads a schema; null is none.
pub fn schema(json: &Json) -> Option<Arc<Schema>> {
    if json.is_null() {
        return None;
    }
    let kind = match json["type"].as_str().unwrap() {
        "INT8" => SchemaKind::Int8,
        "INT16" => SchemaKind::Int16,
        "INT32" => SchemaKind::Int32,
        "INT64" => SchemaKind::Int64,
        "FLOAT32" => SchemaKind::Float32,
        "FLOAT64" => SchemaKind::Float64,
        "BOOLEAN" => SchemaKind::Boolean,
        "STRING" => SchemaKind::String,
        "BYTES" => SchemaKind::Bytes,
        "ARRAY" => SchemaKind::Array(schema(&json["items"])),
        "MAP" => SchemaKind::Map(schema(&json["keys"]), schema(&json["values"])),
        "STRUCT" => SchemaKind::Struct(
            json["fields"]
                .as_array()
                .unwrap()
                .iter()
                .map(|field| Field {
                    name: field["field"].as_str().unwrap().to_owned(),
                    schema: schema(&field["schema"]).unwrap(),
                })
                .collect(),
        ),
        other => panic!("unknown type {other}"),
    };
    let text = |name: &str| json[name].as_str().map(str::to_owned);
    let parameters = json["parameters"].as_object().map(|all| {
        let text = |value: &Json| value.as_str().unwrap().to_owned();
        all.iter().map(|(name, value)| (name.clone(), text(value))).collect::<BTreeMap<_, _>>()
    });
    let mut schema = Schema {
        kind,
        optional: json["optional"] == true,
        name: text("name"),
        version: json["version"].as_i64().map(|version| version.try_into().unwrap()),
        doc: text("doc"),
        parameters: parameters.unwrap_or_default(),
        default: None,
    };
    if !json["default"].is_null() {
        let without = Arc::new(schema.clone());
        schema.default = Some(value(&json["default"], Some(&without)));
    }
    Some(Arc::new(schema))
}

/// Reads a value under a schema, or without one.
pub fn value(json: &Json, context: Option<&Arc<Schema>>) -> Value<'static> {
    let of_context = |kind: fn(&SchemaKind) -> Option<&Arc<Schema>>| context.and_then(|of| kind(&of.kind));
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Boolean(*value),
        Json::String(text) => Value::String(Cow::Owned(text.clone())),
        Json::Number(_) => panic!("a bare number"),
        Json::Array(items) => {
            let schema = of_context(|kind| match kind {
                SchemaKind::Array(items) => items.as_ref(),
                _ => None,
            });
            Value::Array(items.iter().map(|item| value(item, schema)).collect())
        }
        Json::Object(members) => {
            let (tag, inner) = members.iter().find(|(name, _)| *name != "schema").unwrap();
            let long = || inner.as_i64().unwrap();
            let text = || inner.as_str().unwrap();
            match tag.as_str() {
                "i8" => Value::Int8(long().try_into().unwrap()),
                "i16" => Value::Int16(long().try_into().unwrap()),
                "i32" => Value::Int32(long().try_into().unwrap()),
                "i64" => Value::Int64(long()),
                "f32" => Value::Float32(text().replace("Infinity", "inf").parse().unwrap()),
                "f64" => Value::Float64(text().replace("Infinity", "inf").parse().unwrap()),
                "bytes" | "buffer" => Value::Bytes(Cow::Owned(unhex(text()))),
                "bigint" => Value::Decimal { unscaled: text().parse().unwrap(), scale: 0 },
                "dec" => Value::Decimal {
                    unscaled: inner["unscaled"].as_str().unwrap().parse().unwrap(),
                    scale: inner["scale"].as_i64().unwrap().try_into().unwrap(),
                },
                "utf16" => value(&replace_surrogates(json), context),
                "date" => match context.and_then(|schema| schema.name.as_deref()) {
                    Some(DATE) => Value::Date(long()),
                    Some(TIME) => Value::Time(long()),
                    _ => Value::Timestamp(long()),
                },
                "map" => {
                    let keys = of_context(|kind| match kind {
                        SchemaKind::Map(keys, _) => keys.as_ref(),
                        _ => None,
                    });
                    let values = of_context(|kind| match kind {
                        SchemaKind::Map(_, values) => values.as_ref(),
                        _ => None,
                    });
                    let entries = inner.as_array().unwrap().iter();
                    Value::Map(
                        entries.map(|entry| (value(&entry[0], keys), value(&entry[1], values))).collect(),
                    )
                }
                "struct" => {
                    let schema = members.get("schema").and_then(schema).or_else(|| context.cloned()).unwrap();
                    let values = schema.fields().iter();
                    let values =
                        values.map(|field| value(&inner[&field.name], Some(&field.schema))).collect();
                    Value::Struct(Struct { schema, values })
                }
                other => panic!("unknown value {other}"),
            }
        }
    }
}

fn schema_and_value(of_schema: &Json, of_value: &Json) -> SchemaAndValue<'static> {
    let schema = schema(of_schema);
    let value = value(of_value, schema.as_ref());
    SchemaAndValue { schema: schema.map(Cow::Owned), value }
}

/// Reads a record.
pub fn record(json: &Json) -> Record<'static> {
    Record {
        topic: Cow::Owned(json["topic"].as_str().unwrap().to_owned()),
        partition: json["partition"].as_i64().map(|partition| partition.try_into().unwrap()),
        offset: json["offset"].as_i64(),
        timestamp: json["timestamp"].as_i64(),
        key: schema_and_value(&json["keySchema"], &json["key"]),
        value: schema_and_value(&json["valueSchema"], &json["value"]),
        headers: json["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|header| Header {
                key: Cow::Owned(header["key"].as_str().unwrap().to_owned()),
                data: schema_and_value(&header["schema"], &header["value"]),
            })
            .collect(),
    }
}

/// Writes a record.
pub fn record_json(record: &Record<'_>) -> Json {
    let schema =
        |data: &SchemaAndValue<'_>| optional_schema_json(data.schema.as_deref().map(|schema| &**schema));
    let header = |header: &Header<'_>| json!({ "key": header.key, "schema": schema(&header.data), "value": value_json(&header.data.value) });
    json!({
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "keySchema": schema(&record.key),
        "key": value_json(&record.key.value),
        "valueSchema": schema(&record.value),
        "value": value_json(&record.value.value),
        "headers": record.headers.iter().map(header).collect::<Vec<_>>(),
    })
}
