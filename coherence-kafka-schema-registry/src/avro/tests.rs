use std::borrow::Cow;
use std::sync::Arc;

use coherence_kafka_connect::converter::Converter;
use coherence_kafka_connect::data::{Field, Schema, SchemaKind, Value};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::registry::fake::{FakeRegistry, Reply};
use crate::testing::{converter, differences, framed, registry_of, unhex, value_json, writable};

/// What `AvroData` of Confluent, as Apicurio ships it, makes of data that Avro's own library wrote.
const VECTORS: &str = include_str!("../../tests/vectors/avro.jsonl");

#[test]
fn data_and_schemas_are_those_of_the_java_converter() {
    let differences = differences(Avro::CLASS, VECTORS, |case| json!({"schema": case["schema"].to_string()}));
    // A number of fixed size fails in Java, because the type's own name is not that of the logical type. Newer versions
    // of the Java converter flatten a union of one type.
    let expected = ["\"decimal fixed\"", "\"union of one\""];
    let found: Vec<_> = differences.iter().map(|text| text.lines().next().unwrap()).collect();
    assert_eq!(found, expected, "{}", differences.join("\n"));
}

fn avro(schema: Json) -> (FakeRegistry, Arc<dyn Converter>) {
    let fake = registry_of(&[json!({"schema": schema.to_string()})]);
    let converter = converter(Avro::CLASS, &fake.url, &[]);
    (fake, converter)
}

fn read(schema: Json, data: &[u8]) -> Result<Value<'static>, String> {
    let (_fake, converter) = avro(schema);
    let bytes = framed(0, data);
    let read = converter.to_connect("t", &(), Some(&bytes));
    read.map(|data| data.value.into_owned()).map_err(|error| error.to_string())
}

#[test]
fn a_null_is_a_tombstone_and_needs_no_schema() {
    let (fake, converter) = avro(json!("int"));
    let data = converter.to_connect("t", &(), None).unwrap();
    assert_eq!(data, SchemaAndValue { schema: None, value: Value::Null });
    assert!(fake.seen().is_empty());
}

#[test]
fn each_record_is_read_with_the_schema_that_it_was_written_with_and_each_schema_is_asked_for_once() {
    let record = |fields: Json| json!({"schema": json!({"type": "record", "name": "R", "fields": fields}).to_string()});
    let old = record(json!([{"name": "a", "type": "int"}]));
    let new = record(
        json!([{"name": "a", "type": "long"}, {"name": "b", "type": ["null", "string"], "default": null}]),
    );
    let fake = registry_of(&[old, new]);
    let converter = converter(Avro::CLASS, &fake.url, &[]);
    for _ in 0..3 {
        for (id, data, expected) in [
            (0, &[2][..], vec![Value::Int32(1)]),
            (1, &[4, 2, 2, b'x'], vec![Value::Int64(2), Value::String(Cow::Borrowed("x"))]),
        ] {
            let bytes = framed(id, data);
            let Value::Struct(read) = converter.to_connect("t", &(), Some(&bytes)).unwrap().value else {
                panic!()
            };
            assert_eq!(read.values, expected);
        }
    }
    assert_eq!(fake.seen().len(), 2);
}

#[test]
fn types_of_other_subjects_are_read_by_reference() {
    let schema =
        json!({"type": "record", "name": "a.R", "fields": [{"name": "x", "type": "b.S"}]}).to_string();
    let other =
        json!({"type": "record", "name": "b.S", "fields": [{"name": "y", "type": "int"}]}).to_string();
    let top =
        json!({"schema": schema, "references": [{"name": "b.S", "subject": "s", "version": 1}]}).to_string();
    let other = json!({"schema": other}).to_string();
    let fake = FakeRegistry::with(&[
        ("/schemas/ids/0?subject=t-value", &top),
        ("/subjects/s/versions/1?deleted=true", &other),
    ]);
    let converter = converter("AvroConverter", &fake.url, &[]);
    let bytes = framed(0, &[14]);
    let data = converter.to_connect("t", &(), Some(&bytes)).unwrap();
    assert_eq!(data.schema.unwrap().fields()[0].schema.name.as_deref(), Some("b.S"));
}

#[test]
fn bytes_at_the_top_are_the_data_as_it_is() {
    assert_eq!(read(json!("bytes"), &[9, 8]), Ok(Value::Bytes(Cow::Borrowed(&[9, 8]))));
    let decimal = json!({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 1});
    assert_eq!(read(decimal, &[1, 0]), Ok(Value::Decimal { unscaled: 256.into(), scale: 1 }));
}

