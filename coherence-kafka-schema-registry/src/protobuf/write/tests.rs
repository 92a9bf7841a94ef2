use std::sync::Arc;

use coherence_kafka_connect::data::{Struct, Value};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::Protobuf;
use super::super::plan::ProtobufOptions;
use super::*;
use crate::testing::generate::{Shapes, data as any_data};
use crate::testing::{converter, hex, registry_of, there_and_back, unhex, value_json, writable};

fn format(write: WriteOptions) -> Protobuf {
    let read = ProtobufOptions {
        enhanced: false,
        union_index: true,
        flatten_unions: false,
        int_enums: false,
        optional_keyword: write.optional_keyword,
        optional_proto2: true,
        wrappers: write.wrappers,
        raw_wrappers: true,
    };
    Protobuf { read, write }
}

const PLAIN: WriteOptions = WriteOptions { optional_keyword: false, wrappers: false, scrub: false };
const KEYWORD: WriteOptions = WriteOptions { optional_keyword: true, ..PLAIN };
const WRAPPED: WriteOptions = WriteOptions { wrappers: true, ..PLAIN };
const SCRUBBED: WriteOptions = WriteOptions { scrub: true, ..PLAIN };

fn field(name: &str, schema: Schema) -> Field {
    Field { name: name.to_owned(), schema: Arc::new(schema) }
}

fn named(name: &str, fields: Vec<Field>) -> Schema {
    Schema { name: Some(name.to_owned()), ..Schema::new(SchemaKind::Struct(fields)) }
}

fn with(schema: Schema, parameters: &[(&str, &str)]) -> Schema {
    let parameters =
        parameters.iter().map(|(key, value)| (format!("{NAMESPACE}.{key}"), (*value).to_owned()));
    Schema { parameters: parameters.collect(), ..schema }
}

/// The lines of the file behind its head, without indentation.
fn lines(schema: &Schema, options: WriteOptions) -> Vec<String> {
    let (text, _) = plan(schema, options).unwrap();
    text.lines().filter(|line| !line.is_empty()).map(|line| line.trim().to_owned()).collect()
}

fn error(fields: Vec<Field>, options: WriteOptions) -> String {
    let schema = Arc::new(named("A", fields));
    let values = schema.fields().iter().map(|_| Value::Null).collect();
    let value = Value::Struct(Struct { schema: schema.clone(), values });
    there_and_back(&format(options), &schema, &value).unwrap_err()
}

fn list(of: Schema) -> Schema {
    Schema::new(SchemaKind::Array(Some(Arc::new(of))))
}

fn map(keys: SchemaKind, values: Schema) -> Schema {
    Schema::new(SchemaKind::Map(Some(Arc::new(Schema::new(keys))), Some(Arc::new(values))))
}

