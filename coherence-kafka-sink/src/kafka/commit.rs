//! Commits whose answer is seen.
//!
//! librdkafka answers an asynchronous commit either to a callback, which rdkafka's event loop does not set, or to
//! a queue that the commit names. So a commit here names a queue of its own; without it a failed commit would be
//! a log line, and the wait for the last commit of an assignment a guess.
//!
//! # Safety
//! As in `batch.rs`: the owner drops the queue before the client, and uses both from one thread.
#![allow(unsafe_code)]

use rdkafka::bindings as rd;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::{RDKafka, RDKafkaErrorCode, RDKafkaRespErr};

/// Where the answers to commits arrive.
pub(super) struct CommitQueue {
    client: *mut RDKafka,
    queue: *mut rd::rd_kafka_queue_t,
}

// SAFETY: librdkafka's client and queue handles may be used from any thread.
unsafe impl Send for CommitQueue {}

impl CommitQueue {
    pub(super) fn new(client: *mut RDKafka) -> Self {
        // SAFETY: `client` is a live handle; the queue is destroyed in `drop`.
        let queue = unsafe { rd::rd_kafka_queue_new(client) };
        Self { client, queue }
    }

    /// Sends a commit; its answer is found by [`CommitQueue::answer`], under the same number.
    pub(super) fn commit(&self, number: usize, offsets: &TopicPartitionList) -> Result<(), RDKafkaErrorCode> {
        let opaque = std::ptr::without_provenance_mut(number);
        // SAFETY: all handles are live; librdkafka copies the list, and gives the opaque pointer back as it is.
        let code = unsafe { rd::rd_kafka_commit_queue(self.client, offsets.ptr(), self.queue, None, opaque) };
        result(code)
    }

    /// The next answer, if one has arrived.
    pub(super) fn answer(&self) -> Option<(usize, Result<(), RDKafkaErrorCode>)> {
        // SAFETY: the queue is live; the event is destroyed once, after its last use.
        unsafe {
            let event = rd::rd_kafka_queue_poll(self.queue, 0);
            if event.is_null() {
                return None;
            }
            let (number, code) = (rd::rd_kafka_event_opaque(event).addr(), rd::rd_kafka_event_error(event));
            rd::rd_kafka_event_destroy(event);
            Some((number, result(code)))
        }
    }
}

impl Drop for CommitQueue {
    fn drop(&mut self) {
        // SAFETY: the queue was made by `new` and is used nowhere else.
        unsafe { rd::rd_kafka_queue_destroy(self.queue) }
    }
}

fn result(code: RDKafkaRespErr) -> Result<(), RDKafkaErrorCode> {
    match code {
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        code => Err(code.into()),
    }
}
