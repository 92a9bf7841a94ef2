//! The permissions of a client's user for a topic.
//!
//! If a transaction contains nothing but a record without permission, librdkafka fails permanently: the abort is refused,
//! because the coordinator does not know the transaction. So the permission is read before anything is published.
//!
//! # Safety
//! What the `unsafe` blocks rely on: the consumer keeps its client alive during the call; each handle is destroyed once,
//! by its owner; what a result points to lives as long as its event, which outlives every use of it.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::ptr;
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::queue::{Queue, millis};

/// A handle of the request that is destroyed on drop.
struct Owned<T>(*mut T, unsafe extern "C" fn(*mut T));

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: the handle is alive, and used nowhere else.
            unsafe { (self.1)(self.0) }
        }
    }
}

/// Returns whether the user of `consumer` may write to `topic`; `None` where the cluster does not report it within `wait`:
/// it does so since Kafka 2.3. Blocks.
pub(super) fn may_write<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    wait: Duration,
) -> Option<bool> {
    let client = consumer.client().native_ptr();
    let name = CString::new(topic).ok()?;
    let queue = Queue::new(client);
    let operation = rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
    // SAFETY: see the module. The name ends with a null and is copied; without a buffer the text of an error is left out.
    unsafe {
        let options =
            Owned(rd::rd_kafka_AdminOptions_new(client, operation), rd::rd_kafka_AdminOptions_destroy);
        rd::rd_kafka_AdminOptions_set_request_timeout(options.0, millis(wait), ptr::null_mut(), 0);
        let refused = rd::rd_kafka_AdminOptions_set_include_authorized_operations(options.0, 1);
        drop(Owned(refused, rd::rd_kafka_error_destroy));
        let topics = Owned(
            rd::rd_kafka_TopicCollection_of_topic_names(&mut name.as_ptr(), 1),
            rd::rd_kafka_TopicCollection_destroy,
        );
        rd::rd_kafka_DescribeTopics(client, topics.0, options.0, queue.as_ptr());
        let event = queue.poll(wait)?;
        let result = rd::rd_kafka_event_DescribeTopics_result(event.as_ptr());
        if result.is_null() || event.code() != Code::NoError {
            return None;
        }
        let mut count = 0;
        let described = rd::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        if count == 0 {
            return None;
        }
        let described = *described;
        let error = rd::rd_kafka_TopicDescription_error(described);
        if !error.is_null() {
            let code = Code::from(rd::rd_kafka_error_code(error));
            return (code == Code::TopicAuthorizationFailed).then_some(false);
        }
        let operations = rd::rd_kafka_TopicDescription_authorized_operations(described, &mut count);
        if operations.is_null() {
            return None;
        }
        let write = rd::rd_kafka_AclOperation_t::RD_KAFKA_ACL_OPERATION_WRITE;
        Some(std::slice::from_raw_parts(operations, count).contains(&write))
    }
}
