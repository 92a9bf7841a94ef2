//! Decides what a task does and when: which records it accepts, when it writes a batch, what it commits, what a
//! rebalance waits for, and how it ends.
//!
//! Pure: no I/O, no clock (time is an argument), no waiting. Inputs are calls, outputs are [`Action`]s; the caller
//! carries them out in order before the next input.
//!
//! ```text
//! records ──▶ batch builder ──nothing in flight──▶ in flight ──written, and dead letters acknowledged──▶ tracker ──▶ (save) ──▶ commit
//!    │ bad: policy ─▶ report                     │ refused records: rewind, read again without them
//!    │                                           │ nothing to compare with: rewind, read again with more
//!    ▼ under `none`                              ▼ settings, retry timeout
//!  no more records; what was taken is written    given up; the task ends with its offsets intact
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use coherence_kafka_rdkafka::record::{CommitError, RawRecord, TopicPartition};

use super::{Rules, TaskFailure};
use crate::counters::{Counters, Uncounted};
use crate::errors::discarded::Discarded;
use crate::errors::reporter::Reporter;
use crate::errors::{NullKeys, Tolerance};
use crate::offset_tracker::{OffsetTracker, Reached};
use crate::pipeline::{Operation, RecordError};
use crate::plan::RecordId;
use crate::writer::{RejectedRecord, WriteFailure};
use batch_builder::{Batch, BatchBuilder};
use commits::Commits;
use logs::Jump;
use outage::Outage;
use reports::Reports;

mod actions;
mod batch_builder;
mod commits;
mod letters;
mod limits;
mod logs;
mod outage;
mod reports;
mod standing;

pub(crate) use actions::{Action, CommitNumber, DeliveryOptions, LetterNumber, WriteNumber};

/// One task's delivery.
#[derive(Debug)]
pub(crate) struct Delivery {
    task: String,
    options: DeliveryOptions,
    rules: Rules,
    reporter: Reporter,
    counters: Arc<Counters>,
    uncounted: Uncounted,
    tracker: OffsetTracker,
    builder: BatchBuilder,
    in_flight: Option<InFlight>,
    /// The batch being built waits until then for more records, if nothing waits for it.
    lingers_until: Option<Instant>,
    /// Records that the grid refused in a batch that is read again without them.
    refused: BTreeMap<RecordId, RejectedRecord>,
    /// Records sent to the dead letter queue whose offsets are not confirmed yet.
    reports: Reports,
    /// Gaps in the offsets, which are checked after the read.
    jumps: Vec<Jump>,
    phase: Phase,
    /// Revokes that are not answered yet; no records are taken meanwhile.
    revokes: Vec<Revoke>,
    failure: Option<TaskFailure>,
    commits: Commits,
    discarded: Discarded,
    actions: VecDeque<Action>,
    writes: WriteNumber,
    /// Factor by which batches are larger than configured, to have records to compare with.
    stretch: usize,
    /// A peer of the converters is unavailable.
    outage: Option<Outage>,
}

#[derive(Debug)]
struct InFlight {
    number: WriteNumber,
    reached: Vec<Reached>,
    records: u64,
    puts: u64,
    removes: u64,
    bytes: usize,
    /// The timestamp of its oldest record, in milliseconds since 1970.
    oldest: Option<i64>,
    began: Instant,
    /// Letters of it that the dead letter queue has not answered.
    awaits: BTreeSet<LetterNumber>,
    written: bool,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Running,
    Stopping { deadline: Instant },
    Over,
}

/// A revoke that waits for its answer, also where it names no partition: first the records in hand are written and
/// committed, or its deadline passes.
#[derive(Debug)]
struct Revoke {
    partitions: Vec<TopicPartition>,
    deadline: Instant,
}