#[test]
fn a_struct_is_a_message_in_the_package_of_its_name_with_its_types_inside() {
    let line = || {
        named("shop.Line", vec![field("count", with(Schema::new(SchemaKind::Int32), &[("Type", "sint32")]))])
    };
    let state =
        with(Schema::new(SchemaKind::String), &[("Enum", "State"), ("Enum.PAID", "1"), ("Enum.NEW", "0")]);
    let pay = named(
        "io.confluent.connect.protobuf.Union.pay",
        vec![
            field("card", with(Schema::optional(SchemaKind::String), &[("Tag", "9")])),
            field("points", Schema::optional(SchemaKind::Int64)),
        ],
    );
    let decimal = Schema::decimal(2);
    let schema = named(
        "shop.Order",
        vec![
            field("id", with(Schema::new(SchemaKind::Int64), &[("Tag", "2")])),
            field("small", Schema::new(SchemaKind::Int8)),
            field("lines", list(line())),
            field("Line", line()),
            field("state", state),
            field("counts", map(SchemaKind::String, Schema::new(SchemaKind::Int64))),
            field("pay_0", Schema { optional: true, ..pay }),
            field("price", decimal),
        ],
    );
    let expected = "syntax = \"proto3\";
        package shop;
        import \"confluent/meta.proto\";
        import \"confluent/type/decimal.proto\";
        message Order {
        int64 id = 2;
        int32 small = 1 [(confluent.field_meta) = { params: [{ key: \"connect.type\", value: \"int8\" }] }];
        repeated Line lines = 3;
        LineMessage Line = 4;
        State state = 5;
        map<string, int64> counts = 6;
        oneof pay {
        string card = 9;
        int64 points = 7;
        }
        confluent.type.Decimal price = 8 [(confluent.field_meta) = { params: [{ key: \"scale\", value: \"2\" }] }];
        message Line {
        sint32 count = 1;
        }
        message LineMessage {
        sint32 count = 1;
        }
        enum State {
        NEW = 0;
        PAID = 1;
        }
        }";
    let expected: Vec<_> = expected.lines().map(str::trim).collect();
    assert_eq!(lines(&schema, PLAIN), expected);
}

#[test]
fn settings_decide_how_optional_fields_and_names_are_written() {
    let schema = named(
        "A",
        vec![
            field("a", Schema::optional(SchemaKind::Int32)),
            field("b", Schema::new(SchemaKind::String)),
            field("c", with(Schema::optional(SchemaKind::Int64), &[("Type", "fixed32")])),
        ],
    );
    assert_eq!(lines(&schema, PLAIN)[2..5], ["int32 a = 1;", "string b = 2;", "fixed32 c = 3;"]);
    assert_eq!(
        lines(&schema, KEYWORD)[2..5],
        ["optional int32 a = 1;", "string b = 2;", "optional fixed32 c = 3;"]
    );
    let wrapped =
        ["google.protobuf.Int32Value a = 1;", "string b = 2;", "google.protobuf.UInt32Value c = 3;"];
    assert_eq!(lines(&schema, WRAPPED)[3..6], wrapped);
    let odd = named(
        "my-db.Orders.Row",
        vec![
            field("full name", Schema::new(SchemaKind::String)),
            field("1é", Schema::new(SchemaKind::String)),
        ],
    );
    assert_eq!(
        lines(&odd, SCRUBBED)[1..5],
        ["package my_db.Orders;", "message Row {", "string full_name = 1;", "string x1_C3_A9 = 2;"]
    );
    let refused = plan(&odd, PLAIN).unwrap_err();
    assert!(
        refused
            .starts_with("name my-db is not allowed in Protobuf: rename it, or set scrub.invalid.names=true"),
        "{refused}"
    );
    let unnamed =
        Schema::new(SchemaKind::Struct(vec![field("a", Schema::new(SchemaKind::Struct(Vec::new())))]));
    let names = lines(&unnamed, PLAIN);
    assert_eq!(
        names[1..4],
        ["message ConnectDefault1 {", "ConnectDefault2 a = 1;", "message ConnectDefault2 {"]
    );
}

#[test]
fn a_primitive_at_the_top_is_a_wrapper_type() {
    for (kind, value, expected) in [
        (SchemaKind::Int32, Value::Int32(5), "0208"),
        (SchemaKind::Float64, Value::Float64(0.0), "00"),
        (SchemaKind::String, Value::String("x".into()), "020e0a0178"),
        (SchemaKind::Bytes, Value::Bytes(vec![1].into()), "02100a0101"),
    ] {
        let schema = Arc::new(Schema::new(kind));
        let (_, bytes, read) = there_and_back(&format(PLAIN), &schema, &value).unwrap();
        assert!(hex(&bytes).starts_with(expected), "{}", hex(&bytes));
        assert_eq!((&read.value, &**read.schema.as_deref().unwrap()), (&value, &*schema));
    }
    for schema in [list(Schema::new(SchemaKind::Int32)), Schema::decimal(2)] {
        assert!(plan(&schema, PLAIN).unwrap_err().contains("outside of a struct"));
    }
}

#[test]
fn what_protobuf_cannot_express_is_refused_with_the_path_of_its_field() {
    let string = || Schema::new(SchemaKind::String);
    let tagged = |tag| with(string(), &[("Tag", tag)]);
    for (fields, expected) in [
        (
            vec![field("a", list(list(string())))],
            "field a: ARRAY in a list or a map, which Protobuf cannot express",
        ),
        (vec![field("a", map(SchemaKind::Float64, string()))], "field a: a map with keys of FLOAT64"),
        (vec![field("a", tagged("0"))], "Tag is no number of a field"),
        (vec![field("a", tagged("5")), field("b", tagged("5"))], "a schema that Protobuf cannot express"),
        (
            vec![field("a", with(string(), &[("Enum", "E"), ("Enum.X", "1")]))],
            "a schema that Protobuf cannot express",
        ),
        (vec![field("a b", string())], "name a b is not allowed in Protobuf"),
        (
            vec![field("a", named("B", vec![field("c", map(SchemaKind::Bytes, string()))]))],
            "field a: field c: a map",
        ),
        (vec![field("a", string())], "field a: null for a required STRING"),
        (
            vec![field("x", named("B", vec![field("c", string())])), field("y", named("B", Vec::new()))],
            "two types are named B",
        ),
    ] {
        let found = error(fields, PLAIN);
        assert!(found.contains(expected), "{found}");
    }
    let schema = Arc::new(named("A", vec![field("a", list(Schema::optional(SchemaKind::String)))]));
    let write = |value: Value<'static>| {
        let value = Value::Struct(Struct { schema: schema.clone(), values: vec![value] });
        there_and_back(&format(PLAIN), &schema, &value).unwrap_err()
    };
    assert_eq!(
        write(Value::Array(vec![Value::Null])),
        "field a: a null in a list, a map or a union, which Protobuf cannot express"
    );
    assert_eq!(write(Value::Array(vec![Value::Int32(4711)])), "field a: a value that cannot be string");
}

#[test]
fn a_message_inside_itself_is_written_with_its_name() {
    let next = Schema { optional: true, ..named("t.N", Vec::new()) };
    let schema = named("t.N", vec![field("x", Schema::new(SchemaKind::Int32)), field("next", next)]);
    assert!(lines(&schema, PLAIN).contains(&".t.N next = 2;".to_owned()));
    let schema = Arc::new(schema);
    let node =
        |x, next| Value::Struct(Struct { schema: schema.clone(), values: vec![Value::Int32(x), next] });
    let value = node(1, node(2, Value::Null));
    let (_, _, read) = there_and_back(&format(PLAIN), &schema, &value).unwrap();
    assert_eq!(value_json(&read.value), value_json(&value));
}

#[test]
fn a_new_field_without_a_number_has_the_next_one_that_is_free() {
    let tagged = |tag| with(Schema::new(SchemaKind::Int32), &[("Tag", tag)]);
    let schema = named(
        "A",
        vec![field("x", Schema::new(SchemaKind::Int32)), field("a", tagged("1")), field("b", tagged("2"))],
    );
    assert_eq!(lines(&schema, PLAIN)[2..5], ["int32 x = 3;", "int32 a = 1;", "int32 b = 2;"]);
}

#[test]
fn a_message_of_another_library_is_written_with_its_bytes() {
    let (source, target) =
        (registry_of(&[json!({"schema": super::super::tests::ORDER, "schemaType": "PROTOBUF"})]), writable());
    let keyword = [("optional.for.nullables", "true")];
    let reading = converter("Protobuf", &source.url, &keyword);
    let written = unhex(super::super::tests::WRITTEN);
    let bytes = crate::testing::framed(0, &[&[0], &*written].concat());
    let data = reading.to_connect("t", &(), Some(&bytes)).unwrap();
    let writing = converter("Protobuf", &target.url, &keyword);
    let again =
        writing.from_connect("t", &mut Vec::new(), data.schema.as_deref(), &data.value).unwrap().unwrap();
    let read = writing.to_connect("t", &(), Some(&again)).unwrap();
    assert_eq!(value_json(&read.value), value_json(&data.value));
    let body = &target.seen()[0].body;
    assert!(
        body.contains(r#""schemaType":"PROTOBUF""#) && body.contains("optional int32 maybe = 26;"),
        "{body}"
    );
    // Connect's timestamps end with the milliseconds.
    let (same, _) = super::super::tests::WRITTEN.split_once("10959aef3a").unwrap();
    assert!(hex(&again[6..]).starts_with(same), "{}", hex(&again));
}

/// What can differ: the name of a union's field is that of the union, and fields that are null.
fn comparable(json: Json) -> Json {
    match json {
        Json::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| match (&*name, comparable(value)) {
                (union, value)
                    if union.starts_with("u_")
                        || union.starts_with('u') && union.ends_with(|c: char| c.is_ascii_digit()) =>
                {
                    let member = value["struct"].as_object().unwrap().keys().next().unwrap();
                    (member[..member.find('_').unwrap()].to_owned(), value.clone())
                }
                ("map", Json::Array(mut entries)) => {
                    entries.sort_by_key(|entry| entry[0].to_string());
                    (name, Json::Array(entries))
                }
                (_, value) => (name, value),
            })
            .collect(),
        Json::Array(items) => items.into_iter().map(comparable).collect(),
        other => other,
    }
}

proptest! {
    #[test]
    fn data_that_was_written_reads_the_same((schema, value) in any_data(Shapes::Protobuf)) {
        prop_assume!(value != Value::Null);
        let (_, _, read) = there_and_back(&format(KEYWORD), &schema, &value).map_err(TestCaseError::fail)?;
        prop_assert_eq!(comparable(value_json(&read.value)), comparable(value_json(&value)));
    }

    #[test]
    fn data_has_one_form_whatever_the_order_of_its_entries(
        numbers in proptest::collection::btree_map(any::<i32>(), any::<bool>(), 0..6)
    ) {
        let schema = Arc::new(named("A", vec![field("m", map(SchemaKind::Int32, Schema::new(SchemaKind::Boolean)))]));
        let mut entries: Vec<_> =
            numbers.into_iter().map(|(key, value)| (Value::Int32(key), Value::Boolean(value))).collect();
        let write = |entries: Vec<_>| {
            let value = Value::Struct(Struct { schema: schema.clone(), values: vec![Value::Map(entries)] });
            there_and_back(&format(PLAIN), &schema, &value).map(|(_, bytes, _)| bytes)
        };
        let one = write(entries.clone());
        entries.reverse();
        prop_assert_eq!(one, write(entries));
    }
}
