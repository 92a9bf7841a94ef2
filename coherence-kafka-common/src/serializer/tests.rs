use std::convert::Infallible;
use std::fmt::Debug;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::charset::Charset;
use super::json::{JsonSerde, JsonValueSerde};
use super::*;
use crate::pof::PofValue;

fn written<T: ?Sized>(serde: &impl Serializer<T>, value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    serde.serialize("t", &mut Vec::new(), value, &mut out).unwrap();
    out
}

fn read<T>(serde: &impl Deserializer<T>, bytes: &[u8]) -> Result<T, SerializerError> {
    serde.deserialize("t", &[], bytes)
}

fn comes_back<T: PartialEq + Debug>(serde: &impl Serde<T>, value: T) -> Result<(), TestCaseError> {
    prop_assert_eq!(read(serde, &written(serde, &value)), Ok(value));
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Everything {
    small: i8,
    wide: i64,
    unsigned: u64,
    widest: i128,
    float: f32,
    double: f64,
    character: char,
    text: String,
    maybe: Option<Box<Everything>>,
    list: Vec<Option<i32>>,
    pair: (bool, String),
    map: std::collections::BTreeMap<i32, Option<String>>,
    choice: Choice,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Choice {
    Nothing,
    One(i32),
    Two(String, bool),
    Named { of: Option<u8>, and: String },
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![
        Just(Choice::Nothing),
        any::<i32>().prop_map(Choice::One),
        any::<(String, bool)>().prop_map(|(text, flag)| Choice::Two(text, flag)),
        any::<(Option<u8>, String)>().prop_map(|(of, and)| Choice::Named { of, and }),
    ]
}

prop_compose! {
    fn flat()(
        numbers in any::<(i8, i64, u64, i128, f32, f64)>(),
        texts in any::<(char, String, bool, String)>(),
        list: Vec<Option<i32>>,
        map: std::collections::BTreeMap<i32, Option<String>>,
        choice in choice(),
    ) -> Everything {
        let (small, wide, unsigned, widest, float, double) = numbers;
        let (character, text, flag, other) = texts;
        let pair = (flag, other);
        Everything {
            small, wide, unsigned, widest, float, double, character, text, maybe: None, list, pair, map, choice,
        }
    }
}

fn everything() -> impl Strategy<Value = Everything> {
    (flat(), proptest::option::of(flat()))
        .prop_map(|(outer, inner)| Everything { maybe: inner.map(Box::new), ..outer })
}

fn of_kafka() -> Vec<dynamic::KafkaSerde> {
    use dynamic::KafkaSerde::*;
    let list = |inner: dynamic::KafkaSerde| {
        List(Box::new(match inner.constant_size() {
            Some(size) => ListSerde::constant_size(inner, size),
            None => ListSerde::variable_size(inner),
        }))
    };
    let uuid = Uuid(UuidSerde::default());
    let text = String(StringSerde::new(Charset::for_name("UTF-16").unwrap()));
    let elements =
        [text, ByteArray, Bytes("BytesSerializer"), Short, Integer, Long, Float, Double, Boolean, uuid, Void];
    elements.iter().cloned().chain(elements.iter().cloned().map(list)).collect()
}

proptest! {
    #[test]
    fn every_value_of_kafkas_types_comes_back(
        numbers in any::<(i16, i32, i64, f32, f64, bool)>(),
        bytes: Vec<u8>,
        text: String,
        uuid: u128,
    ) {
        comes_back(&ShortSerde, numbers.0)?;
        comes_back(&IntegerSerde, numbers.1)?;
        comes_back(&LongSerde, numbers.2)?;
        comes_back(&FloatSerde, numbers.3)?;
        comes_back(&DoubleSerde, numbers.4)?;
        comes_back(&BooleanSerde, numbers.5)?;
        comes_back(&ByteArraySerde, bytes)?;
        comes_back(&UuidSerde::default(), ::uuid::Uuid::from_u128(uuid))?;
        for charset in ["UTF-8", "UTF-16LE", "UTF-16BE", "UTF-32", "UTF-32LE", "GB18030"] {
            comes_back(&StringSerde::new(Charset::for_name(charset).unwrap()), text.clone())?;
        }
        // The mark that decides is no text.
        if !text.starts_with('\u{FEFF}') {
            comes_back(&StringSerde::new(Charset::for_name("UTF-16").unwrap()), text)?;
        }
    }

    #[test]
    fn every_list_comes_back_with_its_nulls(numbers: Vec<Option<i32>>, texts: Vec<Option<String>>) {
        comes_back(&ListSerde::constant_size(IntegerSerde, 4), numbers.clone())?;
        comes_back(&ListSerde::variable_size(IntegerSerde), numbers)?;
        comes_back(&ListSerde::variable_size(StringSerde::default()), texts)?;
    }

    #[test]
    fn every_value_of_serde_comes_back_from_json_and_bincode(value in everything()) {
        comes_back(&BincodeSerde, value.clone())?;
        comes_back(&JsonSerde::default(), value)?;
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        bytes: Vec<u8>,
        first in prop::sample::select(vec![None, Some(0), Some(1), Some(0x15)]),
    ) {
        let bytes: Vec<u8> = first.into_iter().chain(bytes).collect();
        for serde in of_kafka() {
            if let Ok(value) = read::<PofValue>(&serde, &bytes) {
                prop_assert!(serde.serialize("t", &mut Vec::new(), &value, &mut Vec::new()).is_ok());
            }
        }
        let _ = read::<Infallible>(&VoidSerde, &bytes);
        let _ = read::<PofValue>(&PofSerde::default(), &bytes);
        let _ = read::<Everything>(&BincodeSerde, &bytes);
        let _ = read::<Vec<Everything>>(&BincodeSerde, &bytes);
        let _ = read::<Everything>(&JsonSerde::default(), &bytes);
        let _ = read::<PofValue>(&JsonValueSerde, &bytes);
        let _ = read::<serde_json::Value>(&JsonValueSerde, &bytes);
    }

    #[test]
    fn any_text_is_judged_as_by_another_reader_of_json(
        text in r#"\PC*|[-0-9eE.+ ]{1,9}|([\[\]{}:,"0-9 ]|null|true|\\u[0-9a-fD]{4}|\\[a-z"]|"@class"|"key"|"a"){0,40}"#
    ) {
        let binary = [b"\x15", text.as_bytes()].concat();
        let ours = read::<serde_json::Value>(&JsonValueSerde, &binary);
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        // The other one refuses half a pair of surrogates, which is U+FFFD here.
        if !text.contains("\\u") {
            prop_assert_eq!(ours.as_ref().ok(), theirs.as_ref().ok());
        }
        let as_pof = read::<PofValue>(&JsonValueSerde, &binary);
        prop_assert!(ours.is_ok() || as_pof.is_err());
        let _ = read::<Everything>(&JsonSerde::default(), &binary);
    }
}

#[test]
fn a_wrong_number_of_bytes_is_refused_with_both_numbers() {
    let error = read(&IntegerSerde, &[1, 2, 3]).unwrap_err();
    assert_eq!(error.to_string(), "Size of data received by IntegerDeserializer is not 4, it is 3");
    let error = read(&BooleanSerde, &[2]).unwrap_err();
    assert_eq!(error.to_string(), "BooleanDeserializer: expected 0 or 1 at byte 0, found another byte");
    assert!(read(&VoidSerde, &[]).is_err());
}

#[test]
fn a_list_that_announces_more_than_it_has_is_refused_with_the_offset() {
    let list = ListSerde::variable_size(ByteArraySerde);
    let huge = [1, 0x7F, 0xFF, 0xFF, 0xFF];
    let error = read::<Vec<Option<Vec<u8>>>>(&list, &huge).unwrap_err();
    assert_eq!(
        error.to_string(),
        "ListDeserializer: expected the length of an element at byte 5, found too few bytes"
    );
    let list = ListSerde::constant_size(IntegerSerde, 4);
    assert!(read::<Vec<Option<i32>>>(&list, &[0, 0x7F, 0xFF, 0xFF, 0xFF]).is_err());
}

#[test]
fn an_error_tells_no_byte_of_a_value() {
    let secret = b"\x15{\"small\":\"hunter2\"}";
    let error = read::<Everything>(&JsonSerde::default(), secret).unwrap_err();
    assert_eq!(error.to_string(), "json: expected i8 at byte 10, found a string");
    let secret = written(&BincodeSerde, &Some("hunter2".to_owned()));
    let error = read::<Vec<Everything>>(&BincodeSerde, &secret).unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn bincode_takes_no_length_that_its_input_cannot_have() {
    let claims_a_gibibyte = [253, 0, 0, 0, 64, 0, 0, 0, 0];
    let error = read::<String>(&BincodeSerde, &claims_a_gibibyte).unwrap_err();
    assert_eq!(error.to_string(), "bincode: expected alloc::string::String at byte 9, found too few bytes");
    let of_no_bytes = |count: usize| written(&BincodeSerde, &vec![(); count]);
    assert_eq!(read(&BincodeSerde, &of_no_bytes(16)), Ok(vec![(); 16]));
    let endless = [253, 255, 255, 255, 255, 255, 255, 255, 127];
    let error = read::<Vec<()>>(&BincodeSerde, &endless).unwrap_err().to_string();
    assert!(error.ends_with("found more elements than it has bytes for"), "{error}");
    let error = read::<Vec<(bool, u8)>>(&BincodeSerde, &[2, 1, 7, 2]).unwrap_err().to_string();
    assert!(error.ends_with("at byte 4, found something else"), "{error}");
    let error = read::<u8>(&BincodeSerde, &[1, 2]).unwrap_err();
    assert_eq!(error.to_string(), "bincode: expected the end at byte 1, found more bytes");
}

#[test]
fn a_type_that_contains_itself_is_not_read_to_the_end_of_the_stack() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Chain(Option<Box<Chain>>);
    let chain = |levels: usize| (0..levels).fold(Chain(None), |inner, _| Chain(Some(Box::new(inner))));
    assert_eq!(read(&BincodeSerde, &written(&BincodeSerde, &chain(50))), Ok(chain(50)));
    let endless = vec![1; 1 << 20];
    assert!(read::<Chain>(&BincodeSerde, &endless).is_err());
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Tree(Vec<Tree>);
    assert!(read::<Tree>(&BincodeSerde, &endless).is_err());
}
