//! A map whose changes become records of a topic a little later, the newest of each key.
//!
//! ```text
//! cargo run -p coherence-kafka-core --example write_behind localhost:9092 visits
//! ```
//!
//! The topic must be there.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::{Format, Session};
use coherence_kafka_common::serializer::PofSerde;
use coherence_kafka_common::typed_map::TypedMap;
use coherence_kafka_core::{
    BinaryEntry, EntryStore, KafkaEntryStore, ReadWriteBackingMap, ReadWriteOptions, StoreError,
    StoreObserver,
};

/// Reports the outcome of records that are written behind: the calls have returned before.
struct Lost;

impl StoreObserver for Lost {
    fn on_next(&self, _: BinaryEntry) {}

    fn on_error(&self, _: BinaryEntry, error: StoreError) {
        eprintln!("a change is lost to the topic: {error}");
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1);
    let bootstrap = arguments.next().unwrap_or_else(|| "localhost:9092".to_owned());
    let topic = arguments.next().unwrap_or_else(|| "visits".to_owned());

    let store = Arc::new(
        KafkaEntryStore::builder(topic).pass_through().setting("bootstrap.servers", bootstrap).build()?,
    );
    let below = LocalSession::new(Format::Pof).map("visits").await?;
    let options = ReadWriteOptions { write_delay: Duration::from_secs(60), ..ReadWriteOptions::default() };
    let map = ReadWriteBackingMap::observed(below, store.clone(), &options, Some(Arc::new(Lost))).await?;
    let map = Arc::new(map);
    let visits = TypedMap::<String, i64>::new(
        map.clone(),
        Arc::new(PofSerde::default()),
        Arc::new(PofSerde::default()),
    );

    // Each call returns when the map has changed.
    let pages = ["home", "news", "about"].map(str::to_owned);
    for visit in 0..3000 {
        let page = &pages[visit % 3];
        let before = visits.get(page).await?.unwrap_or_default();
        visits.put(page, &(before + 1)).await?;
    }
    println!("{} visits of home", visits.get(&pages[0]).await?.unwrap_or_default());

    // What waits is written now, without regard to the delay.
    let remain = map.close(Duration::from_secs(30)).await;
    if let Some(counts) = map.counts() {
        println!("{} changes, {} records, {remain} remain", counts.accepted, counts.stored);
    }
    store.close(Duration::from_secs(30)).await;
    Ok(())
}
