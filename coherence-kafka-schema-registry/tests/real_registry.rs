//! The converters against a registry that is not ours: `COHERENCE_KAFKA_SCHEMA_REGISTRY` is its URL, such as that of
//! Apicurio, `http://127.0.0.1:8080/apis/ccompat/v7`. Without it the tests are skipped with a line.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test program, where a panic is a failed case")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use coherence_kafka_connect::converter::{Converter, Role, create_from};
use coherence_kafka_connect::data::{Field, Schema, SchemaKind, Struct, TIMESTAMP, Value};
use coherence_kafka_schema_registry::CLASSES;
use serde_json::{Value as Json, json};

/// The URL, and a topic that no earlier run has used.
fn registry() -> Option<(String, String)> {
    let Ok(url) = std::env::var("COHERENCE_KAFKA_SCHEMA_REGISTRY") else {
        println!("skipped: COHERENCE_KAFKA_SCHEMA_REGISTRY names no registry");
        return None;
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Some((url, format!("t{}", now.as_nanos())))
}

fn register(url: &str, subject: &str, schema: &Json) -> u32 {
    let request = ureq::post(format!("{url}/subjects/{subject}/versions"))
        .header("content-type", "application/vnd.schemaregistry.v1+json");
    let mut answer = request.send(schema.to_string().as_bytes()).unwrap();
    let body: Json = serde_json::from_slice(&answer.body_mut().read_to_vec().unwrap()).unwrap();
    u32::try_from(body["id"].as_u64().unwrap()).unwrap()
}

fn converter(class: &str, url: &str, more: &[(&str, &str)]) -> Arc<dyn Converter> {
    let options = [&[("schema.registry.url", url)], more].concat();
    let options: BTreeMap<_, _> =
        options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    create_from(&[&CLASSES], class, Role::Value, &options).unwrap()
}

fn framed(id: u32, data: &[u8]) -> Vec<u8> {
    [&[0], &id.to_be_bytes()[..], data].concat()
}

#[test]
fn all_three_formats_are_read_with_schemas_and_references_of_a_real_registry() {
    let Some((url, topic)) = registry() else { return };
    let inner =
        json!({"type": "record", "name": "b.S", "fields": [{"name": "y", "type": "int"}]}).to_string();
    register(&url, &format!("{topic}-inner"), &json!({"schema": inner}));
    let outer =
        json!({"type": "record", "name": "a.R", "fields": [{"name": "x", "type": "b.S"}]}).to_string();
    let references = json!([{"name": "b.S", "subject": format!("{topic}-inner"), "version": 1}]);
    let avro = register(&url, &format!("{topic}-value"), &json!({"schema": outer, "references": references}));
    let schema = json!({"type": "object", "properties": {"q": {"type": "integer"}}}).to_string();
    let json = register(&url, &format!("{topic}-json"), &json!({"schema": schema, "schemaType": "JSON"}));
    let proto = "syntax = \"proto3\"; message A { int32 x = 1; }";
    let proto =
        register(&url, &format!("{topic}-proto"), &json!({"schema": proto, "schemaType": "PROTOBUF"}));
    for (class, id, data) in
        [("Avro", avro, &[10][..]), ("JsonSchema", json, b"{\"q\": 5}"), ("Protobuf", proto, &[0, 8, 5])]
    {
        let converter = converter(class, &url, &[]);
        let bytes = framed(id, data);
        let read = converter
            .to_connect(&topic, &(), Some(&bytes))
            .unwrap_or_else(|error| panic!("{class}: {error}"));
        assert!(matches!(read.value, Value::Struct(_)), "{class}");
        let unknown = framed(u32::MAX / 2, data);
        let error = converter.to_connect(&topic, &(), Some(&unknown)).unwrap_err();
        assert!(!error.is_retriable(), "{class}: {error}");
    }
}

#[test]
fn data_of_all_formats_is_written_and_read_with_a_real_registry() {
    let Some((url, topic)) = registry() else { return };
    let field = |name: &str, schema| Field { name: name.to_owned(), schema: Arc::new(schema) };
    let fields = vec![
        field("id", Schema::new(SchemaKind::Int64)),
        field("note", Schema::optional(SchemaKind::String)),
        field("small", Schema::new(SchemaKind::Int8)),
        field("price", Schema::decimal(2)),
        field("at", Schema::logical(SchemaKind::Int64, TIMESTAMP)),
    ];
    let schema = Schema { name: Some("shop.Order".to_owned()), ..Schema::new(SchemaKind::Struct(fields)) };
    let schema = Arc::new(schema);
    for class in ["Avro", "JsonSchema", "Protobuf"] {
        let topic = format!("{topic}-{class}");
        let converter = converter(class, &url, &[("optional.for.nullables", "true")]);
        for note in [Value::Null, Value::String("n".into())] {
            let values = vec![
                Value::Int64(7),
                note,
                Value::Int8(-1),
                Value::Decimal { unscaled: 1230.into(), scale: 2 },
                Value::Timestamp(1_700_000_000_123),
            ];
            let value = Value::Struct(Struct { schema: schema.clone(), values: values.clone() });
            let bytes = converter
                .from_connect(&topic, &mut Vec::new(), Some(&schema), &value)
                .unwrap_or_else(|error| panic!("{class}: {error}"));
            let bytes = bytes.unwrap();
            let Value::Struct(read) = converter.to_connect(&topic, &(), Some(&bytes)).unwrap().value else {
                panic!("{class}: no struct")
            };
            assert_eq!(read.values, values, "{class}");
        }
        // What is registered is found again, and a primitive is a schema too.
        let lookup = self::converter(
            class,
            &url,
            &[("optional.for.nullables", "true"), ("auto.register.schemas", "false")],
        );
        let values = vec![
            Value::Int64(8),
            Value::Null,
            Value::Int8(0),
            Value::Decimal { unscaled: 0.into(), scale: 2 },
            Value::Timestamp(0),
        ];
        let value = Value::Struct(Struct { schema: schema.clone(), values });
        lookup
            .from_connect(&topic, &mut Vec::new(), Some(&schema), &value)
            .unwrap_or_else(|error| panic!("{class}: {error}"));
        // Apicurio does not recognise a JSON Schema without properties.
        if class == "JsonSchema" {
            continue;
        }
        let text = Arc::new(Schema::new(SchemaKind::String));
        let key = converter
            .from_connect(&format!("{topic}-text"), &mut Vec::new(), Some(&text), &Value::String("k".into()))
            .unwrap_or_else(|error| panic!("{class}: {error}"));
        let read = converter.to_connect(&format!("{topic}-text"), &(), key.as_deref()).unwrap();
        assert_eq!(read.value, Value::String("k".into()), "{class}");
    }
}
