use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::converter;

mod writing;

fn plain() -> Arc<dyn Converter> {
    let options = BTreeMap::from([("schemas.enable".to_owned(), "false".to_owned())]);
    converter::create(CLASS, Role::Value, &options).unwrap()
}

fn with_schemas() -> Arc<dyn Converter> {
    converter::create(CLASS, Role::Value, &BTreeMap::new()).unwrap()
}

fn value(converter: &dyn Converter, text: &str) -> Result<Value<'static>, String> {
    converter
        .to_connect("t", &(), Some(text.as_bytes()))
        .map(|data| data.value.into_owned())
        .map_err(|error| error.to_string())
}

#[test]
fn strings_without_escapes_are_borrowed() {
    let (plain, text) = (plain(), "{\"name\":\"é\",\"other\":\"\\n\"}");
    let data = plain.to_connect("t", &(), Some(text.as_bytes())).map(|data| data.value);
    let Ok(Value::Map(entries)) = data else { panic!() };
    assert!(matches!(&entries[0], (Value::String(Cow::Borrowed("name")), Value::String(Cow::Borrowed("é")))));
    assert!(matches!(&entries[1].1, Value::String(Cow::Owned(_))));
}

#[test]
fn the_last_of_repeated_names_wins_in_objects_of_any_size() {
    let many: String = (0..40).map(|i| format!("\"k{}\":{i},", i % 20)).collect();
    let text = format!("{{{}\"end\":0}}", many);
    let Ok(Value::Map(entries)) = value(&*plain(), &text) else { panic!() };
    assert_eq!(entries.len(), 21);
    assert_eq!(entries[3], (Value::String("k3".into()), Value::Int64(23)));
}