impl Delivery {
    /// Creates a delivery without partitions. `task` is its name in logs.
    pub(crate) fn new(
        task: String,
        options: DeliveryOptions,
        rules: Rules,
        reporter: Reporter,
        now: Instant,
    ) -> Self {
        Self {
            task,
            options,
            rules,
            counters: reporter.counters.clone(),
            uncounted: Uncounted::default(),
            reporter,
            tracker: OffsetTracker::default(),
            builder: BatchBuilder::default(),
            in_flight: None,
            lingers_until: None,
            refused: BTreeMap::new(),
            reports: Reports::default(),
            jumps: Vec::new(),
            phase: Phase::Running,
            revokes: Vec::new(),
            failure: None,
            commits: Commits::new(&options, now),
            discarded: Discarded::default(),
            actions: VecDeque::new(),
            writes: 0,
            stretch: 1,
            outage: None,
        }
    }

    /// Returns the next action.
    pub(crate) fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Commits at the next opportunity, without waiting for the interval.
    pub(crate) fn commit_soon(&mut self) {
        self.commits.hurry();
    }

    /// Handles an assignment. `held` returns the position below which the maps already hold everything of a partition.
    pub(crate) fn on_assigned(
        &mut self,
        partitions: Vec<TopicPartition>,
        held: impl Fn(&TopicPartition) -> Option<i64>,
    ) {
        self.tracker.assign(&partitions);
        let held: Vec<_> =
            partitions.into_iter().map(|tp| (held(&tp), tp)).map(|(at, tp)| (tp, at)).collect();
        for (tp, at) in &held {
            self.tracker.note_held(tp, *at);
        }
        self.actions.push_back(Action::Assign(held));
    }

    /// Handles a revocation, or the loss of partitions. Each call is answered by one [`Action::Release`].
    pub(crate) fn on_revoked(&mut self, partitions: Vec<TopicPartition>, lost: bool, now: Instant) {
        let count = if lost { &self.counters.partitions_lost } else { &self.counters.partitions_revoked };
        count.add(partitions.len() as u64);
        if lost {
            for revoke in &mut self.revokes {
                revoke.partitions.retain(|tp| !partitions.contains(tp));
            }
            self.abandon();
            self.let_go(partitions);
            self.rewind();
        } else if self.is_over() {
            self.let_go(partitions);
        } else {
            // A stopping task releases them at its end: its writes must not arrive after those of the next owner.
            let deadline = now + self.options.revoke_deadline;
            self.revokes.push(Revoke { partitions, deadline });
        }
        self.advance(now);
    }

    /// Handles the answer to a commit.
    pub(crate) fn on_committed(
        &mut self,
        number: CommitNumber,
        outcome: Result<(), CommitError>,
        now: Instant,
    ) {
        let took = self.commits.on_committed(number, &outcome, now);
        match took {
            Some(took) => self.counters.commit_times.observe(took, now),
            None => self.counters.commits_late.add(1),
        }
        // The positions of a late one were already sent again.
        if took.is_some() || outcome.is_ok() {
            self.counters.on_commit(outcome.is_ok(), now);
        }
        match outcome {
            Ok(()) => {}
            Err(_) if took.is_none() => {}
            Err(CommitError::UnknownTopics(topics)) => {
                if self.commits.on_unknown(&topics) {
                    tracing::warn!(
                        task = self.task,
                        topics = topics.join(","),
                        "offsets not committed: at least one of these topics no longer exists"
                    );
                }
            }
            Err(CommitError::Failed(reason)) => {
                tracing::warn!(task = self.task, reason, "offset commit failed, retrying");
                self.tracker.commit_failed();
            }
        }
        self.advance(now);
    }

    /// Handles the answer to a save.
    pub(crate) fn on_saved(&mut self, number: CommitNumber, outcome: Result<(), String>, now: Instant) {
        match &outcome {
            Ok(()) => self.counters.saves.add(1),
            Err(reason) => {
                self.counters.save_failures.add(1);
                tracing::warn!(
                    task = self.task,
                    reason,
                    "embedded maps not saved, retrying; no offsets are committed until they are saved"
                );
                self.tracker.commit_failed();
            }
        }
        self.actions.extend(self.commits.on_saved(number, outcome.is_ok(), now));
        self.advance(now);
    }

