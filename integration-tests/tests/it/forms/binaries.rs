//! Coherence binaries on a topic: what of them reaches a map, by pass-through and by the converters of POF.

use coherence_kafka_common::binary::natural_hash;
use coherence_kafka_common::decoration::int_decorated_key;
use integration_tests::grid::{GridTool, Literal};
use integration_tests::sink::Settings;
use integration_tests::{require_peers, shared};

use super::{BYTE_ARRAYS, CUSTOM, POF, POF_DESERIALIZER};
use crate::flow::Flow;
use crate::support::delivered;

const PASS_THROUGH: Settings<'_> =
    &[("key.converter", BYTE_ARRAYS), ("value.converter", BYTE_ARRAYS), ("coherence.passthrough", "true")];

/// Keys as they lie in a partitioned map.
fn decorated(key: &[u8]) -> Vec<u8> {
    int_decorated_key(key, natural_hash(key))
}

fn tool() -> &'static GridTool {
    shared::grid().tool()
}

fn bytes(literal: impl Into<Literal>) -> Vec<u8> {
    tool().to_bytes(literal).unwrap()
}

#[test]
fn plain_and_decorated_keys_are_one_key_for_puts_and_tombstones() {
    require_peers!();
    let pof = [("key.converter", POF), ("value.converter", POF)];
    let deserializer = [
        ("key.converter", CUSTOM),
        ("key.converter.deserializer", POF_DESERIALIZER),
        ("value.converter", POF),
    ];
    for settings in [PASS_THROUGH, &pof, &deserializer] {
        let flow = Flow::new(shared::kafka(), shared::grid(), "decorated-keys", 1);
        let sink = flow.start(&[], settings);
        let send = |records: &[(Vec<u8>, Option<Vec<u8>>)]| {
            let records = records.iter().map(|(key, value)| (Some(key), value.as_ref()));
            shared::kafka().produce(&flow.name, records).unwrap();
            delivered(&sink, &flow.name, &flow.name);
        };
        let keys: [Vec<u8>; 5] = [bytes(1), bytes("two"), bytes(3_i64), bytes(4), bytes("five")];
        let value = |text: &str| Some(bytes(text));
        send(&[
            (keys[0].clone(), value("plain")),
            (decorated(&keys[1]), value("decorated")),
            (keys[2].clone(), value("overwritten")),
            (decorated(&keys[2]), value("decorated again")),
            (keys[3].clone(), value("put and deleted at once")),
            (decorated(&keys[3]), None),
            (decorated(&keys[4]), None),
            (keys[4].clone(), value("deleted and put at once")),
        ]);
        let text = |key: Literal| tool().get(&flow.name, key).unwrap().map(|v| v.text);
        assert_eq!(text(1.into()).as_deref(), Some("plain"), "{settings:?}");
        assert_eq!(text("two".into()).as_deref(), Some("decorated"));
        assert_eq!(text(3_i64.into()).as_deref(), Some("decorated again"));
        assert_eq!(text("five".into()).as_deref(), Some("deleted and put at once"));
        assert_eq!(tool().size(&flow.name).unwrap(), 4);

        send(&[(decorated(&keys[0]), None), (keys[1].clone(), None), (decorated(&keys[4]), None)]);
        assert_eq!(text(3_i64.into()).as_deref(), Some("decorated again"));
        assert_eq!(tool().size(&flow.name).unwrap(), 1);
        send(&[(keys[2].clone(), None)]);
        assert_eq!(tool().size(&flow.name).unwrap(), 0);
    }
}

#[test]
fn decorated_values_are_stored_undecorated() {
    require_peers!();
    let pof = [("key.converter", POF), ("value.converter", POF)];
    for settings in [PASS_THROUGH, &pof] {
        let flow = Flow::new(shared::kafka(), shared::grid(), "decorated-values", 1);
        let value = bytes(5_i64);
        assert_eq!(value.len(), 3);
        let expiry = [0; 8];
        let forms = [
            ("plain", value.clone()),
            ("with an expiry", [&[0x12, 0x03, 0x03], &value[..], &[0x08], &expiry].concat()),
            ("in write-behind", [&[0x12, 0x05, 0x03], &value[..], &[0x03, 0x15, 0x4A, 0x00]].concat()),
            ("extended", [&[0x13, 0x81, 0x80, 0x02, 0x03], &value[..], &[0x01, 0x07]].concat()),
        ];
        let records = forms.iter().map(|(name, value)| (Some(bytes(*name)), Some(value)));
        shared::kafka().produce(&flow.name, records).unwrap();
        let sink = flow.start(&[], settings);
        delivered(&sink, &flow.name, &flow.name);
        for (name, _) in &forms {
            assert_eq!(tool().stored(&flow.name, *name).unwrap().unwrap(), value, "{name}");
            assert_eq!(tool().get(&flow.name, *name).unwrap().unwrap().class, "java.lang.Long");
        }
        assert_eq!(tool().size(&flow.name).unwrap(), forms.len() as u64);
    }
}

#[test]
fn a_pass_through_entry_is_stored_byte_for_byte() {
    require_peers!();
    let flow = Flow::new(shared::kafka(), shared::grid(), "verbatim", 1);
    // A user type that nobody knows, and a number written longer than it needs to be.
    let values = [
        ("unknown type", vec![0x15, 0x8F, 0x4E, 0x00, 0x00, 0x41, 0x05, 0x40]),
        ("long form", vec![0x15, 0x41, 0x85, 0x80, 0x00]),
    ];
    let records = values.iter().map(|(key, value)| (Some(bytes(*key)), Some(value)));
    shared::kafka().produce(&flow.name, records).unwrap();
    let sink = flow.start(&[], PASS_THROUGH);
    delivered(&sink, &flow.name, &flow.name);
    for (key, value) in &values {
        assert_eq!(tool().stored(&flow.name, *key).unwrap().as_ref(), Some(value));
    }
    assert_eq!(tool().get(&flow.name, "long form").unwrap().unwrap().text, "5");
}
