//! What holds for every transform.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use num_bigint::BigInt;
use proptest::prelude::*;

use super::*;
use crate::config::def::PluginType;
use crate::data::{DATE, DECIMAL, Field, Schema, SchemaAndValue, SchemaKind, Struct, TIME, TIMESTAMP, Value};
use crate::record::Header;

mod documents;

/// One of each class, with options that name the fields of [`data`]. Classes that need no options are not listed.
const OPTIONS: &[(&str, &[(&str, &str)])] = &[
    ("Cast$", &[("spec", "a:int8,b:string,c:float64,d:boolean")]),
    ("Cast$", &[("spec", "string")]),
    ("Cast$", &[("spec", "int32")]),
    ("DropHeaders", &[("headers", "a,b")]),
    ("ExtractField$", &[("field", "a.b"), ("field.syntax.version", "V2")]),
    ("ExtractField$", &[("field", "a")]),
    ("HeaderFrom$", &[("fields", "a,b,a"), ("headers", "x,y,z"), ("operation", "move")]),
    ("HeaderFrom$", &[("fields", "a"), ("headers", "x"), ("operation", "copy")]),
    ("HoistField$", &[("field", "a")]),
    ("InsertField$", &[("topic.field", "a"), ("offset.field", "o!"), ("timestamp.field", "t")]),
    ("InsertHeader", &[("header", "a"), ("value.literal", "[1, 2]")]),
    ("MaskField$", &[("fields", "a,b,zz")]),
    ("MaskField$", &[("fields", "a,b"), ("replacement", "300.5")]),
    ("RegexRouter", &[("regex", "(.)(.*)"), ("replacement", "$2$1")]),
    ("ReplaceField$", &[("renames", "a:b,b:a"), ("exclude", "c")]),
    ("SetSchemaMetadata$", &[("schema.name", "n"), ("schema.version", "2")]),
    (
        "TimestampConverter$",
        &[("field", "a"), ("target.type", "string"), ("format", "G yyyy-MM-dd HH:mm:ss.SSS Z")],
    ),
    ("TimestampConverter$", &[("target.type", "Date"), ("unix.precision", "seconds"), ("format", "yyyy")]),
    ("TimestampConverter$", &[("field", "b"), ("target.type", "unix"), ("unix.precision", "nanoseconds")]),
    ("ValueToKey", &[("fields", "a,b")]),
    (
        "ExtractNewRecordState",
        &[("add.fields", "op,source.a"), ("delete.tombstone.handling.mode", "rewrite")],
    ),
    ("ByLogicalTableRouter", &[("topic.regex", ".*"), ("topic.replacement", "all")]),
];

/// Every class as often as there are options for it, at least once.
fn every_transform() -> Vec<Transforms> {
    let mut all = Vec::new();
    for desc in Classes::default().descs().filter(|desc| desc.kind == PluginType::Transformation) {
        let simple = desc.class.rsplit('.').next().unwrap_or_default();
        let mut options: Vec<_> = OPTIONS.iter().filter(|(class, _)| simple.starts_with(class)).collect();
        if options.is_empty() {
            options.push(&("", &[]));
        }
        for (_, options) in options {
            let mut properties = BTreeMap::from([
                ("transforms".to_owned(), "t".to_owned()),
                ("transforms.t.type".to_owned(), desc.class.to_owned()),
            ]);
            properties.extend(
                options.iter().map(|(name, value)| (format!("transforms.t.{name}"), (*value).to_owned())),
            );
            let created = Transforms::new(&Classes::default(), &properties);
            all.push(created.unwrap_or_else(|errors| panic!("{}: {errors:?}", desc.class)));
        }
    }
    all
}

