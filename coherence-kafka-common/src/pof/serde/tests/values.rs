//! Values without a class, and containers.

use std::borrow::Cow;
use std::collections::BTreeMap;

use uuid::Uuid;

use super::*;
use crate::pof::{Date, PofValue, TextEncoding};

#[test]
fn numbers_are_read_from_every_width_that_loses_nothing() {
    for five in ["4005", "4105", "4205", "4305", "4b05", "6e"].map(hex) {
        assert_eq!(
            (read::<i8>(&five), read::<u8>(&five), read::<i16>(&five), read::<u16>(&five)),
            (5, 5, 5, 5)
        );
        assert_eq!((read::<i64>(&five), read::<u64>(&five)), (5, 5));
        assert_eq!((read::<i128>(&five), read::<u128>(&five)), (5, 5));
        assert_eq!((read::<f32>(&five), read::<f64>(&five)), (5.0, 5.0));
    }
    assert_eq!(read::<f64>(&hex("443fc00000")), 1.5);
    assert_eq!(read::<f32>(&hex("453ff8000000000000")), 1.5);
    assert_eq!(read::<f32>(&hex("66")), f32::NEG_INFINITY);
    assert!(read::<f32>(&hex("67")).is_nan());
}

#[test]
fn narrowing_that_loses_something_is_refused() {
    assert_eq!(refused::<i8>(&written(128)), "an integer that is not i8, reading the value at byte 0");
    assert!(refused::<u32>(&written(-1)).contains("an integer that is not u32"));
    assert!(refused::<u128>(&written(-1)).contains("u128"));
    assert!(refused::<i64>(&written(i128::MAX)).contains("a value where i64 is needed"));
    assert!(refused::<f32>(&written(0.1)).contains("no f32 equals"));
    assert!(refused::<f64>(&written((1_i64 << 53) + 1)).contains("no floating point number equals"));
    assert!(refused::<f64>(&written(i128::MAX)).contains("no floating point number equals"));
    assert!(refused::<i32>(&written(1.0)).contains("a floating point number where i32 is needed"));
    assert!(refused::<i32>(&hex("64")).contains("null where i32 is needed"));
}

#[test]
fn a_java_byte_is_signed_in_an_i8_and_its_bits_elsewhere() {
    assert_eq!(read::<i8>(&hex("4bc8")), -56);
    assert_eq!(read::<u8>(&hex("4bc8")), 200);
    assert_eq!(read::<i32>(&hex("4bc8")), 200);
    assert_eq!((read::<i8>(&hex("68")), read::<u8>(&hex("68"))), (-1, 255));
}

#[test]
fn integers_that_java_has_no_room_for_are_not_written() {
    assert_eq!(written(i64::MAX as u64), written(i64::MAX));
    assert!(to_vec(&context(), &(i64::MAX as u64 + 1)).is_err());
    assert!(to_vec(&context(), &(i128::MAX as u128 + 1)).is_err());
    assert!(to_vec(&context(), &'\u{1F600}').is_err());
}

#[test]
fn characters_are_one_utf_16_unit() {
    both_ways('\0', "4d00");
    both_ways('\u{20AC}', "4de282ac");
    both_ways('\u{FFFF}', "4defbfbf");
    assert_eq!(read::<char>(&hex("68")), '\u{FFFF}');
    assert_eq!(read::<char>(&hex("7f")), '\u{16}');
    assert!(refused::<char>(&hex("4deda0bd")).contains("surrogate"));
}

#[test]
fn uniform_containers_are_read_as_any_other() {
    assert_eq!(read::<Vec<String>>(&hex("564e02 0161 026263")), ["a", "bc"]);
    assert_eq!(read::<Vec<Option<&str>>>(&hex("564e03 0161 40 64")), [Some("a"), None, None]);
    assert_eq!(read::<(i32, i32)>(&hex("584102 01ac04")), (1, 300));
    let addresses = hex("56aa0f01 00 004e0173 40");
    assert_eq!(read::<Vec<Address>>(&addresses)[0].street.as_deref(), Some("s"));
    assert_eq!(read::<BTreeMap<&str, i64>>(&hex("5c4e02 0161 4101 0162 69")), [("a", 1), ("b", 0)].into());
    assert_eq!(read::<BTreeMap<&str, i64>>(&hex("5d4e4202 0161 01 0162 41")), [("a", 1), ("b", -2)].into());
    assert!(read::<Vec<bool>>(&hex("63")).is_empty());
    assert_eq!(read::<BTreeMap<String, i8>>(&hex("63")), BTreeMap::new());
    assert_eq!(read::<Vec<JavaUuid>>(&hex("568d0e01 00 004207 40")), [JavaUuid(Uuid::from_u128(7))]);
}

