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
pub(super) struct OffsetQueue {
    client: *mut RDKafka,
    queue: Queue,
    /// [`Offset::Beginning`] or [`Offset::End`].
    offset: Offset,
    /// A request is in flight. librdkafka answers each one, at the latest after `socket.timeout.ms`.
    asked: bool,
}

// SAFETY: librdkafka's client handles may be used from any thread.
unsafe impl Send for OffsetQueue {}

impl OffsetQueue {
    /// A queue of `client`, a live handle, for one of the two offsets.
    pub(super) fn new(client: *mut RDKafka, offset: Offset) -> Self {
        Self { client, queue: Queue::new(client), offset, asked: false }
    }

    /// Requests the offsets of partitions, unless there are none or a request is in flight.
    pub(super) fn ask<'a>(&mut self, partitions: impl Iterator<Item = &'a TopicPartition>) {
        let list = list_of(partitions.map(|tp| (tp, self.offset)));
        if list.count() > 0 && !std::mem::replace(&mut self.asked, true) {
            let queue = self.queue.as_ptr();
            // SAFETY: all handles are alive; librdkafka copies the list, and null options are its defaults.
            unsafe { rd::rd_kafka_ListOffsets(self.client, list.ptr(), std::ptr::null(), queue) }
        }
    }

    /// Returns the offsets that the brokers know, once they have answered.
    pub(super) fn answer(&mut self) -> Option<Vec<(TopicPartition, i64)>> {
        let event = self.queue.poll(Duration::ZERO)?;
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
