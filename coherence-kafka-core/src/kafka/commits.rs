//! Commits whose answer is waited for by nobody.
//!
//! librdkafka answers an asynchronous commit to a queue that the commit names; rdkafka's own events do not show it, and
//! its synchronous commit may last as long as a session.
//!
//! # Safety
//! The owner drops the queue before the client.
#![allow(unsafe_code)]

use rdkafka::bindings as rd;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::{RDKafka, RDKafkaErrorCode as Code};

/// Where the answers to commits arrive.
pub(super) struct Commits {
    client: *mut RDKafka,
    queue: *mut rd::rd_kafka_queue_t,
}

impl Commits {
    pub fn new(client: *mut RDKafka) -> Self {
        // SAFETY: `client` is a live handle; the queue is destroyed in `drop`.
        Self { client, queue: unsafe { rd::rd_kafka_queue_new(client) } }
    }

    /// Sends a commit; [`Commits::answer`] returns its answer with the same number.
    pub fn send(&self, number: usize, offsets: &TopicPartitionList) -> Result<(), Code> {
        let opaque = std::ptr::without_provenance_mut(number);
        // SAFETY: all handles are live; librdkafka copies the list and returns the opaque pointer unchanged.
        let code = unsafe { rd::rd_kafka_commit_queue(self.client, offsets.ptr(), self.queue, None, opaque) };
        result(code.into())
    }

    /// The next answer, if one has arrived.
    pub fn answer(&self) -> Option<(usize, Result<(), Code>)> {
        // SAFETY: the queue is live; the event is destroyed once, after its last use.
        unsafe {
            let event = rd::rd_kafka_queue_poll(self.queue, 0);
            if event.is_null() {
                return None;
            }
            let (number, code) = (rd::rd_kafka_event_opaque(event).addr(), rd::rd_kafka_event_error(event));
            rd::rd_kafka_event_destroy(event);
            Some((number, result(code.into())))
        }
    }
}

impl Drop for Commits {
    fn drop(&mut self) {
        // SAFETY: the queue was made by `new` and is used nowhere else.
        unsafe { rd::rd_kafka_queue_destroy(self.queue) }
    }
}

fn result(code: Code) -> Result<(), Code> {
    match code {
        Code::NoError => Ok(()),
        code => Err(code),
    }
}
