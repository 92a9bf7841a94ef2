//! When positions are saved and committed: after the first batch, at the interval, and at once where a revoke or a stop
//! waits for it. Where the maps are saved with their positions, a commit names only what a save has answered.
//!
//! Pure: no I/O, no clock.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use coherence_kafka_rdkafka::record::{CommitError, TopicPartition};

use super::{Action, CommitNumber, DeliveryOptions};
use crate::offset_tracker::OffsetTracker;

/// How long an urgent save or commit waits after a failure before it is sent again.
const RETRY: Duration = Duration::from_millis(100);

/// The commits of one delivery, of which at most one is on its way.
#[derive(Debug)]
pub(super) struct Commits {
    /// `offset.flush.interval.ms`.
    interval: Duration,
    /// `offset.flush.timeout.ms`.
    timeout: Duration,
    /// The maps are saved before a commit.
    saves: bool,
    step: Step,
    sent: CommitNumber,
    /// When the next periodic one is due; the first one follows the first batch.
    next: Instant,
    /// After a failure the next attempt waits until then.
    not_before: Instant,
    /// Topics of which at least one does not exist, according to the latest answer.
    unknown: BTreeSet<String>,
    /// A position was not stored because its topic does not exist. It is not awaited; the next periodic commit names it
    /// again, for a broker that does not know an existing topic yet.
    names_again: bool,
}

#[derive(Debug)]
enum Step {
    Idle,
    /// These are being saved, and are committed then.
    Saving(CommitNumber, Vec<(TopicPartition, i64)>),
    /// Sent at this time.
    Committing(CommitNumber, Instant),
}

impl Commits {
    pub(super) fn new(options: &DeliveryOptions, now: Instant) -> Self {
        Self {
            interval: options.flush_interval,
            timeout: options.flush_timeout,
            saves: options.saves,
            step: Step::Idle,
            sent: 0,
            next: now,
            not_before: now,
            unknown: BTreeSet::new(),
            names_again: false,
        }
    }

    /// Makes the next commit due now.
    pub(super) fn hurry(&mut self) {
        self.next = self.not_before;
    }

    /// Returns true while nothing is being saved or committed.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.step, Step::Idle)
    }

    /// Returns the next save or commit, if one is due and a position has changed. `urgent` where a revoke or a stop
    /// waits for it.
    pub(super) fn next(&mut self, tracker: &mut OffsetTracker, urgent: bool, now: Instant) -> Option<Action> {
        let due = if urgent { now >= self.not_before } else { now >= self.next };
        if !due || !self.is_idle() {
            return None;
        }
        if !urgent && std::mem::take(&mut self.names_again) {
            tracker.commit_failed();
        }
        let offsets: Vec<_> = tracker.to_commit().map(|(tp, next)| (tp.clone(), next)).collect();
        if offsets.is_empty() {
            return None;
        }
        tracker.commit_sent();
        self.next = now + self.interval;
        if !self.saves {
            return Some(self.commit(offsets, now));
        }
        self.sent += 1;
        self.step = Step::Saving(self.sent, offsets.clone());
        Some(Action::Save(self.sent, offsets))
    }

    /// Handles the answer to a save. Returns the commit that follows, of partitions that are still assigned.
    pub(super) fn on_saved(&mut self, number: CommitNumber, saved: bool, now: Instant) -> Option<Action> {
        let offsets = match &mut self.step {
            Step::Saving(sent, offsets) if *sent == number => std::mem::take(offsets),
            _ => return None,
        };
        self.step = Step::Idle;
        if !saved {
            self.not_before = now + RETRY;
            return None;
        }
        (!offsets.is_empty()).then(|| self.commit(offsets, now))
    }

    /// Returns the number of the last save or commit.
    pub(super) fn number(&self) -> CommitNumber {
        self.sent
    }

    /// Handles the answer to a commit. Returns how long it took; `None` where the commit was given up before: its
    /// positions were already sent again.
    pub(super) fn on_committed(
        &mut self,
        number: CommitNumber,
        outcome: &Result<(), CommitError>,
        now: Instant,
    ) -> Option<Duration> {
        let began = match self.step {
            Step::Committing(sent, began) if sent == number => began,
            _ => return None,
        };
        self.step = Step::Idle;
        match outcome {
            Ok(()) => self.unknown.clear(),
            Err(CommitError::UnknownTopics(_)) => {}
            Err(CommitError::Failed(_)) => self.not_before = now + RETRY,
        }
        Some(now.saturating_duration_since(began))
    }

    /// Handles a commit that stored all positions except those of topics that do not exist, at least one of these.
    /// Returns true where one of them was not known yet.
    pub(super) fn on_unknown(&mut self, topics: &[String]) -> bool {
        self.names_again = true;
        let known = self.unknown.len();
        self.unknown.extend(topics.iter().cloned());
        self.unknown.len() > known
    }

    /// Gives up a commit that was not answered in time; a late answer to it does not concern the next one. Returns true
    /// where one was given up.
    pub(super) fn gives_up(&mut self, now: Instant) -> bool {
        let late = matches!(self.step, Step::Committing(_, sent) if now > sent + self.timeout);
        if late {
            self.step = Step::Idle;
        }
        late
    }

    /// Forgets partitions that are gone: nothing is committed for them.
    pub(super) fn release(&mut self, partitions: &[TopicPartition]) {
        if let Step::Saving(_, offsets) = &mut self.step {
            offsets.retain(|(tp, _)| !partitions.contains(tp));
        }
    }

    fn commit(&mut self, offsets: Vec<(TopicPartition, i64)>, now: Instant) -> Action {
        self.sent += 1;
        self.step = Step::Committing(self.sent, now);
        Action::Commit(self.sent, offsets)
    }
}
