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
//! errors.rs errors/                handling of bad records, the dead letter queue
//! writer.rs                        a plan into the maps, again and again until confirmed
//! saved.rs saved/                  embedded maps in a file, with the positions up to which they hold the topics
//! ```

#![warn(unreachable_pub, missing_debug_implementations)]

mod check;
pub mod cli;
pub mod config;
pub mod connector;
pub mod counters;
pub mod demo;
pub mod errors;
pub mod expiry;
pub mod metrics;
pub mod offset_tracker;
pub mod pipeline;
pub mod plan;
pub mod saved;
pub mod task;
pub mod writer;

pub use connector::{LocalSessions, OpenSession, Sessions, SinkConnector, SinkPlugin};