/// As deep as Jackson goes, on a stack of half the size that threads have.
#[test]
fn a_thousand_levels_are_read_and_no_more() {
    let run = || {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let objects = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        for text in [nested(1000), objects(1000)] {
            let deep = value(&*plain(), &text).unwrap();
            assert!(deep.clone().into_owned() == deep);
        }
        for text in [nested(1001), objects(1001), nested(1_000_000)] {
            assert!(value(&*plain(), &text).unwrap_err().contains("more than 1000 arrays and objects"));
        }
        let enveloped = |levels| format!("{{\"payload\":{},\"schema\":null}}", nested(levels));
        assert!(value(&*with_schemas(), &enveloped(999)).is_ok(), "the envelope is a level of its own");
        assert!(value(&*with_schemas(), &enveloped(1000)).is_err());
        let message = |levels: usize| {
            let open = "{\"type\":\"array\",\"items\":".repeat(levels);
            let schema = format!("{open}{{\"type\":\"int8\"}}{}", "}".repeat(levels));
            format!("{{\"schema\":{schema},\"payload\":{}}}", nested(levels))
        };
        assert!(value(&*with_schemas(), &message(199)).is_ok());
        assert!(value(&*with_schemas(), &message(200)).unwrap_err().contains("more than 200 schemas"));
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_schema_met_again_is_the_same_one() {
    let converter = with_schemas();
    let schema = |kind: &str| {
        let text = format!("{{\"schema\":{{\"type\":\"{kind}\"}},\"payload\":1}}");
        converter.to_connect("t", &(), Some(text.as_bytes())).unwrap().schema.unwrap().into_owned()
    };
    let (first, other, again) = (schema("int8"), schema("int16"), schema("int8"));
    assert!(Arc::ptr_eq(&first, &again));
    assert_ne!(first, other);
}

#[test]
fn schemas_are_kept_up_to_a_bound() {
    let options = BTreeMap::from([("schemas.cache.size".to_owned(), "0".to_owned())]);
    let uncached = converter::create(CLASS, Role::Value, &options).unwrap();
    for i in 0..100 {
        let text = format!("{{\"schema\":{{\"type\":\"int8\",\"version\":{i}}},\"payload\":{i}}}");
        for converter in [&uncached, &with_schemas()] {
            let data = converter.to_connect("t", &(), Some(text.as_bytes())).unwrap();
            assert_eq!((data.schema.unwrap().version, data.value), (Some(i), Value::Int8(i as i8)));
        }
    }
}

#[test]
fn a_null_that_coercion_made_is_refused_in_a_required_field() {
    let text = "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"field\":\"f\",\"type\":\"string\"}]},\"payload\":{\"f\":1}}";
    assert_eq!(
        value(&*with_schemas(), text).unwrap_err(),
        "Invalid value: null used for required field: \"f\", schema type: STRING"
    );
}

#[test]
fn bad_bytes_behind_the_first_value_do_not_matter() {
    let read = |bytes: &[u8]| plain().to_connect("t", &(), Some(bytes)).map(|data| data.value.into_owned());
    assert_eq!(read(b"[1] \xFF"), Ok(Value::Array(vec![Value::Int64(1)])));
    assert_eq!(
        read(b"\"\xC0\xA2\""),
        Ok(Value::String("\"".into())),
        "an overlong quotation mark is content"
    );
    for fine in [&b"true,"[..], b"true]", b"null\"", b"true\"\xFF", b"true\0"] {
        assert!(read(fine).is_ok(), "{fine:?}");
    }
    for bad in ["truex", "true1", "null_", "trueé", "true\x7F", "1,", "1]"] {
        assert!(read(bad.as_bytes()).is_err(), "{bad}");
    }
    for bad in [&b"\"\\\xC0\xAF\""[..], b"1\xFF", b"true\xFF", b"[1\xFF]", b"\xFF", b" \xFF"] {
        let error = read(bad).unwrap_err().to_string();
        assert!(error.contains("invalid UTF-8 at byte"), "{error}");
    }
}

#[test]
fn an_unpaired_surrogate_escape_becomes_a_replacement_character() {
    for (text, expected) in [
        ("\"\\ud83d\\ude00\"", "😀"),
        ("\"\\ud83d\\u0041\"", "\u{FFFD}A"),
        ("\"\\ude00\\ud83d\"", "\u{FFFD}\u{FFFD}"),
        ("\"\\ud83dx\"", "\u{FFFD}x"),
        ("\"\\ud83d\\n\"", "\u{FFFD}\n"),
    ] {
        assert_eq!(value(&*plain(), text), Ok(Value::String(expected.into())));
    }
    assert!(value(&*plain(), "\"\\ud83d\\u00\"").is_err());
}

#[test]
fn numbers_have_as_many_digits_as_jackson_allows() {
    let digits = "7".repeat(1000);
    for fine in [&*digits, &format!("-{digits}"), &format!("000{digits}"), &format!("0.{digits}")] {
        assert!(value(&*plain(), fine).is_ok(), "{} characters", fine.len());
    }
    for long in [&*format!("{digits}7"), &format!("{digits}.0"), &format!("{digits}e1")] {
        assert!(value(&*plain(), long).unwrap_err().contains("more than 1000 digits"));
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_filter("JSON", |f| f.is_finite()).prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The data that `json` stands for, by way of another parser.
fn expected(json: &serde_json::Value) -> Value<'static> {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Boolean(*value),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(integer) => Value::Int64(integer),
            // Java's decimals have no negative zero.
            None => Value::Float64(number.as_f64().unwrap() + 0.0),
        },
        serde_json::Value::String(text) => Value::String(text.clone().into()),
        serde_json::Value::Array(items) => Value::Array(items.iter().map(expected).collect()),
        serde_json::Value::Object(members) => Value::Map(
            members
                .iter()
                .map(|(name, value)| (Value::String(name.clone().into()), expected(value)))
                .collect(),
        ),
    }
}

proptest! {
    #[test]
    fn valid_json_reads_as_another_parser_reads_it(json in json(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) }.unwrap();
        prop_assert_eq!(value(&*plain(), &text), Ok(expected(&json)));
        let enveloped = format!("{{\"payload\":{text},\"schema\":null}}");
        prop_assert_eq!(value(&*with_schemas(), &enveloped), Ok(expected(&json)));
        let utf16: Vec<u8> = format!(" {text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let plain = plain();
        prop_assert_eq!(plain.to_connect("t", &(), Some(&utf16)).map(|data| data.value), Ok(expected(&json)));
    }

    #[test]
    fn what_another_parser_takes_is_taken(text in "[\\[\\]{}\",:0-9eE.\\-\\\\u atrefalsn]{0,24}") {
        if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
            let outcome = value(&*plain(), &text);
            // The other parser has no limit to exponents.
            prop_assert!(outcome.is_ok() || text.contains(['e', 'E']), "{:?}", outcome);
        }
    }
}