#[test]
fn strings_and_bytes_borrow_from_the_record() {
    let (_fake, converter) = avro(json!({"type": "array", "items": "string"}));
    let bytes = framed(0, &[2, 2, b'x', 0]);
    let Value::Array(items) = converter.to_connect("t", &(), Some(&bytes)).unwrap().value else { panic!() };
    assert!(matches!(&items[0], Value::String(Cow::Borrowed("x"))));
}

#[test]
fn a_number_of_fixed_size_is_a_decimal() {
    let schema = json!({"type": "fixed", "name": "D", "size": 2, "logicalType": "decimal", "precision": 4, "scale": 1});
    assert_eq!(read(schema, &[1, 0]), Ok(Value::Decimal { unscaled: 256.into(), scale: 1 }));
}

#[test]
fn a_struct_inside_itself_has_the_whole_schema_and_its_place_only_the_name() {
    let (_fake, converter) =
        avro(json!({"type": "record", "name": "N", "fields": [{"name": "next", "type": ["null", "N"]}]}));
    let bytes = framed(0, &[2, 2, 0]);
    let data = converter.to_connect("t", &(), Some(&bytes)).unwrap();
    let schema = data.schema.unwrap().into_owned();
    let place = &schema.fields()[0].schema;
    assert_eq!((&place.kind, place.name.as_deref()), (&SchemaKind::Struct(Vec::new()), Some("N")));
    let Value::Struct(outer) = data.value else { panic!() };
    let Value::Struct(inner) = &outer.values[0] else { panic!() };
    assert_eq!(inner.schema, schema);
}

#[test]
fn data_that_does_not_fit_its_schema_is_refused_with_its_place_and_without_its_bytes() {
    let record = json!({"type": "record", "name": "R", "fields": [
        {"name": "a", "type": {"type": "record", "name": "S", "fields": [{"name": "b", "type": "string"}]}}
    ]});
    for (schema, data, expected) in [
        (record.clone(), &[6, b'h', b'i'][..], "the data ends at byte 1 of the data, in field a.b"),
        (record, &[4, 0xff, 0xfe], "a string that is not UTF-8 at byte 0 of the data, in field a.b"),
        (json!("int"), &[0x80, 0x80, 0x80, 0x80, 0x10], "an int beyond 32 bits"),
        (json!("long"), &[0xff; 11], "a number of more than ten bytes"),
        (json!("boolean"), &[2], "neither true nor false"),
        (json!("string"), &[1], "a negative length"),
        (json!({"type": "enum", "name": "E", "symbols": ["A"]}), &[2], "no symbol of the enum"),
        (json!(["int", "string"]), &[4], "no member of the union"),
        (json!(["null", "string"]), &[3], "no member of the union"),
        (json!({"type": "int", "connect.type": "int8"}), &[0x80, 2], "beyond the 8 bits of connect.type"),
    ] {
        let error = read(schema, data).unwrap_err();
        assert!(error.starts_with("Failed to deserialize data for topic t to Avro: "), "{error}");
        assert!(error.contains(expected) && error.ends_with("schema 0"), "{error}");
    }
}

#[test]
fn lengths_from_the_wire_take_no_memory_and_no_time() {
    let many = unhex("feffffffffffffffff01");
    assert!(read(json!({"type": "array", "items": "int"}), &many).is_err());
    assert!(read(json!({"type": "map", "values": "int"}), &many).is_err());
    let empty = json!({"type": "array", "items": {"type": "record", "name": "E", "fields": []}});
    let error = read(empty, &many).unwrap_err();
    assert!(error.contains("more than 10000 elements without bytes"), "{error}");
    let nested = json!({"type": "record", "name": "N", "fields": [{"name": "n", "type": ["null", "N"]}]});
    let error = read(nested, &[2; 10_000]).unwrap_err();
    assert!(error.contains("more than 200 values inside each other"), "{error}");
}

#[test]
fn a_schema_that_cannot_be_used_is_the_record_s_fault_and_asked_for_once() {
    for (schema, expected) in [
        (json!("nothing"), "type nothing is not defined"),
        (json!({"type": "record", "name": "R"}), "record R without the array \"fields\""),
        (
            json!({"type": "record", "name": "R", "fields": [{"name": "a", "type": "null"}]}),
            "R.a: Standalone null",
        ),
        (
            json!({"type": "record", "name": "R", "fields": [{"name": "a", "type": "R"}, {"name": "a", "type": "R"}]}),
            "field a is defined twice",
        ),
        (json!([["int"]]), "a union directly inside a union"),
        (json!({"type": "fixed", "name": "F", "size": -1}), "fixed F without a size"),
        (json!({"name": "F"}), "a type without the member \"type\""),
    ] {
        let (fake, converter) = avro(schema);
        let bytes = framed(0, &[0]);
        for _ in 0..2 {
            let error = converter.to_connect("t", &(), Some(&bytes)).unwrap_err();
            assert!(!error.is_retriable());
            assert!(error.to_string().contains(expected), "{error}");
        }
        assert_eq!(fake.seen().len(), 1);
    }
}

