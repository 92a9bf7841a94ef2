//! librdkafka's calls for transactions. They belong to one thread.

use std::ffi::CStr;
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::error::RDKafkaErrorCode as Code;

use super::{Client, text};
use crate::error::StoreError;

/// Why a call for a transaction did not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// It is under way: the same call goes on with it.
    Pending(String),
    /// The transaction can only be aborted. Where a topic is refused, the error of its records; librdkafka does not name it.
    Aborts(String, Option<StoreError>),
    /// The client takes nothing from now on.
    Lost(Lost),
}

/// Why a term of a producer is over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The broker has fenced it: a newer producer uses its transactional id.
    #[error("a newer publisher has the transactional id")]
    Fenced,
    /// The broker does not permit it, or cannot do it: nothing helps but an operator.
    #[error("refused by kafka: {0}")]
    Refused(String),
    /// The client failed for good, or Kafka did not answer in time; another term may succeed.
    #[error("{0}")]
    Failed(String),
    /// It was ended.
    #[error("the term has ended")]
    Ended,
}

impl Client {
    /// Gets the transactional id for this client: older ones that have it are fenced from then on, and what they left
    /// unfinished is committed or aborted.
    pub fn init_transactions(&self, wait: Duration) -> Result<(), Unfinished> {
        // SAFETY: the client is alive; what the call returns is null or an error of ours.
        done(unsafe { rd::rd_kafka_init_transactions(self.client.native_ptr(), millis(wait)) })
    }

    pub fn begin_transaction(&self) -> Result<(), Unfinished> {
        // SAFETY: as above.
        done(unsafe { rd::rd_kafka_begin_transaction(self.client.native_ptr()) })
    }

    /// Every record must have been reported before: the reports are not served meanwhile.
    pub fn commit_transaction(&self, wait: Duration) -> Result<(), Unfinished> {
        // SAFETY: as above.
        done(unsafe { rd::rd_kafka_commit_transaction(self.client.native_ptr(), millis(wait)) })
    }

    /// As [`Client::commit_transaction`].
    pub fn abort_transaction(&self, wait: Duration) -> Result<(), Unfinished> {
        // SAFETY: as above.
        done(unsafe { rd::rd_kafka_abort_transaction(self.client.native_ptr(), millis(wait)) })
    }

    /// Why this client takes nothing from now on.
    pub fn lost(&self) -> Lost {
        match self.client.fatal_error() {
            Some((code, reason)) => lost(code, &reason),
            None => Lost::Failed("the producer failed".to_owned()),
        }
    }
}

fn millis(wait: Duration) -> i32 {
    i32::try_from(wait.as_millis()).unwrap_or(i32::MAX)
}

fn done(error: *mut rd::rd_kafka_error_t) -> Result<(), Unfinished> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the error is ours until it is destroyed, once, after its last use; its text lives as long as it.
    let (code, reason, retriable, aborts) = unsafe {
        let code = Code::from(rd::rd_kafka_error_code(error));
        let reason = CStr::from_ptr(rd::rd_kafka_error_string(error)).to_string_lossy().into_owned();
        let retriable = rd::rd_kafka_error_is_retriable(error) != 0;
        let aborts = rd::rd_kafka_error_txn_requires_abort(error) != 0;
        rd::rd_kafka_error_destroy(error);
        (code, reason, retriable, aborts)
    };
    Err(match (retriable, aborts) {
        (true, _) => Unfinished::Pending(reason),
        (_, true) => Unfinished::Aborts(reason, topic_refused(code)),
        _ => Unfinished::Lost(lost(code, &reason)),
    })
}

fn topic_refused(code: Code) -> Option<StoreError> {
    let refused = matches!(code, Code::TopicAuthorizationFailed | Code::InvalidTopic);
    refused.then(|| StoreError::Blocked(format!("{}; permit Write on the topic", text(code))))
}

fn lost(code: Code, reason: &str) -> Lost {
    match code {
        Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch => Lost::Fenced,
        Code::TransactionalIdAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::InvalidTransactionTimeout
        | Code::UnsupportedFeature => Lost::Refused(text(code)),
        _ => Lost::Failed(reason.to_owned()),
    }
}
