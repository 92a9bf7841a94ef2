//! One task of a connector: a member of the consumer group whose records it writes to maps. One thread each.
//!
//! **Delivery: at least once, last write per key.** An offset is committed only when its record is in the map or
//! was skipped by a policy and counted. One batch is in flight; the next is read and encoded meanwhile. While the
//! grid is away the task holds what it has: it stops taking records but goes on polling for the group, which
//! keeps its partitions and fetches nothing twice. A revoke waits for what was taken, commits it, and only then
//! lets go.
//!
//! ```text
//! consumer ──records──▶ building ──full, or nothing in flight──▶ in flight ──confirmed──▶ settle ──commit──▶ broker
//!                          │ full: hold                             │ refused
//!                          ▼                                        ▼
//!                    poll for the group only                   the task fails, offsets intact
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::config::Mappings;
use crate::counters::Counters;
use crate::kafka::consumer::{Consumer, GroupEvent, StartAt, TopicPartition};
use crate::pipeline::Pipeline;
use crate::plan::Source;
use crate::settle::Settle;
use crate::writer::{Refused, Writer};

mod building;
mod in_flight;

use building::Building;
use in_flight::{InFlight, Progress};

/// Records asked for in one call: small enough that the group is served between two of them.
const READ_AT_ONCE: usize = 1000;
/// How often the group is served while the task holds.
const HOLD_POLL: Duration = Duration::from_millis(50);
/// How long a read waits for a first record, and the group therefore for being served.
const IDLE_WAIT: Duration = Duration::from_millis(50);
/// The same while a batch is in flight, whose end must not go unnoticed.
const IN_FLIGHT_WAIT: Duration = Duration::from_millis(2);
/// How long leaving the group may take before the thread gives up waiting for it.
const LEAVE_DEADLINE: Duration = Duration::from_secs(10);
/// How long the last commit of an assignment waits after a failure before it is sent again.
const COMMIT_RETRY: Duration = Duration::from_millis(100);
/// How often lag is looked at.
const LAG_EVERY: Duration = Duration::from_millis(500);
/// How often the same trouble is logged: librdkafka repeats it ten times a second while all brokers are away.
const TELL_TROUBLE_EVERY: Duration = Duration::from_secs(30);

/// What a task needs to know beside its parts.
#[derive(Debug, Clone)]
pub struct TaskOptions {
    /// `<connector>-<number>`, for logs.
    pub name: String,
    /// Settings of the consumer, by librdkafka's names.
    pub consumer: Vec<(String, String)>,
    /// Topic names, or one pattern that starts with `^`.
    pub topics: Vec<String>,
    /// Where newly assigned partitions are read from.
    pub start: StartAt,
    /// Records of one batch, at most.
    pub batch_records: usize,
    /// Bytes of keys and values of one batch: no further record is taken beyond it.
    pub batch_bytes: usize,
    /// How long a read waits for more records.
    pub linger: Duration,
    /// `offset.flush.interval.ms`.
    pub flush_interval: Duration,
    /// `offset.flush.timeout.ms`.
    pub flush_timeout: Duration,
    /// How long a revoke waits for what was taken; shorter than the session time-out.
    pub revoke_deadline: Duration,
    /// `task.shutdown.graceful.timeout.ms`.
    pub stop_deadline: Duration,
}

/// Why a task failed. Its offsets are as they were: a restart meets the same record again.
#[derive(Debug, Clone, thiserror::Error)]
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
    /// A write that no record can be named for.
    #[error("{0}")]
    Write(String),
    /// The consumer cannot go on.
    #[error("kafka consumer: {0}")]
    Consumer(String),
}

/// What a task works with and shares with others.
#[derive(Clone)]
pub struct TaskParts {
    /// Makes entries of records.
    pub pipeline: Arc<Pipeline>,
    /// Which map a topic goes to.
    pub mappings: Arc<Mappings>,
    /// Writes batches.
    pub writer: Arc<Writer>,
    /// Where writes run.
    pub runtime: tokio::runtime::Handle,
    /// What is counted.
    pub counters: Arc<Counters>,
    /// Set by whoever wants the task to stop.
    pub stop: Arc<AtomicBool>,
}

