//! The first and next offsets of partitions, requested from the brokers without waiting for the answer.
//!
//! A fetch shows them at no cost, but a consumer with full queues fetches nothing. rdkafka's own call waits for the answer, and
//! the group would not be polled meanwhile. So this sends an administrator's request, on its own queue.
//!
//! # Safety
//! The owner drops the queue before the client.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::topic_partition_list::Offset;
use rdkafka::types::{RDKafka, RDKafkaRespErr};

use super::list_of;
use crate::queue::Queue;
use crate::record::TopicPartition;

/// Sends requests for the first or the next offsets of partitions, and receives the answers.
pub(crate) struct OffsetQueue {
    client: *mut RDKafka,
    queue: Queue,
    /// [`Offset::Beginning`] or [`Offset::End`].
    offset: Offset,
    isolation: rd::rd_kafka_IsolationLevel_t,
    /// A request is in flight. librdkafka answers each one, at the latest after `socket.timeout.ms`.
    asked: bool,
}

// SAFETY: librdkafka's client handles may be used from any thread.
unsafe impl Send for OffsetQueue {}

impl OffsetQueue {
    /// A queue of `client`, a live handle, for one of the two offsets.
    pub(crate) fn new(client: *mut RDKafka, offset: Offset) -> Self {
        let isolation = rd::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED;
        Self { client, queue: Queue::new(client), offset, isolation, asked: false }
    }

    /// The same for the next offsets as readers of committed records see them: a transaction that is open, or not complete,
    /// hides what is behind its first record.
    pub(crate) fn committed(client: *mut RDKafka) -> Self {
        let isolation = rd::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED;
        Self { isolation, ..Self::new(client, Offset::End) }
    }

    /// Requests the offsets of partitions, unless there are none or a request is in flight.
    pub(crate) fn ask<'a>(&mut self, partitions: impl Iterator<Item = &'a TopicPartition>) {
        let list = list_of(partitions.map(|tp| (tp, self.offset)));
        if list.count() > 0 && !std::mem::replace(&mut self.asked, true) {
            let queue = self.queue.as_ptr();
            let operation = rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTOFFSETS;
            // SAFETY: all handles are alive; librdkafka copies the list and the options, which are ours and destroyed once.
            // An error of the setting is null or ours: it is for another operation or level.
            unsafe {
                let options = rd::rd_kafka_AdminOptions_new(self.client, operation);
                let error = rd::rd_kafka_AdminOptions_set_isolation_level(options, self.isolation);
                if !error.is_null() {
                    rd::rd_kafka_error_destroy(error);
                }
                rd::rd_kafka_ListOffsets(self.client, list.ptr(), options, queue);
                rd::rd_kafka_AdminOptions_destroy(options);
            }
        }
    }

    /// Returns the offsets that the brokers know, once they have answered.
    pub(crate) fn answer(&mut self) -> Option<Vec<(TopicPartition, i64)>> {
        self.answer_within(Duration::ZERO)
    }

    /// The same, with a wait for the answer.
    pub(crate) fn answer_within(&mut self, wait: Duration) -> Option<Vec<(TopicPartition, i64)>> {
        let event = self.queue.poll(wait)?;
        self.asked = false;
        let mut offsets = Vec::new();
        // SAFETY: the event is alive; the infos and what they name belong to it. `count` outlives the call that sets it, and is
        // the number of infos.
        unsafe {
            let result = rd::rd_kafka_event_ListOffsets_result(event.as_ptr());
            if !result.is_null() {
                let mut count = 0;
                let infos = rd::rd_kafka_ListOffsets_result_infos(result, &mut count);
                for index in 0..count {
                    let partition = rd::rd_kafka_ListOffsetsResultInfo_topic_partition(*infos.add(index));
                    let partition = &*partition;
                    if partition.err == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR && partition.offset >= 0 {
                        let topic = CStr::from_ptr(partition.topic).to_string_lossy().into_owned();
                        let place = TopicPartition { topic, partition: partition.partition };
                        offsets.push((place, partition.offset));
                    }
                }
            }
        }
        Some(offsets)
    }
}
