use std::collections::BTreeMap;

use coherence_kafka_connect::converter::{self, Role};
use coherence_kafka_connect::decode::Decoder;
use coherence_kafka_connect::transform::{Classes, Transforms};
use coherence_kafka_core::KeyForm;

use super::*;

const KEY: &[u8] = b"\x15\x4e\x01k";

fn pass_through() -> Records {
    Records::new("t", Format::Pof, &FormConfig::PassThrough(KeyForm::Plain)).unwrap()
}

fn serialized(key: &str, value: &str) -> Records {
    let none = Default::default();
    let form = FormConfig::Serialized {
        key: registry::serializer(key, Part::Key, &none).unwrap(),
        value: registry::serializer(value, Part::Value, &none).unwrap(),
        key_back: registry::deserializer(key, Part::Key, &none).unwrap(),
    };
    Records::new("t", Format::Pof, &form).unwrap()
}

fn binary(key: &[u8], value: Option<&[u8]>) -> BinaryEntry {
    entry(Bytes::copy_from_slice(key), value.map(Bytes::copy_from_slice), false)
}

fn map_key(records: &mut Records, record_key: &[u8]) -> Option<Bytes> {
    records.map_key(record_key).unwrap()
}

fn converted(key: &str, options: &[(&str, &str)], transforms: &[(&str, &str)]) -> Records {
    let map = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
    };
    let json = map(&[("schemas.enable", "false")]);
    let conversion = Conversion {
        decoder: Decoder::default(),
        key: converter::create(key, Role::Key, &map(options)).unwrap(),
        value: converter::create("JsonConverter", Role::Value, &json).unwrap(),
        header: converter::create_header("Simple", &BTreeMap::new()).unwrap(),
        transforms: Arc::new(Transforms::new(&Classes::default(), &map(transforms)).unwrap()),
    };
    Records::new("t", Format::Pof, &FormConfig::Converted(conversion)).unwrap()
}

#[test]
fn a_key_that_could_have_several_types_leads_to_all_of_them() {
    let int = Bytes::from_static(b"\x15\x41\x05");
    for (key, options) in [("JsonConverter", &[("schemas.enable", "false")][..]), ("StringConverter", &[])] {
        let mut records = converted(key, options, &[]);
        let hash = records.hashes(&entry(int.clone(), None, false)).unwrap().key;
        assert_eq!(records.hasher().key(b"5"), hash);
        let first = map_key(&mut records, b"5").unwrap();
        let others = records.same_record(&first).unwrap();
        assert!(others.contains(&int), "{key}: {others:?}");
        for other in others {
            assert_eq!(records.key_hash(&other), Ok(Some(hash)), "{key}");
            assert!(records.same_record(&other).unwrap().contains(&first), "{key}");
        }
    }
    let mut exact = converted("IntegerConverter", &[], &[]);
    assert_eq!(map_key(&mut exact, &[0, 0, 0, 5]), Some(int.clone()));
    assert_eq!(exact.same_record(&int), Ok(vec![]));
    assert_eq!(map_key(&mut exact, b"5"), None);
}

#[test]
fn a_key_that_does_not_lead_back_has_no_record() {
    // A LocalDate, which is text in the topic.
    let date = binary(b"\x15\x4f\x81\x1f\x0b\x1e", Some(b"\x15\x41\x01"));
    let refused = converted("StringConverter", &[], &[]).hashes(&date).unwrap_err();
    assert_eq!(refused, StoreError::Conversion(ConversionError::OneWay));
}

#[test]
fn a_dropped_record_has_no_value_and_a_removal_is_none() {
    let drop = [("transforms", "a"), ("transforms.a.type", "org.apache.kafka.connect.transforms.Filter")];
    let mut records = converted("StringConverter", &[], &drop);
    let dropped = records.hashes(&binary(KEY, Some(b"\x15\x41\x01"))).unwrap();
    assert_eq!((dropped.value, dropped.is_dropped), (None, true));
    let removed = records.hashes(&binary(KEY, None)).unwrap();
    assert_eq!((removed.value, removed.is_dropped), (None, false));
}

#[test]
fn a_decorated_entry_and_its_plain_form_are_one_record() {
    let mut records = pass_through();
    let plain = records.hashes(&binary(b"\x15\x41\x05", Some(b"\x15\x41\x01"))).unwrap();
    let decorated =
        binary(b"\x0d\xc2\xc9\xa1\xca\x0f\x15\x41\x05", Some(b"\x12\x05\x03\x15\x41\x01\x03\x15\x4a\x00"));
    assert_eq!(records.hashes(&decorated), Ok(plain));
    assert_eq!(records.hasher().key(b"\x15\x41\x05"), plain.key);
}

#[test]
fn the_key_of_a_record_leads_back_to_the_key_of_its_entry() {
    let mut records = pass_through();
    assert_eq!(map_key(&mut records, KEY).as_deref(), Some(KEY));
    assert_eq!(map_key(&mut records, b"no binary"), None);
    let decorated = FormConfig::PassThrough(KeyForm::Decorated);
    let mut records = Records::new("t", Format::Pof, &decorated).unwrap();
    let key = map_key(&mut records, b"\x0d\xc2\xc9\xa1\xca\x0f\x15\x41\x05");
    assert_eq!(
        key.as_deref(),
        Some(b"\x15\x41\x05".as_slice()),
        "a map is asked for keys without decoration"
    );
    let mut records = serialized("string", "json");
    assert_eq!(map_key(&mut records, b"k").as_deref(), Some(KEY));
    assert_eq!(map_key(&mut records, b"\xff"), None, "no text");
    let mut records = serialized("integer", "json");
    assert_eq!(map_key(&mut records, &[0, 0, 0, 5]).as_deref(), Some(b"\x15\x41\x05".as_slice()));
}

#[test]
fn the_key_of_a_record_that_no_entry_would_have_leads_nowhere() {
    let decorated = b"\x0d\x07\x15\x41\x05";
    assert_eq!(map_key(&mut pass_through(), decorated), None, "entries go out without decoration");
}

#[test]
fn an_event_without_value_of_an_entry_that_is_there_tells_null() {
    let records = pass_through();
    let event = |kind| MapEvent {
        kind,
        key: Bytes::from_static(KEY),
        old_value: None,
        new_value: None,
        synthetic: false,
        expired: false,
        priming: false,
    };
    let null = Bytes::from_static(b"\x15\x64");
    let (entry, old) = records.of_event(event(EventKind::Updated));
    assert_eq!((entry.value, entry.update, old), (Some(null.clone()), true, Some(null.clone())));
    let (entry, old) = records.of_event(event(EventKind::Inserted));
    assert_eq!((entry.value, entry.update, old), (Some(null.clone()), false, None));
    let (entry, old) = records.of_event(event(EventKind::Deleted));
    assert_eq!((entry.value, old), (None, Some(null)));
}

#[test]
fn null_is_a_tombstone_for_serializers_and_a_value_in_pass_through() {
    let null = binary(KEY, Some(b"\x15\x64"));
    assert_eq!(serialized("string", "json").hashes(&null).unwrap().value, None);
    assert!(pass_through().hashes(&null).unwrap().value.is_some());
}

#[test]
fn an_entry_without_record_is_an_error() {
    assert!(serialized("integer", "json").hashes(&binary(KEY, None)).is_err());
    assert!(pass_through().hashes(&binary(b"bad", None)).is_err());
}
