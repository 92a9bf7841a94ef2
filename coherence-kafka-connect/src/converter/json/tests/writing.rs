use num_bigint::BigInt;

use super::*;
use crate::calendar::MILLIS_PER_DAY;
use crate::data::{self, Field, SchemaKind, Struct};

fn text(
    converter: &dyn Converter,
    schema: Option<&Arc<Schema>>,
    value: &Value<'_>,
) -> Result<String, String> {
    match converter.from_connect("t", &mut Vec::new(), schema, value) {
        Ok(bytes) => Ok(String::from_utf8(bytes.unwrap()).unwrap()),
        Err(error) => Err(error.to_string()),
    }
}

fn nested(levels: usize) -> Value<'static> {
    (1..levels).fold(Value::Array(Vec::new()), |inner, _| Value::Array(vec![inner]))
}

/// As deep as Jackson goes, on a stack of half the size that threads have.
#[test]
fn a_thousand_levels_are_written_and_no_more() {
    let run = || {
        assert!(text(&*plain(), None, &nested(1000)).is_ok());
        assert!(text(&*with_schemas(), None, &nested(999)).is_ok(), "the envelope is a level of its own");
        for error in [text(&*plain(), None, &nested(1001)), text(&*with_schemas(), None, &nested(1000))]
            .map(Result::unwrap_err)
        {
            assert!(error.contains("more than 1000 arrays and objects"), "{error}");
        }
        let pairs = (0..501).fold(Value::Null, |inner, _| Value::Map(vec![(Value::Null, inner)]));
        assert!(text(&*plain(), None, &pairs).is_err(), "a map of other keys is two levels");
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_schema_written_before_is_written_in_the_same_bytes() {
    let converter = with_schemas();
    let schemas: Vec<_> = (0..40)
        .map(|version| Arc::new(Schema { version: Some(version % 20), ..Schema::new(SchemaKind::Int8) }))
        .collect();
    for schema in &schemas {
        let version = schema.version.unwrap();
        assert_eq!(
            text(&*converter, Some(schema), &Value::Int8(1)),
            Ok(format!(
                "{{\"schema\":{{\"type\":\"int8\",\"optional\":false,\"version\":{version}}},\"payload\":1}}"
            ))
        );
    }
}

#[test]
fn a_schema_that_cannot_be_written_is_not_kept() {
    let bad = Schema { default: Some(Value::Null), ..Schema::new(SchemaKind::Int8) };
    let bad = Arc::new(Schema { default: Some(Value::String("x".into())), ..bad });
    let converter = with_schemas();
    for _ in 0..2 {
        let error = text(&*converter, Some(&bad), &Value::Int8(1)).unwrap_err();
        assert_eq!(error, "Invalid type for INT8: class java.lang.String");
    }
}

#[test]
fn what_java_meets_with_a_null_pointer_is_a_clear_error() {
    let map = Arc::new(Schema::new(SchemaKind::Map(None, None)));
    let entries = Value::Map(Vec::new());
    assert_eq!(text(&*plain(), Some(&map), &entries).unwrap_err(), "Map schema has no schema for its keys");
    let decimal = Arc::new(Schema::logical(SchemaKind::Bytes, data::DECIMAL));
    let one = Value::Decimal { unscaled: 1.into(), scale: 0 };
    let error = text(&*plain(), Some(&decimal), &one).unwrap_err();
    assert_eq!(error, "Invalid Decimal schema: scale parameter not found.");
}

#[test]
fn an_entry_of_pof_is_written_as_what_is_in_it() {
    let entry = Value::Pof([0x15, 0x41, 0x05][..].into());
    assert_eq!(text(&*plain(), None, &entry), Ok("5".to_owned()));
    let half = Value::Pof([0x15, 0x4E, 0x05][..].into());
    assert!(text(&*plain(), None, &half).unwrap_err().starts_with("Failed to deserialize POF: "));
    assert_eq!(
        text(&*plain(), None, &Value::Uuid(1)),
        Ok("\"00000000-0000-0000-0000-000000000001\"".to_owned())
    );
}

#[test]
fn errors_of_writing_hold_nothing_of_the_value() {
    let secret = Value::Map(vec![(Value::String("hunter".into()), Value::String("hunter2".into()))]);
    for kind in [SchemaKind::Int8, SchemaKind::String, SchemaKind::Bytes, SchemaKind::Struct(Vec::new())] {
        let error = text(&*plain(), Some(&Arc::new(Schema::new(kind))), &secret).unwrap_err();
        assert!(!error.contains("hunter"), "{error}");
    }
}

/// Schemas that JSON can express, without defaults.
fn schema() -> impl Strategy<Value = Arc<Schema>> {
    let plain = prop::sample::select(vec![
        SchemaKind::Int8,
        SchemaKind::Int16,
        SchemaKind::Int32,
        SchemaKind::Int64,
        SchemaKind::Float32,
        SchemaKind::Float64,
        SchemaKind::Boolean,
        SchemaKind::String,
        SchemaKind::Bytes,
    ])
    .prop_map(Schema::new);
    let logical = prop_oneof![
        (-5..40).prop_map(Schema::decimal),
        Just(Schema::logical(SchemaKind::Int32, data::DATE)),
        Just(Schema::logical(SchemaKind::Int32, data::TIME)),
        Just(Schema::logical(SchemaKind::Int64, data::TIMESTAMP)),
    ];
    let leaf = prop_oneof![plain, logical].prop_map(Arc::new);
    let of = |kind| Arc::new(Schema::new(kind));
    let tree = leaf.prop_recursive(4, 20, 4, move |inner| {
        let text = prop::sample::select(vec![SchemaKind::String, SchemaKind::Int32]).prop_map(of);
        prop_oneof![
            inner.clone().prop_map(move |items| of(SchemaKind::Array(Some(items)))),
            (text, inner.clone())
                .prop_map(move |(keys, values)| of(SchemaKind::Map(Some(keys), Some(values)))),
            prop::collection::vec((any::<String>(), inner), 0..4).prop_map(move |fields| {
                let field = |(index, (name, schema))| Field { name: format!("{index}{name}"), schema };
                of(SchemaKind::Struct(fields.into_iter().enumerate().map(field).collect()))
            }),
        ]
    });
    let details = (any::<bool>(), any::<Option<String>>(), any::<Option<i32>>(), any::<Option<String>>());
    (tree, details).prop_map(|(schema, (optional, doc, version, parameter))| {
        let mut schema = (*schema).clone();
        (schema.optional, schema.doc) = (optional, doc);
        schema.version = schema.version.or(version);
        schema.parameters.extend(parameter.map(|value| ("a".to_owned(), value)));
        Arc::new(schema)
    })
}

fn value_of(schema: &Arc<Schema>) -> BoxedStrategy<Value<'static>> {
    let value = match (&schema.kind, schema.name.as_deref()) {
        (_, Some(data::DECIMAL)) => {
            let scale = schema.parameters[data::SCALE].parse().unwrap();
            any::<i128>()
                .prop_map(move |digits| Value::Decimal { unscaled: BigInt::from(digits), scale })
                .boxed()
        }
        (_, Some(data::DATE)) => {
            any::<i32>().prop_map(|days| Value::Date(i64::from(days) * MILLIS_PER_DAY)).boxed()
        }
        (_, Some(data::TIME)) => (0..=MILLIS_PER_DAY).prop_map(Value::Time).boxed(),
        (_, Some(data::TIMESTAMP)) => any::<i64>().prop_map(Value::Timestamp).boxed(),
        (SchemaKind::Int8, _) => any::<i8>().prop_map(Value::Int8).boxed(),
        (SchemaKind::Int16, _) => any::<i16>().prop_map(Value::Int16).boxed(),
        (SchemaKind::Int32, _) => any::<i32>().prop_map(Value::Int32).boxed(),
        (SchemaKind::Int64, _) => any::<i64>().prop_map(Value::Int64).boxed(),
        (SchemaKind::Float32, _) => {
            any::<f32>().prop_filter("JSON", |f| f.is_finite()).prop_map(Value::Float32).boxed()
        }
        (SchemaKind::Float64, _) => {
            any::<f64>().prop_filter("JSON", |f| f.is_finite()).prop_map(Value::Float64).boxed()
        }
        (SchemaKind::Boolean, _) => any::<bool>().prop_map(Value::Boolean).boxed(),
        (SchemaKind::String, _) => any::<String>().prop_map(|text| Value::String(text.into())).boxed(),
        (SchemaKind::Bytes, _) => any::<Vec<u8>>().prop_map(|bytes| Value::Bytes(bytes.into())).boxed(),
        (SchemaKind::Array(items), _) => {
            prop::collection::vec(value_of(items.as_ref().unwrap()), 0..4).prop_map(Value::Array).boxed()
        }
        (SchemaKind::Map(keys, values), _) => {
            let values = value_of(values.as_ref().unwrap());
            if keys.as_ref().unwrap().kind == SchemaKind::String {
                let entry = |(key, value): (String, _)| (Value::String(key.into()), value);
                prop::collection::btree_map(any::<String>(), values, 0..4)
                    .prop_map(move |map| Value::Map(map.into_iter().map(entry).collect()))
                    .boxed()
            } else {
                let entry = |(key, value)| (Value::Int32(key), value);
                prop::collection::btree_map(any::<i32>(), values, 0..4)
                    .prop_map(move |map| Value::Map(map.into_iter().map(entry).collect()))
                    .boxed()
            }
        }
        (SchemaKind::Struct(fields), _) => {
            let schema = schema.clone();
            let values: Vec<_> = fields.iter().map(|field| value_of(&field.schema)).collect();
            values.prop_map(move |values| Value::Struct(Struct { schema: schema.clone(), values })).boxed()
        }
    };
    if schema.optional { prop_oneof![1 => Just(Value::Null), 4 => value].boxed() } else { value }
}

proptest! {
    #[test]
    fn data_under_a_schema_is_read_as_it_was_written(
        (schema, value) in schema().prop_flat_map(|schema| (Just(schema.clone()), value_of(&schema))),
    ) {
        for converter in [&with_schemas(), &numeric()] {
            let bytes = converter.from_connect("t", &mut Vec::new(), Some(&schema), &value).unwrap().unwrap();
            let read = converter.to_connect("t", &(), Some(&bytes)).unwrap();
            prop_assert_eq!(read.schema.as_deref(), Some(&schema));
            prop_assert_eq!(&read.value, &value);
        }
    }

    #[test]
    fn data_without_a_schema_is_read_as_it_was_written(json in json()) {
        for converter in [plain(), with_schemas()] {
            let value = expected(&json);
            let bytes = converter.from_connect("t", &mut Vec::new(), None, &value).unwrap();
            prop_assert_eq!(bytes.is_none(), value == Value::Null);
            prop_assert_eq!(&converter.to_connect("t", &(), bytes.as_deref()).unwrap().value, &value);
        }
    }
}

fn numeric() -> Arc<dyn Converter> {
    let options = BTreeMap::from([("decimal.format".to_owned(), "numeric".to_owned())]);
    converter::create(CLASS, Role::Value, &options).unwrap()
}
