//! The committed offsets of a consumer group, listed and altered by an administrator. Every call blocks.
//!
//! # Safety
//! What the `unsafe` blocks rely on, in addition to what `queue.rs` states:
//! * a request is built from a group name and a list that outlive its construction: librdkafka copies both, and the
//!   request is destroyed once, after it was sent, which copies it too;
//! * the results of an event, and what they point to, live as long as the event.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::time::Duration;

use rdkafka::Offset;
use rdkafka::bindings as rd;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::types::RDKafka;

use crate::consumer::list_of;
use crate::queue::{Event, Queue};
use crate::record::TopicPartition;
use crate::settings::client_config_without_group;

/// Why the offsets of a group are not known, or not altered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupOffsetsError {
    /// The group has members: only these commit its offsets.
    #[error("the consumer group has members")]
    GroupIsActive,
    /// The cluster did not answer in time, or refused.
    #[error("{0}")]
    Failed(String),
}

impl From<Code> for GroupOffsetsError {
    fn from(code: Code) -> Self {
        match code {
            Code::UnknownMemberId | Code::NonEmptyGroup | Code::GroupSubscribedToTopic => Self::GroupIsActive,
            code => Self::Failed(code.to_string()),
        }
    }
}

fn failed(error: impl ToString) -> GroupOffsetsError {
    GroupOffsetsError::Failed(error.to_string())
}

/// An administrator of a cluster, for the offsets of one group.
pub struct GroupOffsets {
    /// Dropped before the client.
    queue: Queue,
    client: BaseConsumer,
    group: String,
    wait: Duration,
}

impl std::fmt::Debug for GroupOffsets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupOffsets").field("group", &self.group).finish_non_exhaustive()
    }
}

impl GroupOffsets {
    /// Creates a client with `settings`, by librdkafka's names, of a consumer of the group. Each request waits `wait` at
    /// most.
    ///
    /// # Errors
    /// librdkafka refuses the settings.
    pub fn new(
        settings: &[(String, String)],
        group: &str,
        wait: Duration,
    ) -> Result<Self, GroupOffsetsError> {
        let client: BaseConsumer = client_config_without_group(settings).create().map_err(failed)?;
        let queue = Queue::new(client.client().native_ptr());
        Ok(Self { queue, client, group: group.to_owned(), wait })
    }

