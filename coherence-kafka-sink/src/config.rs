//! The configuration of a worker and its connectors, with the keys, defaults and texts of Kafka Connect.
//!
//! Owns: which settings a worker and a sink connector have, and what they mean. How they are read, laid over each other
//! and refused is `coherence_kafka_connect::config`'s. Never does: opening connections, logging.
//!
//! ```text
//! load.rs ─ Properties ─ worker.rs, connector.rs ─ typed configuration
//!                        ├ table.rs      the settings, also docs.rs
//!                        ├ mappings.rs   topic → map
//!                        ├ pattern.rs    Java regex → librdkafka's
//!                        └ clients.rs    consumer.*, producer.*, admin.*
//! ```

mod clients;
mod connector;
pub mod docs;
mod load;
pub mod mappings;
mod pattern;
pub mod table;
mod worker;

pub use clients::ConsumerConfig;
pub use connector::{ConnectorConfig, DeadLetterConfig, RestartConfig, Topics};
pub use load::{LoadError, Loaded, LoadedConnector, Sources, load};
pub use mappings::Mappings;
pub use worker::{Listener, OverridePolicy, WorkerConfig};
