//! Commits whose answer is seen.
//!
//! librdkafka answers an asynchronous commit either to a callback, which rdkafka's event loop does not set, or to
//! a queue that the commit names. So a commit here names a queue of its own; without it a failed commit would be
//! a log line, and the wait for the last commit of an assignment a guess.
//!
//! # Safety
//! As in `batch.rs`: the owner drops the queue before the client, and uses both from one thread.
#![allow(unsafe_code)]

use std::collections::BTreeSet;
use std::ffi::CStr;

use rdkafka::bindings as rd;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::{RDKafka, RDKafkaErrorCode, RDKafkaRespErr, RDKafkaTopicPartitionList};

/// Why a commit did not store all of its positions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// At least one of these topics does not exist any more; the positions of all others are stored. Which one it is
    /// the answer does not show: librdkafka gives the partitions that were stored the code of one that was not.
    #[error("at least one of these topics does not exist: {}", .0.join(", "))]
    UnknownTopics(Vec<String>),
    /// A position was not stored, and may be when it is sent again.
    #[error("{0}")]
    Failed(String),
}

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
    pub(super) fn answer(&self) -> Option<(usize, Result<(), CommitError>)> {
        // SAFETY: the queue is live; the event is destroyed once, after the last use of it and of its list, which it owns.
        unsafe {
            let event = rd::rd_kafka_queue_poll(self.queue, 0);
            if event.is_null() {
                return None;
            }
            let number = rd::rd_kafka_event_opaque(event).addr();
            let outcome = result(rd::rd_kafka_event_error(event)).map_err(|code| {
                commit_error(code, positions(rd::rd_kafka_event_topic_partition_list(event)))
            });
            rd::rd_kafka_event_destroy(event);
            Some((number, outcome))
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

/// The topic and the code of each position.
///
/// # Safety
/// `list` is null, or a list that outlives what is returned.
unsafe fn positions<'a>(list: *const RDKafkaTopicPartitionList) -> Vec<(&'a CStr, RDKafkaRespErr)> {
    // SAFETY: as above; librdkafka fills `cnt` elements, each with the text of its topic.
    unsafe {
        let Some(list) = list.as_ref() else { return Vec::new() };
        let count = usize::try_from(list.cnt).unwrap_or(0);
        (0..count).map(|at| &*list.elems.add(at)).map(|p| (CStr::from_ptr(p.topic), p.err)).collect()
    }
}

/// A topic that is gone fails nothing but its own positions: the broker has stored the others.
fn commit_error(code: RDKafkaErrorCode, positions: Vec<(&CStr, RDKafkaRespErr)>) -> CommitError {
    use RDKafkaRespErr::{RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART};
    let unknown = [RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART];
    let failed = positions.iter().filter(|(_, code)| *code != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR);
    let topics: BTreeSet<&CStr> = failed.clone().map(|(topic, _)| *topic).collect();
    if topics.is_empty() || !failed.clone().all(|(_, code)| unknown.contains(code)) {
        return CommitError::Failed(code.to_string());
    }
    CommitError::UnknownTopics(topics.into_iter().map(|topic| topic.to_string_lossy().into_owned()).collect())
}

#[cfg(test)]
mod tests {
    use RDKafkaRespErr::{
        RD_KAFKA_RESP_ERR_NO_ERROR as STORED, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS as REBALANCE,
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART as UNKNOWN,
    };

    use super::*;

    fn error(positions: &[(&'static CStr, RDKafkaRespErr)]) -> CommitError {
        commit_error(RDKafkaErrorCode::RebalanceInProgress, positions.to_vec())
    }

    #[test]
    fn a_commit_fails_as_a_whole_unless_every_position_that_failed_is_of_an_unknown_topic() {
        let unknown = |topics: &[&str]| {
            CommitError::UnknownTopics(topics.iter().map(|topic| (*topic).to_owned()).collect())
        };
        assert_eq!(error(&[(c"a", STORED), (c"b", UNKNOWN), (c"b", UNKNOWN)]), unknown(&["b"]));
        assert_eq!(error(&[(c"a", UNKNOWN), (c"b", UNKNOWN)]), unknown(&["a", "b"]));
        for failed in [&[][..], &[(c"a", STORED)], &[(c"a", REBALANCE), (c"b", UNKNOWN)]] {
            assert!(matches!(error(failed), CommitError::Failed(_)), "{failed:?}");
        }
    }
}
