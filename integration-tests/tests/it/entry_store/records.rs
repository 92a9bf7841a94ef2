//! Bytes, headers and partitions.

use coherence_kafka_common::decoration::int_decorated_key;
use coherence_kafka_common::pass_through::Part;
use coherence_kafka_common::serializer::registry;
use coherence_kafka_core::{AsyncEntryStore, KeyForm};
use integration_tests::require_peers;
use integration_tests::sandbox::unique;
use integration_tests::shared;

use super::*;

#[test]
fn stores_updates_and_removals_are_records_with_their_event() {
    require_peers!();
    let (kafka, topic) = (shared::kafka(), unique("store-events"));
    kafka.create_topic(&topic, 1).unwrap();
    let store = builder(kafka, &topic).pass_through().ttl_header("ttl").build().unwrap();
    let first = entry(&1, &"a");
    let second = BinaryEntry { update: true, expiry: Expiry::After(LONG), ..entry(&1, &"b") };
    wait(async {
        let awaiting = AsyncEntryStore::of(&store);
        awaiting.store(first.clone()).await.unwrap();
        awaiting.store(second.clone()).await.unwrap();
        awaiting.erase(second.clone()).await.unwrap();
        let hundred = (0..100).map(|n| entry(&n, &"c")).collect();
        assert!(awaiting.store_all(hundred).await.iter().all(Result::is_ok));
    });
    let records = kafka.records(&topic).unwrap();
    assert_eq!(records.len(), 103);
    let [one, two, three, ..] = &records[..] else { panic!("{} records", records.len()) };
    assert_eq!((&one.key, &one.value), (&Some(first.key.to_vec()), &Some(first.value.unwrap().to_vec())));
    assert_eq!(two.value.as_deref(), second.value.as_deref());
    assert_eq!((&three.key, &three.value), (&Some(second.key.to_vec()), &None));
    assert_eq!([one, two, three].map(event), ["INSERT", "UPDATE", "DELETE"]);
    assert_eq!(one.headers.len(), 1);
    assert_eq!(two.headers[1], ("ttl".to_owned(), Some(LONG.as_millis().to_string().into_bytes())));
    assert_eq!(three.headers.len(), 1);
}

#[test]
fn keys_in_pass_through_are_plain_or_as_java_decorates_them() {
    require_peers!();
    let kafka = shared::kafka();
    let plain = entry(&"k", &"v");
    let mut decorated = plain.clone();
    // The hash of a backing map's key, which need not be the key's own.
    decorated.key = int_decorated_key(&plain.key, 77).into();
    let natural = int_decorated_key(&plain.key, coherence_kafka_common::binary::natural_hash(&plain.key));
    for (form, expected) in [
        (KeyForm::Plain, [plain.key.to_vec(), plain.key.to_vec()]),
        (KeyForm::Decorated, [natural, decorated.key.to_vec()]),
    ] {
        let topic = unique("store-keys");
        kafka.create_topic(&topic, 1).unwrap();
        let store = builder(kafka, &topic).pass_through().key_form(form).build().unwrap();
        let entries = vec![plain.clone(), decorated.clone()];
        assert!(wait(AsyncEntryStore::of(&store).erase_all(entries)).iter().all(Result::is_ok));
        let keys: Vec<_> =
            kafka.records(&topic).unwrap().into_iter().filter_map(|record| record.key).collect();
        assert_eq!(keys, expected, "{form:?}");
    }
}

#[test]
fn what_cannot_be_serialized_is_reported_and_what_is_around_it_stored() {
    require_peers!();
    let (kafka, topic) = (shared::kafka(), unique("store-bad"));
    kafka.create_topic(&topic, 1).unwrap();
    let none = BTreeMap::new();
    let store = builder(kafka, &topic)
        .key_serializer(registry::serializer("IntegerSerializer", Part::Key, &none).unwrap())
        .value_serializer(registry::serializer("StringSerializer", Part::Value, &none).unwrap())
        .build()
        .unwrap();
    let entries = vec![entry(&1, &"a"), entry(&2, &2), entry(&"3", &"c"), entry(&4, &"d")];
    let outcomes = wait(AsyncEntryStore::of(&store).store_all(entries));
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, true]);
    let records = kafka.records(&topic).unwrap();
    let bytes: Vec<_> =
        records.into_iter().map(|record| (record.key.unwrap(), record.value.unwrap())).collect();
    assert_eq!(bytes, [(vec![0, 0, 0, 1], b"a".to_vec()), (vec![0, 0, 0, 4], b"d".to_vec())]);
}

