use std::borrow::Cow;
use std::sync::Arc;

use coherence_kafka_common::pof::{self, PofValue};
use num_bigint::BigInt;
use proptest::prelude::*;

use super::*;
use crate::data::{Field, Schema, SchemaKind, Struct};

const POF: Encoder = Encoder { format: Format::Pof, arrays: ArrayForm::List };
const JSON: Encoder = Encoder { format: Format::Json, arrays: ArrayForm::List };

fn encoded(encoder: Encoder, value: &Value<'_>) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    encoder.encode(value, &mut out).map(|()| out)
}

fn hex(value: &Value<'_>) -> String {
    encoded(POF, value).unwrap().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}

fn json(value: &Value<'_>) -> String {
    let binary = encoded(JSON, value).unwrap();
    assert_eq!(binary[0], 0x15);
    String::from_utf8(binary[1..].to_vec()).unwrap()
}

fn text(text: &str) -> Value<'_> {
    Value::String(text.into())
}

fn decimal(unscaled: i64, scale: i32) -> Value<'static> {
    Value::Decimal { unscaled: BigInt::from(unscaled), scale }
}

fn person<'a>(values: Vec<Value<'a>>, names: &[&str]) -> Value<'a> {
    let schema = Arc::new(Schema::optional(SchemaKind::String));
    let field = |name: &&str| Field { name: (*name).to_owned(), schema: schema.clone() };
    let schema = Arc::new(Schema::new(SchemaKind::Struct(names.iter().map(field).collect())));
    Value::Struct(Struct { schema, values })
}

/// Bytes that Java's own serializer gives.
#[test]
fn pof_is_that_of_javas_objects() {
    for (value, expected) in [
        (Value::Null, "15 64"),
        (Value::Boolean(true), "15 4A 01"),
        (Value::Int8(-1), "15 4B FF"),
        (Value::Int16(1), "15 40 01"),
        (Value::Int32(5), "15 41 05"),
        (Value::Int32(-1), "15 41 40"),
        (Value::Int64(5), "15 42 05"),
        (Value::Float32(1.5), "15 44 3F C0 00 00"),
        (Value::Float64(1.0), "15 45 3F F0 00 00 00 00 00 00"),
        (text("hello"), "15 4E 05 68 65 6C 6C 6F"),
        (text(""), "15 4E 00"),
        (Value::Bytes(Cow::Borrowed(&[1, 2])), "15 58 4B 02 01 02"),
        (decimal(12345, 2), "15 47 B9 C0 01 02"),
        // What Java's connector writes where its JVM is in UTC; days before 1582-10-15 are Julian.
        (Value::Date(18_263 * 86_400_000), "15 53 A4 1F 01 02 00 00 00 00 01"),
        (Value::Date(-14_831_164_800_000), "15 53 9B 17 0C 1E 00 00 00 00 01"),
        (Value::Time(1001), "15 53 B2 1E 01 01 00 00 01 01 01"),
        (Value::Time(86_400_000), "15 53 B2 1E 01 02 00 00 00 00 01"),
        (Value::Timestamp(-62_135_596_800_000), "15 53 01 01 03 00 00 00 00 01"),
        (Value::Timestamp(-14_830_974_000_000), "15 53 9C 17 01 01 05 00 00 00 01"),
        (Value::Timestamp(-12_219_292_800_001), "15 53 AE 18 0A 04 17 3B 3B A7 0F 01"),
        (Value::Timestamp(-12_219_292_800_000), "15 53 AE 18 0A 0F 00 00 00 00 01"),
        // 1500-02-29, which Java's writer refuses; its reader finds the instant under these offsets.
        (Value::Date(-14_825_894_400_000), "15 53 9C 17 02 1C 0C 00 00 00 02 4B 00"),
        (Value::Timestamp(-14_825_851_200_000), "15 53 9C 17 03 01 00 00 00 00 02 0C 00"),
        (Value::Timestamp(-1), "15 53 B1 1E 0C 1F 17 3B 3B A7 0F 01"),
        (Value::Array(vec![Value::Int32(1), Value::Null]), "15 55 02 41 01 64"),
        (Value::Map(vec![(text("a"), Value::Int64(1))]), "15 5B 01 4E 01 61 42 01"),
        (person(vec![text("x"), Value::Null], &["b", "a"]), "15 5B 02 4E 01 62 4E 01 78 4E 01 61 64"),
        (Value::Uuid(1 << 64 | 2), "15 8D 0E 00 00 42 02 01 6A 40"),
        (Value::Pof(Cow::Borrowed(&[0x15, 0x6E])), "15 6E"),
        (Value::Array(vec![Value::Pof(Cow::Borrowed(&[0x15, 0x6E]))]), "15 55 01 6E"),
    ] {
        assert_eq!(hex(&value), expected, "{value:?}");
    }
}

