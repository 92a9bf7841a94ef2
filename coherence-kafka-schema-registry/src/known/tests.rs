//! `use.latest.version`, of all formats.

use std::sync::Arc;

use coherence_kafka_connect::converter::{Role, create_from};
use coherence_kafka_connect::data::{Field, Schema, SchemaKind, Struct, Value};
use serde_json::{Value as Json, json};

use crate::CLASSES;
use crate::registry::fake::{FakeRegistry, Reply};
use crate::testing::{converter, framed, unhex, value_json};

const LATEST: (&str, &str) = ("use.latest.version", "true");
const LOOKUP: (&str, &str) = ("auto.register.schemas", "false");

/// A registry that has the schema `written` by the id 0, and `latest` by the id 7 as the latest one of the subject.
fn registry(schema_type: &str, written: &str, latest: &str) -> FakeRegistry {
    let answer =
        |id: u32, text: &str| json!({"id": id, "schema": text, "schemaType": schema_type}).to_string();
    let (written, latest) = (answer(0, written), answer(7, latest));
    FakeRegistry::start(move |seen| match &*seen.line {
        "GET /schemas/ids/0?subject=t-value" => Reply::Answer(200, written.clone()),
        "GET /subjects/t-value/versions/latest" => Reply::Answer(200, latest.clone()),
        _ => Reply::Answer(200, r#"{"id":9}"#.to_owned()),
    })
}

fn record(fields: &Json) -> String {
    json!({"type": "record", "name": "R", "fields": fields}).to_string()
}

/// Data of the first schema as the second one describes it.
fn read(class: &str, kind: &str, written: &str, latest: &str, data: &[u8]) -> Result<Json, String> {
    let fake = registry(kind, written, latest);
    let converter = converter(class, &fake.url, &[LATEST]);
    let bytes = framed(0, data);
    let mut read = Err(String::new());
    for _ in 0..2 {
        let data = converter.to_connect("t", &(), Some(&bytes));
        read = data.map(|data| value_json(&data.value)).map_err(|error| error.to_string());
    }
    assert_eq!(fake.seen().len(), 2, "each schema is asked for once");
    read
}

#[test]
fn avro_is_read_as_the_latest_version_describes_it() {
    let inner = |fields: Json| json!({"type": "record", "name": "I", "fields": fields});
    let written = record(&json!([
        {"name": "gone", "type": "string"}, {"name": "x", "type": "int"},
        {"name": "i", "type": inner(json!([{"name": "a", "type": "int"}]))},
        {"name": "u", "type": ["int", "string"]},
    ]));
    let latest = |last: Json| {
        record(&json!([
            {"name": "i", "type": {"type": "array", "items": "int"}},
            {"name": "x", "type": "double"}, last,
        ]))
    };
    let data = unhex("02410a0e020242");
    let inner_wider =
        inner(json!([{"name": "b", "type": "string", "default": "d"}, {"name": "a", "type": "long"}]));
    let fits = record(&json!([
        {"name": "x", "type": "double"}, {"name": "n", "type": ["null", "int"], "default": null},
        {"name": "i", "type": inner_wider}, {"name": "u", "type": ["null", "string", "int"]},
    ]));
    let union = json!({"struct": {"string": "B", "int": null}});
    let expected = json!({"struct": {"x": {"f64": 5_f64.to_bits()}, "n": null,
        "i": {"struct": {"b": "d", "a": {"i64": 7}}}, "u": union}});
    assert_eq!(read("Avro", "AVRO", &written, &fits, &data).unwrap(), expected);
    let error =
        read("Avro", "AVRO", &written, &latest(json!({"name": "u", "type": "int"})), &data).unwrap_err();
    assert!(
        error.contains("field i: a value that is not of ARRAY, which it is in the latest version"),
        "{error}"
    );
    let missing = record(&json!([{"name": "new", "type": "int"}]));
    let error = read("Avro", "AVRO", &written, &missing, &data).unwrap_err();
    assert!(error.contains("field new: the record does not have it, and it has no default value"), "{error}");
}

#[test]
fn json_and_protobuf_are_read_as_the_latest_version_describes_them() {
    let object = |properties: Json| json!({"type": "object", "properties": properties}).to_string();
    let (written, latest) = (
        object(json!({"x": {"type": "integer"}})),
        object(json!({"x": {"type": "number"}, "y": {"oneOf": [{"type": "null"}, {"type": "string"}]}})),
    );
    let expected = json!({"struct": {"x": {"f64": 5_f64.to_bits()}, "y": null}});
    assert_eq!(read("JsonSchema", "JSON", &written, &latest, b"{\"x\":5}").unwrap(), expected);
    let (written, latest) = (
        "syntax = \"proto3\"; package p; message O { message A { int32 x = 1; } }",
        "syntax = \"proto3\"; package p; message N {} message O { message B {} message A { int32 y = 2; int32 x = 1; } }",
    );
    let expected = json!({"struct": {"y": {"i32": 0}, "x": {"i32": 5}}});
    assert_eq!(read("Protobuf", "PROTOBUF", written, latest, &[4, 0, 0, 8, 5]).unwrap(), expected);
    let renamed = "syntax = \"proto3\"; package p; message N { int32 x = 1; }";
    let error = read("Protobuf", "PROTOBUF", written, renamed, &[4, 0, 0, 8, 5]).unwrap_err();
    assert!(error.contains("the latest version of the subject has no message p.O.A"), "{error}");
}

/// What a struct with the field `x` of 5 is written as, and the requests.
fn write(
    class: &str,
    kind: &str,
    latest: &str,
    options: &[(&str, &str)],
) -> (Result<Vec<u8>, String>, Vec<String>) {
    let fields = vec![Field { name: "x".to_owned(), schema: Arc::new(Schema::new(SchemaKind::Int32)) }];
    let schema = Schema { name: Some("p.R".to_owned()), ..Schema::new(SchemaKind::Struct(fields)) };
    let schema = Arc::new(schema);
    let value = Value::Struct(Struct { schema: schema.clone(), values: vec![Value::Int32(5)] });
    let fake = registry(kind, "", latest);
    let converter = converter(class, &fake.url, options);
    let mut written = Err(String::new());
    for _ in 0..2 {
        let bytes = converter.from_connect("t", &mut Vec::new(), Some(&schema), &value);
        written = bytes.map(Option::unwrap_or_default).map_err(|error| error.to_string());
    }
    (written, fake.lines())
}

#[test]
fn data_is_written_as_the_latest_version_where_it_is_registered_by_others() {
    let avro = |field: Json| record(&json!([field]));
    let json = |properties: Json, required: Json| {
        json!({"type": "object", "properties": properties, "required": required}).to_string()
    };
    let proto =
        |fields: &str| format!("syntax = \"proto3\"; package p; message N {{}} message R {{ {fields} }}");
    let x = json!({"x": {"type": "integer"}, "y": {"type": "string"}});
    let (fits, data) = (&[LATEST, LOOKUP][..], [0, 0, 0, 0, 7]);
    for (class, kind, latest, expected) in [
        ("Avro", "AVRO", avro(json!({"name": "x", "type": "int", "doc": "of others"})), &[10][..]),
        ("JsonSchema", "JSON", json(json!({"x": {"type": "integer"}}), json!(["x"])), b"{\"x\":5}"),
        ("Protobuf", "PROTOBUF", proto("int32 x = 1; string y = 2;"), &[2, 2, 8, 5]),
    ] {
        let (written, requests) = write(class, kind, &latest, fits);
        assert_eq!(written.as_deref(), Ok(&[&data, expected].concat()[..]), "{class}");
        assert_eq!(requests, ["GET /subjects/t-value/versions/latest"], "once: {class}");
        // What is registered has an id of its own.
        let (written, requests) = write(class, kind, &latest, &[LATEST]);
        assert_eq!(written.unwrap()[..5], [0, 0, 0, 0, 9], "{class}");
        assert_eq!(requests, ["POST /subjects/t-value/versions?normalize=false"], "{class}");
    }
    for (class, kind, latest) in [
        ("Avro", "AVRO", avro(json!({"name": "x", "type": "long"}))),
        ("Avro", "AVRO", avro(json!({"name": "y", "type": "int"}))),
        ("Avro", "AVRO", avro(json!({"name": "x", "type": {"type": "int", "logicalType": "date"}}))),
        ("JsonSchema", "JSON", json(json!({"x": {"type": "string"}}), json!([]))),
        ("JsonSchema", "JSON", json(x.clone(), json!(["x", "y"]))),
        ("Protobuf", "PROTOBUF", proto("int64 x = 1;")),
        ("Protobuf", "PROTOBUF", proto("int32 y = 1;")),
        ("Protobuf", "PROTOBUF", proto("int32 x = 2;")),
        ("Protobuf", "PROTOBUF", "syntax = \"proto3\"; message R { int32 x = 1; }".to_owned()),
    ] {
        let error = write(class, kind, &latest, fits).0.unwrap_err();
        assert!(
            error.contains("not those of the latest version of the subject"),
            "{class} {latest}: {error}"
        );
    }
    let loose = [LATEST, LOOKUP, ("latest.compatibility.strict", "false")];
    let written = write("JsonSchema", "JSON", &json(x, json!(["x", "y"])), &loose).0;
    assert_eq!(written.as_deref(), Ok(&[&data, &b"{\"x\":5}"[..]].concat()[..]));
}

#[test]
fn options_that_are_not_built_in_are_refused_by_name() {
    let refused = |class: &str, key: &str, value: &str| {
        let options = [("schema.registry.url", "http://h"), LATEST, (key, value)];
        let options = options.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let errors = create_from(&[&CLASSES], class, Role::Value, &options).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors[0].key.clone()
    };
    let strategy = "value.subject.name.strategy";
    assert_eq!(refused("Avro", strategy, "RecordNameStrategy"), LATEST.0);
    for class in ["Avro", "JsonSchema", "Protobuf"] {
        let key = "generalized.sum.type.support";
        assert_eq!(refused(class, key, "true"), key);
    }
    assert_eq!(refused("JsonSchema", "json.fail.invalid.schema", "true"), "json.fail.invalid.schema");
}
