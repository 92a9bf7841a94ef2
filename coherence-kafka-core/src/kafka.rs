//! Everything of this crate that talks to Kafka: the only module that names `rdkafka`.
//!
//! ```text
//! client.rs         a producer of librdkafka: records in, their delivery reports out, a batch of them at a time
//!   transactions.rs its transactions, and how an older producer is fenced
//! topic_reader.rs   a topic read once, from its beginning to its present end
//! headers.rs        a record's headers as librdkafka keeps them, used again for the next record
//! leadership.rs     one leader among processes, by the membership of a consumer group
//! commits.rs        the commits by which it is confirmed
//! permissions.rs    what may be done with a topic
//! topics.rs         which topics there are, how they are cleaned; a topic made
//! looking.rs        what librdkafka says where nothing comes
//! failures.rs       what became of a record that failed: by whose fault, why, and what to do
//! ```
//!
//! `unsafe` is allowed in client.rs, commits.rs, headers.rs and permissions.rs, for calls of librdkafka that rdkafka lacks,
//! with the argument why it is sound.

pub(crate) mod client;
mod commits;
mod failures;
pub(crate) mod headers;
pub mod leadership;
mod looking;
#[cfg(test)]
pub(crate) mod mock;
mod permissions;
pub mod topic_reader;
pub mod topics;
