//! The map first, the store later.

use super::*;

#[tokio::test]
async fn write_behind_answers_at_once_and_writes_the_newest_of_a_key() {
    let world = World::new(behind(HOUR), |_| Answer::Stored).await;
    assert_eq!(world.put("a", "1").await, Ok(None));
    assert_eq!(world.put("a", "2").await, Ok(Some("1".into())));
    assert_eq!(world.map.put_if_absent(b"a", b"3").await, Ok(Some("2".into())));
    assert_eq!(world.map.replace(b"b", b"3").await, Ok(None));
    world.put("c", "1").await.unwrap();
    world.map.remove(b"c").await.unwrap();
    world.map.remove(b"absent").await.unwrap();
    assert_eq!(world.get("a").await.as_deref(), Some("2"));
    assert!(world.log().is_empty());
    assert_eq!(world.map.flush(SOON).await, 0);
    let removed = |key: &str| (key.to_owned(), None, false);
    assert_eq!(world.log(), [put_of("a", "2", false), removed("c"), removed("absent")]);
    let counts = world.map.counts().unwrap();
    assert_eq!((counts.accepted, counts.stored, counts.replaced, counts.bytes), (5, 3, 2, 0));
}

#[tokio::test]
async fn write_behind_writes_by_itself_after_the_delay() {
    let world = World::new(behind(Duration::from_millis(30)), |_| Answer::Stored).await;
    let before = Instant::now();
    world.put("a", "1").await.unwrap();
    eventually("the record", || !world.log().is_empty()).await;
    assert!(before.elapsed() >= Duration::from_millis(30));
}

/// Notes what it is told.
#[derive(Default)]
struct Told(Mutex<Vec<(Bytes, Option<StoreError>)>>);

impl StoreObserver for Told {
    fn on_next(&self, entry: BinaryEntry) {
        self.0.lock().push((entry.key, None));
    }

    fn on_error(&self, entry: BinaryEntry, error: StoreError) {
        self.0.lock().push((entry.key, Some(error)));
    }
}

async fn observed(store: &FakeStore, options: ReadWriteOptions) -> (ReadWriteBackingMap, Arc<Told>) {
    let below = LocalSession::new(Format::Pof).map("map").await.unwrap();
    let told = Arc::new(Told::default());
    let observer: Arc<dyn StoreObserver> = told.clone();
    let store = Arc::new(store.clone());
    let map = ReadWriteBackingMap::observed(below, store, &options, Some(observer)).await.unwrap();
    (map, told)
}

#[tokio::test]
async fn write_behind_tries_again_what_may_pass_and_reports_what_will_not() {
    let mut times = 0;
    let store = FakeStore::new(move |entry| match &entry.key[..] {
        b"poison" => Answer::Failed(refused()),
        _ if times < 2 => {
            times += 1;
            Answer::Failed(away())
        }
        _ => Answer::Stored,
    });
    let (map, told) = observed(&store, behind(Duration::from_millis(1))).await;
    map.put(b"poison", b"1", Expiry::Default).await.unwrap();
    map.put(b"a", b"1", Expiry::Default).await.unwrap();
    assert_eq!(map.flush(SOON).await, 0);
    let told = told.0.lock();
    assert_eq!(*told, [("poison".into(), Some(refused())), ("a".into(), None)]);
    let counts = map.counts().unwrap();
    assert_eq!((counts.stored, counts.failed, counts.requeued), (1, 1, 2));
}

#[tokio::test]
async fn no_requeue_threshold_but_0_loses_what_failed() {
    for (threshold, stored) in [(0, 0), (1, 5), (10_000, 5)] {
        let options = ReadWriteOptions { write_requeue_threshold: threshold, ..behind(HOUR) };
        let mut times = 0;
        let world = World::new(options, move |_| {
            times += 1;
            if times <= 5 { Answer::Failed(away()) } else { Answer::Stored }
        })
        .await;
        world.map.put_all(batch(0..5, "1"), Expiry::Default).await.unwrap();
        assert_eq!(world.map.close(SOON).await, 0);
        assert_eq!(world.log().len(), stored, "with {threshold}");
        assert_eq!(world.map.counts().unwrap().failed, 5 - stored as u64);
    }
}

#[tokio::test]
async fn what_is_blocked_until_an_operator_acts_waits_and_is_written_then() {
    let store = FakeStore::new(|_| Answer::Failed(blocked()));
    let (map, told) = observed(&store, behind(Duration::from_millis(1))).await;
    map.put(b"a", b"1", Expiry::Default).await.unwrap();
    map.put(b"b", b"1", Expiry::Default).await.unwrap();
    assert_eq!(map.flush(Duration::from_millis(50)).await, 2);
    map.remove(b"a").await.unwrap();
    store.behave(|_| Answer::Stored);
    assert_eq!(map.flush(SOON).await, 0);
    assert_eq!(replayed(&store.log()).into_keys().collect::<Vec<_>>(), [&b"b"[..]]);
    assert!(told.0.lock().iter().all(|(_, error)| error.is_none()), "{:?}", told.0.lock());
    assert_eq!(map.counts().unwrap().failed, 0);
}

