//! Everything of this crate that talks to Kafka: the only module that names `rdkafka`.
//!
//! ```text
//! consumer.rs    a member of a consumer group: assignments, commits, lag
//! batch.rs       reading many records in one call
//! commit.rs      commits whose answer is seen
//! ends.rs        where partitions end, without waiting for the answer
//! embedded.rs    a broker inside this process, and a producer for it
//! cluster.rs     one look at a cluster: is it there, which topics has it; a topic made
//! producer.rs    records whose acknowledgement is seen, for the dead letter queue
//! ```
//!
//! `unsafe` is allowed in batch.rs, commit.rs, ends.rs and embedded.rs, for calls of librdkafka that rdkafka lacks, each with
//! the argument why it is sound.

pub mod batch;
pub mod cluster;
mod commit;
pub mod consumer;
pub mod embedded;
mod ends;
pub mod producer;

/// Settings for a Kafka client, by librdkafka's names.
pub type ClientSettings = [(String, String)];

fn client_config(settings: &ClientSettings) -> rdkafka::ClientConfig {
    let mut config = rdkafka::ClientConfig::new();
    for (key, value) in settings {
        config.set(key, value);
    }
    config
}
