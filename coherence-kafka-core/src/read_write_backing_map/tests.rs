use std::collections::BTreeMap;
use std::task::Poll;

use bytes::Bytes;
use coherence_kafka_common::local::{Clock, LocalOptions, LocalSession, ManualClock};
use coherence_kafka_common::map::{Format, Session as _};
use futures::{StreamExt as _, poll};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::*;
use crate::binary_entry::BinaryEntry;
use crate::error::StoreError;

mod fake_store;
mod write_behind;

use fake_store::{Answer, FakeStore, replayed};

const SOON: Duration = Duration::from_secs(20);
const HOUR: Duration = Duration::from_secs(3600);

fn away() -> StoreError {
    StoreError::Unavailable("the broker is away".to_owned())
}

fn blocked() -> StoreError {
    StoreError::Blocked("topic t does not exist: create it".to_owned())
}

fn refused() -> StoreError {
    StoreError::Refused("too large".to_owned())
}

fn through() -> ReadWriteOptions {
    ReadWriteOptions::default()
}

fn behind(delay: Duration) -> ReadWriteOptions {
    ReadWriteOptions { write_delay: delay, ..ReadWriteOptions::default() }
}

struct World {
    below: Arc<dyn NamedMap>,
    store: FakeStore,
    map: Arc<ReadWriteBackingMap>,
}

impl World {
    async fn new(
        options: ReadWriteOptions,
        behaviour: impl FnMut(&BinaryEntry) -> Answer + Send + 'static,
    ) -> Self {
        Self::over(FakeStore::new(behaviour), options).await
    }

    async fn over(store: FakeStore, options: ReadWriteOptions) -> Self {
        let below = LocalSession::new(Format::Pof).map("map").await.unwrap();
        let map = ReadWriteBackingMap::new(below.clone(), Arc::new(store.clone()), &options).await.unwrap();
        Self { below, store, map: Arc::new(map) }
    }

    async fn put(&self, key: &str, value: &str) -> Result<Option<Bytes>, MapError> {
        self.map.put(key.as_bytes(), value.as_bytes(), Expiry::Default).await
    }

    async fn get(&self, key: &str) -> Option<String> {
        let value = self.below.get(key.as_bytes()).await.unwrap();
        value.map(|value| String::from_utf8(value.to_vec()).unwrap())
    }

    /// What was stored: key, value, and whether it was called an update.
    fn log(&self) -> Vec<(String, Option<String>, bool)> {
        let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
        let log = self.store.log();
        log.iter().map(|entry| (text(&entry.key), entry.value.as_ref().map(text), entry.update)).collect()
    }

    async fn contents(&self) -> BTreeMap<Bytes, Bytes> {
        self.below.entries().map(Result::unwrap).collect::<Vec<_>>().await.into_iter().collect()
    }
}

fn put_of(key: &str, value: &str, update: bool) -> (String, Option<String>, bool) {
    (key.to_owned(), Some(value.to_owned()), update)
}

fn removal_of(key: &str) -> (String, Option<String>, bool) {
    (key.to_owned(), None, true)
}

fn batch(keys: std::ops::Range<u32>, value: &str) -> Arc<Entries> {
    Arc::new(Entries::from_pairs(keys.map(|key| (format!("key-{key}"), value.to_owned()))))
}

