//! Kafka Connect's data model in Rust: schemas, values, converters, configuration.
//!
//! Owns: what a record means, and what a setting means. Never does: sockets, runtimes, Kafka clients, grids; files are
//! read for configuration alone.

pub mod config;
pub mod converter;
pub mod encode;
pub mod schema;
pub mod value;
