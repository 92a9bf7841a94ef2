use std::collections::BTreeMap;

use bytes::Bytes;
use coherence_kafka_common::serializer::registry;
use proptest::prelude::*;

use super::*;
use crate::testing::{binary, entry, removed};

fn pass_through(key_form: KeyForm) -> Outbound {
    let form = Form::PassThrough(key_form);
    Outbound { topic: "t".to_owned(), format: Format::Pof, form, ttl_header: None }
}

fn serialized(format: Format, key: &str, value: &str) -> Outbound {
    let none = BTreeMap::new();
    let form = Form::Serialized {
        map: registry::deserializer(format.name(), Part::Value, &none).unwrap(),
        key: registry::serializer(key, Part::Key, &none).unwrap(),
        value: registry::serializer(value, Part::Value, &none).unwrap(),
    };
    Outbound { form, format, ..pass_through(KeyForm::Plain) }
}

type OwnedHeader = (String, Option<Vec<u8>>);

#[derive(Debug, PartialEq, Eq)]
struct Owned {
    key: Vec<u8>,
    value: Option<Vec<u8>>,
    headers: Vec<OwnedHeader>,
}

fn record(outbound: &Outbound, entry: &BinaryEntry, operation: Operation) -> Result<Owned, StoreError> {
    // What was planned before lies in front.
    let mut scratch = b"before".to_vec();
    let planned = outbound.plan(entry, operation, &mut scratch);
    if planned.is_err() {
        assert_eq!(scratch, b"before", "a failed plan leaves nothing");
    }
    let planned = planned?;
    let record = planned.record(entry, &scratch);
    let headers = outbound.headers(&planned, &scratch);
    assert_eq!(planned.is_delete(), header(&headers, "event") == Some(b"DELETE".to_vec()));
    Ok(Owned {
        key: record.key.to_vec(),
        value: record.value.map(<[u8]>::to_vec),
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.map(<[u8]>::to_vec)))
            .collect(),
    })
}

fn header(headers: &[(&str, Option<&[u8]>)], name: &str) -> Option<Vec<u8>> {
    headers.iter().find(|(given, _)| *given == name).and_then(|(_, value)| value.map(<[u8]>::to_vec))
}

fn event(name: &str) -> Vec<OwnedHeader> {
    vec![("event".to_owned(), Some(name.as_bytes().to_vec()))]
}

#[test]
fn an_entry_passes_through_as_it_is() {
    let given = entry(5, "a");
    let made = record(&pass_through(KeyForm::Plain), &given, Operation::Store).unwrap();
    let expected =
        Owned { key: given.key.to_vec(), value: Some(binary("a").to_vec()), headers: event("INSERT") };
    assert_eq!(made, expected);
}

#[test]
fn decorations_do_not_travel() {
    let plain = entry(5, "a");
    let mut given = plain.clone();
    given.key = [&[0x0D, 0xC2, 0xC9, 0xA1, 0xCA, 0x0F][..], &plain.key[..]].concat().into();
    let value = binary("a");
    given.value =
        Some([&[0x12, 0x05, value.len() as u8][..], &value[..], &[3, 0x15, 0x4A, 0]].concat().into());
    let outbound = pass_through(KeyForm::Plain);
    let made = record(&outbound, &given, Operation::Store);
    assert_eq!(made, record(&outbound, &plain, Operation::Store));
}

#[test]
fn a_key_is_decorated_on_demand_as_java_does_and_a_decoration_that_is_there_stays() {
    let outbound = pass_through(KeyForm::Decorated);
    let mut given = entry(0, "a");
    given.key = Bytes::from_static(&[0x15, 0x41, 0x01]);
    let made = record(&outbound, &given, Operation::Erase).unwrap();
    let mut expected = vec![0x0D];
    packed::write_i32(&mut expected, -2_076_833_372);
    expected.extend_from_slice(&given.key);
    assert_eq!(made.key, expected);
    given.key = Bytes::from_static(&[0x0D, 0x07, 0x15, 0x41, 0x01]);
    assert_eq!(record(&outbound, &given, Operation::Erase).unwrap().key, &given.key[..]);
}

