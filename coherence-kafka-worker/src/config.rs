//! The configuration of a worker and its connectors, with the keys, defaults and texts of Kafka Connect.
//!
//! Owns: the settings of a worker, what all connectors have in common, and where the settings of their Kafka clients
//! stand. How settings are read, laid over each other and refused is `coherence_kafka_connect::config`'s. Never does:
//! opening connections, logging, asking a plugin: that is `load.rs`'s.
//!
//! ```text
//! worker.rs     typed configuration of the worker; table.rs holds its settings
//!               rest.rs: who may reach the REST interface, and how
//!               distributed.rs: how it forms a cluster with others
//! connector.rs  what all connectors have in common
//!               clients.rs: consumer.*, producer.*, admin.*; mapping_file.rs: the types of entries
//! ```

pub mod clients;
pub mod connector;
mod distributed;
pub mod mapping_file;
mod rest;
pub mod table;
mod transforms;
mod worker;

pub use connector::RestartConfig;
pub use distributed::{DistributedConfig, StorageTopic};
pub use rest::{
    AdminListeners, Advertised, Listener, ResponseHeader, RestConfig, RestLimits, Scheme, TLS, TlsConfig,
    Users,
};
pub use transforms::transforms;
pub use worker::{OverridePolicy, WorkerConfig, converters, create_converter, create_header_converter};
