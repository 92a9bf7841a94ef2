//! The broker dies while entries are on their way.

use std::collections::HashSet;

use coherence_kafka_core::AsyncEntryStore;
use futures::executor::block_on;
use integration_tests::kafka::KafkaOptions;
use integration_tests::require_peers;
use integration_tests::sandbox::unique;
use integration_tests::wait::eventually;

use super::*;

const KEYS: i64 = 500;

/// Stores `from..to` as values, each key's in ascending order, waiting for room.
fn submit(store: &KafkaEntryStore, observer: &Arc<dyn StoreObserver>, values: std::ops::Range<i64>) {
    for value in values {
        block_on(store.room());
        store.store(entry(&((value % KEYS) as i32), &value), observer);
    }
}

#[test]
fn a_broker_that_dies_and_comes_back_loses_doubles_and_reorders_nothing() {
    require_peers!();
    let mut kafka = Kafka::start(KafkaOptions::default()).unwrap();
    let topic = unique("store-outage");
    kafka.create_topic(&topic, 4).unwrap();
    let store =
        builder(&kafka, &topic).pass_through().setting("reconnect.backoff.max.ms", "500").build().unwrap();
    let (outcomes, observer) = Outcomes::new();
    let half = 20_000;
    submit(&store, &observer, 0..half);
    eventually(LONG, "some are acknowledged", || outcomes.told.lock().acknowledged > 100);
    kafka.kill().unwrap();
    submit(&store, &observer, half..2 * half);
    kafka.restart().unwrap();
    outcomes.wait_for(2 * half as usize);
    assert_eq!(outcomes.told.lock().failed, []);
    let topic = by_key(kafka.records(&topic).unwrap());
    for key in 0..KEYS {
        let expected: Vec<_> = (0..2 * half).filter(|value| value % KEYS == key).map(Some).collect();
        assert_eq!(topic[&(key as i32)], expected, "key {key}");
    }
}

#[test]
fn while_the_broker_is_gone_every_entry_is_reported_and_none_that_was_acknowledged_is_missing() {
    require_peers!();
    let mut kafka = Kafka::start(KafkaOptions::default()).unwrap();
    let topic = unique("store-gone");
    kafka.create_topic(&topic, 4).unwrap();
    let store = builder(&kafka, &topic)
        .pass_through()
        .setting("message.timeout.ms", "2000")
        .setting("reconnect.backoff.max.ms", "500")
        .build()
        .unwrap();
    let (outcomes, observer) = Outcomes::new();
    submit(&store, &observer, 0..20_000);
    eventually(LONG, "some are acknowledged", || outcomes.told.lock().acknowledged > 100);
    kafka.kill().unwrap();
    submit(&store, &observer, 20_000..20_500);
    outcomes.wait_for(20_500);
    let failed: HashSet<i64> = {
        let told = outcomes.told.lock();
        assert!(told.failed.len() >= 500 && told.failed.iter().all(|(_, error)| error.is_retriable()));
        told.failed.iter().map(|(entry, _)| object(entry.value.as_deref().unwrap())).collect()
    };
    kafka.restart().unwrap();
    // The producer goes on, whatever its losses were. Its broker may need longer to lead again than an entry lives.
    let mut next = 20_500;
    eventually(LONG, "an entry is stored again", || {
        next += 1;
        block_on(AsyncEntryStore::of(&store).store(entry(&0, &next))).is_ok()
    });
    let again = (0..KEYS).map(|key| entry(&(key as i32), &(next + 1 + key))).collect();
    let again = wait(AsyncEntryStore::of(&store).store_all(again));
    assert!(again.iter().all(Result::is_ok), "{:?}", again.iter().find(|outcome| outcome.is_err()));
    assert_eq!(wait(store.close(LONG)), 0);
    for (key, values) in by_key(kafka.records(&topic).unwrap()) {
        let values: Vec<i64> = values.into_iter().flatten().collect();
        assert!(values.is_sorted_by(|one, next| one < next), "key {key}: {values:?}");
        let there: HashSet<i64> = values.into_iter().collect();
        let missing = (0..20_500).filter(|value| value % KEYS == i64::from(key) && !there.contains(value));
        assert!(
            missing.clone().all(|value| failed.contains(&value)),
            "key {key}: {:?}",
            missing.collect::<Vec<_>>()
        );
    }
}
