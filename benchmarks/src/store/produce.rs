//! Many records: the bare loop, the entry store, and a map that writes behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use bytes::Bytes;
use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::{Entries, Expiry, Format, NamedMap as _, Session as _};
use coherence_kafka_core::{
    AsyncEntryStore, BinaryEntry, EntryStore, KafkaEntryStore, ReadWriteBackingMap, ReadWriteOptions,
    StoreError, StoreObserver,
};
use futures::executor::block_on;
use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};

use super::{DEADLINE, Measured, Order, STORE_BATCH, Watch};
use crate::child::{entries, runtime};
use crate::{MAP, records};

/// librdkafka's default, and Java's.
const LINGER_MS: &str = "5";
const WRITE_DELAY: Duration = Duration::from_millis(100);

/// The entries of the calls, made before anything is measured.
fn batches(count: u64) -> Result<Vec<Entries>> {
    let mut all = records(0).take(count as usize);
    let mut batches = Vec::new();
    loop {
        let batch = entries(&mut (&mut all).take(STORE_BATCH))?;
        if batch.is_empty() {
            return Ok(batches);
        }
        batches.push(batch);
    }
}

fn binary_entries(batch: &Entries) -> Vec<BinaryEntry> {
    let entry = |(key, value): (&[u8], &[u8])| BinaryEntry {
        key: Bytes::copy_from_slice(key),
        value: Some(Bytes::copy_from_slice(value)),
        update: false,
        expiry: Expiry::Default,
    };
    batch.iter().map(entry).collect()
}

/// An entry of its own, stored before anything counts: the connection stands then.
fn first_entry() -> BinaryEntry {
    let text = Bytes::from_static(b"\x15\x4e\x05first");
    BinaryEntry { key: text.clone(), value: Some(text), update: false, expiry: Expiry::Default }
}

#[derive(Default)]
struct Reports(AtomicU64);

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, _: usize) {
        self.0.fetch_add(u64::from(result.is_ok()), Ordering::Relaxed);
    }
}

fn send(producer: &ThreadedProducer<Reports>, topic: &str, number: usize, entry: &BinaryEntry) {
    let event = Header { key: "event", value: Some("INSERT") };
    let mut record = BaseRecord::with_opaque_to(topic, number)
        .key(&entry.key[..])
        .payload(entry.value.as_deref().unwrap_or_default())
        .headers(OwnedHeaders::new_with_capacity(1).insert(event));
    while let Err((_, back)) = producer.send(record) {
        record = back;
        thread::sleep(Duration::from_millis(1));
    }
}

pub(super) fn bare(order: &Order) -> Result<Measured> {
    let producer: ThreadedProducer<Reports> =
        order.bare_config(LINGER_MS).create_with_context(Reports::default())?;
    let entries: Vec<BinaryEntry> = batches(order.count)?.iter().flat_map(binary_entries).collect();
    send(&producer, &order.topic, 0, &first_entry());
    producer.flush(DEADLINE)?;
    let watch = Watch::start();
    for (number, entry) in entries.into_iter().enumerate() {
        send(&producer, &order.topic, number, &entry);
    }
    producer.flush(DEADLINE)?;
    let measured = watch.stop(order.count)?;
    let acknowledged = producer.context().0.load(Ordering::Relaxed) - 1;
    ensure!(acknowledged == order.count, "{acknowledged} of {} acknowledged", order.count);
    Ok(measured)
}

pub(super) fn connected(order: &Order, linger_ms: &str) -> Result<KafkaEntryStore> {
    let store =
        KafkaEntryStore::builder(&order.topic).pass_through().settings(order.settings(linger_ms)).build()?;
    runtime()?.block_on(AsyncEntryStore::of(&store).store(first_entry()))?;
    Ok(store)
}

/// Counts what is acknowledged and keeps what found no room.
#[derive(Default)]
struct Acknowledged {
    count: AtomicU64,
    full: Mutex<Vec<BinaryEntry>>,
    failed: Mutex<Option<StoreError>>,
}

impl StoreObserver for Acknowledged {
    fn on_next(&self, _: BinaryEntry) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    fn on_next_all(&self, entries: &mut dyn Iterator<Item = BinaryEntry>) {
        self.count.fetch_add(entries.count() as u64, Ordering::Relaxed);
    }

    fn on_error(&self, entry: BinaryEntry, error: StoreError) {
        if error == StoreError::Full {
            self.full.lock().push(entry);
        } else {
            *self.failed.lock() = Some(error);
        }
    }
}

/// The entry store, `batch` entries a call.
pub(super) fn store(order: &Order, batch: usize) -> Result<Measured> {
    let store = connected(order, LINGER_MS)?;
    let batches: Vec<_> = batches(order.count)?.iter().map(binary_entries).collect();
    let acknowledged = Arc::new(Acknowledged::default());
    let observer: Arc<dyn StoreObserver> = acknowledged.clone();
    let watch = Watch::start();
    for mut entries in batches {
        if batch == 1 {
            for entry in entries {
                block_on(store.room());
                store.store(entry, &observer);
            }
            continue;
        }
        while !entries.is_empty() {
            block_on(store.room());
            store.store_all(entries, &observer);
            entries = std::mem::take(&mut *acknowledged.full.lock());
        }
    }
    block_on(store.flush());
    let measured = watch.stop(order.count)?;
    if let Some(error) = acknowledged.failed.lock().take() {
        return Err(error.into());
    }
    let acknowledged = acknowledged.count.load(Ordering::Relaxed);
    ensure!(acknowledged == order.count, "{acknowledged} of {} acknowledged", order.count);
    Ok(measured)
}

pub(super) fn behind(order: &Order) -> Result<Measured> {
    let store = Arc::new(connected(order, LINGER_MS)?);
    let batches: Vec<_> = batches(order.count)?.into_iter().map(Arc::new).collect();
    let runtime = runtime()?;
    // Not on the thread that waits for it, as the calls of a program.
    let work = runtime.spawn({
        let (count, given) = (order.count, store.clone());
        async move {
            let below = LocalSession::new(Format::Pof).map(MAP).await?;
            let options = ReadWriteOptions { write_delay: WRITE_DELAY, ..ReadWriteOptions::default() };
            let map = ReadWriteBackingMap::new(below, given, &options).await?;
            let watch = Watch::start();
            for batch in batches {
                map.put_all(batch, Expiry::Default).await?;
            }
            let remain = map.flush(DEADLINE).await;
            let measured = watch.stop(count)?;
            ensure!(remain == 0, "{remain} changes remain");
            Ok(measured)
        }
    });
    let measured = runtime.block_on(work)?.map_err(|error: anyhow::Error| anyhow!("{error:#}"))?;
    let acknowledged = store.stats().acknowledged - 1;
    ensure!(acknowledged == order.count, "{acknowledged} of {} acknowledged", order.count);
    Ok(measured)
}
