use std::collections::BTreeMap;

use coherence_kafka_common::map::Format;

use super::*;
use crate::converter;

mod files;
mod random;
mod scalars;
mod vectors;

fn mapping(text: &str) -> Mapping {
    Mapping::parse(text).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// What JSON without a schema becomes.
fn json(text: &str) -> Value<'static> {
    let options: BTreeMap<String, String> = [("schemas.enable".to_owned(), "false".to_owned())].into();
    let json =
        converter::create("org.apache.kafka.connect.json.JsonConverter", Role::Value, &options).unwrap();
    json.to_connect("topic", &(), Some(text.as_bytes())).unwrap().value.into_owned()
}

fn written(part: Part<'_>, value: Value<'_>) -> Result<Vec<u8>, MappingError> {
    let mut out = Vec::new();
    part.write(Format::Pof, &value, &mut out).map(|()| out)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const ORDERS: &str = r#"
[types.Order]
class = "com.acme.Order"
id = 2001

[types.Order.fields]
id = { index = 0, type = "long", required = true }
customer = { index = 1, type = "String", from = "customer.name" }
status = { index = 2, type = "Status" }
lines = { index = 3, type = "List<Line>" }
due = { index = 4, type = "LocalDate" }

[types.Line]
class = "com.acme.Line"
id = 2002

[types.Line.fields]
article = { index = 0, type = "String" }
count = { index = 1, type = "int" }
price = { index = 2, type = "BigDecimal(2)" }

[enums.Status]
class = "com.acme.Status"
id = 2003
constants = ["NEW", "PAID"]

[maps.Orders]
key = "long"
value = "Order"
"#;

const ORDER: &str = r#"{"id":7,"customer":{"name":"Ann","city":"Prague"},"status":"PAID","due":"2026-11-30",
    "lines":[{"article":"nut","count":3,"price":1.5},{"article":"bolt","count":0,"price":"2"}]}"#;

#[test]
fn an_entry_is_written_as_its_class_does_and_reads_as_a_struct() {
    let mapping = mapping(ORDERS);
    let value = mapping.part("Orders", Role::Value).unwrap();
    let binary = written(value, json(ORDER)).unwrap();
    assert_eq!(
        hex(&binary),
        "15911f00004207014e03416e6e02931f00004e045041494440035502921f00004e036e7574016c0247960202\
         40921f00004e04626f6c740247880302400\
         44faa1f0b1e40"
    );
    let read = value.read(&binary).unwrap();
    let Value::Struct(order) = &read.value else { panic!("{read:?}") };
    assert_eq!(Some(&order.schema), value.schema());
    let names: Vec<_> = order.schema.fields().iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["id", "customer", "status", "lines", "due"]);
    assert_eq!(order.schema.name.as_deref(), Some("com.acme.Order"));
    // A struct that was read is written as it was.
    assert_eq!(written(value, read.value).unwrap(), binary);
}

#[test]
fn a_key_has_the_type_that_the_mapping_names_whatever_type_the_record_has() {
    let mapping = mapping(&ORDERS.replace("key = \"long\"", "key = \"Integer\""));
    let key = mapping.part("Orders", Role::Key).unwrap();
    for value in [Value::Int8(7), Value::Int32(7), Value::Int64(7)] {
        assert_eq!(written(key, value).unwrap(), [0x15, 0x41, 0x07]);
    }
    assert!(written(key, Value::Int64(1 << 31)).is_err());
}

#[test]
fn a_part_without_a_type_is_left_to_the_serializer_of_the_map() {
    let mapping = mapping(&ORDERS.replace("key = \"long\"\n", ""));
    assert!(mapping.part("Orders", Role::Key).is_none());
    assert!(mapping.part("Others", Role::Value).is_none());
    assert_eq!(mapping.maps().collect::<Vec<_>>(), ["Orders"]);
}

