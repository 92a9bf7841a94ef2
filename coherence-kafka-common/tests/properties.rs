//! What must hold for any value and for any bytes.

use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::map::Format;
use coherence_kafka_common::packed::Problem;
use coherence_kafka_common::pass_through;
use coherence_kafka_common::pof::{self, Date, PofValue, PofWriter, Time, Zone};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

#[path = "support/encode.rs"]
mod encode;

use encode::encode;

fn written(value: &PofValue) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(encode(value, &mut PofWriter::new(&mut out)), "the writer cannot write {value:?}");
    out
}

fn date() -> impl Strategy<Value = Date> {
    (-9999..=9999, 1_u8..=12, 1_u8..=28).prop_map(|(year, month, day)| Date { year, month, day })
}

fn time(zone: Option<Zone>) -> impl Strategy<Value = Time> {
    let nano = prop_oneof![Just(0), (0..1000_u32).prop_map(|ms| ms * 1_000_000), 0..1_000_000_000_u32];
    (0_u8..24, 0_u8..60, 0_u8..60, nano).prop_map(move |(hour, minute, second, nano)| Time {
        hour,
        minute,
        second,
        nano,
        zone,
    })
}

fn scalar() -> impl Strategy<Value = PofValue> {
    prop_oneof![
        Just(PofValue::Null),
        any::<bool>().prop_map(PofValue::Boolean),
        any::<i16>().prop_map(PofValue::Int16),
        any::<i32>().prop_map(PofValue::Int32),
        any::<i64>().prop_map(PofValue::Int64),
        any::<i128>().prop_map(PofValue::Int128),
        any::<f32>().prop_map(PofValue::Float32),
        any::<f64>().prop_map(PofValue::Float64),
        (-10_i128.pow(34) + 1..10_i128.pow(34), -6143..=6144)
            .prop_map(|(unscaled, scale)| PofValue::Decimal { unscaled, scale }),
        any::<u8>().prop_map(PofValue::Octet),
        vec(any::<u8>(), 0..100).prop_map(PofValue::OctetString),
        vec(any::<u8>(), 0..100).prop_map(PofValue::ByteArray),
        any::<String>().prop_map(PofValue::String),
        date().prop_map(PofValue::Date),
        time(None).prop_map(PofValue::Time),
        (date(), time(Some(Zone::Utc))).prop_map(|(date, time)| PofValue::DateTime(date, time)),
    ]
}

fn value() -> impl Strategy<Value = PofValue> {
    scalar().prop_recursive(5, 100, 8, |inner| {
        let type_id = 0..=i32::MAX as u32;
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(PofValue::Collection),
            vec(inner.clone(), 0..8).prop_map(PofValue::Array),
            vec((inner.clone(), inner.clone()), 0..8).prop_map(PofValue::Map),
            (type_id, 0_u32..1000, btree_map(0..=i32::MAX as u32, inner, 0..8)).prop_map(
                |(type_id, version, properties)| PofValue::User {
                    type_id,
                    version,
                    properties: properties.into_iter().collect(),
                }
            ),
        ]
    })
}

/// Bytes that get further into the grammar than any bytes do: mostly type ids and small numbers.
fn plausible_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => 0x40_u8..0x60, 2 => 0_u8..8, 1 => any::<u8>()];
    vec(byte, 0..200)
}

/// Written values with some bytes changed and the end cut off.
fn damaged_bytes() -> impl Strategy<Value = Vec<u8>> {
    (value(), vec((any::<prop::sample::Index>(), any::<u8>()), 0..3), any::<prop::sample::Index>()).prop_map(
        |(value, changes, end)| {
            let mut bytes = written(&value);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(end.index(bytes.len() * 2));
            bytes
        },
    )
}

/// Values and the capacity kept for more of them, in all containers.
fn slots(value: &PofValue) -> usize {
    match value {
        PofValue::Collection(elements) | PofValue::Array(elements) => {
            elements.capacity() + elements.iter().map(slots).sum::<usize>()
        }
        PofValue::Map(entries) => {
            2 * entries.capacity()
                + entries.iter().map(|(key, value)| slots(key) + slots(value)).sum::<usize>()
        }
        PofValue::SparseArray { elements, .. } | PofValue::User { properties: elements, .. } => {
            elements.capacity() + elements.iter().map(|(_, value)| slots(value)).sum::<usize>()
        }
        PofValue::BooleanArray(elements) => elements.capacity(),
        PofValue::CharArray(elements) => elements.capacity(),
        PofValue::Int16Array(elements) => elements.capacity(),
        PofValue::Int32Array(elements) => elements.capacity(),
        PofValue::Int64Array(elements) => elements.capacity(),
        PofValue::Float32Array(elements) => elements.capacity(),
        PofValue::Float64Array(elements) => elements.capacity(),
        PofValue::ByteArray(bytes) | PofValue::OctetString(bytes) => bytes.capacity(),
        PofValue::String(text) => text.capacity(),
        _ => 0,
    }
}

fn judge(bytes: &[u8]) -> Result<(), TestCaseError> {
    let checked = pof::check(bytes);
    match pof::decode(bytes) {
        Ok(value) => {
            prop_assert_eq!(checked, Ok(()));
            // A vector of a few elements keeps room for four, one of short text for eight bytes.
            prop_assert!(slots(&value) <= 8 * bytes.len(), "{} slots", slots(&value));
        }
        Err(error) if error.problem == Problem::Shared => {}
        Err(error) => {
            prop_assert_eq!(checked, Err(error));
            prop_assert!(error.offset <= bytes.len());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_reads_back_the_same(value in value()) {
        let bytes = written(&value);
        prop_assert_eq!(pof::decode(&bytes), Ok(value));
        prop_assert_eq!(pof::check(&bytes), Ok(()));
    }

    #[test]
    fn a_value_cut_short_is_refused(value in value(), end: prop::sample::Index) {
        let bytes = written(&value);
        let cut = &bytes[..end.index(bytes.len())];
        prop_assert!(pof::check(cut).is_err());
        prop_assert!(pof::decode(cut).is_err());
    }

    #[test]
    fn any_bytes_are_judged_alike_by_check_and_decode(bytes: Vec<u8>) {
        judge(&bytes)?;
    }

    #[test]
    fn plausible_bytes_are_judged_alike_by_check_and_decode(bytes in plausible_bytes()) {
        judge(&bytes)?;
    }

    #[test]
    fn damaged_values_are_judged_alike_by_check_and_decode(bytes in damaged_bytes()) {
        judge(&bytes)?;
    }

    #[test]
    fn any_record_passes_through_as_a_part_of_itself_or_not_at_all(bytes in plausible_bytes(), first: u8) {
        for first in [first, 0x0D, 0x12, 0x13, FMT_EXT] {
            let record = [vec![first], bytes.clone()].concat();
            for format in [Format::Pof, Format::Json] {
                for passed in [pass_through::key(&record, format), pass_through::value(&record, format)] {
                    let Ok(passed) = passed else { continue };
                    prop_assert_eq!(passed.first(), Some(&FMT_EXT));
                    prop_assert!(record.windows(passed.len()).any(|part| part == passed));
                    prop_assert_eq!(pass_through::value(passed, format), Ok(passed));
                }
            }
        }
    }
}
