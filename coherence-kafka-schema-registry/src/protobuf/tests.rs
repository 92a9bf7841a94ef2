use std::collections::BTreeMap;

use coherence_kafka_connect::data::SchemaKind;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::framing;
use crate::registry::fake::FakeRegistry;
use crate::testing::{converter, data_json, framed, hex, registry_of, unhex, value_json};

pub(super) const ORDER: &str = include_str!("../../tests/vectors/order.proto");
/// An order with every field, as Google's own library for Python writes it.
pub(super) const WRITTEN: &str = "08fbffffffffffffffff01108080808080808080401880d0acf30e20ffffffffffffffffff01280d30ffffffffffffffffff013d01286bee4109000000000000004dfdffffff51fcffffffffffffff5d0000c03f61000000000000d0bf6801720368c3a97a0200ff8001018a01050a016110039201060a026c3110029201060a026c3210049a010d01ffffffffffffffffff01ac02a201050a01611001a201050a01621002aa010a080512060a0466697665ba01030a0178c2010b0880e2cfaa0610959aef3aca01030a016ed00100da010d0809b2010163da010472027570";

fn read_with(proto: &str, indexes: &[u32], data: &[u8], options: &[(&str, &str)]) -> Result<Json, String> {
    let fake = registry_of(&[json!({"schema": proto, "schemaType": "PROTOBUF"})]);
    let converter = converter(Protobuf::CLASS, &fake.url, options);
    let mut message = Vec::new();
    framing::write_message_indexes(indexes, &mut message);
    let bytes = framed(0, &[&*message, data].concat());
    let data = converter.to_connect("t", &(), Some(&bytes));
    data.map(|data| data_json(&data)).map_err(|error| error.to_string())
}

fn read(proto: &str, indexes: &[u32], data: &[u8]) -> Result<Json, String> {
    read_with(proto, indexes, data, &[])
}

/// A file with the package `t` and this content.
fn proto3(content: &str) -> String {
    format!("syntax = \"proto3\"; package t; {content}")
}

fn schema_of(read: &Json, path: &[&str]) -> Json {
    path.iter().fold(read[0].clone(), |schema, name| {
        let fields = schema["fields"].as_array().unwrap();
        fields.iter().find(|field| field["field"] == **name).unwrap()["schema"].clone()
    })
}

#[test]
fn a_message_of_another_library_is_read_with_all_its_fields() {
    let line = |sku: &str, count: i32| json!({"struct": {"sku": sku, "count": {"i32": count}}});
    let read = read(ORDER, &[0], &unhex(WRITTEN)).unwrap();
    let order = read[1]["struct"].as_object().unwrap();
    for (field, expected) in [
        ("i32", json!({"i32": -5})),
        ("i64", json!({"i64": 1_i64 << 62})),
        ("u32", json!({"i64": 4_000_000_000_u32})),
        ("u64", json!({"i64": -1})),
        ("s32", json!({"i32": -7})),
        ("s64", json!({"i64": i64::MIN})),
        ("f32", json!({"i64": 4_000_000_001_u32})),
        ("f64", json!({"i64": 9})),
        ("sf32", json!({"i32": -3})),
        ("sf64", json!({"i64": -4})),
        ("fl", json!({"f32": 1.5_f32.to_bits()})),
        ("db", json!({"f64": (-0.25_f64).to_bits()})),
        ("b", json!(true)),
        ("s", json!("hé")),
        ("by", json!({"bytes": "00ff"})),
        ("state", json!("PAID")),
        ("line", line("a", -2)),
        ("lines", json!([line("l1", 1), line("l2", 2)])),
        ("numbers", json!([{"i32": 1}, {"i32": -1}, {"i32": 300}])),
        ("counts", json!({"map": [["a", {"i64": 1}], ["b", {"i64": 2}]]})),
        ("by_number", json!({"map": [[{"i32": 5}, line("five", 0)]]})),
        ("payment_0", json!({"struct": {"card": null, "barter": line("x", 0)}})),
        ("at", json!({"date": 1_700_000_000_123_i64})),
        ("note", json!({"struct": {"value": "n"}})),
        ("maybe", json!({"i32": 0})),
    ] {
        assert_eq!(order[field], expected, "{field}");
    }
    let parent = &order["parent"]["struct"];
    assert_eq!(
        (
            &parent["i32"],
            &parent["payment_0"]["struct"]["card"],
            &parent["parent"]["struct"]["s"],
            &parent["maybe"]
        ),
        (&json!({"i32": 9}), &json!("c"), &json!("up"), &Json::Null)
    );
}

