//! Against librdkafka's mock cluster: see `kafka/mock.rs` for what that cannot show.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Once};
use std::time::Instant;

use coherence_kafka_common::map::Expiry;
use coherence_kafka_common::pof::PofContext;
use coherence_kafka_common::pof::serde::from_binary;
use coherence_kafka_rdkafka::testing::{Mock, MockRecord};
use futures::FutureExt as _;
use proptest::prelude::*;

use super::*;
use crate::entry_store::EntryStore;
use crate::kafka_entry_store::KafkaEntryStore;
use crate::testing::{SOON, Seen, entry, removed, wait};

mod failures;
mod observers;

const TOPIC: &str = "t";
const PARTITIONS: i32 = 4;

fn mock() -> Mock {
    let mock = Mock::start();
    mock.topic(TOPIC, PARTITIONS);
    mock
}

fn store(servers: &str, settings: &[(&str, &str)]) -> KafkaEntryStore {
    settings
        .iter()
        .fold(KafkaEntryStore::builder(TOPIC).pass_through(), |builder, (key, value)| {
            builder.setting(*key, *value)
        })
        .setting("bootstrap.servers", servers)
        .setting("reconnect.backoff.max.ms", "200")
        .build()
        .unwrap()
}

/// Nobody listens there.
const NOWHERE: &str = "127.0.0.1:1";

fn number(record: &MockRecord) -> i32 {
    from_binary(&PofContext::default(), &record.key).unwrap()
}

fn text(binary: &[u8]) -> String {
    from_binary(&PofContext::default(), binary).unwrap()
}

/// The values of each key, in the order of the topic; none is a tombstone.
fn by_key(records: &[MockRecord]) -> BTreeMap<i32, Vec<Option<String>>> {
    let mut by_key: BTreeMap<i32, Vec<Option<String>>> = BTreeMap::new();
    let mut partition_of = BTreeMap::new();
    for record in records {
        let key = number(record);
        assert_eq!(*partition_of.entry(key).or_insert(record.partition), record.partition);
        by_key.entry(key).or_default().push(record.value.as_deref().map(text));
    }
    by_key
}

#[test]
fn each_entry_is_a_record_and_has_one_outcome() {
    let mock = mock();
    let store = store(&mock.servers(), &[]);
    let (seen, observer) = Seen::new();
    store.store_all((0..1_000).map(|n| entry(n % 100, &n.to_string())).collect(), &observer);
    store.erase_all((0..50).map(removed).collect(), &observer);
    assert!(seen.wait_for(1_050).iter().all(|(_, outcome)| outcome.is_ok()));
    let records = mock.records(TOPIC, PARTITIONS);
    assert_eq!(records.len(), 1_050);
    for (key, values) in by_key(&records) {
        let mut expected: Vec<_> = (0..10).map(|n| Some((n * 100 + key).to_string())).collect();
        expected.extend((key < 50).then_some(None));
        assert_eq!(values, expected);
    }
    let stats = store.stats();
    assert_eq!((stats.acknowledged, stats.deletes, stats.in_flight), (1_050, 50, 0));
    assert_eq!(stats.failures.total(), 0);
    let bytes: usize = records.iter().map(|r| r.key.len() + r.value.as_ref().map_or(0, Vec::len)).sum();
    assert_eq!(stats.bytes, bytes as u64);
}

#[test]
fn the_headers_of_a_reported_record_come_back_only_for_one_with_the_same() {
    let mock = mock();
    let store = KafkaEntryStore::builder(TOPIC)
        .pass_through()
        .ttl_header("ttl")
        .setting("bootstrap.servers", mock.servers())
        .build()
        .unwrap();
    let (_, observer) = Seen::new();
    let expected = |n: i32| {
        let event = ["INSERT", "UPDATE", "DELETE"][n as usize % 3];
        let mut headers = vec![("event".to_owned(), Some(event.as_bytes().to_vec()))];
        if n % 4 == 0 && event != "DELETE" {
            headers.push(("ttl".to_owned(), Some((n + 1).to_string().into_bytes())));
        }
        headers
    };
    for round in 0..4 {
        for n in round * 30..(round + 1) * 30 {
            if n % 3 == 2 {
                store.erase(removed(n), &observer);
                continue;
            }
            let expiry =
                if n % 4 == 0 { Expiry::After(Duration::from_millis(n as u64 + 1)) } else { Expiry::Default };
            store.store(BinaryEntry { update: n % 3 == 1, expiry, ..entry(n, "v") }, &observer);
        }
        wait(store.flush());
    }
    let records = mock.records(TOPIC, PARTITIONS);
    assert_eq!(records.len(), 120);
    for record in records {
        assert_eq!(record.headers, expected(number(&record)), "{}", number(&record));
    }
}

