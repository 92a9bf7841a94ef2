//! The entry store on a real broker: its records, their order, and what becomes of entries while the broker is gone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coherence_kafka_common::map::Expiry;
use coherence_kafka_common::pof::serde::{from_binary, to_binary};
use coherence_kafka_common::pof::{PofContext, PofValue};
use coherence_kafka_core::KafkaEntryStoreBuilder;
use coherence_kafka_core::{BinaryEntry, EntryStore, KafkaEntryStore, StoreError, StoreObserver};
use integration_tests::kafka::{Kafka, Record};
use parking_lot::{Condvar, Mutex};

mod causes;
mod order;
mod outages;
mod records;

const LONG: Duration = Duration::from_secs(240);

fn builder(kafka: &Kafka, topic: &str) -> KafkaEntryStoreBuilder {
    KafkaEntryStore::builder(topic).setting("bootstrap.servers", kafka.bootstrap())
}

fn entry<K: serde::Serialize, V: serde::Serialize>(key: &K, value: &V) -> BinaryEntry {
    BinaryEntry { value: Some(binary(value)), ..removed(key) }
}

fn removed<K: serde::Serialize>(key: &K) -> BinaryEntry {
    BinaryEntry { key: binary(key), value: None, update: false, expiry: Expiry::Default }
}

fn binary<T: serde::Serialize>(value: &T) -> Bytes {
    to_binary(&PofContext::default(), value).unwrap().into()
}

fn object<T: serde::de::DeserializeOwned>(binary: &[u8]) -> T {
    from_binary(&PofContext::default(), binary).unwrap()
}

fn event(record: &Record) -> String {
    let event = record.headers.iter().find(|(name, _)| name == "event").unwrap();
    String::from_utf8(event.1.clone().unwrap()).unwrap()
}

/// Counts outcomes; keeps what failed, and what was acknowledged where it is asked to.
#[derive(Default)]
struct Outcomes {
    told: Mutex<Told>,
    more: Condvar,
}

#[derive(Default)]
struct Told {
    acknowledged: usize,
    failed: Vec<(BinaryEntry, StoreError)>,
}

impl Outcomes {
    fn new() -> (Arc<Self>, Arc<dyn StoreObserver>) {
        let outcomes = Arc::new(Self::default());
        (outcomes.clone(), outcomes)
    }

    #[track_caller]
    fn wait_for(&self, count: usize) {
        let mut told = self.told.lock();
        while told.acknowledged + told.failed.len() < count {
            let late = self.more.wait_for(&mut told, LONG).timed_out();
            assert!(!late, "{} and {} of {count} outcomes", told.acknowledged, told.failed.len());
        }
        assert_eq!(told.acknowledged + told.failed.len(), count);
    }
}

impl StoreObserver for Outcomes {
    fn on_next(&self, _: BinaryEntry) {
        self.told.lock().acknowledged += 1;
        self.more.notify_all();
    }

    fn on_error(&self, entry: BinaryEntry, error: StoreError) {
        self.told.lock().failed.push((entry, error));
        self.more.notify_all();
    }
}

/// The values of each key in the order of the topic, which keeps a key in one partition; none is a tombstone.
fn by_key(records: Vec<Record>) -> BTreeMap<i32, Vec<Option<i64>>> {
    let mut by_key: BTreeMap<i32, (i32, Vec<Option<i64>>)> = BTreeMap::new();
    for record in records {
        let of_key = by_key.entry(object(&record.key.unwrap())).or_insert((record.partition, Vec::new()));
        assert_eq!(of_key.0, record.partition);
        of_key.1.push(record.value.as_deref().map(object));
    }
    by_key.into_iter().map(|(key, (_, values))| (key, values)).collect()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}
