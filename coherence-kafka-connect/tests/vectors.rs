//! What Kafka Connect 4.3.1 itself answered (`vectors/converters.jsonl`, `vectors/from-connect.jsonl`), against the
//! converters of this crate.
//!
//! With `COHERENCE_KAFKA_CONNECT_VECTORS` the files are read from the folder that it names, so that new captures can be
//! tried without a change here. The last lines show how many cases passed. The program fails if one did not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test program, where a panic is a failed case")]

use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use coherence_kafka_connect::converter::{self, Converter, HeaderConverter, OptionError, Role};
use coherence_kafka_connect::data::{Schema, SchemaKind, Value};
use serde_json::{Value as Json, json};

#[path = "checks/from_connect.rs"]
mod from_connect;

const FILE: &str = "converters.jsonl";
const CASES: &str = include_str!("vectors/converters.jsonl");
const FROM_FILE: &str = "from-connect.jsonl";
const FROM_CASES: &str = include_str!("vectors/from-connect.jsonl");

fn main() -> ExitCode {
    let mut tally = Tally::default();
    let mut from = Tally::default();
    match std::env::var_os("COHERENCE_KAFKA_CONNECT_VECTORS") {
        None => {
            tally.cases(CASES, differs);
            from.cases(FROM_CASES, from_connect::differs);
        }
        Some(folder) => {
            let folder = Path::new(&folder);
            println!("reading {}", folder.display());
            tally.file(folder, FILE, differs);
            from.file(folder, FROM_FILE, from_connect::differs);
        }
    }
    if tally.passed + tally.failed + from.passed + from.failed == 0 {
        tally.failed += 1;
        println!("nothing was checked");
    }
    println!("from connect: {} passed, {} failed", from.passed, from.failed);
    println!("vectors: {} passed, {} failed", tally.passed, tally.failed);
    if tally.failed + from.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns how the answer to a case differs from Connect's.
type Check = fn(&Json) -> Option<String>;

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    fn file(&mut self, folder: &Path, file: &str, check: Check) {
        match std::fs::read_to_string(folder.join(file)) {
            Ok(cases) => self.cases(&cases, check),
            Err(why) => println!("{file} not read: {why}"),
        }
    }

    fn cases(&mut self, cases: &str, check: Check) {
        for (index, line) in cases.lines().enumerate() {
            let Ok(case) = serde_json::from_str::<Json>(line) else {
                self.failed += 1;
                println!("line {}: no JSON", index + 1);
                continue;
            };
            match catch_unwind(|| check(&case)).unwrap_or(Some("panicked".to_owned())) {
                None => self.passed += 1,
                Some(what) => {
                    self.failed += 1;
                    println!("{} ({}): {what}", case["id"], case["note"]);
                }
            }
        }
    }
}

fn differs(case: &Json) -> Option<String> {
    let options: BTreeMap<String, String> = case["config"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()))
        .collect();
    let converter = match create(case, &options) {
        Ok(converter) => converter,
        Err(errors) if case["outcome"] == "config_error" => {
            let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
            let expected = case["error"]["message"].as_str().unwrap();
            return (texts.len() != 1 || !texts[0].starts_with(expected))
                .then(|| format!("expected {expected}, got {texts:?}"));
        }
        Err(errors) => return Some(format!("not created: {errors:?}")),
    };
    if case["outcome"] == "config_error" {
        return Some("was created".to_owned());
    }
    let bytes = case["hex"].as_str().map(unhex);
    let got = match &converter {
        Either::Data(converter) => converter.to_connect("t", &(), bytes.as_deref()),
        Either::Header(converter) => converter.to_connect_header("t", "h", bytes.as_deref()),
    };
    match (got, case["outcome"].as_str().unwrap()) {
        // Java returned no schema and value at all.
        (Ok(data), "null") => (data.schema.is_some() || data.value != Value::Null)
            .then(|| format!("expected nothing, got {data:?}")),
        (Ok(data), "value") => {
            let schema = optional_schema_json(data.schema.as_deref().map(|schema| &**schema));
            let value = sorted(value_json(&data.value));
            let expected = sorted(replace_surrogates(&case["value"]));
            (schema != case["schema"] || !same(&value, &expected))
                .then(|| format!("expected {} {expected}, got {schema} {value}", case["schema"]))
        }
        (Err(error), "error") => {
            let expected = &case["error"];
            let mut wrong = error.exception().class_name() != expected["class"].as_str().unwrap()
                || error.message() != expected["message"].as_str().unwrap();
            // The cause of Kafka's own deserializers is part of our text.
            if let Some(cause) = expected["causes"].get(0)
                && cause["class"] == "org.apache.kafka.common.errors.SerializationException"
                && !cause["message"].as_str().unwrap().starts_with("com.fasterxml.jackson")
            {
                wrong |= !error.to_string().contains(cause["message"].as_str().unwrap());
            }
            wrong.then(|| format!("expected {expected}, got {error:?}"))
        }
        (got, expected) => Some(format!("expected {expected}, got {got:?}")),
    }
}

enum Either {
    Data(Arc<dyn Converter>),
    Header(Arc<dyn HeaderConverter>),
}

fn create(case: &Json, options: &BTreeMap<String, String>) -> Result<Either, Vec<OptionError>> {
    let class = case["converter"].as_str().unwrap();
    match case["role"].as_str().unwrap() {
        "header" => converter::create_header(class, options).map(Either::Header),
        role => {
            let role = if role == "key" { Role::Key } else { Role::Value };
            converter::create(class, role, options).map(Either::Data)
        }
    }
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn optional_schema_json(schema: Option<&Schema>) -> Json {
    schema.map_or(Json::Null, schema_json)
}

fn schema_json(schema: &Schema) -> Json {
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
            let field = |f: &coherence_kafka_connect::data::Field| json!({ "field": f.name, "schema": schema_json(&f.schema) });
            json["fields"] = fields.iter().map(field).collect();
        }
        _ => {}
    }
    json
}

fn value_json(value: &Value<'_>) -> Json {
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

/// Entries of maps in the order of the vectors.
fn sorted(json: Json) -> Json {
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
fn replace_surrogates(json: &Json) -> Json {
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

/// Equality where floats are compared by the bits their texts stand for, in their own width.
fn same(ours: &Json, theirs: &Json) -> bool {
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
