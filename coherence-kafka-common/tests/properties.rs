//! What must hold for any value and for any bytes.

use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::map::Format;
use coherence_kafka_common::packed::Problem;
use coherence_kafka_common::pass_through;
use coherence_kafka_common::pof::{
    self, PofReader, PofValue, PofWriter, Primitive, TextEncoding, WriteError,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

#[path = "support/arbitrary.rs"]
mod arbitrary;
#[path = "support/planned.rs"]
mod planned;

use arbitrary::{damaged_bytes, plausible_bytes, value, written};
use planned::read_as_planned;

fn judge(bytes: &[u8]) -> Result<(), TestCaseError> {
    let checked = pof::check(bytes);
    let decoded = pof::decode(bytes);
    match &decoded {
        Ok(value) => {
            prop_assert_eq!(checked, Ok(()));
            // What was decoded can be written, and is the same again.
            let written = rewritten(value)?;
            let again = pof::decode(&written);
            if holds_coherence_class(value) {
                // Numbers have their class's width from the first writing on.
                prop_assert_eq!(rewritten(&again.expect("it was written"))?, written);
            } else {
                prop_assert_eq!(format!("{again:?}"), format!("{decoded:?}"));
            }
        }
        Err(error) if error.problem == Problem::Shared => {}
        Err(error) => {
            prop_assert_eq!(checked, Err(*error));
            prop_assert!(error.offset <= bytes.len());
        }
    }
    let (mut reading, mut skipping) = (PofReader::new(bytes), PofReader::new(bytes));
    match (reading.value(), skipping.skip()) {
        (Err(error), _) if error.problem == Problem::Shared => {}
        (read, skipped) => {
            prop_assert_eq!(read.err(), skipped.err());
            if skipped.is_ok() {
                prop_assert_eq!(reading.offset(), skipping.offset());
            }
        }
    }
    if let Ok(mut resolving) = PofReader::resolving(bytes) {
        let skipped = {
            let mut skipping = PofReader::resolving(bytes).expect("it did once");
            skipping.skip().map(|()| skipping.offset())
        };
        match resolving.value() {
            Ok(_) => prop_assert_eq!(Ok(resolving.offset()), skipped),
            // What it refuses is only how much the copies would take, or how deep they would go.
            Err(error) => prop_assert!(matches!(error.problem, Problem::Invalid(_))),
        }
    }
    Ok(())
}

/// Objects of Coherence's own classes are written as their Java serializers do it, not as they were read.
fn holds_coherence_class(value: &PofValue) -> bool {
    let any = |values: &[(u32, PofValue)]| values.iter().any(|(_, value)| holds_coherence_class(value));
    match value {
        PofValue::User { type_id, properties, .. } => *type_id < 1000 || any(properties),
        PofValue::SparseArray { elements, .. } => any(elements),
        PofValue::Collection(elements) | PofValue::Array(elements) => {
            elements.iter().any(holds_coherence_class)
        }
        PofValue::Map(entries) => {
            entries.iter().any(|(key, value)| holds_coherence_class(key) || holds_coherence_class(value))
        }
        _ => false,
    }
}

/// Decimals and offsets may be read that are not written.
fn rewritten(value: &PofValue) -> Result<Vec<u8>, TestCaseError> {
    let mut out = Vec::new();
    match PofWriter::new(&mut out).value(value) {
        Ok(()) => Ok(out),
        Err(WriteError::Decimal(_) | WriteError::Offset { .. }) => Err(TestCaseError::reject("not writable")),
        Err(error) => Err(TestCaseError::fail(error.to_string())),
    }
}

fn primitive() -> impl Strategy<Value = Primitive> {
    prop_oneof![
        any::<bool>().prop_map(Primitive::Boolean),
        any::<u8>().prop_map(Primitive::Octet),
        prop_oneof![0..30_u16, any::<u16>()].prop_map(Primitive::Char),
        prop_oneof![-3..30_i16, any::<i16>()].prop_map(Primitive::Int16),
        prop_oneof![-3..30_i32, any::<i32>()].prop_map(Primitive::Int32),
        prop_oneof![-3..30_i64, any::<i64>()].prop_map(Primitive::Int64),
        prop_oneof![(-3..30_i16).prop_map(f32::from), any::<f32>()].prop_map(Primitive::Float32),
        prop_oneof![(-3..30_i16).prop_map(f64::from), any::<f64>()].prop_map(Primitive::Float64),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_reads_back_the_same(value in value()) {
        let bytes = written(&value);
        prop_assert_eq!(pof::decode(&bytes), Ok(value.clone()));
        prop_assert_eq!(pof::check(&bytes), Ok(()));
        let mut modified = Vec::new();
        PofWriter::with_text(&mut modified, TextEncoding::Modified).value(&value).unwrap();
        prop_assert_eq!(pof::decode(&modified), Ok(value));
    }

    #[test]
    fn primitives_read_back_the_same_in_a_user_type(values in vec(primitive(), 0..10)) {
        let mut out = Vec::new();
        PofWriter::new(&mut out).user(1000, 0, |properties| {
            (0..).zip(&values).try_for_each(|(index, value)| properties.primitive(index, *value))
        }).unwrap();
        let mut reader = PofReader::new(&out);
        let read = reader.user_type(|properties| {
            let mut read = Vec::new();
            for (index, value) in (0..).zip(&values) {
                read.push(match value {
                    Primitive::Boolean(_) => Primitive::Boolean(properties.boolean(index)?),
                    Primitive::Octet(_) => Primitive::Octet(properties.octet(index)?),
                    Primitive::Char(_) => Primitive::Char(properties.char(index)?),
                    Primitive::Int16(_) => Primitive::Int16(properties.int16(index)?),
                    Primitive::Int32(_) => Primitive::Int32(properties.int32(index)?),
                    Primitive::Int64(_) => Primitive::Int64(properties.int64(index)?),
                    Primitive::Float32(_) => Primitive::Float32(properties.float32(index)?),
                    Primitive::Float64(_) => Primitive::Float64(properties.float64(index)?),
                });
            }
            Ok(read)
        });
        prop_assert_eq!(read, Ok(Some(values)));
        prop_assert_eq!(reader.finish(), Ok(()));
        prop_assert_eq!(pof::check(&out), Ok(()));
    }

    #[test]
    fn an_older_reader_writes_back_what_it_does_not_know(
        properties in btree_map(0..1000_u32, value(), 0..8),
        known: prop::sample::Index,
    ) {
        let properties: Vec<_> = properties.into_iter().collect();
        let known = known.index(properties.len() + 1);
        let bytes = written(&PofValue::User { type_id: 1000, version: 3, properties: properties.clone() });
        let read = PofReader::new(&bytes).user_type(|object| {
            let mut values = Vec::new();
            for (index, _) in &properties[..known] {
                values.push((*index, object.value(*index)?.unwrap().value()?));
            }
            Ok((values, object.evolvable()?))
        });
        let (values, evolvable) = read.unwrap().unwrap();
        prop_assert_eq!(&values, &properties[..known]);
        let mut again = Vec::new();
        PofWriter::new(&mut again).user(1000, evolvable.data_version, |object| {
            values.iter().try_for_each(|(index, value)| object.value(*index)?.value(value))?;
            object.remainder(&evolvable.future_data);
            Ok(())
        }).unwrap();
        prop_assert_eq!(again, bytes);
    }

    #[test]
    fn any_plan_of_reading_meets_any_bytes_without_panic(
        bytes in prop_oneof![plausible_bytes(), damaged_bytes()],
        plan: Vec<u8>,
    ) {
        let _ = read_as_planned(&mut PofReader::new(&bytes), &mut plan.iter().copied());
        if let Ok(mut reader) = PofReader::resolving(&bytes) {
            let _ = read_as_planned(&mut reader, &mut plan.iter().copied());
        }
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
            for format in [Format::Pof, Format::Json, Format::Java] {
                for passed in [pass_through::key(&record, format), pass_through::value(&record, format)] {
                    let Ok(passed) = passed else { continue };
                    prop_assert_eq!(passed.first() == Some(&FMT_EXT), format != Format::Java);
                    prop_assert!(record.windows(passed.len()).any(|part| part == passed));
                    prop_assert_eq!(pass_through::value(passed, format), Ok(passed));
                }
            }
        }
    }
}
