//! Reading many records in one call.
//!
//! rdkafka hands out one event and one reference count a record; librdkafka's batch call costs a third of that.
//! It must not read the group's own queue, because librdkafka would answer a rebalance that it finds there with an empty
//! assignment. So the queue of every assigned partition is forwarded to one extra queue. Only this module reads that queue, on
//! the thread that also polls the consumer.
//!
//! # Safety
//! What the `unsafe` blocks rely on:
//! * the client outlives the queue: [`BatchQueue`] holds a pointer without a borrow, so its owner (`consumer.rs`) declares it
//!   before the client and drops it first;
//! * a message is valid until it is destroyed: [`Batch`] destroys its messages on drop, and every slice that
//!   it hands out borrows from it;
//! * librdkafka's queues may be used from any thread, but never by two batch calls at once: [`BatchQueue`] is
//!   read through `&mut self`.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::fmt;
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::types::{RDKafka, RDKafkaErrorCode, RDKafkaRespErr};

use crate::queue::{Queue, Waker, millis};
use crate::record::message::{MessageRef, bytes};
use crate::record::{Envelope, RawRecord, TopicPartition};

/// An error that was read in place of a record, in librdkafka's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// The partition it was read from, if that is known.
    pub partition: Option<TopicPartition>,
    /// What the reader can do about it.
    pub kind: ReadErrorKind,
    reason: String,
}

/// What the reader of a [`ReadError`] can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadErrorKind {
    /// Nothing: librdkafka continues to fetch at the same offset.
    Passes,
    /// No offset to read from exists, and `auto.offset.reset` forbids to choose one. librdkafka reports it once, and stops reading
    /// the partition.
    NoOffset,
    /// The broker does not permit reading the topic. librdkafka retries, and the partition makes no progress.
    NotPermitted,
}

impl ReadError {
    fn new(partition: Option<TopicPartition>, code: RDKafkaErrorCode, reason: Option<String>) -> Self {
        let kind = match code {
            RDKafkaErrorCode::AutoOffsetReset => ReadErrorKind::NoOffset,
            RDKafkaErrorCode::TopicAuthorizationFailed => ReadErrorKind::NotPermitted,
            _ => ReadErrorKind::Passes,
        };
        Self { partition, kind, reason: reason.unwrap_or_else(|| code.to_string()) }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.partition {
            Some(partition) => write!(f, "{partition}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl std::error::Error for ReadError {}

/// The queue to which the partitions' queues are forwarded.
pub(super) struct BatchQueue {
    client: *mut RDKafka,
    queue: Queue,
    messages: Vec<*mut rd::rd_kafka_message_t>,
}

// SAFETY: librdkafka's client and queue handles may be used from any thread.
unsafe impl Send for BatchQueue {}

impl BatchQueue {
    /// A queue of `client` that returns at most `capacity` records a call.
    pub(super) fn new(client: *mut RDKafka, capacity: usize) -> Self {
        Self { client, queue: Queue::new(client), messages: Vec::with_capacity(capacity) }
    }

    /// Calls `waker` when records arrive and none waits.
    pub(super) fn on_arrival(&mut self, waker: Waker) {
        self.queue.on_arrival(waker);
    }

    /// Sends the records of a partition here instead of to the group's queue. Must run before the partition is
    /// assigned; librdkafka keeps a forward that the application made.
    pub(super) fn forward(&self, topic: &str, partition: i32) {
        let Ok(topic) = CString::new(topic) else { return };
        // SAFETY: the handles are live; the partition's queue is a counted reference, returned at once.
        unsafe {
            let source = rd::rd_kafka_queue_get_partition(self.client, topic.as_ptr(), partition);
            if !source.is_null() {
                rd::rd_kafka_queue_forward(source, self.queue.as_ptr());
                rd::rd_kafka_queue_destroy(source);
            }
        }
    }

    /// Reads until `max` records have arrived or `wait` has passed.
    pub(super) fn read(&mut self, max: usize, wait: Duration) -> Batch<'_> {
        let max = max.min(self.messages.capacity());
        self.messages.clear();
        // SAFETY: the vector has room for `max` pointers, and the call returns how many of them it wrote.
        unsafe {
            let (queue, messages) = (self.queue.as_ptr(), self.messages.as_mut_ptr());
            let read = rd::rd_kafka_consume_batch_queue(queue, millis(wait), messages, max);
            self.messages.set_len(usize::try_from(read).unwrap_or(0));
        }
        Batch { messages: &mut self.messages }
    }

    /// Where the log of a partition begins and ends, as the last fetch has shown, without asking the broker.
    pub(super) fn watermarks(&self, topic: &str, partition: i32) -> (Option<i64>, Option<i64>) {
        let Ok(topic) = CString::new(topic) else { return (None, None) };
        let (mut low, mut high) = (-1, -1);
        // SAFETY: the client is live and the two integers outlive the call.
        let code = unsafe {
            rd::rd_kafka_get_watermark_offsets(self.client, topic.as_ptr(), partition, &mut low, &mut high)
        };
        let known = |offset: i64| {
            (code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR && offset >= 0).then_some(offset)
        };
        (known(low), known(high))
    }
}

/// The records of one read. Dropping it returns their memory to librdkafka.
#[derive(Debug)]
pub struct Batch<'q> {
    messages: &'q mut Vec<*mut rd::rd_kafka_message_t>,
}

impl Batch<'_> {
    /// Number of records and errors read.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// True when nothing arrived in time.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The records in the order of the queue: by offset within a partition.
    #[inline]
    pub fn records(&self) -> impl Iterator<Item = Result<RawRecord<'_>, ReadError>> {
        // Records come in runs of one topic: its name is measured once a run.
        let mut last = (std::ptr::null_mut(), "");
        self.messages.iter().map(move |&handle| {
            // SAFETY: the message is alive until `self` is dropped, and what is returned borrows from `self`.
            // A topic's name lives as long as the topic handle, which the message holds.
            unsafe {
                let message = &*handle;
                if message.err != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                    return Err(read_error(message));
                }
                if last.0 != message.rkt {
                    let name = CStr::from_ptr(rd::rd_kafka_topic_name(message.rkt));
                    // Kafka allows only ASCII letters, digits, dot, underscore and dash in a topic's name.
                    last = (message.rkt, std::str::from_utf8_unchecked(name.to_bytes()));
                }
                Ok(RawRecord {
                    topic: last.1,
                    partition: message.partition,
                    offset: message.offset,
                    key: bytes(message.key, message.key_len),
                    value: bytes(message.payload, message.len),
                    envelope: Envelope::Message(MessageRef::new(handle)),
                })
            }
        })
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        for message in self.messages.drain(..) {
            // SAFETY: each message was handed out once by the batch call and is destroyed once.
            unsafe { rd::rd_kafka_message_destroy(message) }
        }
    }
}

/// # Safety
/// The message is alive, and an error.
unsafe fn read_error(message: &rd::rd_kafka_message_t) -> ReadError {
    // SAFETY: the topic, where there is one, lives as long as the message; its name ends in a null byte. The payload of
    // an error is its text.
    let (topic, reason) = unsafe {
        let topic = (!message.rkt.is_null()).then(|| CStr::from_ptr(rd::rd_kafka_topic_name(message.rkt)));
        (topic, bytes(message.payload, message.len))
    };
    let partition = topic.map(|topic| TopicPartition {
        topic: topic.to_string_lossy().into_owned(),
        partition: message.partition,
    });
    let reason = reason.map(|reason| String::from_utf8_lossy(reason).into_owned());
    ReadError::new(partition, message.err.into(), reason)
}
