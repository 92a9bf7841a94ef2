use std::sync::Arc;

use coherence_kafka_connect::data::{DATE, Struct, Value};
use proptest::prelude::*;

use super::super::schema::JsonOptions;
use super::super::{Json as Format, data};
use super::*;
use crate::testing::generate::{Shapes, data as any_data};
use crate::testing::{converter, data_json, sorted, there_and_back, writable};

const OPTIONS: WriteOptions =
    WriteOptions { numeric_decimals: false, additional_properties: true, null_is_default: false };

fn format(write: WriteOptions) -> Format {
    Format { read: JsonOptions { optional_if_not_required: false, flatten: false }, write }
}

fn schema_of(schema: &Schema, options: WriteOptions) -> Json {
    serde_json::from_str(&schema_text(schema, options).unwrap()).unwrap()
}

fn field(name: &str, schema: Schema) -> Field {
    Field { name: name.to_owned(), schema: Arc::new(schema) }
}

fn named(name: &str, fields: Vec<Field>) -> Schema {
    Schema { name: Some(name.to_owned()), ..Schema::new(SchemaKind::Struct(fields)) }
}

#[test]
fn types_and_their_extras_are_those_of_the_java_converter() {
    let nothing = json!({"type": "null"});
    for (schema, expected) in [
        (Schema::new(SchemaKind::Int8), json!({"type": "integer", "connect.type": "int8"})),
        (Schema::new(SchemaKind::Int16), json!({"type": "integer", "connect.type": "int16"})),
        (Schema::new(SchemaKind::Int32), json!({"type": "integer", "connect.type": "int32"})),
        (Schema::new(SchemaKind::Int64), json!({"type": "integer", "connect.type": "int64"})),
        (Schema::new(SchemaKind::Float32), json!({"type": "number", "connect.type": "float32"})),
        (Schema::new(SchemaKind::Float64), json!({"type": "number", "connect.type": "float64"})),
        (Schema::new(SchemaKind::Boolean), json!({"type": "boolean"})),
        (Schema::new(SchemaKind::Bytes), json!({"type": "string", "connect.type": "bytes"})),
        (Schema::optional(SchemaKind::String), json!({"oneOf": [nothing, {"type": "string"}]})),
        (
            Schema::decimal(2),
            json!({"type": "number", "connect.type": "bytes", "title": DECIMAL, "connect.version": 1,
                "connect.parameters": {"scale": "2"}}),
        ),
        (
            Schema { default: Some(Value::Date(86_400_000)), ..Schema::logical(SchemaKind::Int32, DATE) },
            json!({"type": "integer", "connect.type": "int32", "title": DATE, "connect.version": 1, "default": 1}),
        ),
        (
            named(
                "shop.Order",
                vec![
                    field("id", Schema::new(SchemaKind::Int64)),
                    field("note", Schema::optional(SchemaKind::String)),
                ],
            ),
            json!({"type": "object", "title": "shop.Order", "properties": {
                "id": {"type": "integer", "connect.type": "int64", "connect.index": 0},
                "note": {"oneOf": [nothing, {"type": "string"}], "connect.index": 1}}}),
        ),
        (
            Schema::new(SchemaKind::Map(
                Some(Arc::new(Schema::new(SchemaKind::String))),
                Some(Arc::new(Schema::new(SchemaKind::Boolean))),
            )),
            json!({"type": "object", "connect.type": "map", "additionalProperties": {"type": "boolean"}}),
        ),
        (
            Schema::new(SchemaKind::Map(
                Some(Arc::new(Schema::new(SchemaKind::Int32))),
                Some(Arc::new(Schema::new(SchemaKind::String))),
            )),
            json!({"type": "array", "connect.type": "map", "items": {"type": "object", "properties": {
                "key": {"type": "integer", "connect.type": "int32", "connect.index": 0},
                "value": {"type": "string", "connect.index": 1}}}}),
        ),
    ] {
        assert_eq!(schema_of(&schema, OPTIONS), expected);
    }
    let closed = WriteOptions { additional_properties: false, ..OPTIONS };
    assert_eq!(schema_of(&named("A", Vec::new()), closed)["additionalProperties"], false);
}

