//! Maps → topics: a change of a map becomes a record of a topic, acknowledged or reported, in order.
//!
//! ```text
//! cache_config.rs  the user's cache configuration file                    cache_factory.rs   caches that store, as it says
//! entry_store.rs   EntryStore: what a map calls when an entry changes     observer.rs   who learns what became of it
//! async_entry_store.rs      the same, awaited
//! kafka_entry_store.rs   the entry store of a topic
//!   outbound.rs    from an entry to its record; pure
//!   producer.rs    from a record to its outcome, in order and bounded
//!   producers.rs   stores of equal settings share one of those
//! read_write_backing_map.rs   a map over another one, whose changes the entry store gets before it or behind it
//! stats.rs error.rs
//! ```

pub mod async_entry_store;
pub mod cache_config;
pub mod cache_factory;
pub mod entry_store;
pub mod error;
pub mod kafka_entry_store;
pub mod observer;
pub mod outbound;
pub mod producer;
pub mod producers;
pub mod read_write_backing_map;
pub mod stats;
#[cfg(test)]
mod testing;

pub use async_entry_store::AsyncEntryStore;
pub use cache_config::{CacheConfig, CacheScheme, StoreScheme};
pub use cache_factory::{CacheError, CacheFactory};
pub use entry_store::{BinaryEntry, EntryStore};
pub use error::StoreError;
pub use kafka_entry_store::{BuildError, KafkaEntryStore, KafkaEntryStoreBuilder};
pub use observer::StoreObserver;
pub use outbound::KeyForm;
pub use producer::{Lost, Producer, Transactions};
pub use producers::Producers;
pub use read_write_backing_map::{ReadWriteBackingMap, ReadWriteOptions};
pub use stats::{Failures, StoreStats};
