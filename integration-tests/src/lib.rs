//! The real servers of the suites: a Kafka broker and a Coherence grid, fetched from Maven Central, started on free
//! loopback ports, broken in every way a test needs, and never left behind.
//!
//! ```text
//! peers    the servers' jars in target/peers (fetched once) and the tests' switch COHERENCE_KAFKA_PEERS
//! kafka    one broker          grid   one storage member, and the tool that looks into it
//! python   the official Python client, another reader and writer of a grid's maps
//! shared   one of each for all tests of a process        process   a child that dies with its parent
//! relay    a way to either that can be cut and stopped up
//! sandbox  names, ports and folders of one test          wait      until a condition holds
//! usage    memory, CPU time, threads and connections of a process
//! ```
//!
//! It never asserts anything about the product: that is the business of `tests/it`.

pub mod grid;
pub mod kafka;
pub mod peers;
mod pipes;
pub mod process;
pub mod python;
pub mod relay;
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
