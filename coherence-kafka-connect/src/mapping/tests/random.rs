//! Random values, bytes and files.

use proptest::prelude::*;

use super::*;

const EVERYTHING: &str = r#"
[types.All]
id = 1000
[types.All.fields]
f00 = { index = 0, type = "boolean" }
f01 = { index = 1, type = "byte" }
f02 = { index = 3, type = "char" }
f03 = { index = 5, type = "short" }
f04 = { index = 6, type = "int" }
f05 = { index = 7, type = "long" }
f06 = { index = 8, type = "float" }
f07 = { index = 9, type = "double" }
f08 = { index = 10, type = "Boolean" }
f09 = { index = 11, type = "Integer" }
f10 = { index = 12, type = "Double" }
f11 = { index = 13, type = "String" }
f12 = { index = 14, type = "BigInteger" }
f13 = { index = 15, type = "BigDecimal(2)" }
f14 = { index = 16, type = "LocalDate" }
f15 = { index = 17, type = "LocalDateTime" }
f16 = { index = 18, type = "LocalTime(nanos)" }
f17 = { index = 19, type = "Instant(micros)" }
f18 = { index = 20, type = "Date" }
f19 = { index = 21, type = "UUID" }
f20 = { index = 22, type = "byte[]" }
f21 = { index = 23, type = "Binary" }
f22 = { index = 24, type = "int[]" }
f23 = { index = 25, type = "Set<String>", write = "uniform" }
f24 = { index = 26, type = "Map<String, List<Long>>" }
f25 = { index = 27, type = "Inner" }
f26 = { index = 28, type = "Inner[]" }
f27 = { index = 29, type = "Color" }
f28 = { index = 30, type = "Level" }
f29 = { index = 1000, type = "double[]" }
[types.Inner]
id = 1001
version = 3
layout = "@Portable"
[types.Inner.fields]
a = { index = 0, type = "int", from = "deep.a" }
b = { index = 1, type = "String", from = "deep.b" }
[enums.Color]
id = 1002
constants = ["RED", "GREEN"]
[enums.Level]
constants = ["LOW", "HIGH"]
form = "ordinal"
[maps.All]
key = "All"
value = "All"
"#;

fn text(text: impl Into<String>) -> Value<'static> {
    Value::String(text.into().into())
}

fn null_or(strategy: impl Strategy<Value = Value<'static>> + 'static) -> BoxedStrategy<Value<'static>> {
    prop_oneof![1 => Just(Value::Null), 3 => strategy].boxed()
}

fn list(of: impl Strategy<Value = Value<'static>> + 'static) -> impl Strategy<Value = Value<'static>> {
    prop::collection::vec(of, 0..4).prop_map(Value::Array)
}

/// POF drops the sign of a zero that is not written.
fn double() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), (-2..30).prop_map(f64::from)]
        .prop_filter("comparable", |value| !value.is_nan() && value.to_bits() != (-0.0_f64).to_bits())
}

fn inner(mapping: &'static Mapping) -> impl Strategy<Value = Value<'static>> {
    (any::<i32>(), null_or(any::<String>().prop_map(text))).prop_map(|(a, b)| {
        let schema = mapping.types[1].schema.clone().unwrap();
        let deep = schema.fields()[0].schema.clone();
        let deep = crate::data::Struct { schema: deep, values: vec![Value::Int32(a), b] };
        Value::Struct(crate::data::Struct { schema, values: vec![Value::Struct(deep)] })
    })
}

fn everything() -> &'static Mapping {
    static MAPPING: std::sync::OnceLock<Mapping> = std::sync::OnceLock::new();
    MAPPING.get_or_init(|| mapping(EVERYTHING))
}