    /// Accepts a record that was read. Returns false when no further one is wanted.
    pub(crate) fn take(&mut self, record: &RawRecord<'_>) -> bool {
        self.uncounted.records += 1;
        let Some((number, expected)) = self.builder.enter(record, &mut self.tracker, &self.rules) else {
            return true;
        };
        if let Some(expected) = expected.filter(|expected| *expected != record.offset) {
            self.on_jump(number, expected, record.offset);
            if record.offset < expected {
                // Its partition has another number now.
                self.builder.enter(record, &mut self.tracker, &self.rules);
            }
        }
        let Some((source, taken)) = self.builder.take(record, &self.refused, &self.rules) else {
            return true;
        };
        if let Some(reason) = taken.as_ref().err().filter(|error| error.is_retriable()) {
            self.wait_for_peer(reason.to_string());
            return false;
        }
        self.peer_answers();
        let error = match taken {
            Ok(Operation::Put | Operation::Remove) => return counted(&mut self.uncounted.sent),
            Ok(Operation::NullValue) => return counted(&mut self.uncounted.null_values),
            Ok(Operation::Filtered) => return counted(&mut self.uncounted.filtered),
            Ok(Operation::NullKey) if self.reporter.policy.null_keys == NullKeys::Ignore => {
                RecordError::NullKeyDiscarded
            }
            Ok(Operation::NullKey) => RecordError::NullKey,
            Err(error) => error,
        };
        let ignored = matches!(error, RecordError::NullKeyDiscarded);
        let skipped = ignored || self.reporter.policy.tolerance == Tolerance::All;
        // A record that is read again with its batch was already reported.
        if self.reports.get(&source).is_none() {
            self.report(source, record, &error, ignored);
            if skipped && !ignored {
                self.counters.skipped.add(1);
            }
        }
        let report = self.reports.get(&source);
        let refused = report.and_then(|report| report.refused.as_deref());
        if skipped && refused.is_none() {
            let bytes = report.map_or(0, |report| report.bytes);
            self.builder.pass(record.offset);
            self.builder.report(self.reports.awaited(&source), bytes);
            return true;
        }
        let reason = match refused {
            Some(refused) => format!("{error}; {refused}"),
            None => error.to_string(),
        };
        // Records behind it are read again after a restart.
        self.fail(TaskFailure::Record {
            topic: record.topic.to_owned(),
            partition: record.partition,
            offset: record.offset,
            reason,
        });
        false
    }

    /// Handles the end of a write: all of it is in the maps except the records that were refused, or it failed.
    pub(crate) fn on_written(
        &mut self,
        number: WriteNumber,
        outcome: Result<Vec<RejectedRecord>, WriteFailure>,
        now: Instant,
    ) {
        let Some(in_flight) = self.in_flight.as_mut().filter(|in_flight| in_flight.number == number) else {
            return;
        };
        self.counters.writes.observe(now.saturating_duration_since(in_flight.began), now);
        match outcome {
            Ok(refused) if refused.is_empty() => {
                in_flight.written = true;
                self.on_batch_written();
            }
            Ok(refused) => {
                // A record that lost to a refused one of the same key must be written now. So the batch is read
                // again, and its culprits are treated as what they are: records that cannot be taken.
                self.count_refused_of_gone_logs(&refused);
                self.refused.extend(refused.into_iter().map(|refused| (refused.source, refused)));
                self.in_flight = None;
                self.builder = BatchBuilder::default();
                // A bad record behind them is met again.
                if matches!(self.failure, Some(TaskFailure::Record { .. })) {
                    self.failure = None;
                }
                self.rewind();
            }
            // The records behind it can show whether a record or the store is at fault.
            Err(WriteFailure::Alone { .. }) => {
                self.in_flight = None;
                self.builder = BatchBuilder::default();
                self.stretch = self.stretch.saturating_mul(2);
                self.rewind();
            }
            Err(failure) => {
                self.in_flight = None;
                // What was built behind it must not overtake it.
                self.builder = BatchBuilder::default();
                self.fail(TaskFailure::Write(failure.to_string()));
            }
        }
        self.advance(now);
    }

