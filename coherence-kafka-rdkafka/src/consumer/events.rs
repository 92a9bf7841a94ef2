//! Events of a group, from librdkafka's callbacks to the thread that polls.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rdkafka::bindings as rd;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

use crate::record::{CommitError, TopicPartition};

/// An event of the group or of the broker.
#[derive(Debug)]
pub enum GroupEvent {
    /// Partitions were assigned: answer with [`super::Consumer::assign`].
    Assigned(Vec<TopicPartition>),
    /// Partitions are revoked: answer with [`super::Consumer::release`]. When `lost`, another member may own them already, and nothing
    /// may be committed.
    Revoked {
        /// The partitions.
        partitions: Vec<TopicPartition>,
        /// The membership has already ended.
        lost: bool,
    },
    /// The asynchronous commit of this number was answered.
    Committed(usize, Result<(), CommitError>),
    /// librdkafka reports an error that it recovers from by itself.
    Trouble(String),
    /// The broker refuses this member, or refuses it a topic. librdkafka retries.
    Denied {
        /// The broker's reason.
        reason: String,
        /// The credentials are refused; otherwise they lack a permission.
        credentials: bool,
    },
    /// The client failed for good: create another one. Another member may own its partitions.
    Fatal(String),
}

/// Keeps the events until the caller polls them.
#[derive(Default)]
pub(super) struct Events {
    pub queue: Mutex<Vec<GroupEvent>>,
    /// Events without an answer, in their order.
    pub owed: Mutex<Vec<Rebalance>>,
    /// The consumer is being dropped: what arrives is answered at once.
    pub closing: AtomicBool,
}

/// An event that the group waits for an answer to.
#[derive(Debug)]
pub(super) struct Rebalance {
    pub kind: RebalanceKind,
    pub partitions: Vec<TopicPartition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RebalanceKind {
    Assign,
    Revoke,
}

/// Answers an assignment or a revocation that the caller has not answered.
pub(super) fn give_back(client: &BaseConsumer<Events>, kind: RebalanceKind, list: &TopicPartitionList) {
    let outcome = match (client.rebalance_protocol(), kind) {
        (RebalanceProtocol::Cooperative, RebalanceKind::Assign) => client.incremental_assign(list),
        (RebalanceProtocol::Cooperative, RebalanceKind::Revoke) => client.incremental_unassign(list),
        // Closing revokes what is assigned. An `unassign` would answer nothing here, and the group would not be left.
        (_, RebalanceKind::Assign) => client.assign(&TopicPartitionList::new()),
        (_, RebalanceKind::Revoke) => client.unassign(),
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "rebalance not answered while the consumer closes");
    }
}

impl Events {
    pub(super) fn push(&self, event: GroupEvent) {
        self.queue.lock().push(event);
    }

    pub(super) fn answered(&self, kind: RebalanceKind) {
        let mut owed = self.owed.lock();
        if let Some(first) = owed.iter().position(|rebalance| rebalance.kind == kind) {
            owed.remove(first);
        }
    }
}

impl ClientContext for Events {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka consumer reported an error");
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
        let denied = |credentials| GroupEvent::Denied { reason: reason.to_owned(), credentials };
        self.push(match code {
            RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed => denied(true),
            RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::GroupAuthorizationFailed => {
                denied(false)
            }
            _ => GroupEvent::Trouble(format!("{code:?}: {reason}")),
        });
    }
}

impl ConsumerContext for Events {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, err: RDKafkaRespErr, tpl: &mut TopicPartitionList) {
        let assigned = err == rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        let kind = if assigned { RebalanceKind::Assign } else { RebalanceKind::Revoke };
        if self.closing.load(Ordering::Acquire) {
            return give_back(consumer, kind, tpl);
        }
        // Copied at once: a list obtained from librdkafka that is kept blocks its destructor.
        let partitions = partitions_of(tpl);
        self.owed.lock().push(Rebalance { kind, partitions: partitions.clone() });
        self.push(match kind {
            RebalanceKind::Assign => GroupEvent::Assigned(partitions),
            RebalanceKind::Revoke => GroupEvent::Revoked { partitions, lost: consumer.assignment_lost() },
        });
    }
}

pub(crate) fn partitions_of(list: &TopicPartitionList) -> Vec<TopicPartition> {
    if list.capacity() == 0 {
        // `elements` of an empty list is undefined behaviour in some releases of the crate.
        return Vec::new();
    }
    list.elements()
        .iter()
        .map(|e| TopicPartition { topic: e.topic().to_owned(), partition: e.partition() })
        .collect()
}
