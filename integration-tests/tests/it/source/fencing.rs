//! Two publishers of one topic at a time: the broker lets the newer one publish only.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use coherence_kafka_common::map::Expiry;
use coherence_kafka_core::{
    BinaryEntry, EntryStore as _, KafkaEntryStore, Producer, StoreError, StoreObserver, Transactions,
};
use integration_tests::kafka::KafkaOptions;
use integration_tests::source::run;

use super::*;
use integration_tests::{require_peers, shared};

/// The last value of a key that is committed.
fn last(published: &Published, kafka: &Kafka, key: &str) -> Option<String> {
    published.rebuilt(&kafka.records(&published.name).unwrap()).remove(key)
}

#[test]
fn what_a_frozen_publisher_has_on_its_way_is_not_committed_behind_the_newer_one() {
    require_peers!();
    let kafka = Kafka::start(KafkaOptions { relayed: true, ..KafkaOptions::default() }).unwrap();
    let (grid, relay) = (shared::grid(), kafka.relay());
    let mut published = Published::new(&kafka, grid, "fenced", Form::Strings);
    let plain = published.settings.clone();
    published.settings.retain(|(key, _)| key != "bootstrap.servers");
    published.set("bootstrap.servers", &relay.address());
    // Its transaction is open when the way to the broker ends.
    published.set("coherence.source.commit.interval.ms", "10000");
    let older = published.start();
    published.follows(&older);
    grid.tool().put(&published.name, "k", "first").unwrap();
    eventually(SOON, "the record is in the log", || kafka.uncommitted(&published.name).unwrap() == 1);

    // A request to append waits between the process and the broker, and the process is frozen.
    relay.hole();
    let before = relay.bytes_sent();
    let old = format!("old{}", "-".repeat(20_000));
    grid.tool().put(&published.name, "k", old.as_str()).unwrap();
    eventually(SOON, "the record has left the process", || relay.bytes_sent() > before + 20_000);
    older.process().freeze();

    published.settings = plain;
    let newer = published.start();
    published.follows(&newer);
    assert_eq!(last(&published, &kafka, "k").as_deref(), Some(old.as_str()), "what the map holds");
    grid.tool().put(&published.name, "k", "new").unwrap();
    eventually(SOON, "the newer one publishes", || last(&published, &kafka, "k").as_deref() == Some("new"));

    relay.pass();
    older.process().thaw();
    eventually(SOON, "the older one stands by", || {
        older.state(&published.name).as_deref() == Some("standing-by")
    });
    grid.tool().put(&published.name, "other", "behind").unwrap();
    eventually(SOON, "the newer one goes on", || {
        last(&published, &kafka, "other").as_deref() == Some("behind")
    });
    assert_eq!(last(&published, &kafka, "k").as_deref(), Some("new"));
    assert_eq!(newer.state(&published.name).as_deref(), Some("following"));
    published.equal(&kafka, grid, &newer);
}

/// A publisher that never asks whether it leads, as one whose clock stands still.
struct Publisher {
    producer: Arc<Producer>,
    store: KafkaEntryStore,
}

impl Publisher {
    fn new(kafka: &Kafka, topic: &str) -> Self {
        let settings = [("bootstrap.servers".to_owned(), kafka.bootstrap())];
        let transactions = Transactions {
            id: topic.to_owned(),
            interval: Duration::from_millis(20),
            timeout: Duration::from_secs(10),
        };
        let producer = Producer::transactional(settings, transactions).unwrap();
        let store =
            KafkaEntryStore::builder(topic).pass_through().producer(producer.clone()).build().unwrap();
        Self { producer, store }
    }
}

#[derive(Default)]
struct Counts {
    stored: AtomicU64,
    failed: AtomicU64,
}

impl StoreObserver for Counts {
    fn on_next(&self, _: BinaryEntry) {
        self.stored.fetch_add(1, Ordering::Relaxed);
    }

    fn on_error(&self, _: BinaryEntry, error: StoreError) {
        assert!(error.is_retriable(), "{error}");
        self.failed.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn publishers_whose_clocks_stand_still_append_nothing_behind_a_newer_one() {
    const TERMS: u64 = 12;
    const RECORDS: u64 = 200;
    require_peers!();
    let kafka = shared::kafka();
    let topic = unique("clocks");
    kafka.create_topic(&topic, 2).unwrap();
    let publishers = [Publisher::new(kafka, &topic), Publisher::new(kafka, &topic)];
    let counts = Arc::new(Counts::default());
    let observer: Arc<dyn StoreObserver> = counts.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for term in 0..TERMS {
        let (newer, older) = (&publishers[term as usize % 2], &publishers[(term + 1) as usize % 2]);
        // A client of its own for each term.
        runtime.block_on(newer.producer.end_term(Duration::ZERO));
        newer.producer.begin_term(SOON, &|| true).unwrap();
        // Both publish: the older one what belongs to its own term.
        for number in 0..RECORDS {
            for (publisher, of) in [(older, term.checked_sub(1)), (newer, Some(term))] {
                let Some(of) = of else { continue };
                runtime.block_on(publisher.store.room());
                // POF texts for the byte arrays of the topic.
                let key = Bytes::from(format!("\x15\x4E\x01{}", number % 10));
                let value = format!("{of:03}.{number:06}");
                let value = Some(Bytes::from(format!("\x15\x4E{}{value}", char::from(value.len() as u8))));
                publisher
                    .store
                    .store(BinaryEntry { key, value, update: true, expiry: Expiry::Default }, &observer);
            }
        }
        runtime.block_on(newer.producer.flush());
    }
    let records = kafka.records(&topic).unwrap();
    let stored = counts.stored.load(Ordering::Relaxed);
    assert_eq!(records.len() as u64, stored, "what is committed was acknowledged, and nothing else");
    assert!(stored >= TERMS * RECORDS, "every newer one publishes");
    assert!(counts.failed.load(Ordering::Relaxed) > 0, "the older ones meet the fence");
    let mut last: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for record in records {
        let (key, value) = (record.key.unwrap(), record.value.unwrap());
        if let Some(before) = last.insert(key, value.clone()) {
            assert!(before <= value, "{:?} behind {:?}", text(&value), text(&before));
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_control_topic_with_more_than_one_partition_is_refused() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let mut published = Published::new(kafka, grid, "partitions", Form::PassThrough);
    let control = unique("control");
    kafka.create_topic(&control, 3).unwrap();
    published.set("coherence.source.control.topic", &control);
    for (arguments, code) in [(&["check"][..], 2), (&["--once"], 2), (&[], 2)] {
        let output = run(arguments, &published.settings()).unwrap();
        let shown = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{shown}");
        assert!(
            shown.contains(&format!("topic {control} has 3 partitions, expected exactly one")),
            "{shown}"
        );
    }
}
