//! Everything of this crate that talks to Kafka: the only module that names `rdkafka`.
//!
//! ```text
//! client.rs   a producer of librdkafka: records in, their delivery reports out, a batch of them at a time
//! ```
//!
//! `unsafe` is allowed in client.rs, for calls of librdkafka that rdkafka lacks, with the argument why it is sound.

pub(crate) mod client;
#[cfg(test)]
pub(crate) mod mock;
