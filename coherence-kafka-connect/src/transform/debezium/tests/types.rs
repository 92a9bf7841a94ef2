//! Debezium's types of columns as the types of entries.

use coherence_kafka_common::map::Format;
use coherence_kafka_common::pof::{self, Date, PofValue, Time, Zone};

use super::*;
use crate::encode::Encoder;
use crate::mapping::Mapping;

const CLASS: &str = "com.oracle.coherence.kafka.connect.transforms.DebeziumTypes$Value";
/// 2026-11-30T23:59:00 since 1970, and since midnight.
const SECONDS: i64 = 1_796_083_140;
const OF_DAY: i64 = 86_340;

/// A row with one column of each type.
fn row(change: impl FnOnce(&mut Json)) -> SchemaAndValue<'static> {
    let column = |field: &str, kind: &str, name: &str| json!({"field": field, "type": kind, "optional": true, "name": name, "version": 1});
    let time = |field: &str, kind: &str, name: &str| column(field, kind, &format!("io.debezium.time.{name}"));
    let decimal = json!({"field": "decimal", "type": "struct", "optional": true,
        "name": "io.debezium.data.VariableScaleDecimal", "fields": [
            {"field": "scale", "type": "int32", "optional": false},
            {"field": "value", "type": "bytes", "optional": false}]});
    let days = json!({"field": "days", "type": "array", "optional": true,
        "items": {"type": "int32", "optional": true, "name": "io.debezium.time.Date"}});
    let schema = json!({"type": "struct", "optional": false, "name": "server.public.t.Value", "fields": [
        time("date", "int32", "Date"),
        time("time", "int32", "Time"), time("micro_time", "int64", "MicroTime"), time("nano_time", "int64", "NanoTime"),
        time("timestamp", "int64", "Timestamp"), time("micro_timestamp", "int64", "MicroTimestamp"),
        time("nano_timestamp", "int64", "NanoTimestamp"),
        time("zoned_timestamp", "string", "ZonedTimestamp"), time("zoned_time", "string", "ZonedTime"),
        time("year", "int32", "Year"),
        decimal, days,
        column("uuid", "string", "io.debezium.data.Uuid"),
        column("json", "string", "io.debezium.data.Json"),
        time("none", "int64", "MicroTimestamp"),
    ]});
    let mut payload = json!({
        "date": SECONDS / 86_400,
        "time": OF_DAY * 1_000 + 500, "micro_time": OF_DAY * 1_000_000 + 1, "nano_time": OF_DAY * 1_000_000_000,
        "timestamp": SECONDS * 1_000, "micro_timestamp": SECONDS * 1_000_000 + 1,
        "nano_timestamp": SECONDS * 1_000_000_000 + 1,
        "zoned_timestamp": "2026-11-30T23:59:00.000001Z", "zoned_time": "23:59:00+02:00",
        "year": 2026,
        "decimal": {"scale": 2, "value": "AJY="}, "days": [0, null],
        "uuid": "00000000-0000-0000-0000-00000000002a", "json": "{\"a\":1}", "none": null,
    });
    change(&mut payload);
    data(&json!({"schema": schema, "payload": payload}), true)
}