#[test]
fn dates_and_times_of_pof_entries_are_the_instants_that_java_reads() {
    for (binary, expected) in [
        ("15 4F A4 1F 01 02", 18_263 * 86_400_000_i64),
        ("15 4F 9B 17 0C 1E", -14_831_164_800_000),
        ("15 51 01 01 01 01 00", 3_661_001),
        ("15 53 AE 18 0A 04 17 3B 3B A7 0F 01", -12_219_292_800_001),
        ("15 53 9C 17 02 1C 0C 00 00 00 02 4B 00", -14_825_894_400_000),
    ] {
        let bytes: Vec<u8> = binary.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        assert_eq!(json(&Value::Pof(bytes.into())), expected.to_string(), "{binary}");
    }
}

/// The bytes that Java's connector writes for this key.
#[test]
fn a_key_has_the_entries_of_its_maps_in_the_order_of_javas_hash_map() {
    let object = || {
        Value::Map(vec![
            (text("country"), text("DE")),
            (text("id"), Value::Int64(7)),
            (text("kind"), text("A")),
            (text("zip"), text("10115")),
        ])
    };
    let key = |encoder: Encoder, key| {
        let mut out = Vec::new();
        encoder.encode_key(key, &mut out).unwrap();
        out
    };
    let hex: String = key(POF, object()).iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(hex, "155B044E037A69704E0531303131354E07636F756E7472794E0244454E046B696E644E01414E0269644207");
    let in_json = br#"{"zip":"10115","country":"DE","kind":"A","id":7}"#;
    assert_eq!(key(JSON, object())[1..], in_json[..]);
    // A POF entry keeps its bytes in a POF map, and is a key like any other in a JSON map.
    let binary = encoded(POF, &object()).unwrap();
    assert_eq!(key(POF, Value::Pof(binary.clone().into())), binary);
    assert_eq!(key(JSON, Value::Pof(binary.into()))[1..], in_json[..]);
    // A value keeps the order of its document.
    assert!(json(&object()).starts_with("{\"country\":"));
}

#[test]
fn a_list_can_be_an_object_array() {
    let arrays = Encoder { arrays: ArrayForm::ObjectArray, ..POF };
    let list = Value::Array(vec![Value::Array(vec![])]);
    assert_eq!(encoded(arrays, &list), Ok(vec![0x15, 0x57, 0x01, 0x57, 0x00]));
}

#[test]
fn json_is_plain_wherever_it_can_be() {
    for (value, expected) in [
        (Value::Null, "null"),
        (Value::Int64(i64::MIN), "-9223372036854775808"),
        (Value::Float32(0.1), "0.1"),
        (Value::Float32(1.4e-45), "1.4E-45"),
        (Value::Float64(-0.0), "-0.0"),
        (Value::Float64(0.001), "0.001"),
        (Value::Float64(-1e-4), "-1.0E-4"),
        (Value::Float64(9_999_999.5), "9999999.5"),
        (Value::Float64(1e7), "1.0E7"),
        (Value::Float64(123_456_789.125), "1.23456789125E8"),
        (Value::Float64(1e300), "1.0E300"),
        (Value::Float64(5e-324), "4.9E-324"),
        (Value::Float64(f64::NAN), "\"NaN\""),
        (Value::Float32(f32::NEG_INFINITY), "\"-Infinity\""),
        (text("q\"b\\s\n\u{1}é\\u0041"), "\"q\\\"b\\\\s\\n\\u0001é\\\\u0041\""),
        (text("\u{8}\u{c}\u{7f}â\u{2027}\u{2028}x\u{2029}"), "\"\\b\\f\u{7f}â\u{2027}\\u2028x\\u2029\""),
        (Value::Bytes(Cow::Borrowed(&[0xFB, 0xFF])), "\"+/8=\""),
        (decimal(125, 2), "{\"@class\":\"math.BigDec\",\"value\":\"1.25\"}"),
        (Value::Date(86_400_000), "86400000"),
        (Value::Array(vec![Value::Int8(1), text("a")]), "[1,\"a\"]"),
        (Value::Map(vec![]), "{}"),
        (
            Value::Map(vec![(text("a"), Value::Null), (text(""), Value::Boolean(true))]),
            "{\"a\":null,\"\":true}",
        ),
        (person(vec![text("x")], &["b"]), "{\"b\":\"x\"}"),
        (Value::Uuid(0x0011_2233_4455_6677_8899_AABB_CCDD_EEFF), "\"00112233-4455-6677-8899-aabbccddeeff\""),
    ] {
        assert_eq!(json(&value), expected, "{value:?}");
    }
}