#[test]
fn records_that_contain_each_other_twice_make_no_endless_schema() {
    let records: Vec<_> = (0..60)
        .map(|n| {
            let next = if n == 0 { json!("int") } else { json!(format!("R{}", n - 1)) };
            json!({"schema": json!({"type": "record", "name": format!("R{n}"),
                "fields": [{"name": "a", "type": next}, {"name": "b", "type": next}]}).to_string()})
        })
        .collect();
    let last = records.len() - 1;
    let texts: Vec<_> = records.iter().map(|record| record["schema"].as_str().unwrap()).collect();
    let avro = AvroSchema::parse(texts[last], texts[..last].iter().copied()).unwrap();
    let options = AvroOptions { enhanced: false, meta_data: true, flatten: true };
    assert_eq!(Plan::new(&avro, options).unwrap().records.len(), 60);
}

#[test]
fn another_format_and_an_unknown_id_are_bad_records_and_an_outage_is_retriable() {
    let fake = registry_of(&[json!({"schema": "{}", "schemaType": "JSON"})]);
    let reading = converter(Avro::CLASS, &fake.url, &[]);
    let (json, unknown) = (framed(0, &[0]), framed(5, &[0]));
    let error = reading.to_connect("t", &(), Some(&json)).unwrap_err();
    assert!(!error.is_retriable());
    assert!(error.to_string().ends_with("schema 0 is JSON, and this converter reads AVRO"), "{error}");
    let error = reading.to_connect("t", &(), Some(&unknown)).unwrap_err();
    assert!(!error.is_retriable() && error.to_string().contains("knows no schema 5"), "{error}");
    let down = FakeRegistry::start(|_| Reply::Answer(503, String::new()));
    let reading = converter(Avro::CLASS, &down.url, &[]);
    let error = reading.to_connect("t", &(), Some(&json)).unwrap_err();
    assert!(error.is_retriable(), "{error}");
    assert_eq!(error.exception().class_name(), "org.apache.kafka.connect.errors.RetriableException");
}

#[test]
fn bytes_that_are_not_framed_are_refused_with_a_hint() {
    let (fake, converter) = avro(json!("int"));
    let error = converter.to_connect("t", &(), Some(b"{}")).unwrap_err().to_string();
    assert!(error.contains("Unknown magic byte!: the bytes do not begin with the id of a schema"), "{error}");
    assert!(fake.seen().is_empty());
}

