//! Maps → topics: a change of a map becomes a record of a topic, acknowledged or reported, in order.
//!
//! ```text
//! entry_store.rs   EntryStore: what a map calls when an entry changes     observer.rs   who learns what became of it
//! awaiting.rs      the same, awaited
//! kafka_entry_store.rs   the entry store of a topic
//!   outbound.rs    from an entry to its record; pure
//!   producer.rs    from a record to its outcome, in order and bounded     kafka.rs      the only module that knows librdkafka
//! topic_reader leadership topics   for a program that publishes a grid's maps, in kafka/
//! stats.rs error.rs
//! ```

pub mod awaiting;
pub mod entry_store;
pub mod error;
mod kafka;
pub mod kafka_entry_store;
pub mod observer;
pub mod outbound;
pub mod producer;
pub mod stats;
#[cfg(test)]
mod testing;

pub use awaiting::Awaiting;
pub use entry_store::{BinaryEntry, EntryStore};
pub use error::StoreError;
pub use kafka::{leadership, topic_reader, topics};
pub use kafka_entry_store::{BuildError, KafkaEntryStore, KafkaEntryStoreBuilder};
pub use observer::StoreObserver;
pub use outbound::KeyForm;
pub use producer::Producer;
pub use stats::{Failures, StoreStats};
