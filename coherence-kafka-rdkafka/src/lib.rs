#![doc = include_str!("../README.md")]
//!
//! ```text
//! settings.rs ──► every client
//! error_capture.rs   why a call got no answer ──► admin.rs, topic_reader.rs
//! queue.rs           answers of librdkafka ──► consumer.rs (batch.rs, commits.rs, offsets.rs), group_offsets.rs, producer.rs,
//!                    leadership.rs, membership.rs, topic_log.rs, topic_tail.rs, topic_writer.rs
//! topic_reader.rs    a topic to its end ──► topic_tail.rs: its last records
//! description.rs     a topic's id and permissions ──► topic_log.rs, topic_reader.rs
//! ```
//!
//! `unsafe` is allowed in queue.rs, consumer/, record/, group_offsets.rs, producer.rs, producer/, description.rs and
//! embedded.rs, for calls of librdkafka that `rdkafka` lacks. Each of these files states why it is sound.

#![warn(unreachable_pub, missing_debug_implementations)]

pub mod admin;
pub mod consumer;
mod description;
pub mod embedded;
mod error_capture;
pub mod group_offsets;
pub mod leadership;
pub mod membership;
pub mod producer;
mod queue;
pub mod record;
pub mod record_producer;
pub mod settings;
#[doc(hidden)]
pub mod testing;
pub mod topic_log;
pub mod topic_reader;
pub mod topic_tail;
pub mod topic_writer;