#[test]
fn many_threads_keep_the_order_of_each_key() {
    const THREADS: i32 = 8;
    const KEYS: i32 = 16;
    let mock = mock();
    let store = store(&mock.servers(), &[("linger.ms", "0")]);
    let (seen, observer) = Seen::new();
    // What orders the calls for a key, as a map would: its lock, and the number of its next value.
    let keys: Vec<Mutex<usize>> = (0..KEYS).map(|_| Mutex::new(0)).collect();
    mock.stumble(5);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, observer, keys) = (&store, &observer, &keys);
            scope.spawn(move || {
                for step in 0..250 {
                    let key = (step * 7 + thread * 3) % KEYS;
                    let mut next = keys[key as usize].lock();
                    store.store(entry(key, &next.to_string()), observer);
                    *next += 1;
                }
            });
        }
    });
    assert!(seen.wait_for(2_000).iter().all(|(_, outcome)| outcome.is_ok()));
    for (key, values) in by_key(&mock.records(TOPIC, PARTITIONS)) {
        let expected: Vec<_> = (0..*keys[key as usize].lock()).map(|n| Some(n.to_string())).collect();
        assert_eq!(values, expected, "key {key}");
    }
}

#[test]
fn a_full_store_refuses_at_once_and_has_room_again_when_the_broker_answers() {
    let mock = mock();
    mock.down();
    let store = store(&mock.servers(), &[("queue.buffering.max.kbytes", "16")]);
    let (seen, observer) = Seen::new();
    assert!(store.room().now_or_never().is_some());
    store.store_all((0..100).map(|n| entry(n, "a")).collect(), &observer);
    let full = seen.count();
    assert!((50..70).contains(&full), "{full} of 100 entries of at least 400 bytes found no room in 16 KiB");
    let told = seen.wait_for(full);
    assert!(told.iter().all(|(_, outcome)| *outcome == Err(StoreError::Full)));
    assert_eq!(told[0].0, entry(100 - full as i32, "a"), "the first ones were taken");
    assert!(store.room().now_or_never().is_none());
    mock.up();
    wait(store.room());
    wait(store.flush());
    assert_eq!(seen.wait_for(100).iter().filter(|(_, outcome)| outcome.is_ok()).count(), 100 - full);
    assert_eq!(mock.records(TOPIC, PARTITIONS).len(), 100 - full);
    assert_eq!(store.stats().failures.full, full as u64);
    assert_eq!(store.stats().in_flight, 0);
}

#[test]
fn once_a_call_has_found_the_store_full_nothing_more_of_it_is_taken_though_there_is_room_again() {
    /// Holds the call up between the first entry without room and the next ones.
    struct HoldsUp {
        seen: Arc<Seen>,
        first: Once,
        turn: Arc<Barrier>,
    }
    impl StoreObserver for HoldsUp {
        fn on_next(&self, entry: BinaryEntry) {
            self.seen.on_next(entry);
        }
        fn on_error(&self, entry: BinaryEntry, error: StoreError) {
            self.seen.on_error(entry, error);
            self.first.call_once(|| {
                self.turn.wait();
                self.turn.wait();
            });
        }
    }
    let mock = mock();
    mock.down();
    let store = store(&mock.servers(), &[("queue.buffering.max.kbytes", "16")]);
    let (seen, _) = Seen::new();
    let turn = Arc::new(Barrier::new(2));
    let observer: Arc<dyn StoreObserver> =
        Arc::new(HoldsUp { seen: seen.clone(), first: Once::new(), turn: turn.clone() });
    std::thread::scope(|scope| {
        // More than are handed over under one lock: a key of the last ones could otherwise come before its older values.
        scope.spawn(|| store.store_all((0..600).map(|n| entry(n, "a")).collect(), &observer));
        turn.wait();
        mock.up();
        wait(store.flush());
        assert!(store.room().now_or_never().is_some());
        turn.wait();
    });
    let told = seen.wait_for(600);
    let taken = mock.records(TOPIC, PARTITIONS).len();
    assert!(
        (30..50).contains(&taken),
        "{taken} entries of at least 400 bytes were taken with room for 16 KiB"
    );
    for (entry, outcome) in &told {
        let number: i32 = from_binary(&PofContext::default(), &entry.key).unwrap();
        assert_eq!(outcome.is_ok(), (number as usize) < taken, "{number}: {outcome:?}");
    }
}

