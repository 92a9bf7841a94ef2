use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::*;
use crate::pof::{Time, Zone};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Plain {
    n: i32,
    name: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Color {
    #[serde(rename = "RED")]
    Red,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlwaysFilter;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "@class")]
enum Animal {
    #[serde(rename = "test.Dog")]
    Dog { name: String },
    #[serde(rename = "test.Cat")]
    Cat { lives: u8 },
}

fn classes() -> JsonClasses {
    JsonClasses::default()
        .class("Plain", "test.Plain")
        .class("Color", "test.Color")
        .class("AlwaysFilter", "util.filter.AlwaysFilter")
}

fn text_of<T: Serialize>(value: &T) -> String {
    String::from_utf8(to_binary(value, &classes()).unwrap()[1..].to_vec()).unwrap()
}

fn read_text<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    from_binary(&[b"\x15", text.as_bytes()].concat(), &classes()).map_err(|error| error.to_string())
}

fn both_ways<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T, text: &str) {
    assert_eq!(text_of(&value), text);
    assert_eq!(read_text(text), Ok(value));
}

#[test]
fn an_object_of_a_registered_type_is_the_one_that_java_writes() {
    both_ways(Plain { n: 1, name: Some("p".into()) }, r#"{"@class":"test.Plain","n":1,"name":"p"}"#);
    both_ways(Plain { n: 0, name: None }, r#"{"@class":"test.Plain","n":0}"#);
    both_ways(Color::Red, r#"{"@class":"test.Color","enum":"RED"}"#);
    both_ways(AlwaysFilter, r#"{"@class":"util.filter.AlwaysFilter"}"#);
    both_ways(vec![Some(Color::Red), None], r#"[{"@class":"test.Color","enum":"RED"},null]"#);
}

#[test]
fn an_object_of_another_class_is_refused_without_its_name() {
    let refused = read_text::<Plain>(r#"{"@class":"test.Secret","n":1}"#);
    assert_eq!(
        refused,
        Err("json: expected an object of test.Plain at byte 1, found one of another class".to_owned())
    );
    assert!(read_text::<Plain>(r#"{"n":1}"#).is_ok(), "a JsonObject has no class");
}

#[test]
fn an_enum_tagged_by_class_is_a_class_with_its_subclasses() {
    both_ways(Animal::Dog { name: "Rex".into() }, r#"{"@class":"test.Dog","name":"Rex"}"#);
    both_ways(Animal::Cat { lives: 9 }, r#"{"@class":"test.Cat","lives":9}"#);
}

#[test]
fn a_map_is_a_hash_map_with_keys_of_any_type() {
    both_ways(
        BTreeMap::from([(1, Some("x".to_owned())), (2, None)]),
        r#"{"@class":"java.util.HashMap","entries":[{"key":1,"value":"x"},{"key":2}]}"#,
    );
    both_ways(BTreeMap::<i32, i32>::new(), r#"{"@class":"java.util.HashMap","entries":[]}"#);
    both_ways(
        BTreeMap::from([("a".to_owned(), BTreeMap::from([(true, 1.5)]))]),
        r#"{"@class":"java.util.HashMap","entries":[{"key":"a","value":{"@class":"java.util.HashMap","entries":[{"key":true,"value":1.5}]}}]}"#,
    );
}

#[test]
fn maps_of_java_are_read_in_every_shape() {
    let expected = Ok(BTreeMap::from([(1, Some(2)), (3, None)]));
    for text in [
        r#"{"@class":"java.util.TreeMap","@sorted":true,"entries":[{"key":1,"value":2},{"key":3,"value":null}]}"#,
        r#"{"@class":"java.util.LinkedHashMap","entries":[{"value":2,"x":[{}],"key":1,"y":0},{"key":3,"z":1}],"@ordered":true}"#,
        r#"{"1":2,"3":null}"#,
        r#" { "@class" : "some.Class" , "1" : 2 , "3" : null } "#,
    ] {
        assert_eq!(read_text(text), expected, "{text}");
    }
    let null_key = r#"{"@class":"java.util.HashMap","entries":[{"value":1}]}"#;
    assert_eq!(read_text(null_key), Ok(HashMap::from([(None::<i32>, 1)])));
    let null_both = r#"{"@class":"java.util.HashMap","entries":[{}]}"#;
    assert_eq!(read_text(null_both), Ok(HashMap::from([(None::<i32>, None::<i32>)])));
    let late_key = r#"{"@class":"java.util.HashMap","entries":[{"x":0,"key":1},{"x":0,"value":2,"key":3}]}"#;
    assert_eq!(read_text(late_key), Ok(HashMap::from([(1, None), (3, Some(2))])));
    assert_eq!(read_text(r#"{"@class":"java.util.HashMap"}"#), Ok(HashMap::<i32, i32>::new()));
}

#[test]
fn instructions_to_java_are_no_fields() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        a: i32,
    }
    assert_eq!(read_text(r#"{"@class":"x","@version":2,"a":1}"#), Ok(Strict { a: 1 }));
}

#[test]
fn big_numbers_are_objects_of_their_classes() {
    both_ways(1_i128, r#"{"@class":"math.BigInt","value":"1"}"#);
    both_ways(u64::MAX, r#"{"@class":"math.BigInt","value":"18446744073709551615"}"#);
    both_ways(5_u64, "5");
    let decimal = r#"{"@class":"math.BigDec","value":"1.50"}"#;
    assert_eq!(read_text(decimal), Ok(1.5));
    assert_eq!(read_text(decimal), Ok("1.50".to_owned()));
    let refused = Err("json: expected i32 at byte 1, found another number".to_owned());
    assert_eq!(read_text::<i32>(decimal), refused);
    assert_eq!(read_text::<i32>("2147483648"), refused);
}

#[test]
fn floats_are_those_of_java_with_words_for_what_json_lacks() {
    both_ways(1e100, "1.0E100");
    both_ways(-0.0, "-0.0");
    both_ways(0.1_f32, "0.1");
    both_ways(f64::INFINITY, r#""Infinity""#);
    both_ways(f32::NEG_INFINITY, r#""-Infinity""#);
    assert_eq!(text_of(&f64::NAN), r#""NaN""#);
    assert!(read_text::<f64>(r#""NaN""#).unwrap().is_nan());
    assert_eq!(read_text(r#"7"#), Ok(7.0_f32));
    for word in ["inf", "-inf", "nan", "-nan", "infinity", ""] {
        assert!(read_text::<f64>(&format!("{word:?}")).is_err(), "{word}");
    }
}

#[test]
fn a_character_is_an_escape_and_bytes_are_base64() {
    both_ways('A', r#""\u0041""#);
    both_ways('€', r#""\u20ac""#);
    both_ways('😀', r#""😀""#);
    #[derive(Debug, PartialEq)]
    struct Raw(Vec<u8>);
    impl Serialize for Raw {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&self.0)
        }
    }
    assert_eq!(text_of(&Raw(vec![1, 2, 255])), r#""AQL/""#);
}

#[test]
fn a_value_without_type_comes_as_java_reads_it() {
    let read = |text: &str| {
        let binary = [b"\x15", text.as_bytes()].concat();
        Deserializer::<PofValue>::deserialize(&JsonValueSerde, "t", &[], &binary).ok()
    };
    // What Coherence 25.03 makes of these texts.
    for (text, expected) in [
        ("9223372036854775807", PofValue::Int64(i64::MAX)),
        ("9223372036854775808", PofValue::Float64(9_223_372_036_854_775_808.0)),
        ("1e3", PofValue::Float64(1000.0)),
        ("-0", PofValue::Int32(0)),
        (r#""\ud800""#, PofValue::Char(0xD800)),
        (r#""\u0041b""#, PofValue::String("Ab".to_owned())),
        (r#"{"@class":"math.BigDec","value":"1E+3"}"#, PofValue::Decimal { unscaled: 1, scale: -3 }),
        (r#"{"@class":"java.math.BigInteger","value":12}"#, PofValue::Int128(12)),
        (r#"{"@class":"java.util.HashMap","a":1}"#, PofValue::Map(vec![])),
        (
            r#"{"@class":"java.time.OffsetTime","hour":1,"minute":2,"second":3,"nano":0,"offsetSeconds":3600}"#,
            PofValue::Time(Time { hour: 1, minute: 2, second: 3, nano: 0, zone: Some(Zone::Offset(60)) }),
        ),
        (r#"{"a":1}"#, PofValue::Map(vec![(PofValue::String("a".to_owned()), PofValue::Int32(1))])),
    ] {
        assert_eq!(read(text), Some(expected), "{text}");
    }
    for text in [r#"{"@class":"no.Such","a":1}"#, "nan", "'a'", "01", "1 2", "[1,]", "\"a\u{1}b\"", ""] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn a_decimal_is_written_as_by_java() {
    for (unscaled, scale, text) in [
        (12345, 2, "123.45"),
        (-5, 3, "-0.005"),
        (1, 7, "1E-7"),
        (10, 7, "0.0000010"),
        (1, -3, "1E+3"),
        (-123, -1, "-1.23E+3"),
        (0, 0, "0"),
        (0, 2, "0.00"),
    ] {
        let value = PofValue::Decimal { unscaled, scale };
        let mut out = Vec::new();
        JsonValueSerde.serialize("t", &mut Vec::new(), &value, &mut out).unwrap();
        assert_eq!(out[1..], *format!(r#"{{"@class":"math.BigDec","value":"{text}"}}"#).as_bytes());
        assert_eq!(JsonValueSerde.deserialize("t", &[], &out), Ok(value));
    }
}

#[test]
fn a_tree_keeps_all_digits_of_numbers_and_the_order_of_members() {
    let binary = b"\x15{\"b\":1.50,\"a\":[123456789012345678901234567890,1e+400,-0.0],\"@class\":\"C\"}";
    let tree: Value = JsonValueSerde.deserialize("t", &[], binary).unwrap();
    let mut again = Vec::new();
    JsonValueSerde.serialize("t", &mut Vec::new(), &tree, &mut again).unwrap();
    assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(binary));
}

#[test]
fn nothing_deeper_than_the_limit_is_read() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    let read = |text: String| {
        let binary = [b"\x15", text.as_bytes()].concat();
        let tree = Deserializer::<Value>::deserialize(&JsonValueSerde, "t", &[], &binary);
        let pof = Deserializer::<PofValue>::deserialize(&JsonValueSerde, "t", &[], &binary);
        assert_eq!(tree.is_ok(), pof.is_ok());
        let ignored = from_binary::<serde::de::IgnoredAny>(&binary, &classes());
        assert_eq!(tree.is_ok(), ignored.is_ok());
        tree.map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(read(nested(128)), Ok(()));
    assert_eq!(
        read(nested(129)),
        Err("json: expected 128 levels at most at byte 129, found one more".to_owned())
    );
    assert!(read("[".repeat(1_000_000)).is_err());
}

#[test]
fn a_map_in_a_field_of_java_is_read_with_and_without_its_class() {
    type Counts = std::collections::BTreeMap<String, Vec<i32>>;
    let read = |text: &str| {
        let read = from_binary::<Counts>(&[b"\x15", text.as_bytes()].concat(), &classes());
        read.map_err(|error| error.to_string())
    };
    let counts = |key: &str, value| Ok(Counts::from([(key.to_owned(), value)]));
    for front in [r#""@class":"java.util.HashMap","#, "", r#""@ordered":true,"#, r#""@sorted":true,"#] {
        let one = format!(r#"{{{front}"entries":[{{"key":"a","value":[1]}}]}}"#);
        assert_eq!(read(&one), counts("a", vec![1]), "{front}");
        assert_eq!(read(&format!(r#"{{{front}"entries":[]}}"#)), Ok(Counts::new()), "{front}");
    }
    assert_eq!(read(r#"{"a":[1]}"#), counts("a", vec![1]), "as Python writes a dict");
    assert_eq!(read(r#"{"entries":[5]}"#), counts("entries", vec![5]));
    assert!(read(r#"{"entries":[{"key":"a","value":[1]}],"b":[2]}"#).is_err());
}