/// A struct as reading gives it.
fn all() -> impl Strategy<Value = Value<'static>> {
    let mapping = everything();
    let unit = any::<char>().prop_filter("one unit", |c| c.len_utf16() == 1);
    let float = (any::<f32>(), any::<bool>(), -2_i8..30).prop_map(|(any, small, whole)| {
        if small || any.is_nan() || any == 0.0 { f32::from(whole) } else { any }
    });
    let inner = || inner(mapping);
    let fields: Vec<BoxedStrategy<Value<'static>>> = vec![
        any::<bool>().prop_map(Value::Boolean).boxed(),
        any::<i8>().prop_map(Value::Int8).boxed(),
        unit.prop_map(text).boxed(),
        any::<i16>().prop_map(Value::Int16).boxed(),
        prop_oneof![any::<i32>(), -3..30].prop_map(Value::Int32).boxed(),
        any::<i64>().prop_map(Value::Int64).boxed(),
        float.prop_map(Value::Float32).boxed(),
        double().prop_map(Value::Float64).boxed(),
        null_or(any::<bool>().prop_map(Value::Boolean)),
        null_or(any::<i32>().prop_map(Value::Int32)),
        null_or(double().prop_map(Value::Float64)),
        null_or(any::<String>().prop_map(text)),
        null_or(any::<i64>().prop_map(|unscaled| Value::Decimal { unscaled: unscaled.into(), scale: 0 })),
        null_or(
            any::<i64>().prop_map(|unscaled| Value::Decimal { unscaled: (unscaled / 1000).into(), scale: 2 }),
        ),
        null_or((-1_000_000_i64..1_000_000).prop_map(|days| Value::Date(days * 86_400_000))),
        null_or((-100_000_000_000_000_i64..100_000_000_000_000).prop_map(Value::Timestamp)),
        null_or((0_i64..86_400_000_000_000).prop_map(Value::Int64)),
        null_or(any::<i64>().prop_map(Value::Int64)),
        null_or((-100_000_000_000_000_i64..100_000_000_000_000).prop_map(Value::Timestamp)),
        null_or(any::<u128>().prop_map(|bits| text(uuid::Uuid::from_u128(bits).to_string()))),
        null_or(any::<Vec<u8>>().prop_map(|bytes| Value::Bytes(bytes.into()))),
        null_or(any::<Vec<u8>>().prop_map(|bytes| Value::Bytes(bytes.into()))),
        null_or(list(any::<i32>().prop_map(Value::Int32))),
        null_or(list(null_or(any::<String>().prop_map(text)))),
        null_or(
            prop::collection::vec(
                (any::<String>().prop_map(text), list(any::<i64>().prop_map(Value::Int64))),
                0..4,
            )
            .prop_map(Value::Map),
        ),
        null_or(inner()),
        null_or(list(null_or(inner()))),
        null_or(prop_oneof![Just("RED"), Just("GREEN")].prop_map(text)),
        prop_oneof![Just("LOW"), Just("HIGH")].prop_map(text).boxed(),
        null_or(list(
            any::<f64>().prop_filter("comparable", |value| !value.is_nan()).prop_map(Value::Float64),
        )),
    ];
    fields.prop_map(move |values| {
        let schema = mapping.types[0].schema.clone().unwrap();
        Value::Struct(crate::data::Struct { schema, values })
    })
}

proptest! {
    #[test]
    fn what_was_written_reads_the_same(value in all()) {
        let part = everything().part("All", Role::Value).unwrap();
        let binary = written(part, value.clone()).unwrap();
        let read = part.read(&binary).unwrap();
        prop_assert_eq!(read.value, value);
    }

    #[test]
    fn damaged_bytes_are_read_or_refused(value in all(), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let part = everything().part("All", Role::Value).unwrap();
        let mut binary = written(part, value).unwrap();
        for (at, byte) in damage {
            let at = at.index(binary.len());
            binary[at] = byte;
        }
        let _ = part.read(&binary);
    }

    #[test]
    fn random_bytes_are_read_or_refused(mut bytes in any::<Vec<u8>>()) {
        bytes.splice(0..0, [0x15, 0xA8, 0x0F, 0x00]);
        let _ = everything().part("All", Role::Value).unwrap().read(&bytes);
    }

    #[test]
    fn damaged_files_are_read_or_refused(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<char>()), 1..10)) {
        let mut text: Vec<char> = EVERYTHING.chars().collect();
        for (at, c) in damage {
            let at = at.index(text.len());
            text[at] = c;
        }
        let _ = Mapping::parse(&text.into_iter().collect::<String>());
    }

    #[test]
    fn every_value_becomes_json_or_is_refused(value in all()) {
        let text = EVERYTHING.replace("id = 1000\n", "id = 1000\nclass = \"All\"\n");
        let text = text.replace("id = 1001\n", "id = 1001\nclass = \"Inner\"\n");
        let mapping = mapping(&text.replace("id = 1002\n", "id = 1002\nclass = \"Color\"\n"));
        mapping.check_format(Format::Json).unwrap();
        let mut out = Vec::new();
        mapping.part("All", Role::Value).unwrap().write(Format::Json, &value, &mut out).unwrap();
        prop_assert!(serde_json::from_slice::<serde_json::Value>(&out[1..]).is_ok());
    }
}
