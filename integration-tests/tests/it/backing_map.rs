//! A `ReadWriteBackingMap` over embedded and grid maps, into topics of a real Kafka: every change is a record,
//! acknowledged, or its caller or observer knows; per key the topic and the map see one order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use coherence_client::{GrpcSession, SessionOptions};
use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::{Entries, Expiry, Format, MapError, NamedMap, Session};
use coherence_kafka_core::{
    BinaryEntry, EntryStore, KafkaEntryStore, ReadWriteBackingMap, ReadWriteOptions, StoreError,
    StoreObserver,
};
use futures::{StreamExt, TryStreamExt};
use integration_tests::kafka::{Kafka, KafkaOptions, Record};
use integration_tests::sandbox::{free_port, unique};
use integration_tests::{require_peers, shared};
use parking_lot::Mutex;
use tokio::time::{sleep, timeout};

mod of_a_grid;

/// Longest time for anything that is awaited.
const SOON: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A text as a complete binary in POF.
fn text(text: &str) -> Vec<u8> {
    assert!(text.len() < 64, "one byte of length");
    [&[0x15, 0x4E, text.len() as u8], text.as_bytes()].concat()
}

fn through() -> ReadWriteOptions {
    ReadWriteOptions::default()
}

fn behind(delay: Duration) -> ReadWriteOptions {
    ReadWriteOptions { write_delay: delay, ..ReadWriteOptions::default() }
}

fn store(bootstrap: &str, topic: &str, settings: &[(&str, &str)]) -> Arc<KafkaEntryStore> {
    let builder = KafkaEntryStore::builder(topic).pass_through().setting("bootstrap.servers", bootstrap);
    let builder = settings.iter().fold(builder, |builder, (name, value)| builder.setting(*name, *value));
    Arc::new(builder.build().unwrap())
}

async fn local() -> Arc<dyn NamedMap> {
    LocalSession::new(Format::Pof).map("map").await.unwrap()
}

struct World {
    below: Arc<dyn NamedMap>,
    store: Arc<KafkaEntryStore>,
    map: Arc<ReadWriteBackingMap>,
    topic: String,
}

impl World {
    async fn new(kafka: &Kafka, options: ReadWriteOptions, settings: &[(&str, &str)]) -> Self {
        Self::over(local().await, kafka, options, settings, None).await
    }

    async fn over(
        below: Arc<dyn NamedMap>,
        kafka: &Kafka,
        options: ReadWriteOptions,
        settings: &[(&str, &str)],
        observer: Option<Arc<dyn StoreObserver>>,
    ) -> Self {
        let topic = unique("backing");
        kafka.create_topic(&topic, 4).unwrap();
        let store = store(&kafka.bootstrap(), &topic, settings);
        let map =
            ReadWriteBackingMap::observed(below.clone(), store.clone(), &options, observer).await.unwrap();
        Self { below, store, map: Arc::new(map), topic }
    }

    async fn contents(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let pair = |(key, value): (Bytes, Bytes)| (key.to_vec(), value.to_vec());
        self.below.entries().map_ok(pair).try_collect().await.unwrap()
    }

    fn records(&self, kafka: &Kafka) -> Vec<Record> {
        kafka.records(&self.topic).unwrap()
    }

    async fn close(&self) {
        assert_eq!(self.map.close(SOON).await, 0);
        assert_eq!(self.store.close(SOON).await, 0);
    }
}

/// What a reader of the topic makes of it.
fn replayed(records: &[Record]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut map = BTreeMap::new();
    for record in records {
        let key = record.key.clone().unwrap();
        match &record.value {
            Some(value) => map.insert(key, value.clone()),
            None => map.remove(&key),
        };
    }
    map
}

fn event(record: &Record) -> &str {
    let [(name, Some(value))] = &record.headers[..] else { panic!("{:?}", record.headers) };
    assert_eq!(name, "event");
    std::str::from_utf8(value).unwrap()
}

