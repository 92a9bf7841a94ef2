#![doc = include_str!("../README.md")]
//!
//! ```text
//! connector.rs connector/          the sink as a connector of a worker; the sessions that it writes to
//! cli.rs check.rs demo.rs          what the command does in addition to the worker's
//! config.rs config/                settings of a sink connector → checked configuration
//! counters.rs metrics.rs           what the tasks have done so far
//! task.rs task/                    one member of the consumer group: the delivery
//! pipeline.rs plan.rs offset_tracker.rs    pure: record → operation → one write per key; offsets that may be committed
//! expiry.rs                        pure: when entries expire
//! key.rs                           pure: keys of fields or of a header
//! entries.rs                       pure: converted data → the bytes of an entry
//! mapping.rs                       mapping files, and what `mapping check` asks of one
//! errors.rs errors/                handling of bad records, the dead letter queue
//! writer.rs                        a plan into the maps, again and again until confirmed
//! snapshot.rs snapshot/            embedded maps in a file, with the positions up to which they hold the topics
//! ```

#![warn(unreachable_pub, missing_debug_implementations)]

mod check;
#[doc(hidden)]
pub mod cli;
mod config;
mod connector;
mod counters;
#[doc(hidden)]
pub mod demo;
mod entries;
mod errors;
mod expiry;
mod key;
#[doc(hidden)]
pub mod mapping;
mod metrics;
#[doc(hidden)]
pub mod offset_tracker;
mod pipeline;
#[doc(hidden)]
pub mod plan;
mod snapshot;
mod task;
mod writer;

pub use config::{
    ConnectorConfig, ConsumerConfig, DeadLetterConfig, MapNameError, MapNames, Mappings, Topics,
};
pub use connector::{LocalSessions, OpenSession, Sessions, SinkConnector, SinkPlugin};
pub use counters::{Cause, Count, Counters, Errors, Gauge, Holding};