/// Java's reader (25.03.2) gives a `HashMap` from this form; `{"@class":"x"}` it would try to instantiate.
#[test]
fn json_objects_with_other_keys_are_maps_of_entries() {
    let entries = |key: &str| {
        format!("{{\"@class\":\"java.util.HashMap\",\"entries\":[{{\"key\":{key},\"value\":true}}]}}")
    };
    assert_eq!(json(&Value::Map(vec![(Value::Int32(7), Value::Boolean(true))])), entries("7"));
    assert_eq!(json(&Value::Map(vec![(text("@class"), Value::Boolean(true))])), entries("\"@class\""));
    assert_eq!(json(&person(vec![Value::Boolean(true)], &["@type"])), entries("\"@type\""));
}

#[test]
fn pof_entries_are_rewritten_for_a_json_map() {
    let pof_of = |value: &Value<'_>| Value::Pof(Cow::Owned(encoded(POF, value).unwrap()));
    for value in [
        Value::Int64(7),
        text("x"),
        Value::Uuid(7 << 64 | 9),
        Value::Timestamp(1_700_000_000_123),
        Value::Date(-86_400_000),
        decimal(-5, 3),
        Value::Map(vec![(text("a"), Value::Array(vec![Value::Bytes(Cow::Borrowed(b"x"))]))]),
    ] {
        assert_eq!(json(&pof_of(&value)), json(&value));
    }
    let user_type = Value::Pof(Cow::Borrowed(&[0x15, 0xA8, 0x0F, 0x00, 0x40]));
    let error = encoded(JSON, &user_type).unwrap_err();
    assert_eq!(error.to_string(), "a POF user type cannot be written to a json map");
}

#[test]
fn java_is_what_its_default_serializer_writes() {
    let java = Encoder { format: Format::Java, ..Encoder::default() };
    for (value, expected) in [
        (Value::Null, &b"\x00"[..]),
        (Value::Boolean(true), b"\x11\x01"),
        (Value::Int8(-1), b"\x10\xFF"),
        (Value::Int16(7), b"\x0F\x00\x07"),
        (Value::Int32(5), b"\x01\x05"),
        (Value::Int64(-1), b"\x02\x40"),
        (Value::Float32(1.5), b"\x0E\x3F\xC0\x00\x00"),
        (Value::Float64(1.0), b"\x03\x3F\xF0\x00\x00\x00\x00\x00\x00"),
        (text("Hi!"), b"\x06\x03Hi!"),
        (Value::Bytes(vec![1, 2].into()), b"\x08\x02\x01\x02"),
        (decimal(12_345, 2), b"\x05\x02\x30\x39\x02"),
        (decimal(1, -3), b"\x05\x01\x01\x42"),
        (Value::Pof(b"\x15\x41\x05"[..].into()), b"\x01\x05"),
    ] {
        assert_eq!(encoded(java, &value).as_deref(), Ok(expected));
        let mut key = Vec::new();
        java.encode_key(value, &mut key).unwrap();
        assert_eq!(key, expected);
    }
    let wide = Value::Decimal { unscaled: num_bigint::BigInt::from(1) << 200, scale: 0 };
    assert_eq!(encoded(java, &wide).unwrap()[..3], [0x05, 0x1A, 0x01]);
    for (value, what) in [
        (Value::Array(vec![text("a")]), "a list"),
        (Value::Map(vec![]), "a map"),
        (person(vec![text("Ann")], &["name"]), "a struct"),
    ] {
        assert_eq!(encoded(java, &value), Err(EncodeError::NotJava { what }));
    }
}

#[test]
fn after_an_error_nothing_is_left_behind() {
    let too_wide = Value::Decimal { unscaled: BigInt::from(10).pow(34), scale: 0 };
    for bad in [too_wide, Value::Decimal { unscaled: BigInt::from(10).pow(60), scale: 0 }, decimal(1, 7000)] {
        let mut out = vec![1, 2, 3];
        let list = Value::Array(vec![Value::Int8(1), bad]);
        assert!(matches!(POF.encode(&list, &mut out), Err(EncodeError::Decimal { .. })));
        assert_eq!(out, [1, 2, 3]);
    }
    assert!(encoded(POF, &Value::Date(i64::MIN)).is_ok(), "its year fits 32 bits");
}