#[test]
fn a_key_in_java_is_decorated_unless_it_is_an_object_of_an_application() {
    let outbound = Outbound { format: Format::Java, ..pass_through(KeyForm::Decorated) };
    let mut date = Vec::new();
    coherence_kafka_common::java_format::write_date(0, &mut date);
    for (key, is_decorated) in [
        (&b"\x06\x01a"[..], true),
        (&date, true),
        (b"\x0B\xAC\xED\x00\x05\x70", false),
        (b"\x0A\x01C\x07", false),
    ] {
        let mut given = entry(0, "a");
        given.key = Bytes::copy_from_slice(key);
        let made = record(&outbound, &given, Operation::Erase);
        assert_eq!(
            made.is_ok_and(|made| made.key.starts_with(&[0x0D]) && made.key.ends_with(key)),
            is_decorated
        );
    }
}

#[test]
fn the_header_tells_an_insert_from_an_update_and_both_from_a_removal() {
    let outbound = pass_through(KeyForm::Plain);
    let updated = BinaryEntry { update: true, ..entry(1, "a") };
    let events = [
        (entry(1, "a"), Operation::Store, "INSERT"),
        (updated.clone(), Operation::Store, "UPDATE"),
        (updated, Operation::Erase, "DELETE"),
        (removed(1), Operation::Erase, "DELETE"),
        (removed(1), Operation::Store, "DELETE"),
    ];
    for (entry, operation, expected) in events {
        let made = record(&outbound, &entry, operation).unwrap();
        assert_eq!(made.headers, event(expected));
        assert_eq!(made.value.is_none(), expected == "DELETE");
    }
}

#[test]
fn a_key_that_may_be_associated_with_another_one_is_decorated_by_nobody_here() {
    let decorated = pass_through(KeyForm::Decorated);
    let json = Outbound { format: Format::Json, ..pass_through(KeyForm::Decorated) };
    // An object of the class 1000, and one in JSON.
    for (outbound, key) in
        [(&decorated, &b"\x15\xa8\x0f\x00\x00\x41\x05\x40"[..]), (&json, b"\x15{\"id\":1}")]
    {
        let value = if outbound.format == Format::Json { &b"\x151"[..] } else { b"\x15\x41\x05" };
        let plain = BinaryEntry {
            key: Bytes::copy_from_slice(key),
            value: Some(Bytes::copy_from_slice(value)),
            ..entry(1, "")
        };
        let refused = record(outbound, &plain, Operation::Store).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a key of a class, whose hash only a member of the grid knows, in the key form decorated is not supported by \
             an entry store of a kafka topic"
        );
        let with_hash = coherence_kafka_common::decoration::int_decorated_key(key, 7);
        let of_member = BinaryEntry { key: with_hash.clone().into(), ..plain.clone() };
        assert_eq!(record(outbound, &of_member, Operation::Store).unwrap().key, with_hash);
        let form = Outbound { format: outbound.format, ..pass_through(KeyForm::Plain) };
        assert_eq!(record(&form, &plain, Operation::Store).unwrap().key, key);
    }
    for key in [&b"\x15\"text\""[..], b"\x15 12"] {
        let given = BinaryEntry { key: Bytes::copy_from_slice(key), value: None, ..entry(1, "") };
        assert!(record(&json, &given, Operation::Erase).is_ok());
    }
}

#[test]
fn a_null_that_an_entry_holds_is_a_value_in_pass_through_and_a_null_for_serializers() {
    let mut given = entry(1, "");
    given.value = Some(Bytes::from_static(&[0x15, 0x64]));
    let made = record(&pass_through(KeyForm::Plain), &given, Operation::Store).unwrap();
    assert_eq!(made.value.as_deref(), Some(&[0x15, 0x64][..]));
    for value in ["string", "pof"] {
        let made = record(&serialized(Format::Pof, "integer", value), &given, Operation::Store).unwrap();
        assert_eq!((made.value, made.headers), (None, event("INSERT")), "{value}");
    }
}

