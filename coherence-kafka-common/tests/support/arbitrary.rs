//! Arbitrary values and bytes.

use coherence_kafka_common::pof::{Date, PofValue, PofWriter, Time, Zone};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

pub fn written(value: &PofValue) -> Vec<u8> {
    let mut out = Vec::new();
    PofWriter::new(&mut out).value(value).expect("only values that POF can hold");
    out
}

fn date() -> impl Strategy<Value = Date> {
    (-9999..=9999, 1_u8..=12, 1_u8..=28).prop_map(|(year, month, day)| Date { year, month, day })
}

fn time() -> impl Strategy<Value = Time> {
    let nano = prop_oneof![Just(0), (0..1000_u32).prop_map(|ms| ms * 1_000_000), 0..1_000_000_000_u32];
    // Offsets of less than an hour to the west lose their sign.
    let offset = prop_oneof![-1080_i16..=-60, 0_i16..=1080].prop_map(Zone::Offset);
    let zone = prop_oneof![Just(None), Just(Some(Zone::Utc)), offset.prop_map(Some)];
    (0_u8..24, 0_u8..60, 0_u8..60, nano, zone).prop_map(|(hour, minute, second, nano, zone)| Time {
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
        time().prop_map(PofValue::Time),
        (date(), time()).prop_map(|(date, time)| PofValue::DateTime(date, time)),
        any::<u128>().prop_map(PofValue::Float128),
        any::<u16>().prop_map(PofValue::Char),
        any::<(i32, i32)>().prop_map(|(years, months)| PofValue::YearMonthInterval { years, months }),
        any::<[i32; 4]>().prop_map(|[hours, minutes, seconds, nanos]| PofValue::TimeInterval {
            hours,
            minutes,
            seconds,
            nanos
        }),
        any::<[i32; 5]>().prop_map(|[days, hours, minutes, seconds, nanos]| PofValue::DayTimeInterval {
            days,
            hours,
            minutes,
            seconds,
            nanos
        }),
        vec(any::<bool>(), 0..20).prop_map(PofValue::BooleanArray),
        vec(any::<u16>(), 0..20).prop_map(PofValue::CharArray),
        vec(any::<i16>(), 0..20).prop_map(PofValue::Int16Array),
        vec(any::<i32>(), 0..20).prop_map(PofValue::Int32Array),
        vec(any::<i64>(), 0..20).prop_map(PofValue::Int64Array),
        vec(any::<f32>(), 0..20).prop_map(PofValue::Float32Array),
        vec(any::<f64>(), 0..20).prop_map(PofValue::Float64Array),
    ]
}

pub fn value() -> impl Strategy<Value = PofValue> {
    scalar().prop_recursive(5, 100, 8, |inner| {
        // Of applications: Coherence's own are written in a form of their own.
        let type_id = 1000..=i32::MAX as u32;
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(PofValue::Collection),
            vec(inner.clone(), 0..8).prop_map(PofValue::Array),
            vec((inner.clone(), inner.clone()), 0..8).prop_map(PofValue::Map),
            btree_map(0..1000_u32, inner.clone(), 0..8).prop_map(|elements| PofValue::SparseArray {
                size: elements.keys().last().map_or(0, |index| index + 1),
                elements: elements.into_iter().collect(),
            }),
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
pub fn plausible_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => 0x40_u8..0x60, 2 => 0_u8..8, 1 => any::<u8>()];
    let piece = prop_oneof![
        8 => byte.prop_map(|byte| vec![byte]),
        // Objects with an identity, references, empty objects, containers of them, ends.
        1 => (1_u8..6).prop_map(|id| vec![0x5E, id, 0xA9, 0x0F, 0x00, 0x00]),
        1 => (1_u8..6).prop_map(|id| vec![0x5F, id]),
        1 => Just(vec![0xA9, 0x0F, 0x00, 0x40]),
        1 => (0_u8..4).prop_map(|count| vec![0x56, 0xA9, 0x0F, count]),
        1 => Just(vec![0x40]),
    ];
    vec(piece, 0..150).prop_map(|pieces| pieces.concat())
}

/// Written values with some bytes changed and the end cut off.
pub fn damaged_bytes() -> impl Strategy<Value = Vec<u8>> {
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
