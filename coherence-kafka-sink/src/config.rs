//! The configuration of a worker and its connectors, with the keys, defaults and texts of Kafka Connect.
//!
//! Owns: reading files, environment and command line, variables, checking everything before anything starts,
//! and the translation of Java client settings. Never does: opening connections, logging.
//!
//! ```text
//! file.rs ─┐
//! environment ─┼─ layers.rs ─ Properties ─ variables.rs ─ worker.rs, connector.rs ─ typed configuration
//! command line ┘              (key → value, origin)       ├ table.rs      the settings, also docs.rs
//!                                                         ├ mappings.rs   topic → map
//!                                                         ├ pattern.rs    Java regex → librdkafka's
//!                                                         └ translate.rs  consumer.* → librdkafka
//! ```

mod connector;
pub mod docs;
pub mod file;
mod findings;
pub mod layers;
mod librdkafka;
mod load;
pub mod mappings;
mod pattern;
mod properties;
pub mod table;
pub mod translate;
mod variables;
mod worker;

pub use connector::{
    ConnectorConfig, DeadLetterConfig, RestartConfig, SessionConfig, SessionKind, TlsFiles, Topics,
};
pub use file::InitialState;
pub use findings::{ConfigErrors, Finding};
pub use load::{LoadError, Loaded, LoadedConnector, Sources, load};
pub use mappings::Mappings;
pub use properties::{Properties, Property, is_secret};
pub use translate::ConsumerConfig;
pub use variables::Environment;
pub use worker::{Listener, OverridePolicy, WorkerConfig};
