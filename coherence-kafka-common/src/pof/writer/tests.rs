use super::*;
use crate::pof::value::PofValue;

fn written(write: impl FnOnce(&mut PofWriter<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut PofWriter::new(&mut out));
    out
}

const DAY: Date = Date { year: 2024, month: 2, day: 29 };

fn time(nano: u32, zone: Option<Zone>) -> Time {
    Time { hour: 13, minute: 14, second: 15, nano, zone }
}

fn decimal(unscaled: i128, scale: i32) -> Option<u8> {
    let mut out = Vec::new();
    PofWriter::new(&mut out).decimal(unscaled, scale).ok().map(|()| out[0])
}

#[test]
fn a_decimal_takes_the_smallest_type_that_holds_it() {
    assert_eq!(decimal(9_999_999, 96), Some(0x47));
    assert_eq!(decimal(9_999_999, 97), Some(0x48));
    assert_eq!(decimal(10_000_000, 0), Some(0x48));
    assert_eq!(decimal(-10_i128.pow(16), 0), Some(0x49));
    assert_eq!(decimal(1, -384), Some(0x49));
    assert_eq!(decimal(10_i128.pow(34), 0), None);
    assert_eq!(decimal(i128::MIN, 0), None);
    assert_eq!(decimal(1, 6145), None);
    assert_eq!(decimal(1, i32::MIN), None);
}

#[test]
fn every_nan_is_written_as_the_one_of_java() {
    let odd32 = f32::from_bits(0x7FA0_0001);
    let odd64 = f64::from_bits(0xFFF4_0000_0000_0001);
    assert_eq!(written(|w| w.float32(odd32)), [0x44, 0x7F, 0xC0, 0, 0]);
    assert_eq!(written(|w| w.float64(odd64)), [0x45, 0x7F, 0xF8, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn a_uuid_is_written_as_java_does() {
    let one_two = written(|w| w.uuid(0x0000_0000_0000_0001_0000_0000_0000_0002));
    assert_eq!(one_two, [0x8D, 0x0E, 0x00, 0x00, 0x42, 0x02, 0x01, 0x6A, 0x40]);
    assert_eq!(written(|w| w.uuid(0)), [0x8D, 0x0E, 0x00, 0x00, 0x42, 0x00, 0x40]);
    let random = written(|w| w.uuid(0x123e_4567_e89b_12d3_a456_4266_1417_4000));
    let expected = [
        0x8D, 0x0E, 0x00, 0x00, 0x42, 0xFF, 0xFF, 0xC5, 0xBE, 0xBD, 0xE6, 0xDE, 0xA9, 0xB7, 0x01, 0x01, 0x42,
        0x93, 0xCB, 0xD8, 0x89, 0xFD, 0xD9, 0xA2, 0xBE, 0x24, 0x40,
    ];
    assert_eq!(random, expected);
}

#[test]
fn a_date_and_time_is_written_with_milliseconds_or_nanoseconds() {
    let half = written(|w| w.date_time(DAY, time(500_000_000, Some(Zone::Utc))).unwrap());
    assert_eq!(half, [0x53, 0xA8, 0x1F, 0x02, 0x1D, 0x0D, 0x0E, 0x0F, 0xB4, 0x07, 0x01]);
    let nanos = written(|w| w.time(time(123_456_789, None)).unwrap());
    assert_eq!(nanos, [0x51, 0x0D, 0x0E, 0x0F, 0xD4, 0xB4, 0xDE, 0x75, 0x00]);
}

#[test]
fn a_user_type_is_written_with_its_properties() {
    let person = written(|w| {
        w.user_type(1001, 0);
        w.property(0);
        w.string("Ann");
        w.property(1);
        w.int32(50);
        w.end();
    });
    assert_eq!(person, [0xA9, 0x0F, 0x00, 0x00, 0x4E, 0x03, b'A', b'n', b'n', 0x01, 0x41, 0x32, 0x40]);
}

fn user(write: impl FnOnce(&mut UserTypeWriter<'_, '_>) -> Result<(), WriteError>) -> Vec<u8> {
    written(|w| w.user(1000, 0, write).unwrap())[3..].to_vec()
}

#[test]
fn the_first_property_is_written_in_full_and_later_ones_are_shortened() {
    let written = user(|w| {
        w.int32(0, 0)?;
        w.int32(1, 0)?;
        w.int64(2, 5)?;
        w.boolean(3, true)?;
        w.float64(4, f64::NAN)?;
        w.float64(5, -0.0)?;
        w.octet(6, 0xFF)?;
        w.string(7, None)?;
        w.value(8)?.null();
        w.value(9)?.int32(5);
        Ok(())
    });
    let expected = [
        0x00, 0x41, 0x00, 0x02, 0x6E, 0x03, 0x61, 0x04, 0x67, 0x06, 0x68, 0x08, 0x64, 0x09, 0x41, 0x05, 0x40,
    ];
    assert_eq!(written, expected);
}

#[test]
fn what_follows_an_object_without_properties_is_written_in_full() {
    let written = user(|w| {
        w.nested(0, 1001, 0, |_| Ok(()))?;
        w.absent(1)?;
        w.absent(2)
    });
    assert_eq!(written, [0x00, 0xA9, 0x0F, 0x00, 0x40, 0x01, 0x64, 0x40]);
}

#[test]
fn properties_out_of_order_are_refused() {
    let error = PofWriter::new(&mut Vec::new()).user(1000, 0, |w| {
        w.int32(2, 0)?;
        w.int32(2, 1)
    });
    assert_eq!(error, Err(WriteError::Index { type_id: 1000, previous: 2, index: 2 }));
}

#[test]
fn an_offset_that_would_lose_its_sign_is_refused() {
    let time = |minutes| PofWriter::new(&mut Vec::new()).time(time(0, Some(Zone::Offset(minutes))));
    assert_eq!(time(-30), Err(WriteError::Offset { minutes: -30 }));
    assert_eq!(time(-60), Ok(()));
    assert_eq!(time(30), Ok(()));
}

#[test]
fn values_nest_as_deep_as_they_can_be_read() {
    let nested = |depth| (0..depth).fold(PofValue::Null, |inner, _| PofValue::Collection(vec![inner]));
    let mut out = Vec::new();
    assert_eq!(PofWriter::new(&mut out).value(&nested(MAX_DEPTH)), Ok(()));
    assert_eq!(crate::pof::decode(&out), Ok(nested(MAX_DEPTH)));
    assert_eq!(PofWriter::new(&mut out).value(&nested(MAX_DEPTH + 1)), Err(WriteError::Depth));
}