    /// Handles a consumer that cannot continue.
    pub(crate) fn on_consumer_failure(&mut self, reason: String) {
        self.fail(TaskFailure::Consumer(reason));
    }

    /// Handles saved maps that belong to another cluster.
    pub(crate) fn on_foreign_maps(&mut self, reason: String) {
        self.fail(TaskFailure::SavedMaps(reason));
    }

    /// Handles a consumer that is no longer a member of its group: another one may own its partitions, so nothing in
    /// hand is written or committed.
    pub(crate) fn on_consumer_lost(&mut self, reason: String, now: Instant) {
        self.fail(TaskFailure::Consumer(reason));
        let assigned = self.assigned().map(|(tp, _)| tp.clone()).collect();
        self.on_revoked(assigned, true, now);
    }

    /// Stops the task: the batch in flight is finished and committed within a deadline.
    pub(crate) fn on_stop(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Running) {
            self.stop(now);
            self.advance(now);
        }
    }

    /// Handles the passing of time.
    pub(crate) fn on_tick(&mut self, now: Instant) {
        self.advance(now);
    }

    fn fail(&mut self, failure: TaskFailure) {
        if self.failure.is_some() {
            return;
        }
        // A record at fault was counted when it was reported.
        if !matches!(failure, TaskFailure::Record { .. }) {
            self.counters.errors.add(1);
        }
        self.failure = Some(failure);
    }

    fn stop(&mut self, now: Instant) {
        // Read again after the restart, its bad records would be in the dead letter queue twice.
        if !self.builder.is_reported() {
            self.builder = BatchBuilder::default();
        }
        self.phase = Phase::Stopping { deadline: now + self.options.stop_deadline };
    }

    /// Does everything that follows from the present state.
    fn advance(&mut self, now: Instant) {
        self.uncounted.count(&self.counters);
        self.discarded.log(&self.task, now);
        self.launch(now);
        self.advance_outage(now);
        self.flush(now);
        self.measure(now);
        let done = self.is_idle() && self.is_committed();
        match self.phase {
            Phase::Over => {}
            _ if self.deadline().is_some_and(|deadline| done || now >= deadline) => {
                let stops = matches!(self.phase, Phase::Stopping { .. });
                if stops {
                    self.phase = Phase::Over;
                    self.discarded.log_rest(&self.task, now);
                }
                self.finish(if stops { "the task ends" } else { "its partitions are revoked" });
                self.advance(now);
            }
            // A failed task first writes the records before the one at fault.
            Phase::Running
                if self.failure.is_some() && self.in_flight.is_none() && self.builder.is_empty() =>
            {
                self.stop(now);
                self.advance(now);
            }
            Phase::Running | Phase::Stopping { .. } => {}
        }
    }

    /// Counts what is in hand.
    fn measure(&self, now: Instant) {
        let in_flight = self.in_flight.as_ref().map_or((0, 0), |batch| (batch.records, batch.bytes));
        self.counters.active.set(in_flight.0 + self.builder.records() as u64, now);
        self.counters.held_bytes.set((in_flight.1 + self.builder.bytes()) as u64);
        self.counters.commit_number.set(self.commits.number() as u64);
    }

    /// Ends the wait for the records in hand, and answers the revokes.
    fn finish(&mut self, why: &str) {
        let idle = self.is_idle();
        if !idle {
            tracing::warn!(
                task = self.task,
                why,
                "in-flight records were not written and committed before the deadline; they will be redelivered"
            );
            self.abandon();
        } else if !self.is_committed() {
            tracing::warn!(
                task = self.task,
                why,
                "offsets of written records were not committed before the deadline; they may be redelivered"
            );
        }
        for revoke in std::mem::take(&mut self.revokes) {
            self.let_go(revoke.partitions);
        }
        if !idle && matches!(self.phase, Phase::Running) {
            self.rewind();
        }
    }

    /// Sends the batch that was built, if nothing is in flight and it waits for nothing more.
    fn launch(&mut self, now: Instant) {
        let more = self.room() > 0 && self.lingers_until.is_some_and(|until| now < until);
        if self.in_flight.is_some() || self.builder.is_empty() || more {
            return;
        }
        self.lingers_until = None;
        match self.builder.take_out().finish() {
            Ok(batch) => {
                self.writes += 1;
                let number = self.writes;
                let written = batch.writes.is_empty();
                if !written {
                    self.actions.push_back(Action::Write(number, Arc::new(batch.writes)));
                }
                let Batch { reached, records, puts, removes, bytes, oldest, awaits, .. } = batch;
                self.tracker.note_taken(&reached);
                self.counters.batch_sizes.observe(records, now);
                self.counters.bytes.add(bytes as u64);
                self.in_flight = Some(InFlight {
                    number,
                    reached,
                    records,
                    puts,
                    removes,
                    bytes,
                    oldest,
                    began: now,
                    awaits,
                    written,
                });
                if written {
                    self.on_batch_written();
                }
            }
            Err(error) => self.fail(TaskFailure::Write(error.to_string())),
        }
    }

    /// Confirms the batch in flight, if it is written and its dead letters are answered.
    fn confirm(&mut self) {
        let Some(batch) = self.in_flight.take_if(|batch| batch.written && batch.awaits.is_empty()) else {
            return;
        };
        *self.counters.holding.lock() = None;
        self.stretch = 1;
        self.counters.confirmed.add(batch.records);
        self.counters.puts.add(batch.puts);
        self.counters.removes.add(batch.removes);
        self.counters.batches.add(1);
        if let Some(oldest) = batch.oldest {
            self.counters.latencies.observe_since(oldest);
        }
        self.tracker.confirm(&batch.reached);
        let Self { tracker, refused, reports, .. } = self;
        let confirmed = |source: &RecordId| tracker.is_confirmed(source.partition, source.offset);
        refused.retain(|source, _| !confirmed(source));
        reports.confirmed(confirmed);
    }

    fn let_go(&mut self, partitions: Vec<TopicPartition>) {
        let numbers = self.tracker.release(&partitions);
        self.commits.release(&partitions);
        self.counters.forget_lags(&partitions);
        self.refused.retain(|source, _| !numbers.contains(&source.partition));
        self.reports.release(&numbers);
        self.builder.end_run();
        self.actions.push_back(Action::Release(partitions));
    }

    fn abandon(&mut self) {
        if self.in_flight.take().is_some_and(|batch| !batch.written) {
            self.counters.batches_abandoned.add(1);
            self.actions.push_back(Action::Abandon);
        }
        *self.counters.holding.lock() = None;
        self.builder = BatchBuilder::default();
    }

    /// Seeks back to the first unconfirmed record of each partition that is kept.
    fn rewind(&mut self) {
        self.jumps.clear();
        self.actions.extend(self.tracker.rewind().into_iter().map(|(tp, at)| Action::Seek(tp, at)));
    }

    /// Saves or commits, if it is due and a position has changed.
    fn flush(&mut self, now: Instant) {
        if self.commits.gives_up(now) {
            self.counters.commit_timeouts.add(1);
            self.counters.commit_outcomes.observe(0.0, now);
            tracing::warn!(
                task = self.task,
                "offset commit not answered within offset.flush.timeout.ms, retrying"
            );
            self.tracker.commit_failed();
        }
        // A revoke and a stop wait for the answer, or lag tools and the next owner would see an older position.
        let urgent = match self.phase {
            Phase::Running => !self.revokes.is_empty(),
            Phase::Stopping { .. } => true,
            Phase::Over => return,
        };
        self.actions.extend(self.commits.next(&mut self.tracker, urgent, now));
    }
}

fn counted(count: &mut u64) -> bool {
    *count += 1;
    true
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
