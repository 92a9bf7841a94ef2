//! Any schema of Connect and any value under it, as far as a format can express both.

use std::collections::BTreeMap;
use std::sync::Arc;

use coherence_kafka_connect::data::{DATE, Field, Schema, SchemaKind, Struct, TIME, TIMESTAMP, Value};
use proptest::prelude::*;

/// What a format can express.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shapes {
    /// Everything.
    Json,
    /// Structs with lists and maps of what is neither; null only in fields.
    Protobuf,
}

type Data = (Arc<Schema>, Value<'static>);

/// A struct and its schema.
pub(crate) fn data(shapes: Shapes) -> BoxedStrategy<Data> {
    let root = structs(any_schema(shapes), shapes);
    let with_value = move |schema: Schema| {
        let schema = Arc::new(schema);
        value(&schema, shapes).prop_map(move |value| (schema.clone(), value))
    };
    root.prop_flat_map(with_value).boxed()
}

fn any_schema(shapes: Shapes) -> BoxedStrategy<Schema> {
    let leaf = leaf(shapes);
    let inner = match shapes {
        Shapes::Json => leaf
            .prop_recursive(3, 24, 4, move |inner| {
                prop_oneof![
                    inner.clone().prop_map(list),
                    (keys(shapes), inner.clone()).prop_map(map),
                    structs(inner.clone(), shapes),
                    union(shapes),
                    inner,
                ]
            })
            .boxed(),
        Shapes::Protobuf => leaf.prop_recursive(2, 16, 4, move |inner| structs(inner, shapes)).boxed(),
    };
    match shapes {
        Shapes::Json => inner,
        Shapes::Protobuf => {
            let element = inner.clone().prop_filter("a list or a map has such elements", |of| {
                !of.optional && !matches!(of.kind, SchemaKind::Int8 | SchemaKind::Int16)
            });
            prop_oneof![
                4 => inner,
                1 => element.clone().prop_map(|of| Schema { optional: false, ..list(of) }),
                1 => (keys(shapes), element).prop_map(|entry| Schema { optional: false, ..map(entry) }),
                1 => union(shapes),
            ]
            .boxed()
        }
    }
}

fn list(of: Schema) -> Schema {
    Schema::optional(SchemaKind::Array(Some(Arc::new(of))))
}

fn map((keys, values): (Schema, Schema)) -> Schema {
    Schema::new(SchemaKind::Map(Some(Arc::new(keys)), Some(Arc::new(values))))
}

fn keys(shapes: Shapes) -> BoxedStrategy<Schema> {
    let kinds = [SchemaKind::String, SchemaKind::Int32, SchemaKind::Int64, SchemaKind::Boolean];
    let keys = (proptest::sample::select(kinds.to_vec()), any::<bool>());
    keys.prop_map(move |(kind, optional)| Schema {
        optional: optional && shapes == Shapes::Json,
        ..Schema::new(kind)
    })
    .boxed()
}

fn structs(inner: impl Strategy<Value = Schema> + 'static, shapes: Shapes) -> BoxedStrategy<Schema> {
    let names = ["id", "Name", "a_b", "x1", "message", "zz"];
    let fields = proptest::collection::vec(inner, 1..names.len());
    (fields, any::<u32>(), any::<bool>(), any::<bool>())
        .prop_map(move |(fields, name, optional, described)| {
            let described = described && shapes == Shapes::Json;
            let fields = fields.into_iter().zip(names).map(|(schema, name)| {
                let schema = Arc::new(schema);
                let name = match schema.name.as_deref() {
                    // The reader gives the field of a union the name and the position of the union.
                    Some(union) if union.contains("Union.") => format!("u_{name}"),
                    _ => name.to_owned(),
                };
                Field { name, schema }
            });
            Schema {
                name: Some(format!("shop.v1.S{name:x}")),
                optional,
                version: described.then_some(3),
                doc: described.then(|| "its \"meaning\"".to_owned()),
                parameters: if described {
                    BTreeMap::from([("k".to_owned(), "v".to_owned())])
                } else {
                    BTreeMap::new()
                },
                ..Schema::new(SchemaKind::Struct(fields.collect()))
            }
        })
        .boxed()
}

fn union(shapes: Shapes) -> BoxedStrategy<Schema> {
    let kinds = [SchemaKind::String, SchemaKind::Int64, SchemaKind::Boolean];
    (any::<u32>(), any::<bool>())
        .prop_map(move |(number, optional)| {
            let prefix = match shapes {
                Shapes::Json => "io.confluent.connect.json.OneOf.field.".to_owned(),
                Shapes::Protobuf => format!("m{number:x}_"),
            };
            let fields = kinds.iter().enumerate().map(|(at, kind)| Field {
                name: format!("{prefix}{at}"),
                schema: Arc::new(Schema::optional(kind.clone())),
            });
            let name = match shapes {
                Shapes::Json => "io.confluent.connect.json.OneOf".to_owned(),
                Shapes::Protobuf => format!("io.confluent.connect.protobuf.Union.u{number:x}"),
            };
            let optional = optional || shapes == Shapes::Protobuf;
            Schema { name: Some(name), optional, ..Schema::new(SchemaKind::Struct(fields.collect())) }
        })
        .boxed()
}

fn leaf(shapes: Shapes) -> BoxedStrategy<Schema> {
    let plain = [
        SchemaKind::Int8,
        SchemaKind::Int16,
        SchemaKind::Int32,
        SchemaKind::Int64,
        SchemaKind::Float32,
        SchemaKind::Float64,
        SchemaKind::Boolean,
        SchemaKind::String,
        SchemaKind::Bytes,
    ];
    let mut all: Vec<_> = plain.into_iter().map(Schema::new).collect();
    all.extend([
        Schema::decimal(2),
        Schema::logical(SchemaKind::Int32, DATE),
        Schema::logical(SchemaKind::Int32, TIME),
        Schema::logical(SchemaKind::Int64, TIMESTAMP),
    ]);
    let symbols = match shapes {
        Shapes::Json => ("io.confluent.connect.json.Enum", ["", "A", "B"]),
        Shapes::Protobuf => ("io.confluent.connect.protobuf.Enum", ["E", "0", "-5"]),
    };
    let (prefix, [name, a, b]) = symbols;
    let parameters = [(prefix.to_owned(), name), (format!("{prefix}.A"), a), (format!("{prefix}.B"), b)];
    let parameters = parameters.map(|(key, value)| (key, value.to_owned())).into();
    all.push(Schema { parameters, ..Schema::new(SchemaKind::String) });
    let schemas = (proptest::sample::select(all), any::<bool>(), any::<bool>());
    schemas
        .prop_flat_map(move |(schema, optional, with_default)| {
            let schema = Schema { optional, ..schema };
            // A null stays null: the converters do not put the default value there.
            let default = match optional && with_default && shapes == Shapes::Json {
                true => required(&Arc::new(schema.clone()), shapes).prop_map(Some).boxed(),
                false => Just(None).boxed(),
            };
            default.prop_map(move |default| Schema { default, ..schema.clone() })
        })
        .boxed()
}

fn value(schema: &Arc<Schema>, shapes: Shapes) -> BoxedStrategy<Value<'static>> {
    let required = required(schema, shapes);
    if schema.optional { prop_oneof![1 => Just(Value::Null), 3 => required].boxed() } else { required }
}