#[tokio::test]
async fn a_close_reports_what_waits_for_an_operator() {
    let store = FakeStore::new(|_| Answer::Failed(blocked()));
    let (map, told) = observed(&store, behind(Duration::from_millis(1))).await;
    map.put(b"a", b"1", Expiry::Default).await.unwrap();
    map.put(b"b", b"1", Expiry::Default).await.unwrap();
    assert_eq!(map.close(Duration::from_millis(50)).await, 2);
    let mut told = told.0.lock().clone();
    told.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(told, [("a".into(), Some(StoreError::Closed)), ("b".into(), Some(StoreError::Closed))]);
}

#[tokio::test]
async fn an_observer_that_panics_holds_up_no_flush() {
    struct Panics;
    impl StoreObserver for Panics {
        fn on_next(&self, _: BinaryEntry) {
            panic!("a test");
        }
        fn on_error(&self, _: BinaryEntry, _: StoreError) {
            panic!("a test");
        }
    }
    let store = FakeStore::new(|entry| match &entry.key[..] {
        b"poison" => Answer::Failed(refused()),
        _ => Answer::Stored,
    });
    let below = LocalSession::new(Format::Pof).map("map").await.unwrap();
    let observer: Arc<dyn StoreObserver> = Arc::new(Panics);
    let map =
        ReadWriteBackingMap::observed(below, Arc::new(store), &behind(HOUR), Some(observer)).await.unwrap();
    for key in ["a", "poison", "b"] {
        map.put(key.as_bytes(), b"1", Expiry::Default).await.unwrap();
    }
    assert_eq!(map.flush(SOON).await, 0);
}

#[tokio::test]
async fn what_a_close_gives_up_is_told_and_counted() {
    let store = FakeStore::new(|_| Answer::Held);
    let (map, told) = observed(&store, ReadWriteOptions { write_max_batch_size: 1, ..behind(HOUR) }).await;
    for key in ["a", "b", "c"] {
        map.put(key.as_bytes(), b"1", Expiry::Default).await.unwrap();
    }
    // All three are given to the store, and a newer one of a key waits.
    assert_eq!(map.flush(Duration::from_millis(50)).await, 3);
    map.put(b"a", b"2", Expiry::Default).await.unwrap();
    assert_eq!(map.close(Duration::from_millis(50)).await, 4);
    assert_eq!(*told.0.lock(), [("a".into(), Some(StoreError::Closed))]);
    store.release(None);
    store.release(Some(away()));
    store.release(None);
    let expected = [Some(StoreError::Closed), None, Some(away()), None];
    assert_eq!(told.0.lock().iter().map(|(_, error)| error.clone()).collect::<Vec<_>>(), expected);
    let counts = map.counts().unwrap();
    assert_eq!(
        (counts.stored, counts.failed, counts.queued, counts.in_flight, counts.bytes),
        (2, 2, 0, 0, 0)
    );
}

#[tokio::test]
async fn who_finds_the_queue_full_waits_and_nothing_waits_for_its_delay_then() {
    let options = ReadWriteOptions { write_queue_bytes: 4096, ..behind(HOUR) };
    let world = World::new(options, |_| Answer::Late).await;
    let value = "v".repeat(1000);
    for key in 0..50 {
        tokio::time::timeout(SOON, world.put(&format!("key-{key}"), &value)).await.unwrap().unwrap();
        assert!(world.map.counts().unwrap().bytes <= 4096);
    }
    tokio::time::timeout(SOON, world.map.put_all(batch(0..100, &value), Expiry::Default))
        .await
        .unwrap()
        .unwrap();
    let too_large = world.put("a", &"v".repeat(4096)).await;
    assert!(matches!(too_large, Err(MapError::NotSent { index: 0, .. })), "{too_large:?}");
    assert_eq!(world.map.close(SOON).await, 0);
    assert_eq!(replayed(&world.store.log()), world.contents().await);
}

#[tokio::test]
async fn a_newer_change_of_a_key_gives_the_room_of_the_older_one_back() {
    let options = ReadWriteOptions { write_queue_bytes: 4096, ..behind(HOUR) };
    let world = World::new(options, |_| Answer::Stored).await;
    let value = "v".repeat(1000);
    for _ in 0..20 {
        tokio::time::timeout(SOON, world.put("a", &value)).await.unwrap().unwrap();
        assert!(world.log().is_empty(), "nobody waits for room, so the delay is kept");
    }
    assert_eq!(world.map.close(SOON).await, 0);
    assert_eq!(world.log(), [put_of("a", &value, false)]);
}

#[tokio::test]
async fn a_full_queue_with_the_store_away_holds_its_callers() {
    let options = ReadWriteOptions { write_queue_bytes: 4096, ..behind(HOUR) };
    let world = World::new(options, |_| Answer::Held).await;
    let value = "v".repeat(3000);
    world.put("a", &value).await.unwrap();
    let mut call = Box::pin(world.put("b", &value));
    assert!(poll!(&mut call).is_pending());
    eventually("the first is given to the store", || world.store.held() == 1).await;
    assert_eq!((poll!(&mut call), world.get("b").await), (Poll::Pending, None));
    world.store.release(None);
    assert_eq!(call.await, Ok(None));
    assert_eq!(world.map.close(Duration::ZERO).await, 1);
}

#[tokio::test]
async fn a_dropped_map_writes_what_is_queued() {
    let World { map, store, below } = World::new(behind(HOUR), |_| Answer::Stored).await;
    map.put(b"a", b"1", Expiry::Default).await.unwrap();
    drop(map);
    eventually("the record", || store.log().len() == 1).await;
    assert_eq!(below.size().await, Ok(1));
}
