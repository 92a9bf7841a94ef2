//! The configuration of a sink connector, with the keys, defaults and texts of Kafka Connect.
//!
//! Owns: which settings a sink connector has, and what they mean. What all connectors have in common, and the worker's
//! settings, are `coherence_kafka_worker::config`'s. Never does: opening connections, logging.
//!
//! ```text
//! Properties ─ connector.rs ─ typed configuration
//!              ├ table.rs      the settings, also docs.rs
//!              ├ map_names.rs  topic → map, with mappings.rs
//!              ├ pattern.rs    Java regex → librdkafka's
//!              └ clients.rs    consumers, and the clients of the dead letter queue
//! ```

pub(crate) mod clients;
mod connector;
#[cfg(test)]
mod docs;
pub(crate) mod map_names;
mod mappings;
mod pattern;
pub(crate) mod table;

pub use clients::ConsumerConfig;
pub(crate) use connector::shared;
pub use connector::{ConnectorConfig, DeadLetterConfig, Topics};
pub use map_names::{MapNameError, MapNames};
pub use mappings::Mappings;

#[cfg(test)]
pub(crate) mod tests;
