//! Membership in a consumer group whose partitions stand for work, not for records: the group divides the partitions of
//! one topic among its members, and no member reads them.
//!
//! ```text
//! assigned ──► the member has these partitions, in addition to those it had
//! revoked ───► it has them until the listener returns: the group waits for that
//! lost ──────► the group has given the member up, and others may have them already; it joins again by itself
//! refused ───► the broker does not accept the member; it tries again, once a second
//! ```
//!
//! The listener is called by one thread, which also serves the group. Heartbeats do not depend on it: they come from
//! librdkafka, as long as no call of the listener lasts longer than [`MembershipOptions::rebalance_timeout`]. While one
//! lasts, a loss is not reported.
//!
//! A process that was frozen is a member, as far as it knows, until librdkafka's next look at the clock, at most a second
//! after it runs again. What must not be done by two members at once needs a fence of its own.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};

use crate::consumer::member::{generation, member_id};
use crate::consumer::partitions_of;
use crate::settings::client_config;

/// The timeout of one poll of the group.
const POLL: Duration = Duration::from_millis(100);
/// The same while the member leaves.
const LEAVE_POLL: Duration = Duration::from_millis(10);
/// How many of these polls it waits for the group, in addition to the time of the listener.
const LEAVE_POLLS: usize = 500;

/// The times of a member, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipOptions {
    /// A member that sends no heartbeat for this time is out of the group.
    pub session: Duration,
    /// The time between two heartbeats; at most a third of a session.
    pub heartbeat: Duration,
    /// How long the group waits for a member in a rebalance: [`Listener::revoked`] must return before. At least a session.
    pub rebalance_timeout: Duration,
    /// Name of the client, for logs and tools of the broker.
    pub client_id: String,
}

/// What a member of a group is notified of, one call at a time.
pub trait Listener: Send {
    /// These partitions are assigned in addition to those it has. Without partitions, it has become a member that has none.
    fn assigned(&mut self, partitions: &[i32]);

    /// These partitions are about to be assigned to other members: the group waits until this returns.
    fn revoked(&mut self, partitions: &[i32]);

    /// The group has given this member up: other members may have these partitions, which are all that it had. Without
    /// partitions, it had none.
    fn lost(&mut self, partitions: &[i32]);

    /// The group cannot be joined for now. It is called once for a reason, until the member is in the group.
    fn refused(&mut self, reason: Refusal);
}

/// Why a group cannot be joined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Members of another kind have the group: a cluster of Kafka Connect that is alive, for example. Once the last one
    /// has left, this member joins.
    #[error("the group has members of another protocol: stop them, or choose another group.id")]
    OtherProtocol,
    /// Another reason of the broker, such as a missing permission.
    #[error("{0}")]
    Broker(String),
}

/// Why a membership does not begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("kafka client not created: {0}")]
pub struct JoinError(String);

/// A member of a group. Dropping it leaves the group without waiting for that: see [`Membership::leave`].
#[derive(Debug)]
pub struct Membership {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Its id, from the first assignment until a loss.
    member: Option<String>,
    generation: Option<i32>,
    /// What the listener has.
    held: BTreeSet<i32>,
    refusal: Option<Refusal>,
    stop: bool,
    left: bool,
}

impl Membership {
    /// Joins `group` on all partitions of `topic`, with consumer `settings` by librdkafka's names. It returns at once, and
    /// tries to join until it succeeds or is dropped.
    ///
    /// # Errors
    /// What librdkafka refuses.
    pub fn join(
        settings: &[(String, String)],
        topic: &str,
        group: &str,
        options: &MembershipOptions,
        listener: Box<dyn Listener>,
    ) -> Result<Self, JoinError> {
        let shared = Arc::new(Shared::default());
        let millis = |time: Duration| time.as_millis().to_string();
        let mut config = client_config(settings);
        // A static member does not leave, and its session would have to pass before its work moves.
        config.remove("group.instance.id");
        config.remove("group.remote.assignor");
        config
            .set("group.id", group)
            .set("group.protocol", "classic")
            .set("client.id", &options.client_id)
            .set("session.timeout.ms", millis(options.session))
            .set("heartbeat.interval.ms", millis(options.heartbeat))
            .set("max.poll.interval.ms", millis(options.rebalance_timeout.max(options.session)))
            // A member keeps its work when others come.
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("allow.auto.create.topics", "false")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "latest");
        let failed = |error: KafkaError| JoinError(error.to_string());
        let context =
            Context { topic: topic.to_owned(), shared: shared.clone(), listener: Mutex::new(listener) };
        let consumer: BaseConsumer<Context> = config.create_with_context(context).map_err(failed)?;
        consumer.subscribe(&[topic]).map_err(failed)?;
        std::thread::Builder::new()
            .name("membership".to_owned())
            .spawn(move || serve(consumer))
            .map_err(|error| JoinError(format!("no thread for the group: {error}")))?;
        Ok(Self { shared })
    }

    /// Returns true between the first assignment, which may be empty, and a loss.
    pub fn is_member(&self) -> bool {
        self.shared.state.lock().member.is_some()
    }

    /// Returns the generation of the group at the last assignment, while it is a member.
    pub fn generation(&self) -> Option<i32> {
        let state = self.shared.state.lock();
        state.member.as_ref().and(state.generation)
    }

    /// Leaves the group: waits until [`Listener::revoked`] has returned for all that it has, and the group is left. Returns
    /// false where `wait` passed before that; it goes on leaving.
    pub fn leave(&self, wait: Duration) -> bool {
        let until = Instant::now() + wait;
        let mut state = self.shared.state.lock();
        state.stop = true;
        while !state.left && !self.shared.left.wait_until(&mut state, until).timed_out() {}
        state.left
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.shared.state.lock().stop = true;
    }
}

