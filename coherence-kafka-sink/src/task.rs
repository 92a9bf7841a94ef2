//! One task of a connector: a member of the consumer group whose records it writes to maps. While it has nothing to do it
//! has no thread; records, group events, the end of a write and requests wake it.
//!
//! **Delivery: at least once, last write per key.** An offset is committed only when its record is in the map, or was
//! skipped by a policy, counted, and acknowledged by the dead letter queue if one is configured. One batch is in
//! flight; the next is read and encoded meanwhile. While the grid is unavailable the task holds its batches: it reads
//! no further records but keeps polling for the group, which keeps its partitions and fetches nothing twice. A revoke
//! waits until the records in hand are written, commits them, and only then releases the partitions.
//!
//! `task/delivery.rs`, which is pure, decides what is done and when. This module carries it out:
//!
//! ```text
//! consumer ──records, group events──▶ ┐              ┌ ──writes──▶ writer, on the runtime
//! writer ──outcomes──▶                ├─▶ delivery ─▶┤ ──commits, seeks, assignments──▶ consumer
//! dead letter queue ──outcomes──▶     ┤              ├ ──bad records──▶ dead letter queue
//! saved maps ──outcomes──▶            ┘              └ ──saves──▶ saved maps, on a thread of their own
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coherence_kafka_connect::transform::FieldPath;
use coherence_kafka_rdkafka::consumer::{Committed, Consumer, GroupEvent, StartAt};
use coherence_kafka_rdkafka::record::{CommitError, TopicPartition};
use coherence_kafka_rdkafka::settings::ClientSettings;
use coherence_kafka_worker::TaskControl;

use crate::config::MapNames;
use crate::counters::Counters;
use crate::errors::ErrorPolicy;
use crate::errors::dead_letter::{DeadLetterQueue, QueueOptions};
use crate::errors::reporter::Reporter;
use crate::expiry::Expiries;
use crate::pipeline::Pipeline;
use crate::snapshot;
use crate::writer::{GroupLease, Writer};

pub(crate) mod delivery;
mod in_flight;
mod lag;
mod waits;

use delivery::{Action, CommitNumber, Delivery, DeliveryOptions};
use in_flight::InFlight;
use lag::Lag;
use waits::HOLD_POLL;

/// Records of one read: few enough that the group is polled between two reads.
const READ_AT_ONCE: usize = 1000;
/// How long a task rests that has nothing in hand, unless it is woken: as often its lag is computed.
const QUIET_REST: Duration = Duration::from_millis(500);
/// How long the task waits for the client to leave the group.
const LEAVE_DEADLINE: Duration = Duration::from_secs(10);
/// How often the same error is logged: librdkafka repeats it ten times a second while no broker is available.
const TELL_TROUBLE_EVERY: Duration = Duration::from_secs(30);
/// How many errors are distinguished: further ones are not logged until the oldest may be logged again.
const TROUBLES_TOLD: usize = 32;

/// The remedy where the broker refuses the credentials.
const CREDENTIALS: &str = "check security.protocol, sasl.* and ssl.*, which a connector sets with \
    consumer.override., and the worker with consumer. or for all clients";
/// The remedy where the broker accepts the credentials and refuses the operation.
const PERMISSIONS: &str = "permit the principal of the consumer to read the topics and the group connect-<connector>, \
    or the one of consumer.override.group.id";

/// The options of a task.
#[derive(Debug, Clone)]
pub(crate) struct TaskOptions {
    /// Name of the connector.
    pub connector: String,
    /// Number of the task.
    pub number: u32,
    /// Settings of the consumer, by librdkafka's names.
    pub consumer: ClientSettings,
    /// Topic names, or one pattern that starts with `^`.
    pub topics: Vec<String>,
    /// Where newly assigned partitions are read from, unless saved maps have a position.
    pub start: StartAt,
    /// `auto.offset.reset`.
    pub reset: OffsetReset,
    /// Bounds and deadlines.
    pub delivery: DeliveryOptions,
    /// The policy for bad records.
    pub errors: ErrorPolicy,
    /// The dead letter queue, if one is configured.
    pub dead_letters: Option<QueueOptions>,
}

