//! The options of a delivery, and the actions that it asks for.

use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_rdkafka::record::{OutgoingRecord, TopicPartition};

use crate::writer::BatchWrites;

/// Bounds and deadlines of a delivery.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeliveryOptions {
    /// Records of one batch, at most.
    pub batch_records: usize,
    /// Bytes of keys and values of one batch: beyond it no further record is accepted.
    pub batch_bytes: usize,
    /// `coherence.batch.linger.ms`: how long a batch waits for more once it has its first record.
    pub linger: Duration,
    /// `offset.flush.interval.ms`.
    pub flush_interval: Duration,
    /// `offset.flush.timeout.ms`.
    pub flush_timeout: Duration,
    /// How long a revoke waits for the records in hand; shorter than the session time-out.
    pub revoke_deadline: Duration,
    /// `task.shutdown.graceful.timeout.ms`.
    pub stop_deadline: Duration,
    /// The maps are saved with their positions before these are committed.
    pub saves: bool,
}

/// Numbers the writes of a delivery: a late answer names a write that is no longer awaited.
pub(crate) type WriteNumber = u64;

/// Numbers the saves and commits of a delivery: one that was not answered in time may be answered behind the next.
pub(crate) type CommitNumber = usize;

/// Numbers the dead letters of a delivery.
pub(crate) type LetterNumber = usize;

/// An action for the task to carry out, in this order.
#[derive(Debug)]
pub(crate) enum Action {
    /// Answer an assignment; a partition that the maps hold a part of is read from behind it.
    Assign(Vec<(TopicPartition, Option<i64>)>),
    /// Answer a revocation.
    Release(Vec<TopicPartition>),
    /// Read a partition from this offset on.
    Seek(TopicPartition, i64),
    /// Write a batch; the answer is [`super::Delivery::on_written`].
    Write(WriteNumber, Arc<BatchWrites>),
    /// Make no further attempt at the write in flight. What was sent may still be applied.
    Abandon,
    /// Save the maps, which hold everything below these positions; the answer is [`super::Delivery::on_saved`].
    Save(CommitNumber, Vec<(TopicPartition, i64)>),
    /// Commit these positions; the answer is [`super::Delivery::on_committed`].
    Commit(CommitNumber, Vec<(TopicPartition, i64)>),
    /// Send a record to the dead letter queue; the answer is [`super::Delivery::on_reported`].
    Report(LetterNumber, OutgoingRecord),
}