#[test]
fn a_field_of_any_class_holds_whatever_is_there() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Fields {
        price: PofValue,
        none: PofValue,
        days: Vec<PofValue>,
    }
    let fields = read::<Fields>(&hex("ac0f00 0047b9c00102 02564f02 a81f021d 961f0904 40"));
    assert_eq!(fields.price, PofValue::Decimal { unscaled: 12345, scale: 2 });
    assert_eq!(fields.none, PofValue::Null);
    assert_eq!(fields.days[1], PofValue::Date(Date { year: 2006, month: 9, day: 4 }));
    assert_eq!(written(&fields), hex("ac0f00 0047b9c00102 0164 0255024fa81f021d4f961f0904 40"));
}

#[test]
fn old_grids_get_their_encoding_of_text_everywhere() {
    let context = PofContext::builder().text_encoding(TextEncoding::Modified).build().unwrap();
    let modified = hex("4e02c080");
    assert_eq!(to_vec(&context, "\0").unwrap(), modified);
    assert_eq!(to_vec(&context, &'\0').unwrap(), hex("4d00"));
    let dynamic = PofValue::String("\0".to_owned());
    assert_eq!(to_vec(&context, &dynamic).unwrap(), modified);
    assert_eq!(from_slice(&context, &modified), Ok(dynamic));
}

#[test]
fn text_and_bytes_borrow_from_the_input() {
    let text = hex("4e026162");
    assert!(matches!(read::<CowText<'_>>(&text).0, Cow::Borrowed("ab")));
    assert_eq!(read::<&str>(&text), "ab");
    let modified = hex("4e02c080");
    assert_eq!(read::<CowText<'_>>(&modified).0, "\0");
    assert!(refused::<&str>(&modified).contains("a string where a borrowed string is needed"));
    for bytes in ["584b020102", "4c020102"].map(hex) {
        assert_eq!(read::<&[u8]>(&bytes), [1, 2]);
        assert_eq!(read::<Vec<u8>>(&bytes), [1, 2]);
    }
}

#[derive(Debug, Deserialize)]
struct CowText<'a>(#[serde(borrow)] Cow<'a, str>);

#[test]
fn bytes_are_a_byte_array() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Fields {
        #[serde(with = "bytes")]
        bytes: Vec<u8>,
    }
    let fields = Fields { bytes: vec![1, 255] };
    let json = serde_json::to_string(&fields).unwrap();
    assert_eq!(serde_json::from_str::<Fields>(&json).unwrap(), fields);
    both_ways(fields, "ac0f00 00 584b0201ff 40");
}

#[test]
fn a_uuid_is_the_one_of_java_and_text_elsewhere() {
    let id = JavaUuid(Uuid::from_u128(0x0000_0000_0000_0001_0000_0000_0000_0002));
    assert_eq!(written(id), hex("8d0e00 004202 016a 40"));
    assert_eq!(read::<JavaUuid>(&hex("8d0e00 004202 016a 40")), id);
    assert!(refused::<JavaUuid>(&hex("ac0f00 40")).contains("java.util.UUID"));
    let json = serde_json::to_string(&id).unwrap();
    assert_eq!(json, "\"00000000-0000-0001-0000-000000000002\"");
    assert_eq!(serde_json::from_str::<JavaUuid>(&json).unwrap(), id);
}

#[test]
fn a_sequence_of_unknown_length_is_counted() {
    struct Unsized;
    impl Serialize for Unsized {
        fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq((0..100).filter(|n| n % 2 == 0))
        }
    }
    assert_eq!(written(Unsized), written((0..100).step_by(2).collect::<Vec<i32>>()));
    assert_eq!(written((1, Unsized))[..5], hex("5702 4101 55"));
}

#[test]
fn a_binary_is_read_with_its_format_byte_and_decorations() {
    let context = context();
    let binary = to_binary(&context, &5).unwrap();
    assert_eq!(binary, hex("154105"));
    assert_eq!(from_binary(&context, &binary), Ok(5));
    assert_eq!(from_binary(&context, &hex("1205 03154105 03154a00")), Ok(5));
    assert_eq!(from_binary(&context, &hex("0d0a 154105")), Ok(5));
    let error = from_binary::<i32>(&context, &hex("0105")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a value of another serializer than POF, reading the format byte at byte 0"
    );
    let error = from_binary::<i32>(&context, &hex("1541")).unwrap_err();
    assert!(error.to_string().ends_with("at byte 2"));
    assert!(from_binary::<i32>(&context, &hex("12020107")).is_err());
    assert!(from_binary::<i32>(&context, &[]).is_err());
}
