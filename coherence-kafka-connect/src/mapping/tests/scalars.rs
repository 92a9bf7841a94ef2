//! What each type takes, and what it gives back.

use coherence_kafka_common::pof::{self as pof_bytes, Date, PofValue, Time, Zone};
use num_bigint::BigInt;

use super::*;

fn of_type(ty: &str, value: Value<'_>) -> Result<PofValue, String> {
    let mapping = mapping(&format!("[maps.M]\nvalue = \"{ty}\"\n"));
    let binary =
        written(mapping.part("M", Role::Value).unwrap(), value).map_err(|error| error.to_string())?;
    Ok(pof_bytes::decode(&binary[1..]).unwrap())
}

fn text(text: &str) -> Value<'static> {
    Value::String(text.to_owned().into())
}

fn decimal(unscaled: i128, scale: i32) -> PofValue {
    PofValue::Decimal { unscaled, scale }
}

#[test]
fn numbers_take_what_they_hold_exactly() {
    let cases = [
        ("byte", Value::Int64(-128), Some(PofValue::Octet(0x80))),
        ("Byte", Value::Int64(128), None),
        ("short", Value::Int32(-32768), Some(PofValue::Int16(-32768))),
        ("int", Value::Int16(5), Some(PofValue::Int32(5))),
        ("int", Value::Float64(5.0), None),
        ("long", Value::Int8(-1), Some(PofValue::Int64(-1))),
        ("float", Value::Float64(0.1), Some(PofValue::Float32(0.1))),
        ("float", Value::Float64(1e300), None),
        ("float", Value::Float64(f64::INFINITY), Some(PofValue::Float32(f32::INFINITY))),
        ("float", Value::Int32(1 << 24), Some(PofValue::Float32(16_777_216.0))),
        ("float", Value::Int32((1 << 24) + 1), None),
        ("double", Value::Float32(0.5), Some(PofValue::Float64(0.5))),
        ("double", Value::Int64(i64::MAX), None),
        ("Boolean", Value::Boolean(true), Some(PofValue::Boolean(true))),
        ("boolean", Value::Int32(1), None),
        ("char", text("é"), Some(PofValue::Char(0xE9))),
        ("char", text("\u{1F600}"), None),
        ("char", text(""), None),
        ("BigInteger", text("-170141183460469231731687303715884105728"), Some(PofValue::Int128(i128::MIN))),
        ("BigInteger", Value::Decimal { unscaled: BigInt::from(1) << 127, scale: 0 }, None),
        ("BigDecimal", text("-12.50"), Some(decimal(-1250, 2))),
        ("BigDecimal", text("1.5E+3"), Some(decimal(15, -2))),
        ("BigDecimal", Value::Float64(1e7), Some(decimal(10, -6))),
        ("BigDecimal", Value::Float64(f64::NAN), None),
        ("BigDecimal", Value::Int64(3), Some(decimal(3, 0))),
        ("BigDecimal(2)", Value::Int64(3), Some(decimal(300, 2))),
        ("BigDecimal(2)", text("1.500"), Some(decimal(150, 2))),
        ("BigDecimal(-2)", text("150"), None),
        ("BigDecimal", text("1."), Some(decimal(1, 0))),
        ("BigDecimal", text("."), None),
        ("BigDecimal", text("1e99999999999"), None),
    ];
    for (ty, value, expected) in cases {
        let found = of_type(ty, value.clone());
        assert_eq!(found.clone().ok(), expected, "{ty} {value:?} {found:?}");
    }
}