#[test]
fn a_missing_topic_is_reported_in_time() {
    require_peers!();
    let store = builder(shared::kafka(), &unique("store-nowhere"))
        .pass_through()
        .setting("message.timeout.ms", "20000")
        .setting("topic.metadata.propagation.max.ms", "500")
        .build()
        .unwrap();
    let error = wait(AsyncEntryStore::of(&store).store(entry(&1, &"a"))).unwrap_err();
    assert!(matches!(error, StoreError::Blocked(_)), "{error}");
}

#[test]
fn a_record_that_the_broker_will_not_have_is_refused_and_its_neighbours_are_stored() {
    require_peers!();
    let (kafka, topic) = (shared::kafka(), unique("store-large"));
    kafka.create_topic(&topic, 1).unwrap();
    // The broker's limit is a megabyte and some bytes, the producer's is raised.
    let store =
        builder(kafka, &topic).pass_through().setting("message.max.bytes", "5000000").build().unwrap();
    let large = "x".repeat(2_000_000);
    let outcome = |entry: BinaryEntry| wait(AsyncEntryStore::of(&store).store(entry));
    assert_eq!(outcome(entry(&1, &"a")), Ok(()));
    let refused = outcome(entry(&2, &large)).unwrap_err();
    assert!(
        matches!(&refused, StoreError::Refused(why) if why.contains("the broker accepts no record of this size")),
        "{refused}"
    );
    let refused = outcome(entry(&2, &large.repeat(3))).unwrap_err();
    assert!(
        matches!(&refused, StoreError::Refused(why) if why.contains("max.request.size (message.max.bytes) is 5000000")),
        "{refused}"
    );
    assert_eq!(outcome(entry(&3, &"c")), Ok(()));
    // The limit of the broker is for what arrives there.
    let compressed = builder(kafka, &topic).pass_through().setting("message.max.bytes", "5000000");
    let compressed = compressed.setting("compression.type", "lz4").build().unwrap();
    assert_eq!(wait(AsyncEntryStore::of(&compressed).store(entry(&4, &large))), Ok(()));
    let keys: Vec<i32> =
        kafka.records(&topic).unwrap().into_iter().map(|record| object(&record.key.unwrap())).collect();
    assert_eq!(keys, [1, 3, 4]);
}

#[test]
fn keys_have_the_bytes_and_the_partitions_that_javas_producer_gives_them() {
    require_peers!();
    const KEYS: i32 = 1_000;
    let (kafka, none) = (shared::kafka(), BTreeMap::new());
    let golden = 0x9E37_79B9_7F4A_7C15_u64.cast_signed();
    let golden_int = 0x9E37_79B1_u32.cast_signed();
    // As KeyTool.java makes them.
    let key = |kind: &str, n: i32| match kind {
        "string" => PofValue::String(format!("kéy-{n}")),
        "integer" => PofValue::Int32(n.wrapping_mul(golden_int)),
        "long" => PofValue::Int64(i64::from(n).wrapping_mul(golden)),
        _ => PofValue::Float64(f64::from(n) / 7.0),
    };
    for kind in ["string", "integer", "long", "double"] {
        let (theirs, ours) = (unique(&format!("java-{kind}")), unique(&format!("store-{kind}")));
        for topic in [&theirs, &ours] {
            kafka.create_topic(topic, 13).unwrap();
        }
        kafka.produce_in_java(&theirs, kind, KEYS as usize).unwrap();
        let store = builder(kafka, &ours)
            .key_serializer(registry::serializer(kind, Part::Key, &none).unwrap())
            .value_serializer(registry::serializer("string", Part::Value, &none).unwrap())
            .build()
            .unwrap();
        let entries = (0..KEYS).map(|n| entry(&key(kind, n), &n.to_string())).collect();
        assert!(wait(AsyncEntryStore::of(&store).store_all(entries)).iter().all(Result::is_ok));
        let read = |topic: &str| -> Vec<_> {
            let records = kafka.records(topic).unwrap().into_iter();
            records.map(|record| (record.partition, record.key, record.value)).collect()
        };
        let (theirs, ours) = (read(&theirs), read(&ours));
        assert_eq!(theirs.len(), KEYS as usize, "{kind}");
        assert!(theirs == ours, "keys of {kind} differ in bytes, partition or order");
    }
}