#[test]
fn serializers_write_what_the_entry_holds() {
    let made = record(&serialized(Format::Pof, "integer", "string"), &entry(258, "Käse"), Operation::Store);
    assert_eq!(
        made.unwrap(),
        Owned { key: vec![0, 0, 1, 2], value: Some("Käse".as_bytes().to_vec()), headers: event("INSERT") }
    );
    let json = BinaryEntry {
        key: Bytes::from_static(b"\x15\"k\""),
        value: Some(Bytes::from_static(b"\x15\"v\"")),
        ..removed(0)
    };
    let made = record(&serialized(Format::Json, "string", "string"), &json, Operation::Store).unwrap();
    assert_eq!((made.key, made.value), (b"k".to_vec(), Some(b"v".to_vec())));
}

#[test]
fn what_cannot_be_serialized_says_which_half_and_shows_no_byte() {
    let text = |outbound: &Outbound, entry: &BinaryEntry| {
        record(outbound, entry, Operation::Store).unwrap_err().to_string()
    };
    let strings = serialized(Format::Pof, "string", "string");
    assert_eq!(
        text(&strings, &entry(1, "secret")),
        "key cannot be serialized: StringSerializer takes String, not Integer"
    );
    let integers = serialized(Format::Pof, "integer", "integer");
    assert_eq!(
        text(&integers, &entry(1, "secret")),
        "value cannot be serialized: IntegerSerializer takes Integer, not String"
    );
    let mut null = removed(1);
    null.key = Bytes::from_static(&[0x15, 0x64]);
    assert_eq!(text(&strings, &null), "key cannot be serialized: a serializer cannot hold null");
    let mut broken = entry(1, "a");
    broken.value = Some(Bytes::from_static(&[0x12, 0x02, 0x01, 0x07]));
    assert_eq!(
        text(&integers, &broken),
        "value has decorations but no value: a value, or null to delete the entry, was expected"
    );
    broken.value = Some(Bytes::from_static(b"secret"));
    for outbound in [pass_through(KeyForm::Plain), integers] {
        let text = text(&outbound, &broken);
        assert!(text.contains("value") && !text.contains("secret"), "{text}");
    }
}

#[test]
fn only_entries_that_say_when_they_expire_have_the_header_for_it() {
    let outbound = Outbound { ttl_header: Some("ttl".to_owned()), ..pass_through(KeyForm::Plain) };
    let ttl = |expiry, operation| {
        let headers = record(&outbound, &BinaryEntry { expiry, ..entry(1, "a") }, operation).unwrap().headers;
        headers
            .into_iter()
            .find(|(name, _)| name == "ttl")
            .map(|(_, value)| String::from_utf8(value.unwrap()).unwrap())
    };
    let store = Operation::Store;
    assert_eq!(ttl(Expiry::Default, store), None);
    assert_eq!(ttl(Expiry::Never, store).as_deref(), Some("-1"));
    assert_eq!(ttl(Expiry::After(Duration::from_millis(70)), store).as_deref(), Some("70"));
    assert_eq!(ttl(Expiry::After(Duration::from_micros(1_001)), store).as_deref(), Some("2"));
    assert_eq!(ttl(Expiry::After(Duration::ZERO), store).as_deref(), Some("1"), "0 would mean the default");
    assert_eq!(ttl(Expiry::After(Duration::MAX), store), Some(i64::MAX.to_string()));
    assert_eq!(ttl(Expiry::After(Duration::from_millis(70)), Operation::Erase), None);
}

proptest! {
    #[test]
    fn any_bytes_become_a_record_or_an_error(key: Vec<u8>, value: Option<Vec<u8>>, update: bool, decorate: bool) {
        let (key, value) = (Bytes::from(key), value.map(Bytes::from));
        let given = BinaryEntry { key, value, update, expiry: Expiry::Default };
        let form = if decorate { KeyForm::Decorated } else { KeyForm::Plain };
        for outbound in [pass_through(form), serialized(Format::Pof, "integer", "string"), serialized(Format::Json, "string", "string")] {
            let _ = record(&outbound, &given, Operation::Store);
        }
    }

    #[test]
    fn a_key_has_one_form_however_it_was_decorated(key: i32, hash: i32) {
        let plain = removed(key);
        let mut decorated = plain.clone();
        decorated.key = coherence_kafka_common::decoration::int_decorated_key(&plain.key, hash).into();
        let outbound = pass_through(KeyForm::Plain);
        prop_assert_eq!(record(&outbound, &plain, Operation::Erase), record(&outbound, &decorated, Operation::Erase));
    }
}
