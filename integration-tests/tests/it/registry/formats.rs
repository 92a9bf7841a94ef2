//! All formats, with schemas and references of a real registry.

use std::sync::Arc;

use coherence_kafka_connect::data::{Field, Schema, SchemaKind, Struct, TIMESTAMP, Value};
use integration_tests::require_peers;
use integration_tests::sandbox::unique;
use serde_json::json;

use super::{converter, framed, register};

#[test]
fn all_three_formats_are_read_with_schemas_and_references_of_a_real_registry() {
    require_peers!();
    let topic = unique("formats");
    let inner =
        json!({"type": "record", "name": "b.S", "fields": [{"name": "y", "type": "int"}]}).to_string();
    register(&format!("{topic}-inner"), &json!({"schema": inner}));
    let outer =
        json!({"type": "record", "name": "a.R", "fields": [{"name": "x", "type": "b.S"}]}).to_string();
    let references = json!([{"name": "b.S", "subject": format!("{topic}-inner"), "version": 1}]);
    let avro = register(&format!("{topic}-value"), &json!({"schema": outer, "references": references}));
    let schema = json!({"type": "object", "properties": {"q": {"type": "integer"}}}).to_string();
    let json = register(&format!("{topic}-json"), &json!({"schema": schema, "schemaType": "JSON"}));
    let proto = "syntax = \"proto3\"; message A { int32 x = 1; }";
    let proto = register(&format!("{topic}-proto"), &json!({"schema": proto, "schemaType": "PROTOBUF"}));
    for (class, id, data) in
        [("Avro", avro, &[10][..]), ("JsonSchema", json, b"{\"q\": 5}"), ("Protobuf", proto, &[0, 8, 5])]
    {
        let converter = converter(class, &[]);
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
    require_peers!();
    let topic = unique("formats");
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
        let converter = converter(class, &[("optional.for.nullables", "true")]);
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
        let lookup = super::converter(
            class,
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