#[test]
fn days_and_times_take_text_connects_types_and_integers_of_a_unit() {
    let date = Date { year: 2026, month: 11, day: 30 };
    let time = |hour, nano, zone| Time { hour, minute: 5, second: 0, nano, zone };
    let millis = 1_796_000_700_000; // 2026-11-30T01:05:00Z
    let utc = Some(Zone::Utc);
    let cases = [
        ("LocalDate", text("2026-11-30"), Some(PofValue::Date(date))),
        ("LocalDate", text("2026-02-29"), None),
        ("LocalDate", text("-0001-12-31"), Some(PofValue::Date(Date { year: -1, month: 12, day: 31 }))),
        ("LocalDate", Value::Date(millis - 3_900_000), Some(PofValue::Date(date))),
        ("LocalDate", Value::Timestamp(millis), None),
        ("LocalDate(days)", Value::Int32(20_787), Some(PofValue::Date(date))),
        ("LocalDate(millis)", Value::Int64(millis), None),
        ("LocalDate(days)", Value::Int64(i64::MAX), None),
        ("LocalTime", text("01:05"), Some(PofValue::Time(time(1, 0, None)))),
        ("LocalTime", text("24:05"), None),
        ("LocalTime", text("01:05:00.000000001"), Some(PofValue::Time(time(1, 1, None)))),
        ("LocalTime", text("01:05Z"), None),
        ("LocalTime", Value::Time(3_900_000), Some(PofValue::Time(time(1, 0, None)))),
        ("LocalTime(micros)", Value::Int64(86_400_000_000), None),
        ("LocalDateTime", Value::Timestamp(millis), Some(PofValue::DateTime(date, time(1, 0, None)))),
        ("LocalDateTime", text("2026-11-30T01:05:00"), Some(PofValue::DateTime(date, time(1, 0, None)))),
        ("LocalDateTime", text("2026-11-30T01:05:00Z"), None),
        ("OffsetTime", text("01:05:00+02:00"), Some(PofValue::Time(time(1, 0, Some(Zone::Offset(120)))))),
        (
            "OffsetDateTime",
            text("2026-11-30 01:05:00-0330"),
            Some(PofValue::DateTime(date, time(1, 0, Some(Zone::Offset(-210))))),
        ),
        ("OffsetDateTime", text("2026-11-30T01:05:00"), None),
        ("OffsetDateTime", text("2026-11-30T01:05:00-00:30"), None),
        ("OffsetDateTime(millis)", Value::Int64(millis), Some(PofValue::DateTime(date, time(1, 0, utc)))),
        ("Date", Value::Timestamp(millis), Some(PofValue::DateTime(date, time(1, 0, utc)))),
        ("Date", text("2026-11-30T02:05:00+01:00"), Some(PofValue::DateTime(date, time(1, 0, utc)))),
        (
            "Date",
            Value::Date(0),
            Some(PofValue::DateTime(
                Date { year: 1970, month: 1, day: 1 },
                Time { hour: 0, minute: 0, second: 0, nano: 0, zone: utc },
            )),
        ),
        ("Date(micros)", Value::Int64(1), None),
        (
            "Instant(nanos)",
            Value::Int64(-1),
            Some(PofValue::User {
                type_id: 941,
                version: 0,
                properties: vec![(0, PofValue::Int64(-1)), (1, PofValue::Int32(999_999_999))],
            }),
        ),
    ];
    for (ty, value, expected) in cases {
        let found = of_type(ty, value.clone());
        assert_eq!(found.clone().ok(), expected, "{ty} {value:?} {found:?}");
    }
}

#[test]
fn bytes_and_uuids_may_be_text() {
    assert_eq!(of_type("byte[]", text("AP8=")), Ok(PofValue::ByteArray(vec![0, 255])));
    assert_eq!(of_type("Binary", Value::Bytes(vec![1].into())), Ok(PofValue::OctetString(vec![1])));
    assert!(of_type("byte[]", text("?")).is_err());
    let uuid = of_type("UUID", text("00000000-0000-0001-0000-000000000002")).unwrap();
    assert_eq!(uuid, of_type("UUID", Value::Uuid(1 << 64 | 2)).unwrap());
    assert_eq!(of_type("int[]", json("[1,2]")), Ok(PofValue::Int32Array(vec![1, 2])));
    assert_eq!(
        of_type("String[]", json(r#"["a"]"#)),
        Ok(PofValue::Array(vec![PofValue::String("a".into())]))
    );
}

#[test]
fn digits_below_a_millisecond_are_not_lost_when_they_are_read() {
    let read = |ty: &str, value: &str| {
        let mapping = mapping(&format!("[maps.M]\nvalue = \"{ty}\"\n"));
        let part = mapping.part("M", Role::Value).unwrap();
        part.read(&written(part, text(value)).unwrap())
            .map(|read| read.value)
            .map_err(|error| error.to_string())
    };
    assert_eq!(read("LocalTime(nanos)", "00:00:00.000000001"), Ok(Value::Int64(1)));
    let refused = read("LocalTime", "00:00:00.000000001").unwrap_err();
    assert!(refused.contains("name a unit in the mapping file"), "{refused}");
    assert_eq!(read("OffsetTime", "01:02:03.000004-03:30"), Ok(text("01:02:03.000004-03:30")));
    assert_eq!(read("OffsetDateTime", "2026-11-30T01:02:03Z"), Ok(text("2026-11-30T01:02:03Z")));
    assert_eq!(read("BigDecimal", "1.50"), Ok(text("1.50")));
}