#[test]
fn who_waits_for_room_alone_never_finds_the_store_full() {
    let mock = mock();
    let store = store(&mock.servers(), &[("queue.buffering.max.kbytes", "4"), ("linger.ms", "0")]);
    let (seen, observer) = Seen::new();
    for n in 0..200 {
        wait(store.room());
        store.store(entry(n, &"x".repeat(n as usize * 7 % 3_000)), &observer);
    }
    assert!(seen.wait_for(200).iter().all(|(_, outcome)| outcome.is_ok()));
}

#[test]
fn close_reports_what_is_not_acknowledged_before_its_deadline() {
    let store = store(NOWHERE, &[]);
    let (seen, observer) = Seen::new();
    store.store_all((0..100).map(|n| entry(n, "a")).collect(), &observer);
    let begun = Instant::now();
    assert_eq!(wait(store.close(Duration::from_millis(300))), 100);
    assert!(begun.elapsed() < SOON);
    assert!(seen.wait_for(100).iter().all(|(_, outcome)| *outcome == Err(StoreError::Closed)));
    store.store(entry(1, "late"), &observer);
    store.erase(removed(1), &observer);
    assert!(seen.wait_for(102).iter().all(|(_, outcome)| *outcome == Err(StoreError::Closed)));
    assert!(store.room().now_or_never().is_some(), "nobody waits for room in a closed store");
    assert_eq!(wait(store.close(SOON)), 0);
    assert_eq!(store.stats().in_flight, 0);
}

#[test]
fn close_waits_for_the_acknowledgements() {
    let mock = mock();
    let store = store(&mock.servers(), &[("linger.ms", "300")]);
    let (seen, observer) = Seen::new();
    store.store_all((0..100).map(|n| entry(n, "a")).collect(), &observer);
    assert_eq!(wait(store.close(SOON)), 0);
    assert_eq!(seen.count(), 100);
    assert!(seen.wait_for(100).iter().all(|(_, outcome)| outcome.is_ok()));
    assert_eq!(mock.records(TOPIC, PARTITIONS).len(), 100);
}

#[test]
fn a_store_that_is_dropped_reports_before_the_drop_returns() {
    let store = store(NOWHERE, &[]);
    let (seen, observer) = Seen::new();
    store.store_all((0..100).map(|n| entry(n, "a")).collect(), &observer);
    drop(store);
    assert_eq!(seen.count(), 100);
    assert!(seen.wait_for(100).iter().all(|(_, outcome)| *outcome == Err(StoreError::Closed)));
}

#[test]
fn an_entry_without_a_record_is_reported_and_its_neighbours_are_stored() {
    let mock = mock();
    let store = store(&mock.servers(), &[]);
    let (seen, observer) = Seen::new();
    let mut bad = entry(2, "b");
    bad.value = Some(bytes::Bytes::new());
    store.store_all(vec![entry(1, "a"), bad, entry(3, "c")], &observer);
    store.load(removed(1), &observer);
    let failed: Vec<_> = seen.wait_for(4).into_iter().filter_map(|(_, outcome)| outcome.err()).collect();
    assert_eq!(failed.len(), 2);
    assert!(failed.contains(&StoreError::Unsupported("load")));
    assert_eq!(by_key(&mock.records(TOPIC, PARTITIONS)).into_keys().collect::<Vec<_>>(), [1, 3]);
    assert_eq!((store.stats().failures.bad_entry, store.stats().failures.unsupported), (1, 1));
}