fn required(schema: &Arc<Schema>, shapes: Shapes) -> BoxedStrategy<Value<'static>> {
    const DAY: i64 = 86_400_000;
    // The library that reads Protobuf has no negative zero, and zero instead: 0.0 is added.
    let any_text = || ".{0,8}".prop_map(|text| Value::String(text.into()));
    match (&schema.kind, schema.name.as_deref()) {
        (SchemaKind::Int32, Some(DATE)) => {
            (-700_000..2_900_000_i64).prop_map(|day| Value::Date(day * DAY)).boxed()
        }
        (SchemaKind::Int32, Some(TIME)) => (0..DAY).prop_map(Value::Time).boxed(),
        (SchemaKind::Int64, Some(TIMESTAMP)) => {
            (-700_000 * DAY..2_900_000 * DAY).prop_map(Value::Timestamp).boxed()
        }
        (SchemaKind::Int8, _) => any::<i8>().prop_map(Value::Int8).boxed(),
        (SchemaKind::Int16, _) => any::<i16>().prop_map(Value::Int16).boxed(),
        (SchemaKind::Int32, _) => any::<i32>().prop_map(Value::Int32).boxed(),
        (SchemaKind::Int64, _) => any::<i64>().prop_map(Value::Int64).boxed(),
        (SchemaKind::Float32, _) => any::<f32>().prop_map(|number| Value::Float32(number + 0.0)).boxed(),
        (SchemaKind::Float64, _) => any::<f64>().prop_map(|number| Value::Float64(number + 0.0)).boxed(),
        (SchemaKind::Boolean, _) => any::<bool>().prop_map(Value::Boolean).boxed(),
        (SchemaKind::String, _) if schema.parameters.is_empty() => any_text().boxed(),
        (SchemaKind::String, _) => {
            proptest::sample::select(vec!["A", "B"]).prop_map(|symbol| Value::String(symbol.into())).boxed()
        }
        (SchemaKind::Bytes, None) => any::<Vec<u8>>().prop_map(|bytes| Value::Bytes(bytes.into())).boxed(),
        (SchemaKind::Bytes, Some(_)) => {
            any::<i128>().prop_map(|unscaled| Value::Decimal { unscaled: unscaled.into(), scale: 2 }).boxed()
        }
        (SchemaKind::Array(of), _) => proptest::collection::vec(value(of.as_ref().unwrap(), shapes), 0..4)
            .prop_map(Value::Array)
            .boxed(),
        (SchemaKind::Map(keys, values), _) => {
            let entry = (value(keys.as_ref().unwrap(), shapes), value(values.as_ref().unwrap(), shapes));
            proptest::collection::vec(entry, 0..4)
                .prop_map(|mut entries| {
                    entries.sort_by_cached_key(|(key, _)| super::value_json(key).to_string());
                    entries.dedup_by(|a, b| a.0 == b.0);
                    Value::Map(entries)
                })
                .boxed()
        }
        (SchemaKind::Struct(fields), Some(name)) if name.contains("OneOf") || name.contains("Union.") => {
            let (schema, count) = (schema.clone(), fields.len());
            let members: Vec<_> = fields.iter().map(|field| required(&field.schema, shapes)).collect();
            (0..count, members)
                .prop_map(move |(set, members)| {
                    let of = members.into_iter().enumerate();
                    let values = of.map(|(at, value)| if at == set { value } else { Value::Null }).collect();
                    Value::Struct(Struct { schema: schema.clone(), values })
                })
                .boxed()
        }
        (SchemaKind::Struct(fields), _) => {
            let schema = schema.clone();
            let values: Vec<_> = fields.iter().map(|field| value(&field.schema, shapes)).collect();
            values.prop_map(move |values| Value::Struct(Struct { schema: schema.clone(), values })).boxed()
        }
    }
}