/// One task; [`Task::run`] is its life.
pub struct Task {
    options: TaskOptions,
    parts: TaskParts,
    consumer: Consumer,
    settle: Settle,
    building: Building,
    in_flight: Option<InFlight>,
    /// Records that the grid refused in a batch that is read again without them.
    refused: BTreeMap<Source, Refused>,
    failure: Option<TaskFailure>,
    /// When the next periodic commit is due; the first one follows the first batch.
    next_flush: Instant,
    /// When a commit was sent that is not yet answered.
    committing: Option<Instant>,
    next_lag: Instant,
    /// The trouble that was logged last, and when.
    told_trouble: Option<(String, Instant)>,
}

impl Task {
    /// Joins the consumer group.
    ///
    /// # Errors
    /// Settings that the Kafka client refuses.
    pub fn new(options: TaskOptions, parts: TaskParts) -> Result<Self, TaskFailure> {
        let topics: Vec<&str> = options.topics.iter().map(String::as_str).collect();
        let consumer =
            Consumer::join(&options.consumer, &topics, READ_AT_ONCE).map_err(TaskFailure::Consumer)?;
        let now = Instant::now();
        Ok(Self {
            options,
            parts,
            consumer,
            settle: Settle::default(),
            building: Building::default(),
            in_flight: None,
            refused: BTreeMap::new(),
            failure: None,
            next_flush: now,
            committing: None,
            next_lag: now,
            told_trouble: None,
        })
    }

    /// Moves records until it is told to stop or fails.
    ///
    /// # Errors
    /// Why it failed. Everything before the record at fault is written and committed.
    pub fn run(mut self) -> Result<(), TaskFailure> {
        while !self.parts.stop.load(Ordering::Acquire) && !self.failed() {
            self.serve_group();
            self.collect(Duration::ZERO);
            self.launch();
            if self.may_read() {
                self.read();
            } else {
                self.collect(HOLD_POLL);
            }
            self.launch();
            self.flush_when_due();
            self.observe_lag();
        }
        self.finish()
    }

    /// A failed task first writes what it took before the record at fault.
    fn failed(&self) -> bool {
        self.failure.is_some() && self.in_flight.is_none() && self.building.is_empty()
    }

    fn may_read(&self) -> bool {
        self.failure.is_none()
            && self.building.records() < self.options.batch_records
            && self.building.bytes() < self.options.batch_bytes
    }

    fn serve_group(&mut self) {
        for event in self.consumer.poll() {
            self.on_event(event);
        }
    }

    fn on_event(&mut self, event: GroupEvent) {
        match event {
            GroupEvent::Assigned(partitions) => self.on_assigned(&partitions),
            GroupEvent::Revoked { partitions, lost } => self.on_revoked(&partitions, lost),
            GroupEvent::Committed(outcome) => self.on_committed(outcome),
            GroupEvent::Trouble(reason) => self.on_trouble(reason),
            GroupEvent::Fatal(reason) => self.fail(TaskFailure::Consumer(reason)),
        }
    }

    fn on_assigned(&mut self, partitions: &[TopicPartition]) {
        tracing::info!(task = self.options.name, partitions = %names(partitions), "partitions assigned");
        self.settle.assign(partitions);
        if let Err(reason) = self.consumer.assign(partitions, self.options.start) {
            self.fail(TaskFailure::Consumer(reason));
        }
    }

    fn on_revoked(&mut self, partitions: &[TopicPartition], lost: bool) {
        tracing::info!(task = self.options.name, partitions = %names(partitions), lost, "partitions revoked");
        let deadline = Instant::now() + self.options.revoke_deadline;
        let drained = !lost && self.drain(deadline);
        if drained {
            self.commit_and_wait(deadline);
        } else {
            self.abandon();
        }
        self.let_go(partitions);
        if !drained {
            self.rewind();
        }
    }

    fn let_go(&mut self, partitions: &[TopicPartition]) {
        self.settle.release(partitions);
        if let Err(reason) = self.consumer.release(partitions) {
            self.fail(TaskFailure::Consumer(reason));
        }
    }