/// Waits until the producer has taken its failure to heart.
fn failed(store: &KafkaEntryStore) {
    store.producer().fail();
}

#[test]
fn after_a_fatal_error_every_entry_has_its_outcome_and_later_ones_go_to_a_new_producer() {
    let mock = mock();
    // What is on its way when the producer fails is answered afterwards.
    mock.slow(Duration::from_millis(300));
    let store = store(&mock.servers(), &[("linger.ms", "0")]);
    let (seen, observer) = Seen::new();
    for turn in 0..3 {
        let before = (0..100).map(|n| entry(n, &format!("{turn} before"))).collect();
        store.store_all(before, &observer);
        failed(&store);
        let after = (0..100).map(|n| entry(n, &format!("{turn} after"))).collect();
        store.store_all(after, &observer);
        wait(store.flush());
    }
    let told = seen.wait_for(600);
    assert!(told.iter().any(|(_, outcome)| outcome.is_err()), "the failures have struck nothing");
    for (told, outcome) in &told {
        let after = text(told.value.as_deref().unwrap()).ends_with("after");
        assert!(outcome.is_ok() || !after, "{outcome:?}");
        assert!(outcome.is_ok() || matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    }
    let topic = by_key(&mock.records(TOPIC, PARTITIONS));
    for (told, outcome) in &told {
        // The broker answers in time for all that was on its way.
        let key: i32 = from_binary(&PofContext::default(), &told.key).unwrap();
        let there = topic[&key].contains(&told.value.as_deref().map(text));
        assert_eq!(there, outcome.is_ok(), "{key}: {outcome:?}");
    }
    for (key, values) in topic {
        let values: Vec<_> = values.into_iter().flatten().collect();
        assert!(values.is_sorted_by(|one, next| order(one) < order(next)), "{key}: {values:?}");
        assert_eq!(values.iter().filter(|value| value.ends_with("after")).count(), 3);
    }
    assert_eq!(store.stats().in_flight, 0);
    assert_eq!(store.producer().bytes_in_flight(), 0);
}

/// Of a value of the test above: its turn, then whether it was stored after the failure.
fn order(value: &str) -> (&str, bool) {
    (&value[..1], value.ends_with("after"))
}

#[test]
fn what_is_given_after_a_fatal_error_goes_out_in_the_order_of_the_calls() {
    let mock = mock();
    let store = store(&mock.servers(), &[]);
    let (seen, observer) = Seen::new();
    store.store(entry(0, "before"), &observer);
    wait(store.flush());
    failed(&store);
    for n in 0..200 {
        store.store(entry(n % 4, &n.to_string()), &observer);
    }
    wait(store.flush());
    assert!(seen.wait_for(201).iter().all(|(_, outcome)| outcome.is_ok()));
    for (key, mut values) in by_key(&mock.records(TOPIC, PARTITIONS)) {
        values.retain(|value| value.as_deref() != Some("before"));
        let expected: Vec<_> = (0..50).map(|n| Some((n * 4 + key).to_string())).collect();
        assert_eq!(values, expected, "key {key}");
    }
}

#[test]
fn close_reports_what_waits_for_a_new_producer() {
    let store = store(NOWHERE, &[]);
    let (seen, observer) = Seen::new();
    failed(&store);
    store.store_all((0..100).map(|n| entry(n, "a")).collect(), &observer);
    assert_eq!(wait(store.close(Duration::from_millis(1))), 100);
    assert_eq!(seen.wait_for(100).len(), 100);
}

#[test]
fn stores_that_share_a_producer_are_closed_one_by_one() {
    let mock = mock();
    mock.topic("other", 1);
    let settings = [("bootstrap.servers".to_owned(), mock.servers())];
    let producer = Producer::new(settings).unwrap();
    let open = |topic: &str| {
        KafkaEntryStore::builder(topic).pass_through().producer(producer.clone()).build().unwrap()
    };
    let (one, other) = (open(TOPIC), open("other"));
    let (seen, observer) = Seen::new();
    one.store(entry(1, "a"), &observer);
    other.store(entry(2, "b"), &observer);
    assert_eq!(wait(one.close(SOON)), 0);
    one.store(entry(3, "c"), &observer);
    other.store(entry(4, "d"), &observer);
    assert_eq!(wait(producer.close(SOON)), 0);
    let told = seen.wait_for(4);
    assert_eq!(told.iter().filter(|(_, outcome)| outcome.is_ok()).count(), 3);
    assert_eq!(by_key(&mock.records("other", 1)).into_keys().collect::<Vec<_>>(), [2, 4]);
    assert_eq!((one.stats().acknowledged, other.stats().acknowledged), (1, 2));
}

#[test]
fn a_store_that_is_closed_too_early_leaves_its_neighbours_entries_alone() {
    let mock = mock();
    mock.down();
    let producer = Producer::new([("bootstrap.servers".to_owned(), mock.servers())]).unwrap();
    let open = || KafkaEntryStore::builder(TOPIC).pass_through().producer(producer.clone()).build().unwrap();
    let (one, other) = (open(), open());
    let (seen, observer) = Seen::new();
    one.store_all((0..10).map(|n| entry(n, "one")).collect(), &observer);
    other.store_all((0..10).map(|n| entry(n, "other")).collect(), &observer);
    assert_eq!(wait(one.close(Duration::from_millis(1))), 10);
    assert_eq!(seen.count(), 10);
    mock.up();
    wait(other.flush());
    assert_eq!(seen.wait_for(20).iter().filter(|(_, outcome)| outcome.is_ok()).count(), 10);
}

#[test]
fn a_store_is_closed_at_once_though_a_neighbours_topic_is_away() {
    let mock = mock();
    mock.without_topic("away");
    let settings = [
        ("bootstrap.servers".to_owned(), mock.servers()),
        ("topic.metadata.propagation.max.ms".to_owned(), "600000".to_owned()),
        ("message.timeout.ms".to_owned(), "3600000".to_owned()),
    ];
    let producer = Producer::new(settings).unwrap();
    let open = |topic: &str| {
        KafkaEntryStore::builder(topic).pass_through().producer(producer.clone()).build().unwrap()
    };
    let (one, away) = (open(TOPIC), open("away"));
    let (seen, observer) = Seen::new();
    let (_, of_neighbour) = Seen::new();
    away.store(entry(1, "waits for its topic"), &of_neighbour);
    one.store(entry(1, "a"), &observer);
    let begun = Instant::now();
    assert_eq!(wait(one.close(SOON)), 0);
    assert!(begun.elapsed() < SOON, "the close of one store has waited for the other");
    assert!(seen.wait_for(1)[0].1.is_ok());
    assert_eq!(away.stats().in_flight, 1);
}

#[test]
fn bounds_that_are_no_numbers_and_settings_that_librdkafka_refuses_are_told() {
    let error = |name: &str, value: &str| Producer::new([(name.to_owned(), value.to_owned())]).unwrap_err();
    assert_eq!(
        error("queue.buffering.max.kbytes", "many"),
        "queue.buffering.max.kbytes: a whole number was expected"
    );
    assert!(error("no.such.setting", "1").contains("no.such.setting"));
}

#[test]
fn producers_are_idempotent_and_place_keys_as_java_does_unless_told_otherwise() {
    let set = |settings: &[(&str, &str)]| -> BTreeMap<String, String> {
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        prepared(settings.collect()).unwrap().settings.into_iter().collect()
    };
    let plain = set(&[("queue.buffering.max.ms", "7")]);
    assert_eq!(plain["enable.idempotence"], "true");
    assert_eq!(plain["acks"], "all");
    assert_eq!(plain["partitioner"], "murmur2_random");
    assert_eq!(plain["queue.buffering.max.ms"], "7");
    assert_eq!(
        plain["allow.auto.create.topics"], "false",
        "a topic that a broker makes is none of the user's"
    );
    let own =
        set(&[("request.required.acks", "1"), ("enable.idempotence", "false"), ("partitioner", "random")]);
    assert!(!own.contains_key("acks"));
    assert_eq!((&own["enable.idempotence"][..], &own["partitioner"][..]), ("false", "random"));
}

#[test]
fn keys_lie_in_the_partitions_that_are_foretold_and_a_tombstone_in_the_one_that_is_chosen() {
    for partitioner in ["murmur2_random", "consistent_random", "fnv1a"] {
        let mock = mock();
        let store = store(&mock.servers(), &[("partitioner", partitioner)]);
        let (seen, observer) = Seen::new();
        store.store_all((0..50).map(|n| entry(n, "a")).collect(), &observer);
        seen.wait_for(50);
        for record in mock.records(TOPIC, PARTITIONS) {
            assert_eq!(store.partition_of(&record.key, PARTITIONS), Some(record.partition), "{partitioner}");
        }
        for partition in 0..PARTITIONS {
            store.erase_in(partition, removed(1), &observer);
        }
        seen.wait_for(50 + PARTITIONS as usize);
        let tombstones: Vec<_> = mock
            .records(TOPIC, PARTITIONS)
            .into_iter()
            .filter(|record| record.value.is_none())
            .map(|record| record.partition)
            .collect();
        assert_eq!(tombstones, (0..PARTITIONS).collect::<Vec<_>>());
    }
    let random = store("127.0.0.1:1", &[("partitioner", "random")]);
    assert_eq!(random.partition_of(b"k", 3), None);
}

#[derive(Debug, Clone)]
enum Step {
    Store(u8, bool),
    Erase(u8),
    Down,
    Up,
    Fail,
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0_u8..8, prop::bool::weighted(0.1)).prop_map(|(key, bad)| Step::Store(key, bad)),
        4 => (0_u8..8).prop_map(Step::Erase),
        1 => Just(Step::Down),
        2 => Just(Step::Up),
        1 => Just(Step::Fail),
        1 => Just(Step::Flush),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 20, ..ProptestConfig::default() })]

    /// Whatever the broker does: one outcome for each entry; what was acknowledged is in the topic, in order; what is in
    /// the topic was given.
    #[test]
    fn whatever_happens_every_entry_has_one_outcome(steps in prop::collection::vec(step(), 1..60)) {
        let mock = mock();
        let store = store(&mock.servers(), &[("message.timeout.ms", "3000"), ("queue.buffering.max.kbytes", "8")]);
        let (seen, observer) = Seen::new();
        let (mut given, mut down) = (Vec::new(), false);
        for (serial, step) in steps.into_iter().enumerate() {
            match step {
                Step::Store(key, bad) => {
                    let mut entry = entry(key.into(), &serial.to_string());
                    given.push((i32::from(key), Some(serial.to_string())));
                    if bad {
                        entry.value = Some(bytes::Bytes::new());
                    }
                    store.store(entry, &observer);
                }
                Step::Erase(key) => {
                    given.push((i32::from(key), None));
                    store.erase(removed(key.into()), &observer);
                }
                Step::Down => { mock.down(); down = true; }
                Step::Up => { mock.up(); down = false; }
                Step::Fail => store.producer().fail(),
                Step::Flush if !down => wait(store.flush()),
                Step::Flush => {}
            }
        }
        mock.up();
        wait(store.close(SOON));
        let told = seen.wait_for(given.len());
        let topic = by_key(&mock.records(TOPIC, PARTITIONS));
        for key in 0..8 {
            let values = topic.get(&key).cloned().unwrap_or_default();
            let of_key = |entry: &BinaryEntry| from_binary::<i32>(&PofContext::default(), &entry.key).unwrap() == key;
            // Each value was given, in this order.
            let mut calls = given.iter().filter(|(given, _)| *given == key);
            for value in &values {
                prop_assert!(calls.any(|(_, call)| call == value), "{key}: {values:?} of {given:?}");
            }
            let acknowledged = told.iter().filter(|(entry, outcome)| outcome.is_ok() && of_key(entry)).count();
            prop_assert!(acknowledged <= values.len());
            for (entry, outcome) in told.iter().filter(|(entry, _)| of_key(entry)) {
                if let (Ok(()), Some(value)) = (outcome, &entry.value) {
                    prop_assert!(values.contains(&Some(text(value))));
                }
            }
        }
    }
}