async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + SOON;
    while !condition() {
        assert!(Instant::now() < end, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn write_through_answers_when_the_store_has_acknowledged_and_changes_the_map_then() {
    let world = World::new(through(), |_| Answer::Held).await;
    let mut call = Box::pin(world.put("a", "1"));
    assert!(poll!(&mut call).is_pending());
    assert_eq!((world.store.held(), world.get("a").await), (1, None));
    world.store.release(None);
    assert_eq!(call.await, Ok(None));
    assert_eq!(world.get("a").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn every_change_has_its_record_and_the_answer_of_the_map() {
    let world = World::new(through(), |_| Answer::Stored).await;
    let map = &world.map;
    assert_eq!(world.put("a", "1").await, Ok(None));
    assert_eq!(world.put("a", "2").await, Ok(Some("1".into())));
    assert_eq!(map.put_if_absent(b"a", b"3").await, Ok(Some("2".into())));
    assert_eq!(map.put_if_absent(b"b", b"3").await, Ok(None));
    assert_eq!(map.replace(b"c", b"4").await, Ok(None));
    assert_eq!(map.replace(b"b", b"4").await, Ok(Some("3".into())));
    assert_eq!(map.remove(b"a").await, Ok(Some("2".into())));
    assert_eq!(map.remove(b"absent").await, Ok(None));
    let expected = [
        put_of("a", "1", false),
        put_of("a", "2", true),
        put_of("b", "3", false),
        put_of("b", "4", true),
        removal_of("a"),
        removal_of("absent"),
    ];
    assert_eq!(world.log(), expected);
    assert_eq!(map.size().await, Ok(1));
}

#[tokio::test]
async fn with_rollback_the_map_has_nothing_that_was_not_stored() {
    for error in [away(), refused()] {
        let world = World::new(through(), |_| Answer::Stored).await;
        world.put("a", "1").await.unwrap();
        let told = error.clone();
        world.store.behave(move |_| Answer::Failed(told.clone()));
        let answer = world.put("a", "2").await.unwrap_err();
        let reason = error.to_string();
        assert_eq!(answer, MapError::NotStored { index: 0, reason, retriable: error.is_retriable() });
        world.map.remove(b"a").await.unwrap_err();
        world.map.clear().await.unwrap_err();
        assert_eq!(world.get("a").await.as_deref(), Some("1"));
    }
}

#[tokio::test]
async fn without_rollback_the_map_changes_and_the_error_is_told_all_the_same() {
    let options = ReadWriteOptions { rollback_cachestore_failures: false, ..through() };
    let world = World::new(options, |_| Answer::Failed(refused())).await;
    assert!(matches!(world.put("a", "1").await, Err(MapError::NotStored { .. })));
    assert_eq!(world.get("a").await.as_deref(), Some("1"));
    assert!(world.map.put_all(batch(0..3, "1"), Expiry::Default).await.is_err());
    assert_eq!(world.map.size().await, Ok(4));
    assert!(world.map.clear().await.is_err());
    assert_eq!(world.map.size().await, Ok(0));
}

#[tokio::test]
async fn of_a_batch_what_was_acknowledged_reaches_the_map_and_the_rest_is_named() {
    let world = World::new(through(), |entry| match &entry.key[..] {
        b"key-3" => Answer::Failed(refused()),
        b"key-7" => Answer::Failed(away()),
        _ => Answer::Stored,
    })
    .await;
    let answer = world.map.put_all(batch(0..10, "1"), Expiry::Default).await.unwrap_err();
    let reason = "refused by kafka: too large (2 of 10 entries were not stored)".to_owned();
    assert_eq!(answer, MapError::NotStored { index: 3, reason, retriable: true });
    assert_eq!(world.map.size().await, Ok(8));
    assert_eq!(replayed(&world.store.log()), world.contents().await);

    world.store.behave(|entry| if entry.key == "key-0" { Answer::Failed(away()) } else { Answer::Stored });
    let outcomes = world.map.remove_all_outcomes(batch(0..10, "")).await.unwrap();
    assert_eq!(outcomes, [NotStored { index: 0, error: away() }]);
    assert_eq!(world.contents().await.into_keys().collect::<Vec<_>>(), ["key-0"]);
}

/// One call of the store for all of them, as far as there is room: what was refused then is given again, in order.
#[tokio::test]
async fn a_batch_is_given_to_the_store_in_one_call_and_what_found_no_room_again() {
    let store = FakeStore::with_capacity(4, |entry| match &entry.key[..] {
        b"key-2" | b"key-8" => Answer::Failed(refused()),
        _ => Answer::Late,
    });
    let world = World::over(store, through()).await;
    let outcomes = world.map.put_all_outcomes(batch(0..10, "1"), Expiry::Default).await.unwrap();
    let error = refused();
    assert_eq!(outcomes, [NotStored { index: 2, error: error.clone() }, NotStored { index: 8, error }]);
    let stored: Vec<_> = world.log().into_iter().map(|(key, ..)| key).collect();
    let expected: Vec<_> = (0..10).filter(|n| ![2, 8].contains(n)).map(|n| format!("key-{n}")).collect();
    assert_eq!(stored, expected);
    assert_eq!(replayed(&world.store.log()), world.contents().await);
    assert!(world.store.calls() < 10, "{} calls", world.store.calls());
}

#[tokio::test]
async fn a_batch_that_finds_no_room_in_time_is_named_as_full_and_the_map_has_what_was_stored() {
    let store = FakeStore::with_capacity(3, |_| Answer::Held).with_max_block(Duration::from_millis(20));
    let world = World::over(store, through()).await;
    let mut call = Box::pin(world.map.put_all_outcomes(batch(0..5, "1"), Expiry::Default));
    assert!(poll!(&mut call).is_pending());
    assert_eq!(world.store.held(), 3);
    world.store.fill();
    (0..3).for_each(|n| world.store.release((n == 1).then(away)));
    let outcomes = call.await.unwrap().into_iter().map(|entry| (entry.index, entry.error));
    let outcomes: Vec<_> = outcomes.collect();
    assert_eq!(outcomes, [(1, away()), (3, StoreError::Full), (4, StoreError::Full)]);
    assert_eq!(world.contents().await.into_keys().collect::<Vec<_>>(), ["key-0", "key-2"]);
}

#[tokio::test]
async fn a_batch_larger_than_the_store_waits_for_room() {
    let store = FakeStore::with_capacity(7, |_| Answer::Late);
    let world = World::over(store, through()).await;
    world.map.put_all(batch(0..100, "1"), Expiry::Default).await.unwrap();
    assert_eq!(replayed(&world.store.log()), world.contents().await);
    assert_eq!(world.map.size().await, Ok(100));
}

#[tokio::test]
async fn clear_erases_every_key() {
    for options in [through(), behind(HOUR)] {
        let world = World::new(options, |_| Answer::Stored).await;
        world.map.put_all(batch(0..3000, "1"), Expiry::Default).await.unwrap();
        world.map.clear().await.unwrap();
        assert_eq!(world.map.flush(SOON).await, 0);
        assert_eq!(world.map.size().await, Ok(0));
        assert!(replayed(&world.store.log()).is_empty());
        let erased = world.store.log().iter().filter(|entry| entry.value.is_none()).count();
        assert_eq!(erased, 3000);
    }
}

#[tokio::test]
async fn truncate_and_destroy_do_not_reach_the_store() {
    let world = World::new(through(), |_| Answer::Stored).await;
    world.put("a", "1").await.unwrap();
    world.map.truncate().await.unwrap();
    assert_eq!(world.map.size().await, Ok(0));
    world.put("a", "1").await.unwrap();
    world.map.destroy().await.unwrap();
    assert_eq!(world.log(), [put_of("a", "1", false), put_of("a", "1", false)]);
}

#[tokio::test]
async fn what_no_map_holds_never_reaches_the_store() {
    for options in [through(), behind(HOUR)] {
        let world = World::new(options, |_| panic!("it reached the store")).await;
        let (map, default) = (&world.map, Expiry::Default);
        assert!(matches!(map.put(b"", b"1", default).await, Err(MapError::NotSent { index: 0, .. })));
        assert!(matches!(map.put(b"a", b"", default).await, Err(MapError::NotSent { index: 0, .. })));
        assert!(matches!(map.remove(b"").await, Err(MapError::NotSent { index: 0, .. })));
        let second_is_empty = Arc::new(Entries::from_pairs([("a", "1"), ("", "1")]));
        assert!(matches!(
            map.put_all(second_is_empty, default).await,
            Err(MapError::NotSent { index: 1, .. })
        ));
        assert_eq!(map.close(SOON).await, 0);
    }
}

#[tokio::test]
async fn a_read_only_map_stores_nothing() {
    let options = ReadWriteOptions { read_only: true, ..behind(HOUR) };
    let world = World::new(options, |_| panic!("it reached the store")).await;
    world.put("a", "1").await.unwrap();
    world.map.put_all(batch(0..3, "1"), Expiry::Default).await.unwrap();
    world.map.remove(b"key-0").await.unwrap();
    assert_eq!(world.map.size().await, Ok(3));
    world.map.clear().await.unwrap();
    assert_eq!(world.map.close(SOON).await, 0);
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_stop_the_change() {
    let world = World::new(through(), |_| Answer::Held).await;
    let mut call = Box::pin(world.put("a", "1"));
    assert!(poll!(&mut call).is_pending());
    drop(call);
    let mut next = Box::pin(world.put("a", "2"));
    assert!(poll!(&mut next).is_pending());
    // The key is still taken by the first.
    assert_eq!(world.store.held(), 1);
    world.store.release(None);
    while world.store.held() == 0 {
        assert!(poll!(&mut next).is_pending());
        tokio::task::yield_now().await;
    }
    assert_eq!(world.get("a").await.as_deref(), Some("1"));
    world.store.release(None);
    assert_eq!(next.await, Ok(Some("1".into())));
}

#[tokio::test]
async fn a_batch_has_its_keys_until_the_map_has_changed() {
    let world = World::new(through(), |_| Answer::Held).await;
    let mut first = Box::pin(world.map.put_all(batch(0..2, "1"), Expiry::Default));
    assert!(poll!(&mut first).is_pending());
    let mut next = Box::pin(world.put("key-1", "2"));
    assert!(poll!(&mut next).is_pending());
    assert_eq!(world.store.held(), 2, "the next one of the key has not reached the store");
    world.store.release(None);
    world.store.release(None);
    first.await.unwrap();
    while world.store.held() == 0 {
        assert!(poll!(&mut next).is_pending());
        tokio::task::yield_now().await;
    }
    world.store.release(None);
    assert_eq!(next.await, Ok(Some("1".into())));
}

#[tokio::test]
async fn after_the_cachestore_timeout_the_caller_knows_and_the_change_follows_the_acknowledgement() {
    let timeout = Some(Duration::from_millis(20));
    let options = ReadWriteOptions { cachestore_timeout: timeout, ..through() };
    let world = World::new(options, |_| Answer::Held).await;
    let answer = world.put("a", "1").await.unwrap_err();
    assert!(answer.is_retriable() && answer.to_string().contains("cachestore-timeout"), "{answer}");
    assert_eq!(world.get("a").await, None);
    assert_eq!(world.map.flush(Duration::ZERO).await, 1);
    world.store.release(None);
    assert_eq!(world.map.flush(SOON).await, 0);
    assert_eq!(world.get("a").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_closed_map_takes_no_changes_and_still_reads() {
    for options in [through(), behind(HOUR)] {
        let world = World::new(options, |_| Answer::Stored).await;
        world.put("a", "1").await.unwrap();
        assert_eq!(world.map.close(SOON).await, 0);
        assert_eq!(world.log(), [put_of("a", "1", false)]);
        assert!(matches!(world.put("a", "2").await, Err(MapError::Misuse(_))));
        assert!(matches!(world.map.clear().await, Err(MapError::Misuse(_))));
        assert_eq!(world.map.get(b"a").await, Ok(Some("1".into())));
        assert_eq!(world.map.close(SOON).await, 0);
    }
}

#[tokio::test]
async fn a_close_of_write_through_waits_for_its_calls_and_counts_those_that_remain() {
    let world = World::new(through(), |_| Answer::Held).await;
    let mut call = Box::pin(world.put("a", "1"));
    assert!(poll!(&mut call).is_pending());
    assert_eq!(world.map.close(Duration::ZERO).await, 1);
    let mut close = Box::pin(world.map.close(SOON));
    assert!(poll!(&mut close).is_pending());
    world.store.release(None);
    assert_eq!(call.await, Ok(None));
    assert_eq!(close.await, 0);
}

async fn expiring(options: ReadWriteOptions) -> (ManualClock, World) {
    let clock = ManualClock::default();
    let local = LocalOptions { clock: Clock::Manual(clock.clone()), ..LocalOptions::default() };
    let below = LocalSession::with(local).map("map").await.unwrap();
    let store = FakeStore::new(|_| Answer::Stored);
    let map = ReadWriteBackingMap::new(below.clone(), Arc::new(store.clone()), &options).await.unwrap();
    (clock, World { below, store, map: Arc::new(map) })
}

#[tokio::test]
async fn expirations_are_erased_where_they_are_published() {
    for options in [through(), behind(Duration::from_millis(1))] {
        let publish_expirations = PublishExpirations::Tombstone;
        let (clock, world) = expiring(ReadWriteOptions { publish_expirations, ..options }).await;
        let second = Expiry::After(Duration::from_secs(1));
        world.map.put(b"a", b"1", second).await.unwrap();
        world.map.put(b"b", b"1", second).await.unwrap();
        world.map.flush(SOON).await;
        clock.advance(Duration::from_secs(2));
        // Put again before its expiration was noticed: the record is the newest there is.
        world.map.put(b"b", b"2", Expiry::Default).await.unwrap();
        assert_eq!(world.get("a").await, None);
        eventually("the erase", || world.log().iter().any(|(_, value, _)| value.is_none())).await;
        assert_eq!(world.map.flush(SOON).await, 0);
        assert_eq!(replayed(&world.store.log()), world.contents().await);
    }
}

#[tokio::test]
async fn expirations_are_no_erases_by_default() {
    let (clock, world) = expiring(through()).await;
    world.map.put(b"a", b"1", Expiry::After(Duration::from_secs(1))).await.unwrap();
    clock.advance(Duration::from_secs(2));
    assert_eq!(world.get("a").await, None);
    assert_eq!(world.map.close(SOON).await, 0);
    assert_eq!(world.log(), [put_of("a", "1", false)]);
    assert_eq!(world.store.log()[0].expiry, Expiry::After(Duration::from_secs(1)));
}

#[tokio::test]
async fn bad_options_are_told_all_at_once() {
    let options = ReadWriteOptions {
        write_batch_factor: 1.5,
        write_max_batch_size: 0,
        write_queue_bytes: 0,
        write_delay: Duration::MAX,
        cachestore_timeout: Some(Duration::ZERO),
        ..through()
    };
    let MapError::Misuse(text) = options.check().unwrap_err() else { panic!() };
    for name in ["write-batch-factor", "write-max-batch-size", "queue", "write-delay", "cachestore-timeout"] {
        assert!(text.contains(name), "{name}: {text}");
    }
    assert_eq!(ReadWriteOptions::default().check(), Ok(()));
    assert!(ReadWriteOptions { write_batch_factor: f64::NAN, ..through() }.check().is_err());
}

/// 8 tasks that change few keys in every way, over a store that is late and fails now and then.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_callers_of_few_keys_leave_the_map_as_the_store() {
    for options in [through(), behind(Duration::from_millis(1))] {
        let mut calls = 0_u32;
        let store = FakeStore::with_capacity(3, move |_| {
            calls += 1;
            match calls % 7 {
                0 => Answer::Failed(refused()),
                1 | 2 => Answer::Stored,
                _ => Answer::Late,
            }
        });
        let through = options.write_delay.is_zero();
        let world = Arc::new(World::over(store, options).await);
        let tasks = (0..8_u32).map(|task| {
            let world = world.clone();
            tokio::spawn(async move {
                for round in 0..300_u32 {
                    let key = format!("key-{}", (task + round) % 5);
                    let value = format!("{task}-{round}");
                    let (map, key, value) = (&world.map, key.as_bytes(), value.as_bytes());
                    // What fails is not in the map: that is what the end shows.
                    let _ = match (task + round * 3) % 11 {
                        0..5 => map.put(key, value, Expiry::Default).await.map(|_| ()),
                        5..7 => map.remove(key).await.map(|_| ()),
                        7 => map.put_if_absent(key, value).await.map(|_| ()),
                        8 => map.replace(key, value).await.map(|_| ()),
                        9 => map.put_all(batch(0..5, &format!("{task}-{round}")), Expiry::Default).await,
                        _ => map.remove_all(batch(1..4, "")).await,
                    };
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        if !through {
            // A refused change is in the map and lost to the store, which the last of each key must not be.
            world.store.behave(|_| Answer::Stored);
            world.map.put_all(batch(0..5, "last"), Expiry::Default).await.unwrap();
        }
        assert_eq!(world.map.close(SOON).await, 0);
        assert_eq!(replayed(&world.store.log()), world.contents().await);
    }
}
