//! What transforms make of a record on its way to a map.

use std::collections::BTreeMap;

use coherence_kafka_common::map::Expiry;
use coherence_kafka_connect::converter::{self, Role};
use coherence_kafka_connect::encode::Encoder;
use coherence_kafka_connect::transform::{Classes, FieldPath};
use coherence_kafka_rdkafka::record::Envelope;

use super::*;

mod debezium;

const PUT: WriteKind = WriteKind::Put(Expiry::Default);
const SOURCE: RecordId = RecordId { partition: 0, offset: 7 };
const HOIST: [(&str, &str); 3] = [
    ("transforms", "h"),
    ("transforms.h.type", "org.apache.kafka.connect.transforms.HoistField$Value"),
    ("transforms.h.field", "of"),
];

fn transforms(properties: &[(&str, &str)]) -> Arc<Transforms> {
    let properties = properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Arc::new(Transforms::new(&Classes::default(), &properties).unwrap())
}

fn converting(properties: &[(&str, &str)]) -> Pipeline {
    let options = BTreeMap::from([("schemas.enable".to_owned(), "false".to_owned())]);
    let json = |role| converter::create("JsonConverter", role, &options).unwrap();
    let encoder = Encoder { format: Format::Json, ..Encoder::default() };
    let entries = EntryWriter { encoder, typed: None };
    Pipeline {
        form: Form::Converted { key: json(Role::Key), value: json(Role::Value), entries },
        transforms: transforms(properties),
        ..Pipeline::passing_through(Format::Json, NullValues::Delete)
    }
}

type GivenHeader = (String, Option<Vec<u8>>);

fn record<'a>(key: Option<&'a str>, value: Option<&'a str>, headers: &'a [GivenHeader]) -> RawRecord<'a> {
    RawRecord {
        topic: "t",
        partition: 0,
        offset: 7,
        key: key.map(str::as_bytes),
        value: value.map(str::as_bytes),
        envelope: Envelope::Given(headers, None),
    }
}