#[test]
fn the_schema_has_the_names_tags_and_types_of_confluent() {
    let read = read(ORDER, &[0], &[]).unwrap();
    let prefix = "io.confluent.connect.protobuf";
    let tagged = |kind: &str, tag: u32, more: &[(&str, &str)]| {
        let mut parameters = BTreeMap::from([(format!("{prefix}.Tag"), tag.to_string())]);
        parameters.extend(more.iter().map(|(key, value)| (format!("{prefix}.{key}"), (*value).to_owned())));
        json!({"type": kind, "optional": true, "parameters": parameters})
    };
    assert_eq!((&read[0]["name"], &read[0]["optional"]), (&json!("Order"), &Json::Null));
    let names: Vec<_> =
        read[0]["fields"].as_array().unwrap().iter().map(|field| field["field"].as_str().unwrap()).collect();
    assert_eq!(names[..3], ["payment_0", "i32", "i64"]);
    assert_eq!(schema_of(&read, &["i32"]), tagged("INT32", 1, &[]));
    assert_eq!(schema_of(&read, &["u32"]), tagged("INT64", 3, &[("Type", "uint32")]));
    assert_eq!(schema_of(&read, &["s32"]), tagged("INT32", 5, &[("Type", "sint32")]));
    let mut state = tagged("STRING", 16, &[("Enum", "State"), ("Enum.NEW", "0"), ("Enum.PAID", "1")]);
    state["name"] = json!("State");
    assert_eq!(schema_of(&read, &["state"]), state);
    let lines = schema_of(&read, &["lines"]);
    assert_eq!(
        (&lines["type"], &lines["items"]["optional"], &lines["items"]["name"]),
        (&json!("ARRAY"), &json!(true), &json!("Line"))
    );
    let counts = schema_of(&read, &["counts"]);
    assert_eq!((&counts["type"], &counts["name"]), (&json!("MAP"), &json!("counts")));
    assert_eq!(counts["keys"], tagged("STRING", 1, &[]));
    let mut at = tagged("INT64", 24, &[]);
    (at["name"], at["version"]) = (json!("org.apache.kafka.connect.data.Timestamp"), json!(1));
    assert_eq!(schema_of(&read, &["at"]), at);
    let payment = schema_of(&read, &["payment_0"]);
    assert_eq!(
        (&payment["name"], &payment["optional"]),
        (&json!(format!("{prefix}.Union.payment")), &json!(true))
    );
    let parent = schema_of(&read, &["parent"]);
    assert_eq!((&parent["name"], &parent["fields"]), (&json!("Order"), &json!([])));
}

#[test]
fn settings_change_names_enums_unions_and_what_is_optional() {
    let data = unhex(WRITTEN);
    let enhanced = read_with(ORDER, &[0], &data, &[("enhanced.protobuf.schema.support", "true")]).unwrap();
    assert_eq!(enhanced[0]["name"], "shop.Order");
    assert_eq!(schema_of(&enhanced, &["line"])["name"], "shop.Order.Line");
    assert_eq!(schema_of(&enhanced, &["counts"])["name"], "shop.Order.counts");
    let plain = read_with(ORDER, &[0], &data, &[("generate.index.for.unions", "false")]).unwrap();
    assert_eq!(schema_of(&plain, &["payment"])["type"], "STRUCT");
    let ints = read_with(ORDER, &[0], &data, &[("int.for.enums", "true")]).unwrap();
    assert_eq!(ints[1]["struct"]["state"], json!({"i32": 1}));
    let wrappers = read_with(ORDER, &[0], &data, &[("wrapper.for.nullables", "true")]).unwrap();
    assert_eq!(wrappers[1]["struct"]["note"], "n");
    assert_eq!(schema_of(&wrappers, &["i32"])["optional"], Json::Null);
    let keyword = read_with(ORDER, &[0], &data, &[("optional.for.nullables", "true")]).unwrap();
    assert_eq!(schema_of(&keyword, &["i32"])["optional"], Json::Null);
    assert_eq!(schema_of(&keyword, &["maybe"])["optional"], true);
}