fn changed(options: &[(&str, &str)], value: SchemaAndValue<'static>) -> Value<'static> {
    let transform = transform(CLASS, options);
    let changed = transform.apply(record("t", nothing(), value)).unwrap().unwrap();
    changed.value.value.into_owned()
}

fn encoded(format: Format, value: &Value<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder { format, ..Encoder::default() }.encode(value, &mut out).unwrap();
    out
}

#[test]
fn an_entry_in_pof_has_the_types_of_java_time_to_the_nanosecond() {
    let decoded = |value: &Value<'_>| pof::decode(&encoded(Format::Pof, value)[1..]).unwrap();
    let date = Date { year: 2026, month: 11, day: 30 };
    let time = |nano, zone| Time { hour: 23, minute: 59, second: 0, nano, zone };
    let epoch = PofValue::Date(Date { year: 1970, month: 1, day: 1 });
    let fields = [
        ("date", PofValue::Date(date)),
        ("time", PofValue::Time(time(500_000_000, None))),
        ("micro_time", PofValue::Time(time(1_000, None))),
        ("nano_time", PofValue::Time(time(0, None))),
        ("timestamp", PofValue::DateTime(date, time(0, None))),
        ("micro_timestamp", PofValue::DateTime(date, time(1_000, None))),
        ("nano_timestamp", PofValue::DateTime(date, time(1, None))),
        ("zoned_timestamp", PofValue::DateTime(date, time(1_000, Some(Zone::Utc)))),
        ("zoned_time", PofValue::Time(time(0, Some(Zone::Offset(120))))),
        ("year", PofValue::Int32(2026)),
        ("decimal", decoded(&Value::Decimal { unscaled: 150.into(), scale: 2 })),
        ("days", PofValue::Collection(vec![epoch, PofValue::Null])),
        ("uuid", decoded(&Value::Uuid(42))),
        ("json", PofValue::String(r#"{"a":1}"#.to_owned())),
        ("none", PofValue::Null),
    ];
    let fields = fields.map(|(name, value)| (PofValue::String(name.to_owned()), value));
    assert_eq!(decoded(&changed(&[], row(|_| ()))), PofValue::Map(fields.into()));
}

#[test]
fn an_entry_in_json_has_text_in_iso_8601() {
    let entry = encoded(Format::Json, &changed(&[("form", "text")], row(|_| ())));
    let entry: Json = serde_json::from_slice(&entry[1..]).unwrap();
    assert_eq!(
        entry,
        json!({
            "date": "2026-11-30",
            "time": "23:59:00.500", "micro_time": "23:59:00.000001", "nano_time": "23:59:00",
            "timestamp": "2026-11-30T23:59:00", "micro_timestamp": "2026-11-30T23:59:00.000001",
            "nano_timestamp": "2026-11-30T23:59:00.000000001",
            "zoned_timestamp": "2026-11-30T23:59:00.000001Z", "zoned_time": "23:59:00+02:00",
            "year": 2026,
            "decimal": {"@class": "math.BigDec", "value": "1.50"}, "days": ["1970-01-01", null],
            "uuid": "00000000-0000-0000-0000-00000000002a", "json": "{\"a\":1}", "none": null,
        })
    );
}

#[test]
fn the_fields_of_a_mapping_file_take_the_text() {
    let mapping = Mapping::parse(
        r#"
        [types.Row]
        id = 1
        [types.Row.fields]
        date = { index = 0, type = "LocalDate" }
        time = { index = 1, type = "LocalTime", from = "micro_time" }
        at = { index = 2, type = "LocalDateTime", from = "nano_timestamp" }
        zoned = { index = 3, type = "Instant", from = "zoned_timestamp" }
        price = { index = 4, type = "BigDecimal(2)", from = "decimal" }
        id = { index = 5, type = "UUID", from = "uuid" }
        days = { index = 6, type = "List<LocalDate>" }
        [maps.Rows]
        value = "Row"
        "#,
    )
    .unwrap();
    let value = changed(&[("form", "text")], row(|_| ()));
    mapping.part("Rows", Role::Value).unwrap().write(Format::Pof, &value, &mut Vec::new()).unwrap();
}

#[test]
fn a_value_that_its_type_cannot_hold_is_reported_with_its_field() {
    let refused = |change: fn(&mut Json)| {
        let transform = transform(CLASS, &[]);
        transform.apply(record("t", nothing(), row(change))).unwrap_err().error.message().to_owned()
    };
    let out_of_range = "number is out of the range of LocalTime, or has digits that LocalTime cannot hold";
    assert_eq!(
        refused(|row| row["micro_time"] = 86_400_000_000_i64.into()),
        format!("field micro_time: {out_of_range}")
    );
    assert_eq!(
        refused(|row| row["zoned_timestamp"] = "secret".into()),
        "field zoned_timestamp: text is not a day and time with an offset as 2026-11-30T23:59:00.5+01:00, or Z"
    );
    assert_eq!(refused(|row| row["uuid"] = "secret".into()), "field uuid: text is not a UUID");
}

#[test]
fn data_without_such_types_stays_as_it_is() {
    let transform = transform(CLASS, &[]);
    for value in [nothing(), data(&json!({"a": 1}), false), mysql("c", Json::Null, anne())] {
        let record = record("t", nothing(), value);
        assert_eq!(transform.apply(record.clone()), Ok(Some(record)));
    }
}
