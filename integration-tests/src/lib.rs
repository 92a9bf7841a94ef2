//! The harness of the suites: a real Kafka broker and a real Coherence grid, fetched from Maven Central, started on free
//! loopback ports, broken in every way a test needs, and never left behind.
//!
//! ```text
//! servers    kafka     a broker: starts, stops, freezes          kafka/topics  topics, records, committed offsets
//!                                                                kafka/feed    a producer with a rate of its own
//!                                                                kafka/java    Kafka's own clients and tools in Java
//!            grid      a member of a cluster, with its proxy     grid/tool     reads and writes maps without code of
//!                                                                              this project (peers/coherence)
//!                                                                grid/values   values, entries and events in Java
//!            connect   a worker of Kafka Connect in distributed mode
//!            registry  a schema registry
//!            python    clients of a grid and of Connect's REST, Confluent's serializers
//!            tls       certificates for broker and grid
//!            shared    one broker, one grid of each format and one schema registry for all tests of a process
//!            relay     a way to a server that can be counted, cut and stopped up
//!            browser   headless Chromium, and what drives it
//! commands   sink source   the two commands as processes, with their files, metrics and logs
//!            fleet     several sinks that share connectors in distributed mode, and which of them runs what
//!            rest      requests of Connect's REST interface
//! basis      peers     files and Python in target/peers; the switch COHERENCE_KAFKA_PEERS
//!            jvm       the servers' jars, flags and archives of classes
//!            process   a child that ends with its parent         pipes         commands and answers over its pipes
//!            usage     memory, CPU time, threads and connections of a process
//!            sandbox   names, ports and folders of one test      wait          until a condition holds
//!            openmetrics   the grammar of a page of metrics
//! programs   bin/peers make peers                                bin/demo-real make demo PEERS=real
//! ```
//!
//! The harness asserts nothing about the product: `tests/it` does, with one file per theme. `benchmarks` uses the harness,
//! too.

pub mod browser;
pub mod connect;
pub mod fleet;
pub mod grid;
mod jvm;
pub mod kafka;
pub mod openmetrics;
pub mod peers;
mod pipes;
pub mod process;
pub mod python;
pub mod registry;
pub mod relay;
pub mod rest;
pub mod sandbox;
pub mod shared;
pub mod sink;
pub mod source;
pub mod tls;
pub mod usage;
pub mod wait;

/// The blocks of Rust in the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// The same of the page about the client.
#[cfg(doctest)]
#[doc = include_str!("../../docs/client.md")]
pub struct ClientPage;