#[test]
fn message_indexes_choose_the_message_without_counting_the_entries_of_maps() {
    let proto = proto3(
        "message A { string a = 1; } message B { map<string, string> m = 1; message C { int32 c = 1; } message D { message E { bool e = 1; } } }",
    );
    for (indexes, name) in [(&[0][..], "A"), (&[1], "B"), (&[1, 0], "C"), (&[1, 1, 0], "E")] {
        assert_eq!(read(&proto, indexes, &[]).unwrap()[0]["name"], name);
    }
    for indexes in [&[2][..], &[1, 2], &[0, 0]] {
        let error = read(&proto, indexes, &[]).unwrap_err();
        assert!(error.contains("the file has no message at the data's message indexes, schema 0"), "{error}");
    }
}

#[test]
fn absent_fields_are_the_defaults_of_their_types_and_null_where_absence_is_known() {
    let proto = proto3(
        "message A { int32 a = 1; optional int32 b = 2; A c = 3; repeated int32 d = 4; oneof e { int32 f = 5; } }",
    );
    let expected = json!({"struct": {"a": {"i32": 0}, "b": null, "c": null, "d": [], "e_0": null}});
    assert_eq!(read(&proto, &[0], &[]).unwrap()[1], expected);
    // The member of a union is set, to its default value.
    assert_eq!(
        read(&proto, &[0], &[0x28, 0]).unwrap()[1]["struct"]["e_0"],
        json!({"struct": {"f": {"i32": 0}}})
    );
    let proto2 =
        "syntax = \"proto2\"; message A { optional int32 a = 1 [default = 7]; required string b = 2; }";
    assert_eq!(read(proto2, &[0], &[]).unwrap()[1], json!({"struct": {"a": null, "b": ""}}));
    let defaults = read_with(proto2, &[0], &[], &[("optional.for.proto2", "false")]).unwrap();
    assert_eq!(defaults[1]["struct"]["a"], json!({"i32": 7}));
}