    /// Returns the committed offset of each partition that has one. A group that does not exist has none.
    ///
    /// # Errors
    /// The cluster does not answer, or refuses.
    pub fn list(&self) -> Result<Vec<(TopicPartition, i64)>, GroupOffsetsError> {
        let group = self.group_name()?;
        // SAFETY: see the head of this file; a null list stands for all partitions.
        let answer = unsafe {
            let request = rd::rd_kafka_ListConsumerGroupOffsets_new(group.as_ptr(), std::ptr::null());
            let event = self.send(
                request,
                rd::rd_kafka_ListConsumerGroupOffsets,
                rd::rd_kafka_ListConsumerGroupOffsets_destroy,
            )?;
            let result = rd::rd_kafka_event_ListConsumerGroupOffsets_result(event.as_ptr());
            let mut count = 0;
            partitions(rd::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &mut count), count)?
        };
        let mut offsets = Vec::new();
        for (partition, offset, code) in answer {
            match code {
                // Without a committed offset librdkafka answers a negative one.
                Code::NoError if offset >= 0 => offsets.push((partition, offset)),
                Code::NoError => {}
                code => return Err(code.into()),
            }
        }
        offsets.sort();
        Ok(offsets)
    }

    /// Commits offsets for the group, which must have no members.
    ///
    /// # Errors
    /// The group has members, or a partition does not exist, or the cluster does not answer. Some of the offsets may be
    /// committed then.
    pub fn alter(&self, offsets: &[(TopicPartition, i64)]) -> Result<(), GroupOffsetsError> {
        let group = self.group_name()?;
        let list = list_of(offsets.iter().map(|(partition, offset)| (partition, Offset::Offset(*offset))));
        // SAFETY: see the head of this file.
        let answer = unsafe {
            let request = rd::rd_kafka_AlterConsumerGroupOffsets_new(group.as_ptr(), list.ptr());
            let event = self.send(
                request,
                rd::rd_kafka_AlterConsumerGroupOffsets,
                rd::rd_kafka_AlterConsumerGroupOffsets_destroy,
            )?;
            let result = rd::rd_kafka_event_AlterConsumerGroupOffsets_result(event.as_ptr());
            let mut count = 0;
            partitions(rd::rd_kafka_AlterConsumerGroupOffsets_result_groups(result, &mut count), count)?
        };
        first_error(answer)
    }

    /// Deletes the committed offsets of partitions, to whose topics no member may be subscribed. A partition without one,
    /// and a group that does not exist, is no error.
    ///
    /// # Errors
    /// As those of [`GroupOffsets::alter`].
    pub fn delete(&self, of: &[TopicPartition]) -> Result<(), GroupOffsetsError> {
        let group = self.group_name()?;
        let list = list_of(of.iter().map(|partition| (partition, Offset::Invalid)));
        // SAFETY: see the head of this file.
        let answer = unsafe {
            let request = rd::rd_kafka_DeleteConsumerGroupOffsets_new(group.as_ptr(), list.ptr());
            let event = self.send(
                request,
                rd::rd_kafka_DeleteConsumerGroupOffsets,
                rd::rd_kafka_DeleteConsumerGroupOffsets_destroy,
            )?;
            let result = rd::rd_kafka_event_DeleteConsumerGroupOffsets_result(event.as_ptr());
            let mut count = 0;
            partitions(rd::rd_kafka_DeleteConsumerGroupOffsets_result_groups(result, &mut count), count)
        };
        match answer {
            Err(Code::GroupIdNotFound) => Ok(()),
            answer => first_error(answer?),
        }
    }

    /// Deletes the group with all its offsets; it must have no members. A group that does not exist is no error.
    ///
    /// # Errors
    /// The group has members, or the cluster does not answer.
    pub fn delete_group(&self) -> Result<(), GroupOffsetsError> {
        let group = self.group_name()?;
        // SAFETY: see the head of this file.
        let answer = unsafe {
            let request = rd::rd_kafka_DeleteGroup_new(group.as_ptr());
            let event = self.send(request, rd::rd_kafka_DeleteGroups, rd::rd_kafka_DeleteGroup_destroy)?;
            let result = rd::rd_kafka_event_DeleteGroups_result(event.as_ptr());
            let mut count = 0;
            partitions(rd::rd_kafka_DeleteGroups_result_groups(result, &mut count), count)
        };
        match answer {
            Ok(_) | Err(Code::GroupIdNotFound) => Ok(()),
            Err(code) => Err(code.into()),
        }
    }

    fn group_name(&self) -> Result<CString, GroupOffsetsError> {
        CString::new(self.group.as_str()).map_err(failed)
    }

    /// Sends a request, destroys it, and waits for its answer.
    ///
    /// # Safety
    /// `request` is live and used nowhere else; `send` copies it, and `destroy` destroys it.
    unsafe fn send<R>(
        &self,
        mut request: *mut R,
        send: Send<R>,
        destroy: unsafe extern "C" fn(*mut R),
    ) -> Result<Event, GroupOffsetsError> {
        let client = self.client.client().native_ptr();
        // SAFETY: the client and the queue are alive; null options stand for the defaults; the rest is the caller's.
        unsafe {
            send(client, &mut request, 1, std::ptr::null(), self.queue.as_ptr());
            destroy(request);
        }
        let event = self.queue.poll(self.wait).ok_or_else(|| failed("no answer in time"))?;
        match event.code() {
            Code::NoError => Ok(event),
            code => Err(code.into()),
        }
    }
}

/// A function of librdkafka that sends requests of one kind.
type Send<R> = unsafe extern "C" fn(
    *mut RDKafka,
    *mut *mut R,
    usize,
    *const rd::rd_kafka_AdminOptions_t,
    *mut rd::rd_kafka_queue_t,
);

/// Returns the first error of partitions.
fn first_error(partitions: Vec<(TopicPartition, i64, Code)>) -> Result<(), GroupOffsetsError> {
    partitions.into_iter().find(|(_, _, code)| *code != Code::NoError).map_or(
        Ok(()),
        |(partition, _, code)| match GroupOffsetsError::from(code) {
            GroupOffsetsError::Failed(reason) => Err(failed(format!("{partition}: {reason}"))),
            error => Err(error),
        },
    )
}

/// Copies the partitions of the one group of a result, each with its offset and its error.
///
/// # Safety
/// `groups` are `count` live results.
unsafe fn partitions(
    groups: *mut *const rd::rd_kafka_group_result_t,
    count: usize,
) -> Result<Vec<(TopicPartition, i64, Code)>, Code> {
    if groups.is_null() || count == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: there is at least one; its error and its list are null or live as long as it, and the list has `cnt`
    // elements.
    unsafe {
        let group = *groups;
        let error = rd::rd_kafka_group_result_error(group);
        if !error.is_null() {
            match Code::from(rd::rd_kafka_error_code(error)) {
                Code::NoError => {}
                code => return Err(code),
            }
        }
        let list = rd::rd_kafka_group_result_partitions(group);
        if list.is_null() {
            return Ok(Vec::new());
        }
        let count = usize::try_from((*list).cnt).unwrap_or(0);
        let elements = (0..count).map(|index| &*(*list).elems.add(index));
        Ok(elements
            .map(|element| {
                let topic = CStr::from_ptr(element.topic).to_string_lossy().into_owned();
                let partition = TopicPartition { topic, partition: element.partition };
                (partition, element.offset, Code::from(element.err))
            })
            .collect())
    }
}