fn scalar() -> impl Strategy<Value = (SchemaKind, Option<&'static str>, Value<'static>)> {
    prop_oneof![
        any::<bool>().prop_map(|value| (SchemaKind::Boolean, None, Value::Boolean(value))),
        any::<i8>().prop_map(|value| (SchemaKind::Int8, None, Value::Int8(value))),
        any::<i16>().prop_map(|value| (SchemaKind::Int16, None, Value::Int16(value))),
        any::<i32>().prop_map(|value| (SchemaKind::Int32, None, Value::Int32(value))),
        any::<i64>().prop_map(|value| (SchemaKind::Int64, None, Value::Int64(value))),
        any::<f32>().prop_map(|value| (SchemaKind::Float32, None, Value::Float32(value))),
        any::<f64>().prop_map(|value| (SchemaKind::Float64, None, Value::Float64(value))),
        "[-0-9a-e .:]{0,12}".prop_map(|text| (SchemaKind::String, None, Value::String(Cow::Owned(text)))),
        any::<Vec<u8>>().prop_map(|bytes| (SchemaKind::Bytes, None, Value::Bytes(Cow::Owned(bytes)))),
        any::<i64>().prop_map(|millis| (SchemaKind::Int64, Some(TIMESTAMP), Value::Timestamp(millis))),
        any::<i32>().prop_map(|millis| (SchemaKind::Int32, Some(TIME), Value::Time(millis.into()))),
        any::<i32>().prop_map(|days| (
            SchemaKind::Int32,
            Some(DATE),
            Value::Date(i64::from(days) * 86_400_000)
        )),
        (any::<i128>(), any::<i32>()).prop_map(|(unscaled, scale)| {
            (SchemaKind::Bytes, Some(DECIMAL), Value::Decimal { unscaled: BigInt::from(unscaled), scale })
        }),
    ]
}

/// A value with its schema, which is optional half of the time, and then null half of the time.
fn data() -> impl Strategy<Value = (Arc<Schema>, Value<'static>)> {
    let leaf = scalar().prop_map(|(kind, name, value)| {
        (Schema { name: name.map(str::to_owned), ..Schema::new(kind) }, value)
    });
    let nested = leaf.prop_recursive(3, 16, 4, |inner| {
        let optional = (inner, any::<bool>(), any::<bool>(), any::<bool>());
        let optional = optional.prop_map(|((schema, value), optional, null, default)| {
            let default = (optional && default).then(|| value.clone());
            let value = if optional && null { Value::Null } else { value };
            (Schema { optional, default, ..schema }, value)
        });
        let names =
            proptest::sample::subsequence(vec!["a", "b", "c", "before", "after", "op", "source"], 0..6);
        prop_oneof![
            (names, proptest::collection::vec(optional.clone(), 6), any::<bool>()).prop_map(
                |(names, fields, envelope)| {
                    let (schemas, values): (Vec<_>, Vec<_>) = names
                        .into_iter()
                        .zip(fields)
                        .map(|(name, (schema, value))| {
                            (Field { name: name.to_owned(), schema: Arc::new(schema) }, value)
                        })
                        .unzip();
                    let mut schema = Schema::new(SchemaKind::Struct(schemas));
                    schema.name = envelope.then(|| "t.Envelope".to_owned());
                    let value = Value::Struct(Struct { schema: Arc::new(schema.clone()), values });
                    (schema, value)
                }
            ),
            optional.prop_map(|(schema, value)| {
                (Schema::new(SchemaKind::Array(Some(Arc::new(schema)))), Value::Array(vec![value]))
            }),
        ]
    });
    nested.prop_map(|(schema, value)| (Arc::new(schema), value))
}

/// The same without a schema: structs are maps.
fn without_schema(value: Value<'static>) -> Value<'static> {
    match value {
        Value::Struct(of) => {
            let names = of.schema.fields().iter().map(|field| Value::String(Cow::Owned(field.name.clone())));
            Value::Map(names.zip(of.values.into_iter().map(without_schema)).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_schema).collect()),
        value => value,
    }
}

fn part() -> impl Strategy<Value = SchemaAndValue<'static>> {
    prop_oneof![
        data().prop_map(|(schema, value)| SchemaAndValue { schema: Some(Cow::Owned(schema)), value }),
        data().prop_map(|(_, value)| SchemaAndValue { schema: None, value: without_schema(value) }),
        data()
            .prop_map(|(schema, _)| SchemaAndValue { schema: Some(Cow::Owned(schema)), value: Value::Null }),
        Just(SchemaAndValue { schema: None, value: Value::Null }),
    ]
}