#[test]
fn an_error_names_the_path_and_never_the_value() {
    let mapping = mapping(ORDERS);
    let value = mapping.part("Orders", Role::Value).unwrap();
    for (text, error) in [
        (r#"{"customer":null}"#, "field id: null or missing, and the mapping requires a value"),
        (r#"{"id":"secret"}"#, "field id: STRING found, expected data for long"),
        (r#"{"id":1,"customer":"secret"}"#, "field customer: STRING found, expected a STRUCT or a MAP"),
        (r#"{"id":1,"status":"secret"}"#, "field status: text is not a constant of enum Status"),
        (
            r#"{"id":1,"lines":[{},{"count":4294967296}]}"#,
            "field lines[1].count: number is out of the range of int, or has digits that int cannot hold",
        ),
        (
            r#"{"id":1,"lines":[{"price":1.005}]}"#,
            "field lines[0].price: number is out of the range of BigDecimal(2), or has digits that \
             BigDecimal(2) cannot hold",
        ),
        (r#"{"id":1,"due":"secret"}"#, "field due: text is not a day as 2026-11-30"),
        (
            r#"{"id":1,"due":20000}"#,
            "field due: integer found, and LocalDate names no unit: write LocalDate(millis), or another unit, \
             in the mapping file",
        ),
        (r#""secret""#, "STRING found, expected data for Order"),
    ] {
        let mut out = vec![1];
        let refused = value.write(Format::Pof, &json(text), &mut out).unwrap_err();
        assert_eq!(refused.to_string(), error);
        assert_eq!(out, [1], "nothing is left behind");
    }
}

#[test]
fn a_type_may_refuse_fields_that_it_does_not_name() {
    let refusing = ORDERS.replace("id = 2001\n", "id = 2001\nunmapped = \"refuse\"\n");
    let mapping = mapping(&refusing);
    let value = mapping.part("Orders", Role::Value).unwrap();
    assert!(written(value, json(ORDER)).is_ok(), "what is below a path is not looked at");
    let refused = written(value, json(r#"{"id":1,"secret":2}"#)).unwrap_err();
    assert_eq!(refused.to_string(), "field is not in the mapping, which has unmapped = \"refuse\"");
}

#[test]
fn a_json_grid_gets_objects_with_their_class() {
    let mapping = mapping(ORDERS);
    let mut out = Vec::new();
    mapping.part("Orders", Role::Value).unwrap().write(Format::Json, &json(ORDER), &mut out).unwrap();
    let expected = r#"{"@class":"com.acme.Order","id":7,"customer":"Ann","status":{"@class":"com.acme.Status","enum":"PAID"},"lines":[{"@class":"com.acme.Line","article":"nut","count":3,"price":{"@class":"math.BigDec","value":"1.50"}},{"@class":"com.acme.Line","article":"bolt","count":0,"price":{"@class":"math.BigDec","value":"2.00"}}],"due":{"@class":"java.time.LocalDate","year":2026,"month":11,"day":30}}"#;
    assert_eq!(out[0], 0x15);
    assert_eq!(String::from_utf8(out[1..].to_vec()).unwrap(), expected);
}

#[test]
fn a_map_in_a_key_has_one_order_whatever_the_order_of_the_record() {
    let mapping = mapping("[maps.M]\nkey = \"Map<String, long>\"\nvalue = \"Map<String, long>\"\n");
    let key = mapping.part("M", Role::Key).unwrap();
    let (one, other) = (json(r#"{"a":1,"b":2}"#), json(r#"{"b":2,"a":1}"#));
    assert_eq!(written(key, one.clone()).unwrap(), written(key, other.clone()).unwrap());
    let value = mapping.part("M", Role::Value).unwrap();
    assert_ne!(written(value, one).unwrap(), written(value, other).unwrap());
}

#[test]
fn a_type_that_contains_itself_can_be_written_but_not_read() {
    let text = "[types.Tree]\nid = 1\n[types.Tree.fields]\nchildren = { index = 0, type = \"List<Tree>\" }\n\
                [maps.T]\nvalue = \"Tree\"\n";
    let mapping = mapping(text);
    let value = mapping.part("T", Role::Value).unwrap();
    let binary = written(value, json(r#"{"children":[{"children":[]},{}]}"#)).unwrap();
    assert_eq!(hex(&binary), "150100005502010000550040010000644040");
    assert!(value.schema().is_none());
    let refused = value.read(&binary).unwrap_err();
    assert_eq!(refused.to_string(), "Tree contains itself, so it has no schema and can only be written");
    let mut deep = json("{}");
    for _ in 0..100 {
        deep = Value::Map(vec![(Value::String("children".into()), Value::Array(vec![deep]))]);
    }
    assert!(matches!(written(value, deep).unwrap_err().problem(), Problem::Write(_)));
}

#[test]
fn an_object_of_another_class_is_not_read() {
    let mapping = mapping(ORDERS);
    let value = mapping.part("Orders", Role::Value).unwrap();
    for (bytes, error) in [
        (
            &[0x15, 0x92, 0x1F, 0x00, 0x40][..],
            "object of user type 2002 found, expected Order of user type 2001",
        ),
        (&[0x15, 0x41, 0x05], "Integer found, expected data for Order of user type 2001"),
        (&[0x41, 0x05], "not POF: the first byte is not 15"),
        (
            &[0x15, 0x91, 0x1F, 0x00, 0x00, 0x4E, 0x01, 0x78, 0x40],
            "field id: String found, expected data for long",
        ),
    ] {
        assert_eq!(value.read(bytes).unwrap_err().to_string(), error);
    }
    assert!(value.read(&[0x15, 0x4E, 0x05]).unwrap_err().to_string().contains("at byte"));
    assert_eq!(value.read(&[0x15, 0x64]).unwrap().value, Value::Null);
}
