//! Kafka topics into Oracle Coherence maps: the library behind the command `coherence-kafka-sink`.
//!
//! ```text
//! cli.rs run.rs check.rs demo.rs   what the command does
//! config.rs config/                settings: files, environment, command line → checked configuration
//! worker.rs rest.rs rest/          connectors by name, and the REST interface
//! live.rs counters.rs metrics.rs   what they have done so far, for a terminal and for Prometheus
//! task.rs task/                    one member of the consumer group: the delivery
//! pipeline.rs plan.rs settle.rs    pure: record → operation → one write per key; offsets that may be committed
//! expiry.rs                        pure: when entries expire
//! errors.rs errors/                handling of bad records, the dead letter queue
//! writer.rs                        a plan into the maps, again and again until confirmed
//! saved.rs saved/                  embedded maps in a file, with the positions up to which they hold the topics
//! descriptors.rs                   whether the process may open as many files and sockets as it needs
//! ```

pub mod check;
pub mod cli;
pub mod config;
pub mod counters;
pub mod demo;
pub mod descriptors;
pub mod errors;
pub mod expiry;
pub mod live;
pub mod metrics;
pub mod pipeline;
pub mod plan;
pub mod rest;
pub mod run;
pub mod saved;
pub mod settle;
pub mod task;
pub mod worker;
pub mod writer;