#[test]
fn the_types_of_confluent_and_google_are_known_without_the_registry() {
    let proto = proto3(
        "import \"confluent/meta.proto\"; import \"confluent/type/decimal.proto\"; import \"google/type/date.proto\";
         import \"google/type/timeofday.proto\";
         message A {
           confluent.type.Decimal a = 1 [(confluent.field_meta) = { params: [
               { key: \"precision\", value: \"9\" }, { key: \"scale\", value: \"2\" }] }];
           google.type.Date b = 2;
           google.type.TimeOfDay c = 3;
           int32 d = 4 [(confluent.field_meta) = { params: [{ key: \"connect.type\", value: \"int8\" }] }];
           int32 e = 5 [(confluent.field_meta) = { params: [{ key: \"connect.type\", value: \"int16\" }] }];
         }",
    );
    let data = unhex("0a060a0204d21802" /* 12.34 */);
    let data =
        [&*data, &unhex("120708e80f1002181d"), &unhex("1a08080b101e180f2000"), &[0x20, 5, 0x28, 6]].concat();
    let read = read(&proto, &[0], &data).unwrap();
    let expected = json!({"struct": {
        "a": {"dec": {"unscaled": "1234", "scale": 2}}, "b": {"date": 19_782_i64 * 86_400_000},
        "c": {"date": ((11 * 60 + 30) * 60 + 15) * 1000}, "d": {"i8": 5}, "e": {"i16": 6},
    }});
    assert_eq!(read[1], expected);
    let decimal = &schema_of(&read, &["a"])["parameters"];
    assert_eq!((&decimal["scale"], &decimal["connect.decimal.precision"]), (&json!("2"), &json!("9")));
}

#[test]
fn a_wrapper_at_the_top_is_its_value() {
    let proto = "syntax = \"proto3\"; package google.protobuf; message StringValue { string value = 1; }";
    assert_eq!(read(proto, &[0], &[0x0a, 1, b'x']), Ok(json!([{"type": "STRING"}, "x"])));
    let whole = read_with(proto, &[0], &[], &[("wrapper.for.raw.primitives", "false")]).unwrap();
    assert_eq!(whole[1], json!({"struct": {"value": ""}}));
}

#[test]
fn files_are_imported_from_other_subjects() {
    let top = json!({"schema": "syntax = \"proto3\"; import \"b.proto\"; message A { u.B b = 1; }", "schemaType": "PROTOBUF",
        "references": [{"name": "b.proto", "subject": "b", "version": 4}]});
    let b = json!({"schema": "syntax = \"proto3\"; package u; message B { int32 x = 1; }", "schemaType": "PROTOBUF"});
    let (top, b) = (top.to_string(), b.to_string());
    let fake = FakeRegistry::with(&[
        ("/schemas/ids/0?subject=t-value", &*top),
        ("/subjects/b/versions/4?deleted=true", &*b),
    ]);
    let converter = converter("Protobuf", &fake.url, &[]);
    let bytes = framed(0, &[0, 0x0a, 2, 8, 5]);
    for _ in 0..2 {
        let data = converter.to_connect("t", &(), Some(&bytes)).unwrap();
        assert_eq!(value_json(&data.value), json!({"struct": {"b": {"struct": {"x": {"i32": 5}}}}}));
    }
    assert_eq!(fake.seen().len(), 2);
}

#[test]
fn the_members_of_a_flat_union_are_fields_of_the_message() {
    let proto = proto3("message A { int32 x = 1; oneof u { string a = 2; int32 b = 3; } }");
    for keyword in ["false", "true"] {
        let options = [("flatten.unions", "true"), ("optional.for.nullables", keyword)];
        let read = read_with(&proto, &[0], &[8, 5, 24, 0], &options).unwrap();
        assert_eq!(read[1], json!({"struct": {"a": null, "b": {"i32": 0}, "x": {"i32": 5}}}));
        assert_eq!(schema_of(&read, &["a"])["optional"], true);
        let neither = read_with(&proto, &[0], &[], &options).unwrap();
        assert_eq!(neither[1], json!({"struct": {"a": null, "b": null, "x": {"i32": 0}}}));
    }
}

#[test]
fn files_can_be_descriptors_as_other_serializers_register_them() {
    // Descriptors of Google's library for Python: `Order` is the second message, and its customer is in the other file.
    const CUSTOMER: &str =
        "Cg5jdXN0b21lci5wcm90bxIEc2hvcCIeCghDdXN0b21lchISCgRuYW1lGAEgASgJUgRuYW1lYgZwcm90bzM=";
    const ORDER: &str = "CgtvcmRlci5wcm90bxIEc2hvcBoOY3VzdG9tZXIucHJvdG8iBwoFT3RoZXIiNQoFT3JkZXISCgoCaWQYASABKAMSIAoI\
                         Y3VzdG9tZXIYAiABKAsyDi5zaG9wLkN1c3RvbWVyYgZwcm90bzM=";
    const CUSTOMER_TEXT: &str = "syntax = \"proto3\"; package shop; message Customer { string name = 1; }";
    for customer in [CUSTOMER, CUSTOMER_TEXT] {
        let references = [("customer.proto".to_owned(), customer.to_owned())];
        let file = file::compile(ORDER, &references).unwrap();
        let order = file::message(&file, &[1]).unwrap();
        let customer = order.get_field_by_name("customer").unwrap().kind();
        assert_eq!(
            (order.full_name(), customer.as_message().unwrap().full_name()),
            ("shop.Order", "shop.Customer")
        );
    }
    for cut in (4..ORDER.len()).step_by(4) {
        assert!(file::compile(&ORDER[..cut], &[]).is_err(), "half a descriptor");
    }
}

#[test]
fn symbols_that_the_schema_does_not_have_keep_their_numbers() {
    let proto = proto3("enum E { NONE = 0; } message A { E e = 1; }");
    assert_eq!(read(&proto, &[0], &[8, 5]).unwrap()[1], json!({"struct": {"e": "UNKNOWN_ENUM_VALUE_E_5"}}));
}

#[test]
fn bad_data_and_bad_schemas_are_refused_without_the_data() {
    for (proto, data, expected) in [
        (proto3("message A { string s = 1; }"), &[0x0a, 9, b'h', b'u', b's', b'h'][..], "schema 0"),
        (proto3("message A { string s = 1; }"), &[0x0a, 1, 0xff], "schema 0"),
        (proto3("message A { nothing s = 1; }"), &[], "schema 0 cannot be used"),
        ("no proto".to_owned(), &[], "schema 0 cannot be used"),
        (proto3("import \"missing.proto\"; message A {}"), &[], "missing.proto"),
        (
            proto3("import \"google/type/date.proto\"; message A { google.type.Date d = 1; }"),
            &[0x0a, 2, 8, 5],
            "field d: no day of the calendar",
        ),
    ] {
        let error = read(&proto, &[0], data).unwrap_err();
        assert!(error.starts_with("Failed to deserialize data for topic t to Protobuf: "), "{error}");
        assert!(error.contains(expected) && !error.contains("hush"), "{error}");
    }
    let (nested, data) = (proto3("message A { A a = 1; }"), [0x0a, 0x7f].repeat(500));
    assert!(read(&nested, &[0], &data).is_err());
}

#[test]
fn files_without_end_are_refused() {
    for open in ["message A { ", "option (a) = { b ", "message A { int32 a = 1 [(b) = { c: ["] {
        let error = file::compile(&proto3(&open.repeat(100_000)), &[]).unwrap_err();
        assert!(error.contains("more than 100 blocks inside each other"), "{error}");
    }
    let import = |name: &str| format!("syntax = \"proto3\"; import \"{name}\"; message M {{}}");
    assert!(file::compile(&import("default"), &[]).is_err());
    let circle = [("a".to_owned(), import("b")), ("b".to_owned(), import("a"))];
    assert!(file::compile(&import("a"), &circle).is_err());
}

#[test]
fn a_message_inside_itself_has_its_whole_schema() {
    let file = file::compile(&proto3("message A { A a = 1; int32 x = 2; }"), &[]).unwrap();
    let descriptor = file::message(&file, &[0]).unwrap();
    let plan = Plan::new(&descriptor, OPTIONS).unwrap();
    let message = DynamicMessage::decode(descriptor, &*unhex("0a021005")).unwrap();
    let Value::Struct(outer) = data::read(&plan, message).unwrap() else { panic!() };
    let Value::Struct(inner) = &outer.values[0] else { panic!() };
    assert_eq!((&inner.schema, &inner.values[1]), (&plan.schema, &Value::Int32(5)));
    assert_eq!(plan.schema.fields()[0].schema.kind, SchemaKind::Struct(Vec::new()));
}

const OPTIONS: ProtobufOptions = ProtobufOptions {
    enhanced: false,
    union_index: true,
    flatten_unions: false,
    int_enums: false,
    optional_keyword: false,
    optional_proto2: true,
    wrappers: false,
    raw_wrappers: true,
};

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0..200_usize) {
        let file = file::compile(ORDER, &[]).unwrap();
        let descriptor = file::message(&file, &[0]).unwrap();
        let plan = Plan::new(&descriptor, OPTIONS).unwrap();
        let mut written = unhex(WRITTEN);
        written.truncate(cut);
        for data in [&*bytes, &*[&*written, &*bytes].concat()] {
            if let Ok(message) = DynamicMessage::decode(descriptor.clone(), data) {
                let _ = data::read(&plan, message);
            }
        }
    }

    #[test]
    fn any_text_is_a_file_or_refused(text in "(syntax|message|enum|oneof|map|[A-Za-z0-9=;<>{}.\" ]){0,60}") {
        let _ = file::compile(&text, &[]);
    }
}

#[test]
fn the_written_order_is_whole() {
    assert_eq!(hex(&unhex(WRITTEN)), WRITTEN);
}