    fn on_trouble(&mut self, reason: String) {
        let now = Instant::now();
        let told = |(told, at): &(String, Instant)| *told == reason && now < *at + TELL_TROUBLE_EVERY;
        if self.told_trouble.as_ref().is_some_and(told) {
            return;
        }
        tracing::warn!(task = self.options.name, reason, "kafka client reports trouble");
        self.told_trouble = Some((reason, now));
    }

    fn on_committed(&mut self, outcome: Result<(), String>) {
        self.committing = None;
        match outcome {
            Ok(()) => self.parts.counters.commits.add(1),
            Err(reason) => {
                tracing::warn!(task = self.options.name, reason, "commit failed, it is sent again");
                self.settle.commit_failed();
            }
        }
    }

    /// Takes what is there into the batch being built: waits for a first record, and then for more to come with it.
    fn read(&mut self) {
        if self.building.is_empty() {
            let wait = if self.in_flight.is_some() { IN_FLIGHT_WAIT } else { IDLE_WAIT };
            self.take(1, wait);
            if self.building.is_empty() {
                return;
            }
        }
        if self.may_read() {
            // While a batch is in flight more records join this one on the next turn; its end must not wait for them.
            let wait = if self.in_flight.is_some() { IN_FLIGHT_WAIT } else { self.options.linger };
            self.take(self.options.batch_records - self.building.records(), wait);
        }
    }

    fn take(&mut self, max: usize, wait: Duration) {
        let batch = self.consumer.read(max, wait);
        for record in batch.records() {
            let record = match record {
                Ok(record) => record,
                Err(code) => {
                    // Nothing is skipped: librdkafka goes on fetching at the same offset.
                    tracing::warn!(task = self.options.name, error = %code, "kafka client reports trouble");
                    continue;
                }
            };
            self.parts.counters.records.add(1);
            let taken = self.building.take(&record, &mut self.settle, &self.refused, &self.parts);
            if let Err(error) = taken {
                self.parts.counters.errors.add(1);
                self.failure.get_or_insert(TaskFailure::Record {
                    topic: record.topic.to_owned(),
                    partition: record.partition,
                    offset: record.offset,
                    reason: error.to_string(),
                });
                // Records behind it are read again after a restart.
                break;
            }
        }
    }

    /// Sends the batch that was built, if nothing is in flight.
    fn launch(&mut self) {
        if self.in_flight.is_some() || self.building.is_empty() {
            return;
        }
        match self.building.take_out().finish() {
            Ok(batch) => {
                self.in_flight = Some(InFlight::start(batch, &self.parts.writer, &self.parts.runtime))
            }
            Err(error) => self.fail(TaskFailure::Write(error.to_string())),
        }
    }

    /// Waits for the batch in flight, at most `wait`.
    fn collect(&mut self, wait: Duration) {
        let Some(in_flight) = self.in_flight.take() else {
            if !wait.is_zero() {
                std::thread::park_timeout(wait);
            }
            return;
        };
        match in_flight.wait(wait) {
            Progress::Pending(in_flight) => self.in_flight = Some(in_flight),
            Progress::Written(batch, refused) if refused.is_empty() => {
                self.parts.counters.confirmed.add(batch.records);
                self.settle.confirm(&batch.reached);
                let settle = &self.settle;
                self.refused.retain(|source, _| !settle.is_confirmed(source.partition, source.offset));
            }
            Progress::Written(_, refused) => {
                // A record that lost to a refused one of the same key must be written now. So the batch is read again, and
                // its culprits are treated as what they are: records that cannot be taken.
                self.refused.extend(refused.into_iter().map(|refused| (refused.source, refused)));
                self.building = Building::default();
                self.rewind();
            }
            Progress::Failed(failure) => {
                self.parts.counters.errors.add(1);
                // What was built behind it must not overtake it.
                self.building = Building::default();
                self.fail(TaskFailure::Write(failure.to_string()));
            }
        }
    }

