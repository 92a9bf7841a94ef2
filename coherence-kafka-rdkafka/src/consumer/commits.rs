//! Commits with answers.
//!
//! librdkafka answers an asynchronous commit either to a callback, which rdkafka's event loop does not set, or to a queue that
//! the commit names. So a commit here names its own queue. Without it a failed commit would be a log line, and the wait for the
//! last commit of an assignment a guess. rdkafka's synchronous commit may last as long as a session.
//!
//! # Safety
//! The owner drops the queue before the client.
#![allow(unsafe_code)]

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::{RDKafka, RDKafkaErrorCode, RDKafkaRespErr, RDKafkaTopicPartitionList};

use crate::queue::{Queue, Waker};
use crate::record::CommitError;

/// Sends commits and receives their answers.
pub(crate) struct CommitQueue {
    client: *mut RDKafka,
    queue: Queue,
}

// SAFETY: librdkafka's client handles may be used from any thread.
unsafe impl Send for CommitQueue {}

impl CommitQueue {
    /// A queue of `client`, a live handle.
    pub(crate) fn new(client: *mut RDKafka) -> Self {
        Self { client, queue: Queue::new(client) }
    }

    /// Sends a commit. [`CommitQueue::answer`] returns its answer with the same number.
    pub(crate) fn commit(&self, number: usize, offsets: &TopicPartitionList) -> Result<(), RDKafkaErrorCode> {
        let opaque = std::ptr::without_provenance_mut(number);
        let queue = self.queue.as_ptr();
        // SAFETY: all handles are alive; librdkafka copies the list, and returns the opaque pointer as it is.
        let code = unsafe { rd::rd_kafka_commit_queue(self.client, offsets.ptr(), queue, None, opaque) };
        result(code.into())
    }

    /// Calls `waker` when an answer arrives.
    pub(crate) fn on_arrival(&mut self, waker: Waker) {
        self.queue.on_arrival(waker);
    }

    /// Returns whether no answer waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The next answer, if one has arrived.
    pub(crate) fn answer(&self) -> Option<(usize, Result<(), CommitError>)> {
        let event = self.queue.poll(Duration::ZERO)?;
        let outcome = result(event.code()).map_err(|code| {
            // SAFETY: the event is alive until the end of this call; it owns the list.
            commit_error(code, unsafe { positions(rd::rd_kafka_event_topic_partition_list(event.as_ptr())) })
        });
        Some((event.number(), outcome))
    }
}

fn result(code: RDKafkaErrorCode) -> Result<(), RDKafkaErrorCode> {
    match code {
        RDKafkaErrorCode::NoError => Ok(()),
        code => Err(code),
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

/// A missing topic fails only its own positions: the broker has stored the others.
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