/// Where a partition without committed offset is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OffsetReset {
    /// Its oldest record.
    Oldest,
    /// Its present end.
    Newest,
    /// Nowhere: the task fails.
    Fails,
}

impl TaskOptions {
    /// Returns `<connector>-<number>`, for logs.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}", self.connector, self.number)
    }
}

/// Why a task failed. Its offsets are not moved past the failure: a restart reads the same record again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskFailure {
    /// One record cannot be delivered.
    #[error("record {topic}-{partition} at offset {offset}: {reason}")]
    Record {
        /// Its topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// Its offset.
        offset: i64,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A write that failed without a record to blame.
    #[error("{0}")]
    Write(String),
    /// The dead letter queue cannot accept a record.
    #[error("{0}")]
    DeadLetterQueue(String),
    /// The consumer cannot continue.
    #[error("kafka consumer: {0}")]
    Consumer(String),
    /// The saved maps do not belong to this cluster.
    #[error("{0}")]
    SavedMaps(String),
    /// A bug in the sink.
    #[error("internal error of the sink: {0}; restart the task, and report this text")]
    Defect(String),
}

impl TaskFailure {
    /// Returns the partition and the offset of the record at fault, where there is one.
    pub fn record(&self) -> Option<(TopicPartition, i64)> {
        match self {
            TaskFailure::Record { topic, partition, offset, .. } => {
                let partition = TopicPartition { topic: topic.clone(), partition: *partition };
                Some((partition, *offset))
            }
            _ => None,
        }
    }
}

/// How the records of a connector become entries; shared by its tasks.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// Converts records to entries.
    pub pipeline: Arc<Pipeline>,
    /// Which map a topic goes to.
    pub names: Arc<MapNames>,
    /// When entries expire.
    pub expiries: Arc<Expiries>,
    /// `coherence.version.field`.
    pub version: Option<FieldPath>,
}

impl Rules {
    /// Returns whether nothing looks into what records are converted to.
    pub(crate) fn is_direct(&self) -> bool {
        self.pipeline.is_direct() && self.expiries.field.is_none() && self.version.is_none()
    }
}

/// The parts of a task that are shared with others.
#[derive(Clone)]
pub(crate) struct TaskParts {
    /// How records become entries.
    pub rules: Rules,
    /// Writes batches.
    pub writer: Arc<Writer>,
    /// The maps that are written to, where they are saved.
    pub saved: Option<Arc<snapshot::Store>>,
    /// The writer's view of the group.
    pub membership: Arc<GroupLease>,
    /// Where writes run.
    pub runtime: tokio::runtime::Handle,
    /// What is counted.
    pub counters: Arc<Counters>,
    /// What the worker asks.
    pub control: TaskControl,
}

impl std::fmt::Debug for TaskParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskParts").finish_non_exhaustive()
    }
}

/// One task: [`SinkTask::work`] until it returns no pause, then [`SinkTask::end`].
pub(crate) struct SinkTask {
    name: String,
    options: TaskOptions,
    parts: TaskParts,
    consumer: Consumer,
    queue: Option<DeadLetterQueue>,
    delivery: Delivery,
    write: Option<InFlight>,
    saving: Option<(CommitNumber, snapshot::Pending)>,
    /// Seeks to carry out before the next read.
    seeks: BTreeMap<TopicPartition, i64>,
    lag: Lag,
    /// The group has assigned partitions once.
    was_assigned: bool,
    /// The group has answered which partitions are its own since it last had none.
    knows_share: bool,
    /// Since when the end of the task or of an assignment, or a batch, waits for an answer.
    answer_awaited: Option<Instant>,
    /// Something has happened that may be followed by something else at once.
    acted: bool,
    /// No record has been read since the task rested: it does not wait for one on a thread.
    rested: bool,
    /// How long it may rest where nothing happens.
    quiet_rest: Duration,
    /// The errors that were logged recently, and when.
    told_trouble: BTreeMap<String, Instant>,
}

