use std::collections::BTreeMap;

use coherence_kafka_common::pof::{PofValue, PofWriter};
use coherence_kafka_connect::converter::{create, create_header};
use coherence_kafka_connect::transform::Classes;

use super::*;

fn properties(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn conversion(transforms: &[(&str, &str)]) -> Conversion {
    let json = |role| create("JsonConverter", role, &properties(&[("schemas.enable", "false")])).unwrap();
    Conversion {
        decoder: Decoder::default(),
        key: json(Role::Key),
        value: json(Role::Value),
        header: create_header("Simple", &BTreeMap::new()).unwrap(),
        transforms: Arc::new(Transforms::new(&Classes::default(), &properties(transforms)).unwrap()),
    }
}

fn pof(value: &PofValue) -> Vec<u8> {
    let mut binary = vec![0x15];
    PofWriter::new(&mut binary).value(value).unwrap();
    binary
}

fn person(name: &str) -> Vec<u8> {
    let text = |text: &str| PofValue::String(text.to_owned());
    pof(&PofValue::Map(vec![(text("name"), text(name)), (text("secret"), PofValue::Int32(1))]))
}

type Shown = (String, Option<String>, Vec<(String, String)>);

fn shown(conversion: &Conversion, value: Option<&[u8]>) -> Result<(Shown, bool), ConversionError> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let made = conversion.convert("t", &pof(&PofValue::Int32(5)), value)?;
    let headers = made.headers.iter();
    let headers =
        headers.map(|header| (header.key.clone(), text(header.value.as_deref().unwrap()))).collect();
    Ok(((text(&made.key), made.value.as_deref().map(text), headers), made.is_dropped))
}

#[test]
fn transforms_change_the_value_and_add_headers() {
    let conversion = conversion(&[
        ("transforms", "mask,mark,origin"),
        ("transforms.mask.type", "org.apache.kafka.connect.transforms.MaskField$Value"),
        ("transforms.mask.fields", "secret"),
        ("transforms.mark.type", "org.apache.kafka.connect.transforms.InsertField$Value"),
        ("transforms.mark.topic.field", "topic"),
        ("transforms.origin.type", "org.apache.kafka.connect.transforms.InsertHeader"),
        ("transforms.origin.header", "origin"),
        ("transforms.origin.value.literal", "grid"),
    ]);
    let value = r#"{"name":"Ann","secret":0,"topic":"t"}"#.to_owned();
    let headers = vec![("origin".to_owned(), "grid".to_owned())];
    let record = (("5".to_owned(), Some(value), headers), false);
    assert_eq!(shown(&conversion, Some(&person("Ann"))), Ok(record));
    let tombstone = (("5".to_owned(), None, vec![]), false);
    assert_eq!(shown(&conversion, None), Ok(tombstone.clone()), "a removal needs no transform");
    assert_eq!(shown(&conversion, Some(&pof(&PofValue::Null))), Ok(tombstone));
}

#[test]
fn a_dropped_record_leaves_no_value() {
    let conversion = conversion(&[
        ("transforms", "drop"),
        ("transforms.drop.type", "org.apache.kafka.connect.transforms.Filter"),
    ]);
    let dropped = (("5".to_owned(), None, vec![]), true);
    assert_eq!(shown(&conversion, Some(&person("Ann"))), Ok(dropped));
    assert_eq!(shown(&conversion, None).map(|(_, is_dropped)| is_dropped), Ok(false));
}

#[test]
fn a_transform_that_changes_key_or_topic_is_refused() {
    let hoist = [
        ("transforms", "a"),
        ("transforms.a.type", "org.apache.kafka.connect.transforms.HoistField$Key"),
        ("transforms.a.field", "id"),
    ];
    let route = [
        ("transforms", "a"),
        ("transforms.a.type", "org.apache.kafka.connect.transforms.RegexRouter"),
        ("transforms.a.regex", ".*"),
        ("transforms.a.replacement", "other"),
    ];
    for (transforms, what) in [(&hoist[..], "key"), (&route, "topic")] {
        let refused = shown(&conversion(transforms), Some(&person("Ann")));
        assert_eq!(refused, Err(ConversionError::Changed { what }));
    }
}

#[test]
fn what_has_no_record_names_its_part_and_shows_no_data() {
    let conversion = conversion(&[]);
    let object = PofValue::User { type_id: 7777, version: 0, properties: vec![] };
    let refused = shown(&conversion, Some(&pof(&object))).unwrap_err();
    assert!(refused.to_string().starts_with("value cannot be read: object of user type 7777"), "{refused}");
    assert!(!refused.is_retriable());
    let null_key = conversion.convert("t", &pof(&PofValue::Null), None).unwrap_err();
    assert_eq!(null_key, ConversionError::NullKey);
}
