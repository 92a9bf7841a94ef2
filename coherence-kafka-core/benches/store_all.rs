//! `store_all` beside a bare producer loop with the same settings, in turns.
//!
//! Against librdkafka's mock cluster, or the broker whose address `BENCH_BOOTSTRAP_SERVERS` holds, where the topic
//! `entry-store-bench` must be there.

// What the measurement rests on must not fail quietly.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use coherence_kafka_common::map::Expiry;
use coherence_kafka_core::{BinaryEntry, EntryStore as _, KafkaEntryStore, StoreError, StoreObserver};
use futures::executor::block_on;
use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};

const TOPIC: &str = "entry-store-bench";
const RECORDS: usize = 300_000;
const BATCH: usize = 500;
const ROUNDS: usize = 7;
const VALUE_BYTES: usize = 100;
const DEADLINE: Duration = Duration::from_secs(120);
const SETTINGS: [(&str, &str); 5] = [
    ("enable.idempotence", "true"),
    ("acks", "all"),
    ("partitioner", "murmur2_random"),
    ("linger.ms", "5"),
    ("queue.buffering.max.messages", "100000"),
];

fn main() {
    let given = std::env::var("BENCH_BOOTSTRAP_SERVERS").ok();
    // Criterion's flags mean nothing here; a test run only shows that the program works.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { ROUNDS } else { 1 };
    let mock = given.is_none().then(|| MockCluster::new(1).unwrap());
    if let Some(mock) = &mock {
        mock.create_topic(TOPIC, 8, 1).unwrap();
    }
    let servers = given.or_else(|| mock.as_ref().map(|mock| mock.bootstrap_servers())).unwrap();
    let entries: Vec<BinaryEntry> = (0..RECORDS).map(entry).collect();
    let (mut bare, mut store, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        bare.push(bare_loop(&servers, &entries));
        store.push(store_all(&servers, &entries));
        ratios.push(store.last().unwrap() / bare.last().unwrap());
    }
    let against = if mock.is_some() { "mock cluster" } else { "broker" };
    println!("{RECORDS} records of {VALUE_BYTES} bytes, {against}, median of {rounds} rounds");
    println!("  bare producer loop  {:>9.0} records/s", median(&mut bare));
    println!(
        "  store_all({BATCH})      {:>9.0} records/s, {:.2} of it",
        median(&mut store),
        median(&mut ratios)
    );
}

fn entry(n: usize) -> BinaryEntry {
    let text =
        |text: &str| -> Bytes { [&[0x15, 0x4E, text.len() as u8][..], text.as_bytes()].concat().into() };
    let value: Bytes = [&[0x15, 0x4E, 0xA4, 0x01][..], &[b'v'; VALUE_BYTES]].concat().into();
    BinaryEntry { key: text(&format!("{n:016}")), value: Some(value), update: false, expiry: Expiry::Default }
}

fn store_all(servers: &str, entries: &[BinaryEntry]) -> f64 {
    let settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let builder = KafkaEntryStore::builder(TOPIC).pass_through().settings(settings);
    let store = builder.setting("bootstrap.servers", servers).build().unwrap();
    let acknowledged = Arc::new(Acknowledged::default());
    let observer: Arc<dyn StoreObserver> = acknowledged.clone();
    let begun = Instant::now();
    for batch in entries.chunks(BATCH) {
        let mut batch = batch.to_vec();
        while !batch.is_empty() {
            block_on(store.room());
            store.store_all(std::mem::take(&mut batch), &observer);
            batch.append(&mut acknowledged.full.lock().unwrap());
        }
    }
    block_on(store.flush());
    let rate = RECORDS as f64 / begun.elapsed().as_secs_f64();
    assert_eq!(acknowledged.count.load(Ordering::Relaxed), RECORDS);
    rate
}

#[derive(Default)]
struct Acknowledged {
    count: AtomicUsize,
    full: std::sync::Mutex<Vec<BinaryEntry>>,
}

impl StoreObserver for Acknowledged {
    fn on_next(&self, _: BinaryEntry) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    fn on_error(&self, entry: BinaryEntry, error: StoreError) {
        assert_eq!(error, StoreError::Full);
        self.full.lock().unwrap().push(entry);
    }
}

#[derive(Default)]
struct Reports(AtomicUsize);

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, _: usize) {
        assert!(result.is_ok());
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn bare_loop(servers: &str, entries: &[BinaryEntry]) -> f64 {
    let mut config = ClientConfig::new();
    for (name, value) in SETTINGS {
        config.set(name, value);
    }
    config.set("bootstrap.servers", servers);
    let producer: ThreadedProducer<Reports> = config.create_with_context(Reports::default()).unwrap();
    let begun = Instant::now();
    for (number, entry) in entries.iter().enumerate() {
        let event = Header { key: "event", value: Some("INSERT") };
        let mut record = BaseRecord::with_opaque_to(TOPIC, number)
            .key(&entry.key[..])
            .payload(entry.value.as_deref().unwrap())
            .headers(OwnedHeaders::new_with_capacity(1).insert(event));
        while let Err((_, back)) = producer.send(record) {
            record = back;
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    producer.flush(DEADLINE).unwrap();
    let rate = RECORDS as f64 / begun.elapsed().as_secs_f64();
    assert_eq!(producer.context().0.load(Ordering::Relaxed), RECORDS);
    rate
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
