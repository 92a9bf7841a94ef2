use std::time::Duration;

use coherence_kafka_rdkafka::testing::Mock;
use futures::FutureExt as _;
use futures::future::{BoxFuture, pending, ready};

use super::*;
use crate::kafka_entry_store::KafkaEntryStore;
use crate::testing::{entry, removed, wait};

fn store(mock: &Mock, max_block: Duration, kbytes: &str) -> KafkaEntryStore {
    mock.topic("t", 1);
    KafkaEntryStore::builder("t")
        .pass_through()
        .setting("bootstrap.servers", mock.servers())
        .setting("queue.buffering.max.kbytes", kbytes)
        .setting("reconnect.backoff.max.ms", "200")
        .max_block(max_block)
        .build()
        .unwrap()
}

#[test]
fn each_operation_is_ready_with_its_outcome() {
    let mock = Mock::start();
    let store = store(&mock, Duration::from_secs(60), "1024");
    let awaiting = AsyncEntryStore::of(&store);
    wait(async {
        assert_eq!(awaiting.store(entry(1, "a")).await, Ok(()));
        assert_eq!(awaiting.erase(removed(1)).await, Ok(()));
        assert_eq!(awaiting.load(removed(1)).await, Err(StoreError::Unsupported("load")));
        let mut bad = entry(2, "");
        bad.value = Some(bytes::Bytes::new());
        let outcomes = awaiting.store_all(vec![entry(1, "b"), bad, entry(1, "c")]).await;
        assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(awaiting.erase_all(vec![removed(1), removed(2)]).await, [Ok(()), Ok(())]);
        assert_eq!(awaiting.load_all(vec![removed(1)]).await, [Err(StoreError::Unsupported("load"))]);
        assert_eq!(awaiting.store_all(Vec::new()).await, []);
    });
    let records = mock.records("t", 1);
    assert_eq!(
        records.iter().map(|r| r.value.is_some()).collect::<Vec<_>>(),
        [true, false, true, true, false, false]
    );
}

#[test]
fn more_entries_than_there_is_room_for_are_stored_in_order() {
    let mock = Mock::start();
    let store = store(&mock, Duration::from_secs(60), "4");
    let entries: Vec<_> = (0..300).map(|n| entry(7, &n.to_string())).collect();
    let outcomes = wait(AsyncEntryStore::of(&store).store_all(entries.clone()));
    assert!(outcomes.iter().all(Result::is_ok));
    let values: Vec<_> = mock.records("t", 1).into_iter().filter_map(|record| record.value).collect();
    assert_eq!(values, entries.into_iter().map(|entry| entry.value.unwrap().to_vec()).collect::<Vec<_>>());
}

#[test]
fn without_room_in_time_the_entries_are_refused_as_full() {
    let mock = Mock::start();
    let store = store(&mock, Duration::from_millis(200), "4");
    mock.down();
    let wait_for_outcomes = async {
        let awaiting = AsyncEntryStore::of(&store);
        let outcomes = awaiting.store_all((0..40).map(|n| entry(n, "a")).collect());
        let close = async {
            // Only what was taken is given up by it.
            tokio::time::sleep(Duration::from_millis(400)).await;
            crate::EntryStore::close(&store, Duration::ZERO).await
        };
        futures::join!(outcomes, close)
    };
    let (outcomes, closed) = wait(wait_for_outcomes);
    let full = outcomes.iter().filter(|outcome| **outcome == Err(StoreError::Full)).count();
    assert_eq!(full + closed, 40);
    assert!(full > 20 && closed > 5, "{full} found no room, {closed} were taken");
}

/// Has no room for one entry, for ever, and takes all others.
#[derive(Debug)]
struct RefusesOne {
    refused: BinaryEntry,
    stored: Mutex<Vec<BinaryEntry>>,
}

impl EntryStore for RefusesOne {
    fn store(&self, entry: BinaryEntry, observer: &Arc<dyn StoreObserver>) {
        if entry == self.refused {
            return observer.on_error(entry, StoreError::Full);
        }
        self.stored.lock().push(entry.clone());
        observer.on_next(entry);
    }

    fn erase(&self, entry: BinaryEntry, observer: &Arc<dyn StoreObserver>) {
        self.store(entry, observer);
    }

    fn load(&self, entry: BinaryEntry, observer: &Arc<dyn StoreObserver>) {
        observer.on_error(entry, StoreError::Unsupported("load"));
    }

    fn room(&self) -> BoxFuture<'_, ()> {
        pending().boxed()
    }

    fn max_block(&self) -> Duration {
        Duration::from_millis(20)
    }

    fn flush(&self) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }

    fn close(&self, _: Duration) -> BoxFuture<'_, usize> {
        ready(0).boxed()
    }
}

#[test]
fn what_comes_behind_an_entry_that_found_no_room_in_time_does_not_overtake_it() {
    let store = RefusesOne { refused: entry(1, "b"), stored: Mutex::default() };
    let entries = vec![entry(1, "a"), entry(1, "b"), entry(1, "c")];
    let outcomes = wait(AsyncEntryStore::of(&store).store_all(entries));
    assert_eq!(outcomes, [Ok(()), Err(StoreError::Full), Err(StoreError::Full)]);
    assert_eq!(*store.stored.lock(), [entry(1, "a")]);
}
