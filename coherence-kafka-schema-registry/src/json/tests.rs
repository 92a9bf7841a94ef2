use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::{Value as Tree, json};

use coherence_kafka_connect::converter::Role;

use super::*;
use crate::registry::fake::FakeRegistry;
use crate::testing::{converter, data_json, framed, registry_of};

fn read_with(schema: &Tree, data: &str, options: &[(&str, &str)]) -> Result<Tree, String> {
    let fake = registry_of(&[json!({"schema": schema.to_string(), "schemaType": "JSON"})]);
    let converter = converter(Json::CLASS, &fake.url, options);
    let bytes = framed(0, data.as_bytes());
    let data = converter.to_connect("t", &(), Some(&bytes));
    data.map(|data| data_json(&data)).map_err(|error| error.to_string())
}

fn read(schema: &Tree, data: &str) -> Result<Tree, String> {
    read_with(schema, data, &[])
}

fn both(schema: Tree, value: Tree) -> Result<Tree, String> {
    Ok(json!([schema, value]))
}

#[test]
fn primitive_types_are_those_of_connect_type_or_the_widest() {
    for (schema, data, expected) in [
        (json!({"type": "boolean"}), "true", both(json!({"type": "BOOLEAN"}), json!(true))),
        (json!({"type": "integer"}), "7", both(json!({"type": "INT64"}), json!({"i64": 7}))),
        (json!({"type": "integer"}), "7.0", both(json!({"type": "INT64"}), json!({"i64": 7}))),
        (
            json!({"type": "integer", "connect.type": "int8"}),
            "-8",
            both(json!({"type": "INT8"}), json!({"i8": -8})),
        ),
        (
            json!({"type": "integer", "connect.type": "int16"}),
            "8",
            both(json!({"type": "INT16"}), json!({"i16": 8})),
        ),
        (
            json!({"type": "integer", "connect.type": "int32"}),
            "8",
            both(json!({"type": "INT32"}), json!({"i32": 8})),
        ),
        (
            json!({"type": "number"}),
            "1.5",
            both(json!({"type": "FLOAT64"}), json!({"f64": 1.5_f64.to_bits()})),
        ),
        (
            json!({"type": "number", "connect.type": "float32"}),
            "1.5",
            both(json!({"type": "FLOAT32"}), json!({"f32": 1.5_f32.to_bits()})),
        ),
        (json!({"type": "string"}), "\"x\"", both(json!({"type": "STRING"}), json!("x"))),
        (
            json!({"type": "string", "connect.type": "bytes"}),
            "\"AQI=\"",
            both(json!({"type": "BYTES"}), json!({"bytes": "0102"})),
        ),
    ] {
        assert_eq!(read(&schema, data), expected, "{schema}");
    }
}

#[test]
fn logical_types_are_known_by_their_titles() {
    let logical = |kind: &str, connect: &str, name: &str| {
        let title = format!("org.apache.kafka.connect.data.{name}");
        json!({"type": kind, "connect.type": connect, "title": title, "connect.version": 1, "connect.parameters": {"scale": "2"}})
    };
    for (schema, data, expected) in [
        (logical("number", "bytes", "Decimal"), "1.230", json!({"dec": {"unscaled": "1230", "scale": 3}})),
        (logical("number", "bytes", "Decimal"), "\"AQA=\"", json!({"dec": {"unscaled": "256", "scale": 2}})),
        (logical("integer", "int32", "Date"), "3", json!({"date": 3 * 86_400_000})),
        (logical("integer", "int32", "Time"), "5", json!({"date": 5})),
        (logical("integer", "int64", "Timestamp"), "-5", json!({"date": -5})),
    ] {
        let read = read(&schema, data).unwrap();
        assert_eq!((&read[1], &read[0]["version"]), (&expected, &json!(1)), "{schema}");
    }
}

