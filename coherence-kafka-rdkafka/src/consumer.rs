//! A member of a consumer group, driven by one thread at a time.
//!
//! Owns: assignments, offsets, the connection to the broker. Never decides what a revoke has to wait for, or which offset may
//! be committed: the caller does. So assignments and revocations are events, which take effect only when the caller answers
//! them. librdkafka keeps the member in its group meanwhile, and waits for each answer without a deadline, also where nothing
//! was assigned or revoked. So the consumer notes each answer that it owes, and sends the missing ones when it is dropped.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, RebalanceProtocol};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::queue::{Queue, Waker};
use crate::record::TopicPartition;
use crate::settings::client_config;

pub(crate) mod batch;
pub(crate) mod commits;
mod events;
pub(crate) mod member;
pub(crate) mod offsets;

use batch::BatchQueue;
pub use batch::{Batch, ReadError, ReadErrorKind};
use commits::CommitQueue;
pub use events::GroupEvent;
pub(crate) use events::partitions_of;
use events::{Events, Rebalance, RebalanceKind, give_back};
use offsets::OffsetQueue;

/// The timeout of one seek: the group is not polled meanwhile.
const SEEK_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a member waits until it has left a cooperative group.
const UNSUBSCRIBE_DEADLINE: Duration = Duration::from_secs(5);
/// How often it polls meanwhile.
const UNSUBSCRIBE_POLL: Duration = Duration::from_millis(10);

/// The timeout for the id of the cluster. Every answer about topics contains it, so it is known.
const CLUSTER_TIMEOUT: Duration = Duration::from_secs(1);

/// The timeout for committed offsets when partitions are assigned: the group is not polled meanwhile.
const COMMITTED_TIMEOUT: Duration = Duration::from_secs(1);

/// The remedy where two members have one `group.instance.id`.
const FENCED: &str = ": another process has joined the group with the same group.instance.id and has replaced it; use a \
                      different name for each process, and restart this task";

/// Where reading of a newly assigned partition starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartAt {
    /// The committed offset, or `auto.offset.reset` without one.
    Committed,
    /// The oldest record, whatever was committed.
    Beginning,
    /// This offset, or `auto.offset.reset` where the partition does not have it.
    Offset(i64),
}

/// An end of a partition's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogEdge {
    /// The offset of its oldest record.
    First,
    /// The offset of the record that is appended next.
    Next,
}

/// The offsets that a group has committed, as far as they are known.
#[derive(Debug, Default)]
pub struct Committed {
    /// The partitions that have one.
    pub positions: Vec<(TopicPartition, i64)>,
    /// The partitions that have none.
    pub without: Vec<TopicPartition>,
}

/// A consumer of a group. Used by one thread at a time.
pub struct Consumer {
    // Declared first: the queues are dropped before the client that they belong to.
    queue: BatchQueue,
    group: Queue,
    commits: CommitQueue,
    first: OffsetQueue,
    next: OffsetQueue,
    /// It leaves a cooperative group before it is closed.
    unsubscribes: bool,
    client: BaseConsumer<Events>,
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").finish_non_exhaustive()
    }
}

impl Consumer {
    /// Joins the group with librdkafka's `settings` and subscribes to `topics` (a name that starts with `^` is a
    /// pattern). Reads at most `batch` records a call.
    pub fn join(settings: &[(String, String)], topics: &[&str], batch: usize) -> Result<Self, String> {
        let client: BaseConsumer<Events> = client_config(settings)
            .set_log_level(RDKafkaLogLevel::Warning)
            .create_with_context(Events::default())
            .map_err(|error| error.to_string())?;
        let native = client.client().native_ptr();
        let (queue, commits) = (BatchQueue::new(native, batch), CommitQueue::new(native));
        let group = Queue::consumer(native);
        let first = OffsetQueue::new(native, Offset::Beginning);
        let next = OffsetQueue::new(native, Offset::End);
        client.subscribe(topics).map_err(|error| error.to_string())?;
        let set =
            |name: &str| settings.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        // A static member does not leave, and with the consumer protocol closing does it.
        let unsubscribes = set("group.instance.id").is_none() && set("group.protocol") != Some("consumer");
        Ok(Self { queue, group, commits, first, next, unsubscribes, client })
    }

    /// Calls `wake` from now on when records, events of the group or answers to commits arrive, unless others of their kind
    /// wait to be read. It is called on threads of librdkafka, under a lock: it may only note the call and return.
    pub fn on_arrival(&mut self, wake: impl Fn() + Send + Sync + 'static) {
        let wake: Waker = Arc::new(wake);
        self.queue.on_arrival(wake.clone());
        self.group.on_arrival(wake.clone());
        self.commits.on_arrival(wake);
    }