    /// Writes everything that was taken. False when the deadline came first, or the write was refused.
    fn drain(&mut self, deadline: Instant) -> bool {
        while self.in_flight.is_some() || !self.building.is_empty() {
            self.launch();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            self.collect(left);
        }
        self.failure.is_none()
    }

    fn abandon(&mut self) {
        if let Some(in_flight) = self.in_flight.take() {
            in_flight.abandon();
        }
        self.building = Building::default();
    }

    /// Reads again, in the partitions that are kept, what was taken but not confirmed.
    fn rewind(&mut self) {
        let positions: Vec<_> = self.settle.resume_positions().map(|(tp, at)| (tp.clone(), at)).collect();
        for (tp, position) in positions {
            if let Err(reason) = self.consumer.seek(&tp, position) {
                self.fail(TaskFailure::Consumer(format!("seek of {tp} to {position}: {reason}")));
            }
        }
    }

    fn flush_when_due(&mut self) {
        let now = Instant::now();
        if self.committing.is_some_and(|sent| now > sent + self.options.flush_timeout) {
            // An answer that comes all the same does no harm: positions only grow within an assignment.
            self.on_committed(Err("not answered within offset.flush.timeout.ms".to_owned()));
        }
        if self.committing.is_none() && now >= self.next_flush && self.commit() {
            self.next_flush = now + self.options.flush_interval;
        }
    }

    /// Sends a commit if there is anything to say.
    fn commit(&mut self) -> bool {
        if self.settle.to_commit().next().is_none() {
            return false;
        }
        match self.consumer.commit(self.settle.to_commit()) {
            Ok(()) => {
                self.settle.commit_sent();
                self.committing = Some(Instant::now());
            }
            Err(reason) => tracing::warn!(task = self.options.name, reason, "commit not sent"),
        }
        true
    }

    /// The last commit of an assignment: the broker's answer is waited for, or lag tools and the next owner
    /// would see an older position.
    fn commit_and_wait(&mut self, deadline: Instant) {
        loop {
            if self.committing.is_none() && !self.commit() {
                return;
            }
            if Instant::now() >= deadline {
                tracing::warn!(
                    task = self.options.name,
                    "commit not answered in time: its records may come again"
                );
                return;
            }
            for event in self.consumer.poll() {
                match event {
                    // The group moved on: what is committed from here on would be refused by the broker.
                    GroupEvent::Revoked { partitions, .. } => self.let_go(&partitions),
                    event => self.on_event(event),
                }
            }
            if self.committing.is_some() {
                std::thread::park_timeout(Duration::from_millis(2));
            } else if self.settle.to_commit().next().is_some() {
                // It failed: the broker is not asked again at once.
                std::thread::park_timeout(COMMIT_RETRY);
            }
        }
    }

    fn observe_lag(&mut self) {
        let now = Instant::now();
        if now < self.next_lag {
            return;
        }
        self.next_lag = now + LAG_EVERY;
        let lag = self.settle.assigned().filter_map(|(tp, position)| {
            let end = self.consumer.high_watermark(tp)?;
            Some(u64::try_from(end - position?).unwrap_or(0))
        });
        self.parts.counters.lag.set(lag.sum());
    }

    fn fail(&mut self, failure: TaskFailure) {
        self.failure.get_or_insert(failure);
    }

    /// Finishes the batch in flight, commits and leaves the group.
    fn finish(mut self) -> Result<(), TaskFailure> {
        let deadline = Instant::now() + self.options.stop_deadline;
        self.building = Building::default();
        let failed_before = self.failure.is_some();
        if !self.drain(deadline) && !failed_before && self.failure.is_none() {
            tracing::warn!(
                task = self.options.name,
                "the batch in flight was not confirmed in time: its records come again after a restart"
            );
            self.abandon();
        }
        self.commit_and_wait(deadline);
        if !self.consumer.leave(LEAVE_DEADLINE) {
            tracing::warn!(task = self.options.name, "the kafka client did not close in time");
        }
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }
}

fn names(partitions: &[TopicPartition]) -> String {
    let names: Vec<String> = partitions.iter().map(ToString::to_string).collect();
    names.join(",")
}
