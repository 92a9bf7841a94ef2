//! Maps → topics: a change of a map becomes a record of a topic, acknowledged or reported, in order.
//!
//! ```text
//! entry_store.rs   EntryStore: what a map calls when an entry changes     observer.rs   who learns what became of it
//! read_write_backing_map.rs   ReadWriteBackingMap: a map over another one that calls an entry store, before it or behind it
//! ```

pub mod cache_config;
pub mod entry_store;
pub mod error;
pub mod observer;
pub mod read_write_backing_map;

pub use cache_config::{CacheConfig, CacheScheme, StoreScheme};
pub use entry_store::{BinaryEntry, EntryStore};
pub use error::StoreError;
pub use observer::StoreObserver;
pub use read_write_backing_map::{ReadWriteBackingMap, ReadWriteOptions};