impl std::fmt::Debug for SinkTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SinkTask").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SinkTask {
    /// Joins the consumer group.
    ///
    /// # Errors
    /// Settings that the Kafka client refuses.
    pub(crate) fn new(options: TaskOptions, parts: TaskParts) -> Result<Self, TaskFailure> {
        let queue = options.dead_letters.clone().map(DeadLetterQueue::open).transpose();
        let queue = queue.map_err(TaskFailure::DeadLetterQueue)?;
        let topics: Vec<&str> = options.topics.iter().map(String::as_str).collect();
        let mut consumer =
            Consumer::join(&options.consumer, &topics, READ_AT_ONCE).map_err(TaskFailure::Consumer)?;
        let control = parts.control.clone();
        consumer.on_arrival(move || control.wake());
        let now = Instant::now();
        parts.membership.begin();
        let reporter = Reporter {
            connector: options.connector.clone(),
            task: options.number,
            policy: options.errors,
            counters: parts.counters.clone(),
        };
        let name = options.name();
        let lag = Lag::new(parts.counters.clone(), now);
        // The group has to be polled several times within the time after which its membership is in doubt.
        let quiet_rest = (options.delivery.revoke_deadline / 8).clamp(HOLD_POLL, QUIET_REST);
        Ok(Self {
            delivery: Delivery::new(name.clone(), options.delivery, parts.rules.clone(), reporter, now),
            name,
            options,
            parts,
            consumer,
            queue,
            write: None,
            saving: None,
            seeks: BTreeMap::new(),
            lag,
            was_assigned: false,
            knows_share: false,
            answer_awaited: None,
            acted: false,
            rested: false,
            quiet_rest,
            told_trouble: BTreeMap::new(),
        })
    }

    /// Leaves the group, after [`SinkTask::work`] has returned no pause or has panicked with `outcome`.
    ///
    /// # Errors
    /// Why the task failed. Everything before the record at fault is written and committed.
    pub(crate) fn end(mut self, outcome: Result<(), String>) -> Result<(), TaskFailure> {
        if outcome.is_err() {
            self.parts.counters.errors.add(1);
            *self.parts.counters.holding.lock() = None;
        }
        // A write that continued could be applied after those of the next owner.
        self.write = None;
        if !self.consumer.leave(LEAVE_DEADLINE) {
            tracing::warn!(
                task = self.name,
                "kafka client not closed before the deadline; the group may keep its member until session.timeout.ms"
            );
        }
        outcome.map_err(TaskFailure::Defect)?;
        match self.delivery.failure() {
            Some(failure) => Err(failure.clone()),
            None => Ok(()),
        }
    }

    /// Moves records until nothing is left to do for a while. Returns after which time it is to be called again, unless
    /// something wakes the task before; `None` when it was stopped or fails.
    pub(crate) fn work(&mut self) -> Option<Duration> {
        while !self.delivery.is_over() {
            self.acted = false;
            self.serve_group();
            // After the group's events: a revoke's deadline also holds for the stop.
            if self.parts.control.is_stopping() {
                self.delivery.on_stop(Instant::now());
            }
            if let Some(gap) = self.parts.membership.on_poll(Instant::now()) {
                tracing::warn!(
                    task = self.name,
                    gap_ms = gap.as_millis() as u64,
                    "consumer was not polled in time and may have lost its partitions; writes suspended until \
                     membership is confirmed"
                );
            }
            self.collect(Duration::ZERO);
            self.collect_save();
            let ready = self.serve_queue() && self.seek();
            self.delivery.on_tick(Instant::now());
            self.perform();
            let pausing = self.parts.control.is_pausing();
            let waits = if ready && !pausing && self.delivery.room() > 0 { self.read() } else { self.hold() };
            self.delivery.on_tick(Instant::now());
            self.perform();
            self.pause(pausing);
            self.lag.observe(&mut self.consumer, &self.delivery, self.options.reset, self.knows_share);
            if waits && !self.acted && !self.consumer.has_events() {
                self.rested = true;
                let quiet = ready && self.delivery.is_quiet();
                return Some(if quiet { self.quiet_rest } else { self.hold_poll() });
            }
        }
        None
    }

    /// Reports that a task that is to pause has no record in hand.
    fn pause(&mut self, pausing: bool) {
        let idle = self.write.is_none() && !self.delivery.has_records() && !self.delivery.awaits_answer();
        let paused = pausing && idle;
        if self.parts.control.set_paused(paused) {
            if paused {
                self.delivery.commit_soon();
            }
            tracing::info!(task = self.name, "task {}", if paused { "paused" } else { "resumed" });
        }
    }

    fn serve_group(&mut self) {
        for event in self.consumer.poll() {
            let now = Instant::now();
            match event {
                GroupEvent::Assigned(partitions) => {
                    (self.was_assigned, self.knows_share) = (true, true);
                    tracing::info!(task = self.name, partitions = %names(&partitions), "partitions assigned");
                    let saved = self.saved_of_cluster();
                    let held = |tp: &TopicPartition| saved.as_ref().and_then(|saved| saved.position(tp));
                    self.delivery.on_assigned(partitions, held);
                }
                GroupEvent::Revoked { partitions, lost } => {
                    tracing::info!(
                        task = self.name,
                        partitions = %names(&partitions),
                        lost,
                        "partitions revoked"
                    );
                    self.knows_share = self.delivery.assigned().count() > partitions.len();
                    self.delivery.on_revoked(partitions, lost, now);
                }
                GroupEvent::Committed(number, outcome) => {
                    self.delivery.on_committed(number, outcome, now);
                }
                GroupEvent::Trouble(reason) => self.tell_trouble(reason, now),
                // Credentials that were good before are refused by a cluster in trouble.
                GroupEvent::Denied { reason, credentials: true } if self.was_assigned => {
                    self.tell_trouble(reason, now);
                }
                GroupEvent::Denied { reason, credentials } => {
                    let advice = if credentials { CREDENTIALS } else { PERMISSIONS };
                    self.delivery.on_consumer_failure(format!("{reason}: {advice}"));
                }
                GroupEvent::Fatal(reason) => self.delivery.on_consumer_lost(reason, now),
            }
            self.acted = true;
            self.perform();
        }
    }

    /// Polls the dead letter queue. Returns true when the queue is ready, so that records may be read.
    fn serve_queue(&mut self) -> bool {
        let Some(queue) = &mut self.queue else { return true };
        let ready = queue.is_ready();
        for (number, outcome) in queue.outcomes() {
            self.delivery.on_reported(number, outcome, Instant::now());
        }
        ready.unwrap_or_else(|reason| {
            self.delivery.on_queue_failure(reason);
            false
        })
    }

    /// Carries out the actions of the delivery.
    fn perform(&mut self) {
        while let Some(action) = self.delivery.next_action() {
            self.acted = true;
            match action {
                Action::Assign(partitions) => {
                    let start = |held: Option<i64>| held.map_or(self.options.start, StartAt::Offset);
                    let mut partitions: Vec<_> =
                        partitions.into_iter().map(|(tp, at)| (tp, start(at))).collect();
                    self.look_up(&mut partitions);
                    let outcome = self.consumer.assign(&partitions);
                    self.consumer_answer(outcome);
                }
                Action::Release(partitions) => {
                    self.seeks.retain(|tp, _| !partitions.contains(tp));
                    let outcome = self.consumer.release(&partitions);
                    self.consumer_answer(outcome);
                }
                Action::Seek(tp, position) => {
                    self.seeks.insert(tp, position);
                    self.seek();
                }
                Action::Write(number, writes) => {
                    let TaskParts { writer, runtime, control, counters, .. } = &self.parts;
                    counters.note_maps(writes.iter().map(|(map, _)| map));
                    self.write = Some(InFlight::start(number, writes, writer, runtime, control));
                }
                Action::Abandon => {
                    if self.write.take().is_some() {
                        // The abandoned write no longer holds the task.
                        *self.parts.counters.holding.lock() = None;
                    }
                }
                Action::Save(number, offsets) => {
                    self.saving = self.parts.saved.as_ref().map(|saved| (number, saved.save(&offsets)));
                }
                Action::Commit(number, offsets) => {
                    self.parts.counters.topics.lock().extend(offsets.iter().map(|(tp, _)| tp.topic.clone()));
                    let sent = self.consumer.commit(number, offsets.iter().map(|(tp, next)| (tp, *next)));
                    if let Err(reason) = sent {
                        let failed = CommitError::Failed(reason);
                        self.delivery.on_committed(number, Err(failed), Instant::now());
                    }
                }
                Action::Report(number, letter) => {
                    if let Some(outcome) = self.queue.as_mut().and_then(|queue| queue.send(number, letter)) {
                        self.delivery.on_reported(number, outcome, Instant::now());
                    }
                }
            }
        }
    }

    /// Looks up the committed offsets of the partitions that start there. A partition without one starts at its present
    /// end, where `auto.offset.reset` is `latest`.
    fn look_up(&mut self, partitions: &mut [(TopicPartition, StartAt)]) {
        let committed = partitions.iter().filter(|(_, start)| *start == StartAt::Committed);
        let committed: Vec<_> = committed.map(|(tp, _)| tp.clone()).collect();
        let Committed { positions, without } = self.consumer.committed(&committed);
        self.delivery.on_positions(&positions);
        if self.options.reset != OffsetReset::Newest || without.is_empty() {
            return;
        }
        let ends = self.consumer.present_ends(&without);
        for (tp, start) in partitions.iter_mut() {
            if let Some((_, end)) = ends.iter().find(|(of, _)| of == tp) {
                *start = StartAt::Offset(*end);
            }
        }
        self.delivery.on_starts(&ends);
    }

    /// Returns the saved maps, if this is their cluster. With another one nothing is read, saved or committed.
    fn saved_of_cluster(&mut self) -> Option<Arc<snapshot::Store>> {
        let saved = self.parts.saved.clone()?;
        match saved.of_cluster(self.consumer.cluster()) {
            Ok(()) => Some(saved),
            Err(error) => {
                self.delivery.on_foreign_maps(error.to_string());
                None
            }
        }
    }

    /// Carries out the pending seeks. Returns true when none is left, and records may be read.
    fn seek(&mut self) -> bool {
        while let Some((tp, position)) = self.seeks.pop_first() {
            match self.consumer.seek(&tp, position) {
                Ok(true) => {}
                Ok(false) => {
                    tracing::warn!(task = self.name, partition = %tp, position, "seek not completed in time, retrying");
                    self.seeks.insert(tp, position);
                    return false;
                }
                Err(reason) => {
                    self.delivery.on_consumer_failure(format!("seek of {tp} to {position}: {reason}"));
                }
            }
        }
        true
    }

    fn consumer_answer(&mut self, outcome: Result<(), String>) {
        if let Err(reason) = outcome {
            self.delivery.on_consumer_failure(reason);
        }
    }

    fn tell_trouble(&mut self, reason: String, now: Instant) {
        self.told_trouble.retain(|_, told| now < *told + TELL_TROUBLE_EVERY);
        // After it librdkafka appends how long the connection was in which state.
        let same = reason.split(" (after ").next().unwrap_or_default();
        if self.told_trouble.contains_key(same) || self.told_trouble.len() >= TROUBLES_TOLD {
            return;
        }
        tracing::warn!(task = self.name, reason, "kafka client error, retrying");
        self.told_trouble.insert(same.to_owned(), now);
    }

    fn collect_save(&mut self) {
        let Some((number, outcome)) = self.saving.as_ref().and_then(|(number, saving)| {
            let outcome = saving.outcome()?;
            Some((*number, outcome))
        }) else {
            return;
        };
        self.saving = None;
        self.acted = true;
        self.delivery.on_saved(number, outcome, Instant::now());
        self.perform();
    }
}

fn names(partitions: &[TopicPartition]) -> String {
    let names: Vec<String> = partitions.iter().map(ToString::to_string).collect();
    names.join(",")
}

#[cfg(test)]
pub(crate) mod tests;
