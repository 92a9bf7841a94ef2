//! A map whose changes are records of a topic before they are in the map.
//!
//! ```text
//! cargo run -p coherence-kafka-core --example write_through localhost:9092 orders
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
use coherence_kafka_core::{EntryStore, KafkaEntryStore, ReadWriteBackingMap, ReadWriteOptions};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1);
    let bootstrap = arguments.next().unwrap_or_else(|| "localhost:9092".to_owned());
    let topic = arguments.next().unwrap_or_else(|| "orders".to_owned());

    // The binaries of the map are the records: the sink's pass-through reads them.
    let store = Arc::new(
        KafkaEntryStore::builder(topic).pass_through().setting("bootstrap.servers", bootstrap).build()?,
    );
    // In this process; a map of a grid does as well.
    let below = LocalSession::new(Format::Pof).map("orders").await?;
    let map = Arc::new(ReadWriteBackingMap::new(below, store.clone(), &ReadWriteOptions::default()).await?);
    let orders = TypedMap::<i64, String>::new(
        map.clone(),
        Arc::new(PofSerde::default()),
        Arc::new(PofSerde::default()),
    );

    // Each call returns when Kafka has acknowledged its record, and fails, with the map as it was, where it has not.
    orders.put(&1, &"apples".to_owned()).await?;
    orders.put(&1, &"pears".to_owned()).await?;
    orders.put_all([(&2, &"nuts".to_owned()), (&3, &"plums".to_owned())]).await?;
    orders.remove(&2).await?;
    println!("{} orders, {} records acknowledged", orders.size().await?, store.stats().acknowledged);

    let calls = map.close(Duration::from_secs(30)).await;
    let records = store.close(Duration::from_secs(30)).await;
    println!("{calls} calls and {records} records remain");
    Ok(())
}