#[test]
fn a_subject_without_the_topic_is_not_sent() {
    let fake = FakeRegistry::with(&[("/schemas/ids/0", r#"{"schema":"\"int\""}"#)]);
    let strategy = "io.confluent.kafka.serializers.subject.RecordNameStrategy";
    let converter = converter(Avro::CLASS, &fake.url, &[("value.subject.name.strategy", strategy)]);
    for topic in ["a", "b"] {
        assert!(converter.to_connect(topic, &(), Some(&framed(0, &[2]))).is_ok());
    }
    assert_eq!(fake.lines(), ["GET /schemas/ids/0"]);
}

#[test]
fn data_that_was_read_is_written_and_reads_the_same() {
    let mut written = 0;
    for line in VECTORS.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let note = case["note"].as_str().unwrap();
        // A decimal is written with the bytes of its type, a schema inside itself by its name.
        if case["outcome"] != "value" || note.starts_with("union") || note == "decimal fixed" {
            continue;
        }
        let config: Vec<_> = case["config"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str().unwrap()))
            .collect();
        let (source, target) = (registry_of(&[json!({"schema": case["schema"].to_string()})]), writable());
        let reading = converter(Avro::CLASS, &source.url, &config);
        let bytes = framed(0, &unhex(case["hex"].as_str().unwrap()));
        let Ok(data) = reading.to_connect("t", &(), Some(&bytes)) else { continue };
        if data.value == Value::Null {
            continue;
        }
        let writing = converter(
            Avro::CLASS,
            &target.url,
            &[&config[..], &[("ignore.default.for.nullables", "true")]].concat(),
        );
        let again = writing.from_connect("t", &mut Vec::new(), data.schema.as_deref(), &data.value);
        let again = again.unwrap_or_else(|error| panic!("{note}: {error}")).unwrap();
        let read =
            writing.to_connect("t", &(), Some(&again)).unwrap_or_else(|error| panic!("{note}: {error}"));
        assert_eq!(value_json(&read.value), value_json(&data.value), "{note}");
        written += 1;
    }
    assert!(written > 70, "{written}");
}

#[test]
fn a_schema_is_registered_once_under_the_subject_of_the_strategy() {
    let schema =
        Arc::new(Schema { name: Some("a.R".to_owned()), ..Schema::new(SchemaKind::Struct(Vec::new())) });
    let value =
        Value::Struct(coherence_kafka_connect::data::Struct { schema: schema.clone(), values: Vec::new() });
    for (strategy, register, path) in [
        ("TopicNameStrategy", "true", "POST /subjects/t-value/versions?normalize=false"),
        ("RecordNameStrategy", "true", "POST /subjects/a.R/versions?normalize=false"),
        ("TopicRecordNameStrategy", "false", "POST /subjects/t-a.R?normalize=false&deleted=false"),
    ] {
        let fake = writable();
        let options = [("value.subject.name.strategy", strategy), ("auto.register.schemas", register)];
        let converter = converter(Avro::CLASS, &fake.url, &options);
        for _ in 0..3 {
            let bytes = converter.from_connect("t", &mut Vec::new(), Some(&schema), &value).unwrap();
            assert_eq!(bytes, Some(vec![0, 0, 0, 0, 1]));
        }
        assert_eq!(fake.lines(), [path]);
        assert!(fake.seen()[0].body.contains(r#"\"name\":\"a.R\""#));
        assert_eq!(converter.from_connect("t", &mut Vec::new(), None, &Value::Null).unwrap(), None);
    }
}

#[test]
fn names_that_avro_does_not_allow_are_refused_or_replaced() {
    let field =
        |name: &str| Field { name: name.to_owned(), schema: Arc::new(Schema::new(SchemaKind::Int32)) };
    let fields = vec![field("a-b"), field("_ok")];
    let schema = Schema { name: Some("my-db.Shop$R".to_owned()), ..Schema::new(SchemaKind::Struct(fields)) };
    let schema = Arc::new(schema);
    let values = vec![Value::Int32(1), Value::Int32(2)];
    let value = Value::Struct(coherence_kafka_connect::data::Struct { schema: schema.clone(), values });
    let fake = writable();
    let write = |scrub: &str| {
        let converter = converter(Avro::CLASS, &fake.url, &[("scrub.invalid.names", scrub)]);
        let bytes = converter.from_connect("t", &mut Vec::new(), Some(&schema), &value)?.unwrap();
        Ok::<_, coherence_kafka_connect::error::ConnectError>(
            converter.to_connect("t", &(), Some(&bytes))?.schema.unwrap().into_owned(),
        )
    };
    let refused = write("false").unwrap_err().to_string();
    assert!(
        refused.contains("name my-db is not allowed in Avro: rename it, or set scrub.invalid.names"),
        "{refused}"
    );
    assert!(fake.seen().is_empty(), "the registry is not asked");
    let read = write("true").unwrap();
    assert_eq!(read.name.as_deref(), Some("my-db.Shop$R"), "connect.name keeps it");
    assert_eq!(read.fields().iter().map(|field| &*field.name).collect::<Vec<_>>(), ["a_b", "_ok"]);
    assert!(fake.seen()[0].body.contains(r#"\"name\":\"my_db.Shop_24R\""#), "{}", fake.seen()[0].body);
}

#[test]
fn writing_fails_by_whose_fault_it_is() {
    let schema = Arc::new(Schema::new(SchemaKind::Int32));
    let write = |url: &str, value: Value<'static>| {
        let converter = converter(Avro::CLASS, url, &[]);
        converter.from_connect("t", &mut Vec::new(), Some(&schema), &value).unwrap_err()
    };
    let down = FakeRegistry::start(|_| Reply::Answer(503, String::new()));
    assert!(write(&down.url, Value::Int32(1)).is_retriable());
    let refused = FakeRegistry::start(|_| {
        Reply::Answer(409, r#"{"error_code":409,"message":"incompatible"}"#.to_owned())
    });
    let error = write(&refused.url, Value::Int32(1));
    assert!(!error.is_retriable() && error.to_string().contains("incompatible"), "{error}");
    let error = write(&writable().url, Value::String("hush".into())).to_string();
    assert_eq!(error, "Failed to serialize Avro data from topic t : a value that is not of INT32");
}

fn some_schema() -> Json {
    json!({"type": "record", "name": "R", "fields": [
        {"name": "i", "type": "int"}, {"name": "l", "type": ["null", "long"]}, {"name": "s", "type": "string"},
        {"name": "b", "type": "bytes"}, {"name": "a", "type": {"type": "array", "items": ["int", "string", "R"]}},
        {"name": "m", "type": {"type": "map", "values": "double"}}, {"name": "z", "type": "boolean"},
        {"name": "f", "type": {"type": "fixed", "name": "F", "size": 3}}, {"name": "g", "type": "float"},
        {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"]}},
    ]})
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let avro = AvroSchema::parse(&some_schema().to_string(), []).unwrap();
        let plan = Plan::new(&avro, AvroOptions { enhanced: false, meta_data: true, flatten: true }).unwrap();
        let _ = Reader::new(&plan, &bytes, true).read();
    }

    /// A second library writes the data.
    #[test]
    fn data_of_another_library_is_read_as_it_was_written(
        i in any::<i32>(), l in any::<Option<i64>>(), s in ".*", b in any::<Vec<u8>>(), g in any::<f32>(),
        a in proptest::collection::vec(any::<Result<i32, String>>(), 0..5), z in any::<bool>(), d in -1e300..1e300_f64,
    ) {
        use apache_avro::types::Value as Written;
        let library = apache_avro::Schema::parse_str(&some_schema().to_string()).unwrap();
        let items = a.iter().map(|item| match item {
            Ok(number) => Written::Union(0, Box::new(Written::Int(*number))),
            Err(text) => Written::Union(1, Box::new(Written::String(text.clone()))),
        });
        let nullable = match l {
            None => Written::Union(0, Box::new(Written::Null)),
            Some(l) => Written::Union(1, Box::new(Written::Long(l))),
        };
        let record = Written::Record(vec![
            ("i".to_owned(), Written::Int(i)),
            ("l".to_owned(), nullable),
            ("s".to_owned(), Written::String(s.clone())),
            ("b".to_owned(), Written::Bytes(b.clone())),
            ("a".to_owned(), Written::Array(items.collect())),
            ("m".to_owned(), Written::Map([("k".to_owned(), Written::Double(d))].into())),
            ("z".to_owned(), Written::Boolean(z)),
            ("f".to_owned(), Written::Fixed(3, vec![1, 2, 3])),
            ("g".to_owned(), Written::Float(g)),
            ("e".to_owned(), Written::Enum(1, "B".to_owned())),
        ]);
        let bytes = apache_avro::writer::datum::GenericDatumWriter::builder(&library).build().unwrap();
        let bytes = bytes.write_value_to_vec(record).unwrap();
        let avro = AvroSchema::parse(&some_schema().to_string(), []).unwrap();
        let plan = Plan::new(&avro, AvroOptions { enhanced: false, meta_data: true, flatten: true }).unwrap();
        let Value::Struct(read) = Reader::new(&plan, &bytes, true).read().unwrap() else { panic!() };
        prop_assert_eq!(&read.values[0], &Value::Int32(i));
        prop_assert_eq!(&read.values[1], &l.map_or(Value::Null, Value::Int64));
        prop_assert_eq!(&read.values[2], &Value::String(Cow::Borrowed(&s)));
        prop_assert_eq!(&read.values[3], &Value::Bytes(Cow::Borrowed(&b)));
        let Value::Array(items) = &read.values[4] else { panic!() };
        for (item, written) in items.iter().zip(&a) {
            let Value::Struct(union) = item else { panic!() };
            let expected = match written {
                Ok(number) => Value::Int32(*number),
                Err(text) => Value::String(Cow::Borrowed(text)),
            };
            prop_assert!(union.values.contains(&expected));
        }
        prop_assert_eq!(items.len(), a.len());
        prop_assert_eq!(&read.values[5], &Value::Map(vec![(Value::String("k".into()), Value::Float64(d))]));
        prop_assert_eq!(&read.values[6], &Value::Boolean(z));
        prop_assert_eq!(&read.values[7], &Value::Bytes(Cow::Borrowed(&[1, 2, 3])));
        prop_assert!(matches!(read.values[8], Value::Float32(f) if f.to_bits() == g.to_bits()));
        prop_assert_eq!(&read.values[9], &Value::String("B".into()));
    }
}