    /// Returns whether events wait for [`Consumer::poll`]. If not, the next one calls the function of
    /// [`Consumer::on_arrival`].
    pub fn has_events(&self) -> bool {
        !self.group.is_empty() || !self.commits.is_empty()
    }

    /// Polls the group. Call it regularly, with or without records, or the group reassigns the partitions after
    /// `max.poll.interval.ms`.
    pub fn poll(&mut self) -> Vec<GroupEvent> {
        // One event a call; drain what has arrived, but not without end.
        for _ in 0..64 {
            match self.client.poll(Duration::ZERO) {
                None => break,
                Some(Err(error @ KafkaError::MessageConsumptionFatal(code))) => {
                    let advice = if code == RDKafkaErrorCode::FencedInstanceId { FENCED } else { "" };
                    self.client.context().push(GroupEvent::Fatal(format!("{error}{advice}")));
                }
                // The context has received it, with the reason.
                Some(Err(_)) => {}
                // Every partition's records are forwarded away from this queue before it is assigned.
                Some(Ok(_)) => self.client.context().push(GroupEvent::Fatal(
                    "a record arrived on the group's own queue, where it cannot be ordered".to_owned(),
                )),
            }
        }
        let mut events = std::mem::take(&mut *self.client.context().queue.lock());
        while let Some((number, answer)) = self.commits.answer() {
            events.push(GroupEvent::Committed(number, answer));
        }
        events
    }