#[test]
fn a_struct_that_contains_itself_is_a_reference() {
    let list = |optional| {
        let next = Schema { optional: true, ..named("List", Vec::new()) };
        Schema {
            optional,
            ..named("List", vec![field("x", Schema::new(SchemaKind::Int32)), field("next", next)])
        }
    };
    let root = schema_of(&list(false), OPTIONS);
    assert_eq!(root["properties"]["next"]["oneOf"][1], json!({"$ref": "#"}));
    for schema in
        [list(false), list(true), named("Holder", vec![field("a", list(true)), field("b", list(false))])]
    {
        let schema = Arc::new(schema);
        let whole = Arc::new(list(false));
        let node = |x: i32, next| {
            Value::Struct(Struct { schema: whole.clone(), values: vec![Value::Int32(x), next] })
        };
        let chain = node(1, node(2, node(3, Value::Null)));
        let value = match schema.name.as_deref() {
            Some("Holder") => {
                Value::Struct(Struct { schema: schema.clone(), values: vec![chain.clone(), chain.clone()] })
            }
            _ => chain,
        };
        let (_, _, read) = there_and_back(&format(OPTIONS), &schema, &value).unwrap();
        let written = coherence_kafka_connect::data::SchemaAndValue {
            schema: Some(std::borrow::Cow::Borrowed(&schema)),
            value,
        };
        assert_eq!(data_json(&read), data_json(&written));
    }
}

#[test]
fn data_is_written_as_java_writes_it() {
    let write = |schema: &Schema, value: Value<'_>, options| {
        let mut out = Vec::new();
        text::data(schema, &value, options, &mut out).map(|()| String::from_utf8(out).unwrap())
    };
    let numeric = WriteOptions { numeric_decimals: true, ..OPTIONS };
    let decimal = || Value::Decimal { unscaled: 1230.into(), scale: 2 };
    assert_eq!(write(&Schema::decimal(2), decimal(), OPTIONS).unwrap(), "\"BM4=\"");
    assert_eq!(write(&Schema::decimal(2), decimal(), numeric).unwrap(), "12.30");
    let error = write(&Schema::decimal(3), decimal(), OPTIONS).unwrap_err();
    assert_eq!(error, "a decimal whose scale is not that of its schema");
    let float = Schema::new(SchemaKind::Float64);
    assert_eq!(write(&float, Value::Float64(f64::NEG_INFINITY), OPTIONS).unwrap(), "\"-Infinity\"");
    let default = Schema { default: Some(Value::Int32(5)), ..Schema::optional(SchemaKind::Int32) };
    let filled = WriteOptions { null_is_default: true, ..OPTIONS };
    assert_eq!(write(&default, Value::Null, filled).unwrap(), "5");
    assert_eq!(write(&default, Value::Null, OPTIONS).unwrap(), "null");
    assert_eq!(
        write(&Schema::new(SchemaKind::Int32), Value::Null, OPTIONS).unwrap_err(),
        "null for a required INT32"
    );
    let schema = Arc::new(named("A", vec![field("a", Schema::new(SchemaKind::Int32))]));
    let value = Value::Struct(Struct { schema: schema.clone(), values: vec![Value::String("hush".into())] });
    assert_eq!(write(&schema, value, OPTIONS).unwrap_err(), "field a: a value that is not of INT32");
}

#[test]
fn values_that_json_numbers_cannot_express_are_read_as_they_were_written() {
    let schema = Arc::new(Schema::new(SchemaKind::Float32));
    for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let (_, _, read) = there_and_back(&format(OPTIONS), &schema, &Value::Float32(number)).unwrap();
        assert!(matches!(read.value, Value::Float32(read) if read.to_bits() == number.to_bits()));
    }
    let node = Node::parse("\"1.5\"").unwrap();
    let under = data::Under { whole: &BTreeMap::new(), null_is_default: true };
    assert!(data::read(&schema, &node, under).is_err());
}

#[test]
fn the_schema_is_registered_with_its_type_and_the_data_is_framed() {
    let fake = writable();
    let converter = converter("JsonSchema", &fake.url, &[]);
    let schema = Arc::new(Schema::new(SchemaKind::Int32));
    let bytes = converter.from_connect("t", &mut Vec::new(), Some(&schema), &Value::Int32(7)).unwrap();
    assert_eq!(bytes.as_deref(), Some(&[0, 0, 0, 0, 1, b'7'][..]));
    assert!(fake.seen()[0].body.contains(r#""schemaType":"JSON""#));
    assert_eq!(converter.from_connect("t", &mut Vec::new(), Some(&schema), &Value::Null).unwrap(), None);
    let error = converter.from_connect("t", &mut Vec::new(), None, &Value::Int32(7)).unwrap_err().to_string();
    assert!(error.contains("error of topic t: data without a schema"), "{error}");
}

proptest! {
    #[test]
    fn data_that_was_written_reads_the_same((schema, value) in any_data(Shapes::Json)) {
        prop_assume!(value != Value::Null);
        for numeric_decimals in [false, true] {
            let format = format(WriteOptions { numeric_decimals, ..OPTIONS });
            let read = there_and_back(&format, &schema, &value);
            let (_, _, read) = read.map_err(TestCaseError::fail)?;
            let written = coherence_kafka_connect::data::SchemaAndValue {
                schema: Some(std::borrow::Cow::Borrowed(&schema)),
                value: value.clone(),
            };
            prop_assert_eq!(sorted(data_json(&read)), sorted(data_json(&written)));
        }
    }
}
