//! Oracle Coherence maps into Kafka topics: the library behind the command `coherence-kafka-source`.
//!
//! ```text
//! publisher.rs publisher/          pure: which event, which scanned entry becomes a record
//! digest.rs digest/                pure: what a topic holds, as hashes
//! ```

pub mod digest;
pub mod publisher;
