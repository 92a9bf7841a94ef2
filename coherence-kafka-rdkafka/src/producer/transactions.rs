//! librdkafka's calls for transactions. They belong to one thread.

use std::ffi::CStr;
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::error::RDKafkaErrorCode as Code;

use super::{Client, SendError, text};
use crate::queue::millis;

/// Why a call for a transaction did not complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfinished {
    /// It is in progress: the same call continues it.
    Pending(String),
    /// The transaction can only be aborted. Where a topic is refused, the error of its records; librdkafka does not name it.
    Aborts(String, Option<SendError>),
    /// The client accepts nothing from now on.
    Lost(Lost),
}

/// Why a term of a producer is over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
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

impl From<Unfinished> for Lost {
    fn from(unfinished: Unfinished) -> Self {
        match unfinished {
            Unfinished::Lost(lost) => lost,
            Unfinished::Pending(reason) | Unfinished::Aborts(reason, _) => Lost::Failed(reason),
        }
    }
}

impl Client {
    /// Acquires the transactional id for this client. Kafka fences older clients that have it, and commits or aborts their
    /// unfinished transaction.
    ///
    /// # Errors
    /// Why the client does not have it.
    pub fn init_transactions(&self, wait: Duration) -> Result<(), Unfinished> {
        // SAFETY: the client is alive; what the call returns is null or an error of ours.
        done(unsafe { rd::rd_kafka_init_transactions(self.client.native_ptr(), millis(wait)) })
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// Why none has begun.
    pub fn begin_transaction(&self) -> Result<(), Unfinished> {
        // SAFETY: as above.
        done(unsafe { rd::rd_kafka_begin_transaction(self.client.native_ptr()) })
    }

    /// Commits. Every record must have been reported before, because no reports are processed meanwhile.
    ///
    /// # Errors
    /// Why the transaction is not committed.
    pub fn commit_transaction(&self, wait: Duration) -> Result<(), Unfinished> {
        // SAFETY: as above.
        done(unsafe { rd::rd_kafka_commit_transaction(self.client.native_ptr(), millis(wait)) })
    }

    /// Aborts, as [`Client::commit_transaction`] commits.
    ///
    /// # Errors
    /// Why the transaction is not aborted.
    pub fn abort_transaction(&self, wait: Duration) -> Result<(), Unfinished> {
        // SAFETY: as above.
        done(unsafe { rd::rd_kafka_abort_transaction(self.client.native_ptr(), millis(wait)) })
    }

    /// Returns why this client accepts nothing from now on.
    pub fn lost(&self) -> Lost {
        match self.client.fatal_error() {
            Some((code, reason)) => lost(code, &reason),
            None => Lost::Failed("the producer failed".to_owned()),
        }
    }
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

fn topic_refused(code: Code) -> Option<SendError> {
    let refused = matches!(code, Code::TopicAuthorizationFailed | Code::InvalidTopic);
    refused.then(|| SendError::Blocked(format!("{}; permit Write on the topic", text(code))))
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