#[test]
fn properties_become_fields_in_the_order_of_connect_index_and_else_as_written() {
    let schema = json!({"type": "object", "title": "Order", "description": "an order", "properties": {
        "z": {"type": "integer", "connect.index": 0},
        "a": {"type": "string", "connect.index": 2, "default": "none"},
        "m": {"oneOf": [{"type": "null"}, {"type": "string"}], "connect.index": 1},
    }});
    let fields = json!([
        {"field": "z", "schema": {"type": "INT64"}},
        {"field": "m", "schema": {"type": "STRING", "optional": true}},
        {"field": "a", "schema": {"type": "STRING", "default": "none"}},
    ]);
    let schema_json = json!({"type": "STRUCT", "name": "Order", "doc": "an order", "fields": fields});
    assert_eq!(
        read(&schema, r#"{"a": null, "z": 1}"#),
        both(schema_json.clone(), json!({"struct": {"z": {"i64": 1}, "m": null, "a": "none"}}))
    );
    let text = r#"{"type":"object","properties":{"q":{"type":"integer"},"b":{"type":"integer"},"c":{"type":"integer"}}}"#;
    let node = Node::parse(text).unwrap();
    let options = JsonOptions { optional_if_not_required: true, flatten: false };
    let read = schema::read(&node, &[], options).unwrap();
    let names: Vec<_> =
        read.schema.fields().iter().map(|field| (&*field.name, field.schema.optional)).collect();
    assert_eq!(names, [("q", true), ("b", true), ("c", true)]);
}

#[test]
fn a_missing_property_is_refused_unless_the_schema_or_the_setting_makes_it_optional() {
    let schema = json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "string"}}});
    let error = read(&schema, r#"{"a": "x"}"#).unwrap_err();
    assert!(error.contains("field b: Invalid null value for required STRING field, schema 0"), "{error}");
    let optional = [("use.optional.for.nonrequired", "true")];
    assert_eq!(
        read_with(&schema, r#"{"a": "x"}"#, &optional).unwrap()[1],
        json!({"struct": {"a": "x", "b": null}})
    );
    assert!(read_with(&schema, r#"{"b": "x"}"#, &optional).unwrap_err().contains("field a:"));
}

#[test]
fn arrays_and_both_forms_of_maps_are_read() {
    let strings = json!({"type": "array", "items": {"type": "string"}});
    assert_eq!(read(&strings, r#"["a", "b"]"#).unwrap()[1], json!(["a", "b"]));
    let map = json!({"type": "object", "connect.type": "map", "additionalProperties": {"type": "integer"}});
    assert_eq!(read(&map, r#"{"b": 1}"#).unwrap()[1], json!({"map": [["b", {"i64": 1}]]}));
    let entries = json!({"type": "array", "connect.type": "map", "items": {"type": "object", "properties": {
        "key": {"type": "integer", "connect.index": 0}, "value": {"type": "string", "connect.index": 1}}}});
    assert_eq!(
        read(&entries, r#"[{"key": 1, "value": "x"}]"#).unwrap()[1],
        json!({"map": [[{"i64": 1}, "x"]]})
    );
    let nothing = json!({"type": "array"});
    assert!(read(&nothing, "[]").unwrap_err().contains("Array schema did not specify the items type"));
}

#[test]
fn a_union_is_a_struct_with_the_member_that_fits() {
    let (a, b) = (
        json!({"type": "object", "title": "A", "properties": {"x": {"type": "integer"}}}),
        json!({"type": "object", "title": "B", "properties": {"x": {"type": "integer"}, "y": {"type": "string"}}}),
    );
    let schema = json!({"oneOf": [{"type": "null"}, {"type": "string"}, {"type": "integer"}, a, b]});
    let name = "io.confluent.connect.json.OneOf";
    for (data, field) in [("\"s\"", 0), ("5", 1), (r#"{"x": 1}"#, 2), (r#"{"x": 1, "y": "q"}"#, 3)] {
        let read = read(&schema, data).unwrap();
        assert_eq!((&read[0]["name"], &read[0]["optional"]), (&json!(name), &json!(true)));
        let set: Vec<_> =
            read[1]["struct"].as_object().unwrap().iter().filter(|(_, value)| !value.is_null()).collect();
        assert_eq!(set.len(), 1);
        assert_eq!(*set[0].0, format!("{name}.field.{field}"), "{data}");
    }
    assert_eq!(read(&schema, "null").unwrap()[1], Tree::Null);
    assert!(read(&json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}), "true").is_err());
    let types = json!({"type": ["string", "null"]});
    assert_eq!(read(&types, "null"), both(json!({"type": "STRING", "optional": true}), Tree::Null));
}

#[test]
fn enums_constants_and_schemas_of_several_parts_are_read() {
    let symbols = json!({"enum": ["A", "B"]});
    let parameters = json!({
        "io.confluent.connect.json.Enum": "", "io.confluent.connect.json.Enum.A": "A", "io.confluent.connect.json.Enum.B": "B"
    });
    let expected = json!({"type": "STRING", "parameters": parameters});
    assert_eq!(read(&symbols, "\"B\""), both(expected.clone(), json!("B")));
    assert_eq!(read(&json!({"type": "string", "enum": ["A", "B"]}), "\"A\""), both(expected, json!("A")));
    assert_eq!(read(&json!({"const": 5}), "5").unwrap()[0], json!({"type": "INT64"}));
    let all = json!({"allOf": [
        {"type": "object", "properties": {"a": {"type": "integer"}}},
        {"$ref": "#/definitions/b"},
    ], "definitions": {"b": {"properties": {"b": {"type": "string"}}}}});
    assert_eq!(
        read(&all, r#"{"b": "x", "a": 1}"#).unwrap()[1],
        json!({"struct": {"a": {"i64": 1}, "b": "x"}})
    );
}

#[test]
fn references_lead_into_the_schema_and_into_those_of_other_subjects() {
    let schema = json!({"type": "object", "properties": {
        "here": {"$ref": "#/definitions/a~1b"}, "there": {"$ref": "other.json#/definitions/c"}, "whole": {"$ref": "other.json"}
    }, "definitions": {"a/b": {"type": "boolean"}}});
    let other = json!({"type": "string", "definitions": {"c": {"$ref": "#/definitions/d"}, "d": {"type": "integer"}}});
    let top = json!({"schema": schema.to_string(), "schemaType": "JSON",
        "references": [{"name": "other.json", "subject": "o", "version": 3}]});
    let (top, other) = (top.to_string(), json!({"schema": other.to_string()}).to_string());
    let fake = FakeRegistry::with(&[
        ("/schemas/ids/0?subject=t-value", &*top),
        ("/subjects/o/versions/3?deleted=true", &*other),
    ]);
    let converter = converter("JsonSchema", &fake.url, &[]);
    let bytes = framed(0, br#"{"here": true, "there": 5, "whole": "w"}"#);
    let data = converter.to_connect("t", &(), Some(&bytes)).unwrap();
    assert_eq!(data_json(&data)[1], json!({"struct": {"here": true, "there": {"i64": 5}, "whole": "w"}}));
    let nowhere = json!({"$ref": "#/definitions/no"});
    assert!(read(&nowhere, "1").unwrap_err().contains("reference #/definitions/no leads nowhere"));
}

#[test]
fn a_schema_that_contains_itself_has_an_end() {
    let schema = json!({"type": "object", "title": "Node", "properties": {
        "a": {"type": "integer"}, "next": {"oneOf": [{"type": "null"}, {"$ref": "#"}]}
    }});
    let read = read(&schema, r#"{"a": 1, "next": {"a": 2, "next": {"a": 3, "next": null}}}"#).unwrap();
    assert_eq!(
        read[0]["fields"][1]["schema"],
        json!({"type": "STRUCT", "name": "Node", "optional": true, "fields": []})
    );
    let last = json!({"struct": {"a": {"i64": 3}, "next": null}});
    let next = json!({"struct": {"a": {"i64": 2}, "next": last}});
    assert_eq!(read[1], json!({"struct": {"a": {"i64": 1}, "next": next}}));
    let endless = json!({"$ref": "#/definitions/a", "definitions": {"a": {"$ref": "#/definitions/a"}}});
    assert_eq!(super::tests::read(&endless, "{}").unwrap()[1], json!({"struct": {}}));
}

#[test]
fn data_that_does_not_fit_is_refused_with_the_path_of_its_field_and_without_its_value() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "object", "properties": {
        "b": {"type": "integer", "connect.type": "int8"}}}}});
    for (data, expected) in [
        (r#"{"a": {"b": "secret"}}"#, "field a.b: expected INT8, found STRING"),
        (r#"{"a": {"b": 4711}}"#, "field a.b: a number beyond INT8"),
        (r#"{"a": {"b": 1.5}}"#, "field a.b: a number that is not of INT8"),
        (r#"{"a": 5}"#, "field a: Structs should be encoded as JSON objects, but found NUMBER"),
        (r#"{"a": {}"#, "expected a comma or the end of the object at byte 8 of the data"),
        ("", "expected a value at byte 0"),
    ] {
        let error = read(&schema, data).unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("secret") && !error.contains("4711"), "{error}");
    }
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    assert!(read(&schema, &deep).unwrap_err().contains("no more than 200 levels"));
}

#[test]
fn schemas_that_connect_cannot_express_are_refused_by_their_keywords() {
    for (schema, expected) in [
        (json!({}), "a schema without keywords"),
        (json!({"not": {"type": "string"}}), "keywords not"),
        (json!({"type": "null"}), "keywords type"),
    ] {
        let error = read(&schema, "1").unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let options = [("json.fail.invalid.schema", "true"), ("schema.registry.url", "http://h")];
    let options = options.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let classes = [crate::converter::class::<Json>()];
    let refused =
        coherence_kafka_connect::converter::create_from(&[&classes], Json::CLASS, Role::Value, &options);
    assert!(refused.unwrap_err()[0].to_string().contains("only false is built in"));
}

#[test]
fn strings_without_escapes_borrow_from_the_record() {
    let node = Node::parse(r#""plain""#).unwrap();
    assert!(matches!(node, Node::String(Cow::Borrowed("plain"))));
}

proptest! {
    #[test]
    fn any_schema_and_any_data_are_read_or_refused(schema in json_text(), data in json_text()) {
        if let Ok(node) = Node::parse(&schema) {
            let options = JsonOptions { optional_if_not_required: false, flatten: true };
            if let Ok(schema) = schema::read(&node, &[], options)
                && let Ok(node) = Node::parse(&data)
            {
                let _ = data::read(&schema.schema, &node, Under { whole: &schema.whole, null_is_default: true });
            }
        }
    }
}

const WORDS: [&str; 13] = [
    "type",
    "properties",
    "items",
    "oneOf",
    "allOf",
    "enum",
    "$ref",
    "#",
    "object",
    "array",
    "string",
    "null",
    "integer",
];

fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Tree::from),
        any::<bool>().prop_map(Tree::from),
        Just(Tree::Null),
        proptest::sample::select(&WORDS[..]).prop_map(Tree::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Tree::from),
            proptest::collection::vec((proptest::sample::select(&WORDS[..]), inner), 0..4).prop_map(
                |members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            ),
        ]
    })
    .prop_map(|json| json.to_string())
}