#[test]
fn nesting_is_bounded_in_both_formats() {
    let run = || {
        let nested = |levels| (0..levels).fold(Value::Null, |value, _| Value::Array(vec![value]));
        for encoder in [POF, JSON] {
            assert!(encoded(encoder, &nested(MAX_DEPTH)).is_ok());
            assert_eq!(encoded(encoder, &nested(MAX_DEPTH + 1)), Err(EncodeError::Depth));
        }
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
}

fn value() -> impl Strategy<Value = Value<'static>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<i8>().prop_map(Value::Int8),
        any::<i16>().prop_map(Value::Int16),
        any::<i32>().prop_map(Value::Int32),
        any::<i64>().prop_map(Value::Int64),
        any::<f32>().prop_filter("comparable", |f| !f.is_nan()).prop_map(Value::Float32),
        any::<f64>().prop_filter("comparable", |f| !f.is_nan()).prop_map(Value::Float64),
        any::<String>().prop_map(|text| Value::String(text.into())),
        any::<Vec<u8>>().prop_map(|bytes| Value::Bytes(bytes.into())),
        (any::<i64>(), -300..300).prop_map(|(unscaled, scale)| decimal(unscaled, scale)),
        (-1_000_000_i64..1_000_000).prop_map(|days| Value::Date(days * 86_400_000)),
        (0_i64..86_400_000).prop_map(Value::Time),
        (-100_000_000_000_000_i64..100_000_000_000_000).prop_map(Value::Timestamp),
        any::<u128>().prop_map(Value::Uuid),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((inner.clone(), inner), 0..5).prop_map(Value::Map),
        ]
    })
}

/// What a reader of the grid finds.
fn in_pof(value: &Value<'_>) -> PofValue {
    match value {
        Value::Null => PofValue::Null,
        Value::Boolean(value) => PofValue::Boolean(*value),
        Value::Int8(value) => PofValue::Octet(*value as u8),
        Value::Int16(value) => PofValue::Int16(*value),
        Value::Int32(value) => PofValue::Int32(*value),
        Value::Int64(value) => PofValue::Int64(*value),
        Value::Float32(value) => PofValue::Float32(*value),
        Value::Float64(value) => PofValue::Float64(*value),
        Value::String(text) => PofValue::String(text.to_string()),
        Value::Bytes(bytes) => PofValue::ByteArray(bytes.to_vec()),
        Value::Decimal { unscaled, scale } => {
            PofValue::Decimal { unscaled: i128::try_from(unscaled).unwrap(), scale: *scale }
        }
        Value::Date(millis) | Value::Time(millis) | Value::Timestamp(millis) => {
            let (date, time) = super::pof::date_time(*millis).unwrap();
            PofValue::DateTime(date, time)
        }
        Value::Array(items) => PofValue::Collection(items.iter().map(in_pof).collect()),
        Value::Map(entries) => PofValue::Map(entries.iter().map(|(k, v)| (in_pof(k), in_pof(v))).collect()),
        Value::Uuid(_) | Value::Struct(_) | Value::Pof(_) => unreachable!("compared otherwise"),
    }
}

/// POF has one form for Connect's three.
fn as_timestamps(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Date(millis) | Value::Time(millis) => Value::Timestamp(millis),
        Value::Array(items) => Value::Array(items.into_iter().map(as_timestamps).collect()),
        Value::Map(entries) => Value::Map(
            entries.into_iter().map(|(key, value)| (as_timestamps(key), as_timestamps(value))).collect(),
        ),
        other => other,
    }
}

fn has_uuid(value: &Value<'_>) -> bool {
    match value {
        Value::Uuid(_) => true,
        Value::Array(items) => items.iter().any(has_uuid),
        Value::Map(entries) => entries.iter().any(|(k, v)| has_uuid(k) || has_uuid(v)),
        _ => false,
    }
}

proptest! {
    #[test]
    fn pof_holds_what_was_encoded(value in value()) {
        let binary = encoded(POF, &value).unwrap();
        prop_assert_eq!(binary[0], 0x15);
        let decoded = pof::decode(&binary[1..]).unwrap();
        if !has_uuid(&value) {
            prop_assert_eq!(decoded, in_pof(&value));
        }
        prop_assert_eq!(pof_value::of_binary(&binary).unwrap(), as_timestamps(value));
    }

    #[test]
    fn json_is_json_and_ignores_the_form_an_entry_had(value in value()) {
        let text = json(&value);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
        let binary = Value::Pof(encoded(POF, &value).unwrap().into());
        prop_assert_eq!(json(&binary), text);
    }
}
