#![doc = include_str!("../README.md")]
//!
//! ```text
//! cache_config.rs  the user's cache configuration file       cache_factory.rs   caches and their stores, by this file
//! entry_store.rs   the calls of a map when an entry changes  observer.rs   the observer of the outcomes
//! binary_entry.rs  the entry that both are about
//! async_entry_store.rs   the same calls, awaited
//! kafka_entry_store.rs   the entry store of a topic
//!   outbound.rs    from an entry to its record
//!   serializers.rs   serializers by name
//!   producer.rs    from a record to its outcome, in order and bounded
//!   producers.rs   stores of equal settings share one producer
//! read_write_backing_map.rs   a map over another one; the entry store receives its changes before or after
//! stats.rs error.rs
//! ```

#![warn(unreachable_pub, missing_debug_implementations)]

mod async_entry_store;
mod binary_entry;
mod cache_config;
mod cache_factory;
mod entry_store;
mod error;
mod kafka_entry_store;
mod observer;
mod outbound;
mod producer;
mod producers;
mod read_write_backing_map;
mod serializers;
mod stats;
#[cfg(test)]
mod testing;

pub use async_entry_store::AsyncEntryStore;
pub use binary_entry::BinaryEntry;
pub use cache_config::{CacheConfig, CacheScheme, StoreScheme, in_variables};
pub use cache_factory::{CacheError, CacheFactory};
pub use coherence_kafka_rdkafka::producer::Lost;
pub use entry_store::EntryStore;
pub use error::{ConversionError, StoreError};
pub use kafka_entry_store::{BuildError, KafkaEntryStore, KafkaEntryStoreBuilder};
pub use observer::StoreObserver;
pub use outbound::{
    Conversion, EVENT_HEADER, Event, Form, KeyForm, Operation, Outbound, OutboundRecord, Record,
};
pub use producer::{Producer, Transactions};
pub use producers::Producers;
pub use read_write_backing_map::{
    Counts, NotStored, PublishExpirations, ReadWriteBackingMap, ReadWriteOptions,
};
pub use serializers::converter_of;
pub use stats::{Failures, StoreStats};
