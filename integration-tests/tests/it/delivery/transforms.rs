//! Transforms on the way from a real topic into a map of a real grid.

use coherence_kafka_connect::converter::{self, Role};
use coherence_kafka_connect::encode::Encoder;
use coherence_kafka_connect::record::Record;
use coherence_kafka_connect::transform::{Classes, Transforms};
use integration_tests::{require_peers, shared};
use serde_json::json;

use super::letters::{self, ALL, CONTEXT, Letter, ONE_REPLICA, QUEUE, queue};
use crate::flow::{Flow, SOON};

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

#[test]
fn records_are_keyed_masked_routed_and_filtered_by_transforms_and_the_bad_ones_are_dead_letters() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let (flow, queue) = (Flow::new(kafka, grid, "changed", 1), queue());
    let route = format!("{}-map", flow.name);
    let row = |id: &str, name: &str| format!(r#"{{"id":{id},"name":"{name}","secret":"s"}}"#);
    let drafts = vec![("draft".to_owned(), Some(b"1".to_vec()))];
    let records = [
        Letter { key: None, ..Letter::new("", row("7", "first")) },
        Letter { key: None, ..Letter::new("", row("8", "second")) },
        Letter { key: None, headers: drafts, ..Letter::new("", row("9", "draft")) },
        // No object: the value has no field to make a key of.
        Letter { key: None, ..Letter::new("", r#""text""#) },
        Letter { key: None, ..Letter::new("", row("7", "newest")) },
    ];
    letters::produce(kafka, &flow.name, &records);

    let sink = flow.start(
        &[
            ("key.converter", JSON),
            ("value.converter", JSON),
            ("value.converter.schemas.enable", "false"),
            ("key.converter.schemas.enable", "false"),
        ],
        &[
            ALL,
            (QUEUE, &queue),
            CONTEXT,
            ONE_REPLICA,
            ("transforms", "drafts,key,id,mask,route"),
            ("transforms.drafts.type", "org.apache.kafka.connect.transforms.Filter"),
            ("transforms.drafts.predicate", "draft"),
            ("transforms.key.type", "org.apache.kafka.connect.transforms.ValueToKey"),
            ("transforms.key.fields", "id"),
            ("transforms.id.type", "org.apache.kafka.connect.transforms.ExtractField$Key"),
            ("transforms.id.field", "id"),
            ("transforms.mask.type", "org.apache.kafka.connect.transforms.MaskField$Value"),
            ("transforms.mask.fields", "secret"),
            ("transforms.route.type", "org.apache.kafka.connect.transforms.RegexRouter"),
            ("transforms.route.regex", "(.*)"),
            ("transforms.route.replacement", "$1-map"),
            ("predicates", "draft"),
            ("predicates.draft.type", "org.apache.kafka.connect.transforms.predicates.HasHeaderKey"),
            ("predicates.draft.name", "draft"),
        ],
    );
    flow.assert_delivered(kafka, &sink, SOON);

    let entries = grid.tool().entries(&route).unwrap();
    let row = |id: &str, name: &str| {
        let fields = [("id", "Long", id), ("name", "String", name), ("secret", "String", "")];
        let fields =
            fields.map(|(field, class, text)| format!("java.lang.String({field})=java.lang.{class}({text})"));
        (id.to_owned(), format!("{{{}}}", fields.join(", ")))
    };
    assert_eq!(entries, [row("7", "newest"), row("8", "second")].into());
    assert_eq!(grid.tool().size(&flow.name).unwrap(), 0, "the map of the topic that was read is not written");

    let dead = letters::read(kafka, &queue);
    let [(_, letter)] = &dead[..] else { panic!("{dead:?}") };
    assert_eq!(letter.without_context(), records[3]);
    assert_eq!(letter.context("stage"), "TRANSFORMATION");
    assert_eq!(letter.context("class.name"), "org.apache.kafka.connect.transforms.ValueToKey");
    assert_eq!(letter.context("exception.class.name"), "org.apache.kafka.connect.errors.DataException");
    assert_eq!(letter.context("topic"), flow.name, "where it was read, not where it was to go");
}

#[test]
fn java_reads_the_columns_that_debezium_captures_as_dates_decimals_and_uuids() {
    require_peers!();
    let column = |field: &str, kind: &str, name: &str| json!({"field": field, "type": kind, "name": format!("io.debezium.{name}")});
    let mut decimal = column("g", "struct", "data.VariableScaleDecimal");
    decimal["fields"] = json!([{"field": "scale", "type": "int32"}, {"field": "value", "type": "bytes"}]);
    let schema = json!({"type": "struct", "fields": [
        column("a", "int32", "time.Date"),
        column("b", "int64", "time.MicroTime"),
        column("c", "int64", "time.NanoTimestamp"),
        column("d", "string", "time.ZonedTimestamp"),
        column("e", "string", "time.ZonedTime"),
        column("f", "string", "data.Uuid"),
        decimal,
    ]});
    let payload = json!({
        "a": 20_787, "b": 86_340_000_001_i64, "c": 1_796_083_140_000_000_001_i64,
        "d": "2026-11-30T23:59:00.000001Z", "e": "23:59:00+02:00",
        "f": "00000000-0000-0000-0000-00000000002a", "g": {"scale": 2, "value": "AJY="},
    });
    let converter = converter::create(JSON, Role::Value, &[].into()).unwrap();
    let bytes = json!({"schema": schema, "payload": payload}).to_string();
    let data = || converter.to_connect("t", &(), Some(bytes.as_bytes())).unwrap();
    let class = "com.oracle.coherence.kafka.connect.transforms.DebeziumTypes$Value";
    let properties = [("transforms", "types"), ("transforms.types.type", class)];
    let properties = properties.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let transforms = Transforms::new(&Classes::default(), &properties.into()).unwrap();
    let (key, value, headers) = (data(), data(), Vec::new());
    let record =
        Record { topic: "t".into(), partition: None, offset: None, timestamp: None, key, value, headers };
    let row = transforms.apply(record).unwrap().unwrap().value.value;
    let mut binary = Vec::new();
    Encoder::default().encode(&row, &mut binary).unwrap();
    let read = shared::grid().tool().from_bytes(&binary).unwrap().unwrap();
    let expected = [
        ("a", "java.sql.Date(2026-11-30)"),
        ("b", "java.sql.Time(23:59:00)"),
        ("c", "java.sql.Timestamp(2026-11-30 23:59:00.000000001)"),
        ("d", "java.sql.Timestamp(2026-11-30 23:59:00.000001)"),
        ("e", "java.sql.Time(23:59:00)"),
        ("f", "java.util.UUID(00000000-0000-0000-0000-00000000002a)"),
        ("g", "java.math.BigDecimal(1.50)"),
    ];
    let expected = expected.map(|(field, value)| format!("java.lang.String({field})={value}"));
    assert_eq!(read.text, format!("{{{}}}", expected.join(", ")));
}