async fn changes_become_records(below: Arc<dyn NamedMap>, options: ReadWriteOptions) {
    let kafka = shared::kafka();
    let world = World::over(below, kafka, options, &[], None).await;
    let map = &world.map;
    let default = Expiry::Default;
    map.put(&text("a"), &text("1"), default).await.unwrap();
    map.flush(SOON).await;
    map.put(&text("a"), &text("2"), default).await.unwrap();
    map.put_if_absent(&text("b"), &text("1")).await.unwrap();
    map.put_if_absent(&text("b"), &text("2")).await.unwrap();
    map.flush(SOON).await;
    map.remove(&text("b")).await.unwrap();
    for key in 0..100 {
        map.put(&text(&format!("key-{key}")), &text("1"), default).await.unwrap();
    }
    let contents = world.contents().await;
    world.close().await;
    let records = world.records(kafka);
    let of = |key: &str| -> Vec<_> {
        let key = Some(text(key));
        records.iter().filter(|r| r.key == key).map(|r| (event(r), r.value.clone())).collect()
    };
    assert_eq!(of("a"), [("INSERT", Some(text("1"))), ("UPDATE", Some(text("2")))]);
    assert_eq!(of("b"), [("INSERT", Some(text("1"))), ("DELETE", None)]);
    assert_eq!(records.len(), 104);
    assert_eq!(replayed(&records), contents);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_an_embedded_map_is_a_record() {
    require_peers!();
    changes_become_records(local().await, through()).await;
    changes_become_records(local().await, behind(HOUR)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_a_grid_map_through_it_is_a_record() {
    require_peers!();
    let options = SessionOptions { addresses: vec![shared::grid().address()], ..SessionOptions::default() };
    let session = GrpcSession::new(options).unwrap();
    for options in [through(), behind(HOUR)] {
        let name = unique("backing");
        let below = session.map(&name).await.unwrap();
        changes_become_records(below.clone(), options).await;
        assert_eq!(shared::grid().tool().size(&name).unwrap(), 101);
        below.destroy().await.unwrap();
    }
    session.close().await;
}

/// What an observer was told, by the value's text.
#[derive(Default)]
struct Told {
    stored: AtomicU64,
    failed: Mutex<Vec<(BinaryEntry, StoreError)>>,
}

impl StoreObserver for Told {
    fn on_next(&self, _: BinaryEntry) {
        self.stored.fetch_add(1, Ordering::Relaxed);
    }

    fn on_error(&self, entry: BinaryEntry, error: StoreError) {
        self.failed.lock().push((entry, error));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_write_through_tells_the_caller_and_write_behind_the_observer() {
    let nowhere = format!("127.0.0.1:{}", free_port().unwrap());
    let impatient = [("message.timeout.ms", "500")];
    for rollback in [true, false] {
        let store = store(&nowhere, "nowhere", &impatient);
        let options = ReadWriteOptions { rollback_cachestore_failures: rollback, ..through() };
        let map = ReadWriteBackingMap::new(local().await, store, &options).await.unwrap();
        let answer = map.put(&text("a"), &text("1"), Expiry::Default).await;
        assert!(matches!(answer, Err(MapError::NotStored { index: 0, retriable: true, .. })), "{answer:?}");
        assert_eq!(map.contains_key(&text("a")).await, Ok(!rollback));
    }

    let told = Arc::new(Told::default());
    let observer: Arc<dyn StoreObserver> = told.clone();
    let options = ReadWriteOptions { write_requeue_threshold: 0, ..behind(Duration::from_millis(1)) };
    let store = store(&nowhere, "nowhere", &impatient);
    let map = ReadWriteBackingMap::observed(local().await, store, &options, Some(observer)).await.unwrap();
    map.put(&text("a"), &text("1"), Expiry::Default).await.unwrap();
    assert_eq!(map.flush(SOON).await, 0);
    assert_eq!(map.contains_key(&text("a")).await, Ok(true));
    let failed = told.failed.lock();
    assert!(
        matches!(&failed[..], [(entry, StoreError::Unavailable(_))] if entry.key[..] == text("a")),
        "{failed:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_at_once() {
    require_peers!();
    let kafka = shared::kafka();
    for options in [through(), behind(Duration::from_millis(10))] {
        let world = World::new(kafka, options, &[]).await;
        let keys: Vec<_> = (0..10_000).map(|key| text(&format!("key-{key}"))).collect();
        let entries = Arc::new(Entries::from_pairs(keys.iter().map(|key| (key, text("1")))));
        world.map.put_all(entries.clone(), Expiry::Default).await.unwrap();
        assert_eq!(world.map.flush(SOON).await, 0);
        assert_eq!(world.contents().await, replayed(&world.records(kafka)));
        world.map.remove_all(entries).await.unwrap();
        world.close().await;
        let records = world.records(kafka);
        assert_eq!(records.iter().filter(|record| event(record) == "DELETE").count(), 10_000);
        assert_eq!((records.len(), replayed(&records).len()), (20_000, 0));
    }
}

/// Changes of 8 writers, many of each under way: a key and a value that names the writer and the number of its change.
fn changes(writer: u64, keys: u64, count: u64) -> impl Iterator<Item = (Vec<u8>, Option<Vec<u8>>)> {
    let mut random = writer * 2 + 1;
    (0..count).map(move |number| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let key = text(&format!("key-{}", (random >> 33) % keys));
        let value = ((random >> 20) % 10 < 7).then(|| text(&format!("{writer}:{number}")));
        (key, value)
    })
}

async fn change(map: Arc<ReadWriteBackingMap>, key: Vec<u8>, value: Option<Vec<u8>>) -> Result<(), MapError> {
    match value {
        Some(value) => map.put(&key, &value, Expiry::Default).await.map(|_| ()),
        None => map.remove(&key).await.map(|_| ()),
    }
}

/// The puts of each writer to each key come in the order in which it made them.
fn assert_order(records: &[Record]) {
    let mut last: BTreeMap<(&[u8], u64), u64> = BTreeMap::new();
    for record in records {
        let (Some(key), Some(value)) = (&record.key, &record.value) else { continue };
        let value = std::str::from_utf8(&value[3..]).unwrap();
        let (writer, number) = value.split_once(':').unwrap();
        let (writer, number): (u64, u64) = (writer.parse().unwrap(), number.parse().unwrap());
        let before = last.insert((key, writer), number);
        assert!(before.is_none_or(|before| before < number), "writer {writer}: {number} after {before:?}");
    }
}

async fn a_million(options: ReadWriteOptions, records_each: bool) {
    const COUNT: u64 = 125_000;
    let kafka = shared::kafka();
    let world = World::new(kafka, options, &[("linger.ms", "5")]).await;
    let writers = (0..8).map(|writer| {
        let map = world.map.clone();
        tokio::spawn(async move {
            let calls = changes(writer, 20_000, COUNT).map(|(key, value)| change(map.clone(), key, value));
            futures::stream::iter(calls).buffer_unordered(1000).try_collect::<()>().await.unwrap();
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        timeout(10 * SOON, writer).await.unwrap().unwrap();
    }
    world.close().await;
    let records = world.records(kafka);
    if records_each {
        assert_eq!(records.len(), 1_000_000);
    }
    assert_order(&records);
    assert_eq!(replayed(&records), world.contents().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_changes_of_8_writers_are_a_million_records_in_the_order_of_the_map() {
    require_peers!();
    a_million(through(), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_changes_of_8_writers_written_behind_end_as_the_map() {
    require_peers!();
    a_million(behind(Duration::from_millis(100)), false).await;
}

/// What became of each value.
type Answers = Vec<(Vec<u8>, Result<(), MapError>)>;

/// Writes until told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    /// A call has met a map that is closed.
    refused: Arc<AtomicBool>,
    writers: Vec<tokio::task::JoinHandle<Answers>>,
}

impl Load {
    /// Puts only, so that every call has a value to be found by.
    fn start(map: &Arc<ReadWriteBackingMap>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let refused = Arc::new(AtomicBool::new(false));
        let writers = (0..4_u64).map(|writer| {
            let (map, stop, refused) = (map.clone(), stop.clone(), refused.clone());
            tokio::spawn(async move {
                let calls = changes(writer, 500, u64::MAX)
                    .filter_map(|(key, value)| Some((key, value?)))
                    .take_while(|_| !stop.load(Ordering::Relaxed))
                    .map(|(key, value)| {
                        let (map, refused) = (map.clone(), refused.clone());
                        async move {
                            // Leaves the machine to the broker for a while.
                            sleep(Duration::from_millis(1)).await;
                            let answer = map.put(&key, &value, Expiry::Default).await.map(|_| ());
                            if matches!(answer, Err(MapError::Misuse(_))) {
                                refused.store(true, Ordering::Relaxed);
                            }
                            (value, answer)
                        }
                    });
                futures::stream::iter(calls).buffer_unordered(20).collect().await
            })
        });
        let writers = writers.collect();
        Self { stop, refused, writers }
    }

    async fn end(self) -> Answers {
        self.stop.store(true, Ordering::Relaxed);
        let mut answers = Vec::new();
        for writer in self.writers {
            answers.extend(timeout(2 * SOON, writer).await.unwrap().unwrap());
        }
        answers
    }
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let waited = timeout(SOON, async {
        while !condition() {
            sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(waited.await.is_ok(), "not within {SOON:?}: {what}");
}

/// Every key once more, with a broker that serves.
async fn put_every_key(map: &ReadWriteBackingMap) {
    let keys = (0..500).map(|key| (text(&format!("key-{key}")), text("9:0")));
    map.put_all(Arc::new(Entries::from_pairs(keys)), Expiry::Default).await.unwrap();
}

async fn a_broker_is_killed_under_write_through(below: Arc<dyn NamedMap>) {
    let mut kafka = Kafka::start(KafkaOptions::default()).unwrap();
    // Impatient, so that calls fail while it is away.
    let impatient = [("message.timeout.ms", "3000")];
    let world = World::over(below, &kafka, through(), &impatient, None).await;
    let load = Load::start(&world.map);
    until("some are stored", || world.store.stats().acknowledged > 2_000).await;
    kafka.kill().unwrap();
    let failed = || world.store.stats().failures.total();
    until("some fail", || failed() > 50).await;
    tokio::task::block_in_place(|| kafka.restart().unwrap());
    let stored = world.store.stats().acknowledged;
    until("some are stored again", || world.store.stats().acknowledged > stored + 1_000).await;
    let answers = load.end().await;
    assert!(answers.iter().all(|(_, answer)| answer.as_ref().is_ok_and(|()| true)
        || answer.as_ref().is_err_and(MapError::is_retriable)));
    let records = world.records(&kafka);
    let topic: BTreeSet<_> = records.iter().filter_map(|record| record.value.clone()).collect();
    for (value, answer) in &answers {
        assert!(answer.is_err() || topic.contains(value), "acknowledged and not in the topic");
    }
    assert!(answers.iter().any(|(_, answer)| answer.is_err()));
    // What is in the map is in the topic.
    assert!(world.contents().await.values().all(|value| topic.contains(value)));
    put_every_key(&world.map).await;
    world.close().await;
    assert_eq!(replayed(&world.records(&kafka)), world.contents().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_killed_under_write_through_leaves_every_call_acknowledged_and_stored_or_failed() {
    require_peers!();
    a_broker_is_killed_under_write_through(local().await).await;
}

async fn an_outage_under_write_behind(
    below: Arc<dyn NamedMap>,
    mut kafka: Kafka,
    outage: impl AsyncFnOnce(&mut Kafka, &World),
) {
    let told = Arc::new(Told::default());
    let observer: Arc<dyn StoreObserver> = told.clone();
    let impatient = [("message.timeout.ms", "3000")];
    let options = behind(Duration::from_millis(50));
    let world = World::over(below, &kafka, options, &impatient, Some(observer)).await;
    let load = Load::start(&world.map);
    until("some are stored", || world.store.stats().acknowledged > 500).await;
    outage(&mut kafka, &world).await;
    let stored = world.store.stats().acknowledged;
    until("some are stored again", || world.store.stats().acknowledged > stored + 500).await;
    let answers = load.end().await;
    assert!(answers.iter().all(|(_, answer)| answer.is_ok()), "no caller has seen anything of it");
    world.close().await;
    let counts = world.map.counts().unwrap();
    assert_eq!(counts.accepted, answers.len() as u64);
    assert_eq!((counts.accepted, counts.failed), (counts.stored + counts.replaced, 0));
    assert_eq!((told.stored.load(Ordering::Relaxed), told.failed.lock().len()), (counts.stored, 0));
    assert_eq!(replayed(&world.records(&kafka)), world.contents().await);
}

async fn a_broker_is_killed_under_write_behind(below: Arc<dyn NamedMap>) {
    let kafka = Kafka::start(KafkaOptions::default()).unwrap();
    an_outage_under_write_behind(below, kafka, async |kafka, world| {
        kafka.kill().unwrap();
        until("some fail", || world.store.stats().failures.unavailable > 50).await;
        tokio::task::block_in_place(|| kafka.restart().unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_killed_under_write_behind_loses_nothing() {
    require_peers!();
    a_broker_is_killed_under_write_behind(local().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_away_for_half_a_minute_under_write_behind_gets_the_newest_of_each_key() {
    require_peers!();
    let kafka = Kafka::start(KafkaOptions::default()).unwrap();
    an_outage_under_write_behind(local().await, kafka, async |kafka, world| {
        kafka.freeze();
        // Time is what is tried here.
        sleep(Duration::from_secs(30)).await;
        until("some fail", || world.store.stats().failures.unavailable > 50).await;
        kafka.thaw();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_during_load_leaves_nothing_without_its_outcome() {
    require_peers!();
    let kafka = shared::kafka();
    for options in [through(), behind(Duration::from_millis(50))] {
        let told = Arc::new(Told::default());
        let observer: Arc<dyn StoreObserver> = told.clone();
        let world = World::over(local().await, kafka, options, &[], Some(observer)).await;
        let load = Load::start(&world.map);
        until("some are stored", || world.store.stats().acknowledged > 1_000).await;
        world.close().await;
        until("a call comes after the end", || load.refused.load(Ordering::Relaxed)).await;
        let answers = load.end().await;
        let accepted = answers.iter().filter(|(_, answer)| answer.is_ok()).count() as u64;
        let records = world.records(kafka);
        match world.map.counts() {
            None => assert_eq!(records.len() as u64, accepted),
            Some(counts) => {
                assert_eq!((counts.accepted, counts.failed), (accepted, 0));
                assert_eq!(counts.stored, records.len() as u64);
                assert_eq!(told.stored.load(Ordering::Relaxed), counts.stored);
            }
        }
        assert_eq!(replayed(&records), world.contents().await);
    }
}