/// The operation, and the entries to put as text.
fn taken(pipeline: &Pipeline, record: &RawRecord<'_>) -> Result<(Operation, Vec<String>), RecordError> {
    let mut plan = (Arc::from("m"), BatchPlan::default());
    let operation = match pipeline.transform(record)? {
        None => Operation::Filtered,
        Some(transformed) => pipeline.apply_transformed(&mut plan, SOURCE, transformed, PUT)?,
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\x15', "");
    let writes = plan.1.finish().unwrap();
    let entries = writes.iter().flat_map(|write| write.entries.iter());
    Ok((operation, entries.map(|(key, value)| format!("{}={}", text(key), text(value))).collect()))
}

#[test]
fn a_record_is_written_as_its_transforms_have_changed_it() {
    let pipeline = converting(&HOIST);
    let taken = taken(&pipeline, &record(Some("1"), Some(r#"{"a":2}"#), &[])).unwrap();
    assert_eq!(taken, (Operation::Put, vec![r#"1={"of":{"a":2}}"#.to_owned()]));
}

#[test]
fn a_tombstone_that_a_transform_gives_a_value_is_an_entry_as_in_connect() {
    let pipeline = converting(&HOIST);
    let (operation, entries) = taken(&pipeline, &record(Some("1"), None, &[])).unwrap();
    assert_eq!((operation, &*entries[0]), (Operation::Put, r#"1={"of":null}"#));
    // Without transforms, and with one that does not change it, it removes.
    let dropping = [("transforms", "d"), ("transforms.d.type", "DropHeaders"), ("transforms.d.headers", "h")];
    let (operation, _) = taken(&converting(&dropping), &record(Some("1"), None, &[])).unwrap();
    assert_eq!(operation, Operation::Remove);
}

#[test]
fn a_key_that_is_null_after_the_transforms_is_a_null_key_and_before_them_not_yet() {
    let keys = HOIST.map(|(key, value)| (key, value.replace("$Value", "$Key")));
    let keys = keys.iter().map(|(key, value)| (*key, &**value)).collect::<Vec<_>>();
    let (operation, entries) = taken(&converting(&keys), &record(None, Some("2"), &[])).unwrap();
    assert_eq!((operation, &*entries[0]), (Operation::Put, r#"{"of":null}=2"#));
    let (operation, entries) = taken(&converting(&HOIST), &record(None, Some("2"), &[])).unwrap();
    assert_eq!((operation, entries.len()), (Operation::NullKey, 0));
}

#[test]
fn a_record_that_a_transform_drops_is_filtered() {
    let tombstones = [
        ("transforms", "f"),
        ("transforms.f.type", "Filter"),
        ("transforms.f.predicate", "gone"),
        ("predicates", "gone"),
        ("predicates.gone.type", "RecordIsTombstone"),
    ];
    let pipeline = converting(&tombstones);
    assert_eq!(taken(&pipeline, &record(Some("1"), None, &[])).unwrap().0, Operation::Filtered);
    assert_eq!(taken(&pipeline, &record(Some("1"), Some("2"), &[])).unwrap().0, Operation::Put);
}

#[test]
fn a_key_of_fields_is_the_same_for_a_record_and_for_the_tombstone_of_its_key() {
    let keyed = |paths: &[&str]| Pipeline {
        key_source: KeySource::Fields(paths.iter().map(|text| FieldPath::parse(text).unwrap()).collect()),
        ..converting(&[])
    };
    let both = keyed(&["id", "of.shop"]);
    let value = r#"{"of":{"shop":"a"},"id":7}"#;
    // In the order of Java's HashMap, as every map in a key.
    let expected = r#"{"shop":"a","id":7}"#;
    let (operation, entries) = taken(&both, &record(None, Some(value), &[])).unwrap();
    assert_eq!((operation, &*entries[0]), (Operation::Put, &*format!("{expected}={value}")));
    let (operation, entries) = taken(&both, &record(Some(value), None, &[])).unwrap();
    assert_eq!((operation, &*entries[0]), (Operation::Remove, &*format!("{expected}=")));
    let (_, entries) = taken(&keyed(&["id"]), &record(Some("1"), Some(value), &[])).unwrap();
    assert_eq!(entries, [format!("7={value}")]);

    let error = taken(&both, &record(Some("1"), None, &[])).unwrap_err();
    let blame = both.blame(&error);
    assert_eq!((blame.stage, blame.exception), (Stage::TaskPut, DATA_EXCEPTION));
    assert!(error.to_string().starts_with("key: the value is null, and the key has no field id "), "{error}");
}

#[test]
fn a_version_is_a_whole_number_of_the_value() {
    let path = FieldPath::parse("meta.version").unwrap();
    let of = |version| {
        let meta = Value::Map(vec![(Value::String("version".into()), version)]);
        Pipeline::version(&path, &Value::Map(vec![(Value::String("meta".into()), meta)]))
    };
    assert_eq!(of(Value::Int64(i64::MIN)).unwrap(), i64::MIN);
    assert_eq!(of(Value::Int8(-3)).unwrap(), -3);
    for bad in [Value::Null, Value::Float64(1.0), Value::String("1".into()), Value::Timestamp(1)] {
        assert_eq!(
            of(bad).unwrap_err().to_string(),
            "value: field meta.version: expected a whole number of at most 64 bits as the version \
             (coherence.version.field)"
        );
    }
}

#[test]
fn a_key_of_a_header_converts_that_header_and_no_other() {
    let keyed = Pipeline {
        key_source: KeySource::Header("id".to_owned()),
        header: converter::create_header("LongConverter", &BTreeMap::new()).unwrap(),
        ..converting(&[])
    };
    let id = |bytes: &[u8]| ("id".to_owned(), Some(bytes.to_vec()));
    let other = ("other".to_owned(), Some(b"no number".to_vec()));
    let headers = [other.clone(), id(&[0, 0, 0, 0, 0, 0, 0, 9])];
    let (operation, entries) = taken(&keyed, &record(None, None, &headers)).unwrap();
    assert_eq!((operation, &*entries[0]), (Operation::Remove, "9="));
    let error = taken(&keyed, &record(Some("1"), Some("2"), &[other])).unwrap_err();
    assert_eq!(error.to_string(), "key: header id is missing or null (coherence.key.header)");
    let error = taken(&keyed, &record(Some("1"), Some("2"), &[id(b"9")])).unwrap_err();
    assert_eq!(keyed.blame(&error).stage, Stage::HeaderConverter);
}

#[test]
fn headers_are_converted_only_for_a_transform_that_uses_them() {
    let headers = [("h".to_owned(), Some(b"1".to_vec()))];
    let record = record(Some("1"), Some("2"), &headers);
    let untouched = converting(&HOIST);
    assert_eq!(untouched.transform(&record).unwrap().unwrap().headers, []);
    let marked = [
        ("transforms", "f"),
        ("transforms.f.type", "Filter"),
        ("transforms.f.predicate", "marked"),
        ("transforms.f.negate", "true"),
        ("predicates", "marked"),
        ("predicates.marked.type", "HasHeaderKey"),
        ("predicates.marked.name", "h"),
    ];
    let pipeline = converting(&marked);
    let transformed = pipeline.transform(&record).unwrap().unwrap();
    assert_eq!(transformed.headers[0].data.value, Value::Int8(1));
}

#[test]
fn an_error_of_a_converter_or_transform_is_blamed_on_its_stage_and_class() {
    let pipeline = converting(&HOIST);
    let error = taken(&pipeline, &record(Some("1"), Some("{"), &[])).unwrap_err();
    let blame = pipeline.blame(&error);
    assert_eq!(
        (blame.stage, blame.class),
        (Stage::ValueConverter, "org.apache.kafka.connect.json.JsonConverter")
    );

    let failure = TransformFailure { class: "org.example.T", error: ConnectError::data("no field f") };
    let error = RecordError::Transform(failure);
    let blame = pipeline.blame(&error);
    assert_eq!((blame.stage.name(), blame.class), ("TRANSFORMATION", "org.example.T"));
    assert_eq!((blame.exception, &*blame.message), (DATA_EXCEPTION, "no field f"));
    assert_eq!(blame.trace, "transform org.example.T: no field f");
}

#[test]
fn bytes_pass_through_transforms_that_leave_them_bytes() {
    let entry = "\x15\"k\"";
    let routed = Pipeline {
        transforms: transforms(&[
            ("transforms", "d"),
            ("transforms.d.type", "DropHeaders"),
            ("transforms.d.headers", "h"),
        ]),
        ..Pipeline::passing_through(Format::Json, NullValues::Delete)
    };
    let (operation, entries) = taken(&routed, &record(Some(entry), Some(entry), &[])).unwrap();
    assert_eq!((operation, &*entries[0]), (Operation::Put, r#""k"="k""#));
    let hoisting = Pipeline {
        transforms: transforms(&HOIST),
        ..Pipeline::passing_through(Format::Json, NullValues::Delete)
    };
    let error = taken(&hoisting, &record(Some(entry), Some(entry), &[])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "value: a transform has made it a value of another type; pass-through moves only bytes"
    );
}
