//! What a cluster reports about a topic: its id, its partitions, and the permissions of a client's user.
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
use std::time::{Duration, Instant};

use rdkafka::bindings as rd;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::queue::{Event, Queue, millis};

/// A topic, as the cluster describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Description {
    /// Its id, which a topic of the same name that is created later does not have. Zero before Kafka 2.8.
    pub(crate) id: (i64, i64),
    /// Its number of partitions.
    pub(crate) partitions: usize,
}

/// Describes `topic`. Blocks.
///
/// # Errors
/// The cluster's reason; `OperationTimedOut` without an answer within `wait`.
pub(crate) fn describe<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    wait: Duration,
) -> Result<Description, Code> {
    let answer = Answer::of(consumer, topic, wait, false)?;
    let described = answer.topic()?;
    let mut partitions = 0;
    // SAFETY: see the module.
    unsafe {
        rd::rd_kafka_TopicDescription_partitions(described, &mut partitions);
        let id = rd::rd_kafka_TopicDescription_topic_id(described);
        let id = match id.is_null() {
            true => (0, 0),
            false => {
                (rd::rd_kafka_Uuid_most_significant_bits(id), rd::rd_kafka_Uuid_least_significant_bits(id))
            }
        };
        Ok(Description { id, partitions })
    }
}

/// Returns whether the user of `consumer` may write to `topic`; `None` where the cluster does not report it within `wait`:
/// it does so since Kafka 2.3. Blocks.
pub(crate) fn may_write<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    wait: Duration,
) -> Option<bool> {
    let answer = Answer::of(consumer, topic, wait, true);
    let described = match answer.as_ref().map_err(|code| *code).and_then(Answer::topic) {
        Ok(described) => described,
        Err(code) => return (code == Code::TopicAuthorizationFailed).then_some(false),
    };
    let mut count = 0;
    // SAFETY: see the module.
    unsafe {
        let operations = rd::rd_kafka_TopicDescription_authorized_operations(described, &mut count);
        if operations.is_null() {
            return None;
        }
        let write = rd::rd_kafka_AclOperation_t::RD_KAFKA_ACL_OPERATION_WRITE;
        Some(std::slice::from_raw_parts(operations, count).contains(&write))
    }
}

/// The answer to a request for one topic. Dropped before the queue.
struct Answer {
    event: Event,
    _queue: Queue,
}

impl Answer {
    fn of<C: ConsumerContext>(
        consumer: &BaseConsumer<C>,
        topic: &str,
        wait: Duration,
        operations: bool,
    ) -> Result<Self, Code> {
        let until = Instant::now() + wait;
        let broker = broker_of(consumer, topic, wait)?;
        let wait = until.saturating_duration_since(Instant::now());
        let client = consumer.client().native_ptr();
        let name = CString::new(topic).map_err(|_| Code::InvalidTopic)?;
        let queue = Queue::new(client);
        let operation = rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
        // SAFETY: see the module. The name ends with a null and is copied; without a buffer the text of an error is left
        // out.
        unsafe {
            let options =
                Owned(rd::rd_kafka_AdminOptions_new(client, operation), rd::rd_kafka_AdminOptions_destroy);
            rd::rd_kafka_AdminOptions_set_request_timeout(options.0, millis(wait), ptr::null_mut(), 0);
            rd::rd_kafka_AdminOptions_set_broker(options.0, broker, ptr::null_mut(), 0);
            let refused =
                rd::rd_kafka_AdminOptions_set_include_authorized_operations(options.0, operations.into());
            drop(Owned(refused, rd::rd_kafka_error_destroy));
            let topics = Owned(
                rd::rd_kafka_TopicCollection_of_topic_names(&mut name.as_ptr(), 1),
                rd::rd_kafka_TopicCollection_destroy,
            );
            rd::rd_kafka_DescribeTopics(client, topics.0, options.0, queue.as_ptr());
        }
        let event = queue.poll(wait).ok_or(Code::OperationTimedOut)?;
        match event.code() {
            Code::NoError => Ok(Self { event, _queue: queue }),
            code => Err(code),
        }
    }

    /// The topic, for as long as the answer is alive.
    fn topic(&self) -> Result<*const rd::rd_kafka_TopicDescription_t, Code> {
        let mut count = 0;
        // SAFETY: see the module.
        unsafe {
            let result = rd::rd_kafka_event_DescribeTopics_result(self.event.as_ptr());
            if result.is_null() {
                return Err(Code::BadMessage);
            }
            let described = rd::rd_kafka_DescribeTopics_result_topics(result, &mut count);
            if count == 0 {
                return Err(Code::UnknownTopicOrPartition);
            }
            let described = *described;
            let error = rd::rd_kafka_TopicDescription_error(described);
            match error.is_null() {
                true => Ok(described),
                false => Err(Code::from(rd::rd_kafka_error_code(error))),
            }
        }
    }
}

/// A broker that has the topic. Without a choice librdkafka sends the request to the controller, which need not answer
/// clients.
fn broker_of<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    wait: Duration,
) -> Result<i32, Code> {
    let code = |error: KafkaError| error.rdkafka_error_code().unwrap_or(Code::Fail);
    let metadata = consumer.fetch_metadata(Some(topic), wait).map_err(code)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    if let Some(error) = found.and_then(|found| found.error()) {
        return Err(error.into());
    }
    let partitions = found.map_or(&[][..], |found| found.partitions());
    let leader = partitions.iter().map(|partition| partition.leader()).find(|leader| *leader >= 0);
    match (partitions, leader) {
        ([], _) => Err(Code::UnknownTopicOrPartition),
        (_, leader) => leader.ok_or(Code::LeaderNotAvailable),
    }
}

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
