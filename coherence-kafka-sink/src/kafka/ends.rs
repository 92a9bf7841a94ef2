//! Where partitions begin and end, asked of the brokers without waiting for their answer.
//!
//! What a fetch shows costs nothing, but a consumer whose queues are full fetches nothing. rdkafka's own call waits for the
//! answer, and the group would not be served meanwhile; so this asks as an administrator does, on a queue of its own.
//!
//! # Safety
//! As in `batch.rs`: the owner drops the queue before the client, and uses both from one thread.
#![allow(unsafe_code)]

use std::ffi::CStr;

use rdkafka::bindings as rd;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::{RDKafka, RDKafkaRespErr};

use super::consumer::TopicPartition;

/// Where the answers arrive.
pub(super) struct OffsetQueue {
    client: *mut RDKafka,
    queue: *mut rd::rd_kafka_queue_t,
    /// An answer is awaited: librdkafka gives one to every question, at the latest after `socket.timeout.ms`.
    asked: bool,
}

// SAFETY: librdkafka's client and queue handles may be used from any thread.
unsafe impl Send for OffsetQueue {}

impl OffsetQueue {
    pub(super) fn new(client: *mut RDKafka) -> Self {
        // SAFETY: `client` is a live handle; the queue is destroyed in `drop`.
        let queue = unsafe { rd::rd_kafka_queue_new(client) };
        Self { client, queue, asked: false }
    }

    /// Asks for the ends or beginnings of partitions, whose offset in the list is [`rdkafka::Offset::End`] or
    /// [`rdkafka::Offset::Beginning`], unless an answer is awaited already.
    pub(super) fn ask(&mut self, partitions: &TopicPartitionList) {
        if !std::mem::replace(&mut self.asked, true) {
            // SAFETY: all handles are live; librdkafka copies the list, and no options stand for its defaults.
            unsafe { rd::rd_kafka_ListOffsets(self.client, partitions.ptr(), std::ptr::null(), self.queue) }
        }
    }

    /// The answer, if it has arrived: the offsets that are known.
    pub(super) fn answer(&mut self) -> Option<Vec<(TopicPartition, i64)>> {
        // SAFETY: the queue is live; the event is destroyed once, after its last use. The infos and what they name
        // belong to the event. `count` outlives the call that sets it, and says how many infos there are.
        unsafe {
            let event = rd::rd_kafka_queue_poll(self.queue, 0);
            if event.is_null() {
                return None;
            }
            self.asked = false;
            let mut offsets = Vec::new();
            let result = rd::rd_kafka_event_ListOffsets_result(event);
            if !result.is_null() {
                let mut count = 0;
                let infos = rd::rd_kafka_ListOffsets_result_infos(result, &mut count);
                for index in 0..count {
                    let partition = rd::rd_kafka_ListOffsetsResultInfo_topic_partition(*infos.add(index));
                    let partition = &*partition;
                    if partition.err == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR && partition.offset >= 0 {
                        let topic = CStr::from_ptr(partition.topic).to_string_lossy().into_owned();
                        offsets.push((
                            TopicPartition { topic, partition: partition.partition },
                            partition.offset,
                        ));
                    }
                }
            }
            rd::rd_kafka_event_destroy(event);
            Some(offsets)
        }
    }
}

impl Drop for OffsetQueue {
    fn drop(&mut self) {
        // SAFETY: the queue was made by `new` and is used nowhere else.
        unsafe { rd::rd_kafka_queue_destroy(self.queue) }
    }
}
