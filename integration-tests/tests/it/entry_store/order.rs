//! A million operations from eight threads.

use std::time::Instant;

use futures::executor::block_on;
use integration_tests::require_peers;
use integration_tests::sandbox::unique;
use integration_tests::shared;

use super::*;

const THREADS: u64 = 8;
const OPERATIONS: u64 = 1_000_000;
const KEYS: u64 = 20_000;

/// One entry of a map that stores what happens to it: its lock is what orders the calls for it.
#[derive(Default)]
struct Slot {
    /// Number of operations on this key.
    version: i64,
    value: Option<i64>,
}

#[test]
fn a_million_operations_of_eight_threads_replay_to_the_map_and_keep_the_order_of_each_key() {
    require_peers!();
    let (kafka, topic) = (shared::kafka(), unique("store-million"));
    kafka.create_topic(&topic, 8).unwrap();
    let store =
        builder(kafka, &topic).pass_through().setting("queue.buffering.max.kbytes", "8192").build().unwrap();
    let map: Vec<Mutex<Slot>> = (0..KEYS).map(|_| Mutex::default()).collect();
    let (outcomes, observer) = Outcomes::new();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, map, observer) = (&store, &map, &observer);
            scope.spawn(move || {
                let mut random = thread + 1;
                for _ in 0..OPERATIONS / THREADS {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    operate(store, map, observer, random >> 33);
                }
            });
        }
    });
    outcomes.wait_for(OPERATIONS as usize);
    let stats = store.stats();
    println!(
        "{OPERATIONS} operations in {:?}, {} found the store full at first",
        begun.elapsed(),
        stats.failures.full
    );
    assert_eq!(stats.acknowledged, OPERATIONS);
    assert_eq!((stats.in_flight, stats.failures.total()), (0, stats.failures.full));
    let mut topic = by_key(kafka.records(&topic).unwrap());
    for (key, slot) in map.iter().enumerate() {
        let slot = slot.lock();
        let values = topic.remove(&(key as i32)).unwrap_or_default();
        assert_eq!(values.len() as i64, slot.version, "key {key}");
        assert_eq!(values.last().copied().flatten(), slot.value, "key {key}");
        // A put has its version as its value, so the order is total.
        assert!(
            (0..).zip(&values).all(|(version, value)| value.is_none_or(|value| value == version)),
            "key {key}"
        );
    }
    assert!(topic.is_empty());
}

fn operate(store: &KafkaEntryStore, map: &[Mutex<Slot>], observer: &Arc<dyn StoreObserver>, random: u64) {
    let key = random % KEYS;
    let mut slot = map[key as usize].lock();
    let put = !(random / KEYS).is_multiple_of(5);
    let update = slot.value.is_some();
    slot.value = put.then_some(slot.version);
    slot.version += 1;
    loop {
        block_on(store.room());
        let retry = Arc::new(Retry { observer: observer.clone(), full: Mutex::new(false) });
        let observer: Arc<dyn StoreObserver> = retry.clone();
        match slot.value {
            Some(value) => store.store(BinaryEntry { update, ..entry(&(key as i32), &value) }, &observer),
            None => store.erase(removed(&(key as i32)), &observer),
        }
        if !*retry.full.lock() {
            return;
        }
    }
}

/// Keeps to itself that there was no room, which is told before the call returns.
struct Retry {
    observer: Arc<dyn StoreObserver>,
    full: Mutex<bool>,
}

impl StoreObserver for Retry {
    fn on_next(&self, entry: BinaryEntry) {
        self.observer.on_next(entry);
    }

    fn on_error(&self, entry: BinaryEntry, error: StoreError) {
        if error == StoreError::Full {
            *self.full.lock() = true;
        } else {
            self.observer.on_error(entry, error);
        }
    }
}