    /// Reads records of the assigned partitions, until `max` have arrived or `wait` has passed.
    pub fn read(&mut self, max: usize, wait: Duration) -> Batch<'_> {
        self.queue.read(max, wait)
    }

    /// Answers an assignment: starts to read the partitions. Call it for each assignment, also for an empty one.
    pub fn assign(&mut self, partitions: &[(TopicPartition, StartAt)]) -> Result<(), String> {
        for (tp, _) in partitions {
            self.queue.forward(&tp.topic, tp.partition);
        }
        let offset = |start: &StartAt| match start {
            StartAt::Committed => Offset::Invalid,
            StartAt::Beginning => Offset::Beginning,
            StartAt::Offset(offset) => Offset::Offset(*offset),
        };
        let list = list_of(partitions.iter().map(|(tp, start)| (tp, offset(start))));
        match self.client.rebalance_protocol() {
            RebalanceProtocol::Cooperative => self.client.incremental_assign(&list),
            _ => self.client.assign(&list),
        }
        .map_err(|error| error.to_string())?;
        self.client.context().answered(RebalanceKind::Assign);
        Ok(())
    }

    /// Answers a revocation: stops reading the partitions. Call it for each revocation, also for an empty one.
    pub fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), String> {
        match self.client.rebalance_protocol() {
            RebalanceProtocol::Cooperative => {
                let list = list_of(partitions.iter().map(|tp| (tp, Offset::Invalid)));
                self.client.incremental_unassign(&list)
            }
            _ => self.client.unassign(),
        }
        .map_err(|error| error.to_string())?;
        self.client.context().answered(RebalanceKind::Revoke);
        Ok(())
    }

    /// Continues to read a partition at `offset`, and drops what was fetched. Returns false where librdkafka had no time for
    /// it: nothing of the partition may be read before a later call has succeeded.
    pub fn seek(&mut self, tp: &TopicPartition, offset: i64) -> Result<bool, String> {
        match self.client.seek(&tp.topic, tp.partition, Offset::Offset(offset), SEEK_TIMEOUT) {
            Ok(()) => Ok(true),
            // rdkafka returns nothing but this text.
            Err(KafkaError::Seek(text)) if text.contains("Timed out") => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Sends offsets (the next one to be read) to the group's coordinator; the answer arrives as
    /// [`GroupEvent::Committed`] with this number.
    pub fn commit<'a>(
        &mut self,
        number: usize,
        offsets: impl Iterator<Item = (&'a TopicPartition, i64)>,
    ) -> Result<(), String> {
        let list = list_of(offsets.map(|(tp, next)| (tp, Offset::Offset(next))));
        self.commits.commit(number, &list).map_err(|error| error.to_string())
    }

    /// Returns the id of the cluster, once a broker has reported it. It has before it assigns anything.
    pub fn cluster(&self) -> Option<String> {
        self.client.client().fetch_cluster_id(CLUSTER_TIMEOUT)
    }

    /// Returns what the group has committed of partitions: nothing where the coordinator does not answer in time.
    pub fn committed(&self, partitions: &[TopicPartition]) -> Committed {
        if partitions.is_empty() {
            return Committed::default();
        }
        let list = list_of(partitions.iter().map(|tp| (tp, Offset::Invalid)));
        let mut committed = Committed::default();
        let Ok(list) = self.client.committed_offsets(list, COMMITTED_TIMEOUT) else { return committed };
        for tp in partitions {
            let found = list.find_partition(&tp.topic, tp.partition);
            match found.filter(|found| found.error().is_ok()).map(|found| found.offset()) {
                Some(Offset::Offset(offset)) => committed.positions.push((tp.clone(), offset)),
                Some(Offset::Invalid) => committed.without.push(tp.clone()),
                _ => {}
            }
        }
        committed
    }

    /// Returns the next offsets of partitions, of those for which the brokers answer in time.
    pub fn present_ends(&self, partitions: &[TopicPartition]) -> Vec<(TopicPartition, i64)> {
        let list = list_of(partitions.iter().map(|tp| (tp, Offset::End)));
        let Ok(list) = self.client.offsets_for_times(list, COMMITTED_TIMEOUT) else { return Vec::new() };
        let end = |tp: &TopicPartition| {
            let found = list.find_partition(&tp.topic, tp.partition)?;
            match found.offset() {
                Offset::Offset(offset) if found.error().is_ok() => Some((tp.clone(), offset)),
                _ => None,
            }
        };
        partitions.iter().filter_map(end).collect()
    }

    /// Returns the first offset of a partition, as of the last fetch.
    pub fn low_watermark(&self, tp: &TopicPartition) -> Option<i64> {
        self.queue.watermarks(&tp.topic, tp.partition).0
    }

    /// Returns the next offset of a partition, as of the last fetch.
    pub fn high_watermark(&self, tp: &TopicPartition) -> Option<i64> {
        self.queue.watermarks(&tp.topic, tp.partition).1
    }

    /// Requests an offset of partitions, unless such a request is in flight; [`Consumer::offsets`] returns the answer. A
    /// partition that was never fetched shows it in no other way: fetches stop where the queue of all partitions is full.
    pub fn request_offsets<'a>(
        &mut self,
        edge: LogEdge,
        partitions: impl Iterator<Item = &'a TopicPartition>,
    ) {
        self.edge(edge).ask(partitions);
    }

    /// Returns the requested offsets that the brokers know, once they have answered.
    pub fn offsets(&mut self, edge: LogEdge) -> Option<Vec<(TopicPartition, i64)>> {
        self.edge(edge).answer()
    }

    fn edge(&mut self, edge: LogEdge) -> &mut OffsetQueue {
        match edge {
            LogEdge::First => &mut self.first,
            LogEdge::Next => &mut self.next,
        }
    }

    /// Leaves the group and closes the client, on its own thread: librdkafka's destructor can hang, and a process that stops
    /// must not wait for it without end. Returns false when `deadline` passed first.
    pub fn leave(self, deadline: Duration) -> bool {
        // Without a thread it is dropped here.
        let Ok(closer) = std::thread::Builder::new().spawn(move || drop(self)) else { return true };
        let end = Instant::now() + deadline;
        while !closer.is_finished() && Instant::now() < end {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        closer.is_finished()
    }
}

impl Drop for Consumer {
    /// The client closes after it has left its group, which waits for the answer to every assignment and revocation.
    fn drop(&mut self) {
        let events = self.client.context();
        events.closing.store(true, Ordering::Release);
        let owed = std::mem::take(&mut *events.owed.lock());
        for Rebalance { kind, partitions } in owed {
            let list = list_of(partitions.iter().map(|tp| (tp, Offset::Invalid)));
            give_back(&self.client, kind, &list);
        }
        let protocol = self.client.rebalance_protocol();
        if self.unsubscribes && matches!(protocol, RebalanceProtocol::Cooperative) {
            // Closing does not leave a cooperative group where the member has no partitions: the broker would wait for it
            // at the next rebalance until its session ends. Unsubscribing leaves it, after a rebalance that is in progress.
            self.client.unsubscribe();
            let end = Instant::now() + UNSUBSCRIBE_DEADLINE;
            while member::member_id(self.client.client().native_ptr()).is_some() && Instant::now() < end {
                self.client.poll(UNSUBSCRIBE_POLL);
            }
        }
    }
}

pub(crate) fn list_of<'a>(offsets: impl Iterator<Item = (&'a TopicPartition, Offset)>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (tp, offset) in offsets {
        let mut entry = list.add_partition(&tp.topic, tp.partition);
        // Fails only for offsets that librdkafka cannot express; all of ours can be.
        let _ = entry.set_offset(offset);
    }
    list
}

#[cfg(test)]
mod tests;
