//! Kafka Connect's data model in Rust: schemas, values, converters, typed configuration.
//!
//! Owns: what a record means. Never does: I/O, runtimes, Kafka clients, grids.

pub mod config;
pub mod converter;
pub mod encode;
pub mod schema;
pub mod value;