fn record() -> impl Strategy<Value = Record<'static>> {
    (part(), part(), part(), any::<Option<i64>>(), "[a-z]{1,3}").prop_map(
        |(key, value, header, timestamp, topic)| Record {
            topic: Cow::Owned(topic),
            partition: Some(1),
            offset: Some(2),
            timestamp,
            key,
            value,
            headers: vec![Header { key: Cow::Borrowed("a"), data: header }],
        },
    )
}

/// Returns whether the value has the type of the schema, with a value for each field of a struct.
fn is_of_schema(value: &Value<'_>, schema: &Schema) -> bool {
    match (value, &schema.kind) {
        (Value::Struct(of), SchemaKind::Struct(fields)) => {
            of.schema.fields().len() == fields.len()
                && of.values.len() == fields.len()
                && of.values.iter().zip(fields).all(|(value, field)| is_of_schema(value, &field.schema))
        }
        (Value::Struct(_), _) => false,
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_transform_panics_and_structs_keep_a_value_for_each_field(record in record()) {
        for transform in every_transform() {
            if let Ok(Some(changed)) = transform.apply(record.clone()) {
                for data in [&changed.key, &changed.value] {
                    if let Some(schema) = &data.schema {
                        prop_assert!(is_of_schema(&data.value, schema), "{:?} made {:?}", transform, data);
                    }
                }
            }
        }
    }

    #[test]
    fn a_transform_without_headers_leaves_them_as_they_are(record in record()) {
        for transform in every_transform().iter().filter(|transform| !transform.uses_headers()) {
            if let Ok(Some(changed)) = transform.apply(record.clone()) {
                prop_assert_eq!(format!("{:?}", changed.headers), format!("{:?}", record.headers), "{:?}", transform);
            }
        }
    }

    #[test]
    fn a_second_record_with_the_same_schema_is_changed_as_the_first(record in record()) {
        for transform in every_transform() {
            let changed = |record: &Record<'static>| format!("{:?}", transform.apply(record.clone()));
            prop_assert_eq!(changed(&record), changed(&record));
        }
    }
}

#[test]
fn a_part_that_no_transform_touches_keeps_its_very_schema_and_its_very_text() {
    let properties = BTreeMap::from(
        [
            ("transforms", "a,b"),
            ("transforms.a.type", "RegexRouter"),
            ("transforms.a.regex", ".*"),
            ("transforms.a.replacement", "new"),
            ("transforms.b.type", "org.apache.kafka.connect.transforms.HoistField$Key"),
            ("transforms.b.field", "id"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    let transforms = Transforms::new(&Classes::default(), &properties).unwrap();
    let (schema, text) = (Arc::new(Schema::new(SchemaKind::String)), String::from("value"));
    let record = Record {
        topic: Cow::Borrowed("old"),
        partition: None,
        offset: None,
        timestamp: None,
        key: SchemaAndValue { schema: None, value: Value::Int8(1) },
        value: SchemaAndValue {
            schema: Some(Cow::Borrowed(&schema)),
            value: Value::String(Cow::Borrowed(&text)),
        },
        headers: Vec::new(),
    };
    let changed = transforms.apply(record).unwrap().unwrap();
    assert_eq!(changed.topic, "new");
    assert!(matches!(changed.value.schema, Some(Cow::Borrowed(kept)) if std::ptr::eq(kept, &schema)));
    assert!(
        matches!(changed.value.value, Value::String(Cow::Borrowed(kept)) if std::ptr::eq(kept, text.as_str()))
    );
}