fn serve(consumer: BaseConsumer<Context>) {
    let shared = consumer.context().shared.clone();
    let client = consumer.client().native_ptr();
    while !shared.state.lock().stop {
        // Nothing is read: rebalances and errors arrive here, and reach the context.
        consumer.poll(POLL);
        consumer.context().check_member(&consumer);
    }
    // Closing does not leave a cooperative group where the member has no partitions. Unsubscribing leaves it, after a
    // rebalance that is in progress.
    consumer.unsubscribe();
    for _ in 0..LEAVE_POLLS {
        if member_id(client).is_none() {
            break;
        }
        consumer.poll(LEAVE_POLL);
    }
    drop(consumer);
    let mut state = shared.state.lock();
    (state.member, state.left) = (None, true);
    shared.left.notify_all();
}

struct Context {
    topic: String,
    shared: Arc<Shared>,
    /// Called by the thread of the group alone.
    listener: Mutex<Box<dyn Listener>>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl Context {
    fn assign(&self, consumer: &BaseConsumer<Self>, partitions: &[i32]) {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            // Fails only for offsets that librdkafka cannot express. The end: nothing is there that a fetch before the pause could read.
            let _ = list.add_partition_offset(&self.topic, *partition, Offset::End);
        }
        if let Err(error) = consumer.incremental_assign(&list).and_then(|()| consumer.pause(&list)) {
            tracing::warn!(%error, "assignment of the group not accepted by the client");
        }
        let id = member_id(consumer.client().native_ptr());
        let mut state = self.shared.state.lock();
        if state.stop {
            return;
        }
        let joined = state.member != id;
        state.member = id;
        state.generation = generation(consumer.client().native_ptr());
        state.refusal = None;
        state.held.extend(partitions);
        drop(state);
        if joined || !partitions.is_empty() {
            self.listener.lock().assigned(partitions);
        }
    }

    fn unassign(&self, consumer: &BaseConsumer<Self>, partitions: &[i32], list: &TopicPartitionList) {
        let lost = consumer.assignment_lost();
        let mut state = self.shared.state.lock();
        if lost {
            state.member = None;
        }
        let held: Vec<i32> =
            partitions.iter().copied().filter(|partition| state.held.remove(partition)).collect();
        drop(state);
        if lost {
            self.listener.lock().lost(&held);
        } else if !held.is_empty() {
            self.listener.lock().revoked(&held);
        }
        if let Err(error) = consumer.incremental_unassign(list) {
            tracing::warn!(%error, "revocation of the group not accepted by the client");
        }
    }

    /// librdkafka reports the loss of partitions, but not that of a membership without partitions.
    fn check_member(&self, consumer: &BaseConsumer<Self>) {
        if self.shared.state.lock().member.is_none() {
            return;
        }
        let id = member_id(consumer.client().native_ptr());
        let mut state = self.shared.state.lock();
        if state.member == id {
            return;
        }
        state.member = None;
        let has_none = state.held.is_empty();
        drop(state);
        // Otherwise the loss of its partitions follows.
        if has_none {
            self.listener.lock().lost(&[]);
        }
    }

    fn refuse(&self, reason: Refusal) {
        let mut state = self.shared.state.lock();
        if state.refusal.as_ref() != Some(&reason) {
            state.refusal = Some(reason.clone());
            drop(state);
            self.listener.lock().refused(reason);
        }
    }
}

impl ClientContext for Context {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka client of the group reported an error");
        match error.rdkafka_error_code() {
            Some(Code::InconsistentGroupProtocol) => self.refuse(Refusal::OtherProtocol),
            Some(
                Code::GroupAuthorizationFailed
                | Code::TopicAuthorizationFailed
                | Code::Authentication
                | Code::SaslAuthenticationFailed
                | Code::UnknownTopic
                | Code::UnknownTopicOrPartition
                | Code::InvalidGroupId
                | Code::InvalidSessionTimeout
                | Code::GroupMaxSizeReached
                | Code::Fatal,
            ) => self.refuse(Refusal::Broker(reason.to_owned())),
            _ => {}
        }
    }
}

impl ConsumerContext for Context {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, error: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let partitions: Vec<i32> = partitions_of(list).into_iter().map(|tp| tp.partition).collect();
        if error == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.assign(consumer, &partitions);
        } else {
            self.unassign(consumer, &partitions, list);
        }
    }
}

#[cfg(test)]
mod tests;
